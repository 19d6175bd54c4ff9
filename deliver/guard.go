package deliver

import (
	"context"
	"encoding/binary"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

const maxURLLen = 2048

// Guard says where a [Client] may send. The zero value is the strictest: https
// to ports 443 and 8443 of public addresses.
//
// Every address is judged when it is dialed, after DNS, at each try, by the
// function that judges a literal address at registration; so a name that
// changes its address in between gains nothing. Refused by default are IANA's
// special-purpose ranges and multicast, IPv6 outside of global unicast, the
// metadata addresses of clouds, and everything with a zone. The IPv4 address
// inside a mapped, compatible, translated, 6to4, NAT64, Teredo or ISATAP address
// is judged as well.
type Guard struct {
	// Allow lists exceptions: addresses that are allowed though the defaults
	// refuse them. An IPv4 prefix stands for these addresses however they are
	// written, as ::ffff:127.0.0.1 is 127.0.0.1, and also lets them stand inside of
	// public IPv6 addresses (ISATAP). It opens none of the refused ranges that
	// contain IPv4 addresses, and an IPv6 prefix does not open what is refused
	// inside its addresses. Names of private networks, such as those without a
	// dot, are accepted only if Allow has an entry, since only then can their
	// addresses be.
	Allow []netip.Prefix

	// Deny lists what is refused in addition, whatever Allow says: public
	// addresses of one's own that trust each other, or the network's own NAT64
	// prefix. An IPv4 prefix also stands for the addresses inside of IPv6 ones.
	Deny []netip.Prefix

	// PlainHTTP allows http next to https, and port 80 for it.
	PlainHTTP bool

	// Ports are allowed in addition to 443 and 8443.
	Ports []uint16

	// AnyPort allows all ports.
	AnyPort bool
}

// Loopback returns the prefixes of this machine's own addresses, for
// [Guard.Allow] in tests and first steps.
func Loopback() []netip.Prefix {
	return []netip.Prefix{
		netip.PrefixFrom(netip.AddrFrom4([4]byte{127}), 8),
		netip.PrefixFrom(netip.IPv6Loopback(), 128),
	}
}

// guard is a Guard made ready to judge.
type guard struct {
	never   []netip.Prefix
	allow   []netip.Prefix
	deny    []denial
	plain   bool
	anyPort bool
	ports   []uint16
}

type denial struct {
	prefix netip.Prefix
	why    string
}

func newGuard(g Guard) (*guard, error) {
	if err := checkPrefixes("Guard.Allow", g.Allow); err != nil {
		return nil, err
	}
	if err := checkPrefixes("Guard.Deny", g.Deny); err != nil {
		return nil, err
	}
	ready := &guard{
		never:   slices.Clone(g.Deny),
		allow:   slices.Clone(g.Allow),
		deny:    denials(),
		plain:   g.PlainHTTP,
		anyPort: g.AnyPort,
		ports:   append([]uint16{443, 8443}, g.Ports...),
	}
	if g.PlainHTTP {
		ready.ports = append(ready.ports, 80)
	}
	return ready, nil
}

// checkPrefixes refuses prefixes that would match nothing: addresses are judged
// without their zone and in their IPv4 form.
func checkPrefixes(what string, list []netip.Prefix) error {
	for _, p := range list {
		switch {
		case !p.IsValid():
			return invalid("%s has a prefix that is not valid", what)
		case p.Addr().Is4In6():
			return invalid("%s has %s; write the IPv4 prefix, it stands for the mapped form too", what, p)
		}
	}
	return nil
}

// denials lists what is refused by default. The first match gives the reason.
func denials() []denial {
	list := []struct{ prefix, why string }{
		{"0.0.0.0/8", "this network"},
		{"10.0.0.0/8", "private"},
		{"100.64.0.0/10", "shared address space"},
		{"127.0.0.0/8", "loopback"},
		{"168.63.129.16/32", "a cloud's host"},
		{"169.254.0.0/16", "link-local, cloud metadata"},
		{"172.16.0.0/12", "private"},
		{"192.0.0.0/24", "protocol assignments"},
		{"192.0.2.0/24", "documentation"},
		{"192.31.196.0/24", "AS112"},
		{"192.52.193.0/24", "AMT"},
		{"192.88.99.0/24", "6to4 relay"},
		{"192.168.0.0/16", "private"},
		{"192.175.48.0/24", "AS112"},
		{"198.18.0.0/15", "benchmarking"},
		{"198.51.100.0/24", "documentation"},
		{"203.0.113.0/24", "documentation"},
		{"224.0.0.0/4", "multicast"},
		{"240.0.0.0/4", "reserved"},
		{"::/128", "unspecified"},
		{"::1/128", "loopback"},
		{"::/96", "IPv4-compatible"},
		{"64:ff9b::/96", "NAT64"},
		{"64:ff9b:1::/48", "local NAT64"},
		{"100::/64", "discard"},
		{"2001::/32", "Teredo"},
		{"2001::/23", "protocol assignments"},
		{"2001:db8::/32", "documentation"},
		{"2002::/16", "6to4"},
		{"2620:4f:8000::/48", "AS112"},
		{"3fff::/20", "documentation"},
		{"5f00::/16", "segment routing"},
		{"fd00:ec2::/32", "private, cloud metadata"},
		{"fc00::/7", "unique local"},
		{"fe80::/10", "link-local"},
		{"fec0::/10", "site-local"},
		{"ff00::/8", "multicast"},
		// What is left of IPv6 outside of 2000::/3 is not assigned.
		{"::/3", "not global unicast"},
		{"4000::/2", "not global unicast"},
		{"8000::/1", "not global unicast"},
	}
	ready := make([]denial, len(list))
	for i, d := range list {
		ready[i] = denial{prefix: netip.MustParsePrefix(d.prefix), why: d.why}
	}
	return ready
}

// judge is the one place that decides on an address.
func (g *guard) judge(addr netip.Addr) error {
	if !addr.IsValid() {
		return refused("not an address")
	}
	// A prefix never contains an address with a zone, so no rule would match.
	if addr.Zone() != "" {
		return refused("address has a zone")
	}
	addr = addr.Unmap()
	for _, inner := range embedded(addr) {
		if why := g.denied(inner); why != "" {
			return refused("%s contains %s: %s", addr, inner, why)
		}
	}
	if why := g.denied(addr); why != "" {
		return refused("%s: %s", addr, why)
	}
	return nil
}

func (g *guard) denied(addr netip.Addr) string {
	for _, p := range g.never {
		if p.Contains(addr) {
			return "in Guard.Deny"
		}
	}
	for _, p := range g.allow {
		if p.Contains(addr) {
			return ""
		}
	}
	for _, d := range g.deny {
		if d.prefix.Contains(addr) {
			return d.why
		}
	}
	return ""
}

// embedded returns the IPv4 addresses that an IPv6 address leads to on networks
// that translate or tunnel it. Mapped addresses are unmapped before.
func embedded(addr netip.Addr) []netip.Addr {
	if !addr.Is6() {
		return nil
	}
	b := addr.As16()
	v4 := func(i int) netip.Addr { return netip.AddrFrom4([4]byte(b[i : i+4])) }
	var found []netip.Addr
	head := binary.BigEndian.Uint32(b[:4])
	switch {
	case head == 0 && binary.BigEndian.Uint64(b[4:12]) == 0 && binary.BigEndian.Uint32(b[12:]) > 1: // compatible; not :: and ::1
		found = append(found, v4(12))
	case head == 0x0064ff9b && binary.BigEndian.Uint64(b[4:12]) == 0: // NAT64, well-known prefix
		found = append(found, v4(12))
	case head == 0 && binary.BigEndian.Uint64(b[4:12]) == 0xffff_0000: // translated (SIIT)
		found = append(found, v4(12))
	case head == 0x0064ff9b && b[4] == 0 && b[5] == 1: // NAT64, local prefix
		// Whether the network's prefix has 48 bits or 96 cannot be seen, and a
		// translator may ignore what follows the address. So both are judged,
		// but for the one that is empty because the other is meant.
		short, long := netip.AddrFrom4([4]byte{b[6], b[7], b[9], b[10]}), v4(12)
		if !short.IsUnspecified() || long.IsUnspecified() {
			found = append(found, short)
		}
		if !long.IsUnspecified() {
			found = append(found, long)
		}
	case head == 0x20010000: // Teredo: the server, and the client with its bits flipped
		found = append(found, v4(4), netip.AddrFrom4([4]byte{^b[12], ^b[13], ^b[14], ^b[15]}))
	case head>>16 == 0x2002: // 6to4
		found = append(found, v4(2))
	}
	if binary.BigEndian.Uint32(b[8:12])&^0x02000000 == 0x00005efe { // ISATAP, below any prefix
		found = append(found, v4(12))
	}
	return found
}

// control judges an address that is about to be dialed. It is a
// [net.Dialer.ControlContext], called after DNS for each address that is tried.
func (g *guard) control(_ context.Context, network, address string, _ syscall.RawConn) error {
	if !strings.HasPrefix(network, "tcp") {
		return refused("network %s", network)
	}
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return refused("dialed address is not an address")
	}
	if err := g.judgePort(at.Port()); err != nil {
		return err
	}
	return g.judge(at.Addr())
}

