package pgxstore

import (
	"context"
	"net/http"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/require"

	"example.com/paperround/deliver"
	"example.com/paperround/deliver/sqlstore"
	"example.com/paperround/event"
	"example.com/paperround/topic"
)

// server is where PostgreSQL is; the environment may name another one.
func server() string {
	if dsn := os.Getenv("SQLTEST_DSN"); dsn != "" {
		return dsn
	}
	return "postgres://postgres@127.0.0.1:5432/postgres?sslmode=disable"
}

// setup makes a store in a database of its own, on a pool that the test shares.
func setup(t *testing.T, mode pgx.QueryExecMode) (*pgxpool.Pool, *sqlstore.Store) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	admin, err := pgx.Connect(ctx, server())
	if err != nil && os.Getenv("CI") == "" {
		t.Skip("PostgreSQL does not answer:", err)
	}
	require.NoError(t, err)
	name := "pgxstore_" + strconv.Itoa(os.Getpid()) + "_" + strconv.FormatInt(time.Now().UnixNano(), 36)
	_, err = admin.Exec(ctx, "CREATE DATABASE "+name)
	require.NoError(t, err)
	t.Cleanup(func() {
		_, err := admin.Exec(context.Background(), "DROP DATABASE "+name+" WITH (FORCE)")
		require.NoError(t, err)
		require.NoError(t, admin.Close(context.Background()))
	})
	config, err := pgxpool.ParseConfig(server())
	require.NoError(t, err)
	config.ConnConfig.Database = name
	config.ConnConfig.DefaultQueryExecMode = mode
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	db := stdlib.OpenDBFromPool(pool)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	store, err := sqlstore.New(db, sqlstore.PostgreSQL, nil)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	require.NoError(t, store.Migrate(ctx))
	_, err = pool.Exec(ctx, "CREATE TABLE business (id text PRIMARY KEY)")
	require.NoError(t, err)
	return pool, store
}

// modes are those in which pgx sends statements: its own, and those that bear a
// pooler in transaction mode.
func modes() map[string]pgx.QueryExecMode {
	return map[string]pgx.QueryExecMode{
		"prepared": pgx.QueryExecModeCacheStatement, "exec": pgx.QueryExecModeExec, "simple": pgx.QueryExecModeSimpleProtocol,
	}
}

func message(id, body string) *deliver.Message {
	return &deliver.Message{
		ID: id, Tenant: "t-7", Key: "c-1", Topic: "acme:thing.made", ContentType: event.ContentTypeJSON, Body: []byte(body),
	}
}

func count(t *testing.T, pool *pgxpool.Pool) (business, messages, queued int) {
	t.Helper()
	err := pool.QueryRow(t.Context(), `SELECT (SELECT count(*) FROM business), (SELECT count(*) FROM paperround_messages),
		(SELECT count(*) FROM paperround_queue)`).Scan(&business, &messages, &queued)
	require.NoError(t, err)
	return business, messages, queued
}

func TestTx(t *testing.T) {
	t.Parallel()
	for name, mode := range modes() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool, store := setup(t, mode)
			ctx := t.Context()
			begin := func(id string) (pgx.Tx, deliver.Enqueuer) {
				tx, err := pool.Begin(ctx)
				require.NoError(t, err)
				_, err = tx.Exec(ctx, "INSERT INTO business VALUES ($1)", id)
				require.NoError(t, err)
				return tx, Tx(store, tx)
			}
			shows := func(business, messages int) {
				b, m, q := count(t, pool)
				require.Equal(t, [3]int{business, messages, messages}, [3]int{b, m, q})
			}

			// A rollback leaves nothing.
			tx, in := begin("a")
			require.NoError(t, in.Enqueue(ctx, message("m-1", `{"n":1}`), message("m-2", `{"n":2}`)))
			require.NoError(t, tx.Rollback(ctx))
			shows(0, 0)

			// A commit shows everything, once; nothing is there before it.
			tx, in = begin("b")
			require.NoError(t, in.Enqueue(ctx, message("m-1", `{"n":1}`), message("m-2", `{"n":2}`)))
			shows(0, 0)
			require.NoError(t, in.Enqueue(ctx, message("m-1", `{"n":1}`)), "again in the same transaction")
			require.NoError(t, tx.Commit(ctx))
			shows(1, 2)
			got, err := store.Message(ctx, "t-7", "m-2")
			require.NoError(t, err)
			require.Equal(t, message("m-2", `{"n":2}`).Body, got.Body)

			// The same again changes nothing; another one under its id is refused, stores
			// nothing, and leaves the transaction usable.
			tx, in = begin("c")
			require.NoError(t, in.Enqueue(ctx, message("m-1", `{"n":1}`)))
			require.ErrorIs(t, in.Enqueue(ctx, message("m-3", `{"n":3}`), message("m-1", `{"n":"other"}`)), deliver.ErrConflict)
			require.NoError(t, in.Enqueue(ctx, message("m-4", `{"n":4}`)))
			require.NoError(t, tx.Commit(ctx))
			shows(2, 3)
			_, err = store.Message(ctx, "t-7", "m-3")
			require.ErrorIs(t, err, deliver.ErrNoMessage)

			// A savepoint is a transaction too.
			tx, _ = begin("d")
			inner, err := tx.Begin(ctx)
			require.NoError(t, err)
			require.NoError(t, Tx(store, inner).Enqueue(ctx, message("m-5", `{}`)))
			require.NoError(t, inner.Rollback(ctx))
			require.NoError(t, Tx(store, tx).Enqueue(ctx, message("m-6", `{}`)))
			require.NoError(t, tx.Commit(ctx))
			shows(3, 4)

			// What is over or was never there takes nothing.
			require.ErrorIs(t, in.Enqueue(ctx, message("m-7", `{}`)), pgx.ErrTxClosed)
			require.Error(t, Tx(store, nil).Enqueue(ctx, message("m-7", `{}`)))
		})
	}
}

