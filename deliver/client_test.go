package deliver

import (
	"bufio"
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// tunnel is a proxy for CONNECT and for absolute URLs that leads everything to
// one address, as a proxy with a resolver of its own would.
type tunnel struct {
	*httptest.Server

	to      string // host:port
	status  int    // if not 0, the answer instead
	mu      sync.Mutex
	targets []string
}

func newTunnel(t *testing.T, to string, status int) *tunnel {
	t.Helper()
	p := &tunnel{to: to, status: status}
	p.Server = httptest.NewServer(p)
	t.Cleanup(p.Close)
	return p
}

func (p *tunnel) seen() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.targets...)
}

func (p *tunnel) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	p.mu.Lock()
	p.targets = append(p.targets, req.Method+" "+req.Host+" "+req.Header.Get("Proxy-Authorization"))
	p.mu.Unlock()
	if p.status != 0 {
		w.WriteHeader(p.status)
		return
	}
	if req.Method != http.MethodConnect {
		return
	}
	far, err := net.Dial("tcp", p.to)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer func() { _ = far.Close() }()
	w.WriteHeader(http.StatusOK)
	near, buffered, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	defer func() { _ = near.Close() }()
	go func() {
		_, _ = io.Copy(far, buffered)
		_ = far.Close()
	}()
	_, _ = io.Copy(near, far)
}

func (p *tunnel) url(t *testing.T, userinfo string) *url.URL {
	t.Helper()
	u, err := url.Parse(strings.Replace(p.URL, "http://", "http://"+userinfo, 1))
	require.NoError(t, err)
	return u
}

// namedServer is a TLS server whose certificate is for example.com.
func namedServer(t *testing.T, h http.HandlerFunc) (address string, roots *x509.CertPool) {
	t.Helper()
	server := httptest.NewTLSServer(h)
	t.Cleanup(server.Close)
	roots = x509.NewCertPool()
	roots.AddCert(server.Certificate())
	return server.Listener.Addr().String(), roots
}

// The guard refuses loopback all through these tests: the proxy alone is exempt.
func TestExplicitProxy(t *testing.T) {
	t.Parallel()
	var hits atomic.Int64
	address, roots := namedServer(t, func(http.ResponseWriter, *http.Request) { hits.Add(1) })
	proxy := newTunnel(t, address, 0)
	client, err := newClient(&ClientOptions{
		Guard:   Guard{PlainHTTP: true, AnyPort: true},
		RootCAs: roots,
		Proxy:   http.ProxyURL(proxy.url(t, "me:hunter2@")),
	}, namesAnswer(func() []string { return []string{"127.0.0.1"} }))
	require.NoError(t, err)
	t.Cleanup(client.CloseIdleConnections)

	ep := newEndpoint("e1")
	ep.URL = "https://example.com/in"
	for range 2 {
		res := Attempt(t.Context(), client, ep, newMessage())
		require.NoError(t, res.Err)
	}
	require.Equal(t, []string{"CONNECT example.com:443 Basic bWU6aHVudGVyMg=="}, proxy.seen(), "and the tunnel is used again")
	require.Equal(t, int64(2), hits.Load())

	ep.URL = "http://example.com/in"
	require.NoError(t, Attempt(t.Context(), client, ep, newMessage()).Err)
	require.Len(t, proxy.seen(), 2)

	// What the URL itself shows is still judged, the proxy's own address included.
	for _, refused := range []string{"https://127.0.0.1/", "https://169.254.169.254/", "https://localhost/", proxy.URL} {
		ep.URL = refused
		require.ErrorIs(t, Attempt(t.Context(), client, ep, newMessage()).Err, ErrRefused, refused)
	}
	require.Len(t, proxy.seen(), 2)
}

