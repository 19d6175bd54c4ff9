package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"example.com/paperround/examples/bench/harness"
)

// The targets. Allocations are those of paperround over those of the pool, for one
// delivery; they say little more than that nobody has let them run away.
const (
	leastRate   = 0.85                 // of the pool's
	mostAllocs  = 45                   // more than the pool's
	mostGrowth  = 5 * time.Millisecond // of the 99th percentile of others, while endpoints hang
	mostSpread  = 1.5                  // times as long for as many endpoints as deliveries
	checkedMost = 1000                 // events of which each is verified
	window      = 1000                 // of the case whose memory is bounded as the pool's is
)

// report prints the tables.
type report struct {
	harness.Report
	settings
	sink *harness.Sink
}

// measured is what one case took, round by round.
type measured struct {
	job     job
	taken   []harness.Cost
	arrived []harness.Arrived
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
				j.Profile = filepath.Join(r.profile, fmt.Sprintf("%d-%s.pprof", i, strings.ReplaceAll(j.Way, " ", "-")))
			}
			t, a, err := runSender(ctx, r.sink, j)
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
func (m measured) of(f func(harness.Cost, harness.Arrived) float64) float64 {
	values := make([]float64, len(m.taken))
	for i := range values {
		values[i] = f(m.taken[i], m.arrived[i])
	}
	return harness.Median(values)
}

func (m measured) seconds() float64 {
	return m.of(func(t harness.Cost, _ harness.Arrived) float64 { return t.Seconds })
}

func (m measured) rate() float64 { return float64(m.job.Events) / m.seconds() }

// allocs is the least of the rounds: what is more is not the way's own.
func (m measured) allocs() float64 {
	return slices.MinFunc(m.taken, func(a, b harness.Cost) int { return int(a.Allocs - b.Allocs) }).Allocs
}

// slower is how many times as long as another case it takes.
func (m measured) slower(than measured) float64 {
	ratios := make([]float64, len(m.taken))
	for i := range ratios {
		ratios[i] = m.taken[i].Seconds / than.taken[i].Seconds
	}
	return harness.Median(ratios)
}

// later is by how many milliseconds a figure is over that of another case.
func (m measured) later(than measured, of func(harness.Arrived) time.Duration) float64 {
	growths := make([]float64, len(m.arrived))
	for i := range growths {
		growths[i] = milli(of(m.arrived[i]) - of(than.arrived[i]))
	}
	return harness.Median(growths)
}

// rates compares the ways at full speed, after each has shown that what it sends
// arrives as it should.
func (r *report) rates(ctx context.Context) error {
	cases := []struct {
		name   string
		way    string
		window int
	}{
		{wayPool, wayPool, 0},
		{wayOurs, wayOurs, 0},
		{fmt.Sprintf("%s, %d open at a time, none kept", wayOurs, window), wayOurs, window},
		{wayRetryable, wayRetryable, 0},
		{wayWatermill, wayWatermill, 0},
	}
	jobs := make([]job, len(cases))
	for i, c := range cases {
		jobs[i] = job{Way: c.way, Window: c.window, Path: harness.PathCounted, Warm: r.events / 10, Events: r.events, Endpoints: 16}
		checked := jobs[i]
		checked.Path, checked.Warm, checked.Events = harness.PathChecked, harness.Concurrency, min(r.events, checkedMost)
		if _, _, err := runSender(ctx, r.sink, checked); err != nil {
			return err
		}
	}
	all, err := r.measure(ctx, jobs)
	if err != nil {
		return err
	}
	r.Printf("\n## Rate: %d events, %d exchanges at a time\n\n", r.events, harness.Concurrency)
	r.Printf("paperround accepts, stores, fans out, delivers and records each event; the others make the exchange and forget it.\n\n")
	r.Printf("| | events/s | to the pool | CPU ms per 1,000 | allocs | bytes | peak MiB |\n|---|---:|---:|---:|---:|---:|---:|\n")
	pool, ours := all[0], all[1]
	for i, m := range all {
		r.Printf("| %s | %.0f | %.2f | %.1f | %.0f | %.0f | %.0f |\n", cases[i].name, m.rate(), 1/m.slower(pool),
			m.of(func(t harness.Cost, _ harness.Arrived) float64 { return t.CPU / float64(m.job.Events) * 1e6 }),
			m.allocs(),
			m.of(func(t harness.Cost, _ harness.Arrived) float64 { return t.Bytes }),
			m.of(func(t harness.Cost, _ harness.Arrived) float64 { return float64(t.Peak) / (1 << 20) }))
	}
	r.Aim(harness.Target{What: "our rate, of the pool's", Got: 1 / ours.slower(pool), Wanted: leastRate, Least: true, Time: true},
		harness.Target{What: "our allocations a delivery, more than the pool's", Got: ours.allocs() - pool.allocs(), Wanted: mostAllocs})
	return r.Err()
}

