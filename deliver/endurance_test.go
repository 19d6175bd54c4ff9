package deliver

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/paperround/topic"
)

func hangs(req *http.Request, _ int) (*http.Response, error) {
	<-req.Context().Done()
	return nil, req.Context().Err()
}

// One tenant may have more busy endpoints than are kept in mind; others do not wait.
func TestManyEndpointsOfOneTenant(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1000, 16000, 30000} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				good := newEndpoint("good")
				good.Tenant = "good"
				eps := []*Endpoint{good}
				for _, id := range names("big%d", n) {
					e := newEndpoint(id)
					e.Tenant = "big"
					eps = append(eps, e)
				}
				r := newReceiver(func(req *http.Request, n int) (*http.Response, error) {
					if hostOf(req) == "good" {
						return answer(200), nil
					}
					return hangs(req, n)
				})
				b := setup(t, r, benchOptions{endpoints: eps})
				for i := range 3 {
					_, err := b.Publish(t.Context(), newEvent(), &PublishOptions{ID: fmt.Sprint("big", i), Tenant: "big"})
					require.NoError(t, err)
				}
				pass(20 * time.Second)
				var worst, sum time.Duration
				const rounds = 10
				for i := range rounds {
					began := time.Now()
					_, err := b.Publish(t.Context(), newEvent(), &PublishOptions{ID: fmt.Sprint("good", i), Tenant: "good"})
					require.NoError(t, err)
					for r.count("good") <= i {
						pass(10 * time.Millisecond)
					}
					worst = max(worst, time.Since(began))
					sum += time.Since(began)
					pass(3 * time.Second)
				}
				require.Less(t, worst, 100*time.Millisecond, "mean %s", sum/rounds)
			})
		})
	}
}

// cut can cut one process off.
type cut struct {
	Store
	off atomic.Bool
}

func (c *cut) Own(ctx context.Context, o string, ttl time.Duration) (Slots, error) {
	if c.off.Load() {
		return Slots{}, errInjected
	}
	return c.Store.Own(ctx, o, ttl)
}

func (c *cut) Extend(ctx context.Context, f []Fence, l time.Duration) ([]Fence, error) {
	if c.off.Load() {
		return nil, errInjected
	}
	return c.Store.Extend(ctx, f, l)
}

func (c *cut) Settle(ctx context.Context, f []Settlement) ([]Fence, error) {
	if c.off.Load() {
		return nil, errInjected
	}
	return c.Store.Settle(ctx, f)
}

func (c *cut) Claim(ctx context.Context, s Slots, f []Want, l time.Duration) ([]Claim, error) {
	if c.off.Load() {
		return nil, errInjected
	}
	return c.Store.Claim(ctx, s, f, l)
}

func (c *cut) Pending(ctx context.Context, limit int, l time.Duration) ([]Pending, time.Duration, error) {
	if c.off.Load() {
		return nil, 0, errInjected
	}
	return c.Store.Pending(ctx, limit, l)
}

func (c *cut) Ready(ctx context.Context, s Slots, a string, l int) ([]Backlog, time.Duration, error) {
	if c.off.Load() {
		return nil, 0, errInjected
	}
	return c.Store.Ready(ctx, s, a, l)
}

// A process that cannot reach the store breaks an exchange off when its lease runs out,
// so that the order of a lane holds beside the new owner.
func TestExchangeOutlivesLease(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := newEndpoint("e1")
		e.Ordered, e.Timeout = true, 10*time.Minute
		var order []string
		var mu sync.Mutex
		r := newReceiver(func(req *http.Request, n int) (*http.Response, error) {
			if n == 1 { // the request of the first process arrives late
				select {
				case <-time.After(5 * time.Minute):
				case <-req.Context().Done():
					return nil, req.Context().Err()
				}
			}
			mu.Lock()
			order = append(order, req.Header.Get(headerID))
			mu.Unlock()
			return answer(200), nil
		})
		c := &cut{}
		a := setup(t, r, benchOptions{endpoints: []*Endpoint{e}, through: func(s Store) Store { c.Store = s; return c }})
		for _, id := range []string{"m1", "m2"} {
			_, err := a.Publish(t.Context(), newEvent(), &PublishOptions{ID: id, Key: "k"})
			require.NoError(t, err)
		}
		pass(time.Second)
		c.off.Store(true)
		_ = setup(t, r, benchOptions{endpoints: []*Endpoint{e}, store: a.store})
		pass(20 * time.Minute)
		mu.Lock()
		defer mu.Unlock()
		require.Equal(t, 1, r.top("e1"))
	})
}

// lateStore answers late.
type lateStore struct {
	Store
	own, extend, ready time.Duration
}

func (s *lateStore) Own(ctx context.Context, o string, ttl time.Duration) (Slots, error) {
	time.Sleep(s.own)
	return s.Store.Own(ctx, o, ttl)
}

func (s *lateStore) Extend(ctx context.Context, f []Fence, l time.Duration) ([]Fence, error) {
	time.Sleep(s.extend)
	return s.Store.Extend(ctx, f, l)
}

func (s *lateStore) Ready(ctx context.Context, sl Slots, a string, l int) ([]Backlog, time.Duration, error) {
	time.Sleep(s.ready)
	return s.Store.Ready(ctx, sl, a, l)
}

