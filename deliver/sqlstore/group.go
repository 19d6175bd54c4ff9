package sqlstore

import (
	"context"
	"sync"
)

// group lets what is asked for while a run is under way be done together by the
// next one, without waiting for more. Its zero value needs run.
type group[T any] struct {
	// run does the items and returns the error of each. Its context ends when
	// nobody waits for any of them any more.
	run func(ctx context.Context, items []T) []error

	mu      sync.Mutex
	running bool
	queue   []*request[T]
}

type request[T any] struct {
	item T
	done chan struct{}
	err  error
	gone bool // nobody waits
	lot  *lot // of the run that does it
}

// lot is what one run does.
type lot struct {
	waiting int
	cancel  context.CancelFunc
}

const maxLot = 128 // requests of one run

// do has the item done and returns its error, or that of ctx if that ends before;
// then the item may be done all the same.
func (g *group[T]) do(ctx context.Context, item T) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	r := &request[T]{item: item, done: make(chan struct{})}
	g.mu.Lock()
	g.queue = append(g.queue, r)
	if !g.running {
		g.running = true
		go g.drain()
	}
	g.mu.Unlock()
	select {
	case <-r.done:
		return r.err
	case <-ctx.Done():
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	r.gone = true
	if r.lot != nil {
		if r.lot.waiting--; r.lot.waiting == 0 {
			r.lot.cancel()
		}
	}
	return ctx.Err()
}

// drain makes runs until nothing is left to do.
func (g *group[T]) drain() {
	for {
		requests, ctx, cancel := g.next()
		if len(requests) == 0 {
			cancel()
			return
		}
		items := make([]T, len(requests))
		for i, r := range requests {
			items[i] = r.item
		}
		for i, err := range g.run(ctx, items) {
			requests[i].err = err
			close(requests[i].done)
		}
		cancel()
	}
}

// next takes the next lot from the queue.
func (g *group[T]) next() ([]*request[T], context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	l := &lot{cancel: cancel}
	g.mu.Lock()
	defer g.mu.Unlock()
	var requests []*request[T]
	for len(g.queue) > 0 && len(requests) < maxLot {
		r := g.queue[0]
		g.queue[0] = nil
		g.queue = g.queue[1:]
		if !r.gone {
			r.lot = l
			requests = append(requests, r)
		}
	}
	l.waiting = len(requests)
	g.running = l.waiting > 0
	return requests, ctx, cancel
}
