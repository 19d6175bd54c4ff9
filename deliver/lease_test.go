package deliver

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestLongExchangeKeepsItsLease(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rec := newReceiver(func(*http.Request, int) (*http.Response, error) {
			time.Sleep(10 * time.Minute)
			return answer(200), nil
		})
		e := newEndpoint("e1")
		e.Timeout = time.Hour
		b := setup(t, rec, benchOptions{endpoints: []*Endpoint{e}})
		other := setup(t, rec, benchOptions{endpoints: []*Endpoint{e}, store: b.store})
		b.publish(t, "m1")
		pass(11 * time.Minute)
		require.Len(t, rec.seen(), 1)
		require.Equal(t, []Record{{Attempt: 1, Reason: ReasonSucceeded, Status: 200, Elapsed: 10 * time.Minute}}, b.only(t, "m1").Records)
		require.Equal(t, uint64(1), b.Stats().Succeeded+other.Stats().Succeeded)
	})
}

// A worker that is cut off from the store goes on with its exchange; another
// one takes over when the lease has run out.
func TestLeaseRunsOutWhileSending(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		slow := newReceiver(func(*http.Request, int) (*http.Response, error) {
			time.Sleep(3 * time.Minute)
			return answer(200), nil
		})
		e := newEndpoint("e1")
		e.Timeout = time.Hour
		faults := &faultyStore{}
		first := setup(t, slow, benchOptions{endpoints: []*Endpoint{e}, through: faults.over})
		first.publish(t, "m1")
		pass(time.Second)
		require.Len(t, slow.seen(), 1)
		faults.cutOff(true)

		rec := always(200)
		second := setup(t, rec, benchOptions{endpoints: []*Endpoint{e}, store: first.store})
		pass(50 * time.Second)
		require.Empty(t, rec.seen(), "as long as the lease lasts nobody else sends")
		pass(30 * time.Second)
		require.Len(t, rec.seen(), 1)
		require.Equal(t, slow.seen()[0].id, rec.seen()[0].id, "the repetition has the same id")

		got := second.journal.attempts()[0]
		require.True(t, got.Interrupted)
		require.Equal(t, 2, got.Attempt)
		require.Contains(t, second.log.String(), "outcome unknown")
		require.Equal(t, uint64(1), second.Stats().Interrupted)

		// The first one comes back when it is too late.
		pass(80 * time.Second)
		faults.cutOff(false)
		pass(time.Minute)
		out := first.journal.outcomes()
		require.Len(t, out, 1)
		require.ErrorIs(t, out[0].Err, ErrLeaseLost)
		require.Equal(t, uint64(1), first.Stats().LeaseLost)
		require.Zero(t, first.Stats().Succeeded, "what was not recorded does not count")
		d := first.only(t, "m1")
		require.Equal(t, []Record{
			{Attempt: 1, Reason: ReasonUnknown},
			{Attempt: 2, Reason: ReasonSucceeded, Status: 200},
		}, d.Records)
	})
}

// The same, but the first worker learns of it from Extend and breaks off.
func TestLostLeaseCancelsTheExchange(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var canceledAt time.Duration
		rec := newReceiver(nil)
		rec.reply = func(req *http.Request, n int) (*http.Response, error) {
			if n == 1 {
				<-req.Context().Done()
				canceledAt = time.Since(rec.begin)
				return nil, req.Context().Err()
			}
			return answer(200), nil
		}
		e := newEndpoint("e1")
		e.Timeout = time.Hour
		faults := &faultyStore{}
		b := setup(t, rec, benchOptions{endpoints: []*Endpoint{e}, through: faults.over})
		b.publish(t, "m1")
		pass(time.Second)
		faults.cutOff(true)
		pass(70 * time.Second)
		faults.cutOff(false)
		pass(10 * time.Second)
		require.GreaterOrEqual(t, canceledAt, time.Minute, "the lease")
		require.Less(t, canceledAt, 63*time.Second)
		require.Len(t, rec.seen(), 2)
		require.Equal(t, ReasonCanceled, b.journal.attempts()[0].Result.Reason)
		require.Contains(t, b.log.String(), "lease lost, outcome unknown")
		d := b.only(t, "m1")
		require.Equal(t, Succeeded, d.State)
		require.Equal(t, ReasonUnknown, d.Records[0].Reason)
		var lost int
		for _, o := range b.journal.outcomes() {
			if o.Err != nil {
				require.ErrorIs(t, o.Err, ErrLeaseLost)
				lost++
			}
		}
		require.Equal(t, 1, lost)
		require.Equal(t, uint64(1), b.Stats().LeaseLost)
	})
}

func TestMessageThatKillsItsWorkerIsExhausted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := NewMemory(nil)
		e := newEndpoint("e1")
		e.Policy = &Policy{Schedule: []time.Duration{time.Second, time.Second}}
		b := setup(t, always(200), benchOptions{store: store, endpoints: []*Endpoint{e}, idle: true})
		b.publish(t, "m1")
		ctx := t.Context()
		pending, _, err := store.Pending(ctx, 1, time.Minute)
		require.NoError(t, err)
		_, err = store.FanOut(ctx, []Plan{{Fence: pending[0].Fence, Targets: []Target{{EndpointID: "e1"}}}})
		require.NoError(t, err)
		for range 3 { // workers that die, each in the middle of its attempt
			slots, err := store.Own(ctx, "dies", time.Minute)
			require.NoError(t, err)
			claims, err := store.Claim(ctx, slots, []Want{{"e1", 1, 1}}, time.Minute)
			require.NoError(t, err)
			require.Len(t, claims, 1)
			pass(time.Minute)
		}
		rec := always(200)
		survivor := setup(t, rec, benchOptions{store: store, endpoints: []*Endpoint{e}})
		pass(5 * time.Minute)
		require.Empty(t, rec.seen(), "three attempts were allowed, and made")
		require.Equal(t, Exhausted, b.only(t, "m1").State)
		require.Equal(t, uint64(1), survivor.Stats().Exhausted)
	})
}

func TestFanOutIsExactlyOnceWithTwoDispatchers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rec := newReceiver(func(*http.Request, int) (*http.Response, error) {
			time.Sleep(20 * time.Millisecond)
			return answer(200), nil
		})
		var endpoints []*Endpoint
		for _, id := range names("e%d", 20) {
			endpoints = append(endpoints, newEndpoint(id))
		}
		store := NewMemory(nil)
		one := setup(t, rec, benchOptions{store: store, endpoints: endpoints})
		two := setup(t, rec, benchOptions{store: store, endpoints: endpoints})
		pass(time.Minute) // until each has its share
		for i, id := range names("m%d", 100) {
			if i%2 == 0 {
				one.publish(t, id)
			} else {
				two.publish(t, id)
			}
		}
		pass(time.Minute)
		sent := map[string]int{}
		for _, q := range rec.seen() {
			sent[q.endpoint+" "+q.id]++
		}
		require.Len(t, sent, 2000)
		for what, n := range sent {
			require.Equal(t, 1, n, what)
		}
		for _, e := range endpoints {
			require.LessOrEqual(t, rec.peak[e.ID], 8, "one owner per endpoint keeps its limit exact")
		}
		require.Positive(t, one.Stats().Succeeded)
		require.Positive(t, two.Stats().Succeeded)
		require.Equal(t, uint64(100), one.Stats().FannedOut+two.Stats().FannedOut)
		require.Zero(t, one.Stats().LeaseLost+two.Stats().LeaseLost)
	})
}
