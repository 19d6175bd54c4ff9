package verify_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/paperround/sign"
	"example.com/paperround/verify"
)

// timeOnly is a scheme that signs a time and no id.
func timeOnly() sign.Scheme {
	return sign.Scheme{
		Name:     "time-only",
		Cover:    []sign.Part{sign.PartTime, ".", sign.PartBody},
		Tag:      sign.Field{Header: "X-Tag"},
		Time:     sign.Field{Header: "X-Time"},
		Encoding: sign.Hex,
	}
}

// store is a shared store: it lets a test see the calls and break them. What it
// returns itself comes before what the memory behind it says.
type store struct {
	*verify.ReplayMemory
	reserve, commit, release error
	says                     *verify.ReplayState
	hang                     bool

	mu    sync.Mutex
	calls []string
	keys  []string
}

func newStore(t *testing.T) *store {
	t.Helper()
	m, err := verify.NewReplayMemory(nil)
	require.NoError(t, err)
	return &store{ReplayMemory: m}
}

func (s *store) called(ctx context.Context, call, key string, err error) error {
	s.mu.Lock()
	s.calls, s.keys = append(s.calls, call), append(s.keys, key)
	s.mu.Unlock()
	if s.hang {
		<-ctx.Done()
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

func (s *store) Reserve(ctx context.Context, key string, fence int64, lease time.Duration) (verify.ReplayState, error) {
	if err := s.called(ctx, "reserve "+lease.String(), key, s.reserve); err != nil {
		return verify.ReplayReserved, err
	}
	if s.says != nil {
		return *s.says, nil
	}
	return s.ReplayMemory.Reserve(ctx, key, fence, lease)
}

func (s *store) Commit(ctx context.Context, key string, fence int64, ttl time.Duration) error {
	if err := s.called(ctx, "commit "+ttl.String(), key, s.commit); err != nil {
		return err
	}
	return s.ReplayMemory.Commit(ctx, key, fence, ttl)
}

func (s *store) Release(ctx context.Context, key string, fence int64) error {
	if err := s.called(ctx, "release", key, s.release); err != nil {
		return err
	}
	return s.ReplayMemory.Release(ctx, key, fence)
}

// endpoint is a receiver behind either front, Middleware or Handler.
type endpoint struct {
	http.Handler
	mu       sync.Mutex
	runs     []string // The bodies handled.
	refusals []*verify.Refusal
	replays  []verify.Receipt
	failures []*verify.Failure
	log      bytes.Buffer
}

// newFront makes a handler of either kind. Status is what handling a body comes to;
// Handler turns it into the error that is answered so.
func newFront(front string, c verify.Checker, o *verify.HandlerOptions, status func(context.Context, string) int) (http.Handler, error) {
	if front == "Middleware" {
		mw, err := verify.Middleware(c, o)
		if err != nil {
			return nil, err
		}
		return mw(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				panic(err)
			}
			if code := status(r.Context(), string(body)); code != 0 {
				w.WriteHeader(code)
			}
		})), nil
	}
	r, err := verify.NewRouter(codec{}, verify.Otherwise(func(ctx context.Context, d *verify.Delivery[any]) error {
		switch code := status(ctx, string(d.Receipt.Body)); code {
		case 0, 200:
			return nil
		case 410:
			return verify.ErrGone
		default:
			return errors.New("status " + strconv.Itoa(code))
		}
	}))
	if err != nil {
		return nil, err
	}
	return verify.Handler(c, r, o)
}

func newEndpoint(t *testing.T, front string, c verify.Checker, replay *verify.Replay, status func(context.Context, string) int) *endpoint {
	t.Helper()
	e := new(endpoint)
	if status == nil {
		status = func(context.Context, string) int { return 0 }
	}
	h, err := newFront(front, c, &verify.HandlerOptions{
		Replay: replay,
		OnRefused: func(_ context.Context, r *verify.Refusal) {
			e.mu.Lock()
			defer e.mu.Unlock()
			e.refusals = append(e.refusals, r)
		},
		OnReplayed: func(_ context.Context, rc *verify.Receipt) {
			e.mu.Lock()
			defer e.mu.Unlock()
			e.replays = append(e.replays, *rc)
		},
		OnFailed: func(_ context.Context, f *verify.Failure) {
			e.mu.Lock()
			defer e.mu.Unlock()
			e.failures = append(e.failures, f)
		},
		Logger: slog.New(slog.NewTextHandler(&e.log, nil)),
	}, func(ctx context.Context, body string) int {
		e.mu.Lock()
		e.runs = append(e.runs, body)
		e.mu.Unlock()
		return status(ctx, body)
	})
	require.NoError(t, err)
	e.Handler = h
	return e
}

// both names a test for Handler and one for Middleware.
func both(name string) iter.Seq2[string, string] {
	return func(yield func(name, front string) bool) {
		_ = yield(name+"/Handler", "Handler") && yield(name+"/Middleware", "Middleware")
	}
}

func verifier(t *testing.T, s sign.Scheme, secrets ...string) *verify.Verifier {
	t.Helper()
	v, err := verify.New(s, ringOf(t, secrets...), nil)
	require.NoError(t, err)
	return v
}

// sent is an authentic request under a scheme.
func sent(t *testing.T, s sign.Scheme, secret, id, body string) *http.Request {
	t.Helper()
	req := httptest.NewRequest(http.MethodPost, "/hook", strings.NewReader(body))
	req.Header = signed(t, s, ringOf(t, secret), id, []byte(body))
	return req
}

// again is the same request with its body unread.
func again(req *http.Request, body string) *http.Request {
	one := req.Clone(req.Context())
	one.Body, one.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
	return one
}

func bodyKey(rc *verify.Receipt) (string, error) { return string(rc.Body), nil }

