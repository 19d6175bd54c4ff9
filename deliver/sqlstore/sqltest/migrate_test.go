package sqltest

import (
	"database/sql"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/paperround/deliver/sqlstore"
)

// again opens the database of db once more, as another process would.
func again(t *testing.T, db *sql.DB, d database) *sql.DB {
	t.Helper()
	if d.dialect == sqlstore.PostgreSQL {
		return db // each connection is a session of its own
	}
	var file string
	require.NoError(t, db.QueryRowContext(t.Context(), "SELECT file FROM pragma_database_list WHERE name = 'main'").Scan(&file))
	return openFile(t, file)
}

func TestMigrateTogether(t *testing.T) {
	t.Parallel()
	for _, d := range databases() {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			db := d.open(t)
			var wg sync.WaitGroup
			errs := make([]error, 8)
			for i := range errs {
				own := again(t, db, d)
				s, err := sqlstore.New(own, d.dialect, nil)
				require.NoError(t, err)
				t.Cleanup(func() { require.NoError(t, s.Close()) })
				wg.Go(func() { errs[i] = s.Migrate(t.Context()) })
			}
			wg.Wait()
			for _, err := range errs {
				require.NoError(t, err)
			}
			var n, slots int
			require.NoError(t, db.QueryRowContext(t.Context(), "SELECT count(*) FROM paperround_schema").Scan(&n))
			require.NoError(t, db.QueryRowContext(t.Context(), "SELECT count(*) FROM paperround_slots").Scan(&slots))
			require.Positive(t, n)
			require.Equal(t, 256, slots)
		})
	}
}

func TestMigrateSkew(t *testing.T) {
	t.Parallel()
	for _, d := range databases() {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			db := d.open(t)
			s := open(t, db, d.dialect)
			execute(t, db, "INSERT INTO paperround_schema (version) SELECT max(version) + 1 FROM paperround_schema")
			require.NoError(t, s.Migrate(t.Context()), "one release ahead")
			require.NoError(t, s.Enqueue(t.Context(), message("m1")))
			execute(t, db, "INSERT INTO paperround_schema (version) SELECT max(version) + 1 FROM paperround_schema")
			require.ErrorContains(t, s.Migrate(t.Context()), "update it first")
		})
	}
}

// A step that fails leaves nothing behind, and the next call begins it anew.
func TestMigrateFails(t *testing.T) {
	t.Parallel()
	for _, d := range databases() {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			db := d.open(t)
			execute(t, db, "CREATE TABLE paperround_slots (mine integer)")
			s, err := sqlstore.New(db, d.dialect, nil)
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, s.Close()) })
			require.ErrorContains(t, s.Migrate(t.Context()), "slots")
			_, err = db.ExecContext(t.Context(), "SELECT 1 FROM paperround_messages")
			require.Error(t, err)
			execute(t, db, "DROP TABLE paperround_slots")
			require.NoError(t, s.Migrate(t.Context()))
		})
	}
}

func TestPrefix(t *testing.T) {
	t.Parallel()
	for _, d := range databases() {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			db := d.open(t)
			for _, prefix := range []string{"a_", "b_"} {
				s, err := sqlstore.New(db, d.dialect, &sqlstore.Options{Prefix: prefix})
				require.NoError(t, err)
				require.NoError(t, s.Migrate(t.Context()))
				require.NoError(t, s.Enqueue(t.Context(), message("m1")))
				require.NoError(t, s.Close())
			}
			var n int
			require.NoError(t, db.QueryRowContext(t.Context(), "SELECT count(*) FROM a_messages a JOIN b_messages b ON a.id = b.id").Scan(&n))
			require.Equal(t, 1, n)
		})
	}
}
