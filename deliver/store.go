package deliver

import (
	"context"
	"time"
)

// Enqueuer accepts messages: a [Store], or a store's view of a transaction that
// the caller commits.
type Enqueuer interface {
	// Enqueue stores the messages for fan-out, all of them or none. A message of
	// a tenant and id that is there already with the same topic, content type and
	// body changes nothing and is no error; with another one: ErrConflict. No room
	// for all: ErrFull, at once. The store keeps no reference to a message or its
	// Body.
	Enqueue(ctx context.Context, messages ...*Message) error
}

// Store is the port to where messages and deliveries are kept. It must be safe
// for concurrent use, by any number of processes if it is shared. What only
// people ask for is in a second interface, [Ledger], which a store may do
// without.
//
// All times that go in and come out are durations. The store's own clock
// decides when a lease has run out and when a delivery is due, so the clocks of
// its users need not agree.
//
// A [Fence] is handed out with a claim and is good until its lease runs out,
// the claim is settled or canceled, or its slot goes to another owner. Whoever
// comes with a stale one changes nothing and finds it in the lost ones. A call
// that is made again after it took effect, because its answer was an error or
// never came, is no loss: the fence that did the work may say so again, and
// nothing changes.
//
// Each method but Own is meant to be one statement, or one short transaction,
// for its whole batch. No call spans an HTTP exchange.
//
// # What is ready
//
// Ready and Claim see only what may go out now, so that a store can keep just
// that in a narrow index. A delivery is ready when it is scheduled and due, its
// endpoint is neither paused nor disabled, and nothing goes before it in its
// lane. A lane is what the ordered deliveries of one endpoint and message key
// form, in the order in which FanOut made them; all but its first one that is
// not final are blocked. Whatever makes a delivery final promotes the next of
// its lane.
//
// Ready alone has to notice what time brings: that something is due, that a lease
// has run out, that a pause has ended. Claim may go by what the last Ready of
// anybody noticed. No fence outlasts its lease for that.
//
// What a process may forget is not the store's: the concurrency an endpoint is
// allowed at the moment, its rate, its breaker.
type Store interface {
	Enqueuer

	// Own leases to owner its fair share of the slots for ttl and returns all it
	// now holds; called again, it renews, and gives up or takes what makes the
	// shares fair. A ttl of 0 or less gives all up. A slot passes to another
	// owner only when its holder gave it up or let its lease run out, and only
	// when no claim on an endpoint in it is still leased; so an endpoint is
	// never served by two owners.
	Own(ctx context.Context, owner string, ttl time.Duration) (Slots, error)

	// Pending claims up to limit messages that await fan-out and are not delayed.
	// Those whose lease runs out come again. Any owner may take any message.
	// Tenants take turns, so that none waits for the backlog of another; of one
	// tenant the oldest come first. Messages with the same tenant and key come in
	// their order: one is not handed out while another that goes before it awaits
	// fan-out, unless both come in the same call. Old and before go by when a
	// message became due, that is accepted with its delay over, and then by when it
	// was accepted. next is the time until a message more may be pending, or less
	// than that; 0 if none is foreseen.
	Pending(ctx context.Context, limit int, lease time.Duration) (batch []Pending, next time.Duration, err error)

	// FanOut carries out the plans in their order, each wholly or not at all: one
	// delivery per target, ready at once unless its lane blocks it, and the
	// message marked; or, if the plan says Again, the message given back. A
	// delivery to a disabled endpoint is abandoned as it is made, for
	// ReasonDisabled. A plan for a message with a key is lost while one that goes
	// before it awaits fan-out.
	FanOut(ctx context.Context, plans []Plan) (lost []Fence, err error)

	// Ready walks, in an order of the store's own and from the endpoint after on,
	// which need not exist, through the endpoints within slots that have ready
	// deliveries, up to limit of them. "" begins; less than limit ends the walk.
	// Slots that the owner no longer holds count as empty. next is the time until
	// something more may be ready in whatever slots, or less than that; 0 if nothing
	// is scheduled.
	Ready(ctx context.Context, slots Slots, after string, limit int) (backlogs []Backlog, next time.Duration, err error)

	// Claim leases up to the wanted numbers of ready deliveries of each endpoint,
	// longest due first, unless it is outside the slots the owner holds. One
	// whose last lease ran out comes with one attempt more in its history,
	// Attempts as well as Unknown, and the store records that attempt as
	// ReasonUnknown. It counts as a retry.
	Claim(ctx context.Context, slots Slots, wants []Want, lease time.Duration) ([]Claim, error)

	// Extend makes the claims last for lease from now.
	Extend(ctx context.Context, fences []Fence, lease time.Duration) (lost []Fence, err error)

	// Settle records attempts, what becomes of their deliveries, and what they
	// mean for their endpoints. A message is finished when its last delivery is. A
	// delivery whose endpoint is disabled by then ends as Abandoned and not as
	// Scheduled. What a claim from before the last Resume of its endpoint says of it
	// comes too late: it has no effect, but for SignalSuccess.
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
	Fence   Fence
	Targets []Target      // no endpoint twice; none at all finishes the message
	Again   time.Duration // if positive, nothing is fanned out and the message is pending again after this time
}

