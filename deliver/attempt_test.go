package deliver

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func newMessage() *Message {
	return &Message{ID: "msg_1", Topic: paid, ContentType: "application/json", Body: []byte(`{"amount":12}`)}
}

// over makes a client that may reach a server of this test.
func over(t *testing.T, opts ClientOptions) *Client {
	t.Helper()
	opts.Guard = Guard{Allow: Loopback(), AnyPort: true, PlainHTTP: true}
	client, err := NewClient(&opts)
	require.NoError(t, err)
	t.Cleanup(client.CloseIdleConnections)
	return client
}

// serving starts a server over plain HTTP and an endpoint for it.
func serving(t *testing.T, h http.HandlerFunc) *Endpoint {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	ep := newEndpoint("e1")
	ep.URL = server.URL + "/in?x=1"
	return ep
}

// raw starts a server that speaks by itself after it has read a request.
func raw(t *testing.T, talk func(conn net.Conn)) *Endpoint {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = conn.Close() }()
				req, err := http.ReadRequest(bufio.NewReader(conn))
				if err != nil {
					return
				}
				_, _ = io.Copy(io.Discard, req.Body)
				talk(conn)
			}()
		}
	}()
	ep := newEndpoint("e1")
	ep.URL = "http://" + l.Addr().String()
	return ep
}

func TestAttemptOverTLS(t *testing.T) {
	t.Parallel()
	var got *http.Request
	var body []byte
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r
		body, _ = io.ReadAll(r.Body)
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, "noted")
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())

	ep := newEndpoint("e1")
	ep.URL = server.URL + "/in?x=1"
	ep.Header = http.Header{"X-Account": {"7"}}
	ep.Signer = signerFunc(func(h http.Header, id string, at time.Time, body []byte) error {
		require.WithinDuration(t, time.Now(), at, time.Minute)
		h.Set("Authorization", "Basic YTpi")
		h.Set("X-Signature", id+"."+string(body))
		return nil
	})
	res := Attempt(t.Context(), over(t, ClientOptions{RootCAs: roots}), ep, newMessage())
	require.NoError(t, res.Err)
	require.Equal(t, ReasonSucceeded, res.Reason)
	require.Equal(t, FaultNone, res.Fault)
	require.Equal(t, 202, res.Status)
	require.Equal(t, "noted", string(res.Body))
	require.Positive(t, res.Elapsed)

	require.Equal(t, http.MethodPost, got.Method)
	require.Equal(t, "HTTP/2.0", got.Proto)
	require.Equal(t, "/in?x=1", got.URL.String())
	require.Equal(t, `{"amount":12}`, string(body))
	require.Equal(t, int64(13), got.ContentLength)
	require.Equal(t, http.Header{
		"Authorization":  {"Basic YTpi"},
		"Content-Length": {"13"},
		"Content-Type":   {"application/json"},
		"User-Agent":     {"paperround/1"},
		"Webhook-Id":     {"msg_1"},
		"X-Account":      {"7"},
		"X-Signature":    {`msg_1.{"amount":12}`},
	}, got.Header, "and no Accept-Encoding")

	res = Attempt(t.Context(), over(t, ClientOptions{}), ep, newMessage())
	require.Equal(t, ReasonTLS, res.Reason, "an unknown authority is not trusted")
	require.Equal(t, FaultReceiver, res.Fault)
	require.True(t, Retryable(res.Err))
}

