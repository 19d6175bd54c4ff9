package deliver

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"example.com/paperround/event"
)

// PublishOptions are the choices of [Dispatcher.Publish].
type PublishOptions struct {
	// ID is the message's; empty means a new random one. Publishing again with
	// an id of one's own is what makes publishing idempotent.
	ID string

	// Tenant is whose endpoints get the message; empty is a tenant too.
	Tenant string

	// Key is what the event is about, such as a customer id. Ordered endpoints get
	// the messages of one key in order.
	Key string

	// NotBefore is when delivery may begin; zero, or a time that has passed, means at
	// once. It is carried over to the store's clock as a duration.
	NotBefore time.Time

	// In is where the message is stored; nil means the dispatcher's store. A
	// store's view of a transaction makes the message part of it: it exists if
	// and when the caller commits. Call [Dispatcher.Wake] after that.
	In Enqueuer
}

// Publication is one event of [Dispatcher.PublishBatch]. The fields besides Event are
// those of [PublishOptions].
type Publication struct {
	Event     event.Event
	ID        string
	Tenant    string
	Key       string
	NotBefore time.Time
}

// Publish accepts an event for delivery and returns the message's id. It stores
// the message and does nothing else; which endpoints match is found out later,
// by a worker of whichever process runs. It may be called before Run, after it,
// and concurrently.
//
// The same tenant and id again is idempotent if topic, content type and body are
// the same, for as long as the store remembers the message, and [ErrConflict] if
// they are not. [ErrFull] comes back at once when the store is bounded and full.
// What is malformed or too large is an [*Error].
func (d *Dispatcher) Publish(ctx context.Context, ev event.Event, opts *PublishOptions) (string, error) {
	if opts == nil {
		opts = &PublishOptions{}
	}
	msg, err := d.message(ctx, Publication{
		Event: ev, ID: opts.ID, Tenant: opts.Tenant, Key: opts.Key, NotBefore: opts.NotBefore,
	}, time.Now())
	if err != nil {
		return "", err
	}
	if err := d.enqueue(ctx, opts.In, msg); err != nil {
		return "", fmt.Errorf("deliver: publishing %s: %w", msg.ID, err)
	}
	return msg.ID, nil
}

// PublishBatch accepts events for delivery, all of them or none, in one call to the
// store, and returns the ids of the messages. in is where they are stored, as in
// [PublishOptions]; nil means the dispatcher's store. It is otherwise like Publish.
func (d *Dispatcher) PublishBatch(ctx context.Context, batch []Publication, in Enqueuer) (ids []string, err error) {
	if len(batch) == 0 {
		return nil, nil
	}
	messages := make([]*Message, len(batch))
	ids = make([]string, len(batch))
	now := time.Now() // one for all: messages for the same time keep their order
	for i, p := range batch {
		if messages[i], err = d.message(ctx, p, now); err != nil {
			return nil, err
		}
		ids[i] = messages[i].ID
	}
	switch err := d.enqueue(ctx, in, messages...); {
	case err != nil && len(ids) > 1:
		return nil, fmt.Errorf("deliver: publishing %d messages: %w", len(ids), err)
	case err != nil:
		return nil, fmt.Errorf("deliver: publishing %s: %w", ids[0], err)
	}
	return ids, nil
}

// enqueue stores messages, in the dispatcher's store unless another one is given.
func (d *Dispatcher) enqueue(ctx context.Context, in Enqueuer, messages ...*Message) error {
	store := in
	if store == nil {
		store = d.store
	}
	if err := store.Enqueue(ctx, messages...); err != nil {
		return err
	}
	d.counters.published.Add(uint64(len(messages)))
	if in == nil {
		notify(d.wakeFanOut)
	}
	return nil
}

// message makes what is stored of a publication.
func (d *Dispatcher) message(ctx context.Context, p Publication, now time.Time) (*Message, error) {
	if p.Event == nil {
		return nil, invalid("event is nil")
	}
	body, contentType, err := p.Event.Encode()
	if err != nil {
		return nil, fmt.Errorf("deliver: encoding the event: %w", err)
	}
	if d.maxBody >= 0 && len(body) > d.maxBody {
		return nil, invalid("body is of %d bytes, more than the %d allowed; raise Options.MaxBody if receivers accept it", len(body), d.maxBody)
	}
	msg := &Message{
		ID:          p.ID,
		Tenant:      p.Tenant,
		Key:         p.Key,
		Topic:       p.Event.Topic(),
		ContentType: contentType,
		Body:        body,
	}
	if msg.ID == "" {
		msg.ID = "msg_" + rand.Text()
	}
	if !p.NotBefore.IsZero() {
		msg.Delay = max(p.NotBefore.Sub(now), 0)
	}
	if d.trace != nil {
		msg.Trace = d.trace(ctx).valid()
	}
	return msg, msg.validate()
}
