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
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// verdict is a line of testdata/guard.txt.
type verdict struct{ want, host, what string }

func verdicts(t *testing.T) []verdict {
	t.Helper()
	table, err := os.ReadFile("testdata/guard.txt")
	require.NoError(t, err)
	var list []verdict
	for line := range strings.Lines(string(table)) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		parts := strings.Split(line, " | ")
		require.Len(t, parts, 3, line)
		list = append(list, verdict{parts[0], parts[1], parts[2]})
	}
	return list
}

// The table is judged at registration, and its addresses when they are dialed too.
func TestGuardJudgesTheTable(t *testing.T) {
	t.Parallel()
	client, err := NewClient(nil)
	require.NoError(t, err)
	list := verdicts(t)
	require.Greater(t, len(list), 200)
	seen := map[string]bool{}
	for _, v := range list {
		require.False(t, seen[v.host], "%s is there twice", v.host)
		seen[v.host] = true
		t.Run(v.what+" "+v.host, func(t *testing.T) {
			t.Parallel()
			ep := newEndpoint("e1")
			ep.URL = "https://" + v.host + "/"
			if strings.Contains(v.host, ":") {
				ep.URL = "https://[" + v.host + "]/"
			}
			judged := map[string]error{"registration": client.Check(ep)}
			if addr, err := netip.ParseAddr(strings.Replace(v.host, "%25", "%", 1)); err == nil {
				at := netip.AddrPortFrom(addr, 443).String()
				judged["dialing"] = client.guard.control(t.Context(), "tcp", at, nil)
			}
			for when, err := range judged {
				if v.want == "allowed" {
					require.NoError(t, err, when)
					continue
				}
				require.ErrorIs(t, err, ErrRefused, when)
				require.EqualError(t, err, "deliver: destination refused by policy", "the owner learns no more")
				require.Contains(t, asError(err).Detail, v.want, "the operator does")
			}
		})
	}
	require.ErrorIs(t, client.guard.judge(netip.Addr{}), ErrRefused)
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
			"64:ff9b:1:a00:0:100:: 64:ff9b:1::10.0.0.1 64:ff9b:1:7f00:0:100:: 64:ff9b:1:7f00:0:100:808:808 64:ff9b:1::",
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
		"translated": {
			[]netip.Prefix{netip.MustParsePrefix("::/3")},
			"::ffff:0:8.8.8.8",
			"::ffff:0:10.0.0.1 ::ffff:0:127.0.0.1",
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
	require.ErrorContains(t, err, "Guard.Allow has a prefix that is not valid")
}

func TestGuardDenies(t *testing.T) {
	t.Parallel()
	deny := []netip.Prefix{netip.MustParsePrefix("8.8.8.0/24"), netip.MustParsePrefix("2a02:64::/96"), netip.MustParsePrefix("127.0.0.2/32")}
	allow := Loopback()
	g, err := newGuard(Guard{Allow: allow, Deny: deny})
	require.NoError(t, err)
	for s := range strings.FieldsSeq("8.8.8.8 ::ffff:8.8.8.8 2a00::5efe:8.8.8.8 2a02:64::7f00:1 127.0.0.2") {
		err := g.judge(netip.MustParseAddr(s))
		require.ErrorIs(t, err, ErrRefused, s)
		require.Contains(t, asError(err).Detail, "Guard.Deny", s)
	}
	for s := range strings.FieldsSeq("8.8.4.4 2a02:64:1::1 127.0.0.1") {
		require.NoError(t, g.judge(netip.MustParseAddr(s)), s)
	}
	deny[0] = netip.MustParsePrefix("8.8.4.0/24")
	require.NoError(t, g.judge(netip.MustParseAddr("8.8.4.4")), "the guard keeps a list of its own")
	allow[0] = netip.MustParsePrefix("10.0.0.0/8")
	require.NoError(t, g.judge(netip.MustParseAddr("127.0.0.1")))
	require.ErrorIs(t, g.judge(netip.MustParseAddr("10.0.0.1")), ErrRefused)
	for _, network := range []string{"udp", "udp6", "unix", "ip4:icmp", ""} {
		require.ErrorIs(t, g.control(t.Context(), network, "8.8.4.4:443", nil), ErrRefused, network)
	}
	_, err = newGuard(Guard{Deny: []netip.Prefix{{}}})
	require.ErrorContains(t, err, "Guard.Deny has a prefix that is not valid")
	_, err = newGuard(Guard{Deny: []netip.Prefix{netip.MustParsePrefix("::ffff:8.8.8.0/120")}})
	require.ErrorContains(t, err, "write the IPv4 prefix")
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

	// Of several addresses the allowed one is taken.
	client, err = newClient(&ClientOptions{Guard: Guard{PlainHTTP: true, AnyPort: true, Allow: Loopback()[:1]}}, resolver)
	require.NoError(t, err)
	t.Cleanup(client.CloseIdleConnections)
	address.Store([]string{"10.0.0.1", "169.254.169.254", "127.0.0.1"})
	require.NoError(t, Attempt(t.Context(), client, ep, newMessage()).Err)
	require.Equal(t, int64(1), hits.Swap(0))

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
