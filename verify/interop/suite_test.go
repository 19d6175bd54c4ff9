package interop

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/paperround/sign"
	"example.com/paperround/verify"
)

// peer is one scheme, and how the other side's code differs from ours.
type peer struct {
	name   string // as the receiver and the sender know it
	scheme sign.Scheme
	secret func(*rand.Rand) secret
	bodies bodies
	header http.Header // what the other side wants besides the signature

	tolerance time.Duration // how old a message it takes; 0: it judges no time
	ahead     bool          // it takes messages from any time in the future
	noEmpty   bool          // it takes no message without a body, or cannot read one
	lastTag   bool          // of several tags it looks at the last only
}

// secret is a key as the one who signs has it and as the one who verifies has it.
type secret struct{ sign, verify string }

// suite tries peers in both directions.
type suite struct {
	receiver string // where the other side's receiver listens
	sender   *process
	chunked  bool // whether the other side speaks chunks
}

// message is what a sender is asked for.
type message struct {
	Peer    string   `json:"peer"`
	URL     string   `json:"url"`
	ID      string   `json:"id"`
	At      int64    `json:"at"`
	Body    []byte   `json:"body"`
	Send    []byte   `json:"send,omitempty"`
	Secrets []string `json:"secrets"`
	Check   string   `json:"check"`
	Fold    string   `json:"fold,omitempty"`
	Chunked bool     `json:"chunked"`
}

func (s *suite) run(t *testing.T, peers ...peer) {
	t.Helper()
	for i, p := range peers {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			t.Run("we sign", func(t *testing.T) {
				t.Parallel()
				s.weSign(t, p, seeded(uint64(i)))
			})
			t.Run("they sign", func(t *testing.T) {
				t.Parallel()
				s.theySign(t, p, seeded(uint64(i)))
			})
		})
	}
}

// keys are the old and the new one of a rotation, and one that nobody has.
type keys struct{ old, new, other secret }

func newKeys(p peer, r *rand.Rand) keys { return keys{p.secret(r), p.secret(r), p.secret(r)} }

func ring(t *testing.T, secrets ...string) *sign.Ring {
	t.Helper()
	var all []sign.Key
	for i, text := range secrets {
		all = append(all, sign.Key{ID: strconv.Itoa(i + 1), Secret: sign.NewSecret(text)})
	}
	r, err := sign.NewRing(all...)
	require.NoError(t, err)
	return r
}

// refusals are the ways in which a message is spoiled on its way.
func refusals(p peer) map[string]func(*testing.T, []byte) []byte {
	return map[string]func(*testing.T, []byte) []byte{
		"a bit flipped": func(_ *testing.T, body []byte) []byte {
			body[len(body)/2] ^= 1
			return body
		},
		"a byte more":   func(_ *testing.T, body []byte) []byte { return append(body, '\n') },
		"a byte less":   func(_ *testing.T, body []byte) []byte { return body[:len(body)-1] },
		"written anew":  p.bodies.rewrite,
		"another body":  func(*testing.T, []byte) []byte { return []byte(`{}`) },
		"the head only": func(_ *testing.T, body []byte) []byte { return body[:1] },
	}
}

