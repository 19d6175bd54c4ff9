package deliver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/paperround/topic"
)

const paid = topic.Topic("acme:invoice.paid")

// occurrence is an event of a host's own.
type occurrence struct {
	topic       topic.Topic
	body        string
	contentType string
	err         error
}

func (o occurrence) Topic() topic.Topic { return o.topic }

func (o occurrence) Encode() ([]byte, string, error) {
	return []byte(o.body), o.contentType, o.err
}

func newEvent() occurrence {
	return occurrence{topic: paid, body: `{"amount":12}`, contentType: "application/json"}
}

// signerFunc is a Signer made of a function.
type signerFunc func(header http.Header, id string, at time.Time, body []byte) error

func (f signerFunc) Sign(header http.Header, id string, at time.Time, body []byte) error {
	return f(header, id, at, body)
}

// plainSigner signs with the time alone, so that each attempt shows its own.
func plainSigner() Signer {
	return signerFunc(func(header http.Header, _ string, at time.Time, _ []byte) error {
		header.Set("X-Signature", at.UTC().Format(time.RFC3339Nano))
		return nil
	})
}

func newEndpoint(id string) *Endpoint {
	return &Endpoint{
		ID:     id,
		URL:    "https://" + id + ".example.com/in",
		Topics: []topic.Pattern{topic.Everything},
		Signer: plainSigner(),
	}
}

// transport is an http.RoundTripper made of a function.
type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

func answer(status int, header ...string) *http.Response {
	h := make(http.Header)
	for i := 0; i < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader("noted"))}
}

// request is what a receiver saw.
type request struct {
	endpoint string // the first label of the host
	id       string
	at       time.Duration // since the receiver was made
	header   http.Header
	body     string
}

// receiver stands for all endpoints at once and keeps what comes.
type receiver struct {
	begin time.Time
	reply func(req *http.Request, n int) (*http.Response, error) // n counts from 1, per endpoint

	mu       sync.Mutex
	requests []request
	counts   map[string]int
	busy     map[string]int
	peak     map[string]int // "" for all together
}

func newReceiver(reply func(req *http.Request, n int) (*http.Response, error)) *receiver {
	return &receiver{begin: time.Now(), reply: reply, counts: map[string]int{}, busy: map[string]int{}, peak: map[string]int{}}
}

func always(status int) *receiver {
	return newReceiver(func(*http.Request, int) (*http.Response, error) { return answer(status), nil })
}

func hostOf(req *http.Request) string {
	host, _, _ := strings.Cut(req.URL.Host, ".")
	return host
}

func (r *receiver) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	host := hostOf(req)
	r.mu.Lock()
	r.requests = append(r.requests, request{
		endpoint: host, id: req.Header.Get(headerID), at: time.Since(r.begin), header: req.Header.Clone(), body: string(body),
	})
	r.counts[host]++
	n := r.counts[host]
	reply := r.reply
	for _, k := range []string{"", host} {
		r.busy[k]++
		r.peak[k] = max(r.peak[k], r.busy[k])
	}
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.busy[""]--
		r.busy[host]--
	}()
	return reply(req, n)
}

// answerWith changes what it replies from now on.
func (r *receiver) answerWith(status int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reply = func(*http.Request, int) (*http.Response, error) { return answer(status), nil }
}

// count is how many requests an endpoint got, under how many are under way, and top
// how many were at most; "" stands for all endpoints, but not for count.
func (r *receiver) count(endpoint string) int { return r.look(r.counts, endpoint) }
func (r *receiver) under(endpoint string) int { return r.look(r.busy, endpoint) }
func (r *receiver) top(endpoint string) int   { return r.look(r.peak, endpoint) }

func (r *receiver) look(in map[string]int, endpoint string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return in[endpoint]
}

func (r *receiver) seen() []request {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]request(nil), r.requests...)
}

func (r *receiver) times() []time.Duration {
	var at []time.Duration
	for _, q := range r.seen() {
		at = append(at, q.at)
	}
	return at
}

// journal keeps what the hooks were told.
type journal struct {
	mu        sync.Mutex
	attempted []AttemptInfo
	settled   []SettledInfo
	changes   []EndpointInfo
}

func (j *journal) hooks() Hooks {
	return Hooks{
		Attempted: func(i AttemptInfo) {
			j.mu.Lock()
			defer j.mu.Unlock()
			j.attempted = append(j.attempted, i)
		},
		Settled: func(i SettledInfo) {
			j.mu.Lock()
			defer j.mu.Unlock()
			j.settled = append(j.settled, i)
		},
		Endpoint: func(i EndpointInfo) {
			j.mu.Lock()
			defer j.mu.Unlock()
			j.changes = append(j.changes, i)
		},
	}
}

