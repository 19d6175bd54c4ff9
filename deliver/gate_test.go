package deliver

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestGate(t *testing.T) {
	t.Parallel()
	g := newGate()
	now := time.Now()
	require.Equal(t, 1, g.take(5, now), "room for one until the endpoint is known")
	g.limit = 4
	require.Equal(t, 3, g.take(5, now))
	require.Zero(t, g.take(1, now))
	g.limit = 2 // the endpoint allows less by now
	require.Zero(t, g.take(1, now))
	g.give(2)
	require.Zero(t, g.take(1, now))
	g.give(1)
	require.Equal(t, 1, g.take(1, now))
}

func TestPausedGate(t *testing.T) {
	t.Parallel()
	g := newGate()
	now := time.Now()
	g.pause(now.Add(time.Minute))
	g.pause(now.Add(time.Second)) // the longer pause stays
	require.Zero(t, g.take(1, now.Add(time.Minute-1)))
	require.False(t, g.sweep(now))
	require.False(t, g.sweep(now), "a pause is not forgotten")
	require.Equal(t, 1, g.take(1, now.Add(time.Minute)))
}

func TestIdleGatesAreForgotten(t *testing.T) {
	t.Parallel()
	b := setup(t, nil, benchOptions{idle: true})
	r := newRun(b.Dispatcher, "a")
	r.reserve([]Backlog{{"busy", 1}, {"idle", 1}})
	require.Len(t, r.gates, 2)
	r.sweepGates(time.Now())
	r.gates["idle"].give(1)
	r.sweepGates(time.Now())
	require.Len(t, r.gates, 2, "it may be wanted again")
	r.sweepGates(time.Now())
	require.Len(t, r.gates, 1)
	require.Contains(t, r.gates, "busy")
}