func (s *suite) weSign(t *testing.T, p peer, r *rand.Rand) {
	t.Helper()
	k := newKeys(p, r)
	client := newClient(t)
	n := 0
	// headers signs a body, and post brings it to a receiver that has a key.
	headers := func(t *testing.T, scheme sign.Scheme, at time.Time, body []byte, secrets ...secret) http.Header {
		t.Helper()
		var texts []string
		for _, one := range secrets {
			texts = append(texts, one.sign)
		}
		signer, err := sign.New(scheme, ring(t, texts...), nil)
		require.NoError(t, err)
		header := p.header.Clone()
		if header == nil {
			header = make(http.Header)
		}
		header.Set("Content-Type", p.bodies.contentType)
		n++
		require.NoError(t, signer.Sign(header, fmt.Sprintf("msg_%s_%d", p.name, n), at, body))
		return header
	}
	post := func(t *testing.T, has secret, header http.Header, body []byte) int {
		t.Helper()
		to := s.receiver + "/" + p.name + "?" + url.Values{"secret": {has.verify}}.Encode()
		return client.post(t, to, header, body, s.chunked && n%2 == 0)
	}
	plain := []byte(p.bodies.plain)

	for i, body := range p.bodies.all() {
		h := headers(t, p.scheme, time.Now(), body, k.new)
		require.Equal(t, http.StatusOK, post(t, k.new, h, body), "body %d: %.200q", i, body)
	}
	if !p.noEmpty {
		h := headers(t, p.scheme, time.Now(), nil, k.new)
		require.Equal(t, http.StatusOK, post(t, k.new, h, nil), "an empty body")
	}
	for name, spoil := range refusals(p) {
		h := headers(t, p.scheme, time.Now(), plain, k.new)
		got := post(t, k.new, h, spoil(t, slices.Clone(plain)))
		require.Equal(t, http.StatusUnauthorized, got, name)
	}
	h := headers(t, p.scheme, time.Now(), nil, k.new)
	require.Equal(t, http.StatusUnauthorized, post(t, k.new, h, plain), "the signature of the empty body")
	h = headers(t, p.scheme, time.Now(), plain, k.new)
	require.Equal(t, http.StatusUnauthorized, post(t, k.other, h, plain), "another key")
	h = headers(t, p.scheme, time.Now(), plain, k.new)
	h.Del(p.scheme.Tag.Header)
	require.Equal(t, http.StatusUnauthorized, post(t, k.new, h, plain), "no signature")
	if p.scheme.ID.Header != "" {
		h = headers(t, p.scheme, time.Now(), plain, k.new)
		h.Set(p.scheme.ID.Header, "msg_another")
		require.Equal(t, http.StatusUnauthorized, post(t, k.new, h, plain), "another id")
	}
	for name, scheme := range strangers(p.scheme) {
		if scheme.TimeUnit == sign.Milliseconds && (p.tolerance == 0 || p.ahead) {
			continue // it is a time far ahead, and the other side does not mind
		}
		h = headers(t, scheme, time.Now(), plain, k.new)
		require.Equal(t, http.StatusUnauthorized, post(t, k.new, h, plain), "a scheme with another %s", name)
	}

	if p.scheme.Time.Header != "" {
		now := time.Now()
		h = headers(t, p.scheme, now, plain, k.new)
		field, later := p.scheme.Time.Header, strconv.FormatInt(now.Unix()-1, 10)
		h.Set(field, strings.Replace(h.Get(field), strconv.FormatInt(now.Unix(), 10), later, 1))
		require.Equal(t, http.StatusUnauthorized, post(t, k.new, h, plain), "another time")
	}
	for _, age := range p.ages() {
		want := http.StatusUnauthorized
		if p.takes(age) {
			want = http.StatusOK
		}
		h = headers(t, p.scheme, time.Now().Add(-age), plain, k.new)
		require.Equal(t, want, post(t, k.new, h, plain), "%s old", age)
	}

	// The ring has both keys: where the header takes several tags, a receiver
	// with either is served, else one with the newer.
	olds := http.StatusUnauthorized
	if p.scheme.Tag.Separator != "" && !p.lastTag {
		olds = http.StatusOK
	}
	for _, want := range []struct {
		has    secret
		status int
	}{{k.old, olds}, {k.new, http.StatusOK}, {k.other, http.StatusUnauthorized}} {
		h = headers(t, p.scheme, time.Now(), plain, k.old, k.new)
		require.Equal(t, want.status, post(t, want.has, h, plain), "two keys")
		if p.scheme.Tag.Separator == " " {
			// On two lines, which Node folds into one.
			h = headers(t, p.scheme, time.Now(), plain, k.old, k.new)
			tags := strings.Fields(h.Get(p.scheme.Tag.Header))
			require.Len(t, tags, 2)
			h[http.CanonicalHeaderKey(p.scheme.Tag.Header)] = tags
			require.Equal(t, want.status, post(t, want.has, h, plain), "two keys on two lines")
		}
	}
}