func TestReplay(t *testing.T) {
	t.Parallel()
	standard := sign.StandardWebhooks()

	for name, front := range both("58 the same bytes twice") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for name, scheme := range map[string]sign.Scheme{"id": standard, "time": timeOnly()} {
				e := newEndpoint(t, front, verifier(t, scheme, swSecret), nil, nil)
				req := sent(t, scheme, swSecret, "msg_1", "one")
				for range 3 {
					res := serve(e, again(req, "one"))
					require.Equal(t, http.StatusOK, res.Code, name)
					require.Empty(t, res.Body.String())
				}
				require.Equal(t, []string{"one"}, e.runs)
				require.Len(t, e.replays, 2)
				require.Equal(t, "one", string(e.replays[0].Body))
				require.Empty(t, e.refusals)
				require.Empty(t, e.failures)
				require.Contains(t, e.log.String(), `level=INFO msg="webhook replayed" key_id=1`)
				require.NotContains(t, e.log.String(), "WARN")
				require.Equal(t, http.StatusOK, serve(e, sent(t, scheme, swSecret, "msg_2", "two")).Code)
				require.Equal(t, []string{"one", "two"}, e.runs)
			}
		})
	}

	for name, front := range both("59 the same body with a new unsigned id") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// Under a scheme that signs no id, a header with one changes nothing.
			e := newEndpoint(t, front, verifier(t, timeOnly(), swSecret), nil, nil)
			req := sent(t, timeOnly(), swSecret, "", "one")
			for _, id := range []string{"", "msg_1", "msg_2"} {
				one := again(req, "one")
				one.Header.Set("Webhook-Id", id)
				require.Equal(t, http.StatusOK, serve(e, one).Code)
			}
			require.Equal(t, []string{"one"}, e.runs)
			// Under one that does, another id breaks the signature.
			e = newEndpoint(t, front, verifier(t, standard, swSecret), nil, nil)
			req = sent(t, standard, swSecret, "msg_1", "one")
			require.Equal(t, http.StatusOK, serve(e, again(req, "one")).Code)
			req.Header.Set("Webhook-Id", "msg_2")
			require.Equal(t, http.StatusUnauthorized, serve(e, again(req, "one")).Code)
			require.Equal(t, []string{"one"}, e.runs)
		})
	}

	for name, front := range both("60 id header removed") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEndpoint(t, front, verifier(t, standard, swSecret), nil, nil)
			req := sent(t, standard, swSecret, "msg_1", "one")
			require.Equal(t, http.StatusOK, serve(e, again(req, "one")).Code)
			req.Header.Del("Webhook-Id")
			require.Equal(t, http.StatusUnauthorized, serve(e, again(req, "one")).Code)
			require.Equal(t, []string{"one"}, e.runs)
		})
	}

	for name, front := range both("61 the same tag spelled otherwise") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// Two keys make two tags for one message; lists can be written in
			// several ways.
			older := "whsec_b25lb25lb25lb25lb25lb25l"
			e := newEndpoint(t, front, verifier(t, standard, swSecret, older), nil, nil)
			first := sent(t, standard, swSecret, "msg_1", "one")
			second := sent(t, standard, older, "msg_1", "one")
			tag := first.Header.Get("Webhook-Signature")
			for _, spelled := range []string{tag, tag + " v1,x", "v2,y " + tag, tag + "," + tag} {
				one := again(first, "one")
				one.Header.Set("Webhook-Signature", spelled)
				require.Equal(t, http.StatusOK, serve(e, one).Code)
			}
			require.Equal(t, http.StatusOK, serve(e, second).Code)
			require.Equal(t, []string{"one"}, e.runs)
			require.Equal(t, "2", e.replays[len(e.replays)-1].KeyID)
		})
	}

	for name, front := range both("62 a forged request does not burn an id") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStore(t)
			e := newEndpoint(t, front, verifier(t, standard, swSecret), &verify.Replay{Store: s, Scope: "test"}, nil)
			req := sent(t, standard, swSecret, "msg_1", "one")
			require.Equal(t, http.StatusUnauthorized, serve(e, again(req, "two")).Code)
			other := sent(t, standard, "whsec_b25lb25lb25lb25lb25lb25l", "msg_1", "one")
			require.Equal(t, http.StatusUnauthorized, serve(e, other).Code)
			get := again(req, "one")
			get.Method = http.MethodGet
			require.Equal(t, http.StatusMethodNotAllowed, serve(e, get).Code)
			require.Empty(t, s.calls, "the store is not touched")
			require.Equal(t, http.StatusOK, serve(e, again(req, "one")).Code)
			require.Equal(t, []string{"one"}, e.runs)
			require.Equal(t, []string{"reserve 1m0s", "commit 11m0s"}, s.calls)
		})
	}

	for name, front := range both("63 two at once") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				leave := make(chan struct{})
				e := newEndpoint(t, front, verifier(t, standard, swSecret), nil, func(context.Context, string) int {
					<-leave
					return 200
				})
				req := sent(t, standard, swSecret, "msg_1", "one")
				first := make(chan *httptest.ResponseRecorder)
				go func() { first <- serve(e, again(req, "one")) }()
				synctest.Wait()
				res := serve(e, again(req, "one"))
				require.Equal(t, http.StatusServiceUnavailable, res.Code)
				require.Equal(t, "5", res.Header().Get("Retry-After"))
				require.Equal(t, "Service Unavailable\n", res.Body.String())
				require.Len(t, e.refusals, 1)
				require.ErrorIs(t, e.refusals[0].Err, verify.ErrInFlight)
				require.Contains(t, e.log.String(), "level=INFO msg=\"webhook refused\" status=503")
				close(leave)
				require.Equal(t, http.StatusOK, (<-first).Code)
				require.Equal(t, http.StatusOK, serve(e, again(req, "one")).Code)
				require.Equal(t, []string{"one"}, e.runs)
			})
		})
	}

	for name, front := range both("64 the handler fails: the retry runs") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, status := range []int{500, 410, 404, 302} {
				if front == "Handler" && status != 410 {
					status = 500
				}
				answers := []int{status, 200}
				e := newEndpoint(t, front, verifier(t, standard, swSecret), nil, func(context.Context, string) int {
					next := answers[0]
					answers = answers[1:]
					return next
				})
				req := sent(t, standard, swSecret, "msg_1", "one")
				require.NotEqual(t, http.StatusOK, serve(e, again(req, "one")).Code)
				require.Equal(t, http.StatusOK, serve(e, again(req, "one")).Code)
				require.Equal(t, http.StatusOK, serve(e, again(req, "one")).Code)
				require.Len(t, e.runs, 2, "status %d", status)
				require.Len(t, e.replays, 1)
			}
		})
	}

	for name, front := range both("64 the handler panics: the retry runs") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, value := range []error{errors.New("mine"), http.ErrAbortHandler} {
				broken := true
				e := newEndpoint(t, front, verifier(t, standard, swSecret), nil, func(context.Context, string) int {
					if broken {
						panic(value)
					}
					return 200
				})
				req := sent(t, standard, swSecret, "msg_1", "one")
				require.PanicsWithValue(t, value, func() { serve(e, again(req, "one")) })
				broken = false
				require.Equal(t, http.StatusOK, serve(e, again(req, "one")).Code)
				require.Len(t, e.runs, 2)
				require.Empty(t, e.replays)
				require.Empty(t, e.failures)
			}
		})
	}

	for name, front := range both("65 store down: closed by default") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for name, tc := range map[string]struct {
				store *store
				err   error
			}{
				"it says so":         {&store{reserve: errors.New("connection refused")}, nil},
				"it is full":         {&store{reserve: verify.ErrReplayFull}, verify.ErrReplayFull},
				"it says nothing":    {&store{says: new(verify.ReplayState(0))}, nil},
				"it says too much":   {&store{says: new(verify.ReplayState(4))}, nil},
				"its zero value":     {&store{ReplayMemory: new(verify.ReplayMemory)}, verify.ErrConfig},
				"the reason is kept": {&store{reserve: io.ErrUnexpectedEOF}, io.ErrUnexpectedEOF},
			} {
				e := newEndpoint(t, front, verifier(t, standard, swSecret), &verify.Replay{Store: tc.store, Scope: "test"}, nil)
				res := serve(e, sent(t, standard, swSecret, "msg_1", "one"))
				require.Equal(t, http.StatusServiceUnavailable, res.Code, name)
				require.Equal(t, "5", res.Header().Get("Retry-After"))
				require.Equal(t, "Service Unavailable\n", res.Body.String())
				require.Empty(t, e.runs, name)
				require.Len(t, e.refusals, 1)
				require.ErrorIs(t, e.refusals[0].Err, verify.ErrReplayStore)
				if tc.err != nil {
					require.ErrorIs(t, e.refusals[0].Err, tc.err)
				}
				require.Contains(t, e.log.String(), "level=ERROR")
			}
		})
	}

	for name, front := range both("65 store hangs") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				for timeout, want := range map[time.Duration]time.Duration{0: 5 * time.Second, time.Minute: time.Minute} {
					s := newStore(t)
					s.hang = true
					e := newEndpoint(t, front, verifier(t, standard, swSecret), &verify.Replay{Store: s, Scope: "test", Timeout: timeout}, nil)
					start := time.Now()
					res := serve(e, sent(t, standard, swSecret, "msg_1", "one"))
					require.Equal(t, http.StatusServiceUnavailable, res.Code)
					require.Equal(t, want, time.Since(start))
					require.ErrorIs(t, e.refusals[0].Err, context.DeadlineExceeded)
				}
			})
		})
	}

	for name, front := range both("66 the store stays bounded") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m, err := verify.NewReplayMemory(&verify.ReplayMemoryOptions{Capacity: 3})
				require.NoError(t, err)
				e := newEndpoint(t, front, verifier(t, standard, swSecret), &verify.Replay{Store: m, Scope: "test"}, nil)
				code := func(id string) int { return serve(e, sent(t, standard, swSecret, id, id)).Code }
				for _, id := range []string{"a", "b", "c"} {
					require.Equal(t, http.StatusOK, code(id))
				}
				require.Equal(t, http.StatusServiceUnavailable, code("d"), "nothing is forgotten to make room")
				require.ErrorIs(t, e.refusals[0].Err, verify.ErrReplayFull)
				require.Equal(t, http.StatusOK, code("a"))
				require.Equal(t, []string{"a", "b", "c"}, e.runs)
				require.Equal(t, 3, m.Len())
				time.Sleep(11 * time.Minute)
				require.Equal(t, http.StatusOK, code("d"))
				require.Equal(t, []string{"a", "b", "c", "d"}, e.runs)
				require.LessOrEqual(t, m.Len(), 3)
			})
		})
	}
}

