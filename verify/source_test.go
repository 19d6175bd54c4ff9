package verify_test

import (
	"io"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/paperround/verify"
)

func prefixes(t *testing.T, texts ...string) []netip.Prefix {
	t.Helper()
	var out []netip.Prefix
	for _, text := range texts {
		p, err := netip.ParsePrefix(text)
		require.NoError(t, err)
		out = append(out, p)
	}
	return out
}

func TestSource(t *testing.T) {
	t.Parallel()
	direct := &verify.Source{Allow: prefixes(t, "192.0.2.0/24", "2001:db8::/32", "fe80::/10")}
	proxied := &verify.Source{Allow: direct.Allow, Proxies: prefixes(t, "10.0.0.0/8", "fd00::/8", "fe80::/10")}
	for name, tc := range map[string]struct {
		source *verify.Source
		remote string
		lines  []string // X-Forwarded-For
		ok     bool
	}{
		"allowed":                        {direct, "192.0.2.7:1234", nil, true},
		"allowed, IPv6":                  {direct, "[2001:db8::7]:1234", nil, true},
		"IPv4 as IPv6":                   {direct, "[::ffff:192.0.2.7]:1234", nil, true},
		"another":                        {direct, "198.51.100.7:1234", nil, false},
		"another, IPv6":                  {direct, "[2001:db9::7]:1234", nil, false},
		"another as IPv6":                {direct, "[::ffff:198.51.100.7]:1234", nil, false},
		"with a zone":                    {direct, "[fe80::7%eth0]:1234", nil, false},
		"without one":                    {direct, "[fe80::7]:1234", nil, true},
		"without a port":                 {direct, "192.0.2.7", nil, false},
		"no address":                     {direct, "", nil, false},
		"a socket":                       {direct, "@", nil, false},
		"a name":                         {direct, "example.org:1234", nil, false},
		"a leading zero":                 {direct, "192.0.02.7:1234", nil, false},
		"forwarded, nobody trusted":      {direct, "198.51.100.7:1234", []string{"192.0.2.7"}, false},
		"allowed, forwarded, nobody":     {direct, "192.0.2.7:1234", []string{"198.51.100.7"}, true},
		"forwarded, not by a proxy":      {proxied, "198.51.100.7:1234", []string{"192.0.2.7"}, false},
		"past the proxy":                 {proxied, "192.0.2.7:1234", []string{"198.51.100.7"}, true},
		"forwarded":                      {proxied, "10.0.0.1:1234", []string{"192.0.2.7"}, true},
		"forwarded as IPv6":              {proxied, "[::ffff:10.0.0.1]:1234", []string{"::ffff:192.0.2.7"}, true},
		"forwarded, IPv6":                {proxied, "[fd00::1]:1234", []string{"2001:db8::7"}, true},
		"forwarded, another":             {proxied, "10.0.0.1:1234", []string{"198.51.100.7"}, false},
		"the right-most counts":          {proxied, "10.0.0.1:1234", []string{"192.0.2.7, 198.51.100.7"}, false},
		"what stands left does not":      {proxied, "10.0.0.1:1234", []string{"198.51.100.7,192.0.2.7"}, true},
		"nor does nonsense left of it":   {proxied, "10.0.0.1:1234", []string{"junk, ,, 192.0.2.7"}, true},
		"through two proxies":            {proxied, "10.0.0.1:1234", []string{"192.0.2.7, 10.0.0.2"}, true},
		"two lines, the second counts":   {proxied, "10.0.0.1:1234", []string{"192.0.2.7", "198.51.100.7"}, false},
		"two lines, the second allowed":  {proxied, "10.0.0.1:1234", []string{"198.51.100.7", "192.0.2.7"}, true},
		"two lines, through a proxy":     {proxied, "10.0.0.1:1234", []string{"198.51.100.7, 192.0.2.7", "10.0.0.2, 10.0.0.3"}, true},
		"two lines, the second is empty": {proxied, "10.0.0.1:1234", []string{"192.0.2.7", ""}, false},
		"spaces and tabs":                {proxied, "10.0.0.1:1234", []string{"  192.0.2.7\t"}, true},
		"missing":                        {proxied, "10.0.0.1:1234", nil, false},
		"empty":                          {proxied, "10.0.0.1:1234", []string{""}, false},
		"proxies alone":                  {proxied, "10.0.0.1:1234", []string{"10.0.0.3, 10.0.0.2"}, false},
		"malformed":                      {proxied, "10.0.0.1:1234", []string{"192.0.2.7, junk"}, false},
		"malformed after a proxy":        {proxied, "10.0.0.1:1234", []string{"192.0.2.7, junk, 10.0.0.2"}, false},
		"an empty member":                {proxied, "10.0.0.1:1234", []string{"192.0.2.7,"}, false},
		"with a port":                    {proxied, "10.0.0.1:1234", []string{"192.0.2.7:80"}, false},
		"in brackets":                    {proxied, "10.0.0.1:1234", []string{"[2001:db8::7]"}, false},
		"forwarded with a zone":          {proxied, "10.0.0.1:1234", []string{"fe80::7%eth0"}, false},
		"a proxy with a zone":            {proxied, "[fe80::7%eth0]:1234", []string{"192.0.2.7"}, false},
		"31 proxies":                     {proxied, "10.0.0.1:1234", []string{"192.0.2.7" + strings.Repeat(", 10.0.0.2", 31)}, true},
		"32 proxies":                     {proxied, "10.0.0.1:1234", []string{"192.0.2.7" + strings.Repeat(", 10.0.0.2", 32)}, false},
		"32 proxies in lines":            {proxied, "10.0.0.1:1234", strings.Split("192.0.2.7"+strings.Repeat(",10.0.0.2", 32), ","), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newReceiver(t, inplayer(t), verify.HandlerOptions{Source: tc.source})
			req := request(t, hexBody)
			req.RemoteAddr = tc.remote
			for _, name := range []string{"X-Real-Ip", "Forwarded", "True-Client-Ip"} {
				req.Header.Set(name, "192.0.2.7")
			}
			req.Header["X-Forwarded-For"] = tc.lines
			res := serve(r, req)
			if tc.ok {
				require.Equal(t, http.StatusOK, res.Code)
				require.Empty(t, r.refusals)
				return
			}
			require.Equal(t, http.StatusForbidden, res.Code)
			require.Equal(t, "Forbidden\n", res.Body.String())
			require.Empty(t, r.bodies)
			require.Len(t, r.refusals, 1)
			require.ErrorIs(t, r.refusals[0].Err, verify.ErrSource)
			for _, line := range tc.lines {
				for member := range strings.SplitSeq(line, ",") {
					if member != "" {
						require.NotContains(t, r.refusals[0].Err.Error(), strings.TrimSpace(member))
					}
				}
			}
		})
	}
}