func TestAttemptJudgesTheStatus(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]Reason{
		200: ReasonSucceeded, 201: ReasonSucceeded, 204: ReasonSucceeded, 299: ReasonSucceeded,
		300: ReasonRedirect, 301: ReasonRedirect, 304: ReasonRedirect, 308: ReasonRedirect,
		400: ReasonRejected, 401: ReasonRejected, 404: ReasonRejected, 410: ReasonRejected,
		408: ReasonStatus, 425: ReasonStatus, 429: ReasonStatus,
		500: ReasonStatus, 502: ReasonStatus, 503: ReasonStatus, 599: ReasonStatus,
		600: ReasonRejected, 999: ReasonRejected,
	} {
		rec := newReceiver(func(*http.Request, int) (*http.Response, error) {
			return answer(status, "Retry-After", "30"), nil
		})
		client, err := NewClient(&ClientOptions{UnguardedTransport: rec})
		require.NoError(t, err)
		res := Attempt(t.Context(), client, newEndpoint("e1"), newMessage())
		require.Equal(t, want, res.Reason, status)
		require.Equal(t, status, res.Status)
		require.Equal(t, want == ReasonStatus, Retryable(res.Err))
		require.Equal(t, want == ReasonStatus, res.RetryAfter == 30*time.Second)
		if want != ReasonSucceeded {
			require.EqualError(t, res.Err, fmt.Sprintf("deliver: endpoint answered %d", status))
			require.Equal(t, FaultReceiver, res.Fault)
		}
		exact := newEndpoint("e1")
		exact.ExactOK = true
		res = Attempt(t.Context(), client, exact, newMessage())
		require.Equal(t, status == 200, res.Err == nil, status)
	}
}

func TestAttemptFollowsNoRedirect(t *testing.T) {
	t.Parallel()
	var hits atomic.Int64
	ep := serving(t, func(w http.ResponseWriter, r *http.Request) {
		hits.Add(1)
		to := "http://169.254.169.254/latest/meta-data"
		if r.URL.Path == "/in" {
			to = "/elsewhere"
		}
		http.Redirect(w, r, to, http.StatusTemporaryRedirect)
	})
	client := over(t, ClientOptions{})
	for range 2 {
		res := Attempt(t.Context(), client, ep, newMessage())
		require.Equal(t, ReasonRedirect, res.Reason)
		require.Equal(t, 307, res.Status)
		ep.URL = strings.Replace(ep.URL, "/in", "/metadata", 1)
	}
	require.Equal(t, int64(2), hits.Load())
}

func TestAttemptBoundsTheAnswer(t *testing.T) {
	t.Parallel()
	t.Run("huge body", func(t *testing.T) {
		t.Parallel()
		var wrote atomic.Int64
		done := make(chan struct{})
		ep := serving(t, func(w http.ResponseWriter, _ *http.Request) {
			defer close(done)
			block := []byte(strings.Repeat("x", 64<<10))
			for range 1000 {
				n, err := w.Write(block)
				wrote.Add(int64(n))
				if err != nil {
					return
				}
			}
		})
		begin := time.Now()
		res := Attempt(t.Context(), over(t, ClientOptions{}), ep, newMessage())
		require.NoError(t, res.Err)
		require.Len(t, res.Body, 4<<10)
		require.Less(t, time.Since(begin), 5*time.Second)
		<-done
		require.Less(t, wrote.Load(), int64(64<<20), "the connection was closed, not read to its end")
	})
	t.Run("read limit", func(t *testing.T) {
		t.Parallel()
		body := strings.NewReader(strings.Repeat("x", 1<<20))
		require.Len(t, readAnswer(body), 4<<10)
		require.Equal(t, 1<<20-64<<10, body.Len())
	})
	t.Run("huge header", func(t *testing.T) {
		t.Parallel()
		ep := serving(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Huge", strings.Repeat("x", 1<<20))
		})
		res := Attempt(t.Context(), over(t, ClientOptions{}), ep, newMessage())
		require.Equal(t, ReasonNetwork, res.Reason)
	})
	t.Run("slow drip of the body", func(t *testing.T) {
		t.Parallel()
		ep := raw(t, func(conn net.Conn) {
			_, _ = io.WriteString(conn, "HTTP/1.1 500 Oh\r\nContent-Length: 100000\r\n\r\n")
			for {
				if _, err := io.WriteString(conn, "x"); err != nil {
					return
				}
				time.Sleep(20 * time.Millisecond)
			}
		})
		ep.Timeout = 300 * time.Millisecond
		begin := time.Now()
		res := Attempt(t.Context(), over(t, ClientOptions{}), ep, newMessage())
		require.Less(t, time.Since(begin), 3*time.Second)
		require.Equal(t, 500, res.Status)
		require.NotEmpty(t, res.Body)
	})
	t.Run("slow drip of the header", func(t *testing.T) {
		t.Parallel()
		ep := raw(t, func(conn net.Conn) {
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n")
			for {
				if _, err := io.WriteString(conn, "X-A: b\r\n"); err != nil {
					return
				}
				time.Sleep(20 * time.Millisecond)
			}
		})
		ep.Timeout = 300 * time.Millisecond
		res := Attempt(t.Context(), over(t, ClientOptions{}), ep, newMessage())
		require.Equal(t, ReasonTimeout, res.Reason)
		require.Equal(t, FaultReceiver, res.Fault)
		require.EqualError(t, res.Err, "deliver: endpoint did not answer in time")
	})
	t.Run("compressed", func(t *testing.T) {
		t.Parallel()
		ep := serving(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Accept-Encoding") != "" {
				w.WriteHeader(400)
			}
		})
		require.NoError(t, Attempt(t.Context(), over(t, ClientOptions{}), ep, newMessage()).Err)
	})
}

