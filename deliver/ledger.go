package deliver

import (
	"context"
	"time"
)

// Ledger is what people ask of a store: to look, to replay, to cancel, to steer
// endpoints. A [Store] may implement it; [Memory] does. The methods of
// [Dispatcher] with the same names are the way to use it.
//
// As with Store, times are durations by the store's clock, and each call is one
// short transaction. A cursor is text of the store's own; "" begins a walk, and
// an empty next ends it. Whatever is inserted or changed during a walk, it meets
// everything that was there before and after once.
type Ledger interface {
	// Deliveries lists what is selected, up to limit, the latest made first.
	Deliveries(ctx context.Context, sel Selection, cursor string, limit int) (list []Delivery, next string, err error)

	// Attempts returns the log of a delivery, oldest first; none is no error. A
	// store may keep no more than the last 100.
	Attempts(ctx context.Context, deliveryID string) ([]Record, error)

	// Message returns a message, shared and read-only, or ErrNoMessage. Its Body
	// is nil once it is purged.
	Message(ctx context.Context, tenant, id string) (*Message, error)

	// Totals counts deliveries. It heeds the selection's Tenant and EndpointID
	// alone, so that a store can keep rollups.
	Totals(ctx context.Context, sel Selection) (Totals, error)

	// Replay schedules again, as never attempted and due at once, up to limit
	// deliveries which are selected and final, the earliest made first, and
	// returns how many. One that is still open is left as it is. So is one whose
	// message is purged, and one to a disabled endpoint. In an ordered lane, a
	// replayed delivery comes last.
	Replay(ctx context.Context, sel Selection, cursor string, limit int) (n int, next string, err error)

	// Cancel makes final up to limit deliveries which are selected and open, and
	// returns how many. The fence of one that is claimed becomes stale. If the
	// selection names a message that awaits fan-out, that counts as one and is
	// finished.
	Cancel(ctx context.Context, sel Selection, cursor string, limit int) (n int, next string, err error)

	// Purge removes the bodies of up to limit messages that were finished for at
	// least age, and returns how many. Deliveries and their logs stay.
	Purge(ctx context.Context, age time.Duration, limit int) (n int, err error)

	// Endpoints lists the state of endpoints by id, from after on, up to limit.
	// It heeds the selection's Tenant and EndpointID alone. An endpoint that a
	// store does not know is in no way held back.
	Endpoints(ctx context.Context, sel Selection, after string, limit int) ([]EndpointState, error)

	// Change does to an endpoint what e says, as a settlement would. Its Signal
	// says nothing.
	Change(ctx context.Context, endpointID string, e Effect) error

	// Resume ends a pause and a disabling and forgets the failures.
	Resume(ctx context.Context, endpointID string) error
}

// Selection says which deliveries are meant; what is zero is not asked for, so
// the zero value selects everything.
type Selection struct {
	Tenant     *string // nil for all; the empty tenant is one too
	EndpointID string
	MessageID  string
	DeliveryID string
	Key        string        // of the message
	States     []State       // any of them
	Since      time.Duration // made, replayed or settled at most so long ago; a retry is no settling
}

// isAll reports whether the selection leaves nothing out.
func (s *Selection) isAll() bool {
	return s.Tenant == nil && s.EndpointID == "" && s.MessageID == "" && s.DeliveryID == "" && s.Key == "" &&
		len(s.States) == 0 && s.Since == 0
}

// Delivery is one message on its way to one endpoint, as people see it.
type Delivery struct {
	ID         string
	EndpointID string
	Tenant     string
	MessageID  string
	Key        string
	State      State
	Blocked    bool    // waits for another one in its lane
	History    History // with the age of the message; Health is not filled in
}

// Totals counts deliveries by where they stand.
type Totals struct {
	Scheduled, Claimed, Succeeded, Exhausted, Abandoned, Canceled int
}

// Open is how many of them are not final.
func (t Totals) Open() int { return t.Scheduled + t.Claimed }

