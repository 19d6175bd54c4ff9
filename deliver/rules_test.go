package deliver

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/paperround/topic"
)

// answers replies with one status after the other, and the last one for ever.
func answers(statuses ...int) *receiver {
	return newReceiver(func(_ *http.Request, n int) (*http.Response, error) {
		return answer(statuses[min(n, len(statuses))-1]), nil
	})
}

func (b *bench) publishKeyed(tb testing.TB, key string, ids ...string) {
	tb.Helper()
	for _, id := range ids {
		_, err := b.Publish(tb.Context(), newEvent(), &PublishOptions{ID: id, Key: key})
		require.NoError(tb, err)
	}
}

func (b *bench) state(tb testing.TB, endpoint string) EndpointState {
	tb.Helper()
	s, err := b.EndpointState(tb.Context(), endpoint)
	require.NoError(tb, err)
	return s
}

func TestGoneTwicePausesTheEndpoint(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rec := answers(410)
		b := setup(t, rec, benchOptions{options: Options{Poll: time.Minute}})
		b.publish(t, "m1")
		pass(time.Minute)
		require.Len(t, rec.seen(), 2, "two at once may come from a load balancer")
		require.Empty(t, b.journal.changed())
		pass(10 * time.Minute)
		require.Len(t, rec.seen(), 3)
		require.Equal(t, []EndpointInfo{{
			EndpointID: "e1", Change: EndpointPaused, Cause: CauseGone, For: 120 * time.Hour,
			Err: b.journal.changed()[0].Err,
		}}, b.journal.changed())
		require.ErrorContains(t, b.journal.changed()[0].Err, "410")
		require.Equal(t, CauseGone, b.state(t, "e1").Cause)
		b.publish(t, "m2")
		pass(24 * time.Hour)
		require.Len(t, rec.seen(), 3, "its deliveries wait")
		require.Equal(t, uint64(1), b.Stats().Paused)

		// Somebody mends it and says so.
		rec.answerWith(200)
		n, err := b.Resume(t.Context(), "e1", true)
		require.NoError(t, err)
		require.Zero(t, n, "nothing was abandoned")
		pass(2 * time.Millisecond)
		require.Equal(t, map[State]int{Succeeded: 2}, b.store.Counts().Deliveries, "at once")
		require.Equal(t, EndpointState{EndpointID: "e1"}, b.state(t, "e1"))
	})
}

func TestEndpointAsksToBeDisabled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rec := newReceiver(func(*http.Request, int) (*http.Response, error) {
			return answer(200, "webhook-delivery", " Disable "), nil
		})
		b := setup(t, rec, benchOptions{options: Options{Poll: time.Minute}})
		b.publish(t, "m1")
		pass(time.Second)
		b.publish(t, "m2")
		pass(119 * time.Hour)
		require.Len(t, rec.seen(), 1)
		require.Equal(t, Succeeded, b.only(t, "m1").State)
		changed := b.journal.changed()
		require.Len(t, changed, 1)
		require.Equal(t, CauseAsked, changed[0].Cause)
		require.NoError(t, changed[0].Err)

		// Each time it asks, the host is told.
		_, err := b.Resume(t.Context(), "e1", false)
		require.NoError(t, err)
		pass(time.Minute)
		require.Len(t, rec.seen(), 2)
		require.Len(t, b.journal.changed(), 2)
	})
}

// Many exchanges that end with the same demand are told of once.
func TestHostIsToldOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rec := newReceiver(func(_ *http.Request, n int) (*http.Response, error) {
			if n <= warm {
				return answer(200), nil
			}
			time.Sleep(time.Second)
			return answer(503, "Retry-After", "100"), nil
		})
		b := setup(t, rec, benchOptions{options: Options{Relief: &Relief{BreakerShare: -1}}})
		b.warmUp(t)
		for _, id := range names("m%d", 8) {
			b.publish(t, id)
		}
		pass(90 * time.Second)
		require.Len(t, rec.seen(), warm+8)
		require.Len(t, b.journal.changed(), 1)
		pass(time.Hour)
		require.Greater(t, len(b.journal.changed()), 1, "of the next one too")
	})
}

func TestEndpointThatFailsForDaysIsDisabled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rec := answers(500)
		e1, e2 := newEndpoint("e1"), newEndpoint("e2")
		e2.Topics = []topic.Pattern{"acme:other"}
		b := setup(t, rec, benchOptions{endpoints: []*Endpoint{e1, e2}, options: Options{Poll: time.Minute}})
		b.publish(t, "m1")
		pass(119 * time.Hour)
		require.Equal(t, Exhausted, b.only(t, "m1").State)
		b.publish(t, "m2")
		pass(2 * time.Minute)
		require.Empty(t, b.journal.changed())
		require.Equal(t, Scheduled, b.only(t, "m2").State)
		pass(3 * time.Hour)
		changed := b.journal.changed()
		require.Len(t, changed, 1)
		require.Equal(t, EndpointDisabled, changed[0].Change)
		require.Equal(t, CauseFailing, changed[0].Cause)
		require.Contains(t, b.log.String(), "change=disabled")
		d := b.only(t, "m2")
		require.Equal(t, Abandoned, d.State)
		require.Equal(t, ReasonDisabled, d.Records[len(d.Records)-1].Reason)
		require.Equal(t, uint64(1), b.Stats().Disabled)

		// What comes meanwhile is abandoned, and does not fill the store.
		b.publish(t, "m3")
		pass(time.Hour)
		require.Equal(t, Abandoned, b.only(t, "m3").State)
		require.Zero(t, b.store.Counts().Open)
		s := b.state(t, "e1")
		require.True(t, s.Disabled)
		require.Greater(t, s.Health.Failing, 120*time.Hour)

		// Resuming replays since then.
		sent := len(rec.seen())
		rec.answerWith(200)
		n, err := b.Resume(t.Context(), "e1", true)
		require.NoError(t, err)
		require.Equal(t, 2, n)
		pass(time.Second)
		require.Len(t, rec.seen(), sent+2)
		require.Equal(t, Succeeded, b.only(t, "m2").State)
		require.Equal(t, Succeeded, b.only(t, "m3").State)
		require.Equal(t, Exhausted, b.only(t, "m1").State, "it was given up before")
	})
}

