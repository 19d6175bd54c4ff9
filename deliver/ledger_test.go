package deliver

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// pagedLedger answers in pages, and fails where it is told to.
type pagedLedger struct {
	*Memory
	pages                 []int
	cursors               []string
	states, resumes, last error
}

func (l *pagedLedger) page() (n int, next string, err error) {
	n, l.pages = l.pages[0], l.pages[1:]
	if len(l.pages) == 0 {
		return n, "", l.last
	}
	return n, "after " + string(rune('0'+len(l.pages))), nil
}

func (l *pagedLedger) Replay(_ context.Context, _ Selection, cursor string, _ int) (int, string, error) {
	l.cursors = append(l.cursors, cursor)
	return l.page()
}

func (l *pagedLedger) Purge(context.Context, time.Duration, int) (int, error) {
	n, _, err := l.page()
	return n, err
}

func (l *pagedLedger) Endpoints(ctx context.Context, sel Selection, after string, limit int) ([]EndpointState, error) {
	if l.states != nil {
		return nil, l.states
	}
	return l.Memory.Endpoints(ctx, sel, after, limit)
}

func (l *pagedLedger) Resume(context.Context, string) error { return l.resumes }

func TestLedgerGoesOnToTheEnd(t *testing.T) {
	t.Parallel()
	dir, err := Static()
	require.NoError(t, err)
	l := &pagedLedger{Memory: NewMemory(nil)}
	d, err := New(l, dir, nil)
	require.NoError(t, err)

	l.pages = []int{500, 0, 7}
	n, err := d.Replay(t.Context(), Selection{Key: "k"})
	require.NoError(t, err)
	require.Equal(t, 507, n)
	require.Equal(t, []string{"", "after 2", "after 1"}, l.cursors)

	l.pages = []int{500, 500, 7, 500}
	n, err = d.Purge(t.Context(), time.Hour)
	require.NoError(t, err)
	require.Equal(t, 1007, n)

	l.last = errInjected
	l.pages = []int{500, 500}
	n, err = d.Purge(t.Context(), time.Hour)
	require.ErrorIs(t, err, errInjected)
	require.Equal(t, 1000, n, "what was done is told")
	l.pages = []int{500, 3}
	n, err = d.Replay(t.Context(), Selection{Key: "k"})
	require.ErrorIs(t, err, errInjected)
	require.Equal(t, 503, n)

	l.resumes = errInjected
	_, err = d.Resume(t.Context(), "e1", false)
	require.ErrorIs(t, err, errInjected)
	l.resumes, l.states = nil, errInjected
	_, err = d.Resume(t.Context(), "e1", false)
	require.ErrorIs(t, err, errInjected)
	s, err := d.EndpointState(t.Context(), "e1")
	require.ErrorIs(t, err, errInjected)
	require.Equal(t, "e1", s.EndpointID)
}

// Resuming sends again what was abandoned, if the endpoint was disabled and somebody
// asks for it.
func TestResumeReplaysWhenAsked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rec := always(200)
		b := setup(t, rec, benchOptions{})
		require.NoError(t, b.Disable(t.Context(), "e1"))
		b.publish(t, "m1")
		pass(time.Second)
		require.Equal(t, Abandoned, b.only(t, "m1").State)
		n, err := b.Resume(t.Context(), "e1", false)
		require.NoError(t, err)
		require.Zero(t, n, "nobody asked")
		require.NoError(t, b.Pause(t.Context(), "e1", time.Hour))
		n, err = b.Resume(t.Context(), "e1", true)
		require.NoError(t, err)
		require.Equal(t, 1, n, "it is still abandoned")
		pass(time.Minute)
		require.Len(t, rec.seen(), 1)
		require.NoError(t, b.Disable(t.Context(), "e1"))
		b.publish(t, "m0")
		pass(time.Second)
		_, err = b.Resume(t.Context(), "e1", false)
		require.NoError(t, err)
		pass(2 * time.Minute)
		require.NoError(t, b.Disable(t.Context(), "e1"))
		pass(time.Second)
		n, err = b.Resume(t.Context(), "e1", true)
		require.NoError(t, err)
		require.Zero(t, n, "it was abandoned before that")
		require.NoError(t, b.Disable(t.Context(), "e1"))
		b.publish(t, "m2")
		pass(time.Second)
		n, err = b.Resume(t.Context(), "e1", true)
		require.NoError(t, err)
		require.Positive(t, n)
		pass(time.Second)
		require.Equal(t, Succeeded, b.only(t, "m2").State)
	})
}

// forgetfulLedger cannot replay for a while.
type forgetfulLedger struct {
	*Memory
	fails bool
}

