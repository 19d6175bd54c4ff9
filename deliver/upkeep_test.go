package deliver

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/paperround/topic"
)

// A directory may hand out nonsense once.
func TestNegativeConcurrencyStuck(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		bad := newEndpoint("e1")
		bad.Concurrency = -1
		dir := &changingDirectory{}
		dir.set(bad)
		r := always(200)
		b := setup(t, r, benchOptions{directory: dir})
		b.publish(t, "m1")
		b.publish(t, "m2")
		pass(time.Second)
		dir.set(newEndpoint("e1")) // mended
		pass(48 * time.Hour)
		require.Equal(t, 2, r.count("e1"))
	})
}

// A first attempt does not wait where retries do.
func TestFirstBehindParkedRetry(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var eps []*Endpoint
		for _, n := range names("h%d", 4) {
			eps = append(eps, newEndpoint(n))
		}
		x := newEndpoint("x")
		eps = append(eps, x)
		for _, e := range eps {
			e.Topics = []topic.Pattern{topic.Pattern("acme:" + e.ID)}
			e.Timeout = 10 * time.Minute
		}
		r := newReceiver(func(req *http.Request, n int) (*http.Response, error) {
			if n == 1 {
				return answer(500), nil
			}
			if hostOf(req) == "x" {
				return answer(200), nil
			}
			<-req.Context().Done()
			return nil, req.Context().Err()
		})
		b := setup(t, r, benchOptions{endpoints: eps, options: Options{Concurrency: 4, TenantShare: -1}})
		pub := func(ep, id string) {
			_, err := b.Publish(t.Context(), occurrence{topic: topic.Topic("acme:" + ep), body: "{}", contentType: "application/json"}, &PublishOptions{ID: id})
			require.NoError(t, err)
		}
		for _, n := range names("h%d", 4)[:3] {
			pub(n, n)
		}
		pass(time.Second)
		pub("x", "x1") // fails once
		pass(10 * time.Second)
		require.Equal(t, 3, r.under("")) // three retries hang: all that retries may hold
		pub("x", "x2")
		pub("h3", "other")
		pass(20 * time.Second)
		require.Equal(t, 2, r.count("x"), "the first attempt of x2 waits for retries of others")
	})
}

// A pause of a disabled endpoint leaves alone since when it is disabled, from which Resume replays.
func TestPauseOfDisabledLosesReplay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := always(200)
		b := setup(t, r, benchOptions{})
		require.NoError(t, b.Disable(t.Context(), "e1"))
		b.publish(t, "m1")
		pass(2 * time.Hour)
		require.NoError(t, b.Pause(t.Context(), "e1", time.Hour))
		pass(2 * time.Hour)
		n, err := b.Resume(t.Context(), "e1", true)
		require.NoError(t, err)
		require.Equal(t, 1, n)
	})
}

// A batch for one time goes out in its order.
func TestBatchNotBeforeOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := newEndpoint("e1")
		e.Ordered = true
		r := always(200)
		b := setup(t, r, benchOptions{endpoints: []*Endpoint{e}})
		at := time.Now().Add(time.Hour)
		var batch []Publication
		for _, id := range names("m%02d", 10) {
			batch = append(batch, Publication{Event: newEvent(), ID: id, Key: "k", NotBefore: at})
		}
		_, err := b.PublishBatch(t.Context(), batch, nil)
		require.NoError(t, err)
		pass(2 * time.Hour)
		var got []string
		for _, q := range r.seen() {
			got = append(got, q.id)
		}
		require.Equal(t, names("m%02d", 10), got)
	})
}

// The same by a clock that goes on meanwhile.
func TestBatchNotBeforeOrderRealClock(t *testing.T) {
	t.Parallel()
	r := always(200)
	e := newEndpoint("e1")
	e.Ordered = true
	b := setup(t, r, benchOptions{endpoints: []*Endpoint{e}})
	at := time.Now().Add(300 * time.Millisecond)
	var batch []Publication
	for _, id := range names("m%02d", 10) {
		batch = append(batch, Publication{Event: newEvent(), ID: id, Key: "k", NotBefore: at})
	}
	_, err := b.PublishBatch(t.Context(), batch, nil)
	require.NoError(t, err)
	require.Eventually(t, func() bool { return r.count("e1") == 10 }, 5*time.Second, 10*time.Millisecond)
	var got []string
	for _, q := range r.seen() {
		got = append(got, q.id)
	}
	require.Equal(t, names("m%02d", 10), got)
}

// While the directory fails, nobody knows which policy is the endpoint's, so none gives up.
func TestDirectoryFaultUsesOtherPolicy(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := newEndpoint("e1")
		e.Policy = &Policy{MaxAge: -1, Schedule: []time.Duration{130 * time.Hour, time.Hour}, DisableAfter: -1}
		dir := &changingDirectory{}
		dir.set(e)
		r := always(500)
		b := setup(t, r, benchOptions{directory: dir})
		b.publish(t, "m1")
		pass(time.Minute)
		dir.failLookups(true)
		pass(130*time.Hour + 10*time.Second)
		dir.failLookups(false)
		r.answerWith(200)
		pass(time.Hour)
		d := b.only(t, "m1")
		require.Equal(t, Succeeded, d.State)
	})
}

// Timeouts in a row open the breaker, however few a window holds.
func TestBreakerNeverOpens(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name        string
		concurrency int
		timeout     time.Duration
	}{{"concurrency 1", 1, 0}, {"concurrency 2", 2, 0}, {"timeout 1 min", 8, time.Minute}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				e := newEndpoint("e1")
				e.Concurrency, e.Timeout = c.concurrency, c.timeout
				r := newReceiver(func(req *http.Request, _ int) (*http.Response, error) {
					<-req.Context().Done()
					return nil, req.Context().Err()
				})
				b := setup(t, r, benchOptions{endpoints: []*Endpoint{e}})
				for _, id := range names("m%d", 2000) {
					b.publish(t, id)
				}
				pass(2 * time.Hour)
				require.NotZero(t, b.Stats().Tripped)
			})
		})
	}
}

// What a store did not count does not wait for the next walk.
func TestBacklogBeyondTheCount(t *testing.T) {
	t.Parallel()
	for name, replayed := range map[string]bool{"first attempts": false, "retries": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := newReceiver(func(*http.Request, int) (*http.Response, error) {
					time.Sleep(10 * time.Millisecond)
					return answer(200), nil
				})
				const n = 960
				b := setup(t, r, benchOptions{idle: true, through: func(s Store) Store { return terseStore{s} }})
				for _, id := range names("m%d", n) {
					b.publish(t, id)
				}
				batch, _, err := b.store.Pending(t.Context(), n, time.Minute)
				require.NoError(t, err)
				for _, p := range batch {
					_, err = b.store.FanOut(t.Context(), []Plan{{Fence: p.Fence, Targets: targets("e1")}})
					require.NoError(t, err)
				}
				if replayed {
					all := Selection{EndpointID: "e1"}
					_, _, err = b.store.Cancel(t.Context(), all, "", n)
					require.NoError(t, err)
					_, _, err = b.store.Replay(t.Context(), all, "", n)
					require.NoError(t, err)
				}
				b.start(t)
				pass(n/defaultEndpointConcurrency*10*time.Millisecond + 200*time.Millisecond)
				require.Equal(t, n, r.count("e1"))
				require.Zero(t, b.Dispatcher.Stats().StoreErrors)
			})
		})
	}
}
