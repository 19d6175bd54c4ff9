package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"example.com/paperround/examples/bench/harness"
)

// The ways that are compared.
const (
	wayRiver    = "River"
	wayFull     = "paperround, SQLite FULL"
	wayNormal   = "paperround, SQLite NORMAL"
	wayPostgres = "paperround, PostgreSQL"
)

// The parts of what is measured.
const (
	partRate     = "rate"
	partBusiness = "business"
	partDelay    = "delay"
)

const (
	producers = 64 // that publish at once, one by one each
	endpoints = 16 // each of a tenant of its own
	clients   = 32 // that do business at once
)

// job is what one sender does.
type job struct {
	Way      string
	Part     string
	Sink     string
	Path     string
	Database string // an empty one: a DSN, or for SQLite a file that is not there yet
	Server   int    // the process of the database's server; 0 if there is none or it is not known
	Warm     int    // events before anything is measured
	Events   int
	Batch    int // events that are published in one call
	Profile  string

	// Of business: each client does one transaction after the other, which is of so
	// much work, and publishes in it or not.
	For     time.Duration
	Work    time.Duration
	Publish bool

	// Of delay: events a second, each in a transaction of its own.
	Pace float64
}

// taken is what a sender needed.
type taken struct {
	harness.Cost
	Server    float64 // processor seconds of the database's server
	Done      int     // transactions
	Published int     // events, those before anything is measured included

	Committed map[string]time.Time `json:",omitempty"` // where the delay is measured, by message id
}

// engine delivers what is published, from a database of its own.
type engine interface {
	// publish stores events, which are durable when it returns.
	publish(ctx context.Context, ids ...string) error
	// transact does one business transaction of so much work, in which an event is
	// published unless the id is empty.
	transact(ctx context.Context, id string, work time.Duration) error
	// start begins to deliver.
	start(ctx context.Context) error
	// await returns when so many deliveries more have been recorded as successful.
	await(ctx context.Context, n int) error
}

// send does the job that in holds and writes what it took.
func send(in io.Reader, out io.Writer) error {
	var j job
	if err := json.NewDecoder(in).Decode(&j); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	e, err := newEngine(ctx, j)
	if err != nil {
		return err
	}
	s := &sender{job: j, engine: e}
	var t taken
	switch j.Part {
	case partRate:
		t, err = s.rate(ctx)
	case partBusiness:
		t, err = s.business(ctx)
	case partDelay:
		t, err = s.delay(ctx)
	default:
		err = fmt.Errorf("there is no part %q", j.Part)
	}
	if err != nil {
		return err
	}
	t.Published = int(s.published.Load())
	return json.NewEncoder(out).Encode(t)
}

func newEngine(ctx context.Context, j job) (engine, error) {
	switch j.Way {
	case wayRiver:
		return newRiver(ctx, j)
	case wayFull, wayNormal, wayPostgres:
		return newOurs(ctx, j)
	}
	return nil, fmt.Errorf("there is no way %q", j.Way)
}

// sender does a job with an engine.
type sender struct {
	job       job
	engine    engine
	published atomic.Int64
}

// measured returns what it took this process and the database's server.
func (s *sender) measured(events int, work func() error) (t taken, err error) {
	server := processCPU(s.job.Server)
	t.Cost, err = harness.Measure(events, s.job.Profile, work)
	t.Server = processCPU(s.job.Server) - server
	return t, err
}

// id returns a new message id.
func (s *sender) id() string { return harness.PlainID(int(s.published.Add(1))) }

// rate publishes as fast as it goes and ends when all is delivered and recorded.
func (s *sender) rate(ctx context.Context) (taken, error) {
	if err := s.engine.start(ctx); err != nil {
		return taken{}, err
	}
	if err := s.flood(ctx, s.job.Warm); err != nil {
		return taken{}, err
	}
	return s.measured(s.job.Events, func() error { return s.flood(ctx, s.job.Events) })
}

func (s *sender) flood(ctx context.Context, n int) error {
	group, ctx := errgroup.WithContext(ctx)
	var taken atomic.Int64
	for range producers {
		group.Go(func() error {
			for ctx.Err() == nil {
				end := int(taken.Add(int64(s.job.Batch)))
				size := s.job.Batch - max(0, end-n)
				if size <= 0 {
					return nil
				}
				ids := make([]string, size)
				for i := range ids {
					ids[i] = s.id()
				}
				if err := s.engine.publish(ctx, ids...); err != nil {
					return err
				}
			}
			return ctx.Err()
		})
	}
	group.Go(func() error { return s.engine.await(ctx, n) })
	return group.Wait()
}

// business counts the transactions that clients get done while nothing is
// delivered, and then delivers what they published.
func (s *sender) business(ctx context.Context) (taken, error) {
	var done atomic.Int64
	t, err := s.measured(1, func() error {
		group, ctx := errgroup.WithContext(ctx)
		end := time.Now().Add(s.job.For)
		for range clients {
			group.Go(func() error {
				for time.Now().Before(end) {
					id := ""
					if s.job.Publish {
						id = s.id()
					}
					if err := s.engine.transact(ctx, id, s.job.Work); err != nil {
						return err
					}
					done.Add(1)
				}
				return nil
			})
		}
		return group.Wait()
	})
	if err != nil {
		return t, err
	}
	t.Done = int(done.Load())
	if err := s.engine.start(ctx); err != nil {
		return t, err
	}
	return t, s.engine.await(ctx, int(s.published.Load()))
}

// delay publishes at a steady pace, each event in a transaction of its own, and
// ends when all is delivered.
func (s *sender) delay(ctx context.Context) (taken, error) {
	if err := s.engine.start(ctx); err != nil {
		return taken{}, err
	}
	var mu sync.Mutex
	committed := make(map[string]time.Time, s.job.Events)
	t, err := s.measured(s.job.Events, func() error {
		group, together := errgroup.WithContext(ctx)
		group.SetLimit(clients)
		began := time.Now()
		for i := range s.job.Events {
			due := time.Duration(float64(i) / s.job.Pace * float64(time.Second))
			time.Sleep(due - time.Since(began))
			group.Go(func() error {
				id := s.id()
				err := s.engine.transact(together, id, 0)
				now := time.Now()
				mu.Lock()
				defer mu.Unlock()
				committed[id] = now
				return err
			})
		}
		if err := group.Wait(); err != nil {
			return err
		}
		return s.engine.await(ctx, s.job.Events)
	})
	t.Committed = committed
	return t, err
}

// countdown waits for deliveries.
type countdown struct {
	settled atomic.Int64
	changed chan struct{}
	failed  chan error
}

func newCountdown() *countdown {
	return &countdown{changed: make(chan struct{}, 1), failed: make(chan error, 1)}
}

// done is told of each delivery that ended; err is nil if it was recorded as
// successful.
func (c *countdown) done(err error) {
	if err != nil {
		select {
		case c.failed <- err:
		default:
		}
		return
	}
	c.settled.Add(1)
	select {
	case c.changed <- struct{}{}:
	default:
	}
}

func (c *countdown) await(ctx context.Context, n int) error {
	for c.settled.Load() < int64(n) {
		select {
		case <-c.changed:
		case err := <-c.failed:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	c.settled.Add(int64(-n))
	return nil
}
