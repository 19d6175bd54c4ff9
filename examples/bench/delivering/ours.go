package main

import (
	"context"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"example.com/paperround/deliver"
	"example.com/paperround/event"
	"example.com/paperround/examples/bench/harness"
	"example.com/paperround/sign"
	"example.com/paperround/topic"
)

// perTick is how often a steady load is published.
const perTick = 2 * time.Millisecond

// ours is a dispatcher over the store in memory, with the options that it has by
// itself.
type ours struct {
	*deliver.Dispatcher
	job    job
	events []event.Event // one for each endpoint that answers
	room   chan struct{} // one for each open message, if they are bounded
	left   atomic.Int64  // deliveries to those that are not settled
	done   chan error    // when none is left, or one failed
}

func newOurs(ctx context.Context, j job, signer *sign.Signer) (way, error) {
	client, err := harness.Client()
	if err != nil {
		return nil, err
	}
	o := &ours{job: j, done: make(chan error, 1)}
	body := harness.Body()
	for i := range j.Endpoints {
		o.events = append(o.events, harness.Occurrence{Of: topicOf(o.id(i)), Body: body})
	}
	directory, err := deliver.Static(o.endpoints(signer)...)
	if err != nil {
		return nil, err
	}
	keep := deliver.MemoryOptions{MaxOpen: j.Events + j.Warm + j.Backlog}
	if j.Window > 0 {
		keep.KeepFinished = -1
		o.room = make(chan struct{}, j.Window)
	}
	o.Dispatcher, err = deliver.New(deliver.NewMemory(&keep), directory, &deliver.Options{
		Client:       client,
		DrainTimeout: -1,
		Hooks:        deliver.Hooks{Settled: o.settled},
	})
	if err != nil {
		return nil, err
	}
	go func() {
		if err := o.Run(ctx); err != nil {
			o.end(err)
		}
	}()
	if err := o.hang(ctx); err != nil {
		return nil, err
	}
	return o.deliver, nil
}

// Endpoints are e0, e1 and so on, and those that hang h0, h1; each has a topic.
func (o *ours) endpoints(signer *sign.Signer) []*deliver.Endpoint {
	var list []*deliver.Endpoint
	add := func(id, tenant, path string, timeout time.Duration) {
		pattern := topic.Pattern(topicOf(id))
		if o.job.FanOut {
			pattern = topic.Everything
		}
		list = append(list, &deliver.Endpoint{
			ID: id, Tenant: tenant, URL: o.job.Sink + path,
			Topics: []topic.Pattern{pattern}, Signer: signer, Timeout: timeout,
		})
	}
	for i := range o.job.Endpoints {
		add(o.id(i), o.tenant(o.id(i)), o.job.Path, 0)
	}
	for i := range o.job.Hung {
		add("h"+strconv.Itoa(i), o.tenant("h"), harness.PathHung, harness.HangFor)
	}
	return list
}

func (o *ours) id(i int) string { return "e" + strconv.Itoa(i%o.job.Endpoints) }

func (o *ours) tenant(of string) string {
	if o.job.OneTenant {
		return "all"
	}
	return of
}

func topicOf(endpoint string) topic.Topic { return topic.Topic("acme:" + endpoint) }

func (o *ours) settled(i deliver.SettledInfo) {
	if o.room != nil {
		<-o.room
	}
	switch {
	case i.EndpointID[0] == 'h':
	case i.Err != nil || i.Settlement.State != deliver.Succeeded:
		o.end(fmt.Errorf("a delivery to %s ended as %s: %w", i.EndpointID, i.Settlement.State, i.Err))
	case o.left.Add(-1) == 0:
		o.end(nil)
	}
}

// end says how the deliveries ended; the first word counts.
func (o *ours) end(err error) {
	select {
	case o.done <- err:
	default:
	}
}

// hang publishes the backlog and returns when all of it waits for its endpoints.
func (o *ours) hang(ctx context.Context) error {
	body := harness.Body()
	for i := range o.job.Backlog {
		h := "h" + strconv.Itoa(i%o.job.Hung)
		if _, err := o.Publish(ctx, harness.Occurrence{Of: topicOf(h), Body: body}, &deliver.PublishOptions{Tenant: o.tenant("h")}); err != nil {
			return err
		}
	}
	for backlog := uint64(max(o.job.Backlog, 0)); o.Stats().FannedOut < backlog; {
		time.Sleep(time.Millisecond)
	}
	return nil
}

// deliver publishes one by one, as a host does.
func (o *ours) deliver(ctx context.Context, first, n int) error {
	messages := n
	if o.job.FanOut {
		messages /= o.job.Endpoints
	}
	if n == 0 {
		return nil
	}
	o.left.Store(int64(n))
	began := time.Now()
	for i := range messages {
		if steady := o.job.Steady; steady > 0 && n == o.job.Events {
			due := began.Add(steady * time.Duration(i) / time.Duration(messages))
			if ahead := time.Until(due); ahead > perTick {
				time.Sleep(ahead)
			}
		}
		if err := o.publish(ctx, first+i); err != nil {
			return err
		}
	}
	return <-o.done
}

func (o *ours) publish(ctx context.Context, i int) error {
	ev := o.events[i%len(o.events)]
	opts := &deliver.PublishOptions{Tenant: o.tenant(ev.Topic().Name())}
	if o.job.Path == harness.PathTimed {
		opts.ID = harness.StampedID(i)
	}
	if o.room != nil {
		o.room <- struct{}{}
	}
	_, err := o.Publish(ctx, ev, opts)
	return err
}