// client is our sending side.
type client struct{ http.Client }

func newClient(t *testing.T) *client {
	t.Helper()
	c := &client{http.Client{Timeout: 10 * time.Second, Transport: new(http.Transport)}}
	t.Cleanup(c.CloseIdleConnections)
	return c
}

// post returns the status of the answer.
func (c *client) post(t *testing.T, to string, header http.Header, body []byte, chunked bool) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, to, bytes.NewReader(body))
	require.NoError(t, err)
	req.Header = header
	if chunked {
		req.Body, req.ContentLength = io.NopCloser(bytes.NewReader(body)), -1
	}
	res, err := c.Do(req)
	require.NoError(t, err)
	_, err = io.Copy(io.Discard, res.Body)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	return res.StatusCode
}

// ages are the ages of messages to try, on both sides of what anybody takes; none
// for a scheme without a time.
func (p peer) ages() []time.Duration {
	if p.scheme.Time.Header == "" {
		return nil
	}
	return []time.Duration{0, 10 * time.Minute, 290 * time.Second, -290 * time.Second, -10 * time.Minute}
}

// takes reports whether the other side takes a message of an age.
func (p peer) takes(age time.Duration) bool {
	switch {
	case p.tolerance == 0:
		return true
	case age < 0:
		return p.ahead || -age <= p.tolerance
	}
	return age <= p.tolerance
}

// strangers are schemes that differ from s in one thing. Nothing that is signed
// under one may pass for a message under s; that shows that the tests can fail.
func strangers(s sign.Scheme) map[string]sign.Scheme {
	out := make(map[string]sign.Scheme)
	with := func(name string, change func(*sign.Scheme)) {
		c := s
		c.Cover = slices.Clone(s.Cover)
		change(&c)
		out[name] = c
	}
	with("header", func(c *sign.Scheme) {
		c.Tag.Header += "-2"
		if c.Time.Separator != "" {
			c.Time.Header = c.Tag.Header
		}
	})
	with("prefix", func(c *sign.Scheme) {
		i := strings.LastIndexAny(c.Tag.Prefix, "0123456789")
		if i < 0 {
			c.Tag.Prefix = "sha256="
			return
		}
		c.Tag.Prefix = c.Tag.Prefix[:i] + string(c.Tag.Prefix[i]+1) + c.Tag.Prefix[i+1:]
	})
	with("encoding", func(c *sign.Scheme) { c.Encoding = sign.Hex + sign.Base64 - c.Encoding })
	with("cover", func(c *sign.Scheme) { c.Cover = append([]sign.Part{"v1:"}, c.Cover...) })
	if n := len(s.Cover); n > 2 {
		with("separator in the cover", func(c *sign.Scheme) { c.Cover[n-2] = "|" })
	}
	if s.ID.Header != "" {
		with("order of the cover", func(c *sign.Scheme) { c.Cover[0], c.Cover[2] = c.Cover[2], c.Cover[0] })
	}
	if s.Time.Header != "" {
		with("unit of time", func(c *sign.Scheme) { c.TimeUnit = sign.Milliseconds })
	}
	if s.KeyForm == sign.Whsec {
		with("key form", func(c *sign.Scheme) { c.KeyForm, c.MinKey = sign.Text, 0 })
	}
	if s.Name == "stripe" { // whose keys look like base64 and are text
		with("key form", func(c *sign.Scheme) { c.KeyForm = sign.Whsec })
	}
	return out
}