// Where no proxy is chosen, the proxy's address is as forbidden as any other.
func TestProxyExemptsNothingElse(t *testing.T) {
	t.Parallel()
	var hits atomic.Int64
	address, roots := namedServer(t, func(http.ResponseWriter, *http.Request) { hits.Add(1) })
	proxy := newTunnel(t, address, 0)
	through := proxy.url(t, "")
	through.Host = "proxy.example.com:" + through.Port()
	client, err := newClient(&ClientOptions{
		Guard:   Guard{PlainHTTP: true, AnyPort: true},
		RootCAs: roots,
		Proxy: func(req *http.Request) (*url.URL, error) {
			if req.URL.Hostname() == "example.com" {
				return through, nil
			}
			return nil, nil
		},
	}, namesAnswer(func() []string { return []string{"127.0.0.1"} }))
	require.NoError(t, err)
	t.Cleanup(client.CloseIdleConnections)

	ep := newEndpoint("e1")
	ep.URL = "https://example.com/in"
	require.NoError(t, Attempt(t.Context(), client, ep, newMessage()).Err, "through the proxy")
	for _, direct := range []string{
		"http://" + through.Host + "/", // the proxy itself, by its name
		"https://other.example.com/",
		"https://other.example.com:" + through.Port() + "/",
	} {
		ep.URL = direct
		res := Attempt(t.Context(), client, ep, newMessage())
		require.ErrorIs(t, res.Err, ErrRefused, direct)
		require.Equal(t, FaultDestination, res.Fault)
	}
	require.Len(t, proxy.seen(), 1)
	require.Equal(t, int64(1), hits.Load())
}

// A dial for a request with a proxy goes to that proxy or nowhere.
func TestDialerKeepsToTheProxy(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	g, err := newGuard(Guard{})
	require.NoError(t, err)
	d := &dialer{guarded: &net.Dialer{ControlContext: g.control}, open: &net.Dialer{}}
	ctx := context.WithValue(t.Context(), tripKey{}, &trip{proxy: &url.URL{Scheme: "http", Host: "proxy.example.com:3128"}})
	_, err = d.dial(ctx, "tcp", l.Addr().String())
	require.ErrorContains(t, err, "not the proxy's")
	_, err = d.dial(t.Context(), "tcp", l.Addr().String())
	require.ErrorIs(t, err, ErrRefused)
	for raw, want := range map[string]string{
		"http://p.example.com":      "p.example.com:80",
		"https://p.example.com":     "p.example.com:443",
		"socks5://p.example.com":    "p.example.com:1080",
		"socks5h://p.example.com":   "p.example.com:1080",
		"http://[::1]:3128":         "[::1]:3128",
		"http://u:p@10.0.0.1:3128/": "10.0.0.1:3128",
		"ftp://p.example.com":       "",
		"ftp://p.example.com:21":    "",
		"http://":                   "",
		"p.example.com:80":          "",
	} {
		u, err := url.Parse(raw)
		require.NoError(t, err)
		require.Equal(t, want, addressOf(u), raw)
	}
}

func TestProxyIsChosenByURLAlone(t *testing.T) {
	t.Parallel()
	var asked *http.Request
	client, err := NewClient(&ClientOptions{Proxy: func(req *http.Request) (*url.URL, error) {
		asked = req
		return nil, errors.New("hunter2")
	}})
	require.NoError(t, err)
	res := Attempt(t.Context(), client, newEndpoint("e1"), newMessage())
	require.Equal(t, ReasonLocal, res.Reason)
	require.Equal(t, FaultOurs, res.Fault)
	require.NotContains(t, res.Err.Error(), "hunter2")
	require.Equal(t, "https://e1.example.com/in", asked.URL.String())
	require.Equal(t, http.MethodPost, asked.Method)
	require.Equal(t, "e1.example.com", asked.Host)
	require.NotNil(t, asked.Header, "it may be written to")
	require.Empty(t, asked.Header, "signatures and credentials stay out of it")
	require.Nil(t, asked.Body)
}

