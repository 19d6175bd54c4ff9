package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"time"

	"example.com/paperround/deliver"
	"example.com/paperround/deliver/sqlstore"
)

// settleTime is how long everything may take to arrive when the killing is over.
const settleTime = time.Minute

// plan is what to do on one database.
type plan struct {
	database  string
	processes int
	events    int
	kills     int
	restarts  int
	pause     time.Duration // between two kills, on average
	seed      uint64
}

// report is what came of a plan.
type report struct {
	plan       plan
	events     int
	deliveries int
	kills      int
	restarts   int
	verdict    *verdict
	took       time.Duration
}

// chaos is a plan being carried out.
type chaos struct {
	plan     plan
	random   *rand.Rand
	progress io.Writer
	dir      string
	cluster  *cluster // nil unless the database is PostgreSQL
	dsn      string
	db       *sql.DB
	store    *sqlstore.Store // of the parent process, to look and not to deliver
	receiver *receiver
	perLane  int

	workers []*process
	started int
	deaths  map[string]time.Time
	away    []span
}

func run(ctx context.Context, p plan, progress io.Writer) (_ *report, err error) {
	began := time.Now()
	c := &chaos{
		plan:     p,
		random:   rand.New(rand.NewPCG(p.seed, 0)), //nolint:gosec // to be repeated, not to be secret
		progress: progress,
		perLane:  max(p.events/len(lanes()), 1),
		deaths:   make(map[string]time.Time),
	}
	defer func() { err = errors.Join(err, c.close()) }()
	if err := c.prepare(ctx); err != nil {
		return nil, err
	}
	if err := c.wreak(ctx); err != nil {
		return nil, err
	}
	unfinished := c.finish(ctx)
	published, events, err := readLanes(ctx, c.db)
	if err != nil {
		return nil, err
	}
	arrivals, refused := c.receiver.taken()
	v := judge(history{published: published, arrivals: arrivals, deaths: c.deaths, restarts: c.away})
	r := &report{
		plan: p, events: events, deliveries: len(arrivals) - v.duplicates, kills: len(c.deaths), restarts: len(c.away),
		verdict: v, took: time.Since(began),
	}
	return r, errors.Join(unfinished, refused, v.err(), c.audit(ctx, arrivals))
}

// prepare makes the database and starts the receiver and the first workers.
func (c *chaos) prepare(ctx context.Context) (err error) {
	if c.dir, err = os.MkdirTemp("", "chaos-"); err != nil {
		return err
	}
	if c.plan.database == postgreSQL {
		if c.cluster, err = startCluster(ctx, c.dir); err != nil {
			return err
		}
		c.dsn = c.cluster.dsn()
	} else {
		c.dsn = sqliteDSN(c.dir)
	}
	db, dialect, err := open(c.plan.database, c.dsn)
	if err != nil {
		return err
	}
	c.db = db
	if err := makeLanes(ctx, db); err != nil {
		return err
	}
	if c.store, err = sqlstore.New(db, dialect, nil); err != nil {
		return err
	}
	if c.receiver, err = newReceiver(); err != nil {
		return err
	}
	for range c.plan.processes {
		if err := c.start(ctx); err != nil {
			return err
		}
	}
	return nil
}

