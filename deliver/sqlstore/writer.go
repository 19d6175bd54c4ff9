package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/semaphore"
)

// task is an operation for the writer.
type task struct {
	do   operation
	soft bool
}

// writer is the one connection that writes to SQLite. Its statements are prepared on
// it and stay so, which a transaction of database/sql would not let them.
type writer struct {
	synchronous Synchronous
	group       group[task]

	held   *semaphore.Weighted // by one at a time, who uses the rest
	conn   *sql.Conn
	stmts  map[string]*sql.Stmt
	level  string // of PRAGMA synchronous
	closed bool
}

var errClosed = errors.New("sqlstore: the store is closed")

// runTasks does the operations in one transaction. If one fails,
// each gets one of its own, so that none fails for another.
func (s *Store) runTasks(ctx context.Context, tasks []task) []error {
	errs := make([]error, len(tasks))
	if err := s.writer.held.Acquire(ctx, 1); err != nil {
		return slices.Repeat([]error{err}, len(tasks))
	}
	defer s.writer.held.Release(1)
	// A context that can end costs a goroutine for each statement, and none takes
	// long enough to be broken off.
	quiet := context.WithoutCancel(ctx)
	if err := s.runTogether(ctx, quiet, tasks); err == nil || len(tasks) == 1 {
		errs[0] = err
		return errs
	}
	for i := range tasks {
		if errs[i] = ctx.Err(); errs[i] == nil {
			errs[i] = s.runTogether(ctx, quiet, tasks[i:i+1])
		}
	}
	return errs
}

func (s *Store) runTogether(base, ctx context.Context, tasks []task) error {
	w := &s.writer
	if err := s.connect(base); err != nil {
		return err
	}
	hard := slices.ContainsFunc(tasks, func(x task) bool { return !x.soft })
	if err := w.sync(ctx, hard && w.synchronous == Full); err != nil {
		return err
	}
	if err := w.begin(base, ctx); err != nil {
		w.dropIfBroken(err)
		return err
	}
	t := s.tx(w)
	for _, x := range tasks {
		if err := x.do(ctx, t); err != nil {
			w.rollback(ctx)
			return err
		}
	}
	if err := w.exec(ctx, "COMMIT"); err != nil {
		w.rollback(ctx)
		return err
	}
	return nil
}

// sync says whether the commits to come are synced.
func (w *writer) sync(ctx context.Context, full bool) error {
	level := "NORMAL"
	if full {
		level = "FULL"
	}
	if level == w.level {
		return nil
	}
	_, err := w.conn.ExecContext(ctx, "PRAGMA synchronous="+level)
	w.level = level
	return err
}

// begin waits for others that write. SQLite's own way of waiting sleeps for so long
// that a host's transactions and these would slow each other down.
func (w *writer) begin(base, ctx context.Context) error {
	end := time.Now().Add(busyTimeout)
	for wait := minBusyWait; ; wait = min(2*wait, maxBusyWait) {
		err := w.exec(ctx, "BEGIN IMMEDIATE")
		if err == nil || !isBusy(err) || time.Now().After(end) || base.Err() != nil {
			return err
		}
		time.Sleep(wait)
	}
}

const (
	busyTimeout = 5 * time.Second
	minBusyWait = 100 * time.Microsecond
	maxBusyWait = 2 * time.Millisecond
)

// isBusy reports whether somebody else is writing, by what the drivers say.
func isBusy(err error) bool { return strings.Contains(err.Error(), "database is locked") }

func (w *writer) rollback(ctx context.Context) {
	// An error that rolled back by itself, such as a full disk, leaves nothing to roll
	// back, which is an error too. So it is the connection that is asked.
	if err := w.exec(ctx, "ROLLBACK"); err != nil {
		w.drop()
	}
}

func (w *writer) dropIfBroken(err error) {
	if errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) {
		w.drop()
	}
}

// drop closes the connection for good, so that the next transaction has a new one.
func (w *writer) drop() {
	for _, stmt := range w.stmts {
		_ = stmt.Close() // with its connection
	}
	w.stmts, w.level = nil, ""
	if w.conn != nil {
		_ = w.conn.Raw(func(any) error { return driver.ErrBadConn }) // this is how to say that it is not to be used again
		_ = w.conn.Close()
	}
	w.conn = nil
}

// Query implements [Querier].
func (w *writer) Query(ctx context.Context, each func(scan func(dest ...any) error) error, query string, args ...any) error {
	stmt, err := w.prepare(ctx, query)
	if err != nil {
		return err
	}
	rows, err := stmt.QueryContext(ctx, args...)
	return eachRow(rows, err, each)
}

func (w *writer) exec(ctx context.Context, query string) error {
	stmt, err := w.prepare(ctx, query)
	if err != nil {
		return err
	}
	_, err = stmt.ExecContext(ctx)
	return err
}

func (w *writer) prepare(ctx context.Context, query string) (*sql.Stmt, error) {
	if stmt := w.stmts[query]; stmt != nil {
		return stmt, nil
	}
	stmt, err := w.conn.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	w.stmts[query] = stmt
	return stmt, nil
}

// connect takes a connection from the pool and sets it up.
func (s *Store) connect(ctx context.Context) error {
	w := &s.writer
	switch {
	case w.closed:
		return errClosed
	case w.conn != nil:
		return nil
	case s.db.Stats().MaxOpenConnections == 1:
		return errors.New("sqlstore: the pool allows one connection only, which the store needs for itself: raise it with SetMaxOpenConns")
	}
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return err
	}
	w.conn, w.stmts = conn, make(map[string]*sql.Stmt)
	if err := s.setUp(ctx); err != nil {
		w.drop()
		return err
	}
	return nil
}

func (s *Store) setUp(ctx context.Context) error {
	var file, mode string
	if err := s.writer.conn.QueryRowContext(ctx, "SELECT file FROM pragma_database_list WHERE name='main'").Scan(&file); err != nil {
		return err
	}
	if file == "" {
		return errors.New("sqlstore: a SQLite database in memory is another one on each connection: use a file, or deliver.NewMemory")
	}
	for _, pragma := range []string{fmt.Sprintf("PRAGMA busy_timeout=%d", busyTimeout.Milliseconds()), "PRAGMA cache_size=-8192"} {
		if _, err := s.writer.conn.ExecContext(ctx, pragma); err != nil {
			return err
		}
	}
	if err := s.writer.conn.QueryRowContext(ctx, "PRAGMA journal_mode=WAL").Scan(&mode); err != nil {
		return err
	}
	if mode != "wal" {
		return fmt.Errorf("sqlstore: SQLite stays in journal mode %s and does not go to WAL", mode)
	}
	_, err := s.writer.conn.ExecContext(ctx, "PRAGMA busy_timeout=0") // begin waits
	return err
}

func (w *writer) close() {
	if err := w.held.Acquire(context.Background(), 1); err != nil {
		return // which does not happen: that context does not end
	}
	defer w.held.Release(1)
	w.closed = true
	w.drop() // the pool must not hand it out with its settings
}
