package deliver

import (
	"math/big"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"
)

func FuzzParseRetryAfter(f *testing.F) {
	for _, s := range []string{"", "0", "120", "86400", "99999999999999999999", "-1", "1.5", "Sun, 01 Mar 2026 12:05:00 GMT", "Sun Mar  1 12:00:09 2026", "\x00"} {
		f.Add(s, int64(1772366400))
	}
	f.Fuzz(func(t *testing.T, value string, unix int64) {
		d := parseRetryAfter(value, time.Unix(unix%(1<<40), 0))
		if d < 0 || d > 24*time.Hour {
			t.Errorf("%q is %s", value, d)
		}
		if d%time.Second != 0 {
			t.Errorf("%q has a fraction of a second: %s", value, d)
		}
		if digits := strings.TrimSpace(value); onlyDigits.MatchString(digits) {
			seconds, _ := new(big.Int).SetString(digits, 10)
			if want := min(seconds.Uint64(), 86400); seconds.IsUint64() && d != time.Duration(want)*time.Second {
				t.Errorf("%q is %s", value, d)
			}
			if !seconds.IsUint64() && d != 24*time.Hour {
				t.Errorf("%q is %s", value, d)
			}
		}
	})
}

// special lists the refused ranges once more, as their first and last addresses,
// so that a slip in a prefix shows.
func special() [][2]netip.Addr {
	var list [][2]netip.Addr
	for _, r := range []string{
		"0.0.0.0 0.255.255.255", "10.0.0.0 10.255.255.255", "100.64.0.0 100.127.255.255", "127.0.0.0 127.255.255.255",
		"168.63.129.16 168.63.129.16", "169.254.0.0 169.254.255.255", "172.16.0.0 172.31.255.255",
		"192.0.0.0 192.0.0.255", "192.0.2.0 192.0.2.255", "192.31.196.0 192.31.196.255", "192.52.193.0 192.52.193.255",
		"192.88.99.0 192.88.99.255", "192.168.0.0 192.168.255.255", "192.175.48.0 192.175.48.255",
		"198.18.0.0 198.19.255.255", "198.51.100.0 198.51.100.255", "203.0.113.0 203.0.113.255", "224.0.0.0 255.255.255.255",
		":: 1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2001:: 2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff",
		"2001:db8:: 2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "2002:: 2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
		"2620:4f:8000:: 2620:4f:8000:ffff:ffff:ffff:ffff:ffff", "3fff:: 3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff",
		"4000:: ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
	} {
		first, last, _ := strings.Cut(r, " ")
		list = append(list, [2]netip.Addr{netip.MustParseAddr(first), netip.MustParseAddr(last)})
	}
	return list
}

// isSpecial judges by those ranges and by the address's text. What contains an
// IPv4 address outside of them is ISATAP alone.
func isSpecial(ranges [][2]netip.Addr, addr netip.Addr) bool {
	digits := strings.ReplaceAll(addr.StringExpanded(), ":", "")
	if inner := innerOf(digits); inner.IsValid() && isSpecial(ranges, inner) {
		return true
	}
	for _, r := range ranges {
		if addr.BitLen() == r[0].BitLen() && addr.Compare(r[0]) >= 0 && addr.Compare(r[1]) <= 0 {
			return true
		}
	}
	return false
}

// innerOf returns the address inside of an ISATAP one, given in 32 digits.
func innerOf(digits string) netip.Addr {
	if len(digits) != 32 || digits[16:24] != "00005efe" && digits[16:24] != "02005efe" {
		return netip.Addr{}
	}
	n, err := strconv.ParseUint(digits[24:], 16, 32)
	if err != nil {
		return netip.Addr{}
	}
	return netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
}

