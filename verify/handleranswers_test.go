package verify_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/paperround/sign"
	"example.com/paperround/verify"
)

func silence() *log.Logger { return log.New(io.Discard, "", 0) }

// One row for each thing that can happen, and what the peer gets to see of it.
func TestAnswers(t *testing.T) {
	t.Parallel()
	standard := sign.StandardWebhooks()
	const hour = 3600
	later := func(seconds int64) *verify.Options {
		return &verify.Options{Now: func() time.Time { return time.Now().Add(time.Duration(seconds) * time.Second) }}
	}
	plain := func(o *verify.Options) verify.Checker {
		v, err := verify.New(standard, ringOf(t, swSecret), o)
		require.NoError(t, err)
		return v
	}
	basic, err := verify.NewBasic(credential("", "key", "secret"))
	require.NoError(t, err)
	grouped, err := verify.All(basic, plain(nil))
	require.NoError(t, err)
	ended := ringOf(t, swSecret)
	stale, err := verify.New(standard, ended, nil)
	require.NoError(t, err)
	require.NoError(t, ended.Replace(sign.Key{Secret: sign.NewSecret("whsec_c2hvcnQ=")}))

	header := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	fails := func(err error) []verify.Route {
		return []verify.Route{verify.Otherwise(func(context.Context, *verify.Delivery[any]) error { return err })}
	}
	taken := append(fails(nil), verify.Undecodable(func(context.Context, *verify.Undecoded) error { return nil }))
	down := &verify.Replay{Store: &store{reserve: errors.New("down")}, Scope: "test"}
	full, err := verify.NewReplayMemory(&verify.ReplayMemoryOptions{Capacity: 1})
	require.NoError(t, err)
	_, err = full.Reserve(t.Context(), "x", 1, time.Hour)
	require.NoError(t, err)
	flying := &verify.Replay{Store: &store{says: new(verify.ReplayInFlight)}, Scope: "test"}
	finished := &verify.Replay{Store: &store{says: new(verify.ReplayFinished)}, Scope: "test"}

	for name, tc := range map[string]struct {
		checker verify.Checker
		options verify.HandlerOptions
		routes  []verify.Route
		body    string
		change  func(*http.Request)
		status  int
		header  http.Header // Beside Content-Type and the like.
	}{
		"missing":         {change: func(r *http.Request) { r.Header.Del("Webhook-Signature") }, status: 401},
		"malformed":       {change: header("Webhook-Signature", "v1,x"), status: 401},
		"wrong algorithm": {change: header("Webhook-Signature", "v1a,x"), status: 401},
		"too many values": {change: header("Webhook-Signature", strings.Repeat("v1,x ", 17)+"v1,x"), status: 401},
		"no match":        {change: header("Webhook-Id", "msg_2"), status: 401},
		"too old":         {checker: plain(later(hour)), status: 401},
		"too new":         {checker: plain(later(-hour)), status: 401},
		"basic": {
			checker: grouped, options: verify.HandlerOptions{AllowPlaintext: true}, status: 401,
			header: http.Header{"Www-Authenticate": {`Basic realm="webhooks", charset="UTF-8"`}},
		},
		"plaintext": {
			checker: grouped, status: 401,
			header: http.Header{"Www-Authenticate": {`Basic realm="webhooks", charset="UTF-8"`}},
		},
		"no key fits": {checker: stale, status: 500},
		"source": {
			options: verify.HandlerOptions{Source: &verify.Source{Allow: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}}},
			status:  403,
		},
		"method":         {change: func(r *http.Request) { r.Method = http.MethodPut }, status: 405, header: http.Header{"Allow": {"POST"}}},
		"content type":   {options: verify.HandlerOptions{ContentTypes: []string{"text/xml"}}, status: 415},
		"too large":      {options: verify.HandlerOptions{MaxBody: 3}, status: 413},
		"unreadable":     {change: func(r *http.Request) { r.Body = http.MaxBytesReader(nil, brokenBody{}, 10) }, status: 400},
		"consumed":       {change: func(r *http.Request) { r.Body = http.NoBody }, status: 500},
		"replayed":       {options: verify.HandlerOptions{Replay: finished}, status: 200},
		"in flight":      {options: verify.HandlerOptions{Replay: flying}, status: 503, header: http.Header{"Retry-After": {"5"}}},
		"store failure":  {options: verify.HandlerOptions{Replay: down}, status: 503, header: http.Header{"Retry-After": {"5"}}},
		"store full":     {options: verify.HandlerOptions{Replay: &verify.Replay{Store: full, Scope: "x"}}, status: 503, header: http.Header{"Retry-After": {"5"}}},
		"undecodable":    {body: "broken", status: 400},
		"taken raw":      {body: "broken", routes: taken, status: 200},
		"unknown topic":  {body: "whatever", routes: []verify.Route{verify.On(ignore[*created])}, status: 200},
		"failed":         {routes: fails(errors.New("broken")), status: 500},
		"failed for now": {routes: fails(context.DeadlineExceeded), status: 500},
		"permanent":      {routes: fails(verify.Permanent(errors.New("broken"))), status: 200},
		"gone":           {routes: fails(verify.ErrGone), status: 410},
		"success":        {status: 200},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tc.checker == nil {
				tc.checker = plain(nil)
			}
			if tc.routes == nil {
				tc.routes = fails(nil)
			}
			if tc.body == "" {
				tc.body = "created"
			}
			router, err := verify.NewRouter(codec{}, tc.routes...)
			require.NoError(t, err)
			h, err := verify.Handler(tc.checker, router, &tc.options)
			require.NoError(t, err)
			req := sent(t, standard, swSecret, "msg_1", tc.body)
			if tc.change != nil {
				tc.change(req)
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, req)
			require.Equal(t, tc.status, w.Code)
			body := ""
			if tc.status != 200 {
				body = http.StatusText(tc.status) + "\n"
			}
			require.Equal(t, body, w.Body.String())
			for _, own := range []string{"Content-Type", "X-Content-Type-Options"} {
				w.Header().Del(own)
			}
			if tc.header == nil {
				tc.header = make(http.Header)
			}
			require.Equal(t, tc.header, w.Header())
			require.False(t, bytes.Contains(w.Body.Bytes(), []byte("verify")))
		})
	}
}

// brokenBody is a connection that broke.
type brokenBody struct{}

func (brokenBody) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
func (brokenBody) Close() error             { return nil }
