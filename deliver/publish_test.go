package deliver

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/paperround/event"
)

func TestPublishStoresTheMessageAndNothingElse(t *testing.T) {
	t.Parallel()
	dir := &changingDirectory{}
	dir.set(newEndpoint("e1"))
	b := setup(t, nil, benchOptions{directory: dir, idle: true})
	id, err := b.Publish(t.Context(), newEvent(), &PublishOptions{Tenant: "t-7", Key: "customer 12"})
	require.NoError(t, err)
	require.Regexp(t, `^msg_[A-Z2-7]{26}$`, id)
	require.Zero(t, dir.calls.Load(), "endpoints match later")
	pending, _, err := b.store.Pending(t.Context(), 2, minLease)
	require.NoError(t, err)
	require.Len(t, pending, 1)
	require.Equal(t, &Message{
		ID: id, Tenant: "t-7", Key: "customer 12", Topic: paid, ContentType: "application/json", Body: []byte(`{"amount":12}`),
	}, pending[0].Message)

	other, err := b.Publish(t.Context(), newEvent(), nil)
	require.NoError(t, err)
	require.NotEqual(t, id, other)
}

func TestPublishIsIdempotent(t *testing.T) {
	t.Parallel()
	b := setup(t, nil, benchOptions{idle: true})
	var wg sync.WaitGroup
	for range 32 {
		wg.Go(func() {
			id, err := b.Publish(context.Background(), newEvent(), &PublishOptions{ID: "m1", Tenant: "a"})
			if err != nil || id != "m1" {
				t.Errorf("got %q, %v", id, err)
			}
		})
	}
	wg.Wait()
	require.Equal(t, 1, b.store.Counts().Open)

	for name, change := range map[string]func(*occurrence){
		"topic":        func(o *occurrence) { o.topic = "acme:invoice.due" },
		"body":         func(o *occurrence) { o.body = `{"amount":13}` },
		"content type": func(o *occurrence) { o.contentType = "text/plain" },
	} {
		ev := newEvent()
		change(&ev)
		_, err := b.Publish(t.Context(), ev, &PublishOptions{ID: "m1", Tenant: "a"})
		require.ErrorIs(t, err, ErrConflict, name)
		_, err = b.Publish(t.Context(), ev, &PublishOptions{ID: "m1", Tenant: "b" + name})
		require.NoError(t, err, "ids are apart by tenant")
	}
}

func TestPublishOfManyBodiesUnderOneIDHasOneWinner(t *testing.T) {
	t.Parallel()
	b := setup(t, nil, benchOptions{idle: true})
	var wg sync.WaitGroup
	var won, conflicts atomic.Int64
	for i := range 32 {
		wg.Go(func() {
			ev := newEvent()
			ev.body = strings.Repeat("x", i)
			switch _, err := b.Publish(context.Background(), ev, &PublishOptions{ID: "m1"}); {
			case err == nil:
				won.Add(1)
			case errors.Is(err, ErrConflict):
				conflicts.Add(1)
			}
		})
	}
	wg.Wait()
	require.Equal(t, int64(1), won.Load())
	require.Equal(t, int64(31), conflicts.Load())
}

func TestPublishRefuses(t *testing.T) {
	t.Parallel()
	with := func(change func(*occurrence)) event.Event {
		ev := newEvent()
		change(&ev)
		return ev
	}
	long := strings.Repeat("x", 300)
	for name, tc := range map[string]struct {
		ev   event.Event
		opts PublishOptions
		want string
	}{
		"nil event":               {nil, PublishOptions{}, "event is nil"},
		"encode error":            {with(func(o *occurrence) { o.err = errInjected }), PublishOptions{}, "encoding the event: injected"},
		"no topic":                {with(func(o *occurrence) { o.topic = "" }), PublishOptions{}, "no valid topic"},
		"bad topic":               {with(func(o *occurrence) { o.topic = "nonsense" }), PublishOptions{}, "no valid topic"},
		"no content type":         {with(func(o *occurrence) { o.contentType = "" }), PublishOptions{}, "media type"},
		"bad content type":        {with(func(o *occurrence) { o.contentType = "text/plain\r\nX-Evil: 1" }), PublishOptions{}, "media type"},
		"control in content type": {with(func(o *occurrence) { o.contentType = "text/plain; a=\"\x00\"" }), PublishOptions{}, "control characters"},
		"content type not UTF-8":  {with(func(o *occurrence) { o.contentType = "text/plain; a=\"\xff\"" }), PublishOptions{}, "UTF-8"},
		"long type":               {with(func(o *occurrence) { o.contentType = "text/" + long }), PublishOptions{}, "longer than 256"},
		"large body":              {with(func(o *occurrence) { o.body = strings.Repeat("x", 256<<10+1) }), PublishOptions{}, "262145 bytes"},
		"id with a slash":         {newEvent(), PublishOptions{ID: "a/b"}, "message id"},
		"id with newline":         {newEvent(), PublishOptions{ID: "a\nb"}, "message id"},
		"id not ASCII":            {newEvent(), PublishOptions{ID: "ä"}, "message id"},
		"long id":                 {newEvent(), PublishOptions{ID: strings.Repeat("x", 129)}, "longer than 128"},
		"long tenant":             {newEvent(), PublishOptions{Tenant: long}, "tenant is longer"},
		"tenant not UTF-8":        {newEvent(), PublishOptions{Tenant: "\xff"}, "tenant must be UTF-8"},
		"long key":                {newEvent(), PublishOptions{Key: long}, "key is longer"},
		"key with NUL":            {newEvent(), PublishOptions{Key: "\x00"}, "key must be UTF-8"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, nil, benchOptions{idle: true})
			id, err := b.Publish(t.Context(), tc.ev, &tc.opts)
			require.ErrorContains(t, err, tc.want)
			require.ErrorContains(t, err, "deliver: ")
			require.Empty(t, id)
			require.Zero(t, b.store.Counts().Open)
			require.Zero(t, b.Stats().Published)
		})
	}
}

