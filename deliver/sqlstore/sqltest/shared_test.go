package sqltest

import (
	"context"
	"database/sql"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/paperround/deliver"
	"example.com/paperround/deliver/sqlstore"
	"example.com/paperround/event"
	"example.com/paperround/topic"
)

// agree checks what must be true of the tables between any two transactions.
func agree(t *testing.T, db *sql.DB, s *sqlstore.Store) {
	t.Helper()
	totals, err := s.Totals(t.Context(), deliver.Selection{})
	require.NoError(t, err)
	counted := deliver.Totals{}
	for state, n := range map[deliver.State]*int{
		deliver.Scheduled: &counted.Scheduled, deliver.Claimed: &counted.Claimed, deliver.Succeeded: &counted.Succeeded,
		deliver.Exhausted: &counted.Exhausted, deliver.Abandoned: &counted.Abandoned, deliver.Canceled: &counted.Canceled,
	} {
		require.NoError(t, db.QueryRowContext(t.Context(), fmt.Sprintf("SELECT count(*) FROM paperround_deliveries WHERE state = %d", state)).Scan(n))
	}
	require.Equal(t, counted, totals, "totals")
	for what, query := range map[string]string{
		"final deliveries are in no phase":   "SELECT count(*) FROM paperround_deliveries WHERE (state >= 2) <> (phase = 0) OR (state = 1) <> (phase = 4)",
		"a lane has a first one":             "SELECT count(*) FROM paperround_deliveries d WHERE phase = 3 AND NOT EXISTS (SELECT 1 FROM paperround_deliveries b WHERE b.endpoint = d.endpoint AND b.lane = d.lane AND b.phase IN (1, 2, 4))",
		"a lane has no second one":           "SELECT count(*) FROM paperround_deliveries d JOIN paperround_deliveries b ON b.endpoint = d.endpoint AND b.lane = d.lane AND b.id > d.id WHERE d.phase IN (1, 2, 4) AND b.phase IN (1, 2, 4)",
		"what is ready is in the walk":       "SELECT count(*) FROM paperround_deliveries d JOIN paperround_states s ON s.endpoint = d.endpoint WHERE d.phase = 1 AND NOT s.active",
		"messages are queued or fanned out":  "SELECT count(*) FROM paperround_queue q JOIN paperround_deliveries d ON d.message = q.seq",
		"logs are as long as they are known": "SELECT count(*) FROM paperround_deliveries d WHERE records <> (SELECT count(*) FROM paperround_attempts a WHERE a.delivery = d.id)",
	} {
		var n int
		require.NoError(t, db.QueryRowContext(t.Context(), query).Scan(&n))
		require.Zero(t, n, what)
	}
}

// deliveries counts what arrives, by endpoint and message.
type deliveries struct {
	mu   sync.Mutex
	seen map[string]int
	fail func(n int) bool // the n'th request of all
	n    int
}

// RoundTrip implements http.RoundTripper.
func (d *deliveries) RoundTrip(r *http.Request) (*http.Response, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.n++
	status := http.StatusNoContent
	if d.fail != nil && d.fail(d.n) {
		status = http.StatusServiceUnavailable
	} else {
		d.seen[r.URL.Host+" "+r.Header.Get("Webhook-Id")]++
	}
	return &http.Response{StatusCode: status, Body: http.NoBody, Request: r}, nil
}

func (d *deliveries) count() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.seen)
}

func dispatcher(t *testing.T, store deliver.Store, to *deliveries, endpoints int, ordered bool) *deliver.Dispatcher {
	t.Helper()
	var list []*deliver.Endpoint
	for i := range endpoints {
		list = append(list, &deliver.Endpoint{
			ID: fmt.Sprintf("e%d", i), URL: fmt.Sprintf("https://e%d.example/", i), Topics: []topic.Pattern{"*"}, Signer: unsigned{}, Ordered: ordered,
		})
	}
	directory, err := deliver.Static(list...)
	require.NoError(t, err)
	client, err := deliver.NewClient(&deliver.ClientOptions{UnguardedTransport: to})
	require.NoError(t, err)
	d, err := deliver.New(store, directory, &deliver.Options{
		Client: client, Lease: 2 * time.Second, Poll: 50 * time.Millisecond,
		Policy: &deliver.Policy{Schedule: []time.Duration{0, time.Millisecond, 10 * time.Millisecond, 20 * time.Millisecond, 50 * time.Millisecond}},
		Relief: &deliver.Relief{},
	})
	require.NoError(t, err)
	return d
}