func TestFailingProxies(t *testing.T) {
	t.Parallel()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, closed.Close())
	mute, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = mute.Close() })
	go func() { // speaks neither TLS nor SOCKS
		for {
			conn, err := mute.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(conn, "SSH-2.0-hunter2\r\n")
			_, _ = bufio.NewReader(conn).ReadString('\n')
			_ = conn.Close()
		}
	}()
	for name, tc := range map[string]struct {
		proxy  string
		names  []string
		reason Reason
		detail string
	}{
		"refuses the target": {newTunnel(t, "", 403).URL, nil, ReasonUnreachable, "the proxy answered 403"},
		"wants credentials":  {newTunnel(t, "", 407).URL, nil, ReasonUnreachable, "the proxy answered 407"},
		"cannot connect":     {newTunnel(t, "", 502).URL, nil, ReasonUnreachable, "the proxy answered 502"},
		"answers oddly":      {newTunnel(t, "", 204).URL, nil, ReasonUnreachable, "the proxy answered 204"},
		"is down":            {"http://" + closed.Addr().String(), nil, ReasonLocal, "the proxy cannot be reached"},
		"is down, SOCKS":     {"socks5://" + closed.Addr().String(), nil, ReasonLocal, "the proxy cannot be reached"},
		"has no address":     {"http://proxy.example.com", []string{}, ReasonLocal, "the proxy cannot be reached"},
		"speaks no TLS":      {"https://" + mute.Addr().String(), nil, ReasonUnreachable, "the proxy fails"},
		"speaks no SOCKS":    {"socks5://" + mute.Addr().String(), nil, ReasonUnreachable, "the proxy fails"},
		"is none":            {"ftp://proxy.example.com", nil, ReasonLocal, "the proxy's URL is not"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			proxy, err := url.Parse(tc.proxy)
			require.NoError(t, err)
			client, err := newClient(&ClientOptions{Proxy: http.ProxyURL(proxy)}, namesAnswer(func() []string { return tc.names }))
			require.NoError(t, err)
			res := Attempt(t.Context(), client, newEndpoint("e1"), newMessage())
			require.Equal(t, tc.reason, res.Reason, "%v", res.Err)
			require.Equal(t, FaultOurs, res.Fault)
			require.Contains(t, asError(res.Err).Detail, tc.detail)
			require.NotContains(t, res.Err.Error(), "hunter2")
			require.True(t, Retryable(res.Err))
		})
	}
}

// Only a mutual handshake shows the certificate; without one the server refuses.
func TestClientCertificate(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		w.WriteHeader(200 + len(req.TLS.PeerCertificates))
	}))
	server.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert}
	server.StartTLS()
	t.Cleanup(server.Close)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	ep := newEndpoint("e1")
	ep.URL = server.URL
	own := server.TLS.Certificates[0] // as good as any
	res := Attempt(t.Context(), over(t, ClientOptions{RootCAs: roots, Certificate: &own}), ep, newMessage())
	require.NoError(t, res.Err)
	require.Equal(t, 201, res.Status)
	res = Attempt(t.Context(), over(t, ClientOptions{RootCAs: roots}), ep, newMessage())
	require.Equal(t, ReasonTLS, res.Reason, "%v", asError(res.Err).Err)
}

// Each of the two time-outs gives up long before the endpoint's own would.
func TestConnectTimeouts(t *testing.T) {
	t.Parallel()
	for name, connect := range map[string]time.Duration{"default": 0, "own": time.Second, "off": -1} {
		client, err := NewClient(&ClientOptions{ConnectTimeout: connect})
		require.NoError(t, err)
		want := map[string]time.Duration{"default": 5 * time.Second, "own": time.Second, "off": 0}[name]
		require.Equal(t, want, client.transport.(*pool).TLSHandshakeTimeout, name)
	}
	const connect = 50 * time.Millisecond
	loose := Guard{PlainHTTP: true, AnyPort: true, Allow: Loopback()}

	t.Run("lookup and connecting", func(t *testing.T) {
		t.Parallel()
		deaf := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}}
		client, err := newClient(&ClientOptions{Guard: loose, ConnectTimeout: connect}, deaf)
		require.NoError(t, err)
		ep := newEndpoint("e1")
		ep.Timeout = time.Minute
		res := Attempt(t.Context(), client, ep, newMessage())
		require.Equal(t, ReasonUnreachable, res.Reason, "%v", asError(res.Err).Err)
		require.Less(t, res.Elapsed, 4*time.Second)
	})
	t.Run("connecting to a proxy", func(t *testing.T) {
		t.Parallel()
		deaf := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}}
		client, err := newClient(&ClientOptions{
			ConnectTimeout: connect,
			Proxy:          http.ProxyURL(&url.URL{Scheme: "http", Host: "proxy.example.com"}),
		}, deaf)
		require.NoError(t, err)
		ep := newEndpoint("e1")
		ep.Timeout = time.Minute
		res := Attempt(t.Context(), client, ep, newMessage())
		require.Equal(t, ReasonLocal, res.Reason, "%v", asError(res.Err).Err)
		require.Less(t, res.Elapsed, 4*time.Second)
	})
	t.Run("handshake", func(t *testing.T) {
		t.Parallel()
		l, err := net.Listen("tcp", "127.0.0.1:0") // it completes connections and says nothing
		require.NoError(t, err)
		t.Cleanup(func() { _ = l.Close() })
		client, err := NewClient(&ClientOptions{Guard: loose, ConnectTimeout: connect})
		require.NoError(t, err)
		ep := newEndpoint("e1")
		ep.URL = "https://" + l.Addr().String()
		ep.Timeout = time.Minute
		res := Attempt(t.Context(), client, ep, newMessage())
		require.Equal(t, ReasonTimeout, res.Reason, "%v", asError(res.Err).Err)
		require.Equal(t, FaultReceiver, res.Fault)
		require.Less(t, res.Elapsed, 4*time.Second)
	})
}