// A success that is recorded between the claim and the failure ends the row.
func TestSuccessEndsTheRowOfFailures(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rec := newReceiver(func(req *http.Request, _ int) (*http.Response, error) {
			switch req.Header.Get(headerID) {
			case "bad":
				time.Sleep(10 * time.Second)
				return answer(500), nil
			case "long": // so that the gate is not forgotten
				time.Sleep(3 * time.Hour)
			}
			return answer(200), nil
		})
		e := newEndpoint("e1")
		e.Policy = &Policy{DisableAfter: time.Hour, DisableSpread: -1, Schedule: []time.Duration{2 * time.Hour}}
		e.Timeout = 4 * time.Hour
		b := setup(t, rec, benchOptions{endpoints: []*Endpoint{e}})
		b.warmUp(t)
		b.publish(t, "long")
		b.publish(t, "bad")
		pass(2*time.Hour + 15*time.Second) // the second attempt is under way
		require.Equal(t, 2, rec.under("e1"))
		b.publish(t, "good")
		pass(time.Minute)
		require.Equal(t, Exhausted, b.only(t, "bad").State)
		require.Empty(t, b.journal.changed())
		pass(time.Hour)
	})
}

func TestRetryAfterIsTheHostsToResume(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rec := newReceiver(func(_ *http.Request, n int) (*http.Response, error) {
			if n == 1 {
				return answer(503, "Retry-After", "36000"), nil
			}
			return answer(200), nil
		})
		e := newEndpoint("e1")
		e.Concurrency = 1
		b := setup(t, rec, benchOptions{
			endpoints: []*Endpoint{e}, idle: true,
			through: func(s Store) Store { return slowSettle{s} }, // so that the gate holds it back for a while
		})
		b.publish(t, "m1")
		b.publish(t, "m2")
		b.start(t)
		pass(time.Hour)
		require.Len(t, rec.seen(), 1)
		require.NoError(t, b.store.Resume(t.Context(), "e1"))
		b.Wake()
		pass(2 * time.Millisecond)
		require.Len(t, rec.seen(), 2, "this process does not hold on to the pause")
	})
}

// What is fanned out while a claim is being made is not overlooked.
func TestHintDuringAClaim(t *testing.T) {
	t.Parallel()
	s := newScheduler(4, -1, 0)
	g := s.gate("e1", "")
	s.hint(g)
	wants, next := s.pick(time.Now())
	require.Equal(t, []Want{{EndpointID: "e1", First: 1}}, wants)
	require.Zero(t, next)
	s.hint(g)
	s.claimed(wants, nil)
	wants, _ = s.pick(time.Now())
	require.Len(t, wants, 1)
	s.claimed(wants, nil)
	wants, _ = s.pick(time.Now())
	require.Empty(t, wants, "but it is not asked for without end")
	require.Zero(t, s.busy)
	require.Zero(t, s.loaded)
}

func TestHostPausesAndDisables(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rec := always(200)
		b := setup(t, rec, benchOptions{})
		ctx := t.Context()
		require.NoError(t, b.Pause(ctx, "e1", time.Hour))
		b.publish(t, "m1")
		pass(time.Hour - time.Second)
		require.Empty(t, rec.seen())
		pass(time.Second)
		require.Len(t, rec.seen(), 1)
		require.NoError(t, b.Disable(ctx, "e1"))
		b.publish(t, "m2")
		pass(time.Second)
		require.Equal(t, Abandoned, b.only(t, "m2").State)
		require.Equal(t, CauseHost, b.state(t, "e1").Cause)
		require.ErrorContains(t, b.Pause(ctx, "", time.Hour), "endpoint id")
		require.ErrorContains(t, b.Disable(ctx, "a b"), "endpoint id")
		list, err := b.EndpointStates(ctx, Selection{}, "", 10)
		require.NoError(t, err)
		require.Len(t, list, 1)
		none, err := b.EndpointState(ctx, "nobody")
		require.NoError(t, err)
		require.Equal(t, EndpointState{EndpointID: "nobody"}, none)
	})
}

func TestOverloadShrinksWhatGoesOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		var most [4]int // by quarter of an hour
		rec := newReceiver(nil)
		rec.reply = func(*http.Request, int) (*http.Response, error) {
			q := int(time.Since(begin) / (15 * time.Minute))
			rec.mu.Lock()
			most[min(q, 3)] = max(most[min(q, 3)], rec.busy["e1"])
			rec.mu.Unlock()
			time.Sleep(time.Second)
			if q == 1 {
				return answer(429), nil
			}
			return answer(200), nil
		}
		e := newEndpoint("e1")
		e.Policy = &Policy{Schedule: make([]time.Duration, 1000)}
		b := setup(t, rec, benchOptions{endpoints: []*Endpoint{e}, options: Options{Relief: &Relief{BreakerShare: -1}}})
		for i := range 12_000 {
			b.publish(t, fmt.Sprint("m", i))
		}
		peak := func(quarter int) int {
			rec.mu.Lock()
			defer rec.mu.Unlock()
			n := most[quarter]
			most[quarter] = 0
			return n
		}
		pass(16 * time.Minute)
		peak(1) // it has learned by now
		pass(10 * time.Minute)
		require.Equal(t, 8, peak(0))
		require.Equal(t, 1, peak(1))
		pass(10 * time.Minute)
		require.Equal(t, 8, peak(2), "success lets it grow again")
	})
}

