package delivertest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"iter"
	"net"
	"sync"

	"example.com/paperround/deliver"
)

// Hostile is a receiver that means harm: one server on loopback for each
// [Trick]. Make one with [NewHostile]. It is safe for concurrent use.
type Hostile struct {
	roots  *x509.CertPool
	stages []*stage
	byName map[Trick]*stage

	stop    context.Context //nolint:containedctx // ends with the servers, which no call outlives
	cancel  context.CancelFunc
	serving sync.WaitGroup
}

// stage is where one trick is played.
type stage struct {
	play
	url      string
	listener net.Listener

	mu       sync.Mutex
	accepted int
	sent     int64
	open     map[net.Conn]bool
	changed  chan struct{} // closed, and another one put in its place, when open changes
}

// NewHostile starts the servers. They end, and hang up on whoever is left, when
// the test does.
func NewHostile(tb TB) *Hostile {
	tb.Helper()
	certs, err := newCertificates()
	if err != nil {
		tb.Fatalf("delivertest: making certificates: %v", err)
		return nil
	}
	h := &Hostile{roots: certs.roots, byName: make(map[Trick]*stage)}
	h.stop, h.cancel = context.WithCancel(context.Background())
	tb.Cleanup(h.close)
	for _, p := range plays(certs) {
		l, err := listen()
		if err != nil {
			tb.Fatalf("%v", err)
			return nil
		}
		s := &stage{play: p, listener: l, open: make(map[net.Conn]bool), changed: make(chan struct{})}
		s.url = p.scheme() + "://" + l.Addr().String() + "/"
		h.stages = append(h.stages, s)
		h.byName[p.trick] = s
		if p.talk == nil {
			_ = l.Close() // nobody listens
			continue
		}
		h.serving.Go(func() { h.serve(s) })
	}
	return h
}

func listen() (net.Listener, error) {
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("delivertest: listening on loopback: %w", err)
	}
	return l, nil
}

// All returns each trick and the URL where it is played, https where TLS belongs
// to it and http otherwise.
func (h *Hostile) All() iter.Seq2[Trick, string] {
	return func(yield func(Trick, string) bool) {
		for _, s := range h.stages {
			if !yield(s.trick, s.url) {
				return
			}
		}
	}
}

// URL returns where a trick is played; empty for one that there is not.
func (h *Hostile) URL(t Trick) string {
	if s := h.byName[t]; s != nil {
		return s.url
	}
	return ""
}

// RootCAs returns the authority to trust, so that what is wrong with a
// certificate is the one thing that the trick names. The caller owns it.
func (h *Hostile) RootCAs() *x509.CertPool { return h.roots.Clone() }

// ClientOptions returns options for a client that may reach the receiver. The
// caller owns them.
func (h *Hostile) ClientOptions() *deliver.ClientOptions {
	return &deliver.ClientOptions{
		Guard:   deliver.Guard{Allow: deliver.Loopback(), AnyPort: true, PlainHTTP: true},
		RootCAs: h.RootCAs(),
	}
}

// Connections returns how many connections a trick has accepted so far, which
// tells whether a client used one again.
func (h *Hostile) Connections(t Trick) int {
	s := h.byName[t]
	if s == nil {
		return 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.accepted
}

// Sent returns how many bytes a trick has got rid of so far, over all its
// connections: what the client read, and what the system's buffers hold.
func (h *Hostile) Sent(t Trick) int64 {
	s := h.byName[t]
	if s == nil {
		return 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sent
}

// WaitHungUp waits until the client has closed every connection that a trick
// has accepted, idle ones included. The error says how many are left when ctx ends.
func (h *Hostile) WaitHungUp(ctx context.Context, t Trick) error {
	s := h.byName[t]
	if s == nil {
		return nil
	}
	for {
		s.mu.Lock()
		open, changed := len(s.open), s.changed
		s.mu.Unlock()
		if open == 0 {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("delivertest: %s: %d connections are still open: %w", t, open, context.Cause(ctx))
		}
	}
}

func (h *Hostile) close() {
	h.cancel()
	for _, s := range h.stages {
		_ = s.listener.Close()
		s.mu.Lock()
		for conn := range s.open {
			_ = conn.Close()
		}
		s.mu.Unlock()
	}
	h.serving.Wait()
}

func (h *Hostile) serve(s *stage) {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return
		}
		if !s.enter(h.stop, conn) {
			_ = conn.Close()
			return
		}
		h.serving.Go(func() {
			defer s.leave(conn)
			v := newVisit(h.stop, &counted{Conn: conn, stage: s})
			if s.tls != nil {
				secured := tls.Server(v.conn, s.tls)
				if secured.HandshakeContext(h.stop) == nil {
					v = newVisit(h.stop, secured)
					s.talk(v)
				}
			} else {
				s.talk(v)
			}
			// The end of the answer, and then what shows that the client has gone.
			if tcp, ok := conn.(*net.TCPConn); ok {
				_ = tcp.CloseWrite()
			}
			_, _ = io.Copy(io.Discard, conn)
		})
	}
}

func (s *stage) enter(stop context.Context, conn net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if stop.Err() != nil {
		return false
	}
	s.accepted++
	s.open[conn] = true
	return true
}

func (s *stage) leave(conn net.Conn) {
	_ = conn.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, conn)
	close(s.changed)
	s.changed = make(chan struct{})
}

// counted counts what it gets rid of.
type counted struct {
	net.Conn

	stage *stage
}

func (c *counted) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.stage.mu.Lock()
	defer c.stage.mu.Unlock()
	c.stage.sent += int64(n)
	return n, err
}