// wreak kills workers, and starts others in their place, until enough have died
// and all is published. The database is restarted beside that.
func (c *chaos) wreak(ctx context.Context) error {
	giveUp := time.Now().Add(settleTime + 5*time.Duration(c.plan.kills)*c.plan.pause)
	type outcome struct {
		away span
		err  error
	}
	restarted := make(chan outcome, 1)
	restarts := 0
	for {
		// Some are killed before they are up; but if all were, nothing would get done.
		if c.random.IntN(4) > 0 {
			c.awaitUp()
		}
		// Between nothing and twice the mean.
		if !sleep(ctx, time.Duration(c.random.Float64()*2*float64(c.plan.pause))) {
			return ctx.Err()
		}
		if time.Now().After(giveUp) {
			_, total, err := readLanes(ctx, c.db)
			return errors.Join(fmt.Errorf("after %d kills, only %d of %d events are published", len(c.deaths), total, c.perLane*len(lanes())), err)
		}
		select {
		case o := <-restarted:
			if o.err != nil {
				return o.err
			}
			c.away = append(c.away, o.away)
		default:
		}
		if err := c.kill(c.random.IntN(len(c.workers))); err != nil {
			return err
		}
		if err := c.start(ctx); err != nil {
			return err
		}
		kills := len(c.deaths)
		if kills%20 == 0 {
			_, _ = fmt.Fprintf(c.progress, "%s: %d killed, %d restarts, %d deliveries\n", c.plan.database, kills, len(c.away), c.receiver.distinct())
		}
		if restarts < c.plan.restarts && restarts == len(c.away) && kills*c.plan.restarts >= (restarts+1)*c.plan.kills {
			mode := []string{"immediate", "fast"}[restarts%2]
			restarts++
			go func() {
				s := span{from: time.Now()}
				err := c.cluster.restart(ctx, mode)
				s.to = time.Now()
				restarted <- outcome{s, err}
			}()
		}
		if kills >= c.plan.kills && len(c.away) == c.plan.restarts {
			_, total, err := readLanes(ctx, c.db)
			if err == nil && total == c.perLane*len(lanes()) {
				return nil
			}
		}
	}
}

// finish waits until everything has arrived and is recorded, and ends the workers.
func (c *chaos) finish(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	want := c.perLane * len(lanes()) * len(endpointsOf(""))
	for {
		if have := c.receiver.distinct(); have >= want {
			totals, err := c.store.Totals(ctx, deliver.Selection{})
			if err == nil && totals.Open() == 0 {
				break
			}
		}
		if !sleep(ctx, 100*time.Millisecond) {
			return errors.Join(fmt.Errorf("%d of %d deliveries after %s", c.receiver.distinct(), want, settleTime), c.stop())
		}
	}
	return c.stop()
}

// audit compares the store's own account with what arrived: all deliveries have
// succeeded, and whatever arrived more than once has an attempt in its log whose
// outcome nobody knew.
func (c *chaos) audit(ctx context.Context, arrivals []arrival) error {
	count := make(map[delivery]int)
	tenant := make(map[delivery]string)
	for _, a := range arrivals {
		d := delivery{a.endpoint, a.id}
		count[d]++
		tenant[d] = a.payload.Tenant
	}
	totals, err := c.store.Totals(ctx, deliver.Selection{})
	if err != nil {
		return err
	}
	if want := (deliver.Totals{Succeeded: len(count)}); totals != want {
		return fmt.Errorf("the store counts %+v, and %d deliveries arrived", totals, len(count))
	}
	for d, n := range count {
		if n == 1 {
			continue
		}
		of := tenant[d]
		list, _, err := c.store.Deliveries(ctx, deliver.Selection{Tenant: &of, EndpointID: d.endpoint, MessageID: d.id}, "", 2)
		if err != nil {
			return err
		}
		if len(list) != 1 {
			return fmt.Errorf("%d deliveries of %s to %s", len(list), d.id, d.endpoint)
		}
		log, err := c.store.Attempts(ctx, list[0].ID)
		if err != nil {
			return err
		}
		unknown := 0
		for _, r := range log {
			if r.Reason == deliver.ReasonUnknown {
				unknown++
			}
		}
		if unknown < n-1 {
			return fmt.Errorf("%s took %s %d times, and its log knows %d attempts of unknown outcome: %+v", d.endpoint, d.id, n, unknown, log)
		}
	}
	return nil
}

func (c *chaos) close() error {
	var errs []error
	for _, p := range c.workers {
		_ = p.cmd.Process.Kill() // unless it has ended
		<-p.ended
	}
	if c.receiver != nil {
		errs = append(errs, c.receiver.close())
	}
	if c.store != nil {
		errs = append(errs, c.store.Close())
	}
	if c.db != nil {
		errs = append(errs, c.db.Close())
	}
	if c.cluster != nil {
		errs = append(errs, c.cluster.close())
	}
	return errors.Join(append(errs, os.RemoveAll(c.dir))...)
}