func TestBreakerSpendsNoAttempt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rec := answers(500)
		e := newEndpoint("e1")
		e.Policy = &Policy{Schedule: []time.Duration{time.Second, time.Second, time.Second}}
		b := setup(t, rec, benchOptions{endpoints: []*Endpoint{e}, idle: true})
		for i := range 40 {
			b.publish(t, fmt.Sprint("m", i))
		}
		b.start(t)
		pass(20 * time.Second)
		sent := len(rec.seen())
		require.Less(t, sent, 20, "it opened soon")
		require.Equal(t, uint64(1), b.Stats().Tripped)
		require.Equal(t, BreakerOpened, b.journal.changed()[0].Change)
		require.Equal(t, 30*time.Second, b.journal.changed()[0].For)
		spent := 0
		for _, id := range names("m%d", 40) {
			spent += b.only(t, id).History.Attempts
		}
		require.Equal(t, sent, spent, "what it refuses spends no attempt")
		pass(11 * time.Second)
		require.Len(t, rec.seen(), sent+1, "one probe after half a minute")
		pass(58 * time.Second)
		require.Len(t, rec.seen(), sent+1)
		rec.answerWith(200)
		pass(5 * time.Second)
		require.Equal(t, map[State]int{Succeeded: 40}, b.store.Counts().Deliveries, "then all at once")
		last := b.journal.changed()
		require.Equal(t, BreakerClosed, last[len(last)-1].Change)
	})
}

func TestRateOfAnEndpoint(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		endpoint, options float64
		want              int
	}{
		"its own":        {5, 0, 50},
		"the default":    {0, 2, 20},
		"none after all": {-1, 2, 300},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				rec := always(200)
				e := newEndpoint("e1")
				e.Rate = tc.endpoint
				b := setup(t, rec, benchOptions{endpoints: []*Endpoint{e}, options: Options{EndpointRate: tc.options}})
				for i := range 300 {
					b.publish(t, fmt.Sprint("m", i))
				}
				pass(10*time.Second - time.Millisecond)
				require.InDelta(t, tc.want, len(rec.seen()), 1)
				pass(time.Hour)
				require.Len(t, rec.seen(), 300)
			})
		})
	}
}

// The limits of each endpoint and of the dispatcher.
func TestConcurrencyOptions(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rec := newReceiver(func(*http.Request, int) (*http.Response, error) {
			time.Sleep(time.Second)
			return answer(200), nil
		})
		own := newEndpoint("own")
		own.Concurrency = 2
		b := setup(t, rec, benchOptions{
			endpoints: []*Endpoint{own, newEndpoint("other")},
			options:   Options{EndpointConcurrency: 3},
		})
		for i := range 30 {
			b.publish(t, fmt.Sprint("m", i))
		}
		pass(time.Minute)
		require.Equal(t, 2, rec.top("own"))
		require.Equal(t, 3, rec.top("other"))
	})
}

// A function of the host's that misbehaves costs no delivery and makes no nonsense.
func TestRandThatMisbehaves(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		rand func() float64
		want time.Duration
	}{
		"panics":     {func() float64 { panic("no luck") }, 100 * time.Second},
		"no number":  {func() float64 { return math.NaN() }, 100 * time.Second},
		"too much":   {func() float64 { return math.Inf(1) }, 110 * time.Second},
		"too little": {func() float64 { return -1e300 }, 90 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				e := newEndpoint("e1")
				e.Policy = &Policy{Schedule: []time.Duration{100 * time.Second}}
				rec := always(500)
				b := setup(t, rec, benchOptions{endpoints: []*Endpoint{e}, options: Options{Rand: tc.rand}})
				b.publish(t, "m1")
				pass(time.Hour)
				at := rec.times()
				require.Len(t, at, 2)
				require.InDelta(t, tc.want, at[1]-at[0], float64(time.Second))
			})
		})
	}
}

// An endpoint's own relief wins over the dispatcher's.
func TestReliefOfAnEndpoint(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		own, other := newEndpoint("own"), newEndpoint("other")
		own.Relief = &Relief{BreakerLeast: 3, BreakerPause: time.Hour}
		for _, e := range []*Endpoint{own, other} {
			e.Policy = &Policy{Schedule: []time.Duration{}}
		}
		rec := always(500)
		b := setup(t, rec, benchOptions{
			endpoints: []*Endpoint{own, other},
			options:   Options{Relief: &Relief{BreakerLeast: 5, BreakerPause: time.Hour}},
		})
		for _, id := range names("m%d", 20) {
			b.publish(t, id)
		}
		pass(time.Minute)
		require.Equal(t, 3, rec.count("own"))
		require.Equal(t, 5, rec.count("other"))
	})
}

// hangFor makes the endpoints whose name begins so hang, after some answers each.
func hangFor(prefix string, answers int) *receiver {
	return newReceiver(func(req *http.Request, n int) (*http.Response, error) {
		if n > answers && strings.HasPrefix(hostOf(req), prefix) {
			<-req.Context().Done()
			return nil, req.Context().Err()
		}
		return answer(200), nil
	})
}

// Endpoints that hang from the start hold the room of one exchange each, so those of
// their tenant that work are not held up.
func TestHungEndpointsThatNeverAnswered(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rec := hangFor("hung", 0)
		var endpoints []*Endpoint
		for _, id := range append(names("hung%d", 6), "good") {
			endpoints = append(endpoints, newEndpoint(id))
		}
		b := setup(t, rec, benchOptions{endpoints: endpoints})
		for _, id := range names("m%d", 100) {
			b.publish(t, id)
		}
		pass(time.Second)
		require.Equal(t, 6, rec.under(""))
		require.Equal(t, 100, rec.count("good"))
	})
}

func TestHungTenantsLeaveRoom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rec := hangFor("hung", warm)
		var endpoints []*Endpoint
		for _, id := range names("hung%d", 40) { // of two tenants
			e := newEndpoint(id)
			e.Tenant = "bad" + id[len(id)-1:]
			if len(endpoints)%2 == 0 {
				e.Tenant = "bad"
			}
			endpoints = append(endpoints, e)
		}
		good := newEndpoint("good")
		good.Tenant = "good"
		b := setup(t, rec, benchOptions{endpoints: append(endpoints, good)})
		publish := func(tenant string, n int) {
			for range n {
				_, err := b.Publish(t.Context(), newEvent(), &PublishOptions{Tenant: tenant})
				require.NoError(t, err)
			}
		}
		b.warmUp(t, "bad", "bad1", "bad3")
		publish("bad", 100)
		pass(time.Second)
		require.Equal(t, 48, rec.under(""), "three quarters of the room")
		publish("bad1", 100)
		publish("bad3", 100)
		pass(time.Second)
		require.Less(t, rec.under(""), 64)
		publish("good", 100)
		pass(time.Millisecond)
		require.Equal(t, 100, rec.count("good"), "at once")
	})
}