// Run with -race.
func TestReplayRace(t *testing.T) {
	t.Parallel()
	for name, front := range both("63 many at once") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var runs atomic.Int64
			e := newEndpoint(t, front, verifier(t, sign.StandardWebhooks(), swSecret), nil, func(context.Context, string) int {
				runs.Add(1)
				return 200
			})
			const messages, copies = 20, 16
			var group sync.WaitGroup
			for i := range messages {
				body := strconv.Itoa(i)
				req := sent(t, sign.StandardWebhooks(), swSecret, "msg_"+body, body)
				for range copies {
					group.Go(func() {
						res := serve(e, again(req, body))
						if res.Code != http.StatusOK && res.Code != http.StatusServiceUnavailable {
							t.Errorf("status %d", res.Code)
						}
					})
				}
			}
			group.Wait()
			require.EqualValues(t, messages, runs.Load())
			require.Len(t, e.replays, messages*copies-messages-len(e.refusals))
		})
	}
}

// What is not protected, and what has to be told before it is.
func TestReplayDefaults(t *testing.T) {
	t.Parallel()
	basic, err := verify.NewBasic(credential("", "key", "secret"))
	require.NoError(t, err)
	standard := verifier(t, sign.StandardWebhooks(), swSecret)
	cleeng := verifier(t, sign.Cleeng("X-Signature", sign.Hex), benchSecret)
	all := func(c ...verify.Checker) verify.Checker {
		g, err := verify.All(c...)
		require.NoError(t, err)
		return g
	}
	for name, tc := range map[string]struct {
		checker verify.Checker
		replay  *verify.Replay
		on      bool
		refused string
	}{
		"id and time":               {standard, nil, true, ""},
		"time":                      {verifier(t, timeOnly(), swSecret), nil, true, ""},
		"neither":                   {cleeng, nil, false, ""},
		"neither, asked for":        {cleeng, &verify.Replay{}, false, "FormKey"},
		"neither, with a key":       {cleeng, &verify.Replay{Key: bodyKey}, true, ""},
		"turned off":                {standard, &verify.Replay{TTL: -1}, false, ""},
		"neither, turned off":       {cleeng, &verify.Replay{TTL: -1}, false, ""},
		"a group with an id":        {all(basic, standard), nil, true, ""},
		"a group of groups":         {all(all(basic, standard)), nil, true, ""},
		"a group with neither":      {all(basic, cleeng), nil, false, ""},
		"a group, asked for":        {all(basic, cleeng), &verify.Replay{}, false, "FormKey"},
		"basic":                     {basic, nil, false, ""},
		"basic, asked for":          {basic, &verify.Replay{}, false, "FormKey"},
		"a host's own":              {fixed{receipt: verify.Receipt{ID: "x"}}, nil, false, ""},
		"a host's own, asked for":   {fixed{receipt: verify.Receipt{ID: "x"}}, &verify.Replay{}, false, "FormKey"},
		"a host's own, with a key":  {fixed{receipt: verify.Receipt{ID: "x"}}, &verify.Replay{Key: func(rc *verify.Receipt) (string, error) { return rc.ID, nil }}, true, ""},
		"a host's own, that signs":  {telling{fixed{receipt: verify.Receipt{ID: "x"}}}, nil, true, ""},
		"a store and no scope":      {standard, &verify.Replay{Store: newStore(t)}, false, "no Scope"},
		"a negative lease":          {standard, &verify.Replay{Lease: -1}, false, "negative"},
		"a negative timeout":        {standard, &verify.Replay{Timeout: -1}, false, "negative"},
		"a short TTL":               {standard, &verify.Replay{TTL: 11*time.Minute - 1}, false, "tolerance"},
		"the shortest TTL":          {standard, &verify.Replay{TTL: 11 * time.Minute}, true, ""},
		"a short TTL without times": {cleeng, &verify.Replay{TTL: 1, Key: bodyKey}, false, ""},
	} {
		for name, front := range both(name) {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				h, err := newFront(front, tc.checker, &verify.HandlerOptions{Replay: tc.replay, AllowPlaintext: true}, func(context.Context, string) int { return 0 })
				if tc.refused != "" {
					require.ErrorIs(t, err, verify.ErrConfig)
					require.ErrorContains(t, err, tc.refused)
					return
				}
				require.NoError(t, err)
				require.NotNil(t, h)
				e := newEndpoint(t, front, tc.checker, tc.replay, nil)
				if _, ok := tc.checker.(fixed); !ok {
					return
				}
				for range 2 {
					require.Equal(t, http.StatusOK, serve(e, request(t, "one")).Code)
				}
				require.Equal(t, tc.on, len(e.runs) == 1)
			})
		}
	}
	// Two events with the same bytes are two events.
	for name, front := range both("Cleeng twice") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEndpoint(t, front, cleeng, nil, nil)
			req := sent(t, sign.Cleeng("X-Signature", sign.Hex), benchSecret, "", "consent")
			for range 2 {
				require.Equal(t, http.StatusOK, serve(e, again(req, "consent")).Code)
			}
			require.Len(t, e.runs, 2)
			e = newEndpoint(t, front, cleeng, &verify.Replay{Key: bodyKey}, nil)
			for range 2 {
				require.Equal(t, http.StatusOK, serve(e, again(req, "consent")).Code)
			}
			require.Len(t, e.runs, 1)
		})
	}
	for name, front := range both("off") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEndpoint(t, front, standard, &verify.Replay{TTL: -1}, nil)
			req := sent(t, sign.StandardWebhooks(), swSecret, "msg_1", "one")
			for range 2 {
				require.Equal(t, http.StatusOK, serve(e, again(req, "one")).Code)
			}
			require.Len(t, e.runs, 2)
		})
	}
}

