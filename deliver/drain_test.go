package deliver

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestDrainFinishesWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rec := newReceiver(func(_ *http.Request, n int) (*http.Response, error) {
			if n > warm {
				time.Sleep(10 * time.Second)
			}
			return answer(200), nil
		})
		b := setup(t, rec, benchOptions{})
		b.warmUp(t)
		for _, id := range names("m%d", 9) { // one more than may go out at a time
			b.publish(t, id)
		}
		pass(time.Second)
		begin := time.Now()
		require.NoError(t, b.err())
		require.Less(t, time.Since(begin), 10*time.Second, "it does not wait longer than it has to")
		require.Len(t, rec.seen(), warm+8, "nothing is claimed while draining")
		require.Equal(t, map[State]int{Succeeded: warm + 8, Scheduled: 1}, b.store.Counts().Deliveries)

		// The slots were given up, so another dispatcher need not wait.
		again := setup(t, rec, benchOptions{store: b.store})
		pass(11 * time.Second)
		require.Equal(t, map[State]int{Succeeded: warm + 9}, b.store.Counts().Deliveries)
		require.Equal(t, uint64(1), again.Stats().Succeeded)
	})
}

func TestDrainDeadlineGivesBack(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ drain, want time.Duration }{
		"default":  {0, 20 * time.Second},
		"shorter":  {3 * time.Second, 3 * time.Second},
		"negative": {-1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				rec := newReceiver(func(req *http.Request, _ int) (*http.Response, error) {
					<-req.Context().Done()
					return nil, req.Context().Err()
				})
				e := newEndpoint("e1")
				e.Timeout = time.Hour
				b := setup(t, rec, benchOptions{endpoints: []*Endpoint{e}, options: Options{DrainTimeout: tc.drain}})
				b.publish(t, "m1")
				pass(time.Second)
				begin := time.Now()
				require.NoError(t, b.err(), "giving back is a clean drain")
				require.Equal(t, tc.want, time.Since(begin))
				d := b.only(t, "m1")
				require.Equal(t, Scheduled, d.State)
				require.Zero(t, d.History.Attempts, "the attempt is not spent")
				require.Equal(t, ReasonCanceled, d.Records[0].Reason)
				require.Equal(t, uint64(1), b.Stats().GivenBack)

				after := always(200)
				setup(t, after, benchOptions{store: b.store})
				pass(time.Second)
				require.Len(t, after.seen(), 1, "and it is due at once")
			})
		})
	}
}

func TestDrainLeavesWhatDoesNotReturnToItsLease(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		// A transport that takes no notice of its context.
		release := make(chan struct{})
		rec := newReceiver(func(*http.Request, int) (*http.Response, error) {
			<-release
			return answer(200), nil
		})
		b := setup(t, rec, benchOptions{})
		b.publish(t, "m1")
		pass(time.Second)
		begin := time.Now()
		require.ErrorContains(t, b.err(), "1 claims could not be settled")
		require.Equal(t, 25*time.Second, time.Since(begin))
		require.Equal(t, Claimed, b.only(t, "m1").State, "it may still be sent, so it is not given back")

		after := always(200)
		again := setup(t, after, benchOptions{store: b.store})
		pass(2 * time.Minute)
		require.Len(t, after.seen(), 1)
		require.True(t, again.journal.attempts()[0].Interrupted)
		require.Equal(t, ReasonUnknown, b.only(t, "m1").Records[0].Reason)
		close(release)
		pass(time.Second)
		require.Equal(t, Succeeded, b.only(t, "m1").State)
	})
}

func TestDrainEndsThoughTheStoreIsDown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rec := newReceiver(func(*http.Request, int) (*http.Response, error) {
			time.Sleep(time.Second)
			return answer(200), nil
		})
		faults := &faultyStore{}
		b := setup(t, rec, benchOptions{through: faults.over})
		b.publish(t, "m1")
		pass(500 * time.Millisecond)
		faults.cutOff(true)
		begin := time.Now()
		require.ErrorContains(t, b.err(), "could not be settled")
		require.Less(t, time.Since(begin), time.Minute)
		require.Positive(t, b.Stats().StoreErrors)
		require.Contains(t, b.log.String(), "store call failed")

		after := always(200)
		setup(t, after, benchOptions{store: b.store})
		pass(2 * time.Minute)
		require.Len(t, after.seen(), 1, "its lease ran out, so it was sent again")
		require.Equal(t, "m1", after.seen()[0].id)
	})
}

func TestDirectoryThatHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		inner, err := Static(newEndpoint("e1"))
		require.NoError(t, err)
		b := setup(t, always(200), benchOptions{directory: hangingDirectory{inner}})
		b.publish(t, "m1")
		pass(25 * time.Second)
		d := b.only(t, "m1")
		require.Len(t, d.Records, 1, "a lookup is bounded")
		require.Equal(t, ReasonLocal, d.Records[0].Reason)
		begin := time.Now()
		require.NoError(t, b.err())
		require.LessOrEqual(t, time.Since(begin), 20*time.Second)
		d = b.only(t, "m1")
		require.Equal(t, Scheduled, d.State)
		require.Zero(t, d.History.Attempts)

		// One that begins when the drain is about to end is canceled by it.
		b = setup(t, always(200), benchOptions{directory: hangingDirectory{inner}, options: Options{DrainTimeout: time.Second}})
		b.publish(t, "m2")
		pass(time.Second)
		require.NoError(t, b.err())
		require.Equal(t, ReasonCanceled, b.only(t, "m2").Records[0].Reason)
	})
}
