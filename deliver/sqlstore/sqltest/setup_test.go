package sqltest

import (
	"context"
	"database/sql"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	_ "github.com/lib/pq"
	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"

	"example.com/paperround/deliver/sqlstore"
)

// server is where PostgreSQL is; the environment may name another one.
func server() string {
	if dsn := os.Getenv("SQLTEST_DSN"); dsn != "" {
		return dsn
	}
	return "postgres://postgres@127.0.0.1:5432/postgres?sslmode=disable"
}

// database is one of the kinds that the tests run on.
type database struct {
	name    string
	dialect sqlstore.Dialect
	open    func(tb testing.TB) *sql.DB // an empty one of its own, closed after the test
}

func databases() []database {
	return []database{
		{"sqlite", sqlstore.SQLite, openSQLite},
		{"pgx", sqlstore.PostgreSQL, openPgx},
		{"pq", sqlstore.PostgreSQL, openPq},
		{"pgbouncer", sqlstore.PostgreSQL, openPooled},
	}
}

func openSQLite(tb testing.TB) *sql.DB {
	tb.Helper()
	return openFile(tb, filepath.Join(tb.TempDir(), "test.db"))
}

func openPgx(tb testing.TB) *sql.DB {
	tb.Helper()
	return openServer(tb, "pgx", nil)
}

func openPq(tb testing.TB) *sql.DB {
	tb.Helper()
	return openServer(tb, "postgres", nil)
}

func openPooled(tb testing.TB) *sql.DB {
	tb.Helper()
	return openServer(tb, "pgx", pooler(tb))
}

func fileDSN(path string) string {
	return "file:" + path + "?_txlock=immediate&_pragma=busy_timeout(10000)"
}

func openFile(tb testing.TB, path string) *sql.DB {
	tb.Helper()
	db, err := sql.Open("sqlite", fileDSN(path))
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, db.Close()) })
	return db
}

var numbers atomic.Int64 //nolint:gochecknoglobals // names roles apart

// roleName is that of the number'th role of this process.
func roleName(number int64) string {
	return "sqltest_" + strconv.Itoa(os.Getpid()) + "_" + strconv.FormatInt(number, 10)
}

// openServer makes a schema on the server for one test, with a role of its own, so
// that where its tables are is the server's to know, and no pooler has to.
func openServer(tb testing.TB, driver string, through *url.URL) *sql.DB {
	tb.Helper()
	admin, err := sql.Open("pgx", server())
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, admin.Close()) })
	ctx, cancel := context.WithTimeout(tb.Context(), 5*time.Second)
	defer cancel()
	if err := admin.PingContext(ctx); err != nil {
		if os.Getenv("CI") == "" {
			tb.Skip("PostgreSQL does not answer:", err)
		}
		require.NoError(tb, err)
	}
	role := roleName(numbers.Add(1))
	for _, statement := range []string{
		"CREATE ROLE " + role + " LOGIN",
		"CREATE SCHEMA " + role + " AUTHORIZATION " + role,
		"ALTER ROLE " + role + " SET search_path = " + role + ", pg_catalog",
	} {
		_, err = admin.ExecContext(tb.Context(), statement)
		require.NoError(tb, err)
	}
	tb.Cleanup(func() {
		for _, statement := range []string{"DROP OWNED BY " + role + " CASCADE", "DROP ROLE " + role} {
			_, err := admin.ExecContext(context.Background(), statement)
			require.NoError(tb, err)
		}
	})
	dsn, err := url.Parse(server())
	require.NoError(tb, err)
	if through != nil {
		through.Path = dsn.Path
		dsn = through
	}
	dsn.User = url.User(role)
	db, err := sql.Open(driver, dsn.String())
	require.NoError(tb, err)
	db.SetMaxOpenConns(10)
	tb.Cleanup(func() { require.NoError(tb, db.Close()) })
	return db
}

// open makes a store with its tables on a database.
func open(tb testing.TB, db *sql.DB, dialect sqlstore.Dialect) *sqlstore.Store {
	tb.Helper()
	s, err := sqlstore.New(db, dialect, nil)
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, s.Close()) })
	require.NoError(tb, s.Migrate(tb.Context()))
	return s
}
