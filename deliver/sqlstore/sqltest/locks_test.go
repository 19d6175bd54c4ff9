package sqltest

import (
	"database/sql"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/paperround/deliver"
	"example.com/paperround/deliver/sqlstore"
)

// sessions are the databases where transactions wait for the rows of each other, and
// no pooler makes them wait for a session.
func sessions() (list []database) {
	for _, d := range databases() {
		if d.dialect == sqlstore.PostgreSQL && d.name != "pgbouncer" {
			list = append(list, d)
		}
	}
	return list
}

// hold locks rows until release is called.
func hold(t *testing.T, db *sql.DB, query string) (release func()) {
	t.Helper()
	tx, err := db.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	t.Cleanup(func() { _ = tx.Rollback() })
	_, err = tx.ExecContext(t.Context(), query)
	require.NoError(t, err)
	return func() { require.NoError(t, tx.Rollback()) }
}

// waiting reports whether n transactions wait for others.
func waiting(t *testing.T, db *sql.DB, n int) bool {
	t.Helper()
	return count(t, db, "SELECT count(*) FROM pg_stat_activity WHERE usename = current_user AND wait_event_type = 'Lock'") == n
}

const (
	soon  = 20 * time.Second
	often = 5 * time.Millisecond
)

// A message that is fanned out while it is canceled is canceled all the same.
func TestCancelDuringFanOut(t *testing.T) {
	t.Parallel()
	for _, d := range sessions() {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			db := d.open(t)
			s := open(t, db, d.dialect)
			known(t, s, 1)
			require.NoError(t, s.Enqueue(t.Context(), message("m")))
			batch, _, err := s.Pending(t.Context(), 10, time.Hour)
			require.NoError(t, err)
			require.Len(t, batch, 1)

			release := hold(t, db, "SELECT 1 FROM paperround_states FOR UPDATE")
			fanned := make(chan error, 1)
			go func() {
				_, err := s.FanOut(t.Context(), []deliver.Plan{{Fence: batch[0].Fence, Targets: []deliver.Target{{EndpointID: "e0"}}}})
				fanned <- err
			}()
			require.Eventually(t, func() bool { return waiting(t, db, 1) }, soon, often)
			canceled := make(chan int, 1)
			go func() {
				n, _, err := s.Cancel(t.Context(), deliver.Selection{MessageID: "m"}, "", 10)
				if err != nil {
					t.Error(err)
				}
				canceled <- n
			}()
			require.Eventually(t, func() bool { return waiting(t, db, 2) }, soon, often)
			release()
			require.NoError(t, <-fanned)
			require.Equal(t, 1, <-canceled)
			list, _, err := s.Deliveries(t.Context(), deliver.Selection{MessageID: "m"}, "", 10)
			require.NoError(t, err)
			require.Len(t, list, 1)
			require.Equal(t, deliver.Canceled, list[0].State)
			agree(t, db, s)
		})
	}
}

// What an endpoint had open when it was disabled is not abandoned after it resumed,
// when nobody replays it anymore.
func TestResumeDuringAbandon(t *testing.T) {
	t.Parallel()
	for _, d := range sessions() {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			db := d.open(t)
			s := open(t, db, d.dialect)
			known(t, s, 1)
			require.NoError(t, s.Change(t.Context(), "e0", deliver.Effect{Disable: true, Cause: deliver.CauseHost}))

			release := hold(t, db, "SELECT 1 FROM paperround_deliveries FOR UPDATE")
			abandoned := make(chan error, 1)
			go func() {
				_, _, err := s.Ready(t.Context(), deliver.Slots{Owner: "a"}, "", 10)
				abandoned <- err
			}()
			require.Eventually(t, func() bool { return waiting(t, db, 1) }, soon, often)
			resumed := make(chan error, 1)
			go func() { resumed <- s.Resume(t.Context(), "e0") }()
			require.Eventually(t, func() bool { return len(resumed) == 1 || waiting(t, db, 2) }, soon, often)
			if len(resumed) == 0 {
				release()
				release = func() {}
			}
			require.NoError(t, <-resumed)
			_, _, err := s.Replay(t.Context(), deliver.Selection{EndpointID: "e0", States: []deliver.State{deliver.Abandoned}}, "", 10)
			require.NoError(t, err)
			release()
			require.NoError(t, <-abandoned)
			list, _, err := s.Deliveries(t.Context(), deliver.Selection{}, "", 10)
			require.NoError(t, err)
			require.Len(t, list, 1)
			require.Equal(t, deliver.Scheduled, list[0].State)
			agree(t, db, s)
		})
	}
}