// In a process of its own, since net/http reads the environment once.
func TestEnvironmentProxiesAreAskedFor(t *testing.T) {
	const mark = "DELIVER_TEST_ENVIRONMENT_PROXY"
	if os.Getenv(mark) == "" {
		proxy := newTunnel(t, "", 418)
		self, err := os.Executable()
		require.NoError(t, err)
		cmd := exec.CommandContext(t.Context(), self, "-test.run=^TestEnvironmentProxiesAreAskedFor$")
		cmd.Env = append(os.Environ(), mark+"=1", "HTTPS_PROXY="+proxy.URL, "NO_PROXY=direct.example.com")
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, string(out))
		require.Equal(t, []string{"CONNECT e1.example.com:443 "}, proxy.seen())
		return
	}
	client, err := newClient(&ClientOptions{Proxy: http.ProxyFromEnvironment}, namesAnswer(func() []string { return []string{"127.0.0.1"} }))
	require.NoError(t, err)
	res := Attempt(t.Context(), client, newEndpoint("e1"), newMessage())
	require.Equal(t, "the proxy answered 418", asError(res.Err).Detail)
	direct := newEndpoint("direct")
	require.ErrorIs(t, Attempt(t.Context(), client, direct, newMessage()).Err, ErrRefused, "without a proxy the guard judges")
}

func TestNewClientRefuses(t *testing.T) {
	t.Parallel()
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	const certificate = "Certificate has no certificate or no private key"
	for name, tc := range map[string]struct {
		opts ClientOptions
		want string
	}{
		"RootCAs":           {ClientOptions{UnguardedTransport: http.DefaultTransport, RootCAs: x509.NewCertPool()}, "RootCAs"},
		"Certificate":       {ClientOptions{UnguardedTransport: http.DefaultTransport, Certificate: &tls.Certificate{}}, "Certificate"},
		"ConnectTimeout":    {ClientOptions{UnguardedTransport: http.DefaultTransport, ConnectTimeout: 1}, "ConnectTimeout"},
		"Proxy":             {ClientOptions{UnguardedTransport: http.DefaultTransport, Proxy: http.ProxyFromEnvironment}, "Proxy"},
		"empty certificate": {ClientOptions{Certificate: &tls.Certificate{}}, certificate},
		"only the chain":    {ClientOptions{Certificate: &tls.Certificate{Certificate: [][]byte{{0x30, 0}}}}, certificate},
		"only the key":      {ClientOptions{Certificate: &tls.Certificate{PrivateKey: key}}, certificate},
		"Guard.Allow":       {ClientOptions{Guard: Guard{Allow: []netip.Prefix{{}}}}, "Guard.Allow"},
		"Guard.Deny":        {ClientOptions{Guard: Guard{Deny: []netip.Prefix{{}}}}, "Guard.Deny"},
	} {
		client, err := NewClient(&tc.opts)
		require.ErrorContains(t, err, tc.want, name)
		require.Nil(t, client, name)
	}
}

// The fifth dial of an exchange fails, through a proxy and without; the next
// exchange has its own.
func TestDialsAreBounded(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	d := &dialer{guarded: &net.Dialer{}, open: &net.Dialer{}}
	for _, proxy := range []*url.URL{nil, {Scheme: "http", Host: l.Addr().String()}} {
		for range 2 {
			ctx := context.WithValue(t.Context(), tripKey{}, &trip{proxy: proxy})
			for range 4 {
				conn, err := d.dial(ctx, "tcp", l.Addr().String())
				require.NoError(t, err)
				require.NoError(t, conn.Close())
			}
			_, err = d.dial(ctx, "tcp", l.Addr().String())
			require.ErrorIs(t, err, errManyDials)
		}
	}
}

