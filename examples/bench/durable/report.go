package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"example.com/paperround/examples/bench/harness"
)

// The targets.
const (
	leastSQLite   = 2.0 // times River's rate
	leastPostgres = 1.6
	mostCost      = 10.0 // percent of the rate of business transactions
	mostDelay     = 20.0 // milliseconds, the 99th percentile
	checkedMost   = 1000 // events of which each is verified
	batch         = 100  // events in one call, where so many are
	work          = 5 * time.Millisecond
	pace          = 200 // events a second where the delay is measured
)

// report prints the tables.
type report struct {
	harness.Report
	settings
	sink   *harness.Sink
	server *cluster
}

// measured is what one case took, round by round.
type measured struct {
	job     job
	taken   []taken
	arrived []harness.Arrived
}

// runSender has a process of its own do a job on an empty database, and returns
// what it took and what arrived.
func (r *report) runSender(ctx context.Context, j job) (t taken, a harness.Arrived, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("%s: %w", j.Way, err)
		}
	}()
	j.Sink = r.sink.URL
	var drop func() error
	if j.Way == wayFull || j.Way == wayNormal {
		dir, err := os.MkdirTemp("", "durable-sqlite-")
		if err != nil {
			return t, a, err
		}
		j.Database, drop = filepath.Join(dir, "bench.db"), func() error { return os.RemoveAll(dir) }
	} else {
		j.Server = r.server.pid
		if j.Database, drop, err = r.server.database(ctx); err != nil {
			return t, a, err
		}
	}
	defer func() { err = errors.Join(err, drop()) }()
	if a, err = r.sink.Run(ctx, j, &t); err != nil {
		return t, a, err
	}
	return t, a, a.Judge(t.Published)
}

// measure runs every job once in each round, in turns.
func (r *report) measure(ctx context.Context, jobs []job) ([]measured, error) {
	all := make([]measured, len(jobs))
	for i, j := range jobs {
		all[i].job = j
	}
	for round := range r.rounds {
		for _, i := range harness.Turns(round, len(jobs)) {
			j := jobs[i]
			if r.profile != "" && round == r.rounds-1 {
				name := strings.NewReplacer(" ", "-", ",", "").Replace(j.Way)
				j.Profile = filepath.Join(r.profile, fmt.Sprintf("%s-%d-%s.pprof", j.Part, i, name))
			}
			t, a, err := r.runSender(ctx, j)
			if err != nil {
				return nil, err
			}
			all[i].taken = append(all[i].taken, t)
			all[i].arrived = append(all[i].arrived, a)
		}
	}
	return all, nil
}

// of is the median of a figure over the rounds.
func (m measured) of(f func(taken, harness.Arrived) float64) float64 {
	values := make([]float64, len(m.taken))
	for i := range values {
		values[i] = f(m.taken[i], m.arrived[i])
	}
	return harness.Median(values)
}

// to is the median of the ratios of a figure to that of another case in the same
// round.
func (m measured) to(other measured, f func(taken) float64) float64 {
	ratios := make([]float64, len(m.taken))
	for i := range ratios {
		ratios[i] = f(m.taken[i]) / f(other.taken[i])
	}
	return harness.Median(ratios)
}

// known writes a figure that the processor time of the server is part of, which a
// server of somebody else's does not tell.
func (r *report) known(format string, figure float64) string {
	if r.server.pid == 0 {
		return "?"
	}
	return fmt.Sprintf(format, figure)
}

// rates compares the ways at full speed, after each has shown that what it sends
// arrives as it should.
func (r *report) rates(ctx context.Context) error {
	cases := []struct {
		way   string
		batch int
		least float64 // times the rate of the first one
	}{
		{wayRiver, 1, 0},
		{wayFull, 1, leastSQLite},
		{wayNormal, 1, 0},
		{wayPostgres, 1, leastPostgres},
		{wayRiver, batch, 0},
		{wayFull, batch, 0},
		{wayPostgres, batch, 0},
	}
	jobs := make([]job, len(cases))
	for i, c := range cases {
		jobs[i] = job{Way: c.way, Part: partRate, Path: harness.PathCounted, Warm: r.events / 10, Events: r.events, Batch: c.batch}
		checked := jobs[i]
		checked.Path, checked.Warm, checked.Events = harness.PathChecked, 0, min(r.events, checkedMost)
		if _, _, err := r.runSender(ctx, checked); err != nil {
			return err
		}
	}
	all, err := r.measure(ctx, jobs)
	if err != nil {
		return err
	}
	r.Printf("\n## Rate: %d events, from the first that is published to the last that is recorded\n\n", r.events)
	r.Printf("%d goroutines publish, %d exchanges at a time. The peer is River with one insert for each event.\n\n", producers, harness.Concurrency)
	r.Printf("| | events in a call | events/s | to River | CPU ms per 1,000, sender | and server | together, to River | peak MiB | to River |\n" +
		"|---|---:|---:|---:|---:|---:|---:|---:|---:|\n")
	peer := all[0]
	perThousand := 1e6 / float64(r.events)
	for i, m := range all {
		rate := 1 / m.to(peer, func(t taken) float64 { return t.Seconds })
		r.Printf("| %s | %d | %.0f | %.2f | %.0f | %s | %s | %.0f | %.2f |\n", m.job.Way, m.job.Batch,
			m.of(func(t taken, _ harness.Arrived) float64 { return float64(r.events) / t.Seconds }), rate,
			m.of(func(t taken, _ harness.Arrived) float64 { return t.CPU * perThousand }),
			r.known("%.0f", m.of(func(t taken, _ harness.Arrived) float64 { return t.Server * perThousand })),
			r.known("%.2f", m.to(peer, func(t taken) float64 { return t.CPU + t.Server })),
			m.of(func(t taken, _ harness.Arrived) float64 { return float64(t.Peak) / (1 << 20) }),
			m.to(peer, func(t taken) float64 { return float64(t.Peak) }))
		if least := cases[i].least; least > 0 {
			r.Aim(harness.Target{What: m.job.Way + ": rate, to River's", Got: rate, Wanted: least, Least: true, Time: true})
		}
	}
	return r.Err()
}