func TestAttemptOverBrokenConnections(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		talk func(conn net.Conn)
		want Reason
	}{
		"reset": {func(conn net.Conn) { _ = conn.(*net.TCPConn).SetLinger(0) }, ReasonNetwork},
		"eof":   {func(net.Conn) {}, ReasonNetwork},
		"not HTTP": {
			func(conn net.Conn) { _, _ = io.WriteString(conn, "SSH-2.0-hunter2\r\n\r\n") },
			ReasonNetwork,
		},
		"broken status": {
			func(conn net.Conn) { _, _ = io.WriteString(conn, "HTTP/1.1 hunter2 OK\r\n\r\n") },
			ReasonNetwork,
		},
		"half a header": {
			func(conn net.Conn) { _, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nX-hunter2") },
			ReasonNetwork,
		},
		"half a body": {
			func(conn net.Conn) {
				_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
			},
			ReasonSucceeded,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			res := Attempt(t.Context(), over(t, ClientOptions{}), raw(t, tc.talk), newMessage())
			require.Equal(t, tc.want, res.Reason, "%v", res.Err)
			if res.Err != nil {
				require.Equal(t, FaultReceiver, res.Fault)
				require.NotContains(t, res.Err.Error(), "hunter2", "the answer is not repeated")
				require.NotContains(t, fmt.Sprintf("%+v", res.Err), "hunter2")
			}
		})
	}
	t.Run("refused", func(t *testing.T) {
		t.Parallel()
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		require.NoError(t, l.Close())
		ep := newEndpoint("e1")
		ep.URL = "http://" + l.Addr().String()
		res := Attempt(t.Context(), over(t, ClientOptions{}), ep, newMessage())
		require.Equal(t, ReasonNetwork, res.Reason)
		require.EqualError(t, res.Err, "deliver: connection to the endpoint failed: connection refused")
		require.ErrorIs(t, res.Err, syscall.ECONNREFUSED)
	})
}

func TestAttemptTellsWhoseFaultItIs(t *testing.T) {
	t.Parallel()
	dial := func(err error) error { return &net.OpError{Op: "dial", Net: "tcp", Err: err} }
	for name, tc := range map[string]struct {
		err    error
		reason Reason
		fault  Fault
	}{
		"files":         {dial(syscall.EMFILE), ReasonLocal, FaultOurs},
		"ports":         {dial(syscall.EADDRNOTAVAIL), ReasonLocal, FaultOurs},
		"network down":  {dial(syscall.ENETUNREACH), ReasonUnreachable, FaultOurs},
		"host down":     {dial(syscall.EHOSTUNREACH), ReasonNetwork, FaultReceiver},
		"reset":         {dial(syscall.ECONNRESET), ReasonNetwork, FaultReceiver},
		"connect time":  {dial(syscall.ETIMEDOUT), ReasonTimeout, FaultReceiver},
		"deadline":      {context.DeadlineExceeded, ReasonTimeout, FaultReceiver},
		"DNS timeout":   {dial(&net.DNSError{IsTimeout: true}), ReasonUnreachable, FaultOurs},
		"DNS server":    {dial(&net.DNSError{IsTemporary: true}), ReasonUnreachable, FaultOurs},
		"no such name":  {dial(&net.DNSError{IsNotFound: true}), ReasonDNS, FaultReceiver},
		"certificate":   {&tls.CertificateVerificationError{Err: errInjected}, ReasonTLS, FaultReceiver},
		"alert":         {&net.OpError{Op: "remote error", Err: tls.AlertError(40)}, ReasonTLS, FaultReceiver},
		"handshake":     {errors.New("tls: server chose an unconfigured cipher suite"), ReasonTLS, FaultReceiver},
		"refused":       {dial(refused("10.0.0.1: private")), ReasonRefused, FaultDestination},
		"anything else": {errInjected, ReasonNetwork, FaultReceiver},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, err := NewClient(&ClientOptions{UnguardedTransport: transport(func(*http.Request) (*http.Response, error) {
				return nil, tc.err
			})})
			require.NoError(t, err)
			res := Attempt(t.Context(), client, newEndpoint("e1"), newMessage())
			require.Equal(t, tc.reason, res.Reason)
			require.Equal(t, tc.fault, res.Fault)
			require.Equal(t, tc.fault != FaultDestination, Retryable(res.Err))
		})
	}
}

