package verify

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"sync/atomic"
	"time"
)

const (
	// replayMargin is how much longer than the time is judged a message is
	// remembered: for whole seconds and for clocks that are set.
	replayMargin = time.Minute

	defaultReplayTTL     = 24 * time.Hour
	defaultReplayLease   = time.Minute
	defaultReplayTimeout = 5 * time.Second
)

// Replay is how Middleware and Handler keep a message from being handled twice.
// A message is reserved once it is known to be authentic, recorded as finished
// when it was answered with 2xx, and set free for the next try when it was not.
// A reservation has a lease, so that a process that dies does not keep a message
// for ever; a handler that takes longer than the lease may run beside a second
// one.
//
// A message is known again by what its signature covers, never by the
// signature, of which the same message can have several:
//
//   - by the signed id, as in Standard Webhooks. Its signed time, too, is judged,
//     so a captured message is refused for good. And an event that the sender
//     sends again, under the same id and a new time, is acknowledged and not
//     handled, as long as TTL reaches.
//   - by the signed time and the body, where no id is signed. This is freshness
//     alone: an event that is sent again has a new time and is handled again,
//     and two events of one second with the same bytes count as one.
//   - by what Key returns, where neither is signed, as for Cleeng, ConsCent,
//     GitHub and InPlayer. This is deduplication and not freshness: a captured
//     message is handled again once TTL has passed.
//
// A nil *Replay in HandlerOptions protects, with the defaults, where the checker
// proves an id or a time. It does not where the checker proves neither, because
// two real events can have the same bytes there; a Replay that is not nil then
// needs a Key. A checker that serves several senders tells them apart in
// Receipt.Sender, because two of them may use the same id.
//
// A message counts as handled, too, when the Undecodable route took it and when a
// route called its failure Permanent. One that has no route does not: it is
// acknowledged, and handled when it comes again after a route was added.
type Replay struct {
	// Store remembers. Nil: a store in memory with its defaults, one for each
	// Handler and each Middleware; it knows nothing of other processes, and
	// forgets with its own. Handlers behind one Middleware share it: where a
	// sender posts one event to two of them, give each a Middleware of its own,
	// or the second to get it takes it for a replay. It holds 262,144 messages,
	// enough for 390 a second where a time is signed and for 3 a second where
	// messages are remembered for a day; once it is full, all are answered with
	// 503. See ReplayMemoryOptions for more.
	Store ReplayStore

	// Scope tells apart endpoints that share a Store: what was handled in one
	// scope is new in another. Required with Store, because without it one
	// tenant's message could pass for a replay of another's.
	Scope string

	// Key returns what makes a message the one that it is, out of its
	// receipt, which it must not change. The text may be of any length; it is
	// hashed, together with the scope and the scheme. Where several senders
	// stand behind one checker, it must tell them apart, too. FormKey is one
	// for InPlayer. It must be safe for concurrent use. Nil: the signed id, or
	// else the signed time and the body.
	//
	// An error, or an empty text, means that the message is not written as it
	// should be: it goes to the Undecodable route, or is answered with 400
	// where there is none. It is then neither reserved nor recorded. An error
	// that wraps ErrConfig is answered with 500.
	Key func(*Receipt) (string, error)

	// TTL is how long a finished message is remembered. Zero: twice the
	// checker's tolerance and a minute where it judges a signed time, after
	// which the message is too old in any case, though the sender may sign it
	// anew; 24 hours where it does not, or where there is a Key. Negative:
	// there is no protection at all. Less than twice the tolerance and a minute
	// is refused.
	TTL time.Duration

	// Lease is how long a reservation outlives the process that made it.
	// Make it longer than the slowest handler takes, and shorter than the
	// sender goes on trying. Zero: 1 minute.
	Lease time.Duration

	// Timeout bounds each call to the store. The calls go on when the sender
	// hangs up, because the outcome must be recorded all the same. Zero: 5
	// seconds.
	Timeout time.Duration
}

// ReplayState is what a ReplayStore knows of a key. The zero value is none.
type ReplayState uint8

const (
	// ReplayReserved says that the key was free, and is now reserved for the
	// caller.
	ReplayReserved ReplayState = iota + 1
	// ReplayInFlight says that another reservation of the key stands.
	ReplayInFlight
	// ReplayFinished says that the key has been committed.
	ReplayFinished
)

// ReplayStore remembers messages by their keys. ReplayMemory is one; a store
// that several processes share, in a database for example, is for the host to
// write. It must be safe for concurrent use.
//
// A key is free, reserved or finished. Each call is one atomic step, judged by
// the store's own clock: durations go in, and never instants. Keys are 43
// letters, digits, - and _; a fence is any number, unlike that of any other
// reservation and in no order with them. A reservation belongs to the fence that
// made it. An error of a store goes to the log, so it must hold no secret.
//
// A store that has no room must refuse a reservation with ErrReplayFull. It must
// not make room by forgetting something that has not expired, because that could
// then be replayed.
type ReplayStore interface {
	// Reserve reserves a key for the length of lease if it is free: never
	// seen, released, or expired. It then returns ReplayReserved, else what the
	// key is, and changes nothing. Any error means that nothing is known.
	Reserve(ctx context.Context, key string, fence int64, lease time.Duration) (ReplayState, error)

	// Commit makes the key finished for the length of ttl, if it is reserved
	// under this fence or free: the lease may have run out meanwhile. If it is
	// reserved under another fence or finished, Commit changes nothing and
	// returns ErrReplayLost.
	Commit(ctx context.Context, key string, fence int64, ttl time.Duration) error

	// Release makes the key free if it is reserved under this fence. A free
	// key is left so. If it is reserved under another fence or finished,
	// Release changes nothing and returns ErrReplayLost.
	Release(ctx context.Context, key string, fence int64) error
}