// hung measures how long messages to endpoints that work take from Publish to
// their receipt, while others do not answer and have a backlog.
func (r *report) hung(ctx context.Context) error {
	base := job{
		Way: wayOurs, Path: harness.PathTimed, Warm: 990, Events: int(steadyRate * r.steady.Seconds()), Endpoints: 99, Steady: r.steady,
	}
	one, eight, shared, oneShared := base, base, base, base
	one.Hung, one.Backlog = 1, r.backlog
	eight.Hung, eight.Backlog = 8, r.backlog
	shared.OneTenant = true
	oneShared.OneTenant, oneShared.Hung, oneShared.Backlog = true, 1, r.backlog
	cases := []struct {
		name string
		job  job
		to   int // the case that it is compared with
	}{
		{"99 tenants, one endpoint each", base, 0},
		{"and one that hangs", one, 0},
		{"and one tenant with eight that hang", eight, 0},
		{"one tenant, 99 endpoints", shared, 3},
		{"and one that hangs", oneShared, 3},
	}
	jobs := make([]job, len(cases))
	for i, c := range cases {
		jobs[i] = c.job
	}
	all, err := r.measure(ctx, jobs)
	if err != nil {
		return err
	}
	r.Printf("\n## Endpoints that hang: %d events a second to others, for %v\n\n", steadyRate, r.steady)
	r.Printf("From Publish to receipt. What hangs does not answer for %v and has %d deliveries queued.\n\n", harness.HangFor, r.backlog)
	r.Printf("What is typical is the median of the p99 of each %d messages: on a machine that stops for a moment now and then, "+
		"the p99 of all of them is how long it stopped.\n\n", harness.Stretch)
	r.Printf("| | p50 ms | typical p99 ms | grows by ms | p99 of all ms | grows by ms | longest ms | hanging | CPU ms per 1,000 | peak MiB |\n" +
		"|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n")
	for i, c := range cases {
		m, to := all[i], all[c.to]
		typical := m.later(to, func(a harness.Arrived) time.Duration { return a.Typical })
		growth := m.later(to, func(a harness.Arrived) time.Duration { return a.P99 })
		r.Printf("| %s | %.2f | %.2f | %.2f | %.2f | %.2f | %.2f | %.0f | %.1f | %.0f |\n", c.name,
			m.of(func(_ harness.Cost, a harness.Arrived) float64 { return milli(a.P50) }),
			m.of(func(_ harness.Cost, a harness.Arrived) float64 { return milli(a.Typical) }),
			typical,
			m.of(func(_ harness.Cost, a harness.Arrived) float64 { return milli(a.P99) }),
			growth,
			m.of(func(_ harness.Cost, a harness.Arrived) float64 { return milli(a.Most) }),
			m.of(func(_ harness.Cost, a harness.Arrived) float64 { return float64(a.Hung) }),
			m.of(func(t harness.Cost, _ harness.Arrived) float64 { return t.CPU / float64(m.job.Events) * 1e6 }),
			m.of(func(t harness.Cost, _ harness.Arrived) float64 { return float64(t.Peak) / (1 << 20) }))
		if i != c.to {
			what := cases[c.to].name + ", " + c.name
			r.Aim(harness.Target{What: what + ": growth of a typical p99 of the others, ms", Got: typical, Wanted: milli(mostGrowth), Time: true},
				harness.Target{What: what + ": growth of the p99 of the others, ms", Got: growth, Wanted: milli(mostGrowth), Time: true})
		}
	}
	return r.Err()
}

// steadyRate is how many events a second the waiting time is measured with: some
// tenth of what the machine can do, so that they wait for each other seldom.
const steadyRate = 2000

func milli(d time.Duration) float64 { return d.Seconds() * 1000 }

// spread compares many deliveries to few endpoints with few to many.
func (r *report) spread(ctx context.Context) error {
	const few = 100
	total := min(r.events, 10_000) / few * few
	r.Printf("\n## Spread: %d deliveries\n\n", total)
	r.Printf("| | %d endpoints, %d each, s | %d endpoints, one each, s | times as long | allocs | allocs |\n|---|---:|---:|---:|---:|---:|\n",
		few, total/few, total)
	base := job{Way: wayOurs, Path: harness.PathCounted, Events: total}
	for _, c := range []struct {
		name   string
		change func(*job)
	}{
		{"a tenant for each", func(*job) {}},
		{"one tenant, a message for each", func(j *job) { j.OneTenant = true }},
		{"one tenant, messages for all", func(j *job) { j.OneTenant, j.FanOut = true, true }},
	} {
		narrow, wide := base, base
		narrow.Endpoints, wide.Endpoints = few, total
		c.change(&narrow)
		c.change(&wide)
		all, err := r.measure(ctx, []job{narrow, wide})
		if err != nil {
			return err
		}
		slower := all[1].slower(all[0])
		r.Printf("| %s | %.2f | %.2f | %.2f | %.0f | %.0f |\n", c.name, all[0].seconds(), all[1].seconds(), slower, all[0].allocs(), all[1].allocs())
		r.Aim(harness.Target{
			What: fmt.Sprintf("spread, %s: %d endpoints to %d", c.name, total, few), Got: slower, Wanted: mostSpread, Time: true,
		})
	}
	return r.Err()
}
