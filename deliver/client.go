package deliver

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"sync/atomic"
	"time"
)

const (
	defaultConnectTimeout  = 5 * time.Second
	idleConnTimeout        = 90 * time.Second
	pingAfter              = 15 * time.Second // without an answer on a connection
	pingTimeout            = 5 * time.Second
	writeTimeout           = 5 * time.Second // without a byte taken off us
	maxDials               = 4               // of one exchange
	maxIdleConnsPerHost    = 64
	maxIdleConns           = 1024
	maxResponseHeaderBytes = 64 << 10
)

// ClientOptions are the choices of [NewClient]. The zero value is the strictest.
type ClientOptions struct {
	// Guard says where requests may go.
	Guard Guard

	// RootCAs sign the certificates that are trusted; nil means the system's.
	RootCAs *x509.CertPool

	// Certificate is shown to endpoints that ask for one (mutual TLS); nil means
	// none. Connections are not shared between clients, so each identity is a
	// client of its own.
	Certificate *tls.Certificate

	// ConnectTimeout bounds the lookup of the name and the connecting together,
	// and then the TLS handshake. 0 means 5 seconds, negative no bound but the
	// endpoint's Timeout.
	ConnectTimeout time.Duration

	// Proxy says through which proxy the requests to a URL go, nil for none: with
	// [http.ProxyURL] always the same, with [http.ProxyFromEnvironment] what the
	// environment says. nil means that there are no proxies, and that those of the
	// environment are ignored. It is asked at each attempt with a request that has
	// a method and a URL, but no header and no body, and must be safe for
	// concurrent use. Schemes are http, https, socks5 and socks5h.
	//
	// The guard lets a proxy's own address through, and for it alone. It still
	// judges URLs as they are written, but behind a proxy it sees no address of
	// the endpoint, since the proxy looks up the name: the proxy must refuse what
	// the guard would. A proxy that fails is a fault of the sending side.
	Proxy func(*http.Request) (*url.URL, error)

	// PlaintextCredentials allows an Authorization header over plain http.
	PlaintextCredentials bool

	// UnguardedTransport makes the exchanges instead of the guarded transport.
	// URLs are still judged as they are written; whatever the transport dials,
	// and which proxies and redirects it follows, is its own affair. It is
	// meant for tests and for platforms that guard their egress elsewhere.
	UnguardedTransport http.RoundTripper
}

// Client makes the exchanges: a shared pool of connections behind the egress
// guard. It speaks HTTP/1.1 and HTTP/2 over TLS 1.2 or later, ignores proxies
// of the environment unless told otherwise, and follows no redirect. It is safe
// for concurrent use; make one and share it. The zero value is of no use; see
// [NewClient].
type Client struct {
	guard                *guard
	transport            http.RoundTripper
	plaintextCredentials bool
}

// NewClient makes a client; nil options are the strictest. The error is an
// [*Error] and says which option to mend.
func NewClient(opts *ClientOptions) (*Client, error) {
	return newClient(opts, nil)
}

func newClient(opts *ClientOptions, resolver *net.Resolver) (*Client, error) {
	if opts == nil {
		opts = &ClientOptions{}
	}
	g, err := newGuard(opts.Guard)
	if err != nil {
		return nil, err
	}
	c := &Client{guard: g, plaintextCredentials: opts.PlaintextCredentials}
	if opts.UnguardedTransport != nil {
		if opts.RootCAs != nil || opts.Certificate != nil || opts.ConnectTimeout != 0 || opts.Proxy != nil {
			return nil, invalid("RootCAs, Certificate, ConnectTimeout and Proxy have no effect on an UnguardedTransport; set them there")
		}
		c.transport = opts.UnguardedTransport
		return c, nil
	}
	connect := opts.ConnectTimeout
	switch {
	case connect == 0:
		connect = defaultConnectTimeout
	case connect < 0:
		connect = 0 // which is none to net and net/http
	}
	settings := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: opts.RootCAs}
	if opts.Certificate != nil {
		if len(opts.Certificate.Certificate) == 0 || opts.Certificate.PrivateKey == nil {
			return nil, invalid("Certificate has no certificate or no private key; tls.X509KeyPair makes one")
		}
		settings.Certificates = []tls.Certificate{*opts.Certificate}
	}
	d := &dialer{
		guarded: &net.Dialer{Timeout: connect, ControlContext: g.control, Resolver: resolver},
		open:    &net.Dialer{Timeout: connect, Resolver: resolver},
	}
	transport := &http.Transport{
		DialContext:            d.dial,
		TLSClientConfig:        settings,
		TLSHandshakeTimeout:    connect,
		DisableCompression:     true,
		ForceAttemptHTTP2:      true,
		MaxIdleConns:           maxIdleConns,
		MaxIdleConnsPerHost:    maxIdleConnsPerHost,
		IdleConnTimeout:        idleConnTimeout,
		MaxResponseHeaderBytes: maxResponseHeaderBytes,
		HTTP2: &http.HTTP2Config{
			// Without pings, a connection whose other end vanished is used for ever.
			SendPingTimeout: pingAfter,
			PingTimeout:     pingTimeout,
			// And without this, one whose other end sends but does not read.
			WriteByteTimeout: writeTimeout,
		},
	}
	c.transport = &pool{Transport: transport, choose: opts.Proxy}
	if opts.Proxy != nil {
		transport.Proxy = func(req *http.Request) (*url.URL, error) { return tripOf(req.Context()).proxy, nil }
		transport.OnProxyConnectResponse = func(_ context.Context, _ *url.URL, _ *http.Request, resp *http.Response) error {
			if resp.StatusCode == http.StatusOK {
				return nil
			}
			// It may not want to go there, or nobody may be there.
			return &Error{Reason: ReasonUnreachable, Detail: "the proxy answered " + strconv.Itoa(resp.StatusCode)}
		}
	}
	return c, nil
}