func TestTenantsTakeTurns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rec := newReceiver(func(*http.Request, int) (*http.Response, error) {
			time.Sleep(10 * time.Millisecond)
			return answer(200), nil
		})
		var endpoints []*Endpoint
		for _, id := range names("many%d", 200) {
			e := newEndpoint(id)
			e.Tenant = "many"
			endpoints = append(endpoints, e)
		}
		one := newEndpoint("one")
		one.Tenant = "one"
		b := setup(t, rec, benchOptions{endpoints: append(endpoints, one), idle: true, options: Options{Concurrency: 4, TenantShare: -1}})
		for range 20 {
			_, err := b.Publish(t.Context(), newEvent(), &PublishOptions{Tenant: "many"})
			require.NoError(t, err)
		}
		for range 50 {
			_, err := b.Publish(t.Context(), newEvent(), &PublishOptions{Tenant: "one"})
			require.NoError(t, err)
		}
		b.start(t)
		pass(500 * time.Millisecond)
		require.Equal(t, 50, rec.count("one"), "half of the turns, against 200 endpoints with 20 deliveries each")
		require.Greater(t, len(rec.seen()), 150)
	})
}

// A tenant with a huge backlog holds up no other tenant's fan-out.
func TestBacklogDoesNotHoldUpFanOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rec := always(200)
		big, small := newEndpoint("big"), newEndpoint("small")
		big.Tenant, small.Tenant = "big", "small"
		inner, err := Static(big, small)
		require.NoError(t, err)
		b := setup(t, rec, benchOptions{
			directory: matcher{inner, func(ctx context.Context, _ string) error { return sleep(ctx, time.Millisecond) }},
		})
		batch := make([]Publication, 20_000)
		for i := range batch {
			batch[i] = Publication{Event: newEvent(), Tenant: "big"}
		}
		ids, err := b.PublishBatch(t.Context(), batch, nil)
		require.NoError(t, err)
		require.Len(t, ids, 20_000)
		pass(100 * time.Millisecond)
		_, err = b.Publish(t.Context(), newEvent(), &PublishOptions{Tenant: "small"})
		require.NoError(t, err)
		pass(20 * time.Millisecond)
		require.Equal(t, 1, rec.count("small"))
	})
}

func TestRetriesLeaveRoomForFirstAttempts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rec := newReceiver(func(req *http.Request, n int) (*http.Response, error) {
			if n <= 2 && strings.HasPrefix(hostOf(req), "bad") {
				return answer(500), nil
			}
			if n <= 2 {
				return answer(200), nil
			}
			return answer(200), sleep(req.Context(), time.Hour)
		})
		var endpoints []*Endpoint
		for _, id := range names("bad%d", 60) {
			e := newEndpoint(id)
			e.Topics, e.Timeout = []topic.Pattern{"acme:bad"}, 2*time.Hour
			endpoints = append(endpoints, e)
		}
		good := newEndpoint("good")
		good.Topics, good.Concurrency, good.Timeout = []topic.Pattern{"acme:good"}, 100, 2*time.Hour
		b := setup(t, rec, benchOptions{endpoints: append(endpoints, good), options: Options{Concurrency: 16, TenantShare: -1}})
		publish := func(name topic.Topic) {
			ev := newEvent()
			ev.topic = name
			_, err := b.Publish(t.Context(), ev, nil)
			require.NoError(t, err)
		}
		publish("acme:bad")
		pass(10 * time.Minute)
		require.Equal(t, 12, rec.under(""), "retries hold three quarters")
		for range 12 {
			publish("acme:good")
		}
		pass(time.Second)
		require.Equal(t, 2+4, rec.count("good"))
		require.Equal(t, 16, rec.under(""))
		pass(10 * time.Hour)
		require.Equal(t, map[State]int{Succeeded: 72}, b.store.Counts().Deliveries, "and nobody waits for ever")
	})
}

func TestOrderedEndpoint(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rec := newReceiver(nil)
		tries := 0
		rec.reply = func(req *http.Request, _ int) (*http.Response, error) {
			if req.Header.Get(headerID) == "a2" && hostOf(req) == "e1" {
				rec.mu.Lock()
				tries++
				failing := tries <= 3
				rec.mu.Unlock()
				if failing {
					return answer(500), nil
				}
			}
			return answer(200), nil
		}
		e := newEndpoint("e1")
		e.Ordered = true
		free := newEndpoint("free")
		b := setup(t, rec, benchOptions{endpoints: []*Endpoint{e, free}})
		b.publishKeyed(t, "a", names("a%d", 10)...)
		b.publishKeyed(t, "b", names("b%d", 10)...)
		b.publishKeyed(t, "", names("c%d", 10)...)
		pass(time.Second)
		order := func(prefix string) (ids []string) {
			for _, q := range rec.seen() {
				if q.endpoint == "e1" && strings.HasPrefix(q.id, prefix) {
					ids = append(ids, q.id)
				}
			}
			return ids
		}
		require.Equal(t, names("b%d", 10), order("b"), "another key does not wait")
		require.Len(t, order("c"), 10, "nor does what has no key")
		require.Equal(t, []string{"a0", "a1", "a2"}, order("a"), "its own lane waits")
		require.Equal(t, 30, rec.count("free"), "nor another endpoint")
		begin := len(rec.seen())
		pass(time.Hour)
		require.Equal(t, []string{"a0", "a1", "a2", "a2", "a2", "a2", "a3", "a4", "a5", "a6", "a7", "a8", "a9"}, order("a"))
		last := rec.seen()
		require.Equal(t, last[begin+2].at, last[len(last)-1].at, "and goes on at once")
	})
}

// unsettling is a store that cannot record for a while.
type unsettling struct {
	Store
	until time.Time
}

func (s unsettling) Settle(ctx context.Context, settlements []Settlement) ([]Fence, error) {
	if time.Now().Before(s.until) {
		return nil, errInjected
	}
	return s.Store.Settle(ctx, settlements)
}

