package deliver

import (
	"context"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/paperround/topic"
)

// matcher is a directory that answers Match in its own way.
type matcher struct {
	Directory
	match func(ctx context.Context, tenant string) error
}

func (m matcher) Match(ctx context.Context, tenant string, t topic.Topic) ([]*Endpoint, error) {
	if err := m.match(ctx, tenant); err != nil {
		return nil, err
	}
	return m.Directory.Match(ctx, tenant, t)
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Even if a batch takes longer than its lease, fan-out gets on.
func TestSlowDirectory(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ match, lease time.Duration }{
		"short lease":   {100 * time.Millisecond, time.Second},
		"default lease": {1900 * time.Millisecond, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				inner, err := Static(newEndpoint("e1"))
				require.NoError(t, err)
				rec := always(200)
				b := setup(t, rec, benchOptions{
					directory: matcher{inner, func(ctx context.Context, _ string) error { return sleep(ctx, tc.match) }},
					options:   Options{Lease: tc.lease},
					idle:      true,
				})
				for _, id := range names("m%d", 100) {
					b.publish(t, id)
				}
				b.start(t)
				pass(10 * time.Minute)
				require.Len(t, rec.seen(), 100)
				require.Zero(t, b.Stats().LeaseLost)
			})
		})
	}
}

// A directory that hangs for one tenant keeps no other one waiting for ever.
func TestDirectoryThatHangsForOneTenant(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := newEndpoint("e1")
		e.Tenant = "good"
		inner, err := Static(e)
		require.NoError(t, err)
		rec := always(200)
		b := setup(t, rec, benchOptions{
			directory: matcher{inner, func(ctx context.Context, tenant string) error {
				if tenant == "bad" {
					<-ctx.Done()
				}
				return ctx.Err()
			}},
			idle: true,
		})
		for range 100 {
			_, err = b.Publish(t.Context(), newEvent(), &PublishOptions{Tenant: "bad"})
			require.NoError(t, err)
		}
		_, err = b.Publish(t.Context(), newEvent(), &PublishOptions{Tenant: "good"})
		require.NoError(t, err)
		b.start(t)
		pass(5 * time.Minute)
		require.Len(t, rec.seen(), 1)
	})
}

// watch counts the questions about each tenant.
type watch struct {
	mu   sync.Mutex
	now  map[string]int
	most map[string]int
	all  map[string]int
}

func newWatch() *watch {
	return &watch{now: map[string]int{}, most: map[string]int{}, all: map[string]int{}}
}

func (w *watch) begin(tenant string) (end func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now[tenant]++
	w.all[tenant]++
	w.most[tenant] = max(w.most[tenant], w.now[tenant])
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.now[tenant]--
	}
}

func (w *watch) reset() (most, all map[string]int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	most, all = w.most, w.all
	w.most, w.all = map[string]int{}, map[string]int{}
	return most, all
}

// Tenants about which the directory hangs hold nobody up, and are asked about once at a
// time.
func TestHangingTenantsHoldNobodyUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const tenants = 8
		e := newEndpoint("e1")
		e.Tenant = "good"
		inner, err := Static(e)
		require.NoError(t, err)
		rec := always(200)
		w := newWatch()
		b := setup(t, rec, benchOptions{
			directory: matcher{inner, func(ctx context.Context, tenant string) error {
				defer w.begin(tenant)()
				if tenant == "good" {
					return sleep(ctx, time.Millisecond)
				}
				<-ctx.Done()
				return ctx.Err()
			}},
			idle: true,
		})
		for _, tenant := range names("bad%d", tenants) {
			for range 200 {
				_, err = b.Publish(t.Context(), newEvent(), &PublishOptions{Tenant: tenant})
				require.NoError(t, err)
			}
		}
		b.start(t)
		for n := range 1000 {
			_, err = b.Publish(t.Context(), newEvent(), &PublishOptions{Tenant: "good"})
			require.NoError(t, err)
			pass(100 * time.Millisecond)
			require.Len(t, rec.seen(), n+1)
			if n == 20 {
				w.reset()
			}
		}
		most, all := w.reset()
		require.Len(t, most, tenants+1)
		for tenant, n := range most {
			require.Equal(t, 1, n, tenant)
			require.Positive(t, all[tenant], "somebody still asks about %s", tenant)
		}
		require.Equal(t, 1000, b.store.Counts().Deliveries[Succeeded])
		require.Zero(t, b.Stats().LeaseLost)
	})
}

