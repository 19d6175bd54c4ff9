package deliver

import (
	"net/http"
	"net/url"
	"time"
)

// firstTurns of each turnRound claims of an endpoint are first attempts, as long as
// it has both those and retries.
const (
	turnRound  = 4
	firstTurns = 3
)

// maxRest is how long a gate waits at most for its rate before it looks again.
const maxRest = time.Hour

// gate says what may go out to one endpoint now. It belongs to one run, whose
// mutex guards it. All rules for a single endpoint have their place here: what is
// lost with it at a restart is learned again.
type gate struct {
	id     string
	tenant *tenant

	// What is ready, as far as this process knows; a claim tells the truth.
	first, retries int
	moreFirst      bool // first is how far the store counted
	moreRetries    bool
	ordered        bool

	hinted bool // there may be more than a claim just found
	found  bool // by a walk, since the last turn

	// Of the claim that is being made.
	want     int // its place among the wants, from 1; 0 for none
	gotFirst int
	gotRetry int

	busy   int // exchanges under way, and claims asked for
	turn   int // of the last one that had a choice
	idle   bool
	queued bool      // in its tenant's ring, resting, or waiting for retries to end
	parked bool      // in retrial; out of date if waits is false
	waits  bool      // queued there, and nowhere else
	rests  int       // its place among those that rest, from 1; 0 if it does not
	roused time.Time // when its rest ends
	told   Cause     // of the pause or disabling that the host has been told of

	// until is when a pause ends. The store keeps pauses too, from the moment on
	// in which it records them; until then this is all that holds claims back. A
	// disabling is a pause without end.
	until time.Time

	// limit is how many exchanges may be under way; ceiling is what the endpoint
	// allows. They begin at one: the first attempt looks the endpoint up, so that
	// no lookup is needed before. The limit doubles with each answer until it is
	// steady, that is until it has met the ceiling, or trouble: an endpoint that
	// hangs from the start holds the room of one exchange.
	limit   float64
	ceiling int
	steady  bool
	shrunk  time.Time // what began before does not shrink the limit again

	rate   float64 // a second; 0 if unlimited
	tokens float64
	filled time.Time // when tokens were right

	endpoint *Endpoint // as it was last looked up
	url      *url.URL  // its, if it was found to be in order

	breaker   breaker
	relief    Relief
	succeeded time.Time // when the last exchange did
}

func newGate(id string, t *tenant) *gate {
	return &gate{id: id, tenant: t, limit: 1, ceiling: 1, relief: (*Relief)(nil).relief()}
}

// learn tells the gate what the endpoint allows.
func (g *gate) learn(ceiling int, rate float64, relief Relief, ordered bool, now time.Time) {
	if g.steady && g.limit >= float64(g.ceiling) {
		g.limit = float64(ceiling)
	}
	g.limit = min(g.limit, float64(ceiling))
	g.ceiling, g.relief, g.ordered = ceiling, relief, ordered
	if rate != g.rate {
		g.rate, g.filled = rate, now
		g.tokens = g.burst() - float64(g.busy) // what is under way has been let out already
	}
}

// burst is how many exchanges may begin at once after a rest: what the rate allows
// in a tenth of a second.
func (g *gate) burst() float64 { return max(g.rate/10, 1) }

// pause lets nothing out until a time; a longer pause stays.
func (g *gate) pause(until time.Time) {
	if until.After(g.until) {
		g.until = until
	}
}

// recorded ends a pause that is the store's from now on.
func (g *gate) recorded(until time.Time) {
	if g.until.Equal(until) {
		g.until = time.Time{}
	}
}

// free reports whether one exchange more may begin. If only time can change that,
// wait says how much; 0 means that something has to end first.
func (g *gate) free(now time.Time) (ok bool, wait time.Duration) {
	if now.Before(g.until) {
		return false, g.until.Sub(now)
	}
	if left, open := g.breaker.left(now); open {
		if left > 0 {
			return false, left
		}
		if g.busy > 0 { // the probe, or what went out before
			return false, 0
		}
	}
	if g.busy >= int(g.limit) {
		return false, 0
	}
	if g.rate > 0 {
		g.refill(now)
		if g.tokens < 1 {
			return false, time.Duration(min((1-g.tokens)/g.rate, maxRest.Seconds())*float64(time.Second)) + 1
		}
	}
	return true, 0
}

func (g *gate) refill(now time.Time) {
	g.tokens = min(g.tokens+now.Sub(g.filled).Seconds()*g.rate, g.burst())
	g.filled = now
}

