package deliver

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestGuardJudgesAddresses(t *testing.T) {
	t.Parallel()
	g, err := newGuard(Guard{})
	require.NoError(t, err)
	allowed := strings.Fields(`
		1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0
		168.63.129.15 168.63.129.17 169.253.255.255 169.255.0.0 172.15.255.255 172.32.0.0 192.0.1.0 192.0.3.0
		192.88.98.255 192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0 198.51.99.255 203.0.112.255
		203.0.114.0 223.255.255.255
		::ffff:8.8.8.8 2001:200:: 2001:4860:4860::8888 2600:: 2606:4700:4700::1111 2a00:1450::1
		2620:4f:7fff:: 3ffe:ffff:: 2a00::5efe:808:808 2a00::200:5efe:808:808`)
	refused := strings.Fields(`
		0.0.0.0 0.0.0.1 0.255.255.255 10.0.0.0 10.255.255.255 100.64.0.0 100.100.100.200 100.127.255.255
		127.0.0.1 127.255.255.255 168.63.129.16 169.254.0.0 169.254.169.254 169.254.170.2 169.254.255.255
		172.16.0.0 172.31.255.255 192.0.0.0 192.0.0.8 192.0.0.192 192.0.2.1 192.31.196.1 192.52.193.1 192.88.99.1
		192.168.0.0 192.168.255.255 192.175.48.1 198.18.0.0 198.19.255.255 198.51.100.1 203.0.113.255
		224.0.0.1 239.255.255.255 240.0.0.0 255.255.255.254 255.255.255.255
		:: ::1 ::2 ::7f00:1 ::8.8.8.8 ::a00:1 ::1:0:0:1 1::1 100::1 100:0:0:1::1 1fff:: 4000:: 5f00::1 7fff:: 8000:: a000::
		::ffff:0.0.0.0 ::ffff:10.0.0.1 ::ffff:127.0.0.1 ::ffff:169.254.169.254 ::ffff:192.168.1.1
		::ffff:0:8.8.8.8 ::ffff:0:127.0.0.1
		64:ff9b::8.8.8.8 64:ff9b::10.0.0.1 64:ff9b::169.254.169.254 64:ff9b:1::1 64:ff9b:1:ffff:: 64:ff9b:2::1
		2001::1 2001:0:4136:e378:8000:63bf:3fff:fdd2 2001:2::1 2001:10::1 2001:20::1 2001:30::1 2001:db8::1 2001:1ff:ffff::
		2002:: 2002:a00:1:: 2002:808:808::1 2002:7f00:1::1 2002:a9fe:a9fe::1
		2620:4f:8000::1 3fff::1 3fff:fff::1 fc00:: fd00:ec2::254 fdff:: fe80::1 febf:: fec0::1 feff:: ff00:: ff02::1 ffff::
		2a00::5efe:a00:1 2a00::200:5efe:127.0.0.1 2600:1:2:3:0:5efe:c0a8:101`)
	require.GreaterOrEqual(t, len(allowed)+len(refused), 80)
	for _, s := range allowed {
		require.NoError(t, g.judge(netip.MustParseAddr(s)), s)
		require.NoError(t, g.control(t.Context(), "tcp", netip.AddrPortFrom(netip.MustParseAddr(s), 443).String(), nil), s)
	}
	for _, s := range refused {
		err := g.judge(netip.MustParseAddr(s))
		require.ErrorIs(t, err, ErrRefused, s)
		require.EqualError(t, err, "deliver: destination refused by policy", "the owner learns no more")
		require.NotEmpty(t, asError(err).Detail, "the operator does")
		require.ErrorIs(t, g.control(t.Context(), "tcp", netip.AddrPortFrom(netip.MustParseAddr(s), 443).String(), nil), ErrRefused, s)
	}
	for _, s := range []string{"fe80::1%lo", "2606:4700:4700::1111%eth0", "::1%lo", "::ffff:8.8.8.8%1"} {
		require.ErrorIs(t, g.judge(netip.MustParseAddr(s)), ErrRefused, s)
	}
	require.ErrorIs(t, g.judge(netip.Addr{}), ErrRefused)
}

