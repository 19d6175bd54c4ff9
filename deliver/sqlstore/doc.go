// Package sqlstore keeps messages and deliveries in a database that the host
// already has: SQLite for one machine, PostgreSQL for many. It is a
// [deliver.Store] and a [deliver.Ledger] over database/sql, so the host brings
// the driver and this package brings none.
//
//	db, err := sql.Open("sqlite", "file:app.db?_txlock=immediate&_pragma=busy_timeout(5000)")
//	store, err := sqlstore.New(db, sqlstore.SQLite, nil)
//	err = store.Migrate(ctx)
//	d, err := deliver.New(store, endpoints, nil)
//
//	tx, err := db.BeginTx(ctx, nil)
//	// business statements
//	_, err = d.Publish(ctx, ev, &deliver.PublishOptions{In: store.Tx(tx)})
//	err = tx.Commit()
//	d.Wake()
//
// What is published in a transaction exists if and when it commits. Until then
// nothing but the message's own rows is touched, so no business transaction
// waits for another one's events.
//
// # Endpoints
//
// Endpoints may live in the database too: [NewEndpoints] is their directory and
// changes them. Of secrets it keeps the names, and asks the host for a signer at each
// attempt.
//
// # PostgreSQL
//
// Nothing needs a session: no session lock, no LISTEN, no setting that outlives a
// transaction, no prepared statement that the driver did not make by itself. So
// a pooler in transaction mode may stand between, as far as the driver bears it.
// The server's clock decides about leases and due times.
//
// # SQLite
//
// The file is used in WAL mode, by any number of processes of one machine, whose
// clock decides. All writes go through one connection that the store keeps, and
// those that come while a transaction is under way share the next one. The
// file may be the host's own database: then the pool must allow two connections
// or more, and transactions that publish should begin as writers
// (_txlock=immediate in the drivers' DSN). A deferred transaction that reads
// before it publishes fails with SQLITE_BUSY when anybody else wrote in between,
// and no busy timeout helps against that.
package sqlstore
