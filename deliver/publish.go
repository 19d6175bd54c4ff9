package deliver

import (
	"context"
	"crypto/rand"
	"fmt"

	"example.com/paperround/event"
)

// PublishOptions are the choices of [Dispatcher.Publish].
type PublishOptions struct {
	// ID is the message's; empty means a new random one. Publishing again with
	// an id of one's own is what makes publishing idempotent.
	ID string

	// Tenant is whose endpoints get the message; empty is a tenant too.
	Tenant string

	// Key is what the event is about, such as a customer id.
	Key string

	// In is where the message is stored; nil means the dispatcher's store. A
	// store's view of a transaction makes the message part of it: it exists if
	// and when the caller commits. Call [Dispatcher.Wake] after that.
	In Enqueuer
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
	if ev == nil {
		return "", invalid("event is nil")
	}
	if opts == nil {
		opts = &PublishOptions{}
	}
	body, contentType, err := ev.Encode()
	if err != nil {
		return "", fmt.Errorf("deliver: encoding the event: %w", err)
	}
	if d.maxBody >= 0 && len(body) > d.maxBody {
		return "", invalid("body is of %d bytes, more than the %d allowed; raise Options.MaxBody if receivers accept it", len(body), d.maxBody)
	}
	msg := &Message{
		ID:          opts.ID,
		Tenant:      opts.Tenant,
		Key:         opts.Key,
		Topic:       ev.Topic(),
		ContentType: contentType,
		Body:        body,
	}
	if msg.ID == "" {
		msg.ID = "msg_" + rand.Text()
	}
	if err := msg.validate(); err != nil {
		return "", err
	}
	in := opts.In
	if in == nil {
		in = d.store
	}
	if err := in.Enqueue(ctx, msg); err != nil {
		return "", fmt.Errorf("deliver: publishing %s: %w", msg.ID, err)
	}
	d.counters.published.Add(1)
	if opts.In == nil {
		notify(d.wakeFanOut)
	}
	return msg.ID, nil
}
