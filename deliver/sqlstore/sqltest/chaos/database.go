package main

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver pgx
	_ "modernc.org/sqlite"             // the driver sqlite

	"example.com/paperround/deliver/sqlstore"
)

const (
	postgreSQL = "PostgreSQL"
	sqLite     = "SQLite"
)

func open(database, dsn string) (*sql.DB, sqlstore.Dialect, error) {
	switch database {
	case postgreSQL:
		db, err := sql.Open("pgx", dsn)
		return db, sqlstore.PostgreSQL, err
	case sqLite:
		db, err := sql.Open("sqlite", dsn)
		return db, sqlstore.SQLite, err
	}
	return nil, 0, fmt.Errorf("no database %q", database)
}

func sqliteDSN(dir string) string {
	return "file:" + filepath.Join(dir, "chaos.db") + "?_txlock=immediate&_pragma=busy_timeout(10000)"
}

// makeLanes makes the host's own table: how many events of each lane were
// committed.
func makeLanes(ctx context.Context, db *sql.DB) error {
	if _, err := db.ExecContext(ctx, "CREATE TABLE lanes (tenant TEXT, name TEXT, n BIGINT NOT NULL, PRIMARY KEY (tenant, name))"); err != nil {
		return err
	}
	for _, l := range lanes() {
		if _, err := db.ExecContext(ctx, "INSERT INTO lanes VALUES ($1, $2, 0)", l.tenant, l.key); err != nil {
			return err
		}
	}
	return nil
}

func readLanes(ctx context.Context, db *sql.DB) (map[lane]int, int, error) {
	rows, err := db.QueryContext(ctx, "SELECT tenant, name, n FROM lanes")
	if err != nil {
		return nil, 0, err
	}
	defer func() { _ = rows.Close() }()
	published, total := make(map[lane]int), 0
	for rows.Next() {
		var l lane
		var n int
		if err := rows.Scan(&l.tenant, &l.key, &n); err != nil {
			return nil, 0, err
		}
		published[l] = n
		total += n
	}
	return published, total, rows.Err()
}