// FuzzGuard checks the judgement of addresses against the list of ranges above
// and the predicates of net/netip, and of an address against its other spellings.
func FuzzGuard(f *testing.F) {
	for _, s := range []string{
		"8.8.8.8", "127.0.0.1", "::1", "::ffff:10.0.0.1", "64:ff9b::10.0.0.1", "64:ff9b:1:a00:0:100::", "2002:a00:1::",
		"2001:0:808:808::f7f7:f7f7", "2a00::5efe:a00:1", "2600::1", "fe80::1%lo", "fd00:ec2::254", "::ffff:0:127.0.0.1",
		"64:ff9b:1:7f00:0:100:808:808", "3fff:1000::", "168.63.129.16",
	} {
		addr := netip.MustParseAddr(s)
		f.Add(addr.AsSlice(), addr.Zone())
	}
	strict, err := newGuard(Guard{})
	if err != nil {
		f.Fatal(err)
	}
	open, err := newGuard(Guard{Allow: []netip.Prefix{netip.MustParsePrefix("::/0")}})
	if err != nil {
		f.Fatal(err)
	}
	ranges := special()
	f.Fuzz(func(t *testing.T, b []byte, zone string) {
		addr, ok := netip.AddrFromSlice(b)
		if !ok {
			return
		}
		if zone != "" && addr.Is6() {
			if strict.judge(addr.WithZone(zone)) == nil || open.judge(addr.WithZone(zone)) == nil {
				t.Errorf("%s is allowed with a zone", addr)
			}
		}
		allowed := strict.judge(addr) == nil
		plain := addr.Unmap()
		if allowed == isSpecial(ranges, plain) {
			t.Errorf("%s: allowed is %t", addr, allowed)
		}
		if allowed && (plain.IsPrivate() || plain.IsLoopback() || plain.IsMulticast() ||
			plain.IsLinkLocalUnicast() || plain.IsUnspecified() || !plain.IsGlobalUnicast()) {
			t.Errorf("%s is allowed", addr)
		}
		for _, inner := range embedded(plain) {
			refused := strict.judge(inner) != nil
			if allowed && refused {
				t.Errorf("%s is allowed and contains %s", addr, inner)
			}
			if refused && open.judge(addr) == nil {
				t.Errorf("an IPv6 prefix opens %s, which contains %s", addr, inner)
			}
		}
		if plain.Is4() {
			mapped := netip.AddrFrom16(plain.As16())
			if (strict.judge(mapped) == nil) != (strict.judge(plain) == nil) {
				t.Errorf("%s and %s are judged apart", plain, mapped)
			}
		}
	})
}

// FuzzParseURL checks that what the guard accepts as written is one host to
// every parser: a plain address or a plain name.
func FuzzParseURL(f *testing.F) {
	for _, s := range []string{
		"https://hooks.example.com/in?a=b", "https://127.0.0.1/", "https://[::1%25lo]/", "https://0x7f.1/", "https://a:b@c/",
		"https://2130706433/", "http://x#", "https://１２７.1/", "https:///", "https://[::ffff:1.2.3.4]:443/", "https://a.b.:8443",
	} {
		f.Add(s)
	}
	strict, err := newGuard(Guard{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		u, err := parseURL(raw)
		if err != nil || strict.judgeURL(u) != nil {
			return
		}
		if u.Scheme != "https" || u.User != nil || u.Fragment != "" {
			t.Errorf("%q is accepted", raw)
		}
		host := u.Hostname()
		if addr, err := netip.ParseAddr(host); err == nil {
			if strict.judge(addr) != nil {
				t.Errorf("%q is accepted", raw)
			}
			return
		}
		for i := range len(host) {
			if host[i] <= ' ' || host[i] >= 0x7f || host[i] == '%' || host[i] == ':' || host[i] == '@' {
				t.Errorf("%q is accepted with host %q", raw, host)
			}
		}
		if endsInNumber(host) {
			t.Errorf("%q is accepted, though its host is a number", raw)
		}
	})
}

// endsInNumber reports whether the last label of a host is a number.
func endsInNumber(host string) bool {
	for i := len(host) - 1; i >= 0 && host[i] != '.'; i-- {
		if host[i] < '0' || host[i] > '9' {
			return false
		}
	}
	return true
}