// Target is an endpoint that is to get a message.
type Target struct {
	EndpointID string
	Ordered    bool // in the lane of the message's key; without effect if that is empty
}

// BacklogEnough is how far a store has to count: from here on, a number in a [Backlog]
// means so many or more.
const BacklogEnough = 16

// Backlog is an endpoint that has ready deliveries.
type Backlog struct {
	EndpointID string
	Tenant     string // of its messages
	First      int    // ready deliveries that were never attempted
	Retries    int    // other ready deliveries
}

// Want asks for deliveries of an endpoint.
type Want struct {
	EndpointID string
	First      int // never attempted ones
	Retries    int // others
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
	Attempts  int // spent so far, those of unknown outcome included
	Rejected  int // those of them that a person has to mend
	OwnFaults int // unspent ones in a row, failed on the sending side
	Unknown   int // the last ones in a row whose lease ran out, so that nobody knows their outcome
	Replays   int // how often the delivery was replayed; the other counts begin anew each time

	// Age and Health are filled in for claims, by the store's clock, and not kept.
	Age    time.Duration // since the message was accepted, or its delay was over, or the delivery was replayed
	Health Health        // of the endpoint
}

// Fresh reports whether the delivery was never attempted, not even in vain or before
// a replay: its next attempt is what stores and dispatchers call a first one.
func (h History) Fresh() bool { return h.Attempts == 0 && h.OwnFaults == 0 && h.Replays == 0 }

// Health is what an endpoint's recent failures add up to. The zero value is that
// of an endpoint whose last attempt succeeded. A success wipes all of it out.
type Health struct {
	Failing time.Duration // since the first failure
	Spread  time.Duration // between the first failure and the last
	Gone    time.Duration // since the first 410 of them; 0 if there is none
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
	// Abandoned deliveries lost their endpoint: it is gone, or was disabled.
	Abandoned
	// Canceled deliveries were called off.
	Canceled
)

// Final reports whether a delivery in this state is not attempted again, unless
// somebody replays it.
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
	case Canceled:
		return "canceled"
	}
	return "unknown state"
}

// Settlement is what became of a claim.
type Settlement struct {
	Fence    Fence
	State    State         // any but Claimed
	After    time.Duration // when Scheduled: how long until it is due again
	History  History       // to keep; its Age and Health say nothing
	Endpoint Effect
	Record   Record
}

// Effect is what happens to the state of an endpoint. The zero value changes
// nothing.
type Effect struct {
	Signal  Signal        // what the attempt adds to the endpoint's Health
	Pause   time.Duration // if positive, nothing is ready for so long; a longer pause stays
	Disable bool          // nothing is ready until the endpoint is resumed, and meanwhile what it has open is abandoned, by the next Ready calls at the latest
	Cause   Cause         // of Pause and Disable
}

// Signal is what an attempt says of its endpoint. The zero value says nothing.
type Signal uint8

const (
	// SignalNone says nothing: the attempt failed on the sending side, for one.
	SignalNone Signal = iota
	// SignalSuccess wipes all failures out.
	SignalSuccess
	// SignalFailure is one failure more.
	SignalFailure
	// SignalGone is a failure with status 410.
	SignalGone
)

// Cause names why an endpoint is paused or disabled. Stores keep it as text, so
// the values do not change. The zero value is no cause.
type Cause string

// Why endpoints are paused or disabled.
const (
	// CauseRetryAfter: it asked to be left alone for a while.
	CauseRetryAfter Cause = "retry after"
	// CauseGone: it answered 410 for minutes.
	CauseGone Cause = "gone"
	// CauseAsked: it answered with the header webhook-delivery: disable.
	CauseAsked Cause = "asked"
	// CauseFailing: it has failed for days.
	CauseFailing Cause = "failing"
	// CauseHost: a person decided so.
	CauseHost Cause = "host"
)

// Record is one line of a delivery's log.
type Record struct {
	Attempt int // its number, from 1; an unspent attempt and the one after it share theirs
	Replay  int // how often the delivery had been replayed
	Reason  Reason
	Status  int // of the answer; 0 if there was none
	Elapsed time.Duration
}