// An address that is not allowed learns nothing else, and its body is not read.
func TestSourceComesFirst(t *testing.T) {
	t.Parallel()
	r := newReceiver(t, inplayer(t), verify.HandlerOptions{
		Source:       &verify.Source{Allow: prefixes(t, "198.51.100.0/24")},
		ContentTypes: []string{"application/json"},
	})
	req := request(t, hexBody)
	req.Method = http.MethodGet
	body := &watched{Reader: strings.NewReader(hexBody)}
	req.Body = body
	require.Equal(t, http.StatusForbidden, serve(r, req).Code)
	require.False(t, body.read)
	require.ErrorIs(t, r.refusals[0].Err, verify.ErrSource)
}

type watched struct {
	io.Reader
	read bool
}

func (w *watched) Read(p []byte) (int, error) { w.read = true; return w.Reader.Read(p) }
func (*watched) Close() error                 { return nil }

func TestSourceRefuses(t *testing.T) {
	t.Parallel()
	good := prefixes(t, "192.0.2.0/24")
	for name, tc := range map[string]struct {
		source verify.Source
		reason string
	}{
		"nothing allowed":         {verify.Source{}, "fill Allow"},
		"proxies only":            {verify.Source{Proxies: good}, "fill Allow"},
		"zero prefix":             {verify.Source{Allow: []netip.Prefix{good[0], {}}}, "prefix 2 of Source.Allow is not valid"},
		"zero proxy":              {verify.Source{Allow: good, Proxies: make([]netip.Prefix, 1)}, "prefix 1 of Source.Proxies is not valid"},
		"too many bits":           {verify.Source{Allow: []netip.Prefix{netip.PrefixFrom(netip.MustParseAddr("192.0.2.0"), 33)}}, "not valid"},
		"any proxy":               {verify.Source{Allow: good, Proxies: prefixes(t, "0.0.0.0/0")}, "name those that are"},
		"any proxy, IPv6":         {verify.Source{Allow: good, Proxies: prefixes(t, "10.0.0.0/8", "::/0")}, "name those that are"},
		"an address within":       {verify.Source{Allow: prefixes(t, "192.0.2.7/24")}, "write 192.0.2.0/24"},
		"a proxy within":          {verify.Source{Allow: good, Proxies: prefixes(t, "10.0.0.1/8")}, "write 10.0.0.0/8"},
		"IPv4 written as IPv6":    {verify.Source{Allow: []netip.Prefix{netip.PrefixFrom(netip.MustParseAddr("::ffff:192.0.2.0"), 120)}}, "write it as IPv4"},
		"a proxy written as IPv6": {verify.Source{Allow: good, Proxies: []netip.Prefix{netip.PrefixFrom(netip.MustParseAddr("::ffff:10.0.0.0"), 104)}}, "write it as IPv4"},
	} {
		_, err := verify.Middleware(inplayer(t), &verify.HandlerOptions{Source: &tc.source})
		require.ErrorIs(t, err, verify.ErrConfig, name)
		require.ErrorContains(t, err, tc.reason, name)
	}
	// The caller's lists are his.
	source := &verify.Source{Allow: prefixes(t, "192.0.2.0/24"), Proxies: prefixes(t, "10.0.0.0/8")}
	r := newReceiver(t, inplayer(t), verify.HandlerOptions{Source: source})
	source.Allow[0], source.Proxies[0] = netip.Prefix{}, netip.Prefix{}
	for _, remote := range []string{"192.0.2.1:1", "10.0.0.1:1"} {
		req := request(t, hexBody)
		req.RemoteAddr = remote
		req.Header.Set("X-Forwarded-For", "192.0.2.7")
		require.Equal(t, http.StatusOK, serve(r, req).Code)
	}
}

