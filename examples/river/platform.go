package main

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"

	"example.com/paperround/deliver"
	"example.com/paperround/event"
	"example.com/paperround/event/inplayer"
)

// platform is the host: its database, and the engine that it runs anyway.
type platform struct {
	pool      *pgxpool.Pool
	schema    string
	endpoints *deliver.StaticDirectory
	jobs      *river.Client[pgx.Tx]
}

func newPlatform(ctx context.Context, pool *pgxpool.Pool, endpoints *deliver.StaticDirectory, w *worker) (*platform, error) {
	p := &platform{pool: pool, schema: "river_example_" + strings.ToLower(rand.Text()), endpoints: endpoints}
	if _, err := pool.Exec(ctx, "CREATE SCHEMA "+p.schema); err != nil {
		return nil, err
	}
	if err := p.prepare(ctx, w); err != nil {
		return nil, errors.Join(err, p.drop(context.WithoutCancel(ctx)))
	}
	return p, nil
}

// prepare makes the tables, and a client that does not fetch jobs yet.
func (p *platform) prepare(ctx context.Context, w *worker) error {
	logger := slog.New(slog.DiscardHandler)
	driver := riverpgxv5.New(p.pool)
	migrator, err := rivermigrate.New(driver, &rivermigrate.Config{Schema: p.schema, Logger: logger})
	if err != nil {
		return err
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return err
	}
	if _, err := p.pool.Exec(ctx, "CREATE TABLE "+p.schema+".subscriptions (email text PRIMARY KEY)"); err != nil {
		return err
	}
	workers := river.NewWorkers()
	if err := river.AddWorkerSafely(workers, w); err != nil {
		return err
	}
	p.jobs, err = river.NewClient(driver, &river.Config{
		Schema:               p.schema,
		Queues:               map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: 64}},
		Workers:              workers,
		FetchPollInterval:    100 * time.Millisecond, // nobody notifies River of a retry that has become due
		JobTimeout:           20 * time.Second,       // more than an endpoint's Timeout
		RescueStuckJobsAfter: time.Minute,            // when a process has died; an hour unless set
		Logger:               logger,
	})
	return err
}

// close lets the jobs under way finish.
func (p *platform) close(ctx context.Context) error {
	return errors.Join(p.jobs.Stop(ctx), p.drop(ctx))
}

func (p *platform) drop(ctx context.Context) error {
	_, err := p.pool.Exec(ctx, "DROP SCHEMA "+p.schema+" CASCADE")
	return err
}

// subscribe stores a subscription and a job for each endpoint that is to hear of
// it, all of it or nothing.
func (p *platform) subscribe(ctx context.Context, email string, charge func() error) error {
	return pgx.BeginFunc(ctx, p.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "INSERT INTO "+p.schema+".subscriptions (email) VALUES ($1)", email); err != nil {
			return err
		}
		err := p.publish(ctx, tx, &inplayer.SubscribeSuccess{
			Envelope: inplayer.Envelope{EventID: "WHE-" + rand.Text(), Created: event.NewTime(time.Now(), event.UnixSeconds)},
			Email:    email, FormattedAmount: "$7.99", Amount: event.NewDecimal(799, 2), Status: "success",
		})
		if err != nil {
			return err
		}
		return charge()
	})
}

func (p *platform) publish(ctx context.Context, tx pgx.Tx, ev event.Event) error {
	body, contentType, err := ev.Encode()
	if err != nil {
		return err
	}
	msg := &deliver.Message{ID: rand.Text(), Topic: ev.Topic(), ContentType: contentType, Body: body}
	endpoints, err := p.endpoints.Match(ctx, msg.Tenant, msg.Topic)
	if err != nil {
		return err
	}
	jobs := make([]river.InsertManyParams, len(endpoints))
	for i, ep := range endpoints {
		jobs[i].Args = webhook{EndpointID: ep.ID, Message: msg}
	}
	_, err = p.jobs.InsertManyTx(ctx, tx, jobs)
	return err
}
