package deliver

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// schedulerTest is a scheduler with a clock, whose gates let eight out at a time.
type schedulerTest struct {
	scheduler
	now time.Time
}

func newSchedulerTest(concurrency int) *schedulerTest {
	return &schedulerTest{scheduler: newScheduler(concurrency, -1, 0.25), now: time.Unix(1_000_000, 0)}
}

func (s *schedulerTest) open(id string, first, retries int) *gate {
	g := s.gate(id, "t1")
	g.learn(8, 0, g.relief, false, s.now)
	g.limit = 8
	s.load(g, first, retries)
	return g
}

func (s *schedulerTest) picked(want ...Want) func(*testing.T, time.Duration) {
	wants, next := s.pick(s.now)
	for _, w := range wants {
		s.gates[w.EndpointID].want = 0 // as if it was claimed
	}
	return func(t *testing.T, rest time.Duration) {
		t.Helper()
		require.Equal(t, want, wants)
		require.Equal(t, rest, next)
	}
}

func TestSchedulerNotesEachGateOnce(t *testing.T) {
	t.Parallel()
	s := newSchedulerTest(64)
	g := s.open("e1", 1, 0)
	s.load(g, 2, 1)
	require.Equal(t, 1, s.loaded)
	require.Equal(t, 1, g.tenant.ring.len())
	require.Equal(t, 1, s.ring.len())
	s.load(g, 0, 0)
	require.Zero(t, s.loaded)
	s.picked()(t, 0)
	s.load(g, 1, 1)
	s.picked(Want{EndpointID: "e1", First: 1, Retries: 1})(t, 0)
	require.Zero(t, s.loaded)
	require.Zero(t, s.ring.len())
	require.Equal(t, []int{2, 2, 2, 1}, []int{s.busy, g.busy, g.tenant.busy, s.retries})
	s.loaded, g.tenant.gates = maxGates-1, maxGates
	require.True(t, s.room(g.tenant.name))
	s.loaded++
	require.False(t, s.room(g.tenant.name), "it has its share")
	require.True(t, s.room("another"))
	g.tenant.gates--
	require.True(t, s.room(g.tenant.name))
}

// Gates that wait for time to pass come back in the order of their times.
func TestSchedulerRests(t *testing.T) {
	t.Parallel()
	s := newSchedulerTest(64)
	begin := s.now
	ids := []string{"e5", "e1", "e4", "e2", "e3"}
	for _, id := range ids {
		s.open(id, 1, 0).pause(begin.Add(time.Duration(id[1]-'0') * time.Minute))
	}
	s.picked()(t, time.Minute)
	for _, id := range []string{"e1", "e2"} {
		s.now = s.now.Add(time.Minute)
		s.picked(Want{EndpointID: id, First: 1})(t, time.Minute)
	}

	g := s.gates["e5"]
	s.recorded(g, begin.Add(5*time.Minute))
	s.picked(Want{EndpointID: "e5", First: 1})(t, time.Minute)
	g.pause(begin.Add(8 * time.Minute))
	s.load(g, 1, 0)
	s.picked()(t, time.Minute)
	require.Len(t, s.resting, 3, "the rest that was cut short is gone")
	s.now = begin.Add(5 * time.Minute)
	s.picked(Want{EndpointID: "e3", First: 1}, Want{EndpointID: "e4", First: 1})(t, 3*time.Minute)
	require.Len(t, s.resting, 1)
	s.recorded(s.gates["e1"], time.Time{}) // which does not rest
	require.False(t, s.gates["e1"].queued)
	s.now = begin.Add(8 * time.Minute)
	s.picked(Want{EndpointID: "e5", First: 1})(t, 0)
}

// However often a pause begins and is recorded, a gate rests once.
func TestSchedulerForgetsRests(t *testing.T) {
	t.Parallel()
	s := newSchedulerTest(64)
	var gates []*gate
	for _, id := range names("e%02d", 20) {
		gates = append(gates, s.open(id, 1, 0))
	}
	for i := range 1000 {
		g := gates[i*7%len(gates)]
		until := s.now.Add(time.Duration(1+i*13%100) * time.Hour)
		g.pause(until)
		s.pick(s.now)
		require.LessOrEqual(t, len(s.resting), len(gates))
		for j, x := range s.resting {
			require.Equal(t, j+1, x.rests)
		}
		for _, x := range gates {
			x.busy, x.first, x.want = 0, 1, 0
			s.offer(x)
		}
		s.busy, g.tenant.busy = 0, 0
		if g.until.Equal(until) {
			s.recorded(g, until)
			require.Zero(t, g.rests)
		}
	}
	s.now = s.now.Add(200 * time.Hour)
	s.pick(s.now)
	require.Empty(t, s.resting)
}

// However small the concurrency, there is room for a first attempt beside retries, if
// there is room for two.
func TestSchedulerReserves(t *testing.T) {
	t.Parallel()
	for concurrency, want := range map[int]int{1: 1, 2: 1, 3: 2, 4: 3, 8: 6, 64: 48} {
		s := newScheduler(concurrency, 0.75, 0.25)
		require.Equal(t, want, s.maxRetries, concurrency)
		s = newScheduler(concurrency, 0.75, -1)
		require.Equal(t, concurrency, s.maxRetries, "none by choice")
	}
}

