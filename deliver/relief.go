package deliver

import (
	"math"
	"time"
)

const (
	defaultShrink        = 0.5
	defaultBreakerShare  = 0.5
	defaultBreakerLeast  = 10
	defaultBreakerWindow = time.Minute
	defaultBreakerPause  = 30 * time.Second

	// Each probe that fails doubles the breaker's pause, up to this many times it.
	maxBreakerFactor = 16
)

// Relief says how an endpoint in trouble is gone easy on. It works within one
// process and forgets at a restart; nothing of it spends an attempt. The zero
// value and nil are the defaults.
type Relief struct {
	// Shrink is what is left of an endpoint's concurrency after an answer of 429 or
	// 503 or a timeout; exchanges that were under way then do not shrink it
	// further. It never falls below one, and each success lets it grow: by one when
	// as many have succeeded as may be under way. 0 means 0.5, negative that it does
	// not shrink.
	Shrink float64

	// BreakerShare is the share of attempts within BreakerWindow, of at least
	// BreakerLeast, that must have failed for the breaker to open. Then nothing goes
	// out for BreakerPause. After that one attempt is made: if it fails, the pause
	// is doubled, up to 16 times of what it was at first; if it succeeds, all is as
	// before. Answers that only a person can mend, such as 400, are no failures here,
	// since the endpoint works. 0 means 0.5, negative that there is no breaker.
	BreakerShare float64

	// BreakerLeast is how few attempts are no evidence; 0 means 10.
	BreakerLeast int

	// BreakerWindow is how far back attempts count; 0 means one minute.
	BreakerWindow time.Duration

	// BreakerPause is how long the breaker stays open at first; 0 means 30 seconds.
	BreakerPause time.Duration
}

func (f *Relief) validate() error {
	switch {
	case f == nil:
		return nil
	case math.IsNaN(f.Shrink) || f.Shrink > 1:
		return invalid("Relief.Shrink is not a share of at most 1; 0 means 0.5, negative none")
	case math.IsNaN(f.BreakerShare) || f.BreakerShare > 1:
		return invalid("Relief.BreakerShare is not a share of at most 1; 0 means 0.5, negative no breaker")
	case f.BreakerLeast < 0 || f.BreakerWindow < 0 || f.BreakerPause < 0:
		return invalid("Relief has a negative BreakerLeast, BreakerWindow or BreakerPause; 0 means the default")
	}
	return nil
}

// relief is a Relief with its defaults filled in.
func (f *Relief) relief() Relief {
	if f == nil {
		f = &Relief{}
	}
	return Relief{
		Shrink:        or(f.Shrink, defaultShrink),
		BreakerShare:  or(f.BreakerShare, defaultBreakerShare),
		BreakerLeast:  or(f.BreakerLeast, defaultBreakerLeast),
		BreakerWindow: or(f.BreakerWindow, defaultBreakerWindow),
		BreakerPause:  or(f.BreakerPause, defaultBreakerPause),
	}
}
