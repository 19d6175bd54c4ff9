package delivertest_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/paperround/deliver"
	"example.com/paperround/deliver/delivertest"
	"example.com/paperround/event"
	"example.com/paperround/event/cleeng"
	"example.com/paperround/event/eventtest"
	"example.com/paperround/event/inplayer"
	"example.com/paperround/topic"
)

var (
	_ delivertest.TB = (*testing.T)(nil)
	_ delivertest.TB = (*testing.B)(nil)
	_ delivertest.TB = (*testing.F)(nil)
)

// failures is a T that keeps what would end a test.
type failures struct{ list []string }

func (*failures) Helper() {}

func (f *failures) Fatalf(format string, args ...any) {
	f.list = append(f.list, fmt.Sprintf(format, args...))
}

func (f *failures) only(t *testing.T) string {
	t.Helper()
	require.Len(t, f.list, 1)
	text := f.list[0]
	f.list = nil
	return text
}

type (
	subscribed = delivertest.Published[*inplayer.SubscribeSuccess]
	anything   = delivertest.Published[event.Event]
)

func TestRequirePublished(t *testing.T) {
	t.Parallel()
	var rec delivertest.Recorder
	var fails failures
	delivertest.RequirePublished[*inplayer.SubscribeSuccess](&fails, &rec, nil)
	require.Equal(t, "published: 0 of *inplayer.SubscribeSuccess, want 1; nothing was published", fails.only(t))
	delivertest.RequireNotPublished[*inplayer.SubscribeSuccess](&fails, &rec, nil)
	require.Empty(t, fails.list)

	publish := func(ev event.Event, opts *deliver.PublishOptions) string {
		id, err := rec.Publish(t.Context(), ev, opts)
		require.NoError(t, err)
		return id
	}
	pass := eventtest.New(topic.CleengPassCreated)
	id := publish(pass, &deliver.PublishOptions{Tenant: "t-7", Key: "c-1"})
	require.True(t, strings.HasPrefix(id, "msg_"))
	delivertest.RequirePublished[*inplayer.SubscribeSuccess](&fails, &rec, nil)
	require.Equal(t, "published: 0 of *inplayer.SubscribeSuccess, want 1; what was published:\n"+
		"\t1. *cleeng.PassCreated cleeng:passCreated, id "+id+`, tenant "t-7", key "c-1"`, fails.only(t))

	envelope := func(id string) inplayer.Envelope {
		return inplayer.Envelope{EventID: id, Created: event.NewTime(time.Unix(1772366400, 0), event.UnixSeconds)}
	}
	one := &inplayer.SubscribeSuccess{Envelope: envelope("one"), Email: "a@example.com", Amount: event.NewDecimal(1250, 2)}
	publish(one, &deliver.PublishOptions{ID: "one"})
	got := delivertest.RequirePublished[*inplayer.SubscribeSuccess](t, &rec, nil)
	require.Same(t, one, got.Event)
	require.Equal(t, "one", got.Message.ID)
	require.Equal(t, "application/x-www-form-urlencoded", got.Message.ContentType)
	require.Same(t, pass, delivertest.RequirePublished[*cleeng.PassCreated](t, &rec, nil).Event)

	publish(&inplayer.SubscribeSuccess{Envelope: envelope("b"), Email: "b@example.com", Description: strings.Repeat("x", 300)}, nil)
	delivertest.RequirePublished[*inplayer.SubscribeSuccess](&fails, &rec, nil)
	require.Contains(t, fails.only(t), "published: 2 of *inplayer.SubscribeSuccess, want 1; what was published:\n")
	isB := func(p subscribed) bool { return p.Event.Email == "b@example.com" }
	require.NotEqual(t, "one", delivertest.RequirePublished(t, &rec, isB).Message.ID)
	isC := func(p subscribed) bool { return p.Event.Email == "c@example.com" }
	delivertest.RequireNotPublished(t, &rec, isC)
	delivertest.RequirePublished(&fails, &rec, isC)
	text := fails.only(t)
	require.Contains(t, text, "published: 0 of *inplayer.SubscribeSuccess that fulfil the condition, want 1")
	require.Contains(t, text, "a%40example.com", "the bodies of that type are shown")
	require.Contains(t, text, `" … of `)
	require.NotContains(t, text, strings.Repeat("x", 300))
	delivertest.RequireNotPublished(&fails, &rec, isB)
	require.Contains(t, fails.only(t), "published: 1 of *inplayer.SubscribeSuccess that fulfil the condition, want none; what")

	// A host's own events have no type, but a topic.
	publish(event.JSON("acme:invoice.paid", 12), nil)
	paid := func(p anything) bool { return p.Event.Topic() == "acme:invoice.paid" }
	require.Equal(t, "12", string(delivertest.RequirePublished(t, &rec, paid).Message.Body))
	require.Len(t, delivertest.AllPublished[event.Event](&rec), 4)
	require.Len(t, delivertest.AllPublished[*inplayer.SubscribeSuccess](&rec), 2)
}

