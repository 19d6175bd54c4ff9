package verify_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/paperround/sign"
	"example.com/paperround/verify"
)

// logged is the wrapper that anybody writes.
type logged struct{ verify.Checker }

// What wraps a checker passes on what it proves, so that the handlers go on
// refusing plain http and replays.
func TestWrappedChecker(t *testing.T) {
	t.Parallel()
	basic, err := verify.NewBasic(credential("", "user", "password"))
	require.NoError(t, err)
	for name, front := range both("wrapped") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEndpoint(t, front, logged{basic}, nil, nil)
			req := request(t, "one")
			req.SetBasicAuth("user", "password")
			require.Equal(t, http.StatusUnauthorized, serve(e, req).Code)

			e = newEndpoint(t, front, logged{verifier(t, sign.StandardWebhooks(), swSecret)}, nil, nil)
			req = sent(t, sign.StandardWebhooks(), swSecret, "msg_1", "one")
			for range 2 {
				require.Equal(t, http.StatusOK, serve(e, again(req, "one")).Code)
			}
			require.Equal(t, []string{"one"}, e.runs)
		})
	}
}

// tenants picks a verifier by a header, as a host with many senders does.
type tenants map[string]*verify.Verifier

func (c tenants) Verify(header http.Header, body []byte) (verify.Receipt, error) {
	name := header.Get("X-Tenant")
	rc, err := c[name].Verify(header, body)
	rc.Sender = name
	return rc, err
}

func (tenants) Proves() verify.Proof { return verify.Proof{ID: true, Time: true} }

// Two senders may use the same id.
func TestSendersBehindOneChecker(t *testing.T) {
	t.Parallel()
	secrets := map[string]string{"a": swSecret, "b": "b25lb25lb25lb25lb25lb25l"}
	c := make(tenants)
	for name, secret := range secrets {
		c[name] = verifier(t, sign.StandardWebhooks(), secret)
	}
	for name, front := range both("senders") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEndpoint(t, front, c, nil, nil)
			for range 2 {
				for _, name := range []string{"a", "b"} {
					req := sent(t, sign.StandardWebhooks(), secrets[name], "msg_7", name)
					req.Header.Set("X-Tenant", name)
					require.Equal(t, http.StatusOK, serve(e, req).Code)
				}
			}
			require.Equal(t, []string{"a", "b"}, e.runs)
		})
	}
}

// An id that the checker does not prove is not what a message is known by.
func TestUnprovenID(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	for _, id := range []string{"one", "two"} {
		c := judging{fixed{receipt: verify.Receipt{ID: id, Time: time.Unix(7, 0)}}, -1}
		e := newEndpoint(t, "Middleware", c, &verify.Replay{Store: s, Scope: "test"}, nil)
		require.Equal(t, http.StatusOK, serve(e, request(t, "one")).Code)
	}
	require.Equal(t, s.keys[0], s.keys[len(s.keys)-1])
}

// The scheme's clock goes before that of the credentials, wherever they stand.
func TestGroupReceived(t *testing.T) {
	t.Parallel()
	then := time.Unix(1_700_000_000, 0)
	v, err := verify.New(sign.ConsCent(), ringOf(t, "secret"), &verify.Options{Now: func() time.Time { return then }})
	require.NoError(t, err)
	basic, err := verify.NewBasic(credential("", "user", "password"))
	require.NoError(t, err)
	header := signed(t, sign.ConsCent(), ringOf(t, "secret"), "", []byte("body"))
	req := &http.Request{Header: header}
	req.SetBasicAuth("user", "password")
	for _, order := range [][]verify.Checker{{basic, v}, {v, basic}} {
		g, err := verify.All(order...)
		require.NoError(t, err)
		rc, err := g.Verify(header, []byte("body"))
		require.NoError(t, err)
		require.Equal(t, then, rc.Received)
	}
}

// A body may hold personal data.
func TestReceiptInLogs(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	rc := verify.Receipt{Scheme: "s", KeyID: "k", ID: "i", Sender: "t", Body: []byte("kofi@example.org")}
	slog.New(slog.NewJSONHandler(&out, nil)).Info("got", "receipt", rc)
	var line struct {
		Receipt map[string]any `json:"receipt"`
	}
	require.NoError(t, json.Unmarshal(out.Bytes(), &line))
	require.Equal(t, "i", line.Receipt["id"])
	require.EqualValues(t, 16, line.Receipt["bytes"])
	require.NotContains(t, out.String(), "kofi")
	require.NotContains(t, out.String(), "a29maUBleGFtcGxlLm9yZw")
}

// earlyWriter sends a message again when it is told that it was handled, as a
// sender that is faster than its receiver.
type earlyWriter struct {
	*httptest.ResponseRecorder
	again func()
}

func (w *earlyWriter) WriteHeader(status int) {
	w.ResponseRecorder.WriteHeader(status)
	w.again()
}

func TestSettledBeforeTheAnswer(t *testing.T) {
	t.Parallel()
	e := newEndpoint(t, "Handler", verifier(t, sign.StandardWebhooks(), swSecret), nil, nil)
	req := sent(t, sign.StandardWebhooks(), swSecret, "msg_1", "one")
	second := 0
	w := &earlyWriter{httptest.NewRecorder(), func() { second = serve(e, again(req, "one")).Code }}
	e.ServeHTTP(w, again(req, "one"))
	require.Equal(t, http.StatusOK, w.Code)
	require.Equal(t, http.StatusOK, second, "not 503: it is handled by then")
	require.Equal(t, []string{"one"}, e.runs)
}

// What had no route is handled when it comes again and has one.
func TestUnroutedIsNotHandled(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	checker := verifier(t, sign.StandardWebhooks(), swSecret)
	runs := 0
	taken := verify.On(func(context.Context, *verify.Delivery[*created]) error { runs++; return nil })
	other := verify.On(func(context.Context, *verify.Delivery[*deleted]) error { return nil })
	req := sent(t, sign.StandardWebhooks(), swSecret, "msg_1", "created")
	for _, routes := range [][]verify.Route{{other}, {other, taken}, {other, taken}} {
		router, err := verify.NewRouter[event](codec{}, routes...)
		require.NoError(t, err)
		h, err := verify.Handler(checker, router, &verify.HandlerOptions{Replay: &verify.Replay{Store: s, Scope: "test"}})
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, serve(h, again(req, "created")).Code)
	}
	require.Equal(t, 1, runs)
}
