package sqltest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/paperround/deliver"
	"example.com/paperround/deliver/sqlstore"
)

func message(id string) *deliver.Message {
	return &deliver.Message{ID: id, Topic: "acme:invoice.paid", ContentType: "application/json", Body: []byte("{}")}
}

func other(id string) *deliver.Message {
	m := message(id)
	m.Body = []byte("[]")
	return m
}

// pending claims all there is for fan-out and returns the ids.
func pending(t *testing.T, s *sqlstore.Store) (ids []string) {
	t.Helper()
	for {
		batch, _, err := s.Pending(t.Context(), 100, time.Hour)
		require.NoError(t, err)
		if len(batch) == 0 {
			return ids
		}
		for _, p := range batch {
			ids = append(ids, p.Message.ID)
		}
	}
}

func TestEnqueueInTransaction(t *testing.T) {
	t.Parallel()
	for _, d := range databases() {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			db := d.open(t)
			s := open(t, db, d.dialect)
			execute(t, db, "CREATE TABLE business (id integer)")
			for _, commit := range []bool{false, true} {
				tx, err := db.BeginTx(t.Context(), nil)
				require.NoError(t, err)
				_, err = tx.ExecContext(t.Context(), "INSERT INTO business (id) VALUES (1)")
				require.NoError(t, err)
				require.NoError(t, s.Tx(tx).Enqueue(t.Context(), message("m1")))
				require.NoError(t, s.Tx(tx).Enqueue(t.Context(), message("m1")), "the same again")
				if !commit {
					require.NoError(t, tx.Rollback())
					require.Empty(t, pending(t, s), "after a rollback there is nothing")
					continue
				}
				require.NoError(t, tx.Commit())
				require.Equal(t, []string{"m1"}, pending(t, s), "exactly once")
			}
			_, err := s.Message(t.Context(), "", "m1")
			require.NoError(t, err)
			require.Error(t, s.Tx(nil).Enqueue(t.Context(), message("m2")))
		})
	}
}

// After a conflict the transaction goes on, without the messages of that call.
func TestConflictInTransaction(t *testing.T) {
	t.Parallel()
	for _, d := range databases() {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			db := d.open(t)
			s := open(t, db, d.dialect)
			require.NoError(t, s.Enqueue(t.Context(), message("m1")))
			tx, err := db.BeginTx(t.Context(), nil)
			require.NoError(t, err)
			require.ErrorIs(t, s.Tx(tx).Enqueue(t.Context(), message("m2"), other("m1"), message("m3")), deliver.ErrConflict)
			require.ErrorIs(t, s.Tx(tx).Enqueue(t.Context(), message("m2"), other("m2")), deliver.ErrConflict)
			require.NoError(t, s.Tx(tx).Enqueue(t.Context(), message("m4"), message("m1")))
			require.NoError(t, tx.Commit())
			require.Equal(t, []string{"m1", "m4"}, pending(t, s))
			_, err = s.Message(t.Context(), "", "m2")
			require.ErrorIs(t, err, deliver.ErrNoMessage)
		})
	}
}

// What one caller brings does not harm the others that share its transaction.
func TestEnqueueTogether(t *testing.T) {
	t.Parallel()
	for _, d := range databases() {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			db := d.open(t)
			stores := []*sqlstore.Store{open(t, db, d.dialect), open(t, again(t, db, d), d.dialect)}
			require.NoError(t, stores[0].Enqueue(t.Context(), message("taken")))
			const callers = 32
			errs := make([]error, callers)
			var wg sync.WaitGroup
			for i := range callers {
				wg.Go(func() {
					s := stores[i%2]
					switch i % 4 {
					case 0:
						errs[i] = s.Enqueue(t.Context(), other("taken"))
					case 1:
						bad := message("bad")
						bad.Tenant = "\xff\x00"
						errs[i] = s.Enqueue(t.Context(), bad)
					case 2:
						errs[i] = s.Enqueue(t.Context(), message(fmt.Sprint("a", i)), message(fmt.Sprint("b", i)))
					default:
						errs[i] = s.Enqueue(t.Context(), message("same"))
					}
				})
			}
			wg.Wait()
			for i, err := range errs {
				switch {
				case i%4 == 0:
					require.ErrorIs(t, err, deliver.ErrConflict)
				case i%4 == 1 && d.dialect == sqlstore.PostgreSQL:
					require.Error(t, err)
				case i%4 > 1:
					require.NoError(t, err)
				}
			}
			ids := pending(t, stores[0])
			require.Contains(t, ids, "same")
			require.Contains(t, ids, "a2")
			require.Contains(t, ids, "b30")
			var n int
			require.NoError(t, db.QueryRowContext(t.Context(), "SELECT count(*) FROM paperround_messages WHERE id <> 'bad'").Scan(&n))
			require.Equal(t, 2+2*8, n)
		})
	}
}

// A caller that leaves does not take the others along.
func TestEnqueueWithoutWaiting(t *testing.T) {
	t.Parallel()
	for _, d := range databases() {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			s := open(t, d.open(t), d.dialect)
			var wg sync.WaitGroup
			for i := range 50 {
				wg.Go(func() {
					ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i)*100*time.Microsecond)
					defer cancel()
					_ = s.Enqueue(ctx, message(fmt.Sprint("left", i)))
				})
				wg.Go(func() {
					if err := s.Enqueue(t.Context(), message(fmt.Sprint("stayed", i))); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			for i := range 50 {
				_, err := s.Message(t.Context(), "", fmt.Sprint("stayed", i))
				require.NoError(t, err)
			}
		})
	}
}

// Who has to wait for a transaction of somebody else's does so alone, and no longer
// than it can.
func TestEnqueueHeldUp(t *testing.T) {
	t.Parallel()
	for _, d := range databases() {
		if d.dialect == sqlstore.SQLite {
			continue // one transaction writes at a time
		}
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			db := d.open(t)
			s := open(t, db, d.dialect)
			tx, err := db.BeginTx(t.Context(), nil)
			require.NoError(t, err)
			require.NoError(t, s.Tx(tx).Enqueue(t.Context(), message("held")))
			held := make(chan error, 1) // the pooler has three connections
			go func() { held <- s.Enqueue(t.Context(), message("held")) }()
			for i := range 3 {
				soon, cancel := context.WithTimeout(t.Context(), 3*time.Second)
				defer cancel()
				require.NoError(t, s.Enqueue(soon, message(fmt.Sprint("free", i))))
			}
			short, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
			defer cancel()
			require.ErrorIs(t, s.Enqueue(short, message("held")), context.DeadlineExceeded)
			require.Empty(t, held)
			require.NoError(t, tx.Commit())
			require.NoError(t, <-held)
			require.Equal(t, []string{"held", "free0", "free1", "free2"}, pending(t, s))
		})
	}
}