// business measures what publishing costs those who do it in their transactions.
func (r *report) business(ctx context.Context) error {
	ways := []struct {
		way    string
		judged bool
	}{{wayPostgres, true}, {wayFull, true}, {wayRiver, false}}
	var jobs []job
	for _, w := range ways {
		for _, publish := range []bool{false, true} {
			jobs = append(jobs, job{
				Way: w.way, Part: partBusiness, Path: harness.PathCounted, For: r.steady, Work: work, Publish: publish,
			})
		}
	}
	all, err := r.measure(ctx, jobs)
	if err != nil {
		return err
	}
	r.Printf("\n## Publishing inside business transactions\n\n")
	r.Printf("%d clients insert a row of their own, work for %v and commit, for %v. What they publish is delivered afterwards.\n\n", clients, work, r.steady)
	r.Printf("| | transactions/s | and publishing | costs %% | CPU ms per 1,000, sender and server | and publishing |\n|---|---:|---:|---:|---:|---:|\n")
	rate := func(t taken) float64 { return float64(t.Done) / t.Seconds }
	cpu := func(t taken) float64 { return (t.CPU + t.Server) / float64(t.Done) * 1e6 }
	for i, w := range ways {
		without, with := all[2*i], all[2*i+1]
		costs := 100 * (1 - with.to(without, rate))
		median := func(m measured, f func(taken) float64) float64 {
			return m.of(func(t taken, _ harness.Arrived) float64 { return f(t) })
		}
		r.Printf("| %s | %.0f | %.0f | %.1f | %s | %s |\n", w.way, median(without, rate), median(with, rate), costs,
			r.known("%.0f", median(without, cpu)), r.known("%.0f", median(with, cpu)))
		if w.judged {
			r.Aim(harness.Target{What: w.way + ": cost of publishing, percent of the transactions", Got: costs, Wanted: mostCost, Time: true})
		}
	}
	return r.Err()
}

// delays measures how long an event takes from the commit, with Wake after it, to
// its receipt.
func (r *report) delays(ctx context.Context) error {
	var jobs []job
	for _, way := range []string{wayFull, wayPostgres, wayRiver} {
		jobs = append(jobs, job{Way: way, Part: partDelay, Path: harness.PathNoted, Events: max(1, int(pace*r.steady.Seconds())), Pace: pace})
	}
	all, err := r.measure(ctx, jobs)
	if err != nil {
		return err
	}
	r.Printf("\n## Delay: %d events a second, each in a transaction of its own, for %v\n\n", pace, r.steady)
	r.Printf("From the end of the commit to the receipt.\n\n")
	r.Printf("| | p50 ms | p99 ms | longest ms | CPU ms per 1,000, sender | and server |\n|---|---:|---:|---:|---:|---:|\n")
	for _, m := range all {
		quantile := func(q float64) float64 {
			return m.of(func(t taken, a harness.Arrived) float64 { return delay(t, a, q) })
		}
		p99 := quantile(0.99)
		perThousand := 1e6 / float64(m.job.Events)
		r.Printf("| %s | %.2f | %.2f | %.2f | %.0f | %s |\n", m.job.Way, quantile(0.5), p99, quantile(1),
			m.of(func(t taken, _ harness.Arrived) float64 { return t.CPU * perThousand }),
			r.known("%.0f", m.of(func(t taken, _ harness.Arrived) float64 { return t.Server * perThousand })))
		if m.job.Way != wayRiver {
			r.Aim(harness.Target{What: m.job.Way + ": p99 from commit to receipt, ms", Got: p99, Wanted: mostDelay, Time: true})
		}
	}
	return r.Err()
}

// delay is the q-quantile of the milliseconds from commit to receipt.
func delay(t taken, a harness.Arrived, q float64) float64 {
	var all []float64
	for id, at := range t.Committed {
		all = append(all, a.At[id].Sub(at).Seconds()*1000)
	}
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[min(len(all)-1, int(q*float64(len(all))))]
}
