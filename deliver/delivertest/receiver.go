package delivertest

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"example.com/paperround/deliver"
)

// ReceiverOptions are the choices of [NewReceiver].
type ReceiverOptions struct {
	// Verify judges each request by its header and body, as a receiver that
	// checks signatures does. An error is kept in [Request.Refused] and answered
	// with 401, whatever the script says. nil accepts all.
	Verify func(header http.Header, body []byte) error
}

// Answer is what a [Receiver] does with a request. The zero value is 200 with an
// empty body, at once.
type Answer struct {
	Status     int           // 0 means 200
	Header     http.Header   // added to the answer's
	Body       []byte        // of the answer
	RetryAfter time.Duration // if positive, a Retry-After header, in seconds rounded up
	Delay      time.Duration // before it answers, or hangs up
	HangUp     bool          // the connection is closed without an answer
}

// Request is what a [Receiver] got. The receiver keeps no reference to it.
type Request struct {
	Method  string
	Target  string      // path and query as they were sent
	Header  http.Header // with canonical names
	Body    []byte
	Raw     []byte // the whole request as it came, byte for byte
	At      time.Time
	Refused error // what Verify said
}

// Receiver is an endpoint over TLS on loopback. It keeps each request and answers
// by a script. Make one with [NewReceiver]. It is safe for concurrent use.
type Receiver struct {
	url    string
	roots  *x509.CertPool
	verify func(http.Header, []byte) error

	mu       sync.Mutex
	script   []Answer
	requests []Request
	changed  chan struct{} // closed, and another one put in its place, when a request has come
}

// NewReceiver starts a receiver, which ends with the test; nil options are the
// defaults. It answers everything with 200 until [Receiver.Answer] says otherwise.
func NewReceiver(tb TB, opts *ReceiverOptions) *Receiver {
	tb.Helper()
	if opts == nil {
		opts = &ReceiverOptions{}
	}
	certs, err := newCertificates()
	if err != nil {
		tb.Fatalf("delivertest: making certificates: %v", err)
		return nil
	}
	l, err := listen()
	if err != nil {
		tb.Fatalf("%v", err)
		return nil
	}
	r := &Receiver{
		url:     "https://" + l.Addr().String() + "/",
		roots:   certs.roots,
		verify:  opts.Verify,
		changed: make(chan struct{}),
	}
	server := &http.Server{
		Handler:           http.HandlerFunc(r.serve),
		ReadHeaderTimeout: time.Minute,
		ErrorLog:          log.New(io.Discard, "", 0),
		ConnContext: func(ctx context.Context, conn net.Conn) context.Context {
			return context.WithValue(ctx, tapeKey{}, conn)
		},
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = server.Serve(taped{tls.NewListener(l, certs.plain)})
	}()
	tb.Cleanup(func() {
		_ = server.Close()
		<-ended
	})
	return r
}

// URL returns where the receiver listens.
func (r *Receiver) URL() string { return r.url }

// RootCAs returns the authority that signed the receiver's certificate. The
// caller owns it.
func (r *Receiver) RootCAs() *x509.CertPool { return r.roots.Clone() }

// ClientOptions returns options for a client that may reach the receiver. The
// caller owns them.
func (r *Receiver) ClientOptions() *deliver.ClientOptions {
	return &deliver.ClientOptions{
		Guard:   deliver.Guard{Allow: deliver.Loopback(), AnyPort: true},
		RootCAs: r.RootCAs(),
	}
}

// Answer adds to the script: one answer for each request to come, in the order
// of their arrival. When the script has ended, the answer is 200.
func (r *Receiver) Answer(answers ...Answer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.script = append(r.script, answers...)
}

// Requests returns what has come so far, in the order of arrival.
func (r *Receiver) Requests() []Request {
	r.mu.Lock()
	defer r.mu.Unlock()
	return copied(r.requests)
}

// Wait waits until n requests have come, and returns all that have. If ctx ends
// before, the error says how many there are, and those are returned too.
func (r *Receiver) Wait(ctx context.Context, n int) ([]Request, error) {
	for {
		r.mu.Lock()
		list, changed := copied(r.requests), r.changed
		r.mu.Unlock()
		if len(list) >= n {
			return list, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return list, fmt.Errorf("delivertest: %d of %d requests have come%s: %w", len(list), n, summary(list), context.Cause(ctx))
		}
	}
}

func copied(list []Request) []Request {
	list = slices.Clone(list)
	for i := range list {
		list[i].Header = list[i].Header.Clone()
		list[i].Body = bytes.Clone(list[i].Body)
		list[i].Raw = bytes.Clone(list[i].Raw)
	}
	return list
}

func summary(list []Request) string {
	var b strings.Builder
	for i, q := range list {
		fmt.Fprintf(&b, "\n\t%d. %s %s with %d bytes", i+1, q.Method, q.Target, len(q.Body))
		if q.Refused != nil {
			b.WriteString(", refused")
		}
	}
	return b.String()
}

// serve answers one request. One that breaks off is not kept.
func (r *Receiver) serve(w http.ResponseWriter, req *http.Request) {
	q := Request{Method: req.Method, Target: req.RequestURI, Header: req.Header.Clone(), At: time.Now()}
	var err error
	if q.Body, err = io.ReadAll(req.Body); err != nil {
		return
	}
	if t, ok := req.Context().Value(tapeKey{}).(*tape); ok {
		q.Raw = t.take()
	}
	if r.verify != nil {
		q.Refused = r.verify(req.Header.Clone(), bytes.Clone(q.Body))
	}
	a := r.keep(q)
	if a.Delay > 0 {
		timer := time.NewTimer(a.Delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-req.Context().Done():
			return
		}
	}
	if a.HangUp {
		panic(http.ErrAbortHandler) // net/http's way to say so
	}
	maps.Copy(w.Header(), a.Header)
	if a.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.FormatInt(int64((a.RetryAfter+time.Second-1)/time.Second), 10))
	}
	if a.Status == 0 {
		a.Status = http.StatusOK
	}
	w.WriteHeader(a.Status)
	_, _ = w.Write(a.Body) // the sender may have gone
}

// keep keeps a request and returns its answer.
func (r *Receiver) keep(q Request) Answer {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.requests = append(r.requests, q)
	close(r.changed)
	r.changed = make(chan struct{})
	var a Answer
	if len(r.script) > 0 {
		a, r.script = r.script[0], r.script[1:]
	}
	if q.Refused != nil {
		return Answer{Status: http.StatusUnauthorized}
	}
	return a
}

// tape keeps what is read from a connection. With HTTP/1.1 and a client that
// awaits each answer, that is one request at a time.
type tape struct {
	net.Conn

	mu   sync.Mutex
	read []byte
}

// tapeKey is the context's key for a connection's tape.
type tapeKey struct{}

func (t *tape) Read(b []byte) (int, error) {
	n, err := t.Conn.Read(b)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.read = append(t.read, b[:n]...)
	return n, err
}

func (t *tape) take() []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	taken := t.read
	t.read = nil
	return taken
}

// taped is a listener whose connections are on tape.
type taped struct{ net.Listener }

func (l taped) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &tape{Conn: conn}, nil
}
