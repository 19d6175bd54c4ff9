package main

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The test binary is its own children too.
func TestMain(m *testing.M) {
	if isChild(os.Args[1:]) {
		exit(child(os.Args[1]))
	}
	os.Exit(m.Run())
}

func newSink(t *testing.T) *receiver {
	t.Helper()
	sink, err := startSink(context.WithoutCancel(t.Context()))
	require.NoError(t, err)
	t.Cleanup(sink.stop)
	return sink
}

// What is measured arrives: every message, once, as it was signed.
func TestWays(t *testing.T) {
	t.Parallel()
	const warm, events = 20, 300
	for _, j := range []job{
		{Way: wayPool},
		{Way: wayRetryable},
		{Way: wayWatermill},
		{Way: wayOurs, Endpoints: 16},
		{Way: wayOurs, Endpoints: 16, OneTenant: true},
		{Way: wayOurs, Endpoints: 16, Window: 8},
	} {
		t.Run(j.Way, func(t *testing.T) {
			t.Parallel()
			j.Path, j.Warm, j.Events = pathChecked, warm, events
			took, got, err := newSink(t).runSender(t.Context(), j)
			require.NoError(t, err)
			require.Equal(t, arrived{Count: warm + events}, got)
			require.Positive(t, took.Seconds)
			require.Greater(t, took.Allocs, 10.0)
		})
	}
}

// A message to all endpoints goes to each, and one that hangs holds none of them up.
func TestOurs(t *testing.T) {
	t.Parallel()
	sink := newSink(t)
	_, got, err := sink.runSender(t.Context(), job{Way: wayOurs, Path: pathCounted, Events: 100, Endpoints: 20, OneTenant: true, FanOut: true})
	require.NoError(t, err)
	require.Equal(t, arrived{Count: 100}, got)

	_, got, err = sink.runSender(t.Context(), job{
		Way: wayOurs, Path: pathTimed, Warm: 10, Events: 200, Endpoints: 10, Hung: 2, Backlog: 100, Steady: 50 * time.Millisecond,
	})
	require.NoError(t, err)
	require.Equal(t, 16, got.Hung, "as many as two endpoints may have under way")
	require.Positive(t, got.P50)
	require.LessOrEqual(t, got.P50, got.P99)
	require.Equal(t, got.P99, got.Typical, "there is one stretch")
	require.LessOrEqual(t, got.P99, got.Most)
}

// A sender that gets no success fails, however fast it was.
func TestSendersFail(t *testing.T) {
	t.Parallel()
	sink := newSink(t)
	for _, way := range []string{wayPool, wayWatermill, wayOurs, "no way"} {
		_, _, err := sink.runSender(t.Context(), job{Way: way, Path: "/nowhere", Events: 5, Endpoints: 1})
		require.ErrorContains(t, err, way)
	}
}

func TestSinkRefuses(t *testing.T) {
	t.Parallel()
	sink := newSink(t)
	signer, err := signer()
	require.NoError(t, err)
	post := func(path, id string, signed, sent []byte) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, sink.url+path, bytes.NewReader(sent))
		require.NoError(t, err)
		require.NoError(t, signer.Sign(req.Header, id, time.Now(), signed))
		resp, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		require.NoError(t, finish(resp))
	}
	other := []byte("{}")
	post(pathChecked, "a", body(), body())
	post(pathChecked, "a", body(), body())
	post(pathChecked, "b", body(), other)   // the signature is wrong
	post(pathChecked, "c", other, other)    // the body is
	post(pathTimed, "late", body(), body()) // no time in it
	got, err := sink.take(t.Context())
	require.NoError(t, err)
	require.Equal(t, arrived{Count: 5, Refused: 3, Twice: 1}, got)
	got, err = sink.take(t.Context())
	require.NoError(t, err)
	require.Equal(t, arrived{}, got)
}

func TestJudgeArrived(t *testing.T) {
	t.Parallel()
	require.NoError(t, arrived{Count: 3}.judge(3))
	for want, a := range map[string]arrived{
		"not as they were sent": {Count: 3, Refused: 1},
		"came twice":            {Count: 3, Twice: 1},
		"2 messages arrived":    {Count: 2},
		"4 messages arrived":    {Count: 4},
	} {
		require.ErrorContains(t, a.judge(3), want)
	}
}

func TestMeasured(t *testing.T) {
	t.Parallel()
	require.Zero(t, median(nil))
	require.InDelta(t, 5, median([]float64{9, 1, 5}), 0)
	require.InDelta(t, 4, median([]float64{9, 1, 5, 3}), 0)

	// A machine that gets slower changes the times and not the ratios.
	base := measured{taken: []taken{{Seconds: 1}, {Seconds: 3}, {Seconds: 3}}, arrived: make([]arrived, 3)}
	twice := measured{taken: []taken{{Seconds: 2}, {Seconds: 6}, {Seconds: 2}}, arrived: []arrived{{P99: 1e6}, {P99: 9e6}, {P99: 3e6}}}
	require.InDelta(t, 2, twice.slower(base), 0)
	require.InDelta(t, 3, twice.later(base, func(a arrived) time.Duration { return a.P99 }), 0)
}

func TestJudge(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		target  target
		check   bool
		verdict string
		fails   bool
	}{
		{"most", target{got: 1, wanted: 1}, false, "* met", false},
		{"more", target{got: 1.1, wanted: 1}, false, "* MISSED", true},
		{"least", target{got: 1, wanted: 1, least: true}, false, "* met", false},
		{"less", target{got: 0.9, wanted: 1, least: true}, false, "* MISSED", true},
		{"time", target{got: 2, wanted: 1, time: true}, false, "* missed, not judged", false},
		{"judged time", target{got: 2, wanted: 1, time: true}, true, "* MISSED", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			r := report{w: &out, settings: settings{check: tt.check}, judged: []target{tt.target}}
			err := r.judge()
			require.Equal(t, tt.fails, err != nil)
			require.Contains(t, out.String(), tt.verdict)
		})
	}
}

func TestRun(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	require.NoError(t, run(t.Context(), &out, []string{"-events", "200", "-rounds", "1", "-backlog", "50", "-steady", "50ms"}))
	for _, want := range []string{"## Rate", "| " + wayOurs + " |", "## Endpoints that hang", "## Spread", "## Targets"} {
		require.Contains(t, out.String(), want)
	}
	for _, args := range [][]string{{"x"}, {"-events", "1"}, {"-rounds", "0"}, {"-backlog", "0"}, {"-steady", "0"}, {"-unknown"}} {
		require.Error(t, run(t.Context(), &out, args))
	}
}
