package deliver

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// walkStore says in its own way what is ready.
type walkStore struct {
	Store
	takes time.Duration
	fails error
	mute  bool // foresees nothing
	owns  func() error
	walks chan<- time.Time // told of each, if somebody listens
}

func (s *walkStore) over(inner Store) Store {
	s.Store = inner
	return s
}

func (s *walkStore) Own(ctx context.Context, owner string, ttl time.Duration) (Slots, error) {
	if s.owns != nil {
		if err := s.owns(); err != nil {
			return Slots{}, err
		}
	}
	return s.Store.Own(ctx, owner, ttl)
}

func (s *walkStore) Ready(ctx context.Context, slots Slots, after string, limit int) ([]Backlog, time.Duration, error) {
	list, next, err := s.Store.Ready(ctx, slots, after, limit)
	select {
	case s.walks <- time.Now():
	default:
	}
	if slept := sleep(ctx, s.takes); slept != nil {
		return nil, 0, slept
	}
	if s.fails != nil {
		return nil, 0, s.fails
	}
	if s.mute {
		next = 0
	}
	return list, next, err
}

// fanOutBefore makes a delivery to each endpoint in a store that nobody serves yet.
func fanOutBefore(tb testing.TB, b *bench, ids ...string) {
	tb.Helper()
	b.publish(tb, "before")
	batch, _, err := b.store.Pending(tb.Context(), 1, time.Minute)
	require.NoError(tb, err)
	_, err = b.store.FanOut(tb.Context(), []Plan{{Fence: batch[0].Fence, Targets: targets(ids...)}})
	require.NoError(tb, err)
}

// A walk that takes long, or fails, does not hold up what is known already.
func TestSlowWalkHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]*walkStore{
		"slow":  {takes: 15 * time.Second},
		"hangs": {takes: time.Hour},
		"fails": {fails: errInjected},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				rec := always(200)
				b := setup(t, rec, benchOptions{through: s.over})
				pass(time.Minute)
				for n := range 100 {
					b.publish(t, names("m%d", 100)[n])
					pass(100 * time.Millisecond)
					require.Len(t, rec.seen(), n+1)
				}
			})
		})
	}
}

// What is in the store is found at once, however many endpoints that are and however
// seldom the dispatcher polls.
func TestWalkAtTheStart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const n = 2*readyPage + 100
		ids := names("e%04d", n)
		endpoints := make([]*Endpoint, n)
		for i, id := range ids {
			endpoints[i] = newEndpoint(id)
		}
		b := setup(t, always(200), benchOptions{endpoints: endpoints, options: Options{Poll: time.Hour}, idle: true})
		fanOutBefore(t, b, ids...)
		b.start(t)
		pass(10 * time.Millisecond)
		require.Equal(t, uint64(n), b.Stats().Succeeded)
	})
}

// A walk ends with Run's context, between two pages.
func TestWalkIsBrokenOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const n = 4 * readyPage
		ids := names("e%04d", n)
		s := &walkStore{takes: time.Second}
		b := setup(t, always(200), benchOptions{through: s.over, idle: true})
		fanOutBefore(t, b, ids...)
		b.start(t)
		pass(100 * time.Millisecond)
		begin := time.Now()
		require.NoError(t, b.err())
		require.Less(t, time.Since(begin), time.Second)
	})
}

// What is due later is found when it is due, although nobody polls.
func TestWalkWhenSomethingIsDue(t *testing.T) {
	t.Parallel()
	for name, restart := range map[string]bool{"of this run": false, "of the one before": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				e := newEndpoint("e1")
				e.Policy = &Policy{Schedule: []time.Duration{30 * time.Second}, Jitter: -1}
				rec := always(500)
				s := &walkStore{mute: !restart}
				b := setup(t, rec, benchOptions{endpoints: []*Endpoint{e}, options: Options{Poll: time.Hour}, through: s.over})
				pass(10 * time.Minute)
				b.publish(t, "m1")
				pass(time.Second)
				if restart {
					require.NoError(t, b.err())
					b.start(t)
				}
				pass(10 * time.Minute)
				at := rec.times()
				require.Len(t, at, 2)
				require.InDelta(t, 30*time.Second, at[1]-at[0], float64(10*time.Millisecond))
			})
		})
	}
}

// What is settled while a walk is under way, which may not have seen it, is found when it
// is due.
func TestSettlementDuringAWalk(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		walks := make(chan time.Time)
		var answered time.Duration
		rec := newReceiver(nil)
		rec.reply = func(_ *http.Request, n int) (*http.Response, error) {
			if n > 1 {
				return answer(200), nil
			}
			time.Sleep(time.Minute)
			<-walks // the answer comes in the middle of one
			answered = time.Since(rec.begin)
			return answer(500), nil
		}
		e := newEndpoint("e1")
		e.Timeout = time.Hour
		e.Policy = &Policy{Schedule: []time.Duration{5 * time.Second}, Jitter: -1}
		s := &walkStore{takes: 100 * time.Millisecond, mute: true, walks: walks}
		b := setup(t, rec, benchOptions{endpoints: []*Endpoint{e}, options: Options{Poll: time.Hour}, through: s.over})
		b.publish(t, "m1")
		pass(time.Hour)
		at := rec.times()
		require.Len(t, at, 2)
		require.Greater(t, answered, time.Minute)
		require.InDelta(t, 5*time.Second, at[1]-answered, float64(200*time.Millisecond))
	})
}

// Walks take no more than a tenth of the time, whatever goes on.
func TestWalksAreNoBurden(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		walks := make(chan time.Time, 10_000)
		e := newEndpoint("e1")
		e.Policy = &Policy{Schedule: []time.Duration{time.Millisecond}}
		s := &walkStore{takes: 100 * time.Millisecond, walks: walks}
		b := setup(t, always(500), benchOptions{endpoints: []*Endpoint{e}, options: Options{Relief: &Relief{BreakerShare: -1}}, through: s.over})
		for _, id := range names("m%d", 2000) {
			b.publish(t, id)
			b.Wake()
			time.Sleep(10 * time.Millisecond)
		}
		require.InDelta(t, 19, len(walks), 3)
	})
}

// Who serves no endpoint has nothing to look for.
func TestNoWalkWithoutSlots(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		walks := make(chan time.Time, 10_000)
		s := &walkStore{walks: walks, owns: func() error { return errInjected }}
		b := setup(t, always(200), benchOptions{through: s.over})
		pass(time.Minute)
		require.Empty(t, walks)
		require.Positive(t, b.Stats().StoreErrors)
	})
}
