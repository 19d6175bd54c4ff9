package verify

import (
	"context"
	"math"
	"sync"
	"time"
)

const (
	defaultReplayCapacity = 1 << 18

	// replaySweep is how many expired keys of each duration one call removes:
	// more than it can add, so that they get fewer.
	replaySweep = 2
)

// ReplayMemoryOptions are the choices of NewReplayMemory. Nil and the zero value
// mean the defaults.
type ReplayMemoryOptions struct {
	// Capacity is how many keys are held at most, reserved and finished ones
	// together. It bounds the rate that can be sustained: at the default of
	// 262,144, which takes about 45 MB when it is full, these are 390 messages
	// a second with the 11 minutes of a signed time, and 3 a second with the
	// 24 hours where there is none. Zero: the default.
	Capacity int

	// Now is the clock. It must be safe for concurrent use. Nil: time.Now.
	Now func() time.Time
}

// ReplayMemory is a ReplayStore in memory, for one process. It holds a bounded
// number of keys, and refuses with ErrReplayFull when as many are held and none
// has expired. Memory is taken as it is needed. How long a call takes does not
// depend on the number of keys, only on that of the different durations in use,
// which is two for each endpoint that has its own.
//
// The zero value is not usable: its methods then return ErrConfig. It is safe for
// concurrent use.
type ReplayMemory struct {
	capacity int
	clock    func() time.Time
	start    time.Time

	mu      sync.Mutex
	now     time.Duration // Since start; it never goes back.
	entries map[string]*replayEntry
	queues  []*replayQueue
}

// replayEntry is a key that is reserved or finished.
type replayEntry struct {
	key        string
	fence      int64
	finished   bool
	expires    time.Duration
	queue      *replayQueue
	prev, next *replayEntry
}

// replayQueue holds the entries that last equally long. What came first expires
// first, so the head tells of all of them.
type replayQueue struct {
	after      time.Duration
	head, tail *replayEntry
}

// NewReplayMemory returns an empty store. It returns an error wrapping ErrConfig
// for a negative capacity. A nil o means the defaults.
func NewReplayMemory(o *ReplayMemoryOptions) (*ReplayMemory, error) {
	capacity, clock := defaultReplayCapacity, time.Now
	if o != nil {
		switch {
		case o.Capacity < 0:
			return nil, configError("ReplayMemory has a negative Capacity: it has to have a bound")
		case o.Capacity > 0:
			capacity = o.Capacity
		}
		if o.Now != nil {
			clock = o.Now
		}
	}
	return newReplayMemory(capacity, clock), nil
}

func newReplayMemory(capacity int, clock func() time.Time) *ReplayMemory {
	return &ReplayMemory{capacity: capacity, clock: clock, start: clock(), entries: make(map[string]*replayEntry)}
}

// Len returns how many keys are held. Some may have expired and not be removed
// yet; they do not count when there is room to be found.
func (m *ReplayMemory) Len() int {
	if m == nil {
		return 0
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.entries)
}

// Reserve is as ReplayStore says. The context is not looked at. It returns
// ErrReplayFull when there is no room, and ErrConfig for a lease that is not
// positive.
func (m *ReplayMemory) Reserve(_ context.Context, key string, fence int64, lease time.Duration) (ReplayState, error) {
	if err := m.begin(lease); err != nil {
		return 0, err
	}
	defer m.mu.Unlock()
	if e := m.live(key); e != nil {
		if e.finished {
			return ReplayFinished, nil
		}
		return ReplayInFlight, nil
	}
	if err := m.put(key, fence, false, lease); err != nil {
		return 0, err
	}
	return ReplayReserved, nil
}

// Commit is as ReplayStore says. The context is not looked at. It returns
// ErrReplayFull when the lease has run out and there is no more room, and
// ErrConfig for a ttl that is not positive.
func (m *ReplayMemory) Commit(_ context.Context, key string, fence int64, ttl time.Duration) error {
	if err := m.begin(ttl); err != nil {
		return err
	}
	defer m.mu.Unlock()
	if e := m.live(key); e != nil && (e.finished || e.fence != fence) {
		return ErrReplayLost
	}
	return m.put(key, fence, true, ttl)
}

// Release is as ReplayStore says. The context is not looked at.
func (m *ReplayMemory) Release(_ context.Context, key string, fence int64) error {
	if err := m.begin(1); err != nil {
		return err
	}
	defer m.mu.Unlock()
	e := m.live(key)
	switch {
	case e == nil:
		return nil
	case e.finished || e.fence != fence:
		return ErrReplayLost
	}
	m.remove(e)
	return nil
}

// begin locks, reads the clock and removes some of what has expired. On an error
// nothing is locked.
func (m *ReplayMemory) begin(d time.Duration) error {
	switch {
	case m == nil || m.entries == nil:
		return configError("the zero ReplayMemory is not usable: use NewReplayMemory")
	case d <= 0:
		return configError("a key is to be kept for no time at all")
	}
	now := m.clock() // before the lock, which a clock that panics would not give back
	m.mu.Lock()
	m.now = max(m.now, now.Sub(m.start))
	for _, q := range m.queues {
		for range replaySweep {
			if q.head == nil || m.now < q.head.expires {
				break
			}
			m.remove(q.head)
		}
	}
	return nil
}

// live returns the entry of a key unless it has expired.
func (m *ReplayMemory) live(key string) *replayEntry {
	if e := m.entries[key]; e != nil && m.now < e.expires {
		return e
	}
	return nil
}

// put writes an entry, in the place of the one that the key has.
func (m *ReplayMemory) put(key string, fence int64, finished bool, d time.Duration) error {
	e := m.entries[key]
	switch {
	case e != nil:
		m.unlink(e)
	case len(m.entries) >= m.capacity:
		return ErrReplayFull // begin has found none that has expired
	default:
		e = &replayEntry{key: key}
		m.entries[key] = e
	}
	e.fence, e.finished = fence, finished
	e.expires = m.now + min(d, math.MaxInt64-m.now)
	m.link(e, m.queue(d))
	return nil
}

func (m *ReplayMemory) remove(e *replayEntry) {
	m.unlink(e)
	delete(m.entries, e.key)
}

// queue returns the queue for a duration. It takes an empty one before it makes
// one, so that there are never more than durations in use.
func (m *ReplayMemory) queue(d time.Duration) *replayQueue {
	var empty *replayQueue
	for _, q := range m.queues {
		if q.after == d {
			return q
		}
		if q.head == nil {
			empty = q
		}
	}
	if empty == nil {
		empty = new(replayQueue)
		m.queues = append(m.queues, empty)
	}
	empty.after = d
	return empty
}

func (m *ReplayMemory) link(e *replayEntry, q *replayQueue) {
	e.queue, e.prev, e.next = q, q.tail, nil
	if q.tail == nil {
		q.head = e
	} else {
		q.tail.next = e
	}
	q.tail = e
}

func (m *ReplayMemory) unlink(e *replayEntry) {
	if e.prev == nil {
		e.queue.head = e.next
	} else {
		e.prev.next = e.next
	}
	if e.next == nil {
		e.queue.tail = e.prev
	} else {
		e.next.prev = e.prev
	}
}