// A lane goes on although its endpoint's gate was forgotten before its outcome could
// be recorded.
func TestLaneOutlivesItsGate(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 3} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				rec := always(200)
				e := newEndpoint("e1")
				e.Ordered = true
				b := setup(t, rec, benchOptions{
					endpoints: []*Endpoint{e},
					through:   func(s Store) Store { return unsettling{s, time.Now().Add(10 * time.Minute)} },
				})
				b.publishKeyed(t, "k", names("m%d", n)...)
				pass(9 * time.Minute)
				require.Len(t, rec.seen(), 1)
				pass(2 * time.Minute)
				require.Len(t, rec.seen(), n)
				require.Equal(t, map[State]int{Succeeded: n}, b.store.Counts().Deliveries)
			})
		})
	}
}

// The order of a lane holds from publishing on, whatever happens at fan-out.
func TestOrderOutlivesAFailingDirectory(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rec := always(200)
		e := newEndpoint("e1")
		e.Ordered = true
		inner, err := Static(e)
		require.NoError(t, err)
		luck := rand.New(rand.NewPCG(1, 2)) // a pattern could hit the first of each batch
		dir := matcher{inner, func(context.Context, string) error {
			if luck.IntN(3) == 0 {
				return errInjected
			}
			return nil
		}}
		b := setup(t, rec, benchOptions{directory: serially{dir, make(chan struct{}, 1)}})
		b.publishKeyed(t, "k", names("m%02d", 50)...)
		pass(3 * time.Hour)
		var got []string
		for _, q := range rec.seen() {
			got = append(got, q.id)
		}
		require.Equal(t, names("m%02d", 50), got)
	})
}

// serially is a directory that is asked one question at a time.
type serially struct {
	Directory
	turn chan struct{}
}

func (s serially) Match(ctx context.Context, tenant string, t topic.Topic) ([]*Endpoint, error) {
	s.turn <- struct{}{}
	defer func() { <-s.turn }()
	return s.Directory.Match(ctx, tenant, t)
}

func TestNotBefore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rec := always(200)
		b := setup(t, rec, benchOptions{})
		pass(time.Minute)
		_, err := b.Publish(t.Context(), newEvent(), &PublishOptions{NotBefore: time.Now().Add(90 * time.Minute)})
		require.NoError(t, err)
		_, err = b.Publish(t.Context(), newEvent(), &PublishOptions{NotBefore: time.Now().Add(-time.Hour)})
		require.NoError(t, err)
		pass(3 * time.Hour)
		at := rec.times()
		require.Len(t, at, 2)
		require.Equal(t, []time.Duration{time.Minute, 91 * time.Minute}, at, "to the moment")
	})
}

func TestPublishBatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rec := always(200)
		b := setup(t, rec, benchOptions{store: NewMemory(&MemoryOptions{MaxOpen: 3})})
		ids, err := b.PublishBatch(t.Context(), []Publication{
			{Event: newEvent(), ID: "m1", Key: "k"}, {Event: newEvent(), NotBefore: time.Now().Add(time.Hour)},
		}, nil)
		require.NoError(t, err)
		require.Equal(t, "m1", ids[0])
		require.NotEmpty(t, ids[1])
		require.Equal(t, uint64(2), b.Stats().Published)
		_, err = b.PublishBatch(t.Context(), []Publication{{Event: newEvent()}, {Event: newEvent()}, {Event: newEvent()}}, nil)
		require.ErrorIs(t, err, ErrFull)
		_, err = b.PublishBatch(t.Context(), []Publication{{Event: newEvent()}, {}}, nil)
		require.ErrorContains(t, err, "event is nil")
		ids, err = b.PublishBatch(t.Context(), nil, nil)
		require.NoError(t, err)
		require.Empty(t, ids)
		tx := &batch{}
		_, err = b.PublishBatch(t.Context(), []Publication{{Event: newEvent()}, {Event: newEvent()}}, tx)
		require.NoError(t, err)
		require.Len(t, tx.messages, 2)
		pass(2 * time.Hour)
		require.Len(t, rec.seen(), 2, "all or none")
	})
}

func TestCancel(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rec := hangFor("hung", 1)
		hung := newEndpoint("hung")
		hung.Timeout, hung.Concurrency = time.Hour, 2
		b := setup(t, rec, benchOptions{endpoints: []*Endpoint{hung}})
		b.publish(t, "m")
		pass(time.Second)
		for _, id := range names("m%d", 5) {
			b.publish(t, id)
		}
		pass(time.Second)
		require.Equal(t, 2, rec.under("hung"))
		begin := time.Now()
		n, err := b.Cancel(t.Context(), Selection{EndpointID: "hung"})
		require.NoError(t, err)
		require.Equal(t, 5, n)
		pass(21 * time.Second)
		require.Zero(t, rec.under("hung"), "what is under way is broken off")
		require.Less(t, time.Since(begin), 22*time.Second)
		for _, o := range b.journal.outcomes()[1:] {
			require.Equal(t, ReasonLeaseLost, o.Settlement.Record.Reason)
		}
		require.Equal(t, map[State]int{Succeeded: 1, Canceled: 5}, b.store.Counts().Deliveries)
		pass(time.Hour)
		require.Len(t, rec.seen(), 1+2)

		// One that is held back.
		_, err = b.Publish(t.Context(), newEvent(), &PublishOptions{ID: "late", NotBefore: time.Now().Add(time.Hour)})
		require.NoError(t, err)
		n, err = b.Cancel(t.Context(), Selection{MessageID: "late"})
		require.NoError(t, err)
		require.Equal(t, 1, n)
		pass(2 * time.Hour)
		require.Len(t, rec.seen(), 1+2)
		require.Zero(t, b.store.Counts().Open)
	})
}