func TestGuardAllowsExceptions(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		allow []netip.Prefix
		yes   string
		no    string
	}{
		"loopback": {
			Loopback(),
			"127.0.0.1 127.9.9.9 ::1 ::ffff:127.0.0.1",
			"10.0.0.1 ::ffff:10.0.0.1 0.0.0.0 :: ::2 ::127.0.0.1 64:ff9b::127.0.0.1 2002:7f00:1:: 169.254.169.254 2a00::5efe:169.254.169.254",
		},
		"private": {
			[]netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")},
			"10.1.2.3 ::ffff:10.1.2.3 8.8.8.8 2a00::5efe:10.1.2.3",
			"10.2.0.0 127.0.0.1 ::1 ::ffff:127.0.0.1 64:ff9b::10.1.2.3",
		},
		"unmasked": {
			[]netip.Prefix{netip.MustParsePrefix("10.1.2.3/16")},
			"10.1.9.9",
			"10.2.0.0",
		},
		"NAT64": {
			[]netip.Prefix{netip.MustParsePrefix("64:ff9b::/96")},
			"64:ff9b::8.8.8.8",
			"64:ff9b::10.0.0.1 64:ff9b::127.0.0.1 64:ff9b::169.254.169.254 10.0.0.1",
		},
		"local NAT64": {
			[]netip.Prefix{netip.MustParsePrefix("64:ff9b:1::/48")},
			"64:ff9b:1:808:8:800:: 64:ff9b:1::8.8.8.8",
			"64:ff9b:1:a00:0:100:: 64:ff9b:1::10.0.0.1 64:ff9b:1:7f00:0:100::",
		},
		"6to4": {
			[]netip.Prefix{netip.MustParsePrefix("2002::/16")},
			"2002:808:808::1",
			"2002:a00:1::1 2002:7f00:1:: 2002:a9fe:a9fe::",
		},
		"Teredo": {
			[]netip.Prefix{netip.MustParsePrefix("2001::/32")},
			"2001:0:808:808::f7f7:f7f7",
			"2001:0:a00:1::f7f7:f7f7 2001:0:808:808::80ff:fffe",
		},
		"compatible": {
			[]netip.Prefix{netip.MustParsePrefix("::/96")},
			"::8.8.8.8 ::1",
			"::10.0.0.1 ::127.0.0.1 127.0.0.1",
		},
		"unique local": {
			[]netip.Prefix{netip.MustParsePrefix("fd12::/16")},
			"fd12::1 fd12::5efe:8.8.8.8",
			"fd13::1 fd12::5efe:10.0.0.1 fd12::1%eth0",
		},
		"all of IPv4": {
			[]netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")},
			"127.0.0.1 10.0.0.1 ::ffff:10.0.0.1",
			"::1 fe80::1 64:ff9b::10.0.0.1",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, err := newGuard(Guard{Allow: tc.allow})
			require.NoError(t, err)
			for s := range strings.FieldsSeq(tc.yes) {
				require.NoError(t, g.judge(netip.MustParseAddr(s)), s)
			}
			for s := range strings.FieldsSeq(tc.no) {
				require.ErrorIs(t, g.judge(netip.MustParseAddr(s)), ErrRefused, s)
			}
		})
	}
	_, err := newGuard(Guard{Allow: []netip.Prefix{netip.MustParsePrefix("::ffff:127.0.0.0/104")}})
	require.ErrorContains(t, err, "write the IPv4 prefix")
	_, err = newGuard(Guard{Allow: []netip.Prefix{{}}})
	require.ErrorContains(t, err, "not valid")
}

