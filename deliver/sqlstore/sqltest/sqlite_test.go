package sqltest

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/paperround/deliver"
	"example.com/paperround/deliver/sqlstore"
)

func TestMemoryIsRefused(t *testing.T) {
	t.Parallel()
	db, err := sql.Open("sqlite", ":memory:")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	s, err := sqlstore.New(db, sqlstore.SQLite, nil)
	require.NoError(t, err)
	require.ErrorContains(t, s.Migrate(t.Context()), "in memory")
	require.NoError(t, s.Close())
}

func TestPoolOfOneIsRefused(t *testing.T) {
	t.Parallel()
	db := openFile(t, filepath.Join(t.TempDir(), "test.db"))
	s, err := sqlstore.New(db, sqlstore.SQLite, nil)
	require.NoError(t, err)
	db.SetMaxOpenConns(1)
	require.ErrorContains(t, s.Migrate(t.Context()), "one connection")
	_, err = sqlstore.New(db, sqlstore.SQLite, nil)
	require.ErrorContains(t, err, "one connection")
	db.SetMaxOpenConns(2)
	require.NoError(t, s.Migrate(t.Context()))
	require.NoError(t, s.Enqueue(t.Context(), message("m1")))
	require.Equal(t, []string{"m1"}, pending(t, s))
	require.NoError(t, s.Close())
	require.ErrorContains(t, s.Enqueue(t.Context(), message("m2")), "closed")
	require.NoError(t, db.PingContext(t.Context()), "the host's own")
}

// A transaction that read before somebody else wrote cannot write, and is told why.
func TestDeferredTransaction(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "test.db")
	s := open(t, openFile(t, path), sqlstore.SQLite)
	db, err := sql.Open("sqlite", "file:"+path)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	tx, err := db.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	var n int
	require.NoError(t, tx.QueryRowContext(t.Context(), "SELECT count(*) FROM paperround_messages").Scan(&n))
	require.NoError(t, s.Enqueue(t.Context(), message("m1")))
	require.ErrorContains(t, s.Tx(tx).Enqueue(t.Context(), message("m2")), "_txlock=immediate")
	require.NoError(t, tx.Rollback())
}

// Who finds the file locked waits, but not for ever, and not beyond its context.
func TestBusy(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "test.db")
	s := open(t, openFile(t, path), sqlstore.SQLite)
	other := openFile(t, path)
	tx, err := other.BeginTx(t.Context(), nil) // immediate, see fileDSN
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, s.Enqueue(ctx, message("m1")), context.DeadlineExceeded)
	done := make(chan error, 1)
	go func() { done <- s.Enqueue(context.Background(), message("m2")) }()
	time.Sleep(100 * time.Millisecond)
	require.NoError(t, tx.Commit())
	require.NoError(t, <-done)

	tx, err = other.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	require.ErrorContains(t, s.Enqueue(t.Context(), message("m3")), "locked")
	require.NoError(t, tx.Rollback())
	require.NoError(t, s.Enqueue(t.Context(), message("m3")))
}

// A full disk is an error; what was accepted stays, and there is no half of anything.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "test.db")
	db, err := sql.Open("sqlite", fileDSN(path)+"&_pragma=max_page_count(120)")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	full := open(t, db, sqlstore.SQLite)
	accepted := 0
	for i := 0; err == nil; i++ {
		m := message(fmt.Sprint("m", i))
		m.Body = make([]byte, 3000)
		if err = full.Enqueue(t.Context(), m); err == nil {
			accepted++
		}
		require.Less(t, i, 1000)
	}
	require.ErrorContains(t, err, "full")
	require.Positive(t, accepted)
	require.Error(t, full.Enqueue(t.Context(), &deliver.Message{ID: "large", Topic: "a:b", ContentType: "text/plain", Body: make([]byte, 1<<20)}))
	require.NoError(t, full.Close())

	room := open(t, openFile(t, path), sqlstore.SQLite)
	require.NoError(t, room.Enqueue(t.Context(), message("more")))
	require.Len(t, pending(t, room), accepted+1)
}

// copyFile copies the first part of a file.
func copyFile(t *testing.T, from, to string, part float64) {
	t.Helper()
	b, err := os.ReadFile(from)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(to, b[:int(float64(len(b))*part)], 0o600))
}

// A file that was cut off in the middle of a write is what it was after some commit.
func TestTornFile(t *testing.T) {
	t.Parallel()
	from := filepath.Join(t.TempDir(), "test.db")
	s := open(t, openFile(t, from), sqlstore.SQLite)
	slots, err := s.Own(t.Context(), "a", time.Hour)
	require.NoError(t, err)
	for i := range 40 {
		require.NoError(t, s.Enqueue(t.Context(), message(fmt.Sprint("m", i))))
		batch, _, err := s.Pending(t.Context(), 1, time.Hour)
		require.NoError(t, err)
		_, err = s.FanOut(t.Context(), []deliver.Plan{{Fence: batch[0].Fence, Targets: []deliver.Target{{EndpointID: "e1"}}}})
		require.NoError(t, err)
		claims, err := s.Claim(t.Context(), slots, []deliver.Want{{EndpointID: "e1", First: 1}}, time.Hour)
		require.NoError(t, err)
		_, err = s.Settle(t.Context(), []deliver.Settlement{{Fence: claims[0].Fence, State: deliver.Succeeded}})
		require.NoError(t, err)
	}
	last := -1
	for _, part := range []float64{0.4, 0.7, 0.83, 0.91, 0.999} {
		to := filepath.Join(t.TempDir(), "torn.db")
		copyFile(t, from, to, 1)
		copyFile(t, from+"-wal", to+"-wal", part)
		db := openFile(t, to)
		var check string
		require.NoError(t, db.QueryRowContext(t.Context(), "PRAGMA integrity_check").Scan(&check))
		require.Equal(t, "ok", check)
		torn := open(t, db, sqlstore.SQLite)
		var messages, elsewhere int
		require.NoError(t, db.QueryRowContext(t.Context(), `SELECT count(*),
			(SELECT count(*) FROM paperround_queue) + (SELECT count(*) FROM paperround_deliveries) FROM paperround_messages`).Scan(&messages, &elsewhere))
		require.Equal(t, messages, elsewhere, "each message awaits fan-out or has its delivery")
		require.GreaterOrEqual(t, messages, last)
		last = messages
		require.NoError(t, torn.Enqueue(t.Context(), message("after")))
		agree(t, db, torn)
	}
	require.Positive(t, last)
}

// The pool does not hand out the store's connection with its settings.
func TestCloseLeavesNoSettings(t *testing.T) {
	t.Parallel()
	db := openSQLite(t)
	settings := func() (list []int) {
		for _, name := range []string{"busy_timeout", "synchronous", "cache_size"} {
			list = append(list, count(t, db, "PRAGMA "+name))
		}
		return list
	}
	before := settings()
	db.SetMaxIdleConns(0) // the store's is one of its own
	s := open(t, db, sqlstore.SQLite)
	require.NoError(t, s.Enqueue(t.Context(), message("m")))
	db.SetMaxIdleConns(1)
	require.NoError(t, s.Close())
	require.Equal(t, before, settings())
}