// However many tenants hang, no more than so many questions about them are open.
func TestManyHangingTenants(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := newEndpoint("e1")
		e.Tenant = "good"
		inner, err := Static(e)
		require.NoError(t, err)
		w := newWatch()
		b := setup(t, always(200), benchOptions{
			directory: matcher{inner, func(ctx context.Context, tenant string) error {
				if tenant == "good" {
					return nil
				}
				defer w.begin("")()
				<-ctx.Done()
				return ctx.Err()
			}},
			idle: true,
		})
		for _, tenant := range names("bad%d", 200) {
			_, err = b.Publish(t.Context(), newEvent(), &PublishOptions{Tenant: tenant})
			require.NoError(t, err)
		}
		b.start(t)
		pass(10 * time.Second)
		w.reset()
		pass(5 * time.Minute)
		_, err = b.Publish(t.Context(), newEvent(), &PublishOptions{Tenant: "good"})
		require.NoError(t, err)
		pass(100 * time.Millisecond)
		require.Equal(t, uint64(1), b.Stats().Succeeded)
		most, _ := w.reset()
		require.Equal(t, lateMatches, most[""])
	})
}

// A question may take two seconds, or an eighth of the lease.
func TestMatchIsBounded(t *testing.T) {
	t.Parallel()
	for lease, want := range map[time.Duration]time.Duration{0: 2 * time.Second, 4 * time.Second: 500 * time.Millisecond} {
		synctest.Test(t, func(t *testing.T) {
			inner, err := Static(newEndpoint("e1"))
			require.NoError(t, err)
			var left time.Duration
			b := setup(t, always(200), benchOptions{
				directory: matcher{inner, func(ctx context.Context, _ string) error {
					until, _ := ctx.Deadline()
					left = time.Until(until)
					return nil
				}},
				options: Options{Lease: lease},
			})
			b.publish(t, "m1")
			pass(time.Second)
			require.Equal(t, want, left)
		})
	}
}

// What fan-out remembers of a tenant, answer by answer; each is asked for after the one
// before has come.
func TestSlowTenant(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFanOut(t.Context(), &run{Dispatcher: &Dispatcher{}})
		for i, step := range []struct {
			slow, failed bool
			tries        int
			again, held  time.Duration // of the message, and of others
		}{
			{false, true, 2, time.Second, matchPatience}, // its second try that failed may have been none
			{true, true, 0, 2 * time.Second, 2 * time.Second},
			{true, true, 0, 4 * time.Second, 4 * time.Second},
			{true, false, 0, 0, 8 * time.Second},
			{false, true, 0, time.Second, matchPatience},
			{false, true, 9, 32 * time.Second, matchPatience},
		} {
			e := &errand{Pending: Pending{Message: &Message{Tenant: "t"}, Tries: step.tries}}
			f.leave(e)
			pass(time.Second)
			e.asked = time.Now()
			e.slow, e.failed = step.slow, step.failed
			f.take(e)
			require.Equal(t, step.again, e.plan.Again, i)
			require.Equal(t, step.held, f.slow["t"].backoff(), i)
			require.Zero(t, f.late)
		}
		e := &errand{Pending: Pending{Message: &Message{Tenant: "t"}}}
		f.leave(e)
		f.take(e)
		require.Empty(t, f.slow, "what is fine again is forgotten")

		e.plan.Again = time.Minute
		e.putOff(time.Second)
		require.Equal(t, time.Minute, e.plan.Again)
	})
}