func TestReplay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rec := always(404)
		b := setup(t, rec, benchOptions{endpoints: []*Endpoint{newEndpoint("e1"), newEndpoint("e2")}})
		for _, id := range names("m%d", 1200) { // more than a page
			b.publish(t, id)
		}
		pass(3 * time.Hour)
		require.Equal(t, map[State]int{Exhausted: 2400}, b.store.Counts().Deliveries)
		sent := len(rec.seen())
		rec.answerWith(200)
		n, err := b.Replay(t.Context(), Selection{EndpointID: "e1", Since: 5 * time.Hour})
		require.NoError(t, err)
		require.Equal(t, 1200, n)
		pass(time.Second)
		require.Len(t, rec.seen(), sent+1200)
		one := b.deliveries(t, "", "m7")[1]
		require.Equal(t, "e2", one.EndpointID)
		n, err = b.Replay(t.Context(), Selection{DeliveryID: one.ID})
		require.NoError(t, err)
		require.Equal(t, 1, n)
		pass(time.Second)
		seen := rec.seen()
		require.Equal(t, "m7", seen[len(seen)-1].id, "with the same message id")
		d := b.deliveries(t, "", "m7")[1]
		last := d.Records[len(d.Records)-1]
		require.Equal(t, Record{Attempt: 1, Replay: 1, Reason: ReasonSucceeded, Status: 200}, last)
		totals, err := b.Totals(t.Context(), Selection{})
		require.NoError(t, err)
		require.Equal(t, Totals{Succeeded: 1201, Exhausted: 1199}, totals)
		require.Zero(t, totals.Open())
		n, err = b.Replay(t.Context(), Selection{EndpointID: "e2", Since: time.Minute})
		require.NoError(t, err)
		require.Equal(t, 1, n, "only what was settled since then")
	})
}

// A replay competes as retries do, and does not push first attempts aside.
func TestReplayIsNoFirstAttempt(t *testing.T) {
	t.Parallel()
	require.False(t, History{Replays: 1}.Fresh())
	require.False(t, History{Attempts: 1}.Fresh())
	require.False(t, History{OwnFaults: 1}.Fresh())
	require.True(t, History{Age: time.Hour}.Fresh())
}

// portOnly is a store that offers nothing to people.
type portOnly struct{ Store }

func TestStoreWithoutALedger(t *testing.T) {
	t.Parallel()
	b := setup(t, nil, benchOptions{idle: true, through: func(s Store) Store { return portOnly{s} }})
	ctx := t.Context()
	_, _, err := b.Deliveries(ctx, Selection{}, "", 1)
	require.ErrorIs(t, err, ErrNoLedger)
	_, err = b.Attempts(ctx, "d")
	require.ErrorIs(t, err, ErrNoLedger)
	_, err = b.Message(ctx, "", "m")
	require.ErrorIs(t, err, ErrNoLedger)
	_, err = b.Totals(ctx, Selection{})
	require.ErrorIs(t, err, ErrNoLedger)
	_, err = b.Replay(ctx, Selection{})
	require.ErrorIs(t, err, ErrNoLedger)
	_, err = b.Cancel(ctx, Selection{})
	require.ErrorIs(t, err, ErrNoLedger)
	_, err = b.Purge(ctx, 0)
	require.ErrorIs(t, err, ErrNoLedger)
	_, err = b.EndpointState(ctx, "e1")
	require.ErrorIs(t, err, ErrNoLedger)
	_, err = b.Resume(ctx, "e1", true)
	require.ErrorIs(t, err, ErrNoLedger)
	require.ErrorIs(t, b.Pause(ctx, "e1", 1), ErrNoLedger)
	require.ErrorIs(t, b.Disable(ctx, "e1"), ErrNoLedger)
}

func TestFanOutLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rec := always(200)
		var endpoints []*Endpoint
		for _, id := range names("e%02d", 15) {
			endpoints = append(endpoints, newEndpoint(id))
		}
		b := setup(t, rec, benchOptions{endpoints: endpoints, options: Options{FanOutLimit: InPlayerLimit}})
		ev := newEvent()
		ev.topic = topic.InPlayerSubscribeSuccess
		_, err := b.Publish(t.Context(), ev, nil)
		require.NoError(t, err)
		pass(time.Second)
		require.Len(t, rec.seen(), 10)
		require.Equal(t, 1, rec.count("e09"), "the first ones")
		require.Equal(t, uint64(5), b.Stats().OverLimit)
		require.Contains(t, b.log.String(), "left_out=5")
		b.publish(t, "m1")
		pass(time.Second)
		require.Len(t, rec.seen(), 25, "others have no limit")
	})
}

func TestFilters(t *testing.T) {
	t.Parallel()
	const form = "application/x-www-form-urlencoded"
	method := []Filter{{Path: "data.paymentMethodId", Values: []string{"320113641", "true", "null"}}}
	for name, tc := range map[string]struct {
		filters           []Filter
		contentType, body string
		want              bool
	}{
		"none":              {nil, "application/json", `{}`, true},
		"number":            {method, "application/json", `{"data":{"paymentMethodId":320113641}}`, true},
		"text":              {method, "application/json; charset=utf-8", `{"data":{"paymentMethodId":"320113641"}}`, true},
		"true":              {method, "application/json", `{"data":{"paymentMethodId":true}}`, true},
		"false":             {method, "application/json", `{"data":{"paymentMethodId":false}}`, false},
		"null":              {method, "application/json", `{"data":{"paymentMethodId":null}}`, true},
		"another":           {method, "application/json", `{"data":{"paymentMethodId":320113642}}`, false},
		"another notation":  {method, "application/json", `{"data":{"paymentMethodId":3.20113641e8}}`, false},
		"object":            {method, "application/json", `{"data":{"paymentMethodId":{}}}`, false},
		"missing":           {method, "application/json", `{"data":{}}`, false},
		"elsewhere":         {method, "application/json", `{"paymentMethodId":320113641}`, false},
		"no object":         {method, "application/json", `{"data":[320113641]}`, false},
		"null body":         {method, "application/json", `null`, false},
		"no JSON":           {method, "application/json", `{"data":{"paymentMethodId":320113641}`, false},
		"more JSON":         {method, "application/json", `{"data":{"paymentMethodId":320113641}}{}`, false},
		"empty":             {method, "text/plain", ``, false},
		"both":              {append(method, Filter{"topic", []string{"t"}}), "application/json", `{"topic":"t","data":{"paymentMethodId":320113641}}`, true},
		"one of two":        {append(method, Filter{"topic", []string{"t"}}), "application/json", `{"topic":"u","data":{"paymentMethodId":320113641}}`, false},
		"form":              {[]Filter{{"resource.customer.id", []string{"7"}}}, form, "resource%5Bcustomer%5D%5Bid%5D=7", true},
		"form, plain field": {[]Filter{{"type", []string{"a b"}}}, form, "type=a+b", true},
		"form, last one":    {[]Filter{{"type", []string{"a"}}}, form, "type=a&type=b", false},
		"form, missing":     {[]Filter{{"type", []string{""}}}, form, "kind=a", false},
		"form, malformed":   {[]Filter{{"type", []string{"a"}}}, form, "type=a&x=%zz", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEndpoint("e1")
			e.Filters = tc.filters
			_, err := e.check()
			require.NoError(t, err)
			require.Equal(t, tc.want, e.accepts(fieldsOf(&Message{ContentType: tc.contentType, Body: []byte(tc.body)})))
		})
	}
	longest := newEndpoint("e1")
	longest.Filters = []Filter{{Path: strings.Repeat("a", 256), Values: []string{"1"}}}
	_, err := Static(longest)
	require.NoError(t, err)
	for _, f := range []Filter{{}, {Path: "a"}, {Path: "a..b", Values: []string{"1"}}, {Path: ".a", Values: []string{"1"}}, {Path: strings.Repeat("a", 257), Values: []string{"1"}}} {
		e := newEndpoint("e1")
		e.Filters = []Filter{f}
		_, err := Static(e)
		require.ErrorContains(t, err, "filter")
	}
}

func TestFiltersNarrowTheFanOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rec := always(200)
		all, some := newEndpoint("all"), newEndpoint("some")
		some.Filters = []Filter{{Path: "amount", Values: []string{"12"}}}
		b := setup(t, rec, benchOptions{endpoints: []*Endpoint{all, some}})
		b.publish(t, "m1")
		ev := newEvent()
		ev.body = `{"amount":13}`
		_, err := b.Publish(t.Context(), ev, nil)
		require.NoError(t, err)
		pass(time.Second)
		require.Equal(t, map[string]int{"all": 2, "some": 1}, rec.counts)
	})
}

func TestTrace(t *testing.T) {
	t.Parallel()
	const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	type key struct{}
	synctest.Test(t, func(t *testing.T) {
		rec := always(200)
		b := setup(t, rec, benchOptions{options: Options{Trace: func(ctx context.Context) Trace {
			trace, _ := ctx.Value(key{}).(Trace)
			return trace
		}}})
		for id, trace := range map[string]Trace{
			"both":    {parent, "a=1,b=2"},
			"parent":  {parent, ""},
			"newline": {parent, "a=1\r\nX-Evil: 1"},
			"none":    {},
			"garbage": {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-zz", "a=1"},
			"zero":    {"00-00000000000000000000000000000000-b7ad6b7169203331-01", "a=1"},
			"no span": {"00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01", "a=1"},
			"version": {"ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "a=1"},
			"alone":   {"", "a=1"},
			"upper":   {strings.ToUpper(parent), "a=1"},
			"dash_1":  {"00x" + parent[3:], "a=1"},
			"dash_2":  {parent[:35] + "x" + parent[36:], "a=1"},
			"dash_3":  {parent[:52] + "x" + parent[53:], "a=1"},
			"more":    {parent + "0", "a=1"},
			"most":    {parent, strings.Repeat("~", 512)},
			"long":    {parent, strings.Repeat("a", 513)},
			"delete":  {parent, "a=\x7f"},
		} {
			ctx := context.WithValue(t.Context(), key{}, trace)
			_, err := b.Publish(ctx, newEvent(), &PublishOptions{ID: strings.ReplaceAll(id, " ", "_")})
			require.NoError(t, err)
		}
		pass(time.Second)
		got := map[string]Trace{}
		for _, q := range rec.seen() {
			got[q.id] = Trace{q.header.Get("Traceparent"), q.header.Get("Tracestate")}
			require.Empty(t, q.header.Get("X-Evil"))
			require.Equal(t, got[q.id].Parent != "", len(q.header["Traceparent"]) == 1, "none, not an empty one")
			require.Equal(t, got[q.id].State != "", len(q.header["Tracestate"]) == 1, "none, not an empty one")
		}
		require.Equal(t, map[string]Trace{
			"both": {parent, "a=1,b=2"}, "parent": {parent, ""}, "newline": {parent, ""}, "long": {parent, ""},
			"most": {parent, strings.Repeat("~", 512)}, "delete": {parent, ""},
			"upper": {}, "dash_1": {}, "dash_2": {}, "dash_3": {}, "more": {},
			"none": {}, "garbage": {}, "zero": {}, "no_span": {}, "version": {}, "alone": {},
		}, got)
		for _, a := range b.journal.attempts() {
			require.Equal(t, got[a.Message.ID], a.Message.Trace, "hooks have it too")
		}
		require.Contains(t, b.log.String(), "traceparent="+parent)
	})
}

func TestTraceYieldsToOthers(t *testing.T) {
	t.Parallel()
	const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	rec := always(200)
	client, err := NewClient(&ClientOptions{UnguardedTransport: rec})
	require.NoError(t, err)
	e := newEndpoint("e1")
	e.Header = http.Header{"Traceparent": {"its own"}}
	msg := newMessage()
	msg.Trace = Trace{Parent: parent, State: "a=1"}
	require.NoError(t, Attempt(t.Context(), client, e, msg).Err)
	require.Equal(t, "its own", rec.seen()[0].header.Get("Traceparent"))
	require.Empty(t, rec.seen()[0].header.Get("Tracestate"))
}

// What is not published but attempted is judged as well.
func TestTraceOfAnAttempt(t *testing.T) {
	t.Parallel()
	rec := always(200)
	client, err := NewClient(&ClientOptions{UnguardedTransport: rec})
	require.NoError(t, err)
	for _, trace := range []Trace{{"garbage\r\nX-Evil: 1", "a=1"}, {}} {
		msg := newMessage()
		msg.Trace = trace
		require.NoError(t, Attempt(t.Context(), client, newEndpoint("e1"), msg).Err)
	}
	for _, q := range rec.seen() {
		require.NotContains(t, q.header, "Traceparent")
		require.NotContains(t, q.header, "Tracestate")
	}
}

func TestNewFillsInDefaults(t *testing.T) {
	t.Parallel()
	dir, err := Static()
	require.NoError(t, err)
	d, err := New(NewMemory(nil), dir, nil)
	require.NoError(t, err)
	require.Equal(t, []any{64, 0.75, 0.25, time.Second, time.Minute, 20 * time.Second, 256 << 10},
		[]any{d.concurrency, d.tenantShare, d.firstReserve, d.poll, d.lease, d.drain, d.maxBody})
	require.Error(t, d.client.guard.judge(netip.MustParseAddr("127.0.0.1")), "the strictest guard")

	client, err := NewClient(&ClientOptions{Guard: Guard{Allow: Loopback()}})
	require.NoError(t, err)
	d, err = New(NewMemory(nil), dir, &Options{
		Client: client, Concurrency: 1, TenantShare: 1, FirstReserve: 0.5, Poll: 10 * time.Millisecond, Lease: time.Second,
		DrainTimeout: -1, MaxBody: -1, Rand: func() float64 { return 7 },
	})
	require.NoError(t, err)
	require.Equal(t, []any{1, 1.0, 0.5, 10 * time.Millisecond, time.Second, time.Duration(-1), -1},
		[]any{d.concurrency, d.tenantShare, d.firstReserve, d.poll, d.lease, d.drain, d.maxBody})
	require.Same(t, client, d.client)
	require.InDelta(t, 7, d.rand(), 0)
}

// ownerStore keeps who asked for slots.
type ownerStore struct {
	Store
	owners chan string
}

func (s *ownerStore) Own(ctx context.Context, owner string, lease time.Duration) (Slots, error) {
	select {
	case s.owners <- owner:
	default:
	}
	return s.Store.Own(ctx, owner, lease)
}

func TestOwnerNamesEachRun(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{"": "^[A-Z2-7]{26}$", "host-7": "^host-7/[A-Z2-7]{26}$"} {
		synctest.Test(t, func(t *testing.T) {
			var seen []string
			for range 2 {
				s := &ownerStore{owners: make(chan string, 1)}
				b := setup(t, always(200), benchOptions{
					options: Options{Owner: name},
					through: func(inner Store) Store { s.Store = inner; return s },
				})
				seen = append(seen, <-s.owners)
				require.NoError(t, b.err())
			}
			require.Regexp(t, want, seen[0])
			require.NotEqual(t, seen[0], seen[1])
		})
	}
}

func TestNewRefusesLimits(t *testing.T) {
	t.Parallel()
	dir, err := Static()
	require.NoError(t, err)
	nan := math.NaN()
	for _, tc := range []struct {
		want string
		o    Options
	}{
		{"TenantShare", Options{TenantShare: 1.5}},
		{"TenantShare", Options{TenantShare: nan}},
		{"FirstReserve", Options{FirstReserve: 1}},
		{"FirstReserve", Options{FirstReserve: nan}},
		{"EndpointConcurrency", Options{EndpointConcurrency: -1}},
		{"EndpointRate", Options{EndpointRate: nan}},
		{"EndpointRate", Options{EndpointRate: math.Inf(1)}},
		{"Relief.Shrink", Options{Relief: &Relief{Shrink: 2}}},
		{"Relief.BreakerShare", Options{Relief: &Relief{BreakerShare: nan}}},
		{"BreakerPause", Options{Relief: &Relief{BreakerPause: -1}}},
	} {
		_, err := New(NewMemory(nil), dir, &tc.o)
		require.ErrorContains(t, err, tc.want)
		e, ok := errors.AsType[*Error](err)
		require.True(t, ok)
		require.Equal(t, ReasonInvalid, e.Reason)
	}
	for want, change := range map[string]func(*Endpoint){
		"Rate":          func(e *Endpoint) { e.Rate = nan },
		"Relief.Shrink": func(e *Endpoint) { e.Relief = &Relief{Shrink: 2} },
	} {
		e := newEndpoint("e1")
		change(e)
		_, err := Static(e)
		require.ErrorContains(t, err, want)
	}
}

// A worker that dies between any two calls to the store loses nothing: another one
// finishes what it began.
func TestCrashBetweenAnyTwoCalls(t *testing.T) {
	t.Parallel()
	for n := range 40 {
		t.Run(fmt.Sprint("call ", n), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				rec := newReceiver(func(_ *http.Request, n int) (*http.Response, error) {
					time.Sleep(10 * time.Millisecond)
					if n%4 == 1 {
						return answer(503), nil
					}
					return answer(200), nil
				})
				e1, e2 := newEndpoint("e1"), newEndpoint("e2")
				e1.Ordered = true
				store := NewMemory(nil)
				first := setup(t, rec, benchOptions{
					store: store, endpoints: []*Endpoint{e1, e2}, idle: true, options: Options{DrainTimeout: -1},
					through: (&faultyStore{dies: n + 1}).over,
				})
				ids := names("m%d", 6)
				for _, id := range ids {
					require.NoError(t, store.Enqueue(t.Context(), &Message{
						ID: id, Key: "k", Topic: paid, ContentType: "application/json", Body: []byte(`{"amount":12}`),
					}))
				}
				first.start(t)
				pass(10 * time.Second)
				_ = first.err()
				second := setup(t, rec, benchOptions{store: store, endpoints: []*Endpoint{e1, e2}})
				pass(time.Hour)
				require.Equal(t, map[State]int{Succeeded: 12}, store.Counts().Deliveries)
				require.Zero(t, store.Counts().Open)
				done := -1
				for _, q := range rec.seen() { // of the lane, none comes before another that is not done
					if q.endpoint != "e1" {
						continue
					}
					i := int(q.id[1] - '0')
					require.LessOrEqual(t, i, done+2)
					require.GreaterOrEqual(t, i, done)
					done = max(done, i-1)
				}
				require.NoError(t, second.err())
			})
		})
	}
}