// telling is a host's own checker that says what it proves.
type telling struct{ fixed }

func (telling) Proves() verify.Proof { return verify.Proof{ID: true} }

// proving is one that proves an id and a time, which it does not judge.
type proving struct{ fixed }

func (proving) Proves() verify.Proof { return verify.Proof{ID: true, Time: true, Tolerance: -1} }

// judging is one that says how old it lets a message be.
type judging struct {
	fixed
	tolerance time.Duration
}

func (c judging) Proves() verify.Proof { return verify.Proof{Time: true, Tolerance: c.tolerance} }

// whole takes the body for the key.
func whole(rc *verify.Receipt) (string, error) { return string(rc.Body), nil }

func TestReplayDurations(t *testing.T) {
	t.Parallel()
	now := fixed{receipt: verify.Receipt{Time: time.Unix(7, 0)}}
	for name, tc := range map[string]struct {
		checker verify.Checker
		replay  verify.Replay
		lease   string
		ttl     string
	}{
		"twice the tolerance and a minute": {judging{now, 5 * time.Minute}, verify.Replay{}, "1m0s", "11m0s"},
		"no tolerance named":               {judging{now, 0}, verify.Replay{}, "1m0s", "11m0s"},
		"the least tolerance":              {judging{now, 1}, verify.Replay{}, "1m0s", "1m0.000000002s"},
		"a huge tolerance":                 {judging{now, 1<<63 - 1}, verify.Replay{}, "1m0s", time.Duration(1<<63 - 2).String()},
		"a key, time judged":               {judging{now, time.Minute}, verify.Replay{Key: whole}, "1m0s", "24h0m0s"},
		"a key, a huge tolerance":          {judging{now, 24 * time.Hour}, verify.Replay{Key: whole}, "1m0s", "48h1m0s"},
		"time not judged":                  {judging{now, -1}, verify.Replay{}, "1m0s", "24h0m0s"},
		"no time":                          {telling{fixed{receipt: verify.Receipt{ID: "x"}}}, verify.Replay{}, "1m0s", "24h0m0s"},
		"given":                            {judging{now, time.Minute}, verify.Replay{TTL: time.Hour, Lease: time.Second}, "1s", "1h0m0s"},
		"not judged, short":                {judging{now, -1}, verify.Replay{TTL: time.Second}, "1m0s", "1s"},
	} {
		for name, front := range both(name) {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				s := newStore(t)
				replay := tc.replay
				replay.Store, replay.Scope = s, "test"
				e := newEndpoint(t, front, tc.checker, &replay, nil)
				require.Equal(t, http.StatusOK, serve(e, request(t, "one")).Code)
				require.Equal(t, []string{"reserve " + tc.lease, "commit " + tc.ttl}, slices.Clone(s.calls))
			})
		}
	}
}