// The store sees each row and each error, whenever it comes.
func TestQuery(t *testing.T) {
	t.Parallel()
	for name, mode := range modes() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool, _ := setup(t, mode)
			ctx := t.Context()
			tx, err := pool.Begin(ctx)
			require.NoError(t, err)
			q := querier{tx}
			sum := 0
			add := func(scan func(dest ...any) error) error {
				var n int
				err := scan(&n)
				sum += n
				return err
			}
			require.NoError(t, q.Query(ctx, add, "SELECT generate_series(1, $1::int)", 4))
			require.Equal(t, 10, sum)
			require.NoError(t, q.Query(ctx, nil, "SELECT generate_series(1, 4)"))
			require.ErrorIs(t, q.Query(ctx, func(func(dest ...any) error) error { return context.Canceled }, "SELECT 1"), context.Canceled)
			// The first rows are good.
			require.ErrorContains(t, q.Query(ctx, add, "SELECT 1/(3-i) FROM generate_series(1, 4) i"), "division by zero")
			require.NoError(t, tx.Rollback(ctx))
		})
	}
}

// Bodies are bytes, and not what a text of the database could hold.
func TestTxKeepsBytes(t *testing.T) {
	t.Parallel()
	for name, mode := range modes() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool, store := setup(t, mode)
			ctx := t.Context()
			for i, body := range []string{"", "\x00\xff'\\", "größe"} {
				tx, err := pool.Begin(ctx)
				require.NoError(t, err)
				m := message("m-"+strconv.Itoa(i), body)
				m.Key = `c'"\`
				require.NoError(t, Tx(store, tx).Enqueue(ctx, m))
				require.NoError(t, tx.Commit(ctx))
				got, err := store.Message(ctx, "t-7", m.ID)
				require.NoError(t, err)
				require.Equal(t, body, string(got.Body))
				require.Equal(t, m.Key, got.Key)
			}
		})
	}
}

// What was published in a transaction of pgx's is delivered like all else.
func TestPublishIn(t *testing.T) {
	t.Parallel()
	pool, store := setup(t, pgx.QueryExecModeCacheStatement)
	arrived := make(chan string, 1)
	client, err := deliver.NewClient(&deliver.ClientOptions{UnguardedTransport: roundTripper(func(r *http.Request) (*http.Response, error) {
		arrived <- r.Header.Get("Webhook-Id")
		return &http.Response{StatusCode: http.StatusNoContent, Body: http.NoBody}, nil
	})})
	require.NoError(t, err)
	endpoints, err := deliver.Static(&deliver.Endpoint{
		ID: "a", Tenant: "t-7", URL: "https://hooks.example.com/", Topics: []topic.Pattern{topic.Everything}, Signer: signer{},
	})
	require.NoError(t, err)
	d, err := deliver.New(store, endpoints, &deliver.Options{Client: client})
	require.NoError(t, err)
	running, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(running) }()

	tx, err := pool.Begin(t.Context())
	require.NoError(t, err)
	id, err := d.Publish(t.Context(), event.JSON("acme:thing.made", 1), &deliver.PublishOptions{Tenant: "t-7", In: Tx(store, tx)})
	require.NoError(t, err)
	require.NoError(t, tx.Commit(t.Context()))
	d.Wake()
	require.Equal(t, id, <-arrived)
	stop()
	require.NoError(t, <-ended)
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

type signer struct{}

func (signer) Sign(http.Header, string, time.Time, []byte) error { return nil }