func TestAttemptCanceledByTheCaller(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rec := newReceiver(func(req *http.Request, _ int) (*http.Response, error) {
			<-req.Context().Done()
			return nil, req.Context().Err()
		})
		client, err := NewClient(&ClientOptions{UnguardedTransport: rec})
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		res := Attempt(ctx, client, newEndpoint("e1"), newMessage())
		require.Equal(t, ReasonCanceled, res.Reason)
		require.Equal(t, FaultOurs, res.Fault)
		require.Equal(t, time.Second, res.Elapsed)
		require.True(t, Retryable(res.Err))

		res = Attempt(t.Context(), client, newEndpoint("e1"), newMessage())
		require.Equal(t, ReasonTimeout, res.Reason)
		require.Equal(t, 15*time.Second, res.Elapsed)
	})
}

func TestAttemptHeaders(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		header http.Header
		signed http.Header
		want   http.Header
		fails  bool
	}{
		"the signer wins": {
			http.Header{"X-Signature": {"forged", "twice"}, "User-Agent": {"acme"}},
			http.Header{"X-Signature": {"right"}},
			http.Header{"Content-Type": {"application/json"}, "User-Agent": {"acme"}, "Webhook-Id": {"msg_1"}, "X-Signature": {"right"}},
			false,
		},
		"in any case": {
			http.Header{"x-signature": {"forged"}, "X-SIGNATURE": {"forged"}},
			http.Header{"X-Signature": {"right"}},
			http.Header{"Content-Type": {"application/json"}, "User-Agent": {"paperround/1"}, "Webhook-Id": {"msg_1"}, "X-Signature": {"right"}},
			false,
		},
		"a signed id stays, in any case": {
			nil,
			http.Header{"webhook-id": {"signed"}},
			http.Header{"Content-Type": {"application/json"}, "User-Agent": {"paperround/1"}, "webhook-id": {"signed"}},
			false,
		},
		"an empty user agent is none": {
			http.Header{"User-Agent": {""}},
			nil,
			http.Header{"Content-Type": {"application/json"}, "User-Agent": {"paperround/1"}, "Webhook-Id": {"msg_1"}},
			false,
		},
		"one user agent": {
			http.Header{"user-agent": {"acme"}, "x-account": {"7", "8"}},
			nil,
			http.Header{"Content-Type": {"application/json"}, "User-Agent": {"acme"}, "Webhook-Id": {"msg_1"}, "X-Account": {"7", "8"}},
			false,
		},
		"in the signer's own case": {
			http.Header{"X-Signature": {"forged"}},
			http.Header{"x-signature": {"right"}},
			http.Header{"Content-Type": {"application/json"}, "User-Agent": {"paperround/1"}, "Webhook-Id": {"msg_1"}, "x-signature": {"right"}},
			false,
		},
		"a signed id stays": {
			nil,
			http.Header{"Webhook-Id": {"signed"}},
			http.Header{"Content-Type": {"application/json"}, "User-Agent": {"paperround/1"}, "Webhook-Id": {"signed"}},
			false,
		},
		"no framing by the signer":         {nil, http.Header{"Content-Length": {"1"}}, nil, true},
		"nor in lower case":                {nil, http.Header{"transfer-encoding": {"chunked"}}, nil, true},
		"no other content type":            {nil, http.Header{"Content-Type": {"text/plain"}}, nil, true},
		"no second content type":           {nil, http.Header{"Content-Type": {"application/json", "text/plain"}}, nil, true},
		"no header that is none":           {nil, http.Header{"X Sig": {"1"}}, nil, true},
		"no content type in another case":  {nil, http.Header{"content-type": {"application/json"}}, nil, true},
		"no host set by the signer either": {nil, http.Header{"Host": {"evil.example"}}, nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rec := always(200)
			client, err := NewClient(&ClientOptions{UnguardedTransport: rec})
			require.NoError(t, err)
			ep := newEndpoint("e1")
			ep.Header = tc.header
			before := tc.header.Clone()
			ep.Signer = signerFunc(func(h http.Header, _ string, _ time.Time, _ []byte) error {
				maps.Copy(h, tc.signed)
				return nil
			})
			res := Attempt(t.Context(), client, ep, newMessage())
			require.Equal(t, before, ep.Header, "the endpoint is not changed")
			if tc.fails {
				require.Equal(t, ReasonSigner, res.Reason)
				require.Equal(t, FaultOurs, res.Fault)
				require.Empty(t, rec.seen())
				return
			}
			require.NoError(t, res.Err)
			require.Equal(t, tc.want, rec.seen()[0].header)
		})
	}
}

