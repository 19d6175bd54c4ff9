package deliver

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"example.com/paperround/topic"
)

// countingStore counts the walks.
type countingStore struct {
	Store
	readies atomic.Int64
}

func (s *countingStore) Ready(ctx context.Context, slots Slots, after string, limit int) ([]Backlog, time.Duration, error) {
	s.readies.Add(1)
	return s.Store.Ready(ctx, slots, after, limit)
}

// terseStore counts no further than it has to.
type terseStore struct{ Store }

func (s terseStore) Ready(ctx context.Context, slots Slots, after string, limit int) ([]Backlog, time.Duration, error) {
	list, next, err := s.Store.Ready(ctx, slots, after, limit)
	for i := range list {
		list[i].First, list[i].Retries = min(list[i].First, BacklogEnough), min(list[i].Retries, BacklogEnough)
	}
	return list, next, err
}

// changingDirectory is one whose endpoints change, and which can fail.
type changingDirectory struct {
	careless bool   // matches endpoints of any tenant
	fault    func() // what failing does, if not return an error
	calls    atomic.Int64

	mu          sync.Mutex
	endpoints   []*Endpoint
	failing     bool
	failsLookup bool
}

func (d *changingDirectory) set(endpoints ...*Endpoint) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.endpoints = endpoints
}

func (d *changingDirectory) fail(on bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.failing = on
}

func (d *changingDirectory) failLookups(on bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.failsLookup = on
}

func (d *changingDirectory) check(fails bool) error {
	d.calls.Add(1)
	if !fails {
		return nil
	}
	if d.fault != nil {
		d.fault()
	}
	return errInjected
}

func (d *changingDirectory) Match(_ context.Context, tenant string, t topic.Topic) ([]*Endpoint, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.check(d.failing); err != nil {
		return nil, err
	}
	var found []*Endpoint
	for _, e := range d.endpoints {
		if d.careless || e.wants(tenant, t) {
			found = append(found, e)
		}
	}
	return found, nil
}

func (d *changingDirectory) Endpoint(_ context.Context, id string) (*Endpoint, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.check(d.failsLookup); err != nil {
		return nil, err
	}
	for _, e := range d.endpoints {
		if e != nil && e.ID == id {
			return e, nil
		}
	}
	return nil, ErrNoEndpoint
}

// hangingDirectory finds endpoints, but never gets to look one up.
type hangingDirectory struct{ Directory }

func (hangingDirectory) Endpoint(ctx context.Context, _ string) (*Endpoint, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// faultyStore is a store that can be cut off, or made to fail now and then:
// before a call took effect, or after.
type faultyStore struct {
	Store
	mu     sync.Mutex
	broken bool
	every  int // fail one of so many calls, by luck: a pattern could hit the same delivery each time
	luck   *rand.Rand
	dies   int            // fail for good from this call on; 0 for never
	failed map[string]int // calls by kind
}

func (s *faultyStore) over(inner Store) Store {
	s.Store = inner
	s.failed = map[string]int{}
	s.luck = rand.New(rand.NewPCG(1, 2))
	return s
}

func (s *faultyStore) cutOff(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken = on
}

// turn says whether a call fails before or after it takes effect.
func (s *faultyStore) turn(kind string) (before, after error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dies > 0 {
		if s.dies--; s.dies == 0 {
			s.broken = true
		}
	}
	if s.broken {
		return errInjected, nil
	}
	if s.every > 0 && s.luck.IntN(s.every) == 0 {
		s.failed[kind]++
		if s.luck.IntN(2) == 0 {
			return errInjected, nil
		}
		return nil, errInjected
	}
	return nil, nil
}

func faulty[T any](s *faultyStore, kind string, call func() (T, error)) (T, error) {
	var none T
	before, after := s.turn(kind)
	if before != nil {
		return none, before
	}
	got, err := call()
	if after != nil {
		return none, after
	}
	return got, err
}

func (s *faultyStore) Enqueue(ctx context.Context, messages ...*Message) error {
	_, err := faulty(s, "Enqueue", func() (struct{}, error) { return struct{}{}, s.Store.Enqueue(ctx, messages...) })
	return err
}

func (s *faultyStore) Own(ctx context.Context, owner string, ttl time.Duration) (Slots, error) {
	return faulty(s, "Own", func() (Slots, error) { return s.Store.Own(ctx, owner, ttl) })
}

func (s *faultyStore) Pending(ctx context.Context, limit int, lease time.Duration) ([]Pending, time.Duration, error) {
	var next time.Duration
	list, err := faulty(s, "Pending", func() (list []Pending, err error) {
		list, next, err = s.Store.Pending(ctx, limit, lease)
		return list, err
	})
	return list, next, err
}

func (s *faultyStore) FanOut(ctx context.Context, plans []Plan) ([]Fence, error) {
	return faulty(s, "FanOut", func() ([]Fence, error) { return s.Store.FanOut(ctx, plans) })
}

func (s *faultyStore) Ready(ctx context.Context, slots Slots, after string, limit int) ([]Backlog, time.Duration, error) {
	var next time.Duration
	list, err := faulty(s, "Ready", func() (list []Backlog, err error) {
		list, next, err = s.Store.Ready(ctx, slots, after, limit)
		return list, err
	})
	return list, next, err
}

func (s *faultyStore) Claim(ctx context.Context, slots Slots, wants []Want, lease time.Duration) ([]Claim, error) {
	return faulty(s, "Claim", func() ([]Claim, error) { return s.Store.Claim(ctx, slots, wants, lease) })
}

func (s *faultyStore) Extend(ctx context.Context, fences []Fence, lease time.Duration) ([]Fence, error) {
	return faulty(s, "Extend", func() ([]Fence, error) { return s.Store.Extend(ctx, fences, lease) })
}

func (s *faultyStore) Settle(ctx context.Context, settlements []Settlement) ([]Fence, error) {
	return faulty(s, "Settle", func() ([]Fence, error) { return s.Store.Settle(ctx, settlements) })
}