// FuzzSource compares with the rule as one would write it: join, split, go left.
func FuzzSource(f *testing.F) {
	f.Add("10.0.0.1:1", "192.0.2.7", "")
	f.Add("10.0.0.1:1", "192.0.2.7, 10.1.1.1", "10.0.0.9")
	f.Add("[::ffff:10.0.0.1]:1", "x,192.0.2.7 ,\t10.1.1.1", ",")
	f.Add("192.0.2.7:1", "", "")
	allow, trusted := netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("10.0.0.0/8")
	mw, err := verify.Middleware(anyone{}, &verify.HandlerOptions{Source: &verify.Source{
		Allow: []netip.Prefix{allow}, Proxies: []netip.Prefix{trusted},
	}})
	require.NoError(f, err)
	h := mw(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	f.Fuzz(func(t *testing.T, remote, first, second string) {
		req := request(t, hexBody)
		req.RemoteAddr = remote
		req.Header["X-Forwarded-For"] = []string{first, second}
		want := http.StatusForbidden
		if conn, err := netip.ParseAddrPort(remote); err == nil {
			members := strings.Split(first+","+second, ",")
			addr := conn.Addr().Unmap()
			for left := len(members) - 1; trusted.Contains(addr) && left >= 0 && len(members)-left <= 32; left-- {
				var err error
				if addr, err = netip.ParseAddr(strings.Trim(members[left], " \t")); err != nil {
					break
				}
				addr = addr.Unmap()
			}
			if allow.Contains(addr) {
				want = http.StatusOK
			}
		}
		require.Equal(t, want, serve(h, req).Code)
	})
}
