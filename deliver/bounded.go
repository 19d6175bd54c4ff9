package deliver

import (
	"context"
	"sync"
	"time"
)

// bounded is a context with a deadline that has no timer until somebody waits for
// it. Most stores and directories answer at once, and never do.
type bounded struct {
	context.Context //nolint:containedctx // it is one
	deadline        time.Time

	mu     sync.Mutex
	armed  context.Context //nolint:containedctx // the same with a timer, once there is one
	cancel context.CancelFunc
	ended  bool
}

func newBounded(parent context.Context, d time.Duration) *bounded {
	return &bounded{Context: parent, deadline: time.Now().Add(d)}
}

// end releases what the context holds, and cancels it.
func (b *bounded) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ended = true
	if b.cancel != nil {
		b.cancel()
	}
}

// arm returns the context with a timer.
func (b *bounded) arm() context.Context {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.armed == nil {
		b.armed, b.cancel = context.WithDeadline(b.Context, b.deadline)
		if b.ended {
			b.cancel()
		}
	}
	return b.armed
}

// Deadline implements [context.Context].
func (b *bounded) Deadline() (time.Time, bool) {
	if d, ok := b.Context.Deadline(); ok && d.Before(b.deadline) {
		return d, true
	}
	return b.deadline, true
}

// Done implements [context.Context].
func (b *bounded) Done() <-chan struct{} { return b.arm().Done() }

// Err implements [context.Context].
func (b *bounded) Err() error {
	b.mu.Lock()
	idle := b.armed == nil && !b.ended
	b.mu.Unlock()
	if idle && b.Context.Err() == nil && time.Now().Before(b.deadline) {
		return nil
	}
	return b.arm().Err()
}

// AfterFunc lets contexts that are derived from this one do without a goroutine.
func (b *bounded) AfterFunc(f func()) (stop func() bool) { return context.AfterFunc(b.arm(), f) }