// At no moment at which a captured message is accepted has it been forgotten.
func TestReplayFreshness(t *testing.T) {
	t.Parallel()
	for name, scheme := range map[string]sign.Scheme{"id": sign.StandardWebhooks(), "time": timeOnly()} {
		for name, front := range both(name) {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					e := newEndpoint(t, front, verifier(t, scheme, swSecret), nil, nil)
					// The sender's clock is ahead as far as it may be.
					s, err := sign.New(scheme, ringOf(t, swSecret), nil)
					require.NoError(t, err)
					req := httptest.NewRequest(http.MethodPost, "/", nil)
					require.NoError(t, s.Sign(req.Header, "msg_1", time.Now().Add(5*time.Minute), []byte("one")))
					seen := make(map[int]int)
					for range 14 * 60 {
						seen[serve(e, again(req, "one")).Code]++
						time.Sleep(time.Second)
					}
					require.Equal(t, []string{"one"}, e.runs)
					require.Equal(t, map[int]int{200: 601, 401: 239}, seen)
				})
			})
		}
	}
}

// Where no time is signed, it is deduplication and ends.
func TestReplayEnds(t *testing.T) {
	t.Parallel()
	for name, front := range both("24 hours") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				e := newEndpoint(t, front, inplayer(t), &verify.Replay{Key: verify.FormKey("id")}, nil)
				for range 50 {
					require.Equal(t, http.StatusOK, serve(e, request(t, "id=7")).Code)
					time.Sleep(time.Hour)
				}
				require.Len(t, e.runs, 3)
			})
		})
	}
}

// The time of sending tells two events with the same bytes apart, and what the
// sender sends again under a new time is handled again.
func TestReplayByTime(t *testing.T) {
	t.Parallel()
	for name, front := range both("seconds") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				e := newEndpoint(t, front, verifier(t, timeOnly(), swSecret), nil, nil)
				for range 3 {
					for _, body := range []string{"one", "two"} {
						require.Equal(t, http.StatusOK, serve(e, sent(t, timeOnly(), swSecret, "", body)).Code)
					}
					time.Sleep(500 * time.Millisecond)
				}
				require.Equal(t, []string{"one", "two", "one", "two"}, e.runs)
			})
		})
	}
	for name, front := range both("a retry under its id") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				e := newEndpoint(t, front, verifier(t, sign.StandardWebhooks(), swSecret), nil, nil)
				for range 3 {
					require.Equal(t, http.StatusOK, serve(e, sent(t, sign.StandardWebhooks(), swSecret, "msg_1", "one")).Code)
					time.Sleep(time.Minute)
				}
				require.Len(t, e.runs, 1)
			})
		})
	}
}

// A sender that hangs up does not keep the outcome from being recorded.
func TestReplayAfterHangUp(t *testing.T) {
	t.Parallel()
	for outcome, want := range map[int]string{200: "commit 11m0s", 500: "release"} {
		for name, front := range both(want) {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				s := newStore(t)
				ctx, cancel := context.WithCancel(t.Context())
				e := newEndpoint(t, front, verifier(t, sign.StandardWebhooks(), swSecret), &verify.Replay{Store: s, Scope: "test"},
					func(context.Context, string) int { cancel(); return outcome })
				req := sent(t, sign.StandardWebhooks(), swSecret, "msg_1", "one").WithContext(ctx)
				serve(e, again(req, "one"))
				require.Equal(t, []string{"reserve 1m0s", want}, s.calls)
				for _, f := range e.failures {
					require.NotErrorIs(t, f.Err, verify.ErrReplayStore)
				}
				// Nor from being reserved: a reservation that nobody has seen
				// would stand until its lease runs out.
				serve(e, again(req, "one"))
				for _, r := range e.refusals {
					require.NotErrorIs(t, r.Err, verify.ErrReplayStore)
				}
			})
		}
	}
}

