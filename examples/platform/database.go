package main

import (
	"context"
	"database/sql"
	"net/url"
	"strings"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver pgx
	_ "modernc.org/sqlite"             // the driver sqlite

	"example.com/paperround/deliver/sqlstore"
)

func open(dsn string) (*sql.DB, sqlstore.Dialect, error) {
	if strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://") {
		db, err := sql.Open("pgx", dsn)
		return db, sqlstore.PostgreSQL, err
	}
	// Transactions that will write say so when they begin: one that reads first
	// would fail whenever the store has written in between.
	file := url.URL{Scheme: "file", Opaque: (&url.URL{Path: dsn}).EscapedPath(), RawQuery: "_txlock=immediate&_pragma=busy_timeout(10000)"}
	db, err := sql.Open("sqlite", file.String())
	return db, sqlstore.SQLite, err
}

func createTables(ctx context.Context, db *sql.DB) error {
	_, err := db.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS subscriptions (
		tenant   TEXT   NOT NULL,
		id       TEXT   NOT NULL,
		customer BIGINT NOT NULL,
		item     BIGINT NOT NULL,
		amount   TEXT   NOT NULL,
		PRIMARY KEY (tenant, id)
	)`)
	return err
}