func TestClientChecksURLs(t *testing.T) {
	t.Parallel()
	strict := Guard{}
	loose := Guard{PlainHTTP: true, AnyPort: true, Allow: Loopback()}
	for raw, tc := range map[string]struct {
		guard Guard
		want  string // "" is accepted, "refused" by policy, else what the error says
	}{
		"https://hooks.example.com/in":                           {strict, ""},
		"https://hooks.example.com:443/in?a=b":                   {strict, ""},
		"https://hooks.example.com:8443":                         {strict, ""},
		"https://HOOKS.example.COM/":                             {strict, ""},
		"https://xn--bcher-kva.example/":                         {strict, ""},
		"https://1e100.example/":                                 {strict, ""},
		"https://8.8.8.8/":                                       {strict, ""},
		"https://[2606:4700:4700::1111]/":                        {strict, ""},
		"https://under_score.example.com/":                       {strict, ""},
		"https://hooks.example.com:8080/":                        {strict, "refused"},
		"https://hooks.example.com:22/":                          {loose, ""},
		"https://hooks.example.com:80/":                          {strict, "refused"},
		"http://hooks.example.com:443/":                          {strict, "refused"},
		"http://hooks.example.com/":                              {strict, "refused"},
		"HTTP://hooks.example.com/":                              {loose, ""},
		"http://127.0.0.1:3000/":                                 {loose, ""},
		"http://localhost:3000/":                                 {loose, ""},
		"https://127.0.0.1/":                                     {strict, "refused"},
		"https://[::1]/":                                         {strict, "refused"},
		"https://[::ffff:127.0.0.1]/":                            {strict, "refused"},
		"https://[::ffff:7f00:1]/":                               {strict, "refused"},
		"https://[64:ff9b::10.0.0.1]/":                           {strict, "refused"},
		"https://[fe80::1%25lo]/":                                {loose, "refused"},
		"https://169.254.169.254/latest":                         {loose, "refused"},
		"https://10.0.0.1/":                                      {loose, "refused"},
		"https://0/":                                             {loose, "refused"},
		"https://0x7f.1/":                                        {loose, "refused"},
		"https://0x7f000001/":                                    {loose, "refused"},
		"https://0X7F000001/":                                    {loose, "refused"},
		"https://2130706433/":                                    {loose, "refused"},
		"https://127.1/":                                         {loose, "refused"},
		"https://0177.0.0.1/":                                    {loose, "refused"},
		"https://127.0.0.1./":                                    {loose, "refused"},
		"https://127.000.000.001/":                               {loose, "refused"},
		"https://1.2.3.4.5/":                                     {loose, "refused"},
		"https://example.0x10/":                                  {loose, "refused"},
		"https://example.com./":                                  {loose, "refused"},
		"https://a..example.com/":                                {loose, "refused"},
		"https://-a.example.com/":                                {loose, "refused"},
		"https://１２７.０.０.１/":                                     {loose, "refused"},
		"https://127。0。0。1/":                                     {loose, "refused"},
		"https://bücher.example/":                                {strict, "refused"},
		"https://ex*mple.com/":                                   {loose, "refused"},
		"https://localhost/":                                     {strict, "refused"},
		"https://foo.localhost/":                                 {strict, "refused"},
		"https://intranet/":                                      {strict, "refused"},
		"https://metadata.google.internal/":                      {strict, "refused"},
		"https://printer.local/":                                 {strict, "refused"},
		"https://" + strings.Repeat("a", 64) + ".example.com/":   {strict, "refused"},
		"https://" + strings.Repeat("a.", 130) + "example.com/":  {strict, "refused"},
		"https://user:hunter2@hooks.example.com/":                {loose, "userinfo"},
		"https://user@hooks.example.com/":                        {loose, "userinfo"},
		"https://@hooks.example.com/":                            {loose, "userinfo"},
		"https://hooks.example.com/#x":                           {loose, "fragment"},
		"https://hooks.example.com/#":                            {loose, "fragment"},
		"https://hooks.example.com:0/":                           {loose, "port"},
		"https://hooks.example.com:65536/":                       {loose, "port"},
		"https://hooks.example.com:x/":                           {loose, "malformed"},
		"https://%31%32%37.0.0.1/":                               {loose, "malformed"},
		"https://evil.example\\@hooks.example/":                  {loose, "malformed"},
		"https://hooks.example.com/\n":                           {loose, "malformed"},
		"https://[::1/":                                          {loose, "malformed"},
		"https:///in":                                            {loose, "no host"},
		"https:hooks.example.com":                                {loose, "no host"},
		"ftp://hooks.example.com/":                               {loose, "https://"},
		"file:///etc/passwd":                                     {loose, "https://"},
		"//hooks.example.com/":                                   {loose, "https://"},
		"hooks.example.com":                                      {loose, "https://"},
		"":                                                       {loose, "https://"},
		"https://hooks.example.com/" + strings.Repeat("a", 2048): {loose, "longer"},
	} {
		client, err := NewClient(&ClientOptions{Guard: tc.guard})
		require.NoError(t, err)
		ep := newEndpoint("e1")
		ep.URL = raw
		err = client.Check(ep)
		switch tc.want {
		case "":
			require.NoError(t, err, raw)
		case "refused":
			require.ErrorIs(t, err, ErrRefused, raw)
			require.EqualError(t, err, ErrRefused.Error())
		default:
			require.ErrorContains(t, err, tc.want, raw)
			require.NotErrorIs(t, err, ErrRefused, raw)
			require.NotContains(t, err.Error(), "hunter2")
		}
		if err != nil {
			require.False(t, Retryable(err), raw)
		}
	}
}