func TestPublishAcceptsTheLongest(t *testing.T) {
	t.Parallel()
	b := setup(t, nil, benchOptions{idle: true})
	long := strings.Repeat("x", 256)
	ev := newEvent()
	ev.contentType = "text/" + long[5:]
	id, err := b.Publish(t.Context(), ev, &PublishOptions{ID: long[:128], Tenant: long, Key: long})
	require.NoError(t, err)
	require.Len(t, id, 128)
}

func TestPublishBodyLimit(t *testing.T) {
	t.Parallel()
	ev := newEvent()
	for name, tc := range map[string]struct {
		maxBody, size int
		ok            bool
	}{
		"default, just fits": {0, 256 << 10, true},
		"default, one more":  {0, 256<<10 + 1, false},
		"one":                {1, 1, true},
		"one, one more":      {1, 2, false},
		"empty":              {1, 0, true},
		"raised":             {1 << 20, 1 << 20, true},
		"raised, one more":   {1 << 20, 1<<20 + 1, false},
		"off":                {-1, 4 << 20, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, nil, benchOptions{idle: true, options: Options{MaxBody: tc.maxBody}})
			ev := ev
			ev.body = strings.Repeat("x", tc.size)
			_, err := b.Publish(t.Context(), ev, nil)
			require.Equal(t, tc.ok, err == nil, err)
		})
	}
}

func TestPublishNotBefore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, nil, benchOptions{idle: true})
		for name, tc := range map[string]struct {
			at   time.Time
			want time.Duration
		}{
			"zero":      {time.Time{}, 0},
			"past":      {time.Now().Add(-time.Hour), 0},
			"long past": {time.Unix(-1<<40, 0), 0},
			"now":       {time.Now(), 0},
			"just":      {time.Now().Add(1), 1},
			"later":     {time.Now().Add(time.Hour), time.Hour},
		} {
			tx := &batch{}
			_, err := b.Publish(t.Context(), newEvent(), &PublishOptions{In: tx, NotBefore: tc.at})
			require.NoError(t, err)
			require.Equal(t, tc.want, tx.messages[0].Delay, name)
			tx = &batch{}
			_, err = b.PublishBatch(t.Context(), []Publication{{Event: newEvent(), NotBefore: tc.at}}, tx)
			require.NoError(t, err)
			require.Equal(t, tc.want, tx.messages[0].Delay, name)
		}
	})
}

func TestPublishOnAFullStore(t *testing.T) {
	t.Parallel()
	b := setup(t, nil, benchOptions{idle: true, store: NewMemory(&MemoryOptions{MaxOpen: 2})})
	b.publish(t, "m1")
	b.publish(t, "m2")
	_, err := b.Publish(t.Context(), newEvent(), nil)
	require.ErrorIs(t, err, ErrFull)
	require.True(t, Retryable(err))
	b.publish(t, "m2") // what is there already is not one more
}

// batch is a stand-in for a store's view of a transaction.
type batch struct{ messages []*Message }

func (b *batch) Enqueue(_ context.Context, messages ...*Message) error {
	b.messages = append(b.messages, messages...)
	return nil
}

func TestPublishInATransaction(t *testing.T) {
	t.Parallel()
	b := setup(t, nil, benchOptions{idle: true})
	tx := &batch{}
	id, err := b.Publish(t.Context(), newEvent(), &PublishOptions{In: tx})
	require.NoError(t, err)
	require.Len(t, tx.messages, 1)
	require.Equal(t, id, tx.messages[0].ID)
	require.Zero(t, b.store.Counts().Open)
}
