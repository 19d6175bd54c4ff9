package main

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/paperround/examples/bench/harness"
)

// The test binary is its own children too.
func TestMain(m *testing.M) {
	if harness.IsChild(os.Args[1:]) {
		harness.Exit("delivering", harness.Child(os.Args[1], send))
	}
	os.Exit(m.Run())
}

func newSink(t *testing.T) *harness.Sink {
	t.Helper()
	sink, err := harness.StartSink(context.WithoutCancel(t.Context()))
	require.NoError(t, err)
	t.Cleanup(sink.Stop)
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
			j.Path, j.Warm, j.Events = harness.PathChecked, warm, events
			took, got, err := runSender(t.Context(), newSink(t), j)
			require.NoError(t, err)
			require.Equal(t, harness.Arrived{Count: warm + events}, got)
			require.Positive(t, took.Seconds)
			require.Greater(t, took.Allocs, 10.0)
		})
	}
}

// A message to all endpoints goes to each, and one that hangs holds none of them up.
func TestOurs(t *testing.T) {
	t.Parallel()
	sink := newSink(t)
	_, got, err := runSender(t.Context(), sink, job{Way: wayOurs, Path: harness.PathCounted, Events: 100, Endpoints: 20, OneTenant: true, FanOut: true})
	require.NoError(t, err)
	require.Equal(t, harness.Arrived{Count: 100}, got)

	_, got, err = runSender(t.Context(), sink, job{
		Way: wayOurs, Path: harness.PathTimed, Warm: 10, Events: 200, Endpoints: 10, Hung: 2, Backlog: 100, Steady: 50 * time.Millisecond,
	})
	require.NoError(t, err)
	require.Equal(t, 2, got.Hung, "an endpoint that has never answered holds the room of one exchange")
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
		_, _, err := runSender(t.Context(), sink, job{Way: way, Path: "/nowhere", Events: 5, Endpoints: 1})
		require.ErrorContains(t, err, way)
	}
}

func TestMeasured(t *testing.T) {
	t.Parallel()
	// A machine that gets slower changes the times and not the ratios.
	base := measured{taken: []harness.Cost{{Seconds: 1}, {Seconds: 3}, {Seconds: 3}}, arrived: make([]harness.Arrived, 3)}
	twice := measured{taken: []harness.Cost{{Seconds: 2}, {Seconds: 6}, {Seconds: 2}}, arrived: []harness.Arrived{{P99: 1e6}, {P99: 9e6}, {P99: 3e6}}}
	require.InDelta(t, 2, twice.slower(base), 0)
	require.InDelta(t, 3, twice.later(base, func(a harness.Arrived) time.Duration { return a.P99 }), 0)
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
