// Package pgxstore publishes in transactions of pgx's own kind, where a host does
// not use database/sql for its business.
//
//	db := stdlib.OpenDBFromPool(pool) // the store shares the host's pool
//	store, err := sqlstore.New(db, sqlstore.PostgreSQL, nil)
//
//	tx, err := pool.Begin(ctx)
//	// business statements
//	_, err = d.Publish(ctx, ev, &deliver.PublishOptions{In: pgxstore.Tx(store, tx)})
//	err = tx.Commit(ctx)
//	d.Wake()
package pgxstore

import (
	"context"

	"github.com/jackc/pgx/v5"

	"example.com/paperround/deliver"
	"example.com/paperround/deliver/sqlstore"
)

// Tx is where to publish within a transaction, or within a savepoint of one, on the
// database of the store: what is published exists if and when it commits. It costs
// one INSERT. The transaction stays usable after [deliver.ErrConflict]. It is as
// safe for concurrent use as the transaction is, which is to say that it is not.
func Tx(store *sqlstore.Store, tx pgx.Tx) deliver.Enqueuer {
	if tx == nil {
		return store.In(nil) // which refuses whatever is published
	}
	return store.In(querier{tx})
}

// querier adapts a transaction of pgx's to what the store asks of one.
type querier struct{ tx pgx.Tx }

// Query implements [sqlstore.Querier].
func (q querier) Query(ctx context.Context, each func(scan func(dest ...any) error) error, query string, args ...any) error {
	rows, err := q.tx.Query(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if each == nil {
			continue
		}
		if err := each(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}