func (s *suite) theySign(t *testing.T, p peer, r *rand.Rand) {
	t.Helper()
	k := newKeys(p, r)
	n := 0
	type answer struct {
		Error  string `json:"error"`
		Status int    `json:"status"`
		Theirs bool   `json:"theirs"`
	}
	// exchange has a message signed by the new key, if not told otherwise, sent to
	// an inbox, and returns our answer and what the other side thinks.
	exchange := func(t *testing.T, to *inbox, m message) (status int, theirs bool) {
		t.Helper()
		n++
		m.Peer, m.ID, m.URL = p.name, fmt.Sprintf("msg_%s_%d", p.name, n), to.url+[]string{"/middleware", "/handler"}[n%2]
		m.Chunked = s.chunked && n%3 == 0 && len(m.Body) != 0 && (m.Send == nil || len(m.Send) != 0)
		if m.At == 0 {
			m.At = time.Now().Unix()
		}
		if m.Secrets == nil {
			m.Secrets = []string{k.new.sign}
		}
		if m.Check == "" {
			m.Check = k.new.verify
		}
		var a answer
		s.sender.ask(t, m, &a)
		require.Empty(t, a.Error)
		if a.Status == http.StatusOK {
			rc := to.accepted(t)
			want := m.Body
			if m.Send != nil {
				want = m.Send
			}
			require.Equal(t, string(want), string(rc.Body))
			if p.scheme.ID.Header != "" {
				require.Equal(t, m.ID, rc.ID)
			}
			if p.scheme.Time.Header != "" {
				require.Equal(t, m.At, rc.Time.Unix())
			}
		}
		return a.Status, a.Theirs
	}
	accepted := func(t *testing.T, to *inbox, m message, what string, args ...any) {
		t.Helper()
		status, theirs := exchange(t, to, m)
		require.Equal(t, http.StatusOK, status, append([]any{what}, args...)...)
		require.True(t, theirs, append([]any{"theirs: " + what}, args...)...)
	}
	refused := func(t *testing.T, to *inbox, m message, reason error, theirs bool, what string) {
		t.Helper()
		status, took := exchange(t, to, m)
		require.Equal(t, http.StatusUnauthorized, status, what)
		require.ErrorIs(t, to.refusal(t), reason, what)
		require.Equal(t, theirs, took, "theirs: "+what)
	}
	verifier := func(t *testing.T, scheme sign.Scheme, secrets ...secret) *inbox {
		t.Helper()
		var texts []string
		for _, one := range secrets {
			texts = append(texts, one.verify)
		}
		v, err := verify.New(scheme, ring(t, texts...), nil)
		require.NoError(t, err)
		return serve(t, v, nil)
	}
	plain := []byte(p.bodies.plain)
	both := verifier(t, p.scheme, k.old, k.new)

	for i, body := range p.bodies.all() {
		accepted(t, both, message{Body: body}, "body %d: %.200q", i, body)
	}
	if !p.noEmpty {
		accepted(t, both, message{Body: []byte{}}, "an empty body")
	}
	for name, spoil := range refusals(p) {
		refused(t, both, message{Body: plain, Send: spoil(t, slices.Clone(plain))}, verify.ErrNoMatch, false, name)
	}
	if !p.noEmpty {
		refused(t, both, message{Body: []byte{}, Send: plain}, verify.ErrNoMatch, false, "the signature of the empty body")
	}
	refused(t, both, message{Body: plain, Secrets: []string{k.other.sign}}, verify.ErrNoMatch, false, "another key")
	for name, scheme := range strangers(p.scheme) {
		to := verifier(t, scheme, k.new)
		status, theirs := exchange(t, to, message{Body: plain})
		require.Equal(t, http.StatusUnauthorized, status, "a scheme with another %s", name)
		require.Error(t, to.refusal(t))
		require.True(t, theirs)
	}

	for _, age := range p.ages() {
		m := message{Body: plain, At: time.Now().Add(-age).Unix()}
		switch {
		case age > 5*time.Minute:
			refused(t, both, m, verify.ErrTooOld, p.takes(age), age.String())
		case age < -5*time.Minute:
			refused(t, both, m, verify.ErrTooNew, p.takes(age), age.String())
		default:
			status, theirs := exchange(t, both, m)
			require.Equal(t, http.StatusOK, status, age)
			require.Equal(t, p.takes(age), theirs, age)
		}
	}

	// The receipt tells the keys apart.
	for key, one := range map[string]secret{"1": k.old, "2": k.new} {
		m := message{Body: plain, Secrets: []string{one.sign}, Check: one.verify}
		accepted(t, both, m, "key "+key)
		require.Equal(t, key, both.last.KeyID)
	}
	if p.scheme.Tag.Separator == "" {
		return
	}
	two := []string{k.old.sign, k.new.sign}
	for _, fold := range []string{"", "lines", "comma"} {
		for name, one := range map[string]secret{"old": k.old, "new": k.new} {
			to := verifier(t, p.scheme, one)
			m := message{Body: plain, Secrets: two, Check: one.verify, Fold: fold}
			switch {
			case fold != "" && p.scheme.Tag.Separator != " ":
				// The time stands in the list, and twice in a folded one: the
				// packages take one of the two, we take none.
				status, _ := exchange(t, to, m)
				require.Equal(t, http.StatusUnauthorized, status, "two keys, %s", fold)
				reason := map[string]error{"lines": verify.ErrTooMany, "comma": verify.ErrMalformed}[fold]
				require.ErrorIs(t, to.refusal(t), reason)
			case p.lastTag && name == "old":
				status, theirs := exchange(t, to, m)
				require.Equal(t, http.StatusOK, status)
				require.False(t, theirs, "the package looks at every tag by now")
			default:
				accepted(t, to, m, "two keys, %q, read by the %s one", fold, name)
			}
		}
		if fold == "" || p.scheme.Tag.Separator == " " {
			m := message{Body: plain, Secrets: two, Check: k.other.verify, Fold: fold}
			refused(t, verifier(t, p.scheme, k.other), m, verify.ErrNoMatch, false, "two keys, read by another")
		}
	}
}

