package verify

import (
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// forwardedFor is the one header that is read for an address.
const forwardedFor = "X-Forwarded-For"

// maxHops bounds how many proxies are followed.
const maxHops = 32

// Source says which addresses requests may come from. It is one more lock on the
// door, and no proof of a sender: keep the check that stands behind it.
//
// The address is that of the connection. When that is one of Proxies, it is the
// right-most address in X-Forwarded-For, all of its lines in order, that is not
// one of Proxies: what stands left of it can be written by anyone. A header that
// is missing, has something else than addresses up to there, or has proxies
// only, is refused. No other header is looked at.
//
// An IPv4 address written as an IPv6 one is the IPv4 address. An address with a
// zone is in no prefix.
type Source struct {
	// Allow holds the prefixes that requests may come from. Required.
	Allow []netip.Prefix

	// Proxies holds the prefixes of the proxies in front that write
	// X-Forwarded-For, or add to it. Empty: the header is not looked at.
	Proxies []netip.Prefix
}

// sources is a Source that was checked.
type sources struct{ allow, proxies []netip.Prefix }

// newSources returns nil when any address will do.
func newSources(s *Source) (*sources, error) {
	if s == nil {
		return nil, nil
	}
	if len(s.Allow) == 0 {
		return nil, configError("Source allows no address: fill Allow, or leave Source nil")
	}
	for _, p := range s.Proxies {
		if p.IsValid() && p.Bits() == 0 {
			return nil, configError("Source trusts every address as a proxy: name those that are")
		}
	}
	for _, list := range []struct {
		name     string
		prefixes []netip.Prefix
	}{{"Allow", s.Allow}, {"Proxies", s.Proxies}} {
		for i, p := range list.prefixes {
			flaw := ""
			switch {
			case !p.IsValid():
				flaw = "is not valid"
			case p.Addr().Is4In6():
				flaw = "is an IPv4 one written as IPv6: write it as IPv4"
			case p != p.Masked():
				flaw = "names an address within: write " + p.Masked().String()
			}
			if flaw != "" {
				return nil, configError("prefix " + strconv.Itoa(i+1) + " of Source." + list.name + " " + flaw)
			}
		}
	}
	return &sources{slices.Clone(s.Allow), slices.Clone(s.Proxies)}, nil
}

// admit returns nil when the request may come from where it does.
func (s *sources) admit(r *http.Request) error {
	conn, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return &Error{Reason: "the connection has no address", Err: ErrSource}
	}
	addr := conn.Addr().Unmap()
	header := ""
	if contains(s.proxies, addr) {
		var ok bool
		if addr, ok = s.forwarded(r.Header[forwardedFor]); !ok {
			return &Error{Header: forwardedFor, Reason: "a proxy is there, and no address before it", Err: ErrSource}
		}
		header = forwardedFor
	}
	if !contains(s.allow, addr) {
		return &Error{Header: header, Err: ErrSource}
	}
	return nil
}

// forwarded returns the right-most address that is no proxy.
func (s *sources) forwarded(lines []string) (netip.Addr, bool) {
	hops := 0
	for _, line := range slices.Backward(lines) {
		for more := true; more; hops++ {
			if hops == maxHops {
				return netip.Addr{}, false
			}
			text := line
			i := strings.LastIndexByte(line, ',')
			if more = i >= 0; more {
				line, text = line[:i], line[i+1:]
			}
			addr, err := netip.ParseAddr(strings.Trim(text, " \t"))
			if err != nil {
				return netip.Addr{}, false
			}
			if addr = addr.Unmap(); !contains(s.proxies, addr) {
				return addr, true
			}
		}
	}
	return netip.Addr{}, false
}

func contains(prefixes []netip.Prefix, addr netip.Addr) bool {
	for _, p := range prefixes {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}