// guard is the replay protection of one endpoint.
type guard struct {
	store               ReplayStore
	scope               string
	key                 func(*Receipt) (string, error)
	proves              Proof
	ttl, lease, timeout time.Duration
	fences              atomic.Int64
}

// newGuard returns nil when there is no protection.
func newGuard(c Checker, o *Replay) (*guard, error) {
	proves := c.Proves()
	if o == nil {
		if !proves.ID && !proves.Time {
			return nil, nil
		}
		o = new(Replay)
	}
	switch {
	case o.TTL < 0:
		return nil, nil
	case o.Key == nil && !proves.ID && !proves.Time:
		return nil, configError("Replay needs a Key, because the checker proves neither an id nor a time: " +
			`give one, as FormKey("id") for InPlayer, or leave Replay nil`)
	case o.Store != nil && o.Scope == "":
		return nil, configError("Replay has a Store and no Scope: name the endpoint, so that others can share the store")
	case o.Lease < 0 || o.Timeout < 0:
		return nil, configError("Replay has a negative Lease or Timeout: zero means the default")
	}
	window, judged := windowOf(proves)
	if o.TTL != 0 && o.TTL < window {
		return nil, configError("Replay has a TTL of less than twice the tolerance and a minute: a message could be replayed once it is forgotten")
	}
	g := &guard{
		store: o.Store, scope: o.Scope, key: o.Key, proves: proves,
		ttl: o.TTL, lease: o.Lease, timeout: o.Timeout,
	}
	if g.ttl == 0 {
		g.ttl = window
		if !judged || g.key != nil {
			g.ttl = max(window, defaultReplayTTL)
		}
	}
	if g.lease == 0 {
		g.lease = defaultReplayLease
	}
	if g.timeout == 0 {
		g.timeout = defaultReplayTimeout
	}
	if g.store == nil {
		g.store = newReplayMemory(defaultReplayCapacity, time.Now)
	}
	// A start that no other process has keeps fences apart.
	var start int64
	if err := binary.Read(rand.Reader, binary.LittleEndian, &start); err != nil {
		return nil, configError("no random numbers: " + err.Error())
	}
	g.fences.Store(start)
	return g, nil
}

// windowOf returns for how long one message can be accepted, if its age is judged,
// with a margin.
func windowOf(p Proof) (window time.Duration, judged bool) {
	tolerance := p.tolerance()
	if tolerance < 0 {
		return 0, false
	}
	return 2*min(tolerance, (math.MaxInt64-replayMargin)/2) + replayMargin, true
}

// reservation is a message that is being handled. The zero value is none.
type reservation struct {
	key   string
	fence int64
}

// reserve returns the reservation, or an error wrapping ErrInFlight,
// ErrReplayStore, ErrUndecodable or ErrConfig. Neither means that the message
// was handled before.
func (g *guard) reserve(ctx context.Context, rc *Receipt) (reservation, error) {
	key, err := g.keyOf(rc)
	if err != nil {
		return reservation{}, err
	}
	ctx, cancel := g.bound(ctx)
	defer cancel()
	r := reservation{key: key, fence: g.fences.Add(1)}
	switch state, err := g.store.Reserve(ctx, r.key, r.fence, g.lease); {
	case err != nil:
		return reservation{}, storeError(rc, err)
	case state == ReplayReserved:
		return r, nil
	case state == ReplayFinished:
		return reservation{}, nil
	case state == ReplayInFlight:
		return reservation{}, &Error{Scheme: rc.Scheme, Err: ErrInFlight}
	}
	return reservation{}, storeError(rc, errors.New("Reserve returned no known state"))
}

// settle records the outcome.
func (g *guard) settle(ctx context.Context, r reservation, rc *Receipt, finished bool) error {
	ctx, cancel := g.bound(ctx)
	defer cancel()
	var err error
	if finished {
		err = g.store.Commit(ctx, r.key, r.fence, g.ttl)
	} else {
		err = g.store.Release(ctx, r.key, r.fence)
	}
	if err != nil {
		return storeError(rc, err)
	}
	return nil
}

// bound returns the context for one call to the store. The store in memory does
// not look at it.
func (g *guard) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := g.store.(*ReplayMemory); ok {
		return ctx, func() {}
	}
	return context.WithTimeout(context.WithoutCancel(ctx), g.timeout)
}

func storeError(rc *Receipt, err error) error {
	return &Error{Scheme: rc.Scheme, Err: fmt.Errorf("%w: %w", ErrReplayStore, err)}
}
