package delivertest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"example.com/paperround/deliver"
	"example.com/paperround/topic"
)

// simEndpoint is an endpoint, how it behaves, and what is known of it.
type simEndpoint struct {
	*deliver.Endpoint
	kind        string // it gets the messages of this kind only; "" for all
	temper      int    // how many of a hundred spells of it are bad
	present     bool
	absent      time.Time // when it was absent last
	pausedUntil time.Time
	disabled    bool
	resumed     int // the last claim before that
	deliveries  []*simDelivery
	lanes       map[string][]*simDelivery // what is open
}

// simDirectory is a directory whose endpoints change. It keeps all it ever was.
type simDirectory struct {
	w        *world
	versions atomic.Pointer[[][]*deliver.Endpoint]
}

func (d *simDirectory) version() int { return len(*d.versions.Load()) - 1 }

func (d *simDirectory) now() []*deliver.Endpoint {
	all := *d.versions.Load()
	return all[len(all)-1]
}

func (d *simDirectory) set(endpoints []*deliver.Endpoint) {
	var all [][]*deliver.Endpoint
	if old := d.versions.Load(); old != nil {
		all = slices.Clone(*old)
	}
	all = append(all, endpoints)
	d.versions.Store(&all)
}

// matching says which endpoints a message is for, by the text of the documentation.
func (d *simDirectory) matching(version int, msg *deliver.Message, limit int) []string {
	var ids []string
	for _, e := range (*d.versions.Load())[version] {
		x := d.w.model.endpoints[e.ID]
		if e.Tenant != msg.Tenant || !wants(e, msg.Topic) || x.kind != "" && !bytes.Contains(msg.Body, []byte(`"`+x.kind+`"`)) {
			continue
		}
		if limit > 0 && len(ids) == limit {
			break
		}
		ids = append(ids, e.ID)
	}
	return ids
}

func wants(e *deliver.Endpoint, t topic.Topic) bool {
	return slices.ContainsFunc(e.Topics, func(p topic.Pattern) bool { return p.Match(t) })
}

// fault says what is wrong with the directory at the moment, if anything is.
func (d *simDirectory) fault(ctx context.Context, what string) error {
	if d.w.isHealed() {
		return nil
	}
	luck := d.w.luck("directory", what, 0, time.Now())
	d.w.pause(ctx, nil, time.Duration(luck.take(300_000)))
	if luck.take(1000) >= d.w.faults {
		return nil
	}
	switch luck.take(4) {
	case 0:
		panic("a directory may panic")
	case 1:
		<-ctx.Done()
		return ctx.Err()
	}
	return errInjected
}

// Match implements [deliver.Directory]. What it returns needs sifting.
func (d *simDirectory) Match(ctx context.Context, tenant string, t topic.Topic) ([]*deliver.Endpoint, error) {
	if err := d.fault(ctx, "Match"); err != nil {
		return nil, err
	}
	var list []*deliver.Endpoint
	for i, e := range d.now() {
		switch {
		case e.Tenant == tenant && wants(e, t):
			list = append(list, e)
			if i%7 == 3 {
				list = append(list, nil, e)
			}
		case e.Tenant != tenant && i%5 == 2:
			list = append(list, e)
		}
	}
	return list, nil
}

// Endpoint implements [deliver.Directory].
func (d *simDirectory) Endpoint(ctx context.Context, id string) (*deliver.Endpoint, error) {
	if err := d.fault(ctx, id); err != nil {
		return nil, err
	}
	for _, e := range d.now() {
		if e.ID == id {
			return e, nil
		}
	}
	return nil, deliver.ErrNoEndpoint
}

const headerSigned = "X-Simulated-Signature"

// simSigner fails at times.
type simSigner struct {
	w    *world
	next deliver.Signer // the host's, or nil
	id   string
}

// Sign implements [deliver.Signer].
func (s *simSigner) Sign(header http.Header, id string, at time.Time, body []byte) error {
	if luck := s.w.luck("sign", s.id+id, 0, at); !s.w.isHealed() && luck.take(1000) < s.w.faults {
		if luck.take(2) == 0 {
			panic("a signer may panic")
		}
		return errInjected
	}
	header.Set(headerSigned, id+"/"+strconv.Itoa(len(body)))
	if s.next != nil {
		return s.next.Sign(header, id, at, body)
	}
	return nil
}

// simTransport is the way from one process to all endpoints.
type simTransport struct {
	w *world
	p *process
}

// reply is what becomes of an exchange.
type reply struct {
	after      time.Duration
	status     int // 0 if no answer comes
	retryAfter int
	disable    bool
	err        error
	panics     bool
	reaches    bool // the receiver
}

