// Command chaos kills processes that publish and deliver, at random moments and
// without warning, restarts their database under them, and judges what arrives:
// nothing may be lost, nothing may come that was not committed, what comes twice
// must have been in the hands of a process that died, and within an ordered lane
// the order must hold.
//
//	go run ./chaos
//
// runs two processes on a PostgreSQL cluster of its own, which it makes in a
// temporary directory, and one process on SQLite, and prints a Markdown table. It
// exits with 1 when anything went otherwise.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"time"
)

func main() {
	if isWorker() {
		os.Exit(workerMain())
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := command(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
		os.Exit(1)
	}
}

func command(ctx context.Context, args []string, out, progress io.Writer) error {
	flags := flag.NewFlagSet("chaos", flag.ContinueOnError)
	flags.SetOutput(progress)
	events := flags.Int("events", 20_000, "how many events to publish on each database")
	kills := flags.Int("kills", 100, "how many processes to kill on each database, at least")
	restarts := flags.Int("restarts", 10, "how often to restart PostgreSQL meanwhile, half of them without a shutdown")
	pause := flags.Duration("pause", 700*time.Millisecond, "the mean time between two kills")
	seed := flags.Uint64("seed", uint64(time.Now().UnixNano()), "of the moments and victims")
	if err := flags.Parse(args); err != nil {
		return err
	}
	plans := []plan{
		{database: postgreSQL, processes: 2, events: *events, kills: *kills, restarts: *restarts, pause: *pause, seed: *seed},
		{database: sqLite, processes: 1, events: *events, kills: *kills, pause: *pause, seed: *seed},
	}
	var reports []*report
	var errs []error
	for _, p := range plans {
		r, err := run(ctx, p, progress)
		if r != nil {
			reports = append(reports, r)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s, seed %d: %w", p.database, p.seed, err))
		}
	}
	return errors.Join(append(errs, table(out, reports))...)
}

// table writes reports as Markdown.
func table(out io.Writer, reports []*report) error {
	var text strings.Builder
	text.WriteString("| database | processes | events | deliveries | `kill -9` | restarts | lost | duplicates | of those, unexplained | out of order | seconds |\n" +
		"|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n")
	for _, r := range reports {
		fmt.Fprintf(&text, "| %s | %d | %d | %d | %d | %d | %d | %d | %d | %d | %.0f |\n",
			r.plan.database, r.plan.processes, r.events, r.deliveries, r.kills, r.restarts,
			r.verdict.lost, r.verdict.duplicates, r.verdict.unexplained, r.verdict.disordered, r.took.Seconds())
	}
	_, err := io.WriteString(out, text.String())
	return err
}