func (l *forgetfulLedger) Replay(ctx context.Context, sel Selection, cursor string, limit int) (int, string, error) {
	if l.fails {
		return 0, "", errInjected
	}
	return l.Memory.Replay(ctx, sel, cursor, limit)
}

// A Resume that failed half-way can be called again.
func TestResumeCanBeRepeated(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rec := always(200)
		l := &forgetfulLedger{fails: true}
		b := setup(t, rec, benchOptions{through: func(s Store) Store { l.Memory = s.(*Memory); return l }})
		require.NoError(t, b.Disable(t.Context(), "e1"))
		b.publish(t, "m1")
		pass(time.Hour)
		_, err := b.Resume(t.Context(), "e1", true)
		require.ErrorIs(t, err, errInjected)
		pass(time.Hour)
		require.Empty(t, rec.seen())
		l.fails = false
		n, err := b.Resume(t.Context(), "e1", true)
		require.NoError(t, err)
		require.Equal(t, 1, n)
		pass(time.Second)
		require.Equal(t, Succeeded, b.only(t, "m1").State)
		n, err = b.Resume(t.Context(), "e1", true)
		require.NoError(t, err)
		require.Zero(t, n)
	})
}

func TestSteeringRefuses(t *testing.T) {
	t.Parallel()
	b := setup(t, always(200), benchOptions{idle: true})
	for _, dur := range []time.Duration{0, -time.Second} {
		require.ErrorContains(t, b.Pause(t.Context(), "e1", dur), "deliver: a pause of")
	}
	for _, replay := range []bool{false, true} {
		_, err := b.Resume(t.Context(), "a/b", replay)
		require.ErrorContains(t, err, "endpoint id")
		_, err = b.Resume(t.Context(), "unknown", replay)
		require.NoError(t, err)
	}
	require.ErrorContains(t, b.Pause(t.Context(), "a/b", time.Hour), "endpoint id")
	require.ErrorContains(t, b.Disable(t.Context(), ""), "endpoint id")
	s, err := b.EndpointState(t.Context(), "e1")
	require.NoError(t, err)
	require.Equal(t, EndpointState{EndpointID: "e1"}, s)
}

// A message that awaits fan-out is canceled by a selection that names it, and by none
// that asks for what only deliveries have.
func TestCancelOfWhatAwaitsFanOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rec := always(200)
		b := setup(t, rec, benchOptions{})
		_, err := b.Publish(t.Context(), newEvent(), &PublishOptions{
			ID: "m1", Tenant: "t1", Key: "k1", NotBefore: time.Now().Add(time.Hour),
		})
		require.NoError(t, err)
		own, other := "t1", "t2"
		for name, sel := range map[string]Selection{
			"another message": {MessageID: "m2"},
			"another tenant":  {MessageID: "m1", Tenant: &other},
			"another key":     {MessageID: "m1", Key: "k2"},
			"an endpoint":     {MessageID: "m1", EndpointID: "e1"},
			"a delivery":      {MessageID: "m1", DeliveryID: "d1"},
			"states":          {MessageID: "m1", States: []State{Scheduled}},
			"since":           {MessageID: "m1", Since: time.Hour},
			"no message":      {Tenant: &own},
		} {
			n, err := b.Cancel(t.Context(), sel)
			require.NoError(t, err, name)
			require.Zero(t, n, name)
		}
		require.Equal(t, 1, b.store.Counts().Pending)
		n, err := b.Cancel(t.Context(), Selection{MessageID: "m1", Tenant: &own, Key: "k1"})
		require.NoError(t, err)
		require.Equal(t, 1, n)
		require.Zero(t, b.store.Counts().Pending)
		require.Zero(t, b.store.Counts().Open)
		pass(2 * time.Hour)
		require.Empty(t, rec.seen())
	})
}

// A delivery that is canceled while it is under way has an attempt on record of which
// nobody knows how it ended.
func TestCancelOfWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, newReceiver(func(req *http.Request, _ int) (*http.Response, error) {
			<-req.Context().Done()
			return nil, req.Context().Err()
		}), benchOptions{})
		b.publish(t, "m1")
		pass(time.Second)
		require.Equal(t, Claimed, b.only(t, "m1").State)
		n, err := b.Cancel(t.Context(), Selection{MessageID: "m1"})
		require.NoError(t, err)
		require.Equal(t, 1, n)
		d := b.only(t, "m1")
		require.Equal(t, Canceled, d.State)
		require.Len(t, d.Records, 1)
		require.Equal(t, ReasonUnknown, d.Records[0].Reason)
		require.Equal(t, 1, d.Records[0].Attempt)
	})
}
