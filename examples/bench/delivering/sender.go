package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"example.com/paperround/examples/bench/harness"
)

// job is what one sender does.
type job struct {
	Way     string
	Sink    string
	Path    string
	Warm    int // delivered before anything is measured
	Events  int
	Profile string // where a CPU profile goes; "" for none

	// For paperround alone.
	Endpoints int
	OneTenant bool          // all endpoints are of one tenant; otherwise each has its own
	FanOut    bool          // each message goes to all endpoints
	Hung      int           // endpoints more, of a tenant of their own, or of the one, that do not answer
	Backlog   int           // deliveries that wait for those
	Window    int           // messages open at a time, and none kept when it is finished; 0 for what the store does by itself
	Steady    time.Duration // over which the events are published; 0 for at once
}

// A way delivers n events, numbered from a first one, and returns when all of them
// have been answered with success.
type way func(ctx context.Context, first, n int) error

// send does the job that in holds and writes what it took.
func send(in io.Reader, out io.Writer) error {
	var j job
	if err := json.NewDecoder(in).Decode(&j); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	deliver, err := newWay(ctx, j)
	if err != nil {
		return err
	}
	if err := deliver(ctx, 0, j.Warm); err != nil {
		return err
	}
	cost, err := harness.Measure(j.Events, j.Profile, func() error { return deliver(ctx, j.Warm, j.Events) })
	if err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(cost)
}

// runSender has a process of its own do a job, and returns what it took and what
// arrived.
func runSender(ctx context.Context, sink *harness.Sink, j job) (harness.Cost, harness.Arrived, error) {
	j.Sink = sink.URL
	var cost harness.Cost
	a, err := sink.Run(ctx, j, &cost)
	if err == nil {
		err = a.Judge(j.Warm + j.Events)
	}
	if err != nil {
		return harness.Cost{}, harness.Arrived{}, fmt.Errorf("%s: %w", j.Way, err)
	}
	return cost, a, nil
}

func newWay(ctx context.Context, j job) (way, error) {
	signer, err := harness.Signer()
	if err != nil {
		return nil, err
	}
	switch j.Way {
	case wayPool:
		return newPool(j, signer), nil
	case wayRetryable:
		return newRetryable(j, signer), nil
	case wayWatermill:
		return newWatermill(j, signer)
	case wayOurs:
		return newOurs(ctx, j, signer)
	}
	return nil, fmt.Errorf("there is no way %q", j.Way)
}
