package deliver

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var (
	okay     = &Result{Reason: ReasonSucceeded, Status: 200}                             //nolint:gochecknoglobals // constants
	tooMany  = &Result{Reason: ReasonStatus, Fault: FaultReceiver, Status: 429}          //nolint:gochecknoglobals // constants
	broken   = &Result{Reason: ReasonStatus, Fault: FaultReceiver, Status: 500}          //nolint:gochecknoglobals // constants
	timedOut = &Result{Reason: ReasonTimeout, Fault: FaultReceiver}                      //nolint:gochecknoglobals // constants
	notFound = &Result{Reason: ReasonRejected, Fault: FaultReceiver, Status: 404}        //nolint:gochecknoglobals // constants
	ourFault = &Result{Reason: ReasonLocal, Fault: FaultOurs, Err: errInjected}          //nolint:gochecknoglobals // constants
	refusal  = &Result{Reason: ReasonRefused, Fault: FaultDestination, Err: errInjected} //nolint:gochecknoglobals // constants
)

// gateTest is a gate with endless first attempts, and a clock.
type gateTest struct {
	*gate
	t   *testing.T
	now time.Time
}

func newGateTest(t *testing.T, ceiling int, rate float64, relief *Relief) *gateTest {
	t.Helper()
	g := &gateTest{gate: newGate("e1", &tenant{}), t: t, now: time.Unix(1_000_000, 0)}
	g.first = 1 << 30
	g.learn(ceiling, rate, relief.relief(), false, g.now)
	g.limit, g.steady = float64(ceiling), true // as after some answers
	return g
}

// all takes all that may go now.
func (g *gateTest) all() (n int) {
	for {
		if ok, _ := g.free(g.now); !ok {
			return n
		}
		g.take(true)
		n++
	}
}

// end ends exchanges that began now, with one outcome.
func (g *gateTest) end(n int, res *Result) {
	began := g.now
	g.now = g.now.Add(time.Millisecond)
	for range n {
		g.observe(res, began, g.now)
		g.busy--
	}
}

func (g *gateTest) wait() time.Duration {
	g.t.Helper()
	ok, wait := g.free(g.now)
	require.False(g.t, ok)
	return wait
}

func TestGateConcurrency(t *testing.T) {
	t.Parallel()
	g := newGate("e1", &tenant{})
	g.first = 10
	now := time.Now()
	ok, _ := g.free(now)
	require.True(t, ok)
	g.take(true)
	ok, wait := g.free(now)
	require.False(t, ok, "room for one until the endpoint is known")
	require.Zero(t, wait)
	x := &gateTest{gate: g, t: t, now: now}
	x.learn(4, 0, (*Relief)(nil).relief(), false, now)
	require.Zero(t, x.all(), "or has answered")
	x.end(1, okay)
	x.end(x.all(), okay)
	require.Equal(t, 4, x.all())
	x.learn(2, 0, (*Relief)(nil).relief(), false, now) // the endpoint allows less by now
	require.Zero(t, x.all())
	x.end(2, okay)
	require.Zero(t, x.all())
	x.end(1, okay)
	require.Equal(t, 1, x.all())
}

