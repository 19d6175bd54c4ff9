package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"hash/fnv"
	"strconv"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver pgx
	_ "modernc.org/sqlite"             // the driver sqlite

	"example.com/paperround/deliver"
	"example.com/paperround/deliver/sqlstore"
	"example.com/paperround/examples/bench/harness"
	"example.com/paperround/topic"
)

// connections is how many each way may have to PostgreSQL.
const connections = 48

// ours is a dispatcher over a store in a database, with the options that it has
// by itself.
type ours struct {
	*countdown
	db         *sql.DB
	store      *sqlstore.Store
	dispatcher *deliver.Dispatcher
	events     []harness.Occurrence // one for each endpoint
}

func newOurs(ctx context.Context, j job) (*ours, error) {
	o := &ours{countdown: newCountdown()}
	driver, dsn, dialect, options := "pgx", j.Database, sqlstore.PostgreSQL, &sqlstore.Options{}
	if j.Way != wayPostgres {
		driver, dsn, dialect = "sqlite", "file:"+j.Database+"?_txlock=immediate&_pragma=busy_timeout(20000)", sqlstore.SQLite
	}
	if j.Way == wayNormal {
		options.Synchronous = sqlstore.Normal
		dsn += "&_pragma=synchronous(NORMAL)"
	}
	var err error
	if o.db, err = sql.Open(driver, dsn); err != nil {
		return nil, err
	}
	o.db.SetMaxOpenConns(connections)
	o.db.SetMaxIdleConns(connections)
	if o.store, err = sqlstore.New(o.db, dialect, options); err != nil {
		return nil, err
	}
	if err := o.store.Migrate(ctx); err != nil {
		return nil, err
	}
	if _, err := o.db.ExecContext(ctx, businessTable); err != nil {
		return nil, err
	}
	client, err := harness.Client()
	if err != nil {
		return nil, err
	}
	directory, err := o.endpoints(j.Sink + j.Path)
	if err != nil {
		return nil, err
	}
	o.dispatcher, err = deliver.New(o.store, directory, &deliver.Options{
		Client: client,
		Hooks:  deliver.Hooks{Settled: o.settled},
	})
	return o, err
}

// The host's own table, and what a transaction does to it.
const (
	businessTable  = "CREATE TABLE business (note text NOT NULL)"
	businessInsert = "INSERT INTO business (note) VALUES ('done')"
)

func (o *ours) endpoints(url string) (*deliver.StaticDirectory, error) {
	signer, err := harness.Signer()
	if err != nil {
		return nil, err
	}
	var list []*deliver.Endpoint
	body := harness.Body()
	for i := range endpoints {
		id := "e" + strconv.Itoa(i)
		ev := harness.Occurrence{Of: topic.Topic("acme:" + id), Body: body}
		o.events = append(o.events, ev)
		list = append(list, &deliver.Endpoint{ID: id, Tenant: id, URL: url, Topics: []topic.Pattern{topic.Pattern(ev.Of)}, Signer: signer})
	}
	return deliver.Static(list...)
}

// event returns what a message id stands for.
func (o *ours) event(id string) harness.Occurrence {
	h := fnv.New32a()
	_, _ = h.Write([]byte(id)) // it never fails
	return o.events[h.Sum32()%endpoints]
}

func (o *ours) settled(i deliver.SettledInfo) {
	switch {
	case i.Err != nil:
		o.done(i.Err)
	case i.Settlement.State != deliver.Succeeded:
		o.done(fmt.Errorf("a delivery ended as %s", i.Settlement.State))
	default:
		o.done(nil)
	}
}

func (o *ours) start(ctx context.Context) error {
	go func() {
		if err := o.dispatcher.Run(ctx); err != nil {
			o.done(err)
		}
	}()
	return nil
}

func (o *ours) publish(ctx context.Context, ids ...string) error {
	if len(ids) == 1 {
		ev := o.event(ids[0])
		_, err := o.dispatcher.Publish(ctx, ev, &deliver.PublishOptions{ID: ids[0], Tenant: ev.Of.Name()})
		return err
	}
	batch := make([]deliver.Publication, len(ids))
	for i, id := range ids {
		ev := o.event(id)
		batch[i] = deliver.Publication{Event: ev, ID: id, Tenant: ev.Of.Name()}
	}
	_, err := o.dispatcher.PublishBatch(ctx, batch, nil)
	return err
}

func (o *ours) transact(ctx context.Context, id string, work time.Duration) (err error) {
	tx, err := o.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, tx.Rollback())
		}
	}()
	if _, err := tx.ExecContext(ctx, businessInsert); err != nil {
		return err
	}
	if id != "" {
		ev := o.event(id)
		_, err := o.dispatcher.Publish(ctx, ev, &deliver.PublishOptions{ID: id, Tenant: ev.Of.Name(), In: o.store.Tx(tx)})
		if err != nil {
			return err
		}
	}
	time.Sleep(work)
	if err := tx.Commit(); err != nil {
		return err
	}
	if id != "" {
		o.dispatcher.Wake()
	}
	return nil
}
