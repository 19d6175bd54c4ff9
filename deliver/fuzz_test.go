package deliver

import (
	"net/netip"
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
	})
}

// FuzzGuard checks the judgement of addresses against the predicates of
// net/netip, which know less, and of an address against its other spellings.
func FuzzGuard(f *testing.F) {
	for _, s := range []string{
		"8.8.8.8", "127.0.0.1", "::1", "::ffff:10.0.0.1", "64:ff9b::10.0.0.1", "64:ff9b:1:a00:0:100::", "2002:a00:1::",
		"2001:0:808:808::f7f7:f7f7", "2a00::5efe:a00:1", "2600::1", "fe80::1%lo", "fd00:ec2::254",
	} {
		f.Add(s)
	}
	strict, err := newGuard(Guard{})
	if err != nil {
		f.Fatal(err)
	}
	open, err := newGuard(Guard{Allow: []netip.Prefix{netip.MustParsePrefix("::/0")}})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, s string) {
		addr, err := netip.ParseAddr(s)
		if err != nil {
			return
		}
		allowed := strict.judge(addr) == nil
		plain := addr.Unmap()
		if allowed && (addr.Zone() != "" || plain.IsPrivate() || plain.IsLoopback() || plain.IsMulticast() ||
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
