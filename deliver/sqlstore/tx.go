package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"hash/fnv"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// tx runs the statements of one transaction.
type tx struct {
	s    *Store
	q    Querier
	last []string // statements that wait for the end of the transaction
	args []any    // of theirs
}

func (s *Store) tx(q Querier) *tx { return &tx{s: s, q: q} }

// query runs a statement and calls each for the rows it returns.
func (t *tx) query(ctx context.Context, each func(scan func(dest ...any) error) error, query string, args ...any) error {
	return t.q.Query(ctx, each, t.s.text(query, 0), args...)
}

// exec runs a statement that returns nothing of interest.
func (t *tx) exec(ctx context.Context, query string, args ...any) error {
	return t.query(ctx, nil, query, args...)
}

// later is execRows at the end of the transaction, for statements that touch tables of
// their own: there they go together, which saves PostgreSQL their ways.
func (t *tx) later(ctx context.Context, query string, x *table, args ...any) error {
	if t.s.dialect == SQLite {
		return t.execRows(ctx, query, x, args...)
	}
	if x.len() == 0 {
		return nil
	}
	text := t.s.text(query, 0)
	if n := len(t.args); n > 0 {
		text = placeholder.ReplaceAllStringFunc(text, func(p string) string {
			i, err := strconv.Atoi(p[1:])
			if err != nil {
				return p
			}
			return "$" + strconv.Itoa(n+i)
		})
	}
	t.last = append(t.last, text)
	t.args = append(t.args, x.arrays(args)...)
	return nil
}

var placeholder = regexp.MustCompile(`\$[0-9]+`)

// flush runs what was left for later.
func (t *tx) flush(ctx context.Context) error {
	if len(t.last) == 0 {
		return nil
	}
	n := len(t.last) - 1
	text := t.last[n]
	if n > 0 {
		parts := make([]string, n)
		for i, part := range t.last[:n] {
			parts[i] = "q" + strconv.Itoa(i) + " AS (" + part + ")"
		}
		text = "WITH " + strings.Join(parts, ", ") + " " + text
	}
	return t.q.Query(ctx, nil, text, t.args...)
}

// lock makes transactions that take the same lock come one after the other. It also
// evaluates a condition.
func (t *tx) lock(ctx context.Context, name, condition string) error {
	if t.s.dialect == SQLite {
		return nil // they all do
	}
	key := fnv.New64a()
	_, _ = key.Write([]byte(t.s.prefix + name)) // a hash never fails to write
	//nolint:gosec // any number will do
	return t.exec(ctx, "SELECT pg_advisory_xact_lock($1) WHERE "+condition, int64(key.Sum64()))
}

// query runs a statement outside of a transaction. On SQLite it only reads.
func (s *Store) query(ctx context.Context, each func(scan func(dest ...any) error) error, query string, args ...any) error {
	return s.tx(querier{s.db}).query(ctx, each, query, args...)
}

// peek is query for what is often asked and soon answered: on SQLite on the connection
// that writes, where it is prepared.
func (s *Store) peek(ctx context.Context, each func(scan func(dest ...any) error) error, query string, args ...any) error {
	if s.dialect == PostgreSQL {
		return s.query(ctx, each, query, args...)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := s.writer.held.Acquire(ctx, 1); err != nil {
		return err
	}
	defer s.writer.held.Release(1)
	if err := s.connect(ctx); err != nil {
		return err
	}
	err := s.tx(&s.writer).query(context.WithoutCancel(ctx), each, query, args...) // see runTasks
	s.writer.dropIfBroken(err)
	return err
}

// in runs a transaction that has a result: how is write or single.
func in[T any](ctx context.Context, how func(context.Context, operation) error, do func(ctx context.Context, t *tx) (T, error)) (result T, err error) {
	found := new(T) // a result nobody waits for is nobody's
	err = how(ctx, func(ctx context.Context, t *tx) (err error) {
		*found, err = do(ctx, t)
		return err
	})
	if err != nil {
		return result, err
	}
	return *found, nil
}

// write runs a transaction; on SQLite it may be shared with others. do must stand
// being run again from the beginning, also after it succeeded, and touch nothing
// that its caller reads when write returned the error of ctx.
func (s *Store) write(ctx context.Context, do operation) error {
	if s.dialect == SQLite {
		return s.writer.group.do(ctx, task{do, false})
	}
	return retry(ctx, func() error { return s.transaction(ctx, do) })
}

// soft is write for what a loss of power may undo as long as nothing is built on it:
// whatever is committed later is known only together with it. So it need not be synced
// by itself. On PostgreSQL it is the statements that say so; see unsynced.
func (s *Store) soft(ctx context.Context, do operation) error {
	if s.dialect == SQLite {
		return s.writer.group.do(ctx, task{do, true})
	}
	return s.write(ctx, do)
}

// unsynced is a condition that is true and makes a transaction soft.
const unsynced = "{postgres set_config('synchronous_commit', 'off', true) = 'off'}{sqlite true}"

// single is write for what is one statement on PostgreSQL, and so a transaction by
// itself.
func (s *Store) single(ctx context.Context, do operation) error {
	if s.dialect == SQLite {
		return s.write(ctx, do)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return retry(ctx, func() error { return do(ctx, s.tx(querier{s.db})) })
}

// retry calls do again when it was undone for the sake of another transaction.
func retry(ctx context.Context, do func() error) error {
	for try := 1; ; try++ {
		err := do()
		if err == nil || try == maxTries || !isRetryable(err) {
			return err
		}
		wait := time.NewTimer(time.Duration(rand.Int64N(int64(try) * int64(2*time.Millisecond)))) //nolint:gosec // no secret
		select {
		case <-ctx.Done():
			wait.Stop()
			return ctx.Err()
		case <-wait.C:
		}
	}
}

const maxTries = 8

// isRetryable reports whether PostgreSQL undid a transaction for the sake of
// another one.
func isRetryable(err error) bool {
	var e interface{ SQLState() string }
	return errors.As(err, &e) && (e.SQLState() == "40001" || e.SQLState() == "40P01")
}

// transaction runs one on PostgreSQL.
func (s *Store) transaction(ctx context.Context, do operation) error {
	// What follows counts on each statement seeing what was committed before it.
	t, err := s.db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
	if err != nil {
		return err
	}
	x := s.tx(querier{t})
	if err = do(ctx, x); err == nil {
		err = x.flush(ctx)
	}
	if err != nil {
		_ = t.Rollback() // the first error is the one to tell
		return err
	}
	return t.Commit()
}

type operation = func(ctx context.Context, t *tx) error