// The event was handled: the sender is told so, and the operator that the record
// is missing.
func TestReplayCommitFails(t *testing.T) {
	t.Parallel()
	for name, front := range both("commit") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newStore(t)
				s.commit = errors.New("connection reset")
				e := newEndpoint(t, front, verifier(t, sign.StandardWebhooks(), swSecret), &verify.Replay{Store: s, Scope: "test"}, nil)
				req := sent(t, sign.StandardWebhooks(), swSecret, "msg_1", "one")
				require.Equal(t, http.StatusOK, serve(e, again(req, "one")).Code)
				require.Len(t, e.failures, 1)
				require.ErrorIs(t, e.failures[0].Err, verify.ErrReplayStore)
				require.ErrorIs(t, e.failures[0].Err, s.commit)
				require.Equal(t, http.StatusOK, e.failures[0].Status)
				require.Equal(t, "one", string(e.failures[0].Receipt.Body))
				require.Contains(t, e.log.String(), "level=ERROR")
				// Until the lease runs out, nobody handles it again.
				time.Sleep(59 * time.Second)
				require.Equal(t, http.StatusServiceUnavailable, serve(e, again(req, "one")).Code)
				require.Len(t, e.runs, 1)
				time.Sleep(time.Second)
				s.commit = nil
				require.Equal(t, http.StatusOK, serve(e, again(req, "one")).Code)
				require.Len(t, e.runs, 2)
			})
		})
	}
	for name, front := range both("release") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStore(t)
			s.release = errors.New("connection reset")
			e := newEndpoint(t, front, verifier(t, sign.StandardWebhooks(), swSecret), &verify.Replay{Store: s, Scope: "test"},
				func(context.Context, string) int { return 500 })
			require.Equal(t, http.StatusInternalServerError, serve(e, sent(t, sign.StandardWebhooks(), swSecret, "msg_1", "one")).Code)
			require.NotEmpty(t, e.failures)
			require.ErrorIs(t, e.failures[len(e.failures)-1].Err, verify.ErrReplayStore)
			require.Equal(t, http.StatusInternalServerError, e.failures[len(e.failures)-1].Status)
		})
	}
	for name, front := range both("release after a panic") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStore(t)
			s.release = errors.New("connection reset")
			e := newEndpoint(t, front, verifier(t, sign.StandardWebhooks(), swSecret), &verify.Replay{Store: s, Scope: "test"},
				func(context.Context, string) int { panic("mine") })
			require.PanicsWithValue(t, "mine", func() { serve(e, sent(t, sign.StandardWebhooks(), swSecret, "msg_1", "one")) })
			require.Len(t, e.failures, 1)
			require.Zero(t, e.failures[0].Status)
		})
	}
}

// A handler that takes longer than its lease may run beside a second one, but
// cannot undo what that one has done.
func TestReplayLeaseRunsOut(t *testing.T) {
	t.Parallel()
	for name, front := range both("slow") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				waits := make(chan time.Duration, 2)
				waits <- 90 * time.Second
				waits <- 10 * time.Second
				statuses := make(chan int, 2)
				statuses <- 200 // the second is done first
				statuses <- 500
				e := newEndpoint(t, front, verifier(t, sign.StandardWebhooks(), swSecret), nil, func(context.Context, string) int {
					time.Sleep(<-waits)
					return <-statuses
				})
				req := sent(t, sign.StandardWebhooks(), swSecret, "msg_1", "one")
				var group sync.WaitGroup
				group.Go(func() {
					if code := serve(e, again(req, "one")).Code; code != http.StatusInternalServerError {
						t.Errorf("status %d", code)
					}
				})
				time.Sleep(time.Minute)
				require.Equal(t, http.StatusOK, serve(e, again(req, "one")).Code)
				group.Wait()
				require.Len(t, e.runs, 2)
				require.ErrorIs(t, e.failures[len(e.failures)-1].Err, verify.ErrReplayLost)
				require.Equal(t, http.StatusOK, serve(e, again(req, "one")).Code, "what was finished stays so")
				require.Len(t, e.runs, 2)
			})
		})
	}
}

// Endpoints that share a store do not share messages, unless they share a scope.
func TestReplayScope(t *testing.T) {
	t.Parallel()
	for name, front := range both("scopes") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStore(t)
			v := verifier(t, sign.StandardWebhooks(), swSecret)
			req := sent(t, sign.StandardWebhooks(), swSecret, "msg_1", "one")
			runs := 0
			for _, scope := range []string{"a", "b", "a"} {
				e := newEndpoint(t, front, v, &verify.Replay{Store: s, Scope: scope}, nil)
				require.Equal(t, http.StatusOK, serve(e, again(req, "one")).Code)
				runs += len(e.runs)
			}
			require.Equal(t, 2, runs)
			require.Equal(t, s.keys[0], s.keys[len(s.keys)-1])
			require.NotEqual(t, s.keys[0], s.keys[2])
		})
	}
	// Handlers behind one Middleware share what it remembers, also where a
	// framework puts it in front of the handler anew for each request.
	t.Run("two behind one Middleware", func(t *testing.T) {
		t.Parallel()
		runs := 0
		count := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { runs++ })
		req := sent(t, sign.StandardWebhooks(), swSecret, "msg_1", "one")
		for range 2 {
			mw, err := verify.Middleware(verifier(t, sign.StandardWebhooks(), swSecret), nil)
			require.NoError(t, err)
			for range 3 {
				require.Equal(t, http.StatusOK, serve(mw(count), again(req, "one")).Code)
			}
		}
		require.Equal(t, 2, runs)
	})
}

