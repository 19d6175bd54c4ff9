package sqltest

import (
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/paperround/deliver"
	"example.com/paperround/deliver/sqlstore"
)

func count(t *testing.T, db *sql.DB, query string) (n int) {
	t.Helper()
	require.NoError(t, db.QueryRowContext(t.Context(), query).Scan(&n))
	return n
}

// Endpoints without work leave the walk when there are many of them, and come back.
func TestIdleEndpointsLeaveTheWalk(t *testing.T) {
	t.Parallel()
	for _, d := range databases() {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			db := d.open(t)
			s := open(t, db, d.dialect)
			const endpoints = 200
			known(t, s, endpoints)
			slots, err := s.Own(t.Context(), "a", time.Hour)
			require.NoError(t, err)
			page, _, err := s.Ready(t.Context(), slots, "", endpoints)
			require.NoError(t, err)
			require.Len(t, page, endpoints)
			for _, b := range page[3:] {
				_, _, err := s.Cancel(t.Context(), deliver.Selection{EndpointID: b.EndpointID}, "", 10)
				require.NoError(t, err)
			}
			require.Equal(t, endpoints, count(t, db, "SELECT count(*) FROM paperround_states WHERE active"))
			page, _, err = s.Ready(t.Context(), slots, "", 2)
			require.NoError(t, err)
			require.Len(t, page, 2)
			page, _, err = s.Ready(t.Context(), slots, "", endpoints)
			require.NoError(t, err)
			require.Len(t, page, 3)
			require.Equal(t, 3, count(t, db, "SELECT count(*) FROM paperround_states WHERE active"))
			n, _, err := s.Replay(t.Context(), deliver.Selection{States: []deliver.State{deliver.Canceled}}, "", 20)
			require.NoError(t, err)
			require.Equal(t, 20, n)
			page, _, err = s.Ready(t.Context(), slots, "", endpoints)
			require.NoError(t, err)
			require.Len(t, page, 23)
			agree(t, db, s)
		})
	}
}

// Two processes that fan out keep the order of each key.
func TestKeysAmongProcesses(t *testing.T) {
	t.Parallel()
	for _, d := range databases() {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			db := d.open(t)
			stores := []*sqlstore.Store{open(t, db, d.dialect), open(t, again(t, db, d), d.dialect)}
			const messages = 240
			var list []*deliver.Message
			for i := range messages {
				m := message(fmt.Sprintf("m%04d", i))
				m.Key = fmt.Sprint(i % 4)
				list = append(list, m)
			}
			require.NoError(t, stores[0].Enqueue(t.Context(), list...))
			var wg sync.WaitGroup
			for w := range 6 {
				s := stores[w%2]
				wg.Go(func() {
					for {
						batch, next, err := s.Pending(t.Context(), 3, time.Hour)
						if err != nil {
							t.Error(err)
							return
						}
						var plans []deliver.Plan
						for _, p := range batch {
							plans = append(plans, deliver.Plan{Fence: p.Fence, Targets: []deliver.Target{{EndpointID: "e1", Ordered: true}}})
						}
						lost, err := s.FanOut(t.Context(), plans)
						if err != nil || len(lost) > 0 {
							t.Error(lost, err)
							return
						}
						if len(batch) == 0 && next > time.Second || t.Failed() {
							return
						}
						if totals, err := s.Totals(t.Context(), deliver.Selection{}); err != nil || totals.Open() == messages {
							return
						}
					}
				})
			}
			wg.Wait()
			require.Equal(t, messages, count(t, db, "SELECT count(*) FROM paperround_deliveries"))
			require.Zero(t, count(t, db, `SELECT count(*) FROM paperround_deliveries a JOIN paperround_deliveries b
				ON b.lane = a.lane AND b.id > a.id AND b.message < a.message`), "out of order")
			agree(t, db, stores[0])
		})
	}
}

// A plan does not overtake one that is put off, nor one that comes later in the call.
func TestPlansKeepTheOrder(t *testing.T) {
	t.Parallel()
	for _, d := range databases() {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			s := open(t, d.open(t), d.dialect)
			a, b := message("m1"), message("m2")
			a.Key, b.Key = "k", "k"
			require.NoError(t, s.Enqueue(t.Context(), a, b))
			batch, _, err := s.Pending(t.Context(), 2, time.Hour)
			require.NoError(t, err)
			require.Len(t, batch, 2)
			first, second := deliver.Plan{Fence: batch[0].Fence}, deliver.Plan{Fence: batch[1].Fence}
			lost, err := s.FanOut(t.Context(), []deliver.Plan{second, first})
			require.NoError(t, err)
			require.Equal(t, []deliver.Fence{second.Fence}, lost)
			lost, err = s.FanOut(t.Context(), []deliver.Plan{second})
			require.NoError(t, err)
			require.Empty(t, lost)

			a.ID, b.ID = "m3", "m4"
			require.NoError(t, s.Enqueue(t.Context(), a, b))
			batch, _, err = s.Pending(t.Context(), 2, time.Hour)
			require.NoError(t, err)
			require.Len(t, batch, 2)
			lost, err = s.FanOut(t.Context(), []deliver.Plan{{Fence: batch[0].Fence, Again: time.Hour}, {Fence: batch[1].Fence}})
			require.NoError(t, err)
			require.Equal(t, []deliver.Fence{batch[1].Fence}, lost)
		})
	}
}

// Calls that share a transaction do not share their failures.
func TestFailuresAreNotShared(t *testing.T) {
	t.Parallel()
	for _, d := range databases() {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			s := open(t, d.open(t), d.dialect)
			require.NoError(t, s.Enqueue(t.Context(), message("taken")))
			var wg sync.WaitGroup
			const pairs = 40
			for i := range pairs {
				wg.Go(func() {
					if err := s.Change(t.Context(), fmt.Sprintf("e%02d", i), deliver.Effect{Disable: true, Cause: deliver.CauseHost}); err != nil {
						t.Error(err)
					}
				})
				wg.Go(func() {
					if err := s.Enqueue(t.Context(), message(fmt.Sprint("new", i)), other("taken")); !errors.Is(err, deliver.ErrConflict) {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			states, err := s.Endpoints(t.Context(), deliver.Selection{}, "", 2*pairs)
			require.NoError(t, err)
			require.Len(t, states, pairs)
			for _, e := range states {
				require.True(t, e.Disabled, e.EndpointID)
			}
			require.Equal(t, []string{"taken"}, pending(t, s))
		})
	}
}