func TestEndpointRefuses(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(*Endpoint)
		want   string
	}{
		"no id":            {func(e *Endpoint) { e.ID = "" }, "endpoint id is empty"},
		"bad id":           {func(e *Endpoint) { e.ID = "a b" }, "endpoint id may hold"},
		"no topics":        {func(e *Endpoint) { e.Topics = nil }, "topic.Everything"},
		"bad topic":        {func(e *Endpoint) { e.Topics = append(e.Topics, "nonsense") }, "topic pattern"},
		"no signer":        {func(e *Endpoint) { e.Signer = nil }, "unsigned"},
		"concurrency":      {func(e *Endpoint) { e.Concurrency = -1 }, "negative"},
		"timeout":          {func(e *Endpoint) { e.Timeout = -1 }, "negative"},
		"policy":           {func(e *Endpoint) { e.Policy = &Policy{Jitter: 2} }, "Jitter"},
		"tenant":           {func(e *Endpoint) { e.Tenant = "\n" }, "tenant"},
		"host header":      {func(e *Endpoint) { e.Header = http.Header{"Host": {"x"}} }, "may not set Host"},
		"length":           {func(e *Endpoint) { e.Header = http.Header{"content-length": {"1"}} }, "may not set Content-Length"},
		"encoding":         {func(e *Endpoint) { e.Header = http.Header{"Transfer-Encoding": {"chunked"}} }, "may not set"},
		"connection":       {func(e *Endpoint) { e.Header = http.Header{"connection": {"close"}} }, "may not set"},
		"content type":     {func(e *Endpoint) { e.Header = http.Header{"Content-Type": {"x"}} }, "may not set"},
		"webhook id":       {func(e *Endpoint) { e.Header = http.Header{"webhook-id": {"x"}} }, "may not set"},
		"header injection": {func(e *Endpoint) { e.Header = http.Header{"X-A": {"a\r\nX-B: hunter2"}} }, "control character"},
		"header name":      {func(e *Endpoint) { e.Header = http.Header{"X A": {"a"}} }, "token"},
		"userinfo":         {func(e *Endpoint) { e.URL = "https://a:hunter2@example.com" }, "userinfo"},
		"odd host":         {func(e *Endpoint) { e.URL = "https://2130706433" }, "refused"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEndpoint("e1")
			tc.change(e)
			_, err := Static(e)
			require.ErrorContains(t, err, tc.want)
			require.NotContains(t, err.Error(), "hunter2")

			rec := always(200)
			client, err := NewClient(&ClientOptions{UnguardedTransport: rec})
			require.NoError(t, err)
			require.Error(t, client.Check(e))
			msg := newMessage()
			msg.Tenant = e.Tenant
			res := Attempt(t.Context(), client, e, msg)
			require.Equal(t, FaultDestination, res.Fault, "a directory of a host's own may hold anything")
			require.False(t, Retryable(res.Err))
			require.Empty(t, rec.seen())
		})
	}
	_, err := Static(newEndpoint("e1"), newEndpoint("e1"))
	require.ErrorContains(t, err, "e1 is there twice")
	_, err = Static(nil)
	require.ErrorContains(t, err, "endpoint is nil")
}

