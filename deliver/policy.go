package deliver

import (
	"math"
	"net/http"
	"time"
)

const (
	defaultJitter           = 0.1
	defaultMaxAge           = 120 * time.Hour
	defaultRejectedAttempts = 4
	defaultGoneApart        = 2 * time.Minute
	defaultGonePause        = 120 * time.Hour
	defaultDisableAfter     = 120 * time.Hour
	defaultDisableSpread    = 12 * time.Hour
	maxSchedule             = 1000

	// Faults of our own are retried after 1, 2, 4 … seconds, up to this.
	maxOwnBackoff = time.Minute

	// So many faults in a row are believed to be our own where they could be the
	// destination's as well.
	maxDoubtful = 6

	// So many faults of our own in a row, about six hours of them, are too many even
	// for a delivery that was never attempted.
	maxUntried = 360
)

// Policy decides what becomes of a delivery after an attempt, and what the attempt
// means for its endpoint. It holds no state and is safe for concurrent use. The
// zero value and nil are the defaults.
type Policy struct {
	// Schedule holds the wait after each failed attempt; the first attempt is
	// made at once, so there is one attempt more than waits. nil means 5 s,
	// 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h: ten attempts in about
	// 75 hours. Empty but not nil means a single attempt.
	Schedule []time.Duration

	// Jitter spreads each wait evenly by this share of it to both sides: 0.1
	// makes 10 s a time between 9 s and 11 s. 0 means 0.1, negative none, and 1
	// is the most.
	Jitter float64

	// MaxAge is how old a message may be when it is tried again; 0 means 120
	// hours, negative no bound. The first attempt is made at any age, unless faults
	// of the sending side keep it from being made for hours.
	MaxAge time.Duration

	// RejectedAttempts bounds the attempts that failed in a way which a person
	// has to mend: 3xx, 4xx other than 408, 425 and 429, a destination that is
	// refused or malformed. 0 means 4, negative as many as the schedule has.
	RejectedAttempts int

	// MaxRetryAfter caps what an endpoint can ask for with Retry-After; 0 means 24
	// hours, which is also the most, negative that Retry-After is ignored.
	MaxRetryAfter time.Duration

	// GoneApart is how far apart two answers of 410, with no success between, have
	// to be before the endpoint is paused for GonePause: one alone may come from a
	// load balancer that lost its way. 0 means 2 minutes, negative that 410 is a
	// failure like others.
	GoneApart time.Duration

	// GonePause is for how long an endpoint is paused that is gone, or that asked
	// to be disabled with the header webhook-delivery: disable. 0 means 120 hours,
	// negative that it is not. Somebody is told, and may resume it sooner; if it
	// still fails afterwards, it will be disabled for that.
	GonePause time.Duration

	// DisableAfter is how long an endpoint must have failed without any success
	// before it is disabled; 0 means 120 hours, negative never.
	DisableAfter time.Duration

	// DisableSpread is how far apart two failures must have been before the one
	// that disables, so that an endpoint of little traffic is not disabled for two
	// bad moments. 0 means 12 hours, negative that it does not matter.
	DisableSpread time.Duration
}

// Decision is what [Policy.Decide] came to. Whenever Endpoint has a Cause, the
// host is told.
type Decision struct {
	State    State         // Scheduled, Succeeded, Exhausted or Abandoned
	After    time.Duration // when Scheduled: how long to wait
	History  History       // with the attempt counted
	Endpoint Effect        // what happens to the endpoint as a whole
}

// Decide says what becomes of a delivery with history h, and of its endpoint, after
// an attempt ended with res. rnd, from 0 up to but not including 1, is the luck of
// the jitter: 0.5 is the exact schedule, as is what is no number, and what is out of
// range counts as its nearest end. It changes nothing and asks no clock.
//
// A Retry-After of the endpoint pauses it as a whole, and never makes the next
// attempt earlier than scheduled. Faults of the sending side spend no attempt
// and are tried again within seconds to a minute, up to MaxAge; those that may
// be the destination's as well ([ReasonUnreachable]) spend one after six in a
// row. A canceled attempt is due again at once. A nil result is taken for a
// fault of the sending side.
func (p *Policy) Decide(h History, res *Result, rnd float64) Decision {
	if p == nil {
		p = &Policy{}
	}
	if res == nil {
		res = &Result{Reason: ReasonLocal, Fault: FaultOurs}
	}
	h.Unknown, h.Attempts = 0, max(h.Attempts, 0)
	doubtful := res.Reason == ReasonUnreachable && h.OwnFaults >= maxDoubtful
	switch {
	case res.Reason == ReasonNoEndpoint:
		return Decision{State: Abandoned, History: h}
	case res.Reason == ReasonCanceled:
		return Decision{State: Scheduled, History: h}
	case res.Fault == FaultOurs && !doubtful:
		wait := p.jitter(ownBackoff(h.OwnFaults), rnd)
		h.OwnFaults++
		return p.bound(Decision{After: wait, History: h})
	}
	h.Attempts++
	h.OwnFaults = 0
	if res.Fault == FaultNone {
		d := Decision{State: Succeeded, History: h, Endpoint: Effect{Signal: SignalSuccess}}
		p.asked(&d, res)
		return d
	}
	rejected := res.Fault == FaultDestination || res.Reason == ReasonRejected || res.Reason == ReasonRedirect
	if rejected {
		h.Rejected++
	}
	retryAfter := min(res.RetryAfter, p.maxRetryAfter())
	d := Decision{History: h, Endpoint: p.effect(h.Health, res, retryAfter)}
	if p.spent(h) || rejected && h.Rejected >= p.rejectedAttempts() {
		d.State = Exhausted
		return d
	}
	d.After = max(p.jitter(p.schedule()[h.Attempts-1], rnd), retryAfter)
	return p.bound(d)
}

