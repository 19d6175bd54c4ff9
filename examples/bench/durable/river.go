package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"

	"example.com/paperround/examples/bench/harness"
)

// delivery is the peer's job: one event that is signed and posted. The body is
// text, so that it is sent as it was.
type delivery struct {
	ID          string `json:"id"`
	ContentType string `json:"content_type"`
	Body        string `json:"body"`
}

// Kind implements [river.JobArgs].
func (delivery) Kind() string { return "delivery" }

// riverEngine is a River client, with settings that make it faster than those that
// it has by itself.
type riverEngine struct {
	*countdown
	pool   *pgxpool.Pool
	client *river.Client[pgx.Tx]
	event  harness.Occurrence
}

func newRiver(ctx context.Context, j job) (*riverEngine, error) {
	config, err := pgxpool.ParseConfig(j.Database)
	if err != nil {
		return nil, err
	}
	config.MaxConns = connections
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	logger := slog.New(slog.DiscardHandler)
	driver := riverpgxv5.New(pool)
	migrator, err := rivermigrate.New(driver, &rivermigrate.Config{Logger: logger})
	if err != nil {
		return nil, err
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return nil, err
	}
	if _, err := pool.Exec(ctx, businessTable); err != nil {
		return nil, err
	}
	signer, err := harness.Signer()
	if err != nil {
		return nil, err
	}
	post := harness.Poster(j.Sink+j.Path, signer)
	workers := river.NewWorkers()
	err = river.AddWorkerSafely(workers, river.WorkFunc(func(ctx context.Context, job *river.Job[delivery]) error {
		return post(ctx, job.Args.ID, job.Args.ContentType, []byte(job.Args.Body))
	}))
	if err != nil {
		return nil, err
	}
	client, err := river.NewClient(driver, &river.Config{
		Queues:            map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: harness.Concurrency}},
		Workers:           workers,
		FetchCooldown:     time.Millisecond,
		FetchPollInterval: 100 * time.Millisecond,
		Logger:            logger,
	})
	if err != nil {
		return nil, err
	}
	e := &riverEngine{countdown: newCountdown(), pool: pool, client: client, event: harness.Occurrence{Body: harness.Body()}}
	ended, _ := client.SubscribeConfig(&river.SubscribeConfig{
		Kinds:    []river.EventKind{river.EventKindJobCompleted, river.EventKindJobFailed, river.EventKindJobCancelled},
		ChanSize: 1 << 17, // what does not fit is dropped
	})
	go func() {
		for event := range ended {
			if event.Kind != river.EventKindJobCompleted {
				e.done(fmt.Errorf("a job ended as %s: %v", event.Job.State, event.Job.Errors))
				return
			}
			e.done(nil)
		}
	}()
	return e, nil
}

func (e *riverEngine) start(ctx context.Context) error { return e.client.Start(ctx) }

func (e *riverEngine) args(id string) (delivery, error) {
	body, contentType, err := e.event.Encode()
	return delivery{ID: id, ContentType: contentType, Body: string(body)}, err
}

func (e *riverEngine) publish(ctx context.Context, ids ...string) error {
	if len(ids) == 1 {
		args, err := e.args(ids[0])
		if err != nil {
			return err
		}
		_, err = e.client.Insert(ctx, args, nil)
		return err
	}
	batch := make([]river.InsertManyParams, len(ids))
	for i, id := range ids {
		args, err := e.args(id)
		if err != nil {
			return err
		}
		batch[i].Args = args
	}
	_, err := e.client.InsertManyFast(ctx, batch)
	return err
}

func (e *riverEngine) transact(ctx context.Context, id string, work time.Duration) error {
	return pgx.BeginFunc(ctx, e.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, businessInsert); err != nil {
			return err
		}
		if id != "" {
			args, err := e.args(id)
			if err != nil {
				return err
			}
			if _, err := e.client.InsertTx(ctx, tx, args, nil); err != nil {
				return err
			}
		}
		time.Sleep(work)
		return nil
	})
}