// The dialer's connections, with a proxy and without, close when a write has timed
// out, and for no other failure: an answer may have come before the connection broke.
func TestConnectionsAreImpatient(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	d := &dialer{guarded: &net.Dialer{}, open: &net.Dialer{}}
	for _, proxy := range []*url.URL{nil, {Scheme: "http", Host: l.Addr().String()}} {
		conn, err := d.dial(context.WithValue(t.Context(), tripKey{}, &trip{proxy: proxy}), "tcp", l.Addr().String())
		require.NoError(t, err)
		_, err = conn.Write([]byte("x"))
		require.NoError(t, err)
		require.NoError(t, conn.SetReadDeadline(time.Now().Add(-time.Second)))
		_, err = conn.Read(make([]byte, 1))
		require.ErrorIs(t, err, os.ErrDeadlineExceeded, "it is open, and reading may time out")
		require.NoError(t, conn.(impatient).Conn.(*net.TCPConn).CloseWrite())
		_, err = conn.Write([]byte("x"))
		require.ErrorIs(t, err, syscall.EPIPE)
		_, err = conn.Read(make([]byte, 1))
		require.ErrorIs(t, err, os.ErrDeadlineExceeded, "it is open still")
		require.NoError(t, conn.Close())

		conn, err = d.dial(context.WithValue(t.Context(), tripKey{}, &trip{proxy: proxy}), "tcp", l.Addr().String())
		require.NoError(t, err)
		require.NoError(t, conn.SetReadDeadline(time.Now().Add(10*time.Second)))
		require.NoError(t, conn.SetWriteDeadline(time.Now().Add(-time.Second)))
		_, err = conn.Write([]byte("x"))
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		_, err = conn.Read(make([]byte, 1))
		require.ErrorIs(t, err, net.ErrClosed)
	}
}

// One endpoint through three ways: each keeps its connections to itself.
func TestProxiesAreKeptApart(t *testing.T) {
	t.Parallel()
	address, roots := namedServer(t, func(http.ResponseWriter, *http.Request) {})
	one, other := newTunnel(t, address, 0), newTunnel(t, address, 0)
	var way atomic.Pointer[url.URL]
	client, err := newClient(&ClientOptions{
		RootCAs: roots,
		Proxy: func(req *http.Request) (*url.URL, error) {
			if len(req.Header) > 0 || req.Body != nil {
				return nil, errors.New("asked with more than the URL")
			}
			return way.Load(), nil
		},
	}, namesAnswer(func() []string { return []string{"127.0.0.1"} }))
	require.NoError(t, err)
	t.Cleanup(client.CloseIdleConnections)
	ep := newEndpoint("e1")
	ep.URL = "https://example.com/in"
	for range 2 {
		for _, through := range []*url.URL{one.url(t, ""), other.url(t, ""), other.url(t, "me:hunter2@")} {
			way.Store(through)
			require.NoError(t, Attempt(t.Context(), client, ep, newMessage()).Err)
		}
		way.Store(nil)
		require.ErrorIs(t, Attempt(t.Context(), client, ep, newMessage()).Err, ErrRefused, "the tunnels are not used")
	}
	const connect = "CONNECT example.com:443 "
	require.Equal(t, []string{connect}, one.seen())
	require.Equal(t, []string{connect, connect + "Basic bWU6aHVudGVyMg=="}, other.seen())
}

// With HTTP/2 the header is counted with 32 bytes for each field.
func TestHeaderOfTheAnswerIsBounded(t *testing.T) {
	t.Parallel()
	for name, h2 := range map[string]bool{"HTTP/1.1": false, "HTTP/2": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var size atomic.Int64
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("X-Huge", strings.Repeat("x", int(size.Load())))
			}))
			server.EnableHTTP2 = h2
			server.StartTLS()
			t.Cleanup(server.Close)
			roots := x509.NewCertPool()
			roots.AddCert(server.Certificate())
			client := over(t, ClientOptions{RootCAs: roots})
			ep := newEndpoint("e1")
			ep.URL = server.URL
			size.Store(60 << 10)
			require.NoError(t, Attempt(t.Context(), client, ep, newMessage()).Err)
			size.Store(80 << 10)
			res := Attempt(t.Context(), client, ep, newMessage())
			require.Equal(t, ReasonNetwork, res.Reason)
			require.Equal(t, FaultReceiver, res.Fault)
		})
	}
}