// The recorder as what stores messages, for code that has a dispatcher.
func TestRecorderStores(t *testing.T) {
	t.Parallel()
	var rec delivertest.Recorder
	d, err := deliver.New(deliver.NewMemory(nil), &deliver.StaticDirectory{}, nil)
	require.NoError(t, err)
	in := &deliver.PublishOptions{In: &rec, ID: "one"}
	_, err = d.Publish(t.Context(), eventtest.New(topic.InPlayerSubscribeSuccess), in)
	require.NoError(t, err)
	got := delivertest.RequirePublished[*inplayer.SubscribeSuccess](t, &rec, nil)
	require.NotEmpty(t, got.Event.Email)
	require.Equal(t, "one", got.Message.ID)

	in.ID = ""
	_, err = d.Publish(t.Context(), event.JSON("acme:invoice.paid", 12), in)
	require.NoError(t, err)
	own := delivertest.RequirePublished[*event.Unknown](t, &rec, nil)
	require.Equal(t, topic.Topic("acme:invoice.paid"), own.Event.Topic())
	require.Equal(t, "12", string(own.Event.Body))
}

func TestRecorderAcceptsWhatADispatcherDoes(t *testing.T) {
	t.Parallel()
	var rec, other delivertest.Recorder
	publish := func(ev event.Event, opts *deliver.PublishOptions) error {
		_, err := rec.Publish(t.Context(), ev, opts)
		return err
	}
	paid := func(amount int) event.Event { return event.JSON("acme:invoice.paid", amount) }
	require.Error(t, publish(nil, nil))
	require.Error(t, publish(event.JSON("nonsense", 1), nil))
	require.Error(t, publish(event.JSON("acme:invoice.paid", func() {}), nil))
	require.Error(t, publish(paid(1), &deliver.PublishOptions{ID: "a b"}))
	require.NoError(t, publish(event.JSON("acme:invoice.paid", strings.Repeat("x", 1<<20)), &deliver.PublishOptions{ID: "large"}))
	require.NoError(t, publish(paid(1), &deliver.PublishOptions{ID: "one"}))
	require.NoError(t, publish(paid(1), &deliver.PublishOptions{ID: "one"}), "again")
	require.ErrorIs(t, publish(paid(2), &deliver.PublishOptions{ID: "one"}), deliver.ErrConflict)
	require.NoError(t, publish(paid(2), &deliver.PublishOptions{ID: "one", Tenant: "another"}))
	require.Len(t, delivertest.AllPublished[event.Event](&rec), 3)

	// With a place of its own, both have it or neither.
	require.NoError(t, publish(paid(3), &deliver.PublishOptions{ID: "three", In: &other}))
	require.Len(t, delivertest.AllPublished[event.Event](&other), 1)
	other.Fail(deliver.ErrFull)
	require.ErrorIs(t, publish(paid(4), &deliver.PublishOptions{ID: "four", In: &other}), deliver.ErrFull)
	require.NoError(t, publish(paid(5), &deliver.PublishOptions{ID: "five", In: &rec}), "the recorder twice")
	require.Len(t, delivertest.AllPublished[event.Event](&rec), 5)

	rec.Fail(deliver.ErrFull)
	require.ErrorIs(t, publish(paid(6), &deliver.PublishOptions{ID: "six", In: &other}), deliver.ErrFull)
	require.Len(t, delivertest.AllPublished[event.Event](&other), 1)
	rec.Fail(nil)
	require.NoError(t, publish(paid(6), nil))

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := rec.Publish(ctx, paid(7), nil)
	require.ErrorIs(t, err, context.Canceled)
}