// With each answer that shows that the endpoint works twice as much may go out, until
// the ceiling or trouble is met.
func TestGateSlowStart(t *testing.T) {
	t.Parallel()
	start := func(ceiling int) *gateTest {
		g := &gateTest{gate: newGate("e1", &tenant{}), t: t, now: time.Unix(1_000_000, 0)}
		g.first = 1 << 30
		require.Equal(t, 1, g.all())
		g.learn(ceiling, 0, (&Relief{BreakerShare: -1}).relief(), false, g.now)
		return g
	}
	for name, tc := range map[string]struct {
		answers []*Result // one after the other
		want    int       // under way after them
	}{
		"one":                    {[]*Result{okay}, 2},
		"two":                    {[]*Result{okay, okay}, 4},
		"of any kind":            {[]*Result{notFound, {Reason: ReasonRedirect, Fault: FaultReceiver, Status: 302}}, 4},
		"no further":             {[]*Result{okay, okay, okay, okay}, 10},
		"slowly from there":      {[]*Result{okay, okay, okay, okay, okay}, 10},
		"shrunk":                 {[]*Result{okay, okay, tooMany, okay}, 2},
		"shrunk at the start":    {[]*Result{timedOut, okay, okay}, 2},
		"broken":                 {[]*Result{broken, broken}, 1},
		"broken, and then okay":  {[]*Result{broken, okay}, 2},
		"what is no evidence":    {[]*Result{refusal, ourFault}, 1},
		"after what is none":     {[]*Result{ourFault, okay, okay}, 4},
		"shrunk from the middle": {[]*Result{okay, okay, okay, tooMany}, 4},
	} {
		g := start(10)
		for _, res := range tc.answers {
			g.end(1, res)
			g.busy++
		}
		g.busy = 0
		require.Equal(t, tc.want, g.all(), name)
	}
	g := start(10)
	g.end(1, okay)
	g.learn(3, 0, g.relief, false, g.now)
	g.end(1, okay)
	g.end(1, okay)
	g.learn(12, 0, g.relief, false, g.now)
	g.busy = 0
	require.Equal(t, 12, g.all(), "what has met the ceiling follows it")
}

func TestGatePause(t *testing.T) {
	t.Parallel()
	g := newGateTest(t, 2, 0, nil)
	g.pause(g.now.Add(time.Minute))
	g.pause(g.now.Add(time.Second)) // the longer pause stays
	require.Equal(t, time.Minute, g.wait())
	g.first = 0
	require.False(t, g.sweep(g.now))
	require.False(t, g.sweep(g.now), "a pause is not forgotten")
	g.first = 9
	g.recorded(g.now.Add(time.Second)) // not the one that holds it
	require.Equal(t, time.Minute, g.wait())
	g.recorded(g.now.Add(time.Minute))
	require.Equal(t, 2, g.all(), "the store holds it from now on")
}

func TestGateShrinksAndGrows(t *testing.T) {
	t.Parallel()
	for name, res := range map[string]*Result{
		"429":     tooMany,
		"503":     {Reason: ReasonStatus, Fault: FaultReceiver, Status: 503},
		"timeout": timedOut,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGateTest(t, 8, 0, &Relief{BreakerShare: -1})
			require.Equal(t, 8, g.all())
			g.end(8, res) // all of the same moment: once
			require.Equal(t, 4, g.all())
			g.end(4, res)
			require.Equal(t, 2, g.all())
			g.end(2, res)
			g.end(g.all(), res)
			require.Equal(t, 1, g.all(), "never less than one")
			g.end(1, okay)
			require.Equal(t, 2, g.all(), "as many successes as may be under way allow one more")
			for range 3 {
				g.end(2, okay)
				g.busy += 2
			}
			g.busy -= 2
			require.Greater(t, g.all(), 2)
			for range 100 {
				n := g.busy
				g.end(n, okay)
				g.all()
			}
			require.Equal(t, 8, g.busy, "not more than the endpoint allows")
		})
	}
	g := newGateTest(t, 8, 0, &Relief{BreakerShare: -1})
	g.all()
	g.end(4, broken)
	g.end(2, notFound)
	g.end(2, ourFault)
	require.Equal(t, 8, g.all(), "other failures do not shrink it")
	g = newGateTest(t, 8, 0, &Relief{Shrink: -1, BreakerShare: -1})
	g.all()
	g.end(8, timedOut)
	require.Equal(t, 8, g.all(), "nor any, if so chosen")
	g = newGateTest(t, 8, 0, &Relief{Shrink: 0.75, BreakerShare: -1})
	g.all()
	g.end(8, timedOut)
	require.Equal(t, 6, g.all())
}

// Looking an endpoint up again does not undo what was learned from its answers.
func TestGateLearnsAnew(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		overloads, ceiling, want int
	}{
		"more, from the ceiling": {0, 12, 12},
		"less, from the ceiling": {0, 3, 3},
		"the same, when shrunk":  {1, 8, 4},
		"more, when shrunk":      {1, 12, 4},
		"less, when shrunk":      {1, 6, 4},
		"far less, when shrunk":  {1, 2, 2},
	} {
		g := newGateTest(t, 8, 0, &Relief{BreakerShare: -1})
		require.Equal(t, 8, g.all())
		for range tc.overloads {
			g.end(1, tooMany)
			g.end(7, broken)
		}
		g.busy = 0
		g.learn(tc.ceiling, 0, g.relief, false, g.now)
		require.Equal(t, tc.want, g.all(), name)
	}
}