// Retries that would take the room of first attempts wait for others to end.
func TestSchedulerKeepsRoom(t *testing.T) {
	t.Parallel()
	s := newSchedulerTest(4)
	a := s.open("a", 0, 6)
	s.picked(Want{EndpointID: "a", Retries: 3})(t, 0)
	require.True(t, a.queued)
	s.offer(a)
	require.Zero(t, s.ring.len(), "it waits elsewhere")
	b := s.open("b", 2, 0)
	s.picked(Want{EndpointID: "b", First: 1})(t, 0)
	a.give()
	s.end(a, false)
	s.picked(Want{EndpointID: "b", First: 1})(t, 0)
	b.give()
	s.end(b, true)
	s.picked(Want{EndpointID: "a", Retries: 1})(t, 0)
}

func TestSchedulerCaps(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		share      float64
		busy, held int
		want       bool
	}{
		"alone, with its share":    {0.75, 6, 6, true},
		"alone, with less":         {0.75, 5, 5, false},
		"others leave little":      {0.75, 7, 3, true},
		"others leave a little":    {0.75, 7, 2, false},
		"all of it by choice":      {1, 8, 8, false},
		"no bound":                 {-1, 8, 8, false},
		"half of what others left": {0.5, 4, 4, true},
	} {
		s := newScheduler(8, tc.share, 0)
		s.busy = tc.busy
		require.Equal(t, tc.want, s.capped(&tenant{busy: tc.held}), name)
	}
}

// What a claim did not get is not there, unless there was a hint meanwhile.
func TestSchedulerCountsWhatWasClaimed(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		first, retries int // claimed, of two and two that were wanted
		hinted         bool
		left           [2]int
	}{
		"all":             {2, 2, false, [2]int{3, 3}},
		"all, and a hint": {2, 2, true, [2]int{4, 3}},
		"less":            {1, 1, false, [2]int{0, 0}},
		"no first":        {0, 2, false, [2]int{0, 3}},
		"no retries":      {2, 0, false, [2]int{3, 0}},
		"less, but hint":  {0, 0, true, [2]int{4, 0}},
	} {
		s := newSchedulerTest(64)
		g := s.open("e1", 3, 3)
		g.want, g.busy, g.tokens, g.told = 1, 4, -4, CauseRetryAfter
		for i := range 4 {
			s.start(g, i < 2)
		}
		if tc.hinted {
			s.hint(g)
		}
		var claims []Claim
		for i := range tc.first + tc.retries {
			c := Claim{EndpointID: "e1", Message: &Message{Tenant: "t1"}}
			if i >= tc.first {
				c.History.Attempts = 1
			}
			claims = append(claims, c)
		}
		s.claimed([]Want{{EndpointID: "e1", First: 2, Retries: 2}}, claims)
		n := tc.first + tc.retries
		require.Equal(t, [2]int{g.first, g.retries}, tc.left, name)
		require.Equal(t, []int{n, n, n, tc.retries}, []int{s.busy, g.busy, g.tenant.busy, s.retries}, name)
		require.InDelta(t, -n, g.tokens, 0, name)
		require.Equal(t, []int{0, 0, 0}, []int{g.want, g.gotFirst, g.gotRetry}, name)
		if n > 0 {
			require.Empty(t, g.told, "what the host was told of is over")
		}
	}
}

// What a walk sees while a claim is being made is not forgotten when that got less.
func TestSchedulerKeepsWhatAWalkFound(t *testing.T) {
	t.Parallel()
	for name, during := range map[string]bool{"before the claim": false, "during the claim": true} {
		s := newSchedulerTest(64)
		g := s.open("e1", 0, 0)
		found := func() { s.found(Backlog{EndpointID: "e1", Tenant: "t1", First: BacklogEnough, Retries: BacklogEnough}) }
		found()
		wants, _ := s.pick(s.now)
		require.Equal(t, []Want{{EndpointID: "e1", First: 6, Retries: 2}}, wants)
		if during {
			found()
		}
		s.claimed(wants, nil)
		require.Zero(t, s.busy)
		left := 0
		if during {
			left = BacklogEnough
		}
		require.Equal(t, [2]int{left, left}, [2]int{g.first, g.retries}, name)
		require.Equal(t, [2]bool{during, during}, [2]bool{g.moreFirst, g.moreRetries}, name)
		wants, _ = s.pick(s.now)
		require.Equal(t, during, len(wants) > 0, name)
		s.claimed(wants, nil)
		require.Zero(t, g.first+g.retries, "it was found once")
	}
}

func TestSchedulerLeavesWhatIsNotItsOwn(t *testing.T) {
	t.Parallel()
	s := newSchedulerTest(64)
	g := s.open("e1", 3, 3)
	s.sweep(Slots{}, s.now)
	require.Equal(t, []int{0, 0, 0}, []int{g.first, g.retries, s.loaded})
	s.picked()(t, 0)
}
