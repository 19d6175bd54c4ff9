package harness

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
)

// Report prints Markdown and keeps what misses its target. The zero value but for
// W is a report of nothing yet.
type Report struct {
	W     io.Writer
	Check bool // judge times too

	err     error // of the first write that failed
	targets []Target
}

// Target is a figure and the most, or the least, that it may be.
type Target struct {
	What        string
	Got, Wanted float64
	Least       bool
	Time        bool // judged under Report.Check alone
}

func (t Target) met() bool {
	if t.Least {
		return t.Got >= t.Wanted
	}
	return t.Got <= t.Wanted
}

// Printf prints, unless an earlier write failed.
func (r *Report) Printf(format string, args ...any) {
	if r.err == nil {
		_, r.err = fmt.Fprintf(r.W, format, args...)
	}
}

// Err returns why a write failed.
func (r *Report) Err() error { return r.err }

// Aim adds targets.
func (r *Report) Aim(targets ...Target) { r.targets = append(r.targets, targets...) }

// Heading prints the title, the machine, what the medians are of, and the versions
// of the peers, which are modules whose paths contain one of these words.
func (r *Report) Heading(title string, rounds int, peers ...string) {
	var versions []string
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, d := range info.Deps {
			if slices.ContainsFunc(peers, func(p string) bool { return strings.Contains(d.Path, p) }) {
				versions = append(versions, strings.TrimPrefix(d.Path, "github.com/")+" "+d.Version)
			}
		}
	}
	r.Printf("# %s\n\n", title)
	r.Printf("%s, %s/%s, %d processors, load before %s. Events of %d bytes, signed, to a receiver on loopback. Medians of %d rounds.\n\n",
		runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), load(), len(Body()), rounds)
	r.Printf("Peers: %s.\n", strings.Join(versions, ", "))
}

// load is how many processes want to run, averaged over one, five and fifteen
// minutes, where the system tells.
func load() string {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	return strings.Join(strings.Fields(string(b))[:3], ", ")
}

// Judge prints the targets and which are missed, and returns an error when one of
// those is judged.
func (r *Report) Judge() error {
	r.Printf("\n## Targets\n\n")
	failed := 0
	for _, t := range r.targets {
		verdict, bound := "met", "at most"
		if t.Least {
			bound = "at least"
		}
		switch {
		case t.met():
		case t.Time && !r.Check:
			verdict = "missed, not judged"
		default:
			verdict = "MISSED"
			failed++
		}
		r.Printf("* %s: %s is %.2f, %s %.2f wanted\n", verdict, t.What, t.Got, bound, t.Wanted)
	}
	r.Printf("\nLoad after: %s.\n", load())
	if failed > 0 {
		return errors.Join(r.err, fmt.Errorf("%d of %d targets are missed", failed, len(r.targets)))
	}
	return r.err
}

// Turns returns the order in which so many cases are measured in a round: every
// other round goes the other way round, so that none is always after the same one.
func Turns(round, cases int) []int {
	order := make([]int, cases)
	for i := range order {
		order[i] = i
	}
	if round%2 == 1 {
		slices.Reverse(order)
	}
	return order
}

// Median returns the middle of values, 0 if there are none.
func Median(values []float64) float64 {
	n := len(values)
	if n == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}