// What was put off is fanned out in order once the directory answers, and what was given
// back unasked does not wait for having been given back so often.
func TestFanOutGoesOnAfterAHang(t *testing.T) {
	t.Parallel()
	for name, after := range map[string]error{"answers": nil, "fails once": errInjected} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				e := newEndpoint("e1")
				e.Ordered = true
				inner, err := Static(e)
				require.NoError(t, err)
				rec := always(200)
				var mended atomic.Bool
				var asked atomic.Int64
				b := setup(t, rec, benchOptions{
					directory: matcher{inner, func(ctx context.Context, _ string) error {
						if !mended.Load() {
							<-ctx.Done()
							return ctx.Err()
						}
						if asked.Add(1) <= 2 {
							return after
						}
						return nil
					}},
				})
				ids := names("m%02d", 30)
				for i, id := range ids {
					_, err := b.Publish(t.Context(), newEvent(), &PublishOptions{ID: id, Key: names("k%d", 2)[i%2]})
					require.NoError(t, err)
				}
				pass(8 * time.Second)
				mended.Store(true)
				pass(30 * time.Second)
				last := map[string]string{}
				for _, q := range rec.seen() {
					key := names("k%d", 2)[(q.id[2]-'0')%2]
					require.Greater(t, q.id, last[key])
					last[key] = q.id
				}
				require.Len(t, rec.seen(), 30)
				require.Zero(t, b.Stats().LeaseLost)
			})
		})
	}
}

// However long each answer takes, the messages of a key keep their order, and none is
// lost to its lease.
func TestFanOutKeepsOrderOfLateAnswers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := newEndpoint("e1")
		e.Ordered = true
		inner, err := Static(e)
		require.NoError(t, err)
		rec := always(200)
		luck := rand.New(rand.NewPCG(1, 2))
		var mu sync.Mutex
		b := setup(t, rec, benchOptions{
			directory: matcher{inner, func(ctx context.Context, _ string) error {
				mu.Lock()
				d := time.Duration(luck.IntN(120)) * time.Millisecond
				if luck.IntN(50) == 0 {
					d = time.Minute
				}
				mu.Unlock()
				return sleep(ctx, d)
			}},
		})
		for _, id := range names("m%03d", 200) {
			_, err := b.Publish(t.Context(), newEvent(), &PublishOptions{ID: id, Key: "k" + id[3:]})
			require.NoError(t, err)
		}
		pass(3 * time.Minute)
		last := map[byte]string{}
		for _, q := range rec.seen() {
			key := q.id[3]
			require.Greater(t, q.id, last[key])
			last[key] = q.id
		}
		require.Len(t, rec.seen(), 200)
		require.Zero(t, b.Stats().LeaseLost)
		require.Equal(t, uint64(200), b.Stats().FannedOut)
	})
}

// A late answer is carried out when it comes, not at the next poll, and also when it
// comes after the end of Run's context.
func TestLateAnswerIsCarriedOutAtOnce(t *testing.T) {
	t.Parallel()
	for name, stops := range map[string]bool{"running": false, "draining": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				inner, err := Static(newEndpoint("e1"))
				require.NoError(t, err)
				b := setup(t, always(200), benchOptions{
					directory: matcher{inner, func(ctx context.Context, _ string) error { return sleep(ctx, 700*time.Millisecond) }},
					options:   Options{Poll: time.Hour},
				})
				pass(time.Minute)
				b.publish(t, "m1")
				pass(100 * time.Millisecond)
				if stops {
					require.NoError(t, b.err())
				}
				pass(650 * time.Millisecond)
				require.Equal(t, uint64(1), b.Stats().FannedOut)
				require.Len(t, b.deliveries(t, "", "m1"), 1)
			})
		})
	}
}

// A directory that minds no context keeps neither others waiting nor Run from ending.
func TestMatchThatNeverReturns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		inner, err := Static(newEndpoint("e1"))
		require.NoError(t, err)
		free := make(chan struct{})
		defer close(free)
		w := newWatch()
		b := setup(t, always(200), benchOptions{
			directory: matcher{inner, func(_ context.Context, tenant string) error {
				defer w.begin(tenant)()
				if tenant == "bad" {
					<-free
				}
				return nil
			}},
		})
		_, err = b.Publish(t.Context(), newEvent(), &PublishOptions{Tenant: "bad"})
		require.NoError(t, err)
		pass(10 * time.Minute)
		b.publish(t, "m1")
		pass(100 * time.Millisecond)
		require.Equal(t, Succeeded, b.only(t, "m1").State)
		_, all := w.reset()
		require.Equal(t, 1, all["bad"], "asked once, however often its lease runs out")
		begin := time.Now()
		_ = b.err()
		require.Less(t, time.Since(begin), time.Minute)
	})
}