// effect says what a failure means for an endpoint of that health. The gravest
// rule comes last.
func (p *Policy) effect(h Health, res *Result, retryAfter time.Duration) Effect {
	d := Decision{Endpoint: Effect{Signal: SignalFailure}}
	e := &d.Endpoint
	if res.Reason == ReasonUnknown {
		e.Signal = SignalNone // no attempt was made
	}
	if retryAfter > 0 {
		e.Pause, e.Cause = retryAfter, CauseRetryAfter
	}
	if res.Status == http.StatusGone {
		e.Signal = SignalGone
		if apart := or(p.GoneApart, defaultGoneApart); apart >= 0 && h.Gone > 0 && h.Gone >= apart {
			p.pause(e, CauseGone)
		}
	}
	p.asked(&d, res)
	after, spread := or(p.DisableAfter, defaultDisableAfter), or(p.DisableSpread, defaultDisableSpread)
	if after >= 0 && e.Signal != SignalNone && h.Failing > 0 && h.Failing >= after && h.Spread >= spread {
		e.Pause, e.Disable, e.Cause = 0, true, CauseFailing
	}
	return *e
}

// asked heeds the header with which an endpoint wants no more.
func (p *Policy) asked(d *Decision, res *Result) {
	if res.Disable {
		p.pause(&d.Endpoint, CauseAsked)
	}
}

func (p *Policy) pause(e *Effect, cause Cause) {
	if pause := or(p.GonePause, defaultGonePause); pause > e.Pause {
		e.Pause, e.Cause = pause, cause
	}
}

// or returns v, or the default if v is zero.
func or[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}

// patient is p without its bound on age.
func (p *Policy) patient() *Policy {
	var without Policy
	if p != nil {
		without = *p
	}
	without.MaxAge = -1
	return &without
}

// spent reports whether no attempt is left.
func (p *Policy) spent(h History) bool { return h.Attempts > len(p.schedule()) }

// lost reports whether a delivery is to be given up without another attempt,
// because none is left and nobody knows how the last two ended: without this, a
// message that kills its worker would come back for ever. After one such attempt
// another is made, since the worker may have died before it sent anything.
func (p *Policy) lost(h History) bool { return h.Unknown > 1 && p.spent(h) }

// bound exhausts a retry that would come too late. A delivery that was never
// attempted is not given up for a moment's fault of our own.
func (p *Policy) bound(d Decision) Decision {
	first := d.History.Attempts == 0 && d.History.OwnFaults <= maxUntried
	if m := p.maxAge(); m > 0 && d.After > m-d.History.Age && !first {
		d.State, d.After = Exhausted, 0
	}
	return d
}

func ownBackoff(faults int) time.Duration {
	if faults > 6 {
		return maxOwnBackoff
	}
	return min(time.Second<<max(faults, 0), maxOwnBackoff)
}

func (p *Policy) jitter(d time.Duration, rnd float64) time.Duration {
	if math.IsNaN(rnd) {
		rnd = 0.5
	}
	rnd = min(max(rnd, 0), 1)
	j := defaultJitter
	if p != nil && p.Jitter != 0 {
		j = max(p.Jitter, 0)
	}
	return d + time.Duration(math.Round(float64(d)*j*(2*rnd-1)))
}

func (p *Policy) schedule() []time.Duration {
	if p != nil && p.Schedule != nil {
		return p.Schedule
	}
	return []time.Duration{
		5 * time.Second,
		5 * time.Minute,
		30 * time.Minute,
		2 * time.Hour,
		5 * time.Hour,
		10 * time.Hour,
		14 * time.Hour,
		20 * time.Hour,
		24 * time.Hour,
	}
}

func (p *Policy) maxAge() time.Duration {
	if p == nil || p.MaxAge == 0 {
		return defaultMaxAge
	}
	return p.MaxAge
}

func (p *Policy) maxRetryAfter() time.Duration {
	return max(min(or(p.MaxRetryAfter, maxRetryAfter), maxRetryAfter), 0)
}

func (p *Policy) rejectedAttempts() int {
	switch {
	case p == nil || p.RejectedAttempts == 0:
		return defaultRejectedAttempts
	case p.RejectedAttempts < 0:
		return math.MaxInt
	}
	return p.RejectedAttempts
}

func (p *Policy) validate() error {
	if p == nil {
		return nil
	}
	if len(p.Schedule) > maxSchedule {
		return invalid("Policy.Schedule has more than %d waits", maxSchedule)
	}
	for _, d := range p.Schedule {
		if d < 0 || d > 365*24*time.Hour {
			return invalid("Policy.Schedule has a wait that is negative or longer than a year")
		}
	}
	if math.IsNaN(p.Jitter) || p.Jitter > 1 {
		return invalid("Policy.Jitter is not a share of at most 1; 0 means 0.1, negative none")
	}
	return nil
}
