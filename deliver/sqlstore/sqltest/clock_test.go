package sqltest

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"modernc.org/sqlite"

	"example.com/paperround/deliver/sqlstore"
)

// shift moves the clock of a database, as the database itself sees it, so that a
// test need not wait: the function that tells the time is replaced by one that adds
// what the test asked for.
type shift func(d time.Duration)

// openShifted is like the database's open, with a clock that can be moved.
func openShifted(tb testing.TB, d database) (*sql.DB, shift) {
	tb.Helper()
	if d.dialect == sqlstore.SQLite {
		return shiftedFile(tb)
	}
	db := d.open(tb)
	for _, statement := range []string{
		"CREATE TABLE shift AS SELECT interval '0' AS by",
		`CREATE FUNCTION clock_timestamp() RETURNS timestamptz LANGUAGE sql
			AS 'SELECT pg_catalog.clock_timestamp() + (SELECT by FROM shift)'`, // the tests' schema comes before pg_catalog
	} {
		_, err := db.ExecContext(tb.Context(), statement)
		require.NoError(tb, err)
	}
	return db, func(by time.Duration) {
		_, err := db.ExecContext(tb.Context(), "UPDATE shift SET by = by + $1 * interval '1 microsecond'", by.Microseconds())
		require.NoError(tb, err)
	}
}

func shiftedFile(tb testing.TB) (*sql.DB, shift) {
	tb.Helper()
	var by atomic.Int64
	own := &sqlite.Driver{}
	require.NoError(tb, own.RegisterScalarFunction("unixepoch", 1, func(*sqlite.FunctionContext, []driver.Value) (driver.Value, error) {
		return float64(time.Now().Add(time.Duration(by.Load())).UnixMilli()) / 1000, nil
	}))
	db := sql.OpenDB(connector{own, fileDSN(tb.TempDir() + "/test.db")})
	tb.Cleanup(func() { require.NoError(tb, db.Close()) })
	return db, func(d time.Duration) { by.Add(int64(d)) }
}

// connector opens with a driver that is not registered.
type connector struct {
	driver *sqlite.Driver
	dsn    string
}

// Connect implements driver.Connector.
func (c connector) Connect(context.Context) (driver.Conn, error) { return c.driver.Open(c.dsn) }

// Driver implements driver.Connector.
func (c connector) Driver() driver.Driver { return c.driver }