func TestGateRate(t *testing.T) {
	t.Parallel()
	g := newGateTest(t, 1000, 5, nil)
	require.Equal(t, 1, g.all(), "evenly spread")
	require.InDelta(t, 200*time.Millisecond, g.wait(), 2)
	g.now = g.now.Add(199 * time.Millisecond)
	require.Zero(t, g.all())
	g.now = g.now.Add(time.Millisecond + 2)
	require.Equal(t, 1, g.all())
	g.now = g.now.Add(time.Hour)
	require.Equal(t, 1, g.all(), "a rest does not add up")

	g = newGateTest(t, 1000, 50, nil)
	n := 0
	for range 1000 {
		n += g.all()
		g.now = g.now.Add(time.Millisecond)
	}
	require.InDelta(t, 54, n, 1, "50 in a second, and what a tenth of a second allows")

	slow := newGateTest(t, 1000, 1e-12, nil)
	require.Equal(t, 1, slow.all())
	require.InDelta(t, maxRest, slow.wait(), 2, "not for ever, nor for a time that no clock can count")

	g.busy, g.first = 0, 0
	require.False(t, g.sweep(g.now))
	require.False(t, g.sweep(g.now), "tokens that were spent are not forgotten")
	g.now = g.now.Add(time.Second)
	require.False(t, g.sweep(g.now))
	require.True(t, g.sweep(g.now))

	g = newGateTest(t, 8, 0, nil)
	g.all()
	g.learn(8, 1, g.relief, false, g.now)
	g.end(8, okay)
	require.Zero(t, g.all(), "what is under way counts when the rate becomes known")
}

func TestGateBreaker(t *testing.T) {
	t.Parallel()
	g := newGateTest(t, 20, 0, &Relief{Shrink: -1})
	g.all()
	g.end(9, broken)
	require.Equal(t, 9, g.all(), "nine are no evidence")
	g.end(1, broken)
	g.end(g.busy, okay) // of those that were under way
	require.InDelta(t, 30*time.Second, g.wait(), float64(2*time.Millisecond), "ten are")
	g.now = g.now.Add(time.Minute)
	require.Equal(t, 1, g.all(), "a probe")
	require.Zero(t, g.wait(), "until it ends")
	g.end(1, broken)
	require.InDelta(t, time.Minute, g.wait(), float64(2*time.Millisecond), "twice as long")
	for range 9 {
		g.now = g.now.Add(time.Hour)
		require.Equal(t, 1, g.all())
		g.end(1, timedOut)
	}
	require.InDelta(t, 8*time.Minute, g.wait(), float64(2*time.Millisecond), "up to 16 times")
	g.now = g.now.Add(time.Hour)
	g.all()
	g.end(1, ourFault)
	require.Equal(t, 1, g.all(), "a probe that says nothing is made again")
	g.end(1, notFound)
	require.Equal(t, 20, g.all(), "an answer of any kind shows that it works")
	g.end(9, broken)
	require.Equal(t, 9, g.all(), "and the count begins anew")
}