// Keys are short and say nothing, and no two messages share one.
func TestReplayKeys(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 1<<16)
	at := time.Unix(7, 0)
	own := func(text string) verify.Replay {
		return verify.Replay{Key: func(*verify.Receipt) (string, error) { return text, nil }}
	}
	seen := make(map[string]int)
	for i, tc := range []struct {
		receipt verify.Receipt
		replay  verify.Replay
		scope   string
	}{
		{verify.Receipt{ID: "x"}, verify.Replay{}, "a"},
		{verify.Receipt{ID: "y"}, verify.Replay{}, "a"},
		{verify.Receipt{ID: long}, verify.Replay{}, "a"},
		{verify.Receipt{ID: long + "x"}, verify.Replay{}, "a"},
		{verify.Receipt{ID: "x"}, verify.Replay{}, "ax"},
		{verify.Receipt{ID: "x"}, verify.Replay{}, long},
		{verify.Receipt{ID: "x", Scheme: "s"}, verify.Replay{}, "a"},
		{verify.Receipt{ID: "x"}, verify.Replay{}, "as"},
		{verify.Receipt{ID: "ix", Scheme: "s"}, verify.Replay{}, "a"},
		{verify.Receipt{ID: "x", Scheme: "si"}, verify.Replay{}, "a"},
		{verify.Receipt{Time: at}, verify.Replay{}, "a"},
		{verify.Receipt{Time: at.Add(1)}, verify.Replay{}, "a"},
		{verify.Receipt{Time: at.Add(time.Second)}, verify.Replay{}, "a"},
		{verify.Receipt{Time: at, Body: []byte("two")}, verify.Replay{}, "a"},
		{verify.Receipt{ID: "kx"}, verify.Replay{}, "a"},
		{verify.Receipt{ID: "x", Sender: "s"}, verify.Replay{}, "a"},
		{verify.Receipt{ID: "x", Sender: "si"}, verify.Replay{}, "a"},
		{verify.Receipt{ID: "x", Sender: "si", Scheme: "s"}, verify.Replay{}, "a"},
		{verify.Receipt{ID: "x"}, verify.Replay{}, "a\x00\x00ix"},
		{verify.Receipt{ID: "x\x00\x00ix"}, verify.Replay{}, "a"},
		{verify.Receipt{ID: "ix", Scheme: "a"}, verify.Replay{}, "\x01a\x00"},
		{verify.Receipt{}, own("x"), "a"},
		{verify.Receipt{}, own(long), "a"},
		{verify.Receipt{}, own("ix"), "a"},
	} {
		s := newStore(t)
		replay := tc.replay
		replay.Store, replay.Scope = s, tc.scope
		e := newEndpoint(t, "Middleware", proving{fixed{receipt: tc.receipt}}, &replay, nil)
		require.Equal(t, http.StatusOK, serve(e, request(t, "one")).Code)
		require.Regexp(t, `^[A-Za-z0-9_-]{43}$`, s.keys[0])
		require.Equal(t, s.keys[0], s.keys[1])
		other, ok := seen[s.keys[0]]
		require.False(t, ok, "%d and %d have one key", i, other)
		seen[s.keys[0]] = i
	}
	// What else a receipt holds makes no difference.
	s := newStore(t)
	e := newEndpoint(t, "Middleware", telling{fixed{receipt: verify.Receipt{
		ID: "x", Time: at, KeyID: "2", Credential: "c", Received: at, Body: []byte("three"),
	}}}, &verify.Replay{Store: s, Scope: "a"}, nil)
	require.Equal(t, http.StatusOK, serve(e, request(t, "one")).Code)
	require.Equal(t, 0, seen[s.keys[0]])
	require.Contains(t, seen, s.keys[0])
}

func TestReplayFences(t *testing.T) {
	t.Parallel()
	f := &fences{ReplayMemory: newStore(t).ReplayMemory, seen: make(map[int64]int)}
	for range 2 { // two processes
		e := newEndpoint(t, "Middleware", verifier(t, sign.StandardWebhooks(), swSecret), &verify.Replay{Store: f, Scope: "test"},
			func(context.Context, string) int { return 500 })
		for range 10 {
			serve(e, sent(t, sign.StandardWebhooks(), swSecret, "msg_1", "one"))
		}
	}
	require.Len(t, f.seen, 20)
}

type fences struct {
	*verify.ReplayMemory
	seen map[int64]int
}

func (f *fences) Reserve(ctx context.Context, key string, fence int64, lease time.Duration) (verify.ReplayState, error) {
	f.seen[fence]++
	return f.ReplayMemory.Reserve(ctx, key, fence, lease)
}