// Calls that take a sixth of the lease lose none.
func TestSlowStoreLosesLeases(t *testing.T) {
	t.Parallel()
	for _, late := range []time.Duration{0, 5 * time.Second, 10 * time.Second, 15 * time.Second} {
		t.Run(late.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				e := newEndpoint("e1")
				e.Timeout = 10 * time.Minute
				r := newReceiver(func(req *http.Request, _ int) (*http.Response, error) {
					select {
					case <-time.After(100 * time.Second):
						return answer(200), nil
					case <-req.Context().Done():
						return nil, req.Context().Err()
					}
				})
				b := setup(t, r, benchOptions{
					endpoints: []*Endpoint{e}, options: Options{Relief: &Relief{BreakerShare: -1}},
					through: func(s Store) Store { return &lateStore{Store: s, own: late, extend: late} },
				})
				for i := range 40 {
					b.publish(t, fmt.Sprint("m", i))
					pass(3 * time.Second)
				}
				pass(time.Hour)
			})
		})
	}
}

// Tenants whose endpoints all hang leave room for others.
func TestHungTenants(t *testing.T) {
	t.Parallel()
	for hung := range 7 {
		t.Run(fmt.Sprint(hung), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var eps []*Endpoint
				for tn := range hung {
					for i := range 60 {
						e := newEndpoint(fmt.Sprintf("h%d-%d", tn, i))
						e.Tenant = fmt.Sprint("hung", tn)
						eps = append(eps, e)
					}
				}
				for i := range 2 {
					e := newEndpoint(fmt.Sprint("good", i))
					e.Tenant = fmt.Sprint("good", i)
					eps = append(eps, e)
				}
				r := newReceiver(func(req *http.Request, n int) (*http.Response, error) {
					if h := hostOf(req); h == "good0" || h == "good1" {
						time.Sleep(50 * time.Millisecond)
						return answer(200), nil
					}
					return hangs(req, n)
				})
				b := setup(t, r, benchOptions{endpoints: eps})
				for tn := range hung {
					for i := range 20 {
						_, err := b.Publish(t.Context(), newEvent(), &PublishOptions{ID: fmt.Sprint("h", i), Tenant: fmt.Sprint("hung", tn)})
						require.NoError(t, err)
					}
				}
				pass(time.Second)
				var worst time.Duration
				for i := range 20 {
					began := time.Now()
					for g := range 2 {
						for k := range 4 {
							_, err := b.Publish(t.Context(), newEvent(), &PublishOptions{ID: fmt.Sprint("g", i, "_", k), Tenant: fmt.Sprint("good", g)})
							require.NoError(t, err)
						}
					}
					for r.count("good0") < 4*(i+1) || r.count("good1") < 4*(i+1) {
						pass(5 * time.Millisecond)
					}
					worst = max(worst, time.Since(began))
					pass(3 * time.Second)
				}
				require.Less(t, worst, 300*time.Millisecond)
			})
		})
	}
}

// Hung endpoints of a tenant do not hold up its good one for long.
func TestHungEndpointsOfOneTenant(t *testing.T) {
	t.Parallel()
	for _, hung := range []int{1, 5, 6, 12, 48} {
		t.Run(fmt.Sprint(hung), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var eps []*Endpoint
				for i := range hung {
					eps = append(eps, newEndpoint(fmt.Sprintf("h%d", i)))
				}
				eps = append(eps, newEndpoint("good"))
				r := newReceiver(func(req *http.Request, n int) (*http.Response, error) {
					if hostOf(req) == "good" {
						return answer(200), nil
					}
					return hangs(req, n)
				})
				b := setup(t, r, benchOptions{endpoints: eps})
				var worst time.Duration
				over := 0
				for i := range 300 {
					began := time.Now()
					b.publish(t, fmt.Sprint("m", i))
					for r.count("good") <= i {
						pass(5 * time.Millisecond)
					}
					took := time.Since(began)
					worst = max(worst, took)
					if took > 100*time.Millisecond {
						over++
					}
					pass(200 * time.Millisecond)
				}
				require.Less(t, over, 30, "of 300; worst %s", worst)
			})
		})
	}
}

// A signer's outage of minutes does not give up what was never attempted.
func TestNeverAttemptedExhausted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := newEndpoint("e1")
		var down atomic.Bool
		e.Signer = signerFunc(func(_ http.Header, _ string, _ time.Time, _ []byte) error {
			if down.Load() {
				return errors.New("KMS is down")
			}
			return nil
		})
		r := always(200)
		b := setup(t, r, benchOptions{endpoints: []*Endpoint{e}})
		require.NoError(t, b.Pause(t.Context(), "e1", 121*time.Hour))
		for i := range 50 {
			b.publish(t, fmt.Sprint("m", i))
		}
		pass(121*time.Hour - time.Second)
		down.Store(true)
		pass(3 * time.Minute)
		down.Store(false)
		pass(24 * time.Hour)
		totals, err := b.Totals(t.Context(), Selection{})
		require.NoError(t, err)
		require.Zero(t, totals.Exhausted)
	})
}

func TestDecideAndObserve(t *testing.T) {
	t.Parallel()
	require.NotPanics(t, func() {
		(&Policy{}).Decide(History{Attempts: -1}, failed(FaultReceiver, &Error{Reason: ReasonStatus}), 0.5)
	})
}

func TestUnknownTripsBreaker(t *testing.T) {
	t.Parallel()
	now := time.Now()
	g := newGate("e", &tenant{})
	for range 10 {
		g.observe(failed(FaultReceiver, &Error{Reason: ReasonUnknown}), now, now)
	}
	require.False(t, g.breaker.open, "no attempt was made")
}

var _ = topic.Everything
