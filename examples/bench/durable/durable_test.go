package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/paperround/examples/bench/harness"
)

// The test binary is its own children too.
func TestMain(m *testing.M) {
	if harness.IsChild(os.Args[1:]) {
		harness.Exit("durable", harness.Child(os.Args[1], send))
	}
	os.Exit(m.Run())
}

// setup returns a report with a server of its own.
func setup(t *testing.T) *report {
	t.Helper()
	if _, err := postgresBin(); err != nil && os.Getenv("CI") == "" {
		t.Skip(err)
	}
	ctx := context.WithoutCancel(t.Context())
	server, err := startCluster(ctx)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.stop()) })
	return &report{server: server, sink: newSink(t)}
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
	server := setup(t).server
	for _, way := range []string{wayRiver, wayFull, wayNormal, wayPostgres} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			r := &report{server: server, sink: newSink(t)} // a sink counts for one sender at a time
			j := job{Way: way, Part: partRate, Path: harness.PathChecked, Warm: 20, Events: 305, Batch: 1}
			took, got, err := r.runSender(t.Context(), j)
			require.NoError(t, err)
			require.Equal(t, harness.Arrived{Count: 325}, got)
			require.Positive(t, took.Seconds)

			j.Batch = 10
			_, got, err = r.runSender(t.Context(), j)
			require.NoError(t, err)
			require.Equal(t, harness.Arrived{Count: 325}, got)

			j = job{Way: way, Part: partBusiness, Path: harness.PathChecked, For: 50 * time.Millisecond, Work: time.Millisecond}
			took, got, err = r.runSender(t.Context(), j)
			require.NoError(t, err)
			require.Equal(t, harness.Arrived{}, got)
			require.Positive(t, took.Done)
			j.Publish = true
			took, got, err = r.runSender(t.Context(), j)
			require.NoError(t, err)
			require.Equal(t, harness.Arrived{Count: took.Done}, got)

			j = job{Way: way, Part: partDelay, Path: harness.PathNoted, Events: 10, Pace: 100}
			took, got, err = r.runSender(t.Context(), j)
			require.NoError(t, err)
			require.Len(t, took.Committed, 10)
			for id := range took.Committed {
				require.Contains(t, got.At, id)
			}
		})
	}
}

// A sender that gets no success fails, however fast it was.
func TestSendersFail(t *testing.T) {
	t.Parallel()
	r := setup(t)
	for _, j := range []job{
		{Way: wayRiver, Part: partRate, Path: "/nowhere", Events: 5, Batch: 1},
		{Way: wayFull, Part: partRate, Path: "/nowhere", Events: 5, Batch: 1},
		{Way: "no way", Part: partRate},
		{Way: wayFull, Part: "no part"},
	} {
		_, _, err := r.runSender(t.Context(), j)
		require.ErrorContains(t, err, j.Way)
		require.NotContains(t, err.Error(), "arrived", "the sender itself has to notice")
	}
	const answersAndDoesNotCount = "/take"
	_, _, err := r.runSender(t.Context(), job{Way: wayRiver, Part: partRate, Path: answersAndDoesNotCount, Events: 5, Batch: 1})
	require.ErrorContains(t, err, "0 messages arrived, and not 5")
}

func TestServer(t *testing.T) {
	t.Parallel()
	server := setup(t).server
	before := processCPU(server.pid)
	require.Positive(t, before)
	require.NoError(t, server.exec(t.Context(), "SELECT count(*) FROM generate_series(1, 1000000)"))
	require.Greater(t, processCPU(server.pid), before, "its children count, those that are gone too")
	require.Zero(t, processCPU(0))
	idle := exec.CommandContext(t.Context(), "sleep", "60")
	require.NoError(t, idle.Start())
	require.Less(t, processCPU(idle.Process.Pid), 0.1, "others do not count")
	require.NoError(t, idle.Process.Kill())
	require.Error(t, idle.Wait())

	_, drop, err := server.database(t.Context())
	require.NoError(t, err)
	require.NoError(t, drop())
	_, _, err = (&cluster{dsn: "host=127.0.0.1"}).database(t.Context())
	require.ErrorContains(t, err, "URL")
}

func TestCountdown(t *testing.T) {
	t.Parallel()
	c := newCountdown()
	c.done(nil)
	c.done(nil)
	c.done(nil)
	require.NoError(t, c.await(t.Context(), 2))
	broken := errors.New("broken")
	go func() { c.done(broken) }()
	require.NoError(t, c.await(t.Context(), 1))
	require.ErrorIs(t, c.await(t.Context(), 1), broken)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, c.await(ctx, 1), context.Canceled)
}

func TestMeasured(t *testing.T) {
	t.Parallel()
	seconds := func(t taken) float64 { return t.Seconds }
	with := func(values ...float64) (m measured) {
		for _, v := range values {
			m.taken = append(m.taken, taken{Cost: harness.Cost{Seconds: v}})
			m.arrived = append(m.arrived, harness.Arrived{})
		}
		return m
	}
	require.InDelta(t, 2, with(2, 6, 2).to(with(1, 3, 3), seconds), 0, "a machine that gets slower changes no ratio")
	require.InDelta(t, 3, with(3, 1, 9).of(func(t taken, _ harness.Arrived) float64 { return t.Seconds }), 0)
}

func TestKnown(t *testing.T) {
	t.Parallel()
	r := &report{server: &cluster{}}
	require.Equal(t, "?", r.known("%.1f", 2))
	r.server.pid = 1
	require.Equal(t, "2.0", r.known("%.1f", 2))
}

func TestDelay(t *testing.T) {
	t.Parallel()
	require.Zero(t, delay(taken{}, harness.Arrived{}, 0.5))
	var took taken
	var got harness.Arrived
	took.Committed, got.At = make(map[string]time.Time), make(map[string]time.Time)
	for i := range 200 {
		id := harness.PlainID(i)
		took.Committed[id] = time.Unix(int64(i), 0)
		got.At[id] = took.Committed[id].Add(time.Duration(i) * time.Millisecond)
	}
	require.InDelta(t, 100, delay(took, got, 0.5), 1e-6)
	require.InDelta(t, 198, delay(took, got, 0.99), 1e-6)
	require.InDelta(t, 199, delay(took, got, 1), 1e-6)
}

func TestRun(t *testing.T) {
	t.Parallel()
	if _, err := postgresBin(); err != nil && os.Getenv("CI") == "" {
		t.Skip(err)
	}
	var out strings.Builder
	for _, part := range []string{partBusiness, partDelay} { // CI has the whole command run
		require.NoError(t, run(t.Context(), &out, []string{"-rounds", "1", "-steady", "50ms", "-only", part}))
	}
	for _, want := range []string{"## Publishing inside", "## Delay", "| " + wayFull + " |", "## Targets"} {
		require.Contains(t, out.String(), want)
	}
	require.NotContains(t, out.String(), "## Rate")
	for _, args := range [][]string{{"x"}, {"-events", "1"}, {"-rounds", "0"}, {"-steady", "0"}, {"-unknown"}, {"-dsn", "postgres://nobody@127.0.0.1:1/none"}} {
		require.Error(t, run(t.Context(), &out, args))
	}
}