// pool is the transport with what it does not do by itself. Connections through
// different proxies, or none, are kept apart by the transport.
type pool struct {
	*http.Transport

	choose func(*http.Request) (*url.URL, error) // nil if there are no proxies
}

// RoundTrip implements [http.RoundTripper], for requests with a trip in their
// context.
func (p *pool) RoundTrip(req *http.Request) (*http.Response, error) {
	if p.choose != nil {
		// What the transport keeps apart is told by the URL, so nothing else decides.
		proxy, err := p.choose(&http.Request{Method: req.Method, URL: req.URL, Host: req.URL.Host, Header: http.Header{}})
		switch {
		case err != nil:
			return nil, &Error{Reason: ReasonLocal, Detail: "choosing a proxy failed", Err: err}
		case proxy != nil && addressOf(proxy) == "":
			return nil, &Error{Reason: ReasonLocal, Detail: "the proxy's URL is not one of http, https, socks5 or socks5h with a host"}
		}
		tripOf(req.Context()).proxy = proxy
	}
	resp, err := p.Transport.RoundTrip(req)
	if err != nil && isProxyFailure(err) {
		err = &Error{Reason: ReasonUnreachable, Detail: "the proxy fails", Err: err}
	}
	return resp, err
}

// trip is what the dialer has to know of the exchange that it dials for. It goes
// along in the request's context.
type trip struct {
	proxy *url.URL // nil if there is none
	dials atomic.Int32
}

// tripKey is the context's key for a trip.
type tripKey struct{}

func withTrip(ctx context.Context) context.Context {
	return context.WithValue(ctx, tripKey{}, &trip{})
}

func tripOf(ctx context.Context) *trip {
	if way, ok := ctx.Value(tripKey{}).(*trip); ok {
		return way
	}
	return &trip{}
}

// dialer judges what it dials, unless that is the proxy of the request.
type dialer struct {
	guarded, open *net.Dialer
}

func (d *dialer) dial(ctx context.Context, network, address string) (net.Conn, error) {
	way := tripOf(ctx)
	// An HTTP/2 server may send a request away unseen, and the transport dials
	// again, with no end to it.
	if way.dials.Add(1) > maxDials {
		return nil, errManyDials
	}
	if way.proxy == nil {
		conn, err := d.guarded.DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return impatient{conn}, nil
	}
	if address != addressOf(way.proxy) {
		return nil, &Error{Reason: ReasonLocal, Detail: "the address dialed is not the proxy's"}
	}
	conn, err := d.open.DialContext(ctx, network, address)
	if err != nil {
		// Its text only: what it wraps would be taken for the endpoint's failure.
		return nil, &Error{Reason: ReasonLocal, Detail: "the proxy cannot be reached", Err: errors.New(err.Error())}
	}
	return impatient{conn}, nil
}

// impatient is a connection that closes when a write on it has timed out, which
// only HTTP/2 has a time for. The transport by itself would go on reading what the
// endpoint sends, and hand the connection to the next exchange.
type impatient struct{ net.Conn }

func (c impatient) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		_ = c.Close() // the write's error is what counts
	}
	return n, err
}

var errManyDials = errors.New("the endpoint sends the request to one connection after the other")

// addressOf returns the address that a proxy is dialed at, "" if it has none.
func addressOf(proxy *url.URL) string {
	port := proxy.Port()
	if port == "" {
		switch proxy.Scheme {
		case "http":
			port = "80"
		case "https":
			port = "443"
		case "socks5", "socks5h":
			port = "1080"
		}
	}
	switch proxy.Scheme {
	case "http", "https", "socks5", "socks5h":
		if proxy.Hostname() != "" {
			return net.JoinHostPort(proxy.Hostname(), port)
		}
	}
	return ""
}

// isProxyFailure reports whether an error that says no more comes from the way
// to the proxy, or from its side of SOCKS.
func isProxyFailure(err error) bool {
	if _, own := errors.AsType[*Error](err); own {
		return false
	}
	op, ok := errors.AsType[*net.OpError](err)
	return ok && (op.Op == "proxyconnect" || op.Op == "socks connect")
}

// Check says whether an endpoint is well-formed and whether the client would
// send to its URL, as far as that shows before DNS. Call it when a customer
// registers an endpoint. The error is an [*Error]; for a destination that the
// guard refuses it is also [ErrRefused], and its Detail is for the operator.
func (c *Client) Check(ep *Endpoint) error {
	_, err := c.check(ep)
	return err
}

func (c *Client) check(ep *Endpoint) (*url.URL, error) {
	if c == nil || c.guard == nil {
		return nil, invalid("client is not usable; make one with NewClient")
	}
	u, err := ep.check()
	if err != nil {
		return nil, err
	}
	if err := c.guard.judgeURL(u); err != nil {
		return nil, err
	}
	return u, nil
}

// CloseIdleConnections closes the connections that no exchange is using. The
// client stays usable.
func (c *Client) CloseIdleConnections() {
	if t, ok := c.transport.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
}