func (g *guard) judgePort(port uint16) error {
	if port != 0 && (g.anyPort || slices.Contains(g.ports, port)) {
		return nil
	}
	return refused("port %d is not allowed", port)
}

// judgeURL judges what a URL that parseURL accepted tells before DNS.
func (g *guard) judgeURL(u *url.URL) error {
	if u.Scheme == "http" && !g.plain {
		return refused("http is not allowed, only https")
	}
	if err := g.judgePort(portOf(u)); err != nil {
		return err
	}
	host := u.Hostname()
	if addr, err := netip.ParseAddr(host); err == nil {
		return g.judge(addr)
	}
	if len(g.allow) == 0 && isLocalName(host) {
		return refused("host name belongs to a private network")
	}
	return nil
}

// parseURL reads an endpoint's URL and refuses whatever different parsers may
// understand differently.
func parseURL(raw string) (*url.URL, error) {
	if len(raw) > maxURLLen {
		return nil, invalid("URL is longer than %d bytes", maxURLLen)
	}
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return nil, invalid("URL is malformed") // the parser's error repeats the URL
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, invalid("URL must begin with https://")
	case u.User != nil:
		return nil, invalid("URL must not hold userinfo; credentials are the signer's")
	case u.Fragment != "" || strings.HasSuffix(raw, "#"):
		return nil, invalid("URL must not hold a fragment")
	case u.Hostname() == "":
		return nil, invalid("URL has no host")
	case portOf(u) == 0:
		return nil, invalid("URL's port is not between 1 and 65535")
	}
	u.Host = strings.TrimSuffix(u.Host, ":") // a port that is not there
	host := u.Hostname()
	if addr, err := netip.ParseAddr(host); err == nil {
		if addr.Zone() != "" {
			return nil, refused("address has a zone")
		}
		return u, nil
	}
	if why := oddName(host); why != "" {
		return nil, refused("%s", why)
	}
	return u, nil
}