func TestAttemptSurvivesNil(t *testing.T) {
	t.Parallel()
	client, err := NewClient(nil)
	require.NoError(t, err)
	for _, res := range []*Result{
		Attempt(t.Context(), nil, newEndpoint("e1"), newMessage()),
		Attempt(t.Context(), &Client{}, newEndpoint("e1"), newMessage()),
		Attempt(t.Context(), client, nil, newMessage()),
		Attempt(t.Context(), client, newEndpoint("e1"), nil),
		Attempt(t.Context(), client, newEndpoint("e1"), &Message{}),
	} {
		require.Equal(t, ReasonInvalid, res.Reason)
		require.Error(t, res.Err)
	}
	foreign := newMessage()
	foreign.Tenant = "b"
	require.Equal(t, ReasonInvalid, Attempt(t.Context(), client, newEndpoint("e1"), foreign).Reason)
}

func TestCredentialsOverPlainHTTP(t *testing.T) {
	t.Parallel()
	var hits atomic.Int64
	ep := serving(t, func(http.ResponseWriter, *http.Request) { hits.Add(1) })
	require.NoError(t, Attempt(t.Context(), over(t, ClientOptions{}), ep, newMessage()).Err, "a signature alone may go")
	hits.Store(0)
	ep.Signer = signerFunc(func(h http.Header, _ string, _ time.Time, _ []byte) error {
		h["authorization"] = []string{"Basic aHVudGVyMg=="}
		return nil
	})
	res := Attempt(t.Context(), over(t, ClientOptions{}), ep, newMessage())
	require.ErrorIs(t, res.Err, ErrRefused)
	require.Equal(t, FaultDestination, res.Fault)
	require.Zero(t, hits.Load())
	ep.Signer = plainSigner()
	ep.Header = http.Header{"Authorization": {"Bearer x"}}
	require.ErrorIs(t, Attempt(t.Context(), over(t, ClientOptions{}), ep, newMessage()).Err, ErrRefused)
	require.NoError(t, Attempt(t.Context(), over(t, ClientOptions{PlaintextCredentials: true}), ep, newMessage()).Err)
	require.Equal(t, int64(1), hits.Load())
}

func TestConnectionsAreUsedAgain(t *testing.T) {
	t.Parallel()
	var conns atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, strings.Repeat("x", 32<<10))
	}))
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			conns.Add(1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	ep := newEndpoint("e1")
	ep.URL = server.URL
	client := over(t, ClientOptions{})
	for range 20 {
		require.NoError(t, Attempt(t.Context(), client, ep, newMessage()).Err)
	}
	require.Equal(t, int64(1), conns.Load())
}

func TestEnvironmentProxiesAreIgnored(t *testing.T) {
	var proxied atomic.Int64
	proxy := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { proxied.Add(1) }))
	t.Cleanup(proxy.Close)
	t.Setenv("HTTP_PROXY", proxy.URL)
	t.Setenv("HTTPS_PROXY", proxy.URL)
	client, err := newClient(&ClientOptions{Guard: Guard{PlainHTTP: true, AnyPort: true, Allow: Loopback()}},
		namesAnswer(func() []string { return []string{"127.0.0.1"} }))
	require.NoError(t, err)
	require.Nil(t, client.transport.(*pool).Proxy)
	ep := newEndpoint("e1")
	ep.URL = "http://hooks.example.com:1/" // nobody listens there
	require.Error(t, Attempt(t.Context(), client, ep, newMessage()).Err)
	require.Zero(t, proxied.Load())
}

// The raw connection of a protocol switch minds no context by itself.
func TestAttemptDoesNotSwitchProtocols(t *testing.T) {
	t.Parallel()
	stop := make(chan struct{})
	ep := raw(t, func(conn net.Conn) {
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
		<-stop
	})
	t.Cleanup(func() { close(stop) })
	start := time.Now()
	res := Attempt(t.Context(), over(t, ClientOptions{}), ep, newMessage())
	require.Equal(t, ReasonRejected, res.Reason)
	require.Equal(t, http.StatusSwitchingProtocols, res.Status)
	require.Less(t, time.Since(start), 5*time.Second)
}

