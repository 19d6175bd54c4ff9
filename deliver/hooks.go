package deliver

// Hooks are told what happens. Any may be nil. They hold up what they are told
// of while they run, so they must be quick, and safe for concurrent use. A panic
// in one is recovered and logged.
type Hooks struct {
	// Attempted is called after each exchange, before it is recorded.
	Attempted func(AttemptInfo)
	// Settled is called when the store has recorded what becomes of a delivery,
	// or when nothing was recorded because the lease was lost.
	Settled func(SettledInfo)
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
	Settlement Settlement // what was recorded; of a lost lease, what was not
	Err        error      // nil, what the attempt failed with, or ErrLeaseLost: then nothing was recorded
}
