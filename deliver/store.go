package deliver

import (
	"context"
	"time"
)

// Enqueuer accepts messages: a [Store], or a store's view of a transaction that
// the caller commits.
type Enqueuer interface {
	// Enqueue stores the message for fan-out. A message of that tenant and id
	// with the same topic, content type and body is there already: nil, and
	// nothing changes. With another one: ErrConflict. No room: ErrFull, at once.
	// The store keeps no reference to msg or its Body.
	Enqueue(ctx context.Context, msg *Message) error
}

// Store is the port to where messages and deliveries are kept. It must be safe
// for concurrent use, by any number of processes if it is shared.
//
// All times that go in and come out are durations. The store's own clock
// decides when a lease has run out and when a delivery is due, so the clocks of
// its users need not agree.
//
// A [Fence] is handed out with a claim and is good until its lease runs out,
// the claim is settled, or its slot goes to another owner. Whoever comes with a
// stale one changes nothing and finds it in the lost ones. A call that is made
// again after it took effect, because its answer was an error or never came, is
// no loss: the fence that did the work may say so again, and nothing changes.
//
// Each method but Own is meant to be one statement, or one short transaction,
// for its whole batch. No call spans an HTTP exchange.
type Store interface {
	Enqueuer

	// Own leases to owner its fair share of the slots for ttl and returns all it
	// now holds; called again, it renews, and gives up or takes what makes the
	// shares fair. A ttl of 0 or less gives all up. A slot passes to another
	// owner only when its holder gave it up or let its lease run out, and only
	// when no claim on an endpoint in it is still leased; so an endpoint is
	// never served by two owners.
	Own(ctx context.Context, owner string, ttl time.Duration) (Slots, error)

	// Pending claims up to limit messages that await fan-out, oldest first.
	// Those whose lease runs out come again. Any owner may take any message.
	Pending(ctx context.Context, limit int, lease time.Duration) ([]Pending, error)

	// FanOut carries out the plans, each wholly or not at all: one delivery per
	// endpoint, ready at once, and the message marked; or, if the plan says
	// Again, the message given back.
	FanOut(ctx context.Context, plans []Plan) (lost []Fence, err error)

	// Ready lists, by id and from after on, up to limit endpoints within slots
	// that have ready deliveries and are not paused. Slots that the owner no
	// longer holds count as empty. next is the time until something more will
	// be ready, rounded up; 0 if nothing is scheduled.
	Ready(ctx context.Context, slots Slots, after string, limit int) (backlogs []Backlog, next time.Duration, err error)

	// Claim leases up to the wanted number of ready deliveries of each endpoint,
	// longest due first, unless it is paused or outside the slots the owner
	// holds. One whose last lease ran out comes with one attempt more in its
	// history, Attempts as well as Unknown, and the store records that attempt as
	// ReasonUnknown.
	Claim(ctx context.Context, slots Slots, wants []Want, lease time.Duration) ([]Claim, error)

	// Extend makes the claims last for lease from now.
	Extend(ctx context.Context, fences []Fence, lease time.Duration) (lost []Fence, err error)

	// Settle records attempts, and what becomes of their deliveries. A message
	// is finished when its last delivery is.
	Settle(ctx context.Context, settlements []Settlement) (lost []Fence, err error)
}

// Fence proves a claim. It is comparable.
type Fence struct {
	ID    string // of the delivery, or of the message that awaits fan-out
	Token int64  // another one for each claim
}

// Pending is a message claimed for fan-out.
type Pending struct {
	Fence   Fence
	Message *Message // shared: read-only
	Tries   int      // how often it was given back before
}

// Plan is what becomes of a message that awaited fan-out.
type Plan struct {
	Fence       Fence
	EndpointIDs []string      // without repetition; none at all finishes the message
	Again       time.Duration // if positive, nothing is fanned out and the message is pending again after this time
}

// Backlog is an endpoint that has ready deliveries.
type Backlog struct {
	EndpointID string
	Count      int // of ready deliveries, at least 1; a store may stop counting at 1000
}

// Want asks for deliveries of an endpoint.
type Want struct {
	EndpointID string
	Count      int
}

// Claim is a delivery leased to a worker: one attempt to make.
type Claim struct {
	Fence      Fence
	EndpointID string
	Message    *Message // shared: read-only
	History    History  // before this attempt
}

// Interrupted reports whether the last attempt's lease ran out, so that nobody
// knows its outcome.
func (c *Claim) Interrupted() bool { return c.History.Unknown > 0 }

// History is what a [Policy] needs to know of a delivery's past. Stores keep
// the counts as they are given.
type History struct {
	Attempts  int           // spent so far, those of unknown outcome included
	Rejected  int           // those of them that a person has to mend
	OwnFaults int           // unspent ones in a row, failed on the sending side
	Unknown   int           // the last ones in a row whose lease ran out, so that nobody knows their outcome
	Age       time.Duration // since the message was enqueued; in a claim only, by the store's clock
}

// State is where a delivery stands. The zero value is [Scheduled].
type State uint8

const (
	// Scheduled deliveries are ready, or will be when they are due.
	Scheduled State = iota
	// Claimed deliveries are leased to a worker.
	Claimed
	// Succeeded deliveries are done.
	Succeeded
	// Exhausted deliveries failed too often or for too long.
	Exhausted
	// Abandoned deliveries lost their endpoint.
	Abandoned
)

// Final reports whether a delivery in this state is never attempted again.
func (s State) Final() bool { return s >= Succeeded }

// String returns the state in a word.
func (s State) String() string {
	switch s {
	case Scheduled:
		return "scheduled"
	case Claimed:
		return "claimed"
	case Succeeded:
		return "succeeded"
	case Exhausted:
		return "exhausted"
	case Abandoned:
		return "abandoned"
	}
	return "unknown state"
}

// Settlement is what became of a claim.
type Settlement struct {
	Fence   Fence
	State   State         // any but Claimed
	After   time.Duration // when Scheduled: how long until it is due again
	History History       // to keep; its Age says nothing
	Pause   time.Duration // if positive, the whole endpoint is paused for this time; a longer pause stays
	Record  Record
}

// Record is one line of a delivery's log.
type Record struct {
	Attempt int // its number, from 1; an unspent attempt and the one after it share theirs
	Reason  Reason
	Status  int // of the answer; 0 if there was none
	Elapsed time.Duration
}