// portOf returns the port that a URL leads to; 0 if it has one that is none.
func portOf(u *url.URL) uint16 {
	text := u.Port()
	switch {
	case text == "" && u.Scheme == "http":
		return 80
	case text == "":
		return 443
	}
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return 0
	}
	return uint16(n)
}

// oddName says what is wrong with a host name: all that is not a plain ASCII
// name, and all that ends in a number, which some resolvers take for an IPv4
// address (0x7f.1, 2130706433).
func oddName(host string) string {
	if len(host) > 253 {
		return "host name is too long"
	}
	labels := strings.Split(host, ".")
	for _, l := range labels {
		if l == "" || len(l) > 63 || l[0] == '-' || l[len(l)-1] == '-' {
			return "host name has a malformed label"
		}
		for i := range len(l) {
			c := l[i] | 0x20 // lower case
			if (c < 'a' || c > 'z') && (l[i] < '0' || l[i] > '9') && l[i] != '-' && l[i] != '_' {
				return "host name has other characters than letters, digits, '-' and '_'; write an international one in its xn-- form"
			}
		}
	}
	last := strings.ToLower(labels[len(labels)-1])
	if strings.Trim(last, "0123456789") == "" {
		return "host is a number in an odd notation"
	}
	if hex, ok := strings.CutPrefix(last, "0x"); ok && strings.Trim(hex, "0123456789abcdef") == "" {
		return "host is a number in an odd notation"
	}
	return ""
}

func isLocalName(host string) bool {
	host = strings.ToLower(host)
	if !strings.Contains(host, ".") {
		return true
	}
	for _, suffix := range []string{".localhost", ".local", ".internal", ".intranet", ".lan", ".home.arpa", ".localdomain"} {
		if strings.HasSuffix(host, suffix) {
			return true
		}
	}
	return false
}
