package deliver

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"net/url"
	"time"
)

const (
	connectTimeout         = 5 * time.Second
	idleConnTimeout        = 90 * time.Second
	pingAfter              = 15 * time.Second // without an answer on a connection
	pingTimeout            = 5 * time.Second
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
// of the environment and follows no redirect. It is safe for concurrent use;
// make one and share it. The zero value is of no use; see [NewClient].
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
	c := &Client{guard: g, transport: opts.UnguardedTransport, plaintextCredentials: opts.PlaintextCredentials}
	if c.transport != nil {
		if opts.RootCAs != nil {
			return nil, invalid("RootCAs has no effect on an UnguardedTransport; set one of them")
		}
		return c, nil
	}
	dialer := &net.Dialer{
		Timeout:        connectTimeout,
		ControlContext: g.control,
		Resolver:       resolver,
	}
	c.transport = &http.Transport{
		DialContext:            dialer.DialContext,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: opts.RootCAs},
		TLSHandshakeTimeout:    connectTimeout,
		DisableCompression:     true,
		ForceAttemptHTTP2:      true,
		MaxIdleConns:           maxIdleConns,
		MaxIdleConnsPerHost:    maxIdleConnsPerHost,
		IdleConnTimeout:        idleConnTimeout,
		MaxResponseHeaderBytes: maxResponseHeaderBytes,
		// Without pings, a connection whose other end vanished is used for ever.
		HTTP2: &http.HTTP2Config{SendPingTimeout: pingAfter, PingTimeout: pingTimeout},
	}
	return c, nil
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
