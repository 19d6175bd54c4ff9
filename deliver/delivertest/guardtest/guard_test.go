package guardtest

import (
	"math/rand/v2"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"code.dny.dev/ssrf"
	"github.com/stretchr/testify/require"

	"example.com/paperround/deliver"
	"example.com/paperround/topic"
)

type signer struct{}

func (signer) Sign(http.Header, string, time.Time, []byte) error { return nil }

// ours judges an address as the guard does at registration and at dialing.
func ours(t *testing.T) func(netip.Addr) bool {
	t.Helper()
	client, err := deliver.NewClient(nil)
	require.NoError(t, err)
	return func(addr netip.Addr) bool {
		host := addr.String()
		if addr.Is6() {
			host = "[" + strings.Replace(host, "%", "%25", 1) + "]"
		}
		return client.Check(&deliver.Endpoint{
			ID: "e1", URL: "https://" + host + "/", Topics: []topic.Pattern{topic.Everything}, Signer: signer{},
		}) == nil
	}
}

// theirs judges an address as it would be dialed: net.Dialer says tcp4 or tcp6,
// and passes a mapped address in its IPv4 form.
func theirs() func(netip.Addr) bool {
	guardian := ssrf.New()
	return func(addr netip.Addr) bool {
		addr = addr.Unmap()
		network := "tcp6"
		if addr.Is4() {
			network = "tcp4"
		}
		return guardian.Safe(network, netip.AddrPortFrom(addr, 443).String(), nil) == nil
	}
}

// laxer lists what they refuse and we do not. There is nothing in it; an entry
// needs a reason.
func laxer() []netip.Prefix { return nil }

// compare reports whether the two agree; we may be stricter.
func compare(t *testing.T, addr netip.Addr, us, them bool) bool {
	t.Helper()
	for _, p := range laxer() {
		if p.Contains(addr.Unmap()) {
			return true
		}
	}
	if us && !them {
		t.Errorf("%s: the guard allows it, ssrf refuses it", addr)
	}
	return us == them
}

func TestTable(t *testing.T) {
	t.Parallel()
	table, err := os.ReadFile("../../testdata/guard.txt")
	require.NoError(t, err)
	we, they := ours(t), theirs()
	var compared int
	for line := range strings.Lines(string(table)) {
		parts := strings.Split(strings.TrimSpace(line), " | ")
		if len(parts) != 3 {
			continue
		}
		addr, err := netip.ParseAddr(strings.Replace(parts[1], "%25", "%", 1))
		if err != nil {
			continue // a name
		}
		compared++
		us, them := we(addr), they(addr)
		require.Equal(t, parts[0] == "allowed", us, addr)
		if !compare(t, addr, us, them) {
			t.Logf("stricter: %s (%s)", addr, parts[2])
		}
	}
	require.Greater(t, compared, 150)
}

// The sample is random over each family, around the edges of what they refuse,
// and over the forms of IPv6 that contain IPv4.
func TestSample(t *testing.T) {
	t.Parallel()
	const perKind = 5_000
	rnd := rand.New(rand.NewPCG(1, 2)) // the same every time
	random4 := func() netip.Addr {
		n := rnd.Uint32()
		return netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
	}
	random6 := func() netip.Addr {
		var b [16]byte
		for i := range b {
			b[i] = byte(rnd.Uint32())
		}
		return netip.AddrFrom16(b)
	}
	within := func(p netip.Prefix, from netip.Addr) netip.Addr { // the prefix's bits, then from's
		b, head := from.AsSlice(), p.Addr().AsSlice()
		for i := range p.Bits() {
			bit := byte(0x80) >> (i % 8)
			b[i/8] = b[i/8]&^bit | head[i/8]&bit
		}
		addr, _ := netip.AddrFromSlice(b)
		return addr
	}
	denied := append([]netip.Prefix{ssrf.IPv6NAT64Prefix, ssrf.IPv6GlobalUnicast}, ssrf.IPv4DeniedPrefixes...)
	denied = append(denied, ssrf.IPv6DeniedPrefixes...)
	isatap := func() netip.Addr {
		b, inner := within(ssrf.IPv6GlobalUnicast, random6()).As16(), random4().As4()
		copy(b[8:], []byte{0, 0, 0x5e, 0xfe})
		copy(b[12:], inner[:])
		return netip.AddrFrom16(b)
	}
	we, they := ours(t), theirs()
	for name, next := range map[string]func() netip.Addr{
		"IPv4":           random4,
		"IPv6":           random6,
		"global unicast": func() netip.Addr { return within(ssrf.IPv6GlobalUnicast, random6()) },
		"mapped":         func() netip.Addr { return netip.AddrFrom16(random4().As16()) },
		"ISATAP":         isatap,
		"refused ranges": func() netip.Addr {
			p := denied[rnd.IntN(len(denied))]
			if p.Addr().Is4() {
				return within(p, random4())
			}
			return within(p, random6())
		},
		"edges of them": func() netip.Addr {
			p := denied[rnd.IntN(len(denied))].Masked()
			ones := netip.AddrFrom16([16]byte{255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255})
			if p.Addr().Is4() {
				ones = netip.AddrFrom4([4]byte{255, 255, 255, 255})
			}
			last := within(p, ones)
			around := []netip.Addr{p.Addr(), p.Addr().Prev(), last, last.Next()}
			addr := around[rnd.IntN(len(around))]
			if !addr.IsValid() {
				return p.Addr()
			}
			return addr
		},
	} {
		var stricter int
		var example netip.Addr
		for range perKind {
			addr := next()
			us, them := we(addr), they(addr)
			if !compare(t, addr, us, them) {
				stricter++
				example = addr
			}
		}
		if stricter > 0 {
			t.Logf("%s: of %d the guard refuses %d more, such as %s", name, perKind, stricter, example)
		}
	}
}
