// Command delivering sets delivery by package deliver, with the store in memory,
// against a bare pool of goroutines and against the libraries that people send
// webhooks with, and prints Markdown tables:
//
//	go run ./delivering
//
// The receiver is a process of its own, and so is each sender, so that none
// inherits the memory of the one before and the peak is its own. They run in
// turns, in each round every one, and a ratio is the median of the ratios of the
// rounds: times alone mean nothing on a busy machine.
//
// Before anything is measured, every way has to deliver to a receiver that
// verifies signatures and counts what is missing and what came twice. While it is
// measured, the receiver counts. That, and roughly the allocations, is always
// judged. The flag -check judges the times too, which needs a quiet machine.
// The command ends with status 1 when a target is missed.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"example.com/paperround/examples/bench/harness"
)

func main() {
	if harness.IsChild(os.Args[1:]) {
		harness.Exit("delivering", harness.Child(os.Args[1], send))
	}
	harness.Exit("delivering", run(context.Background(), os.Stdout, os.Args[1:]))
}

// settings say how much to measure and what to judge.
type settings struct {
	events  int
	rounds  int
	backlog int
	steady  time.Duration
	only    string
	profile string
	check   bool
}

func run(ctx context.Context, w io.Writer, args []string) error {
	var s settings
	flags := flag.NewFlagSet("delivering", flag.ContinueOnError)
	flags.IntVar(&s.events, "events", 20_000, "how many events a sender delivers")
	flags.IntVar(&s.rounds, "rounds", 5, "how often each case is measured, in turns")
	flags.IntVar(&s.backlog, "backlog", 100_000, "how many deliveries wait for endpoints that hang")
	flags.DurationVar(&s.steady, "steady", 5*time.Second, "how long the waiting time is measured")
	flags.StringVar(&s.only, "only", "", "measure one part: rate, hung or spread")
	flags.StringVar(&s.profile, "profile", "", "a folder for a CPU profile of each sender's last round")
	flags.BoolVar(&s.check, "check", false, "judge times too, and not only what arrives and allocations")
	if err := flags.Parse(args); err != nil {
		return err
	}
	switch {
	case flags.NArg() > 0:
		return fmt.Errorf("no argument is taken, and %q is one", flags.Arg(0))
	case s.events < 100 || s.rounds < 1 || s.backlog < 1 || s.steady <= 0:
		return errors.New("give at least 100 events, one round, a backlog of one and some time")
	}
	sink, err := harness.StartSink(ctx)
	if err != nil {
		return err
	}
	defer sink.Stop()
	r := &report{Report: harness.Report{W: w, Check: s.check}, settings: s, sink: sink}
	r.Heading("Delivery beside a bare pool and peers", s.rounds, "retryablehttp", "watermill")
	for _, part := range []struct {
		name string
		run  func(context.Context) error
	}{{"rate", r.rates}, {"hung", r.hung}, {"spread", r.spread}} {
		if s.only != "" && s.only != part.name {
			continue
		}
		if err := part.run(ctx); err != nil {
			return err
		}
	}
	return r.Judge()
}
