// Command durable sets durable delivery, by package deliver over package sqlstore,
// against a River job that signs and posts the same event, and prints Markdown
// tables:
//
//	go run ./durable
//
// It starts a PostgreSQL server of its own, with the settings that initdb makes,
// or takes the one that -dsn names, where it makes and drops databases. Each
// sender is a process of its own with an empty database of its own. So is the
// receiver, which counts. The senders run in turns, in each round every one, and
// a ratio is the median of the ratios of the rounds: times alone mean nothing on
// a busy machine.
//
// Before anything is measured, every way has to deliver to a receiver that
// verifies signatures and counts what is missing and what came twice. While it is
// measured, the receiver counts. That is always judged. The flag -check judges the
// times too, which needs a quiet machine. The command ends with status 1 when a
// target is missed.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"

	"example.com/paperround/examples/bench/harness"
)

func main() {
	if harness.IsChild(os.Args[1:]) {
		harness.Exit("durable", harness.Child(os.Args[1], send))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Stdout, os.Args[1:])
	stop()
	harness.Exit("durable", err)
}

// settings say how much to measure and what to judge.
type settings struct {
	events  int
	rounds  int
	steady  time.Duration
	dsn     string
	only    string
	profile string
	check   bool
}

func run(ctx context.Context, w io.Writer, args []string) (err error) {
	var s settings
	flags := flag.NewFlagSet("durable", flag.ContinueOnError)
	flags.IntVar(&s.events, "events", 20_000, "how many events a sender delivers")
	flags.IntVar(&s.rounds, "rounds", 5, "how often each case is measured, in turns")
	flags.DurationVar(&s.steady, "steady", 5*time.Second, "how long transactions and waiting times are measured")
	flags.StringVar(&s.dsn, "dsn", "", "a PostgreSQL server where databases may be made; one is started if it is empty")
	flags.StringVar(&s.only, "only", "", "measure one part: rate, business or delay")
	flags.StringVar(&s.profile, "profile", "", "a folder for a CPU profile of each sender's last round")
	flags.BoolVar(&s.check, "check", false, "judge times too, and not only what arrives")
	if err := flags.Parse(args); err != nil {
		return err
	}
	switch {
	case flags.NArg() > 0:
		return fmt.Errorf("no argument is taken, and %q is one", flags.Arg(0))
	case s.events < 100 || s.rounds < 1 || s.steady <= 0:
		return errors.New("give at least 100 events, one round and some time")
	}
	sink, err := harness.StartSink(ctx)
	if err != nil {
		return err
	}
	defer sink.Stop()
	server := &cluster{dsn: s.dsn, stop: func() error { return nil }}
	if s.dsn == "" {
		if server, err = startCluster(ctx); err != nil {
			return err
		}
	}
	defer func() { err = errors.Join(err, server.stop()) }()
	r := &report{Report: harness.Report{W: w, Check: s.check}, settings: s, sink: sink, server: server}
	r.Heading("Durable delivery beside River", s.rounds, "riverqueue/river", "jackc/pgx/v5", "modernc.org/sqlite")
	for _, part := range []struct {
		name string
		run  func(context.Context) error
	}{{partRate, r.rates}, {partBusiness, r.business}, {partDelay, r.delays}} {
		if s.only != "" && s.only != part.name {
			continue
		}
		if err := part.run(ctx); err != nil {
			return err
		}
	}
	return r.Judge()
}