// A limit that panics is a fault of ours like any other.
func TestFanOutLimitThatPanics(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var broken atomic.Bool
		broken.Store(true)
		b := setup(t, always(200), benchOptions{options: Options{FanOutLimit: func(topic.Topic) int {
			if broken.Load() {
				panic("no limit")
			}
			return 0
		}}})
		b.publish(t, "m1")
		pass(time.Second)
		require.Contains(t, b.log.String(), "directory failed")
		broken.Store(false)
		pass(time.Minute)
		require.Equal(t, Succeeded, b.only(t, "m1").State)
	})
}

func TestDirectoryThatMatchesAnEndpointWithoutID(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := newEndpoint("e1")
		e.ID = ""
		b := setup(t, always(200), benchOptions{directory: nameless{e}})
		b.publish(t, "m1")
		pass(time.Minute)
		require.Equal(t, uint64(1), b.Stats().Unmatched)
		require.Contains(t, b.log.String(), "directory matched an endpoint without a valid id")
	})
}

type nameless struct{ endpoint *Endpoint }

func (d nameless) Match(context.Context, string, topic.Topic) ([]*Endpoint, error) {
	return []*Endpoint{d.endpoint}, nil
}

func (d nameless) Endpoint(context.Context, string) (*Endpoint, error) { return d.endpoint, nil }

// lossyClaim is a store whose first claims take effect and return an error.
type lossyClaim struct {
	Store
	lossy, calls int64
}

func (s *lossyClaim) Claim(ctx context.Context, slots Slots, wants []Want, lease time.Duration) ([]Claim, error) {
	claims, err := s.Store.Claim(ctx, slots, wants, lease)
	if len(claims) > 0 && atomic.AddInt64(&s.calls, 1) <= s.lossy {
		return nil, errInjected
	}
	return claims, err
}

// The attempt of a worker that died may never have been made, so another one is,
// also when the policy has a single one; but not without end.
func TestInterruptedSingleAttempt(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		lossy int64
		sent  int
		state State
	}{
		"once":  {1, 1, Succeeded},
		"twice": {2, 0, Exhausted},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				e := newEndpoint("e1")
				e.Policy = &Policy{Schedule: []time.Duration{}}
				rec := always(200)
				b := setup(t, rec, benchOptions{
					endpoints: []*Endpoint{e},
					through:   func(s Store) Store { return &lossyClaim{Store: s, lossy: tc.lossy} },
				})
				b.publish(t, "m1")
				pass(10 * time.Minute)
				require.Len(t, rec.seen(), tc.sent)
				require.Equal(t, tc.state, b.only(t, "m1").State)
			})
		})
	}
}

// A name whose servers do not answer is believed to be our trouble for a while
// only, and its log does not grow without bound.
func TestLameDNS(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rec := newReceiver(func(*http.Request, int) (*http.Response, error) {
			return nil, &net.DNSError{Err: "server misbehaving", Name: "x", IsTemporary: true}
		})
		b := setup(t, rec, benchOptions{options: Options{Poll: time.Minute}})
		b.publish(t, "m1")
		pass(130 * time.Hour)
		d := b.only(t, "m1")
		require.Equal(t, Exhausted, d.State)
		require.Equal(t, 10, d.History.Attempts)
		require.Len(t, rec.seen(), 70)
	})
}

func TestRecordsAreBounded(t *testing.T) {
	t.Parallel()
	d := &memDelivery{}
	for i := range 3 * maxRecords {
		d.record(Record{Attempt: i})
	}
	require.Len(t, d.records, maxRecords)
	require.Equal(t, 2*maxRecords, d.records[0].Attempt)
}
