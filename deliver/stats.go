package deliver

import "sync/atomic"

// Stats counts what a dispatcher has done since it was made.
type Stats struct {
	Published   uint64 // messages accepted, repetitions included
	FannedOut   uint64 // messages turned into deliveries, or found to match none
	Unmatched   uint64 // those of them that matched no endpoint
	Attempts    uint64 // exchanges tried
	Succeeded   uint64 // deliveries that succeeded
	Retried     uint64 // deliveries scheduled again after a spent attempt
	GivenBack   uint64 // deliveries scheduled again with the attempt unspent
	Exhausted   uint64 // deliveries given up
	Abandoned   uint64 // deliveries whose endpoint is gone
	Interrupted uint64 // claims of which the last attempt left no outcome
	Paused      uint64 // times an endpoint was paused
	Disabled    uint64 // times an endpoint was disabled
	Tripped     uint64 // times a breaker opened
	OverLimit   uint64 // matches left out for the fan-out limit
	LeaseLost   uint64 // claims that the store no longer honored
	StoreErrors uint64 // calls to the store that failed
}

type counters struct {
	published, fannedOut, unmatched, attempts, succeeded, retried, givenBack,
	exhausted, abandoned, interrupted, paused, disabled, tripped,
	overLimit, leaseLost, storeErrors atomic.Uint64
}

// Stats returns the counters as they stand. It is safe for concurrent use.
func (d *Dispatcher) Stats() Stats {
	c := &d.counters
	return Stats{
		Published:   c.published.Load(),
		FannedOut:   c.fannedOut.Load(),
		Unmatched:   c.unmatched.Load(),
		Attempts:    c.attempts.Load(),
		Succeeded:   c.succeeded.Load(),
		Retried:     c.retried.Load(),
		GivenBack:   c.givenBack.Load(),
		Exhausted:   c.exhausted.Load(),
		Abandoned:   c.abandoned.Load(),
		Interrupted: c.interrupted.Load(),
		Paused:      c.paused.Load(),
		Disabled:    c.disabled.Load(),
		Tripped:     c.tripped.Load(),
		OverLimit:   c.overLimit.Load(),
		LeaseLost:   c.leaseLost.Load(),
		StoreErrors: c.storeErrors.Load(),
	}
}