// take lets one exchange out, after free said that it may, and says whether it is
// to be a first attempt.
func (g *gate) take(mayRetry bool) (first bool) {
	first = g.first > 0
	if first && g.retries > 0 && mayRetry {
		g.turn = (g.turn + 1) % turnRound
		first = g.turn < firstTurns
	}
	switch {
	case first && (g.first > 1 || !g.moreFirst):
		g.first--
	case !first && (g.retries > 1 || !g.moreRetries):
		g.retries--
	}
	g.busy++
	g.tokens--
	g.idle, g.hinted, g.found = false, false, false
	return first
}

// give returns what take took in vain.
func (g *gate) give() {
	g.busy--
	g.tokens++
}

// observe learns from an exchange that began at a time and ended with res. changed
// says that the breaker opened or closed.
func (g *gate) observe(res *Result, began, now time.Time) (changed bool) {
	works := res.Fault == FaultNone || res.Reason == ReasonRejected || res.Reason == ReasonRedirect
	if res.Fault == FaultNone {
		g.succeeded = now
	}
	switch {
	case began.Before(g.shrunk):
	case works && !g.steady:
		g.limit = min(2*g.limit, float64(g.ceiling))
		g.steady = g.limit == float64(g.ceiling)
	case res.Fault == FaultNone:
		g.limit = min(g.limit+1/g.limit, float64(g.ceiling))
	case overloaded(res) && g.relief.Shrink > 0:
		g.limit = max(g.limit*g.relief.Shrink, 1)
		g.shrunk, g.steady = now, true
	}
	if res.Fault != FaultNone && res.Fault != FaultReceiver || res.Reason == ReasonUnknown || g.relief.BreakerShare < 0 {
		return false // it says nothing about the endpoint
	}
	if works {
		return g.breaker.success(began, now, g.relief)
	}
	return g.breaker.failure(began, now, g.relief, res.Reason == ReasonTimeout)
}

// overloaded reports whether an endpoint may have failed because too much came.
func overloaded(res *Result) bool {
	return res.Status == http.StatusTooManyRequests || res.Status == http.StatusServiceUnavailable ||
		res.Reason == ReasonTimeout
}

// health is what the store said at the claim, unless the endpoint has been seen to
// work since.
func (g *gate) health(h Health, began time.Time) Health {
	if g.succeeded.After(began) {
		return Health{}
	}
	return h
}

// sweep reports whether nothing went out since the last sweep, and nothing would be
// lost, so that the gate can be forgotten.
func (g *gate) sweep(now time.Time) bool {
	if g.rate > 0 {
		g.refill(now)
	}
	left, _ := g.breaker.left(now)
	if g.busy > 0 || g.queued || g.first+g.retries > 0 || now.Before(g.until) || left > 0 ||
		g.rate > 0 && g.tokens < g.burst() {
		g.idle = false
		return false
	}
	was := g.idle
	g.idle = true
	return was
}

// breaker stops what goes to an endpoint that fails most of the time. The zero
// value is closed.
type breaker struct {
	open   bool
	opened time.Time
	until  time.Time
	pause  time.Duration

	// The attempts in the current half of the window and in the one before.
	begin    time.Time
	failed   [2]int
	attempts [2]int
	row      int // timeouts in a row, however long they took
}

// left says for how long nothing may go out; 0 when it is open and may be probed.
func (b *breaker) left(now time.Time) (left time.Duration, open bool) {
	if !b.open {
		return 0, false
	}
	return max(b.until.Sub(now), 0), true
}

func (b *breaker) success(began, now time.Time, f Relief) (changed bool) {
	if b.open {
		if began.Before(b.until) {
			return false // not the probe
		}
		*b = breaker{}
		return true
	}
	b.row = 0
	b.count(now, f, 0)
	return false
}

func (b *breaker) failure(began, now time.Time, f Relief, hung bool) (changed bool) {
	if b.open {
		if !began.Before(b.until) {
			b.pause = min(2*b.pause, maxBreakerFactor*f.BreakerPause)
			b.until = now.Add(b.pause)
		}
		return false
	}
	if hung {
		b.row++ // one at a time, they take too long for any window
	} else {
		b.row = 0
	}
	b.count(now, f, 1)
	attempts, failed := b.attempts[0]+b.attempts[1], b.failed[0]+b.failed[1]
	if b.row < f.BreakerLeast && (attempts < f.BreakerLeast || float64(failed) < f.BreakerShare*float64(attempts)) {
		return false
	}
	*b = breaker{open: true, opened: now, until: now.Add(f.BreakerPause), pause: f.BreakerPause}
	return true
}

func (b *breaker) count(now time.Time, f Relief, failed int) {
	half := f.BreakerWindow / 2
	switch since := now.Sub(b.begin); {
	case since >= 2*half:
		b.begin, b.attempts, b.failed = now, [2]int{}, [2]int{}
	case since >= half:
		b.begin = b.begin.Add(half)
		b.attempts, b.failed = [2]int{0, b.attempts[0]}, [2]int{0, b.failed[0]}
	}
	b.attempts[0]++
	b.failed[0] += failed
}