// deafBody blocks until it is closed, whatever becomes of the request.
type deafBody struct{ closed chan struct{} }

func (b deafBody) Read([]byte) (int, error) {
	<-b.closed
	return 0, io.EOF
}

func (b deafBody) Close() error {
	select {
	case <-b.closed:
	default:
		close(b.closed)
	}
	return nil
}

func TestDeadlineClosesADeafBody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client, err := NewClient(&ClientOptions{UnguardedTransport: transport(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Header: http.Header{}, Body: deafBody{make(chan struct{})}}, nil
		})})
		require.NoError(t, err)
		start := time.Now()
		res := Attempt(t.Context(), client, newEndpoint("e1"), newMessage())
		require.Equal(t, ReasonSucceeded, res.Reason, "the status has decided")
		require.Equal(t, defaultTimeout, time.Since(start))
	})
}

func TestSignerWithABadValue(t *testing.T) {
	t.Parallel()
	ep := newEndpoint("e1")
	ep.Signer = signerFunc(func(h http.Header, _ string, _ time.Time, _ []byte) error {
		h["X-Signature"] = []string{"hunter2\nX-Other: 1"}
		return nil
	})
	client, err := NewClient(&ClientOptions{UnguardedTransport: always(200)})
	require.NoError(t, err)
	res := Attempt(t.Context(), client, ep, newMessage())
	require.Equal(t, ReasonSigner, res.Reason)
	require.Equal(t, FaultOurs, res.Fault)
	require.NotContains(t, res.Err.Error(), "hunter2")
}

// A request that an HTTP/2 server has refused unseen is sent again by the
// transport, within the same attempt.
func TestAttemptSurvivesRefusedStreams(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		time.Sleep(20 * time.Millisecond)
	}))
	server.EnableHTTP2 = true
	server.Config.HTTP2 = &http.HTTP2Config{MaxConcurrentStreams: 2}
	server.StartTLS()
	t.Cleanup(server.Close)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	ep := newEndpoint("e1")
	ep.URL = server.URL
	client := over(t, ClientOptions{RootCAs: roots})
	for range 3 {
		client.CloseIdleConnections()
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				if res := Attempt(t.Context(), client, ep, newMessage()); res.Err != nil {
					t.Errorf("attempt failed: %v", res.Err)
				}
			})
		}
		all.Wait()
	}
}

func TestCertificateFlaws(t *testing.T) {
	t.Parallel()
	for want, err := range map[string]error{
		"the certificate is signed by an unknown authority": x509.UnknownAuthorityError{},
		"the certificate is for another name":               x509.HostnameError{Certificate: &x509.Certificate{}},
		"the certificate has expired or is not valid yet":   x509.CertificateInvalidError{Reason: x509.Expired},
		"": x509.CertificateInvalidError{Reason: x509.TooManyIntermediates},
	} {
		client, clientErr := NewClient(&ClientOptions{UnguardedTransport: transport(func(*http.Request) (*http.Response, error) {
			return nil, &tls.CertificateVerificationError{Err: err}
		})})
		require.NoError(t, clientErr)
		res := Attempt(t.Context(), client, newEndpoint("e1"), newMessage())
		require.Equal(t, ReasonTLS, res.Reason)
		e, ok := errors.AsType[*Error](res.Err)
		require.True(t, ok)
		require.Equal(t, want, e.Detail)
	}
}

// Without pings and the writer's bound, an HTTP/2 connection that is dead or stuck
// would be used for ever. Package delivertest sees them work.
func TestClientPings(t *testing.T) {
	t.Parallel()
	client, err := NewClient(nil)
	require.NoError(t, err)
	transport, ok := client.transport.(*pool)
	require.True(t, ok)
	require.Equal(t, 15*time.Second, transport.HTTP2.SendPingTimeout)
	require.Equal(t, 5*time.Second, transport.HTTP2.PingTimeout)
	require.Equal(t, 5*time.Second, transport.HTTP2.WriteByteTimeout)
}