// Two dispatchers share the work, and the one that is left does the rest.
func TestTwoProcesses(t *testing.T) {
	t.Parallel()
	for _, d := range databases() {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			db := d.open(t)
			to := &deliveries{seen: map[string]int{}}
			first, second := open(t, db, d.dialect), open(t, again(t, db, d), d.dialect)
			const messages, endpoints = 150, 4
			run := func(store *sqlstore.Store) (disp *deliver.Dispatcher, stop func()) {
				disp = dispatcher(t, store, to, endpoints, true)
				ctx, cancel := context.WithCancel(context.Background())
				ended := make(chan error, 1)
				go func() { ended <- disp.Run(ctx) }()
				return disp, func() {
					cancel()
					require.NoError(t, <-ended)
				}
			}
			a, stopA := run(first)
			_, stopB := run(second)
			publish := func(from, to int) {
				for i := from; i < to; i++ {
					_, err := a.Publish(t.Context(), event.JSON("acme:invoice.paid", i), &deliver.PublishOptions{Key: fmt.Sprint(i % 7)})
					require.NoError(t, err)
				}
			}
			publish(0, messages/2)
			stopA()
			publish(messages/2, messages)
			require.Eventually(t, func() bool { return to.count() == messages*endpoints }, time.Minute, 20*time.Millisecond)
			stopB()
			for what, n := range to.seen {
				require.Equal(t, 1, n, what)
			}
			agree(t, db, first)
			totals, err := first.Totals(t.Context(), deliver.Selection{})
			require.NoError(t, err)
			require.Equal(t, deliver.Totals{Succeeded: messages * endpoints}, totals)
		})
	}
}

// Whatever is asked for at the same time, the tables agree afterwards.
func TestEverythingAtOnce(t *testing.T) {
	t.Parallel()
	for _, d := range databases() {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			db := d.open(t)
			s := open(t, db, d.dialect)
			to := &deliveries{seen: map[string]int{}, fail: func(n int) bool { return n%5 == 0 }}
			disp := dispatcher(t, s, to, 3, true)
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- disp.Run(ctx) }()
			var wg sync.WaitGroup
			for w := range 4 {
				wg.Go(func() {
					for i := range 40 {
						id := fmt.Sprintf("m%d_%d", w, i)
						_, err := disp.Publish(ctx, event.JSON("acme:invoice.paid", i), &deliver.PublishOptions{ID: id, Key: fmt.Sprint(i % 3)})
						if err != nil {
							t.Error(err)
						}
						var more error
						switch e := fmt.Sprintf("e%d", i%3); (w + i) % 9 {
						case 0:
							_, more = disp.Cancel(ctx, deliver.Selection{MessageID: id})
						case 1:
							more = disp.Pause(ctx, e, 5*time.Millisecond)
						case 2:
							more = disp.Disable(ctx, e)
						case 3:
							_, more = disp.Resume(ctx, e, true)
						case 4:
							_, more = disp.Replay(ctx, deliver.Selection{EndpointID: e, States: []deliver.State{deliver.Canceled, deliver.Abandoned}})
						case 5:
							_, more = disp.Purge(ctx, time.Millisecond)
						}
						if more != nil {
							t.Error(more)
						}
					}
				})
			}
			wg.Wait()
			for i := range 3 {
				_, err := disp.Resume(ctx, fmt.Sprintf("e%d", i), false)
				require.NoError(t, err)
			}
			require.Eventually(t, func() bool {
				totals, err := s.Totals(t.Context(), deliver.Selection{})
				return err == nil && totals.Open() == 0 && disp.Stats().Published == 160
			}, time.Minute, 20*time.Millisecond)
			cancel()
			require.NoError(t, <-ended)
			agree(t, db, s)
		})
	}
}

