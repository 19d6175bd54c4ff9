// Package ratio compares ways of doing the same work on a machine that is busy
// with other things too.
//
// A time alone says little there: it drifts by a quarter within minutes. So the
// ways are measured in turns, round after round, and each is set against the
// first of the same round; what is reported is the median of these ratios.
//
//	results, err := ratio.Measure([]ratio.Case{floor, ours, theirs}, 15, 30*time.Millisecond)
//	...
//	fmt.Println(results[1].To(results[0]))
package ratio

import (
	"errors"
	"flag"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"
)

// Case is one way of doing the work. Op does it once. An error ends the
// measurement: what fails is not the work.
type Case struct {
	Name string
	Op   func() error
}

// Result is what Measure found of one case.
type Result struct {
	Name   string
	Allocs float64 // Allocations of one operation, rounded down.

	rounds []round
}

type round struct{ ns, bytes float64 }

// NS returns the nanoseconds of one operation, the median of the rounds.
func (r Result) NS() float64 { return r.median(func(r round) float64 { return r.ns }) }

// Bytes returns the allocated bytes of one operation, the median of the rounds.
func (r Result) Bytes() float64 { return r.median(func(r round) float64 { return r.bytes }) }

// To returns how many times as long as base r takes: the median of the ratios
// of each round. Both must come from one call of Measure.
func (r Result) To(base Result) float64 {
	ratios := make([]float64, min(len(r.rounds), len(base.rounds)))
	for i := range ratios {
		ratios[i] = r.rounds[i].ns / base.rounds[i].ns
	}
	return median(ratios)
}

func (r Result) median(of func(round) float64) float64 {
	values := make([]float64, len(r.rounds))
	for i, m := range r.rounds {
		values[i] = of(m)
	}
	return median(values)
}

// median returns the middle of values, which it sorts; 0 when there are none.
func median(values []float64) float64 {
	n := len(values)
	if n == 0 {
		return 0
	}
	slices.Sort(values)
	return (values[(n-1)/2] + values[n/2]) / 2
}

// Measure runs all cases once in each round, in their order, for about the given
// time each. The results stand in the order of the cases. It uses the benchmark
// flags of package testing and counts the allocations of the whole process, so
// only one call may run at a time, and nothing beside it. The error is of a case
// whose Op failed, or of arguments that measure nothing.
func Measure(cases []Case, rounds int, each time.Duration) ([]Result, error) {
	if len(cases) == 0 || rounds < 1 || each <= 0 {
		return nil, errors.New("ratio: give at least one case, one round and some time")
	}
	if err := benchTime(each); err != nil {
		return nil, err
	}
	results := make([]Result, len(cases))
	for i, c := range cases {
		allocs, err := allocations(c)
		if err != nil {
			return nil, fmt.Errorf("ratio: %s: %w", c.Name, err)
		}
		results[i] = Result{Name: c.Name, Allocs: allocs}
	}
	for range rounds {
		for i, c := range cases {
			m, err := measure(c)
			if err != nil {
				return nil, fmt.Errorf("ratio: %s: %w", c.Name, err)
			}
			results[i].rounds = append(results[i].rounds, m)
		}
	}
	return results, nil
}

// allocations counts them apart from the time, over a fixed number of operations:
// in a short round, what package testing itself allocates and a pool that the
// garbage collector has emptied would count for much.
func allocations(c Case) (float64, error) {
	const runs = 100
	var failed error
	allocs := testing.AllocsPerRun(runs, func() {
		if failed == nil {
			failed = c.Op()
		}
	})
	return allocs, failed
}

func measure(c Case) (round, error) {
	var failed error
	r := testing.Benchmark(func(b *testing.B) { //nolint:thelper // it is the benchmark itself
		b.ReportAllocs()
		for b.Loop() {
			if err := c.Op(); err != nil {
				failed = err
				b.FailNow()
			}
		}
	})
	if failed != nil {
		return round{}, failed
	}
	return round{
		ns:    float64(r.T.Nanoseconds()) / float64(r.N),
		bytes: float64(r.AllocedBytesPerOp()),
	}, nil
}

// benchTime sets how long testing.Benchmark measures, for which there is no
// other way than its flag.
func benchTime(each time.Duration) error {
	registerFlags()
	return flag.Set("test.benchtime", each.String())
}

var registerFlags = sync.OnceFunc(testing.Init) //nolint:gochecknoglobals // flags are of the process, and taken once