func (t *Totals) add(s State) {
	switch s {
	case Scheduled:
		t.Scheduled++
	case Claimed:
		t.Claimed++
	case Succeeded:
		t.Succeeded++
	case Exhausted:
		t.Exhausted++
	case Abandoned:
		t.Abandoned++
	case Canceled:
		t.Canceled++
	}
}

// EndpointState is what a store knows of an endpoint.
type EndpointState struct {
	EndpointID string
	Tenant     string        // of its messages; empty also while none came
	Paused     time.Duration // how much longer; 0 if it is not paused
	Disabled   bool
	Cause      Cause         // of the pause or the disabling
	Since      time.Duration // how long it has been paused or disabled
	Health     Health
	Open       int // deliveries not final
}

const ledgerBatch = 500

// ledger returns what the store offers to people.
func (d *Dispatcher) ledger() (Ledger, error) {
	if l, ok := d.store.(Ledger); ok {
		return l, nil
	}
	return nil, ErrNoLedger
}

// Deliveries lists what is selected, up to limit, the latest first. cursor is ""
// for the first page and next of the one before for any other; when next is
// empty, that was the last.
func (d *Dispatcher) Deliveries(ctx context.Context, sel Selection, cursor string, limit int) (list []Delivery, next string, err error) {
	l, err := d.ledger()
	if err != nil {
		return nil, "", err
	}
	return l.Deliveries(ctx, sel, cursor, limit)
}

// Attempts returns the log of a delivery, oldest first.
func (d *Dispatcher) Attempts(ctx context.Context, deliveryID string) ([]Record, error) {
	l, err := d.ledger()
	if err != nil {
		return nil, err
	}
	return l.Attempts(ctx, deliveryID)
}

// Message returns a message, shared and read-only, or [ErrNoMessage]. Its Body is
// nil once it is purged.
func (d *Dispatcher) Message(ctx context.Context, tenant, id string) (*Message, error) {
	l, err := d.ledger()
	if err != nil {
		return nil, err
	}
	return l.Message(ctx, tenant, id)
}

// Totals counts the deliveries of the selection's Tenant and EndpointID.
func (d *Dispatcher) Totals(ctx context.Context, sel Selection) (Totals, error) {
	l, err := d.ledger()
	if err != nil {
		return Totals{}, err
	}
	return l.Totals(ctx, sel)
}

// Replay sends again what is selected and final, with the same message ids and
// the whole schedule anew, and returns how many deliveries that are. One
// delivery, an endpoint since a time, or a filter: it is all in the selection.
//
//	d.Replay(ctx, deliver.Selection{EndpointID: "billing", Since: 6 * time.Hour})
//
// What is still open is not sent twice, and what is purged cannot be sent.
// Canceled and succeeded deliveries are selected too unless States says otherwise.
// An empty selection, as an empty variable makes it, is refused.
func (d *Dispatcher) Replay(ctx context.Context, sel Selection) (n int, err error) {
	l, err := d.ledger()
	if err != nil {
		return 0, err
	}
	if sel.isAll() {
		return 0, invalid("Replay of everything there is; select something, or all States")
	}
	defer d.Wake()
	return walk(ctx, sel, l.Replay)
}

// Cancel calls off what is selected and open, and returns how many deliveries
// that are; a message that awaits fan-out, delayed ones included, counts as one
// if the selection names it. An exchange that is under way is broken off within a
// third of Options.Lease, and its outcome is not recorded: the endpoint may have
// the message. Until then the next of its lane may go out beside it. An empty selection, as an empty variable makes it, is refused.
func (d *Dispatcher) Cancel(ctx context.Context, sel Selection) (n int, err error) {
	l, err := d.ledger()
	if err != nil {
		return 0, err
	}
	if sel.isAll() {
		return 0, invalid("Cancel of everything there is; select something, or all States")
	}
	defer d.Wake()
	return walk(ctx, sel, l.Cancel)
}