// inbox is our receiving side, with Middleware in front of one path and Handler
// behind another. One message at a time is sent to it.
type inbox struct {
	url     string
	taken   chan verify.Receipt
	reasons chan error
	last    verify.Receipt
}

func serve(t *testing.T, c verify.Checker, o *verify.HandlerOptions) *inbox {
	t.Helper()
	in := &inbox{taken: make(chan verify.Receipt, 1), reasons: make(chan error, 1)}
	opts := verify.HandlerOptions{Replay: &verify.Replay{TTL: -1}} // some bodies are sent twice in one second
	if o != nil {
		opts = *o
	}
	opts.OnRefused = func(_ context.Context, r *verify.Refusal) { in.reasons <- r.Err }

	mw, err := verify.Middleware(c, &opts)
	require.NoError(t, err)
	router, err := verify.NewRouter(rawCodec{}, verify.Otherwise(func(_ context.Context, d *verify.Delivery[any]) error {
		in.taken <- d.Receipt
		return nil
	}))
	require.NoError(t, err)
	handler, err := verify.Handler(c, router, &opts)
	require.NoError(t, err)

	mux := http.NewServeMux()
	mux.Handle("/handler", handler)
	mux.Handle("/middleware", mw(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rc, ok := verify.FromContext(r.Context())
		body, err := io.ReadAll(r.Body)
		if !ok || err != nil || !bytes.Equal(body, rc.Body) {
			http.Error(w, "the middleware passes on another body than it verified", http.StatusTeapot)
			return
		}
		in.taken <- rc
	})))
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	in.url = server.URL
	return in
}

// accepted returns the receipt of the message that was just answered with 200.
func (in *inbox) accepted(t *testing.T) verify.Receipt {
	t.Helper()
	select {
	case in.last = <-in.taken:
		return in.last
	default:
		require.FailNow(t, "answered with 200, and nobody has got the message")
		return verify.Receipt{}
	}
}

// refusal returns why the message that was just refused was refused.
func (in *inbox) refusal(t *testing.T) error {
	t.Helper()
	select {
	case err := <-in.reasons:
		return err
	default:
		require.FailNow(t, "refused, and nobody was told")
		return nil
	}
}

// rawCodec takes bodies as they are.
type rawCodec struct{}

func (rawCodec) Decode(body []byte) (any, error) { return body, nil }

func (rawCodec) Yields(reflect.Type) bool { return true }
