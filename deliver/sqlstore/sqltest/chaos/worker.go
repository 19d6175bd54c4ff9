package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"slices"
	"sync"
	"syscall"
	"time"

	"example.com/paperround/deliver"
	"example.com/paperround/deliver/sqlstore"
	"example.com/paperround/event"
)

const (
	workerEnv  = "PAPERROUND_CHAOS_WORKER"
	publishers = 4
)

// worker is the process that gets killed: it publishes, each event in a
// transaction with its lane's number, and delivers.
type worker struct {
	Name     string
	Database string
	DSN      string
	Receiver string
	PerLane  int           // how many events there are to publish in each lane
	Pace     time.Duration // of a publisher, between two events
}

func isWorker() bool { return os.Getenv(workerEnv) != "" }

// workerMain is the main function of a worker. It returns when the process is told
// to end, or when its parent is gone, and the exit code that says whether all was
// well.
func workerMain() int {
	var w worker
	if err := json.Unmarshal([]byte(os.Getenv(workerEnv)), &w); err != nil {
		fmt.Fprintln(os.Stderr, "chaos worker:", err)
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // ends when the parent does
		cancel()
	}()
	if err := w.run(ctx); err != nil {
		fmt.Fprintf(os.Stderr, "chaos worker %s: %v\n", w.Name, err)
		return 1
	}
	return 0
}

func (w *worker) run(ctx context.Context) error {
	db, dialect, err := open(w.Database, w.DSN)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	store, err := sqlstore.New(db, dialect, nil)
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	for {
		if err := store.Migrate(ctx); err == nil {
			break
		}
		if !sleep(ctx, 20*time.Millisecond) {
			return nil // told to end while the database was away
		}
	}
	fmt.Println("up") // to the parent
	endpoints, err := directory(w.Receiver, w.Name)
	if err != nil {
		return err
	}
	client, err := deliver.NewClient(&deliver.ClientOptions{
		Guard: deliver.Guard{Allow: deliver.Loopback(), PlainHTTP: true, AnyPort: true},
	})
	if err != nil {
		return err
	}
	d, err := deliver.New(store, endpoints, &deliver.Options{
		Client: client,
		Owner:  w.Name,
		Lease:  lease,
		// The receiver fails a few, and each death is an attempt whose outcome nobody knows.
		Policy: &deliver.Policy{Schedule: slices.Repeat([]time.Duration{20 * time.Millisecond}, 200)},
		Relief: &deliver.Relief{BreakerShare: -1},
	})
	if err != nil {
		return err
	}
	var publishing sync.WaitGroup
	conflicts := make(chan error, publishers)
	for range publishers {
		publishing.Go(func() {
			if err := w.publish(ctx, db, store, d); err != nil {
				conflicts <- err
			}
		})
	}
	err = d.Run(ctx)
	publishing.Wait()
	close(conflicts)
	for conflict := range conflicts {
		err = errors.Join(err, conflict)
	}
	return err
}

// publish moves lanes on until all of them are full or ctx ends. A transaction
// that failed is tried again: whether it was committed after all, its lane knows.
func (w *worker) publish(ctx context.Context, db *sql.DB, store *sqlstore.Store, d *deliver.Dispatcher) error {
	open := lanes()
	for len(open) > 0 && sleep(ctx, w.Pace) {
		i := rand.IntN(len(open)) //nolint:gosec // nothing secret
		switch err := w.publishNext(ctx, db, store, d, open[i]); {
		case errors.Is(err, errFull):
			open = slices.Delete(open, i, i+1)
		case errors.Is(err, deliver.ErrConflict):
			return err
		case err != nil:
			sleep(ctx, 20*time.Millisecond)
		}
	}
	return nil
}

var errFull = errors.New("lane is full")

func (w *worker) publishNext(ctx context.Context, db *sql.DB, store *sqlstore.Store, d *deliver.Dispatcher, l lane) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // does nothing after a commit
	p := payload{Tenant: l.tenant, Key: l.key}
	// The row's lock is held until the commit, so numbers follow the order of commits.
	err = tx.QueryRowContext(ctx, "UPDATE lanes SET n = n + 1 WHERE tenant = $1 AND name = $2 AND n < $3 RETURNING n",
		l.tenant, l.key, w.PerLane).Scan(&p.N)
	if errors.Is(err, sql.ErrNoRows) {
		return errFull
	}
	if err != nil {
		return err
	}
	_, err = d.Publish(ctx, event.JSON(laneTopic, p), &deliver.PublishOptions{
		ID: p.id(), Tenant: l.tenant, Key: l.key, In: store.Tx(tx),
	})
	if err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	d.Wake()
	return nil
}

// sleep reports whether d has passed, and not ctx ended.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
