package deliver

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// nasty answers late, fails before or after the effect, returns fewer claims than wanted,
// repeats and shuffles pages, and sometimes counts wrong.
type nasty struct {
	Store
	mu  sync.Mutex
	rnd *rand.Rand
}

func (s *nasty) f() float64  { s.mu.Lock(); defer s.mu.Unlock(); return s.rnd.Float64() }
func (s *nasty) n(n int) int { s.mu.Lock(); defer s.mu.Unlock(); return s.rnd.IntN(n) }

func nastily[T any](ctx context.Context, s *nasty, call func(context.Context) (T, error)) (T, error) {
	var none T
	switch x := s.f(); {
	case x < 0.03:
		return none, errInjected
	case x < 0.05: // hangs
		<-ctx.Done()
		return none, ctx.Err()
	case x < 0.08: // takes effect, but nobody hears of it
		_, _ = call(context.WithoutCancel(ctx))
		return none, errInjected
	case x < 0.10: // takes effect after the caller gave up
		go func() {
			time.Sleep(time.Duration(s.n(int(5 * time.Second))))
			_, _ = call(context.WithoutCancel(ctx))
		}()
		<-ctx.Done()
		return none, ctx.Err()
	case x < 0.3:
		time.Sleep(time.Duration(s.n(int(200 * time.Millisecond))))
	}
	return call(ctx)
}

func (s *nasty) Own(ctx context.Context, o string, ttl time.Duration) (Slots, error) {
	return nastily(ctx, s, func(ctx context.Context) (Slots, error) { return s.Store.Own(ctx, o, ttl) })
}

func (s *nasty) Pending(ctx context.Context, limit int, l time.Duration) ([]Pending, time.Duration, error) {
	var next time.Duration
	list, err := nastily(ctx, s, func(ctx context.Context) (list []Pending, err error) {
		list, _, err = s.Store.Pending(ctx, 1+s.n(limit), l)
		return list, err
	})
	if s.f() < 0.5 {
		next = time.Duration(s.n(int(time.Hour)))
	}
	return list, next, err
}

func (s *nasty) FanOut(ctx context.Context, p []Plan) ([]Fence, error) {
	return nastily(ctx, s, func(ctx context.Context) ([]Fence, error) { return s.Store.FanOut(ctx, p) })
}

func (s *nasty) Ready(ctx context.Context, sl Slots, a string, limit int) ([]Backlog, time.Duration, error) {
	var next time.Duration
	list, err := nastily(ctx, s, func(ctx context.Context) (list []Backlog, err error) {
		list, _, err = s.Store.Ready(ctx, sl, a, limit)
		return list, err
	})
	next = time.Duration(s.n(int(time.Minute)))
	for i := range list {
		switch s.n(6) {
		case 0:
			list[i].First, list[i].Retries = 1000, 1000
		case 1:
			list[i].First, list[i].Retries = list[i].Retries, list[i].First
		}
	}
	if len(list) > 0 && len(list) < limit-3 && s.f() < 0.5 {
		list = append(list, list[0], list[len(list)-1], Backlog{EndpointID: "nobody", First: 3})
		s.mu.Lock()
		s.rnd.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
		s.mu.Unlock()
	}
	return list, next, err
}

func (s *nasty) Claim(ctx context.Context, sl Slots, w []Want, l time.Duration) ([]Claim, error) {
	return nastily(ctx, s, func(ctx context.Context) ([]Claim, error) {
		less := make([]Want, 0, len(w))
		for _, x := range w {
			less = append(less, Want{x.EndpointID, s.n(x.First + 1), s.n(x.Retries + 1)})
		}
		if s.f() < 0.5 {
			less = w
		}
		return s.Store.Claim(ctx, sl, less, l)
	})
}

func (s *nasty) Extend(ctx context.Context, f []Fence, l time.Duration) ([]Fence, error) {
	return nastily(ctx, s, func(ctx context.Context) ([]Fence, error) { return s.Store.Extend(ctx, f, l) })
}

func (s *nasty) Settle(ctx context.Context, x []Settlement) ([]Fence, error) {
	return nastily(ctx, s, func(ctx context.Context) ([]Fence, error) { return s.Store.Settle(ctx, x) })
}

func TestNasty(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				rnd := rand.New(rand.NewPCG(seed, 7))
				var eps []*Endpoint
				for i := range 12 {
					e := newEndpoint(fmt.Sprint("e", i))
					e.Tenant = fmt.Sprint("t", i%4)
					e.Ordered = i%3 == 0
					e.Policy = &Policy{Schedule: names0(20), RejectedAttempts: -1, MaxAge: -1, DisableAfter: -1}
					eps = append(eps, e)
				}
				var mu sync.Mutex
				type dk struct{ ep, id string }
				acted := map[dk]int{}
				var order []dk
				r := newReceiver(func(req *http.Request, _ int) (*http.Response, error) {
					mu.Lock()
					x := rnd.Float64()
					mu.Unlock()
					select {
					case <-time.After(time.Duration(x * float64(20*time.Second))):
					case <-req.Context().Done():
						return nil, req.Context().Err()
					}
					if x < 0.2 {
						return answer(503), nil
					}
					mu.Lock()
					k := dk{hostOf(req), req.Header.Get(headerID)}
					acted[k]++
					if acted[k] == 1 {
						order = append(order, k)
					}
					mu.Unlock()
					return answer(200), nil
				})
				wrap := func(s uint64) func(Store) Store {
					return func(st Store) Store { return &nasty{Store: st, rnd: rand.New(rand.NewPCG(seed, s))} }
				}
				o := Options{Relief: &Relief{BreakerPause: 5 * time.Second}, Lease: 20 * time.Second}
				a := setup(t, r, benchOptions{endpoints: eps, options: o, through: wrap(1)})
				b := setup(t, r, benchOptions{endpoints: eps, options: o, through: wrap(2), store: a.store})
				const each = 30
				want := 0
				for i := range each {
					for tn := range 4 {
						id := fmt.Sprintf("m%02d", i)
						_, err := a.Publish(t.Context(), newEvent(), &PublishOptions{ID: id, Tenant: fmt.Sprint("t", tn), Key: fmt.Sprint("k", i%2)})
						require.NoError(t, err)
						want += 3
					}
					pass(2 * time.Second)
				}
				pass(3 * time.Hour)
				_ = a.err()
				pass(24 * time.Hour)
				totals, _ := a.store.Totals(context.Background(), Selection{})
				mu.Lock()
				defer mu.Unlock()
				dup := 0
				for _, n := range acted {
					dup += n - 1
				}
				last := map[string]string{}
				broken := 0
				for _, k := range order {
					var i int
					_, _ = fmt.Sscanf(k.id, "m%d", &i)
					var e int
					_, _ = fmt.Sscanf(k.ep, "e%d", &e)
					if e%3 != 0 {
						continue
					}
					lane := fmt.Sprint(k.ep, "/", i%2)
					if last[lane] > k.id {
						broken++
					}
					last[lane] = k.id
				}
				t.Logf("%+v of %d, acted %d, repeated %d, first acts out of order %d; a %d b %d lost %d/%d gates %d", totals, want, len(acted), dup, broken,
					a.Stats().Attempts, b.Stats().Attempts, a.Stats().LeaseLost, b.Stats().LeaseLost, len(a.store.endpoints))
				require.Equal(t, want, totals.Succeeded+totals.Exhausted)
			})
		})
	}
}

func names0(n int) []time.Duration {
	l := make([]time.Duration, n)
	for i := range l {
		l[i] = time.Minute
	}
	return l
}
