package sqltest

import (
	"database/sql"
	"fmt"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/paperround/deliver"
	"example.com/paperround/deliver/sqlstore"
)

// scale is how many deliveries the tests at scale park; the full size is 1,000,000.
func scale(tb testing.TB) int {
	tb.Helper()
	n := 20_000
	if s := os.Getenv("SQLTEST_SCALE"); s != "" {
		var err error
		n, err = strconv.Atoi(s)
		require.NoError(tb, err)
	}
	return n
}

// execute runs statements that make rows directly, since that many take long otherwise.
func execute(tb testing.TB, db *sql.DB, statements ...string) {
	tb.Helper()
	for _, s := range statements {
		_, err := db.ExecContext(tb.Context(), s)
		require.NoError(tb, err, s)
	}
}

const clock = `CAST(%s AS bigint)`

func now(d sqlstore.Dialect) string {
	if d == sqlstore.SQLite {
		return fmt.Sprintf(clock, "unixepoch('subsec')*1000")
	}
	return fmt.Sprintf(clock, "extract(epoch FROM clock_timestamp())*1000")
}

// fill makes one message with n deliveries, spread over the first n endpoints that
// there are. Columns are those that the deliveries differ in.
func fill(tb testing.TB, db *sql.DB, d sqlstore.Dialect, n, endpoints int, phase, time, lane string) {
	tb.Helper()
	execute(
		tb, db,
		fmt.Sprintf(`INSERT INTO paperround_deliveries (message, endpoint, lane, fan, state, phase, time, since, changed)
			WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i+1 FROM n WHERE i < %d)
			SELECT (SELECT max(seq) FROM paperround_messages), 'e' || (i %% %d), %s, 1, 0, %s, %s, %s, %s FROM n`,
			n-1, endpoints, lane, phase, time, now(d), now(d)),
	)
}

// known makes endpoints known to the store, by handing them a message each of
// another tenant.
func known(tb testing.TB, store *sqlstore.Store, n int) {
	tb.Helper()
	require.NoError(tb, store.Enqueue(tb.Context(), message("first")))
	batch, _, err := store.Pending(tb.Context(), 1, time.Hour)
	require.NoError(tb, err)
	require.Len(tb, batch, 1)
	plan := deliver.Plan{Fence: batch[0].Fence}
	for i := range n {
		plan.Targets = append(plan.Targets, deliver.Target{EndpointID: "e" + strconv.Itoa(i)})
	}
	lost, err := store.FanOut(tb.Context(), []deliver.Plan{plan})
	require.NoError(tb, err)
	require.Empty(tb, lost)
}

// median runs f some times and returns how long it took in the middle; what f returns
// is not measured.
func median(f func() func()) time.Duration {
	var took []time.Duration
	for range 21 {
		began := time.Now()
		after := f()
		took = append(took, time.Since(began))
		after()
	}
	slices.Sort(took)
	return took[len(took)/2]
}

// limit is what a claim may take: a small part of a second even where the machine is
// busy with other tests, and 5 ms where it is asked to be strict.
func limit() time.Duration {
	if os.Getenv("SQLTEST_STRICT") != "" {
		return 5 * time.Millisecond
	}
	return 100 * time.Millisecond
}