// A transaction that sees an old state of the database for long does not stop the work.
func TestOldSnapshot(t *testing.T) {
	t.Parallel()
	for _, d := range databases() {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			db := d.open(t)
			s := open(t, db, d.dialect)
			require.NoError(t, s.Enqueue(t.Context(), message("before")))
			reader := again(t, db, d)
			conn, err := reader.Conn(t.Context())
			require.NoError(t, err)
			begin := "BEGIN"
			if d.dialect == sqlstore.PostgreSQL {
				begin = "BEGIN ISOLATION LEVEL REPEATABLE READ"
			}
			see := func() (n int) {
				require.NoError(t, conn.QueryRowContext(t.Context(), "SELECT count(*) FROM paperround_messages").Scan(&n))
				return n
			}
			_, err = conn.ExecContext(t.Context(), begin)
			require.NoError(t, err)
			require.Equal(t, 1, see())
			to := &deliveries{seen: map[string]int{}}
			disp := dispatcher(t, s, to, 2, false)
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- disp.Run(ctx) }()
			const messages = 500
			var wg sync.WaitGroup
			for range 8 {
				wg.Go(func() {
					for i := range messages / 8 {
						if _, err := disp.Publish(ctx, event.JSON("acme:invoice.paid", i), nil); err != nil {
							t.Error(err)
						}
					}
				})
			}
			wg.Wait()
			require.Eventually(t, func() bool { return to.count() == 2*(messages/8*8+1) }, time.Minute, 20*time.Millisecond)
			require.Equal(t, 1, see(), "it still sees the old state")
			_, err = conn.ExecContext(t.Context(), "ROLLBACK")
			require.NoError(t, err)
			require.NoError(t, conn.Close())
			cancel()
			require.NoError(t, <-ended)
			agree(t, db, s)
		})
	}
}

// The notes of single transactions are added up again.
func TestTotalsAreFolded(t *testing.T) {
	t.Parallel()
	for _, d := range databases() {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			db := d.open(t)
			s := open(t, db, d.dialect)
			const endpoints = 2500
			known(t, s, endpoints)
			cursor := ""
			for n := 0; n < endpoints; {
				did, next, err := s.Cancel(t.Context(), deliver.Selection{EndpointID: ""}, cursor, 500)
				require.NoError(t, err)
				n += did
				cursor = next
			}
			_, _, err := s.Ready(t.Context(), deliver.Slots{Owner: "a"}, "", 1)
			require.NoError(t, err)
			var rows int
			require.NoError(t, db.QueryRowContext(t.Context(), "SELECT count(*) FROM paperround_totals").Scan(&rows))
			require.Equal(t, endpoints, rows)
			agree(t, db, s)
		})
	}
}

// A settlement takes the states of endpoints in the order in which fan-out does: that
// of a lane it leaves before that of one which fails and comes later.
func TestSettleLocksInOrder(t *testing.T) {
	t.Parallel()
	db := openPgx(t)
	s := open(t, db, sqlstore.PostgreSQL)
	ordered := message("m1")
	ordered.Key = "k"
	require.NoError(t, s.Enqueue(t.Context(), ordered))
	batch, _, err := s.Pending(t.Context(), 10, time.Hour)
	require.NoError(t, err)
	_, err = s.FanOut(t.Context(), []deliver.Plan{{Fence: batch[0].Fence, Targets: []deliver.Target{{EndpointID: "a", Ordered: true}, {EndpointID: "z"}}}})
	require.NoError(t, err)
	slots, err := s.Own(t.Context(), "o", time.Hour)
	require.NoError(t, err)
	claims, err := s.Claim(t.Context(), slots, []deliver.Want{{EndpointID: "a", First: 1}, {EndpointID: "z", First: 1}}, time.Hour)
	require.NoError(t, err)
	require.Len(t, claims, 2)
	settlements := make([]deliver.Settlement, 2)
	for i, c := range claims {
		settlements[i] = deliver.Settlement{Fence: c.Fence, State: deliver.Succeeded, Endpoint: deliver.Effect{Signal: deliver.SignalSuccess}}
		if c.EndpointID == "z" {
			settlements[i].State, settlements[i].Endpoint.Signal = deliver.Exhausted, deliver.SignalFailure
		}
	}
	tx, err := db.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	_, err = tx.ExecContext(t.Context(), "SELECT 1 FROM paperround_states WHERE endpoint = 'a' FOR UPDATE")
	require.NoError(t, err)
	settled := make(chan error, 1)
	go func() {
		_, err := s.Settle(t.Context(), settlements)
		settled <- err
	}()
	time.Sleep(300 * time.Millisecond)
	require.Empty(t, settled, "it waits")
	_, err = tx.ExecContext(t.Context(), "SELECT 1 FROM paperround_states WHERE endpoint = 'z' FOR UPDATE NOWAIT")
	require.NoError(t, err)
	require.NoError(t, tx.Commit())
	require.NoError(t, <-settled)
}