// RoundTrip implements [http.RoundTripper].
func (t *simTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	w, p := t.w, t.p
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	if p.isDead() {
		return nil, errDead
	}
	w.lock()
	c := w.exchange(p, req, body)
	if c == nil {
		w.unlock()
		return nil, errInjected
	}
	w.model.begin(c)
	w.unlock()
	r := w.replyTo(c)
	done := false
	w.pause(req.Context(), p, r.after)
	switch {
	case p.isDead():
		r = reply{err: errDead}
	case req.Context().Err() != nil:
		r = reply{err: req.Context().Err()}
	case r.reaches && w.opts.Receiver != nil:
		if status := w.receive(req, body); r.status != 0 {
			r.status = status
		}
	}
	defer func() {
		if !done {
			w.lock()
			w.model.over(c, 0)
			w.unlock()
		}
	}()
	if r.panics {
		panic("a transport may panic")
	}
	if r.err != nil {
		return nil, r.err
	}
	resp := &http.Response{StatusCode: r.status, Header: make(http.Header), Body: http.NoBody}
	if r.retryAfter > 0 {
		resp.Header.Set("Retry-After", strconv.Itoa(r.retryAfter))
	}
	if r.disable {
		resp.Header.Set("Webhook-Delivery", "disable")
	}
	done = true
	w.lock()
	c.header = r.disable
	if c.status = r.status; c.status/100 == 5 || c.status == 429 {
		c.retryAfter = time.Duration(r.retryAfter) * time.Second
	}
	w.model.over(c, r.status)
	w.unlock()
	return resp, nil
}

// exchange finds the claim under which a request is made, and judges the request.
func (w *world) exchange(p *process, req *http.Request, body []byte) *simClaim {
	var number int
	if _, err := fmt.Sscanf(req.Header.Get("Traceparent"), "00-%x-", &number); err != nil {
		w.fail("a request came without the trace of its message")
		return nil
	}
	if number < 1 || number > len(w.model.numbered) || w.model.numbered[number-1].p != p {
		w.fail("a request came without a claim")
		return nil
	}
	c := w.model.numbered[number-1]
	host, _, _ := strings.Cut(req.URL.Host, ".")
	id := req.Header.Get("Webhook-Id")
	switch {
	case host != c.d.endpoint.ID:
		w.fail("%s went to endpoint %s", c.d, host)
	case id != c.d.message.ID || string(body) != string(c.d.message.Body) || req.Header.Get("Content-Type") != c.d.message.ContentType:
		w.fail("%s went out changed", c.d)
	case req.Header.Get(headerSigned) != id+"/"+strconv.Itoa(len(body)):
		w.fail("%s went out without its signature", c.d)
	}
	return c
}

// replyTo rolls the dice for an exchange.
func (w *world) replyTo(c *simClaim) reply {
	if w.isHealed() {
		return reply{after: time.Millisecond, status: 200, reaches: true}
	}
	now := time.Now()
	e := c.d.endpoint
	luck := w.luck("reply", e.ID+c.d.message.ID, 0, now)
	r := reply{after: time.Duration(luck.take(30_000_000)), status: 200 + luck.take(3), reaches: true}
	if luck.take(8) == 0 {
		r.after = time.Duration(luck.take(int(2 * time.Second)))
	}
	// A bad spell lasts for some seconds.
	spell := w.luck("spell", e.ID, int(now.Sub(w.begin)/(3*time.Second)), w.begin)
	if spell.take(100) >= e.temper || luck.take(4) == 0 {
		return r
	}
	kind := spell.take(14)
	if luck.take(3) == 0 {
		kind = luck.take(14)
	}
	fails := func(err error) reply { return reply{after: r.after, err: err} }
	switch kind {
	case 0:
		r.status = 500
	case 1:
		r.status = []int{400, 404, 408, 425}[luck.take(4)]
	case 2, 3:
		r.status, r.retryAfter = []int{503, 429}[luck.take(2)], luck.take(5)
	case 4:
		r.status = 410
	case 5:
		r.disable = true
	case 6:
		r.status = 302
	case 7, 8:
		return reply{after: time.Hour, err: context.DeadlineExceeded}
	case 9:
		return fails(&net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED})
	case 10: // the receiver has it, and nobody knows
		r.status, r.err = 0, io.ErrUnexpectedEOF
	case 11:
		return fails(&net.DNSError{Err: "server misbehaving", IsTemporary: true})
	case 12:
		return fails(syscall.EMFILE)
	default:
		return reply{after: r.after, panics: true}
	}
	return r
}

// receive hands a request to the host's own receiver.
func (w *world) receive(req *http.Request, body []byte) (status int) {
	in := req.Clone(context.WithoutCancel(req.Context()))
	in.Body = io.NopCloser(bytes.NewReader(body))
	in.RequestURI = in.URL.RequestURI()
	in.Host = in.URL.Host
	answer := &answer{header: make(http.Header)}
	defer func() {
		if recover() != nil {
			status = http.StatusInternalServerError
		}
	}()
	w.opts.Receiver.ServeHTTP(answer, in)
	return or(answer.status, http.StatusOK)
}

// answer is an [http.ResponseWriter] that keeps the status.
type answer struct {
	header http.Header
	status int
}

// Header implements [http.ResponseWriter].
func (a *answer) Header() http.Header { return a.header }

// WriteHeader implements [http.ResponseWriter].
func (a *answer) WriteHeader(status int) { a.status = or(a.status, status) }

// Write implements [http.ResponseWriter].
func (a *answer) Write(b []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return len(b), nil
}

// simEvent is an event of the simulation's own.
type simEvent struct {
	topic topic.Topic
	body  string
}

// Topic implements event.Event.
func (e simEvent) Topic() topic.Topic { return e.topic }

// Encode implements event.Event.
func (e simEvent) Encode() (body []byte, contentType string, err error) {
	if e.body == "" {
		return nil, "", errors.New("no body")
	}
	return []byte(e.body), "application/json", nil
}