func TestGuardPorts(t *testing.T) {
	t.Parallel()
	g, err := newGuard(Guard{Ports: []uint16{9443}})
	require.NoError(t, err)
	require.NoError(t, g.control(t.Context(), "tcp4", "8.8.8.8:9443", nil))
	require.ErrorIs(t, g.control(t.Context(), "tcp4", "8.8.8.8:80", nil), ErrRefused)
	require.ErrorIs(t, g.control(t.Context(), "udp4", "8.8.8.8:443", nil), ErrRefused)
	require.ErrorIs(t, g.control(t.Context(), "tcp4", "nonsense", nil), ErrRefused)
	g, err = newGuard(Guard{AnyPort: true})
	require.NoError(t, err)
	require.NoError(t, g.control(t.Context(), "tcp4", "8.8.8.8:1", nil))
	require.ErrorIs(t, g.control(t.Context(), "tcp4", "8.8.8.8:0", nil), ErrRefused)
}

// namesAnswer is a DNS server in memory that gives every name these addresses.
func namesAnswer(addrs func() []string) *net.Resolver {
	serve := func(conn net.Conn) {
		defer func() { _ = conn.Close() }()
		for {
			var size [2]byte
			if _, err := io.ReadFull(conn, size[:]); err != nil {
				return
			}
			query := make([]byte, binary.BigEndian.Uint16(size[:]))
			if _, err := io.ReadFull(conn, query); err != nil {
				return
			}
			end := 12
			for query[end] != 0 {
				end += int(query[end]) + 1
			}
			question := query[12 : end+5]
			reply := append([]byte{}, query[0], query[1], 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0)
			reply = append(reply, question...)
			if question[len(question)-3] == 1 { // type A
				for _, a := range addrs() {
					reply[7]++
					reply = append(reply, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4)
					reply = append(reply, netip.MustParseAddr(a).AsSlice()...)
				}
			}
			reply = append(binary.BigEndian.AppendUint16(nil, uint16(len(reply))), reply...)
			if _, err := conn.Write(reply); err != nil {
				return
			}
		}
	}
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		go serve(server)
		return client, nil
	}}
}

func TestGuardJudgesAtDialWhatDNSAnswersThen(t *testing.T) {
	t.Parallel()
	var hits atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits.Add(1) }))
	t.Cleanup(server.Close)
	target, err := url.Parse(server.URL)
	require.NoError(t, err)

	var address atomic.Value
	address.Store([]string{"93.184.215.14"})
	resolver := namesAnswer(func() []string { return address.Load().([]string) })
	client, err := newClient(&ClientOptions{Guard: Guard{PlainHTTP: true, AnyPort: true}}, resolver)
	require.NoError(t, err)
	ep := newEndpoint("e1")
	ep.URL = "http://rebind.example.com:" + target.Port() + "/"
	require.NoError(t, client.Check(ep), "the name looks harmless")
	found, err := resolver.LookupHost(t.Context(), "rebind.example.com")
	require.NoError(t, err)
	require.Equal(t, []string{"93.184.215.14"}, found, "and so does its address")

	for name, addrs := range map[string][]string{
		"changed":  {"127.0.0.1"},
		"several":  {"127.0.0.1", "10.0.0.1"},
		"metadata": {"169.254.169.254"},
	} {
		address.Store(addrs)
		res := Attempt(t.Context(), client, ep, newMessage())
		require.Equal(t, ReasonRefused, res.Reason, name)
		require.Equal(t, FaultDestination, res.Fault)
		require.ErrorIs(t, res.Err, ErrRefused)
		require.EqualError(t, res.Err, "deliver: destination refused by policy")
		require.Contains(t, asError(res.Err).Detail, ":")
	}
	require.Zero(t, hits.Load())

	// With loopback allowed the same way leads to the server.
	client, err = newClient(&ClientOptions{Guard: Guard{PlainHTTP: true, AnyPort: true, Allow: Loopback()}}, resolver)
	require.NoError(t, err)
	t.Cleanup(client.CloseIdleConnections)
	address.Store([]string{"127.0.0.1"})
	require.NoError(t, Attempt(t.Context(), client, ep, newMessage()).Err)
	require.Equal(t, int64(1), hits.Load())
}

func TestNameThatDoesNotExistAndDNSThatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	ep := newEndpoint("e1")
	client, err := newClient(nil, namesAnswer(func() []string { return nil }))
	require.NoError(t, err)
	res := Attempt(t.Context(), client, ep, newMessage())
	require.Equal(t, ReasonDNS, res.Reason)
	require.Equal(t, FaultReceiver, res.Fault)

	client, err = newClient(nil, &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		return nil, errInjected
	}})
	require.NoError(t, err)
	res = Attempt(t.Context(), client, ep, newMessage())
	require.Equal(t, ReasonUnreachable, res.Reason)
	require.Equal(t, FaultOurs, res.Fault)
	require.True(t, Retryable(res.Err))
}
