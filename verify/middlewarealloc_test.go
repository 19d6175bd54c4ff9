//go:build !race

package verify_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/paperround/sign"
	"example.com/paperround/verify"
)

// open is a store that knows nothing and has room for all.
type open struct{}

func (open) Reserve(context.Context, string, int64, time.Duration) (verify.ReplayState, error) {
	return verify.ReplayReserved, nil
}
func (open) Commit(context.Context, string, int64, time.Duration) error { return nil }
func (open) Release(context.Context, string, int64) error               { return nil }

// Not parallel, because allocations are counted for the whole process; not
// under the race detector, because pools then forget on purpose.
func TestFewAllocations(t *testing.T) {
	body := make([]byte, 1<<10)
	ring := ringOf(t, benchSecret)
	v, err := verify.New(sign.InPlayer(), ring, nil)
	require.NoError(t, err)
	memory, err := verify.NewReplayMemory(&verify.ReplayMemoryOptions{Capacity: 1})
	require.NoError(t, err)
	failing := http.StatusOK
	for name, tc := range map[string]struct {
		replay *verify.Replay
		status int
		most   float64 // Over the buffer of the body.
	}{
		"plain":                  {nil, 200, 2},
		"reserved and released":  {&verify.Replay{Key: always, Store: memory, Scope: "test"}, 500, 4},
		"with a store of a host": {&verify.Replay{Key: always, Store: open{}, Scope: "test"}, 200, 15},
	} {
		failing = tc.status
		mw, err := verify.Middleware(v, &verify.HandlerOptions{Replay: tc.replay})
		require.NoError(t, err)
		drain := make([]byte, 1<<11)
		require.LessOrEqual(t, served(t, ring, body, mw(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			n, err := r.Body.Read(drain)
			_, end := r.Body.Read(drain)
			if _, ok := verify.FromContext(r.Context()); !ok || n != len(body) || err != nil || end != io.EOF {
				panic("the request behind the check is not whole")
			}
			w.WriteHeader(failing)
		}))), tc.most+1, name)
	}
	router, err := verify.NewRouter(silent{}, verify.Otherwise(func(context.Context, *verify.Delivery[any]) error { return nil }))
	require.NoError(t, err)
	h, err := verify.Handler(v, router, nil)
	require.NoError(t, err)
	// One of them may be the Delivery.
	require.LessOrEqual(t, served(t, ring, body, h), 2.0+1)
}

func always(*verify.Receipt) (string, error) { return "x", nil }

// silent is a codec that allocates nothing.
type silent struct{ codec }

func (silent) Decode([]byte) (event, error) { return byValue{}, nil }

func served(t *testing.T, ring *sign.Ring, body []byte, h http.Handler) float64 {
	t.Helper()
	reader := bytes.NewReader(body)
	req := httptest.NewRequest(http.MethodPost, "/", reader)
	req.Header = signed(t, sign.InPlayer(), ring, "", body)
	w := new(discard)
	n := testing.AllocsPerRun(1000, func() {
		reader.Reset(body)
		w.status = 0
		h.ServeHTTP(w, req)
	})
	require.NotZero(t, w.status)
	require.NotEqual(t, http.StatusUnauthorized, w.status)
	t.Logf("%v allocations", n)
	return n
}

// discard is a ResponseWriter that costs nothing.
type discard struct{ status int }

func (*discard) Header() http.Header         { return nil }
func (*discard) Write(p []byte) (int, error) { return len(p), nil }
func (d *discard) WriteHeader(status int)    { d.status = status }

// A store that is asked for ever new durations does not pile them up.
func TestReplayMemoryKeepsFewQueues(t *testing.T) {
	m, err := verify.NewReplayMemory(nil)
	require.NoError(t, err)
	d := time.Minute
	require.LessOrEqual(t, testing.AllocsPerRun(1000, func() {
		d++
		if _, err = m.Reserve(t.Context(), "x", 1, d); err == nil {
			err = m.Release(t.Context(), "x", 1)
		}
	}), 1.0, "the key and no queue")
	require.NoError(t, err)
}