// Claims do not care about what is parked, nor about endpoints that are paused.
func TestClaimAtScale(t *testing.T) {
	t.Parallel()
	for _, d := range databases() {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			db := d.open(t)
			store := open(t, db, d.dialect)
			n := scale(t)
			endpoints := n / 100
			known(t, store, endpoints)
			fill(t, db, d.dialect, n, endpoints, "2", now(d.dialect)+" + 3600000", "NULL")
			for _, paused := range []bool{false, true} {
				if paused {
					execute(t, db, `UPDATE paperround_states SET held = true, paused = `+now(d.dialect)+` + 3600000 WHERE endpoint NOT LIKE '%0'`)
				}
				if d.dialect == sqlstore.PostgreSQL {
					execute(t, db, "ANALYZE paperround_states, paperround_deliveries") // what autovacuum does in time
				}
				slots, err := store.Own(t.Context(), "a", time.Hour)
				require.NoError(t, err)
				var page []deliver.Backlog
				ready := median(func() func() {
					page, _, err = store.Ready(t.Context(), slots, "", 100)
					require.NoError(t, err)
					return func() { require.Len(t, page, min(100, endpoints/map[bool]int{false: 1, true: 10}[paused])) }
				})
				claim := func(n int) time.Duration {
					return median(func() func() {
						var wants []deliver.Want
						for _, b := range page[:n] {
							wants = append(wants, deliver.Want{EndpointID: b.EndpointID, First: b.First, Retries: b.Retries})
						}
						claims, err := store.Claim(t.Context(), slots, wants, time.Hour)
						require.NoError(t, err)
						require.Len(t, claims, n)
						return func() { // and back
							settlements := make([]deliver.Settlement, len(claims))
							for i, c := range claims {
								settlements[i] = deliver.Settlement{Fence: c.Fence, State: deliver.Scheduled}
							}
							lost, err := store.Settle(t.Context(), settlements)
							require.NoError(t, err)
							require.Empty(t, lost)
						}
					})
				}
				single, many := claim(1), claim(len(page))
				t.Logf("%d parked, %d endpoints, most of them paused: %v: a page of %d endpoints %v, a claim %v, %d claims at once %v",
					n, endpoints, paused, len(page), ready, single, len(page), many)
				require.Less(t, single, limit(), "claim")
				require.Less(t, ready, limit(), "ready")
			}
		})
	}
}

// What is blocked in a lane costs nothing.
func TestLaneAtScale(t *testing.T) {
	t.Parallel()
	for _, d := range databases() {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			db := d.open(t)
			store := open(t, db, d.dialect)
			known(t, store, 1)
			n := scale(t) / 10
			fill(t, db, d.dialect, 1, 1, "1", now(d.dialect), "'k'")
			fill(t, db, d.dialect, n, 1, "3", now(d.dialect), "'k'")
			slots, err := store.Own(t.Context(), "a", time.Hour)
			require.NoError(t, err)
			claims, err := store.Claim(t.Context(), slots, []deliver.Want{{EndpointID: "e0", First: 10}}, time.Hour)
			require.NoError(t, err)
			require.Len(t, claims, 2)
			took := median(func() func() {
				lost, err := store.Settle(t.Context(), []deliver.Settlement{{Fence: claims[len(claims)-1].Fence, State: deliver.Succeeded}})
				require.NoError(t, err)
				require.Empty(t, lost)
				claims, err = store.Claim(t.Context(), slots, []deliver.Want{{EndpointID: "e0", First: 10}}, time.Hour)
				require.NoError(t, err)
				require.Len(t, claims, 1)
				return func() {}
			})
			t.Logf("%d blocked: settle and claim of the next %v", n, took)
			require.Less(t, took, 2*limit())
		})
	}
}

// Neither what waits behind an earlier message of its key nor a long row of messages of
// one key that can go costs a call more than a bounded part.
func TestPendingAtScale(t *testing.T) {
	t.Parallel()
	for _, d := range databases() {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			db := d.open(t)
			store := open(t, db, d.dialect)
			head := message("head")
			head.Key = "k"
			require.NoError(t, store.Enqueue(t.Context(), head))
			batch, _, err := store.Pending(t.Context(), 1, time.Hour)
			require.NoError(t, err)
			require.Len(t, batch, 1)
			n := 5 * scale(t)
			execute(t, db, fmt.Sprintf(`INSERT INTO paperround_queue (seq, tenant, key, due, phase, time)
				WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < %d)
				SELECT 1000 + i, '', 'k', %s, 0, %s FROM n`, n, now(d.dialect), now(d.dialect)))
			for _, analyzed := range []bool{false, true} {
				if analyzed && d.dialect == sqlstore.PostgreSQL {
					execute(t, db, "ANALYZE paperround_queue") // what autovacuum does in time
				}
				took := median(func() func() {
					batch, _, err := store.Pending(t.Context(), 256, time.Hour)
					require.NoError(t, err)
					require.Empty(t, batch)
					return func() {}
				})
				t.Logf("%d behind a head that is claimed: %v", n, took)
				require.Less(t, took, limit())
			}
		})
	}
}
