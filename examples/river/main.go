// Command river shows how a host that already has a job engine delivers webhooks
// with it: River on PostgreSQL keeps the jobs, and this library makes the
// exchanges and says what to make of their outcome.
//
//	go run . -dsn postgres://postgres@127.0.0.1:5432/postgres
//
// A business transaction stores a subscription and inserts one job for each
// endpoint, in one commit. The worker signs and posts with deliver.Attempt and
// says in River's words what deliver.Policy decides: done, retry, snooze, cancel.
// On the way one receiver is down, one signing key cannot be had for a moment,
// and one address is wrong.
//
// The program works in a schema of its own and drops it at the end. It prints
// what happened and exits with 1 when anything went otherwise.
//
// What such an engine does not do and deliver.Dispatcher does: an endpoint that
// rests, hangs or is disabled as a whole, its rate and its order, and tenants
// that take turns.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
)

const defaultDSN = "postgres://postgres@127.0.0.1:5432/postgres"

func main() {
	dsn := flag.String("dsn", defaultDSN, "the PostgreSQL database")
	flag.Parse()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := run(ctx, os.Stdout, *dsn); err != nil {
		fmt.Fprintln(os.Stderr, "river:", err)
		os.Exit(1)
	}
}

var errCharge = errors.New("the card was declined")

func run(ctx context.Context, out io.Writer, dsn string) (err error) {
	acc := newAccount()
	ring, err := newRing()
	if err != nil {
		return err
	}
	receiver, err := startReceiver(ring, acc)
	if err != nil {
		return err
	}
	defer receiver.Close()
	endpoints, err := newEndpoints(ring, receiver.URL)
	if err != nil {
		return err
	}
	client, err := newClient(receiver)
	if err != nil {
		return err
	}

	pool, err := pgxpool.New(ctx, dsn)
	if err != nil {
		return err
	}
	defer pool.Close()
	p, err := newPlatform(ctx, pool, endpoints, &worker{
		client:    client,
		endpoints: endpoints,
		policy:    newPolicy(),
		told:      acc.attempted,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.close(context.WithoutCancel(ctx))) }()
	ended, unsubscribe := p.jobs.Subscribe(river.EventKindJobCompleted, river.EventKindJobCancelled)
	defer unsubscribe()
	if err := p.jobs.Start(ctx); err != nil {
		return err
	}

	// The second one is rolled back, and nobody hears of it.
	if err := p.subscribe(ctx, "kofi@example.org", func() error { return nil }); err != nil {
		return err
	}
	if err := p.subscribe(ctx, "ama@example.org", func() error { return errCharge }); !errors.Is(err, errCharge) {
		return fmt.Errorf("the second subscription ended with %w", err)
	}
	for range expected() {
		select {
		case e := <-ended:
			acc.ended(e.Job)
		case <-ctx.Done():
			return fmt.Errorf("jobs did not end in time: %w", ctx.Err())
		}
	}
	if err := acc.print(out); err != nil {
		return err
	}
	return acc.check(expected())
}
