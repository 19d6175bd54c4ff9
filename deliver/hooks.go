package deliver

import "time"

// Hooks are told what happens. Any may be nil. They hold up what they are told
// of while they run, so they must be quick, and safe for concurrent use. A panic
// in one is recovered and logged.
type Hooks struct {
	// Attempted is called after each exchange, before it is recorded.
	Attempted func(AttemptInfo)
	// Settled is called when the store has recorded what becomes of a delivery,
	// or when nothing was recorded because the lease was lost.
	Settled func(SettledInfo)
	// Endpoint is called when an endpoint was paused or disabled, which is recorded by
	// then, and when its breaker opened or closed.
	Endpoint func(EndpointInfo)
}

// AttemptInfo tells of one exchange.
type AttemptInfo struct {
	DeliveryID  string
	EndpointID  string
	Message     *Message // shared: read-only
	Attempt     int      // its number, from 1
	Interrupted bool     // the attempt before left no outcome, so the endpoint may have this message already
	Result      *Result  // shared: read-only
}

// SettledInfo tells what becomes of a delivery.
type SettledInfo struct {
	DeliveryID string
	EndpointID string
	Message    *Message   // shared: read-only
	Settlement Settlement // what was recorded; of a lost lease, what was not; of a disabled endpoint, one that says Scheduled is abandoned
	Err        error      // nil, what the attempt failed with, or ErrLeaseLost: then nothing was recorded
}

// EndpointInfo tells what happens to an endpoint.
type EndpointInfo struct {
	EndpointID string
	Tenant     string
	Change     EndpointChange
	Cause      Cause         // of a pause or a disabling
	For        time.Duration // how long the pause is, or the breaker open; 0 for a disabling, which lasts until the endpoint is resumed
	Err        error         // what the attempt that led to it failed with; nil if it succeeded
}

// EndpointChange names what happened to an endpoint.
type EndpointChange string

// What can happen to an endpoint.
const (
	// EndpointPaused: nothing goes out for a time. Its deliveries wait.
	EndpointPaused EndpointChange = "paused"
	// EndpointDisabled: nothing goes out until somebody calls [Dispatcher.Resume].
	// What it had open is abandoned, and so is what it would get.
	EndpointDisabled EndpointChange = "disabled"
	// BreakerOpened: it fails most of the time, so this process waits with the rest.
	BreakerOpened EndpointChange = "breaker opened"
	// BreakerClosed: it works again.
	BreakerClosed EndpointChange = "breaker closed"
)
