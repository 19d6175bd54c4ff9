package delivertest

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"example.com/paperround/deliver"
	"example.com/paperround/event"
	"example.com/paperround/event/eventtest"
)

// Recorder keeps what is published and delivers nothing. It stands in either of
// two places: it has the Publish and PublishBatch methods of [deliver.Dispatcher], for
// code that takes an interface with them; and it is a [deliver.Enqueuer], for
// [deliver.PublishOptions.In]. It refuses what these refuse, but for the size of
// bodies. The zero value is ready. It is safe for concurrent use.
type Recorder struct {
	mu   sync.Mutex
	list []Published[event.Event]
	fail error
}

// Published is an event that was published. Event and Message belong to the
// test, but the Event may be the very value that was published.
type Published[E event.Event] struct {
	Event   E
	Message *deliver.Message
}

var _ deliver.Enqueuer = (*Recorder)(nil)

// Fail makes every Publish and Enqueue from now on fail with err, such as
// [deliver.ErrFull], and keep nothing. nil ends that.
func (r *Recorder) Fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fail = err
}

// Publish does what [deliver.Dispatcher.Publish] does. With an In of its own, the
// message goes there too, and is kept if it was accepted there.
func (r *Recorder) Publish(ctx context.Context, ev event.Event, opts *deliver.PublishOptions) (string, error) {
	var o deliver.PublishOptions
	if opts != nil {
		o = *opts
	}
	ids, err := r.PublishBatch(ctx, []deliver.Publication{{
		Event: ev, ID: o.ID, Tenant: o.Tenant, Key: o.Key, NotBefore: o.NotBefore,
	}}, o.In)
	if err != nil {
		return "", err
	}
	return ids[0], nil
}

// PublishBatch does what [deliver.Dispatcher.PublishBatch] does, and with in as
// Publish does.
func (r *Recorder) PublishBatch(ctx context.Context, batch []deliver.Publication, in deliver.Enqueuer) ([]string, error) {
	d, err := deliver.New(deliver.NewMemory(nil), &deliver.StaticDirectory{}, &deliver.Options{MaxBody: -1})
	if err != nil {
		return nil, err
	}
	return d.PublishBatch(ctx, batch, &recording{recorder: r, batch: batch, next: in})
}

// Enqueue implements [deliver.Enqueuer]. The events are decoded from the bodies of
// the messages; one of a topic that is not in the catalog becomes an
// [*event.Unknown].
func (r *Recorder) Enqueue(ctx context.Context, messages ...*deliver.Message) error {
	list := make([]Published[event.Event], len(messages))
	for i, msg := range messages {
		ev, err := eventtest.Decode(msg.Topic, msg.Body)
		if err != nil {
			ev = &event.Unknown{Of: msg.Topic, ContentType: msg.ContentType, Body: bytes.Clone(msg.Body)}
		}
		list[i] = Published[event.Event]{Event: ev, Message: msg}
	}
	return r.keep(ctx, list, nil)
}

// recording is the recorder as the place where a batch is stored.
type recording struct {
	recorder *Recorder
	batch    []deliver.Publication
	next     deliver.Enqueuer // may be nil
}

func (p *recording) Enqueue(ctx context.Context, messages ...*deliver.Message) error {
	list := make([]Published[event.Event], len(messages))
	for i, msg := range messages {
		list[i] = Published[event.Event]{Event: p.batch[i].Event, Message: msg}
	}
	return p.recorder.keep(ctx, list, func() error {
		if p.next == nil {
			return nil
		}
		return p.next.Enqueue(ctx, messages...)
	})
}

// keep keeps all of list or nothing, if store, which may be nil, takes it.
func (r *Recorder) keep(ctx context.Context, list []Published[event.Event], store func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := r.refuses(list); err != nil {
		return err
	}
	if store != nil {
		if err := store(); err != nil {
			return err
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	all, err := r.with(list)
	if err == nil {
		r.list = all
	}
	return err
}

// refuses says why list cannot be kept.
func (r *Recorder) refuses(list []Published[event.Event]) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, err := r.with(list)
	return err
}

// with returns all that is kept with list behind it, but for what is there
// already, or says why that must not be. The caller holds the lock.
func (r *Recorder) with(list []Published[event.Event]) ([]Published[event.Event], error) {
	if r.fail != nil {
		return nil, r.fail
	}
	all := slices.Clone(r.list)
	for _, p := range list {
		msg, known := p.Message, false
		for _, is := range all {
			switch is := is.Message; {
			case is.Tenant != msg.Tenant || is.ID != msg.ID:
			case is.Topic == msg.Topic && is.ContentType == msg.ContentType && bytes.Equal(is.Body, msg.Body):
				known = true
			default:
				return nil, deliver.ErrConflict
			}
		}
		if !known {
			own := *msg
			own.Body = bytes.Clone(msg.Body)
			all = append(all, Published[event.Event]{Event: p.Event, Message: &own})
		}
	}
	return all, nil
}

// AllPublished returns the events of type E that were published, in that order.
// With [event.Event] as E, these are all.
func AllPublished[E event.Event](r *Recorder) []Published[E] {
	r.mu.Lock()
	defer r.mu.Unlock()
	var found []Published[E]
	for _, p := range r.list {
		if ev, ok := p.Event.(E); ok {
			found = append(found, Published[E]{Event: ev, Message: p.Message})
		}
	}
	return found
}

// RequirePublished fails the test unless exactly one event of type E was
// published for which where is true, and returns it; a nil where is true for
// all. The failure says what was published instead, with the bodies of events of
// that type: they are the test's own data.
func RequirePublished[E event.Event](t T, r *Recorder, where func(Published[E]) bool) Published[E] {
	t.Helper()
	found := matching(r, where)
	if len(found) == 1 {
		return found[0]
	}
	t.Fatalf("published: %d of %s%s, want 1%s", len(found), nameOf[E](), condition(where), published[E](r))
	return Published[E]{}
}

// RequireNotPublished fails the test if an event of type E was published for
// which where is true; a nil where is true for all.
func RequireNotPublished[E event.Event](t T, r *Recorder, where func(Published[E]) bool) {
	t.Helper()
	if found := matching(r, where); len(found) > 0 {
		t.Fatalf("published: %d of %s%s, want none%s", len(found), nameOf[E](), condition(where), published[E](r))
	}
}

func matching[E event.Event](r *Recorder, where func(Published[E]) bool) []Published[E] {
	return slices.DeleteFunc(AllPublished[E](r), func(p Published[E]) bool { return where != nil && !where(p) })
}

func nameOf[E event.Event]() string {
	return strings.TrimPrefix(fmt.Sprintf("%T", (*E)(nil)), "*")
}

func condition[E event.Event](where func(Published[E]) bool) string {
	if where == nil {
		return ""
	}
	return " that fulfil the condition"
}

// published lists all that was published, for a failure.
func published[E event.Event](r *Recorder) string {
	const most = 300
	all := AllPublished[event.Event](r)
	if len(all) == 0 {
		return "; nothing was published"
	}
	var b strings.Builder
	b.WriteString("; what was published:")
	for i, p := range all {
		fmt.Fprintf(&b, "\n\t%d. %T %s, id %s, tenant %q, key %q", i+1, p.Event, p.Message.Topic, p.Message.ID, p.Message.Tenant, p.Message.Key)
		if _, ok := p.Event.(E); !ok {
			continue
		}
		body, rest := p.Message.Body, ""
		if len(body) > most {
			body, rest = body[:most], fmt.Sprintf(" … of %d bytes", len(body))
		}
		fmt.Fprintf(&b, "\n\t   %q%s", body, rest)
	}
	return b.String()
}