func (j *journal) attempts() []AttemptInfo {
	j.mu.Lock()
	defer j.mu.Unlock()
	return append([]AttemptInfo(nil), j.attempted...)
}

func (j *journal) outcomes() []SettledInfo {
	j.mu.Lock()
	defer j.mu.Unlock()
	return append([]SettledInfo(nil), j.settled...)
}

func (j *journal) changed() []EndpointInfo {
	j.mu.Lock()
	defer j.mu.Unlock()
	return append([]EndpointInfo(nil), j.changes...)
}

// lockedBuffer is a log that several goroutines write.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// bench is one dispatcher with its surroundings, in a synctest bubble.
type bench struct {
	*Dispatcher
	store   *Memory
	journal *journal
	log     *lockedBuffer
	done    chan error
	err     func() error // ends Run and returns what it did
}

type benchOptions struct {
	options   Options
	store     *Memory
	through   func(Store) Store // wraps the store of the dispatcher
	directory Directory
	endpoints []*Endpoint
	idle      bool // do not run
}

// setup makes a dispatcher that sends through t, and runs it until the test ends.
func setup(tb testing.TB, t http.RoundTripper, o benchOptions) *bench {
	tb.Helper()
	b := &bench{store: o.store, journal: &journal{}, log: &lockedBuffer{}, done: make(chan error, 1)}
	if b.store == nil {
		b.store = NewMemory(nil)
	}
	client, err := NewClient(&ClientOptions{UnguardedTransport: t})
	require.NoError(tb, err)
	if o.directory == nil {
		if o.endpoints == nil {
			o.endpoints = []*Endpoint{newEndpoint("e1")}
		}
		o.directory, err = Static(o.endpoints...)
		require.NoError(tb, err)
	}
	opts := o.options
	opts.Client = client
	opts.Hooks = b.journal.hooks()
	opts.Logger = slog.New(slog.NewTextHandler(b.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	if opts.Rand == nil {
		opts.Rand = func() float64 { return 0.5 }
	}
	var store Store = b.store
	if o.through != nil {
		store = o.through(store)
	}
	b.Dispatcher, err = New(store, o.directory, &opts)
	require.NoError(tb, err)
	if !o.idle {
		b.start(tb)
	}
	return b
}

// start runs the dispatcher until the test ends, or until b.err is called.
func (b *bench) start(tb testing.TB) {
	tb.Helper()
	ctx, cancel := context.WithCancel(tb.Context())
	go func() { b.done <- b.Run(ctx) }()
	b.err = sync.OnceValue(func() error {
		cancel()
		return <-b.done
	})
	tb.Cleanup(func() { _ = b.err() })
}

func (b *bench) publish(tb testing.TB, id string) string {
	tb.Helper()
	id, err := b.Publish(tb.Context(), newEvent(), &PublishOptions{ID: id})
	require.NoError(tb, err)
	return id
}

// delivery is one with its log.
type delivery struct {
	Delivery
	Records []Record
}

// deliveries returns those of a message in the order of its fan-out.
func (b *bench) deliveries(tb testing.TB, tenant, id string) []delivery {
	tb.Helper()
	list, _, err := b.store.Deliveries(context.Background(), Selection{Tenant: &tenant, MessageID: id}, "", 1000)
	require.NoError(tb, err)
	found := make([]delivery, len(list))
	for i, d := range list {
		records, err := b.store.Attempts(context.Background(), d.ID)
		require.NoError(tb, err)
		found[len(list)-1-i] = delivery{d, records}
	}
	return found
}

// only returns the one delivery of a message of the empty tenant.
func (b *bench) only(tb testing.TB, id string) delivery {
	tb.Helper()
	list := b.deliveries(tb, "", id)
	require.Len(tb, list, 1)
	return list[0]
}

// warmUp publishes as many messages as a receiver answers at once for its endpoints to
// be sent eight at a time, and lets them be delivered.
func (b *bench) warmUp(tb testing.TB, tenants ...string) {
	tb.Helper()
	for _, tenant := range append(tenants, "")[:max(len(tenants), 1)] {
		for _, id := range names("warm%d", warm) {
			_, err := b.Publish(tb.Context(), newEvent(), &PublishOptions{ID: id, Tenant: tenant})
			require.NoError(tb, err)
		}
	}
	pass(time.Second)
}

const warm = 3 // successes until eight may go out at a time

// pass lets the bubble do everything that needs no more time than d.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

var errInjected = errors.New("injected")

func names(format string, n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf(format, i)
	}
	return list
}

func targets(ids ...string) []Target {
	list := make([]Target, len(ids))
	for i, id := range ids {
		list[i].EndpointID = id
	}
	return list
}