func walk(ctx context.Context, sel Selection, step func(context.Context, Selection, string, int) (int, string, error)) (n int, err error) {
	cursor := ""
	for {
		did, next, err := step(ctx, sel, cursor, ledgerBatch)
		n += did
		if err != nil || next == "" {
			return n, err
		}
		cursor = next
	}
}

// Purge removes the bodies of messages that were finished for at least age, and
// returns how many. What became of them stays on record, but cannot be replayed.
func (d *Dispatcher) Purge(ctx context.Context, age time.Duration) (n int, err error) {
	l, err := d.ledger()
	if err != nil {
		return 0, err
	}
	for {
		did, err := l.Purge(ctx, age, ledgerBatch)
		n += did
		if err != nil || did < ledgerBatch {
			return n, err
		}
	}
}

// EndpointState returns what the store knows of an endpoint. One that it does not
// know is in no way held back.
func (d *Dispatcher) EndpointState(ctx context.Context, endpointID string) (EndpointState, error) {
	list, err := d.EndpointStates(ctx, Selection{EndpointID: endpointID}, "", 1)
	if err != nil || len(list) == 0 {
		return EndpointState{EndpointID: endpointID}, err
	}
	return list[0], nil
}

// EndpointStates lists the endpoints of the selection's Tenant that the store
// knows, by id, from after on and up to limit.
func (d *Dispatcher) EndpointStates(ctx context.Context, sel Selection, after string, limit int) ([]EndpointState, error) {
	l, err := d.ledger()
	if err != nil {
		return nil, err
	}
	return l.Endpoints(ctx, sel, after, limit)
}

// Pause leaves an endpoint alone for a time. Its deliveries wait. A longer pause that it
// has already stays. A time of 0 or less is an error; [Dispatcher.Resume] ends a pause.
func (d *Dispatcher) Pause(ctx context.Context, endpointID string, dur time.Duration) error {
	if dur <= 0 {
		return invalid("a pause of %s is none; Resume ends one", dur)
	}
	return d.change(ctx, endpointID, Effect{Pause: dur, Cause: CauseHost})
}

// Disable stops an endpoint until it is resumed. What it has open is abandoned,
// and so is what it would get meanwhile; both can be replayed.
func (d *Dispatcher) Disable(ctx context.Context, endpointID string) error {
	return d.change(ctx, endpointID, Effect{Disable: true, Cause: CauseHost})
}

func (d *Dispatcher) change(ctx context.Context, endpointID string, e Effect) error {
	if err := checkID("endpoint id", endpointID); err != nil {
		return err
	}
	l, err := d.ledger()
	if err != nil {
		return err
	}
	return l.Change(ctx, endpointID, e)
}

// Resume ends a pause or a disabling and forgets the failures that led to it. One that
// the store does not know, or that is not held back, is no error.
//
// If replay is true, it then sends again what was abandoned since the endpoint was
// disabled, and returns how many deliveries that are. After an error it may be called
// again. As nobody knows by then since when the endpoint was disabled, this sends again
// all that is abandoned of an endpoint which is not: also what an earlier Resume left.
func (d *Dispatcher) Resume(ctx context.Context, endpointID string, replay bool) (n int, err error) {
	if err := checkID("endpoint id", endpointID); err != nil {
		return 0, err
	}
	l, err := d.ledger()
	if err != nil {
		return 0, err
	}
	s, err := d.EndpointState(ctx, endpointID)
	if err != nil {
		return 0, err
	}
	if err := l.Resume(ctx, endpointID); err != nil {
		return 0, err
	}
	defer d.Wake()
	if !replay {
		return 0, nil
	}
	abandoned := Selection{EndpointID: endpointID, States: []State{Abandoned}}
	if s.Disabled {
		abandoned.Since = s.Since + time.Minute // the clock goes on between the two calls
	}
	return d.Replay(ctx, abandoned)
}