func TestGateBreakerIsARate(t *testing.T) {
	t.Parallel()
	g := newGateTest(t, 1, 0, &Relief{Shrink: -1})
	for range 100 { // 49 of a hundred
		require.Equal(t, 1, g.all())
		g.end(1, okay)
		require.Equal(t, 1, g.all())
		g.end(1, broken)
		require.Equal(t, 1, g.all())
		g.end(1, refusal) // no evidence either way
		require.Equal(t, 1, g.all())
		g.end(1, notFound)
	}
	g = newGateTest(t, 1, 0, &Relief{Shrink: -1})
	for range 100 { // those of long ago do not count
		require.Equal(t, 1, g.all())
		g.end(1, broken)
		g.now = g.now.Add(10 * time.Second)
	}
	g = newGateTest(t, 4, 0, &Relief{Shrink: -1})
	for _, at := range []time.Duration{0, 31 * time.Second, 40 * time.Second} { // four, three and three within a minute
		g.now = time.Unix(1_000_000, 0).Add(at)
		require.Equal(t, 4, g.all(), at)
		g.end(3, broken)
		if at == 0 {
			g.end(1, broken)
		}
		g.busy = 0
	}
	require.Positive(t, g.wait())
	g = newGateTest(t, 1, 0, &Relief{Shrink: -1, BreakerShare: -1})
	for range 100 {
		require.Equal(t, 1, g.all())
		g.end(1, broken)
	}
	g = newGateTest(t, 4, 0, &Relief{Shrink: -1, BreakerShare: 1, BreakerLeast: 3, BreakerPause: time.Hour})
	g.all()
	g.end(3, broken)
	g.busy = 0
	require.InDelta(t, time.Hour, g.wait(), float64(2*time.Millisecond), "by choice")
}

// Half-way through an outage that the breaker holds off, nothing is forgotten.
func TestGateSweep(t *testing.T) {
	t.Parallel()
	g := newGateTest(t, 20, 0, nil)
	g.all()
	require.False(t, g.sweep(g.now), "busy")
	g.end(20, broken)
	g.first = 0
	require.False(t, g.sweep(g.now))
	require.False(t, g.sweep(g.now), "the breaker is open")
	g.now = g.now.Add(time.Hour)
	require.False(t, g.sweep(g.now), "it may be wanted again")
	require.True(t, g.sweep(g.now))

	for name, keep := range map[string]func(){
		"busy":   func() { g.busy = 1 },
		"queued": func() { g.queued = true },
		"first":  func() { g.first = 1 },
		"retry":  func() { g.retries = 1 },
	} {
		g = newGateTest(t, 20, 0, nil)
		g.first = 0
		require.False(t, g.sweep(g.now))
		keep()
		require.False(t, g.sweep(g.now), name)
		require.False(t, g.sweep(g.now), name)
	}
}

// A tenant is forgotten with the last of its endpoints, and no sooner.
func TestSchedulerForgetsTenants(t *testing.T) {
	t.Parallel()
	s := newScheduler(8, 0.75, 0.25)
	require.Equal(t, 6, s.maxRetries, "a quarter is kept for first attempts")
	all := Slots{}
	now := time.Unix(1_000_000, 0)
	one, two := s.gate("e1", "t1"), s.gate("e2", "t1")
	require.Same(t, one, s.gate("e1", "t1"))
	require.Same(t, one.tenant, two.tenant)
	s.sweep(all, now)
	two.busy++
	s.sweep(all, now)
	require.Len(t, s.gates, 1)
	require.Len(t, s.tenants, 1, "one is busy")
	two.busy--
	s.sweep(all, now)
	s.sweep(all, now)
	require.Empty(t, s.gates)
	require.Empty(t, s.tenants)
}

// First attempts come before retries, which are not starved.
func TestGateTurns(t *testing.T) {
	t.Parallel()
	g := newGateTest(t, 1000, 0, nil)
	g.first, g.retries = 300, 300
	firsts := 0
	for range 200 {
		if g.take(true) {
			firsts++
		}
	}
	require.Equal(t, 150, firsts)
	g.first, g.retries = 300, 0
	for range 300 {
		require.True(t, g.take(true), "nothing else is there")
	}
	g.first, g.retries = 300, 300
	for range 300 {
		require.True(t, g.take(false), "none while retries have their share")
	}
	require.False(t, g.take(true))
}

// A success that was seen after a claim outweighs what the store said at the claim.
func TestGateHealth(t *testing.T) {
	t.Parallel()
	g := newGateTest(t, 1, 0, nil)
	h := Health{Failing: time.Hour}
	claimed := g.now
	require.Equal(t, h, g.health(h, claimed))
	g.all()
	g.end(1, okay)
	require.Equal(t, Health{}, g.health(h, claimed))
	require.Equal(t, h, g.health(h, g.now))
}
