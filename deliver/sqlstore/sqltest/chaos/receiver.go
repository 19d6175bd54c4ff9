package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"example.com/paperround/sign"
	"example.com/paperround/verify"
)

// arrival is a request that the receiver took.
type arrival struct {
	endpoint string
	id       string // of the message, as it was signed
	payload  payload
	digest   [sha256.Size]byte // of the body
	worker   string            // that sent it
	at       time.Time
}

// receiver is what all endpoints lead to. It verifies each request, fails a few,
// takes its time with others, and keeps what it took.
type receiver struct {
	url      string
	server   *http.Server
	verifier *verify.Verifier

	mu       sync.Mutex
	arrivals []arrival
	refused  []error
}

func newReceiver() (*receiver, error) {
	keys, err := ring()
	if err != nil {
		return nil, err
	}
	r := &receiver{}
	if r.verifier, err = verify.New(sign.StandardWebhooks(), keys, nil); err != nil {
		return nil, err
	}
	var listen net.ListenConfig
	l, err := listen.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r.url = "http://" + l.Addr().String()
	r.server = &http.Server{Handler: r, ReadHeaderTimeout: time.Minute}
	go func() { _ = r.server.Serve(l) }() // until close
	return r, nil
}

func (r *receiver) close() error { return r.server.Close() }

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	at := time.Now()
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return // the sender died on the way
	}
	a, err := r.read(req, body)
	if err != nil {
		r.mu.Lock()
		r.refused = append(r.refused, err)
		r.mu.Unlock()
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	a.at = at
	switch luck := rand.IntN(100); { //nolint:gosec // nothing secret
	case luck == 0:
		w.WriteHeader(http.StatusInternalServerError)
		return
	case luck < 3:
		time.Sleep(100 * time.Millisecond)
	default:
		time.Sleep(time.Duration(luck) * 20 * time.Microsecond)
	}
	r.mu.Lock()
	r.arrivals = append(r.arrivals, a)
	r.mu.Unlock()
}

func (r *receiver) read(req *http.Request, body []byte) (arrival, error) {
	receipt, err := r.verifier.Verify(req.Header, body)
	if err != nil {
		return arrival{}, err
	}
	a := arrival{
		endpoint: strings.TrimPrefix(req.URL.Path, "/"),
		id:       receipt.ID,
		digest:   sha256.Sum256(body),
		worker:   req.Header.Get(workerHeader),
	}
	if err := json.Unmarshal(body, &a.payload); err != nil {
		return arrival{}, err
	}
	if a.worker == "" {
		return arrival{}, errors.New("a request that names no worker")
	}
	if a.id != a.payload.id() {
		return arrival{}, fmt.Errorf("message %s has the payload of %s", a.id, a.payload.id())
	}
	return a, nil
}

// taken returns all arrivals, and why requests were refused, if any was.
func (r *receiver) taken() ([]arrival, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n := len(r.refused); n > 0 {
		return r.arrivals, fmt.Errorf("%d requests did not verify, the first one: %w", n, r.refused[0])
	}
	return r.arrivals, nil
}

// distinct is how many deliveries arrived, each counted once.
func (r *receiver) distinct() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	seen := make(map[delivery]struct{}, len(r.arrivals))
	for _, a := range r.arrivals {
		seen[delivery{a.endpoint, a.id}] = struct{}{}
	}
	return len(seen)
}