// An authentic message without its key is for the Undecodable route, or refused.
func TestReplayKeyMissing(t *testing.T) {
	t.Parallel()
	broken := errors.New("no id")
	for name, tc := range map[string]struct {
		key    func(*verify.Receipt) (string, error)
		status int
		err    error
	}{
		"error":         {func(*verify.Receipt) (string, error) { return "x", broken }, 400, broken},
		"empty":         {func(*verify.Receipt) (string, error) { return "", nil }, 400, verify.ErrUndecodable},
		"set up wrong":  {verify.FormKey(""), 500, verify.ErrConfig},
		"not in a form": {verify.FormKey("id"), 400, verify.ErrUndecodable},
	} {
		for name, front := range both(name) {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				s := newStore(t)
				e := newEndpoint(t, front, inplayer(t), &verify.Replay{Key: tc.key, Store: s, Scope: "test"}, nil)
				require.Equal(t, tc.status, serve(e, request(t, "created")).Code)
				require.Empty(t, e.runs)
				require.Empty(t, s.calls)
				require.ErrorIs(t, e.refusals[0].Err, tc.err)
			})
		}
		t.Run(name+"/Undecodable", func(t *testing.T) {
			t.Parallel()
			s := newStore(t)
			var kept []string
			var fail error
			r, err := verify.NewRouter(codec{}, verify.Otherwise(func(context.Context, *verify.Delivery[any]) error {
				return errors.New("reached")
			}), verify.Undecodable(func(ctx context.Context, u *verify.Undecoded) error {
				rc, ok := verify.FromContext(ctx)
				if !ok || string(rc.Body) != "created" || !errors.Is(u.Err, tc.err) {
					return errors.New("wrong delivery")
				}
				kept = append(kept, string(u.Receipt.Body))
				return fail
			}))
			require.NoError(t, err)
			h, err := verify.Handler(inplayer(t), r, &verify.HandlerOptions{Replay: &verify.Replay{Key: tc.key, Store: s, Scope: "test"}})
			require.NoError(t, err)
			res := serve(h, request(t, "created"))
			if tc.status == 500 {
				require.Equal(t, 500, res.Code)
				require.Empty(t, kept)
				return
			}
			require.Equal(t, 200, res.Code)
			require.Equal(t, []string{"created"}, kept)
			fail = broken
			require.Equal(t, 500, serve(h, request(t, "created")).Code)
			require.Empty(t, s.calls, "neither reserved nor recorded")
		})
	}
	// A checker that breaks its word is the receiver's fault.
	for name, front := range both("nothing to go by") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEndpoint(t, front, telling{fixed{}}, nil, nil)
			require.Equal(t, http.StatusInternalServerError, serve(e, request(t, "one")).Code)
			require.ErrorIs(t, e.refusals[0].Err, verify.ErrConfig)
			require.Empty(t, e.runs)
		})
	}
}

func TestFormKey(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		body, want, err string
	}{
		"first":                {"id=WHE-1&type=x", "WHE-1", ""},
		"last":                 {"type=x&id=WHE-1", "WHE-1", ""},
		"alone":                {"id=1", "1", ""},
		"escaped value":        {"id=a%2Bb+c", "a+b c", ""},
		"escaped name":         {"%69d=1", "1", ""},
		"another case":         {"ID=1", "", "not have"},
		"a part of a name":     {"xid=1&idx=2&id%5Bx%5D=3&resource[id]=4", "", "not have"},
		"missing":              {"type=x", "", "not have"},
		"no body":              {"", "", "not have"},
		"empty":                {"id=&type=x", "", "empty"},
		"without =":            {"id&type=x", "", "empty"},
		"twice":                {"id=1&id=1", "", "twice"},
		"twice, escaped":       {"id=1&i%64=2", "", "twice"},
		"twice, second empty":  {"id=1&id=", "", "twice"},
		"twice, first empty":   {"id=&id=1", "", "empty"},
		"broken value":         {"id=%zz", "", "percent-encoded"},
		"broken name":          {"id=1&%zz=2", "", "percent-encoded"},
		"broken other value":   {"id=1&x=%zz", "1", ""},
		"an equals sign in it": {"id=a=b", "a=b", ""},
		"empty pairs":          {"&&id=1&&", "1", ""},
	} {
		key, err := verify.FormKey("id")(&verify.Receipt{Body: []byte(tc.body)})
		require.Equal(t, tc.want, key, name)
		if tc.err == "" {
			require.NoError(t, err, name)
		} else {
			require.ErrorContains(t, err, tc.err, name)
		}
	}
}

// FuzzFormKey: a key is what is between the one "id=" and the next "&".
func FuzzFormKey(f *testing.F) {
	for _, body := range []string{"id=1", "a=b&id=x%20y&c", "id=1&id=2", "i%64=1", "%zz", "id=", "&=&id=%", "id=%00"} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		key, err := verify.FormKey("id")(&verify.Receipt{Body: []byte(body)})
		found, flawed := 0, false
		for pair := range strings.SplitSeq(body, "&") {
			name, _, _ := strings.Cut(pair, "=")
			name, ok := unescape(name)
			flawed = flawed || !ok
			if ok && name == "id" {
				found++
			}
		}
		if err == nil {
			require.NotEmpty(t, key)
			require.Equal(t, 1, found)
			require.False(t, flawed)
		} else {
			require.Empty(t, key)
			for pair := range strings.SplitSeq(body, "&") {
				if v, ok := strings.CutPrefix(pair, "id="); ok && found == 1 && !flawed {
					v, ok = unescape(v)
					require.True(t, !ok || v == "")
				}
			}
		}
	})
}

// unescape is a slow and plain percent-decoder.
func unescape(s string) (string, bool) {
	var out []byte
	for s != "" {
		switch s[0] {
		case '%':
			if len(s) < 3 {
				return "", false
			}
			n, err := strconv.ParseUint(s[1:3], 16, 8)
			if err != nil || strings.ContainsAny(s[1:3], "+-_") {
				return "", false
			}
			out, s = append(out, byte(n)), s[3:]
		case '+':
			out, s = append(out, ' '), s[1:]
		default:
			out, s = append(out, s[0]), s[1:]
		}
	}
	return string(out), true
}

// Nothing of a message reaches the log, the answer or an error.
func TestReplayKeepsSecrets(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	s.reserve = errors.New("down")
	e := newEndpoint(t, "Middleware", inplayer(t), &verify.Replay{Key: verify.FormKey("id"), Store: s, Scope: "test"}, nil)
	for _, body := range []string{"id=hunter2", "id=hunter2&id=hunter2", "id=hunter2%zz", "hunter2%zz"} {
		res := serve(e, request(t, body))
		require.NotEqual(t, http.StatusOK, res.Code)
		require.NotContains(t, res.Body.String(), "hunter")
	}
	require.Len(t, e.refusals, 4)
	for _, r := range e.refusals {
		require.NotContains(t, r.Err.Error(), "hunter")
		text, err := json.Marshal(r.Err)
		require.NoError(t, err)
		require.NotContains(t, string(text), "hunter")
	}
	require.NotContains(t, e.log.String(), "hunter")
}
