package delivertest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"example.com/paperround/deliver"
)

// SimulateOptions are the choices of [Simulate] and [RunSimulations]. The zero value
// is the defaults.
type SimulateOptions struct {
	// Receiver is the host's own: it gets every request that reaches an endpoint, and
	// its answer counts where the endpoint works. It must not need real time. A panic
	// of it is an answer of 500. nil means that endpoints that work answer with success.
	Receiver http.Handler

	// Signer signs what the Receiver gets; nil means that a signature of the
	// simulation's own is all there is.
	Signer deliver.Signer

	// Unbounded stores never say [deliver.ErrFull].
	Unbounded bool

	// Trace is how many of the last events an error shows; 0 means 60, negative none.
	Trace int

	// Histories is how many histories RunSimulations plays; 0 means 1000, and 100 in
	// short tests. The environment variable DELIVERTEST_HISTORIES wins over it, and over
	// Budget.
	Histories int

	// Seed is the first of the seeds of RunSimulations, the others follow it; 0 means
	// others each time. The environment variable DELIVERTEST_SEED wins over it, and has
	// that seed alone played, up to 50 times.
	Seed uint64

	// Budget is how long RunSimulations may take by the real clock; 0 means one minute,
	// negative no bound. What is left then is not played, and the log says how many
	// histories that are; running out of time before the first is a failure.
	Budget time.Duration
}

func (o *SimulateOptions) trace() int { return max(or(o.Trace, 60), 0) }

// A SimulationError is a promise that was broken in a history.
type SimulationError struct {
	Seed  uint64
	Err   error    // what was promised and not kept
	Trace []string // the last events, oldest first, by the time since the begin
}

// Error implements the error interface, with the whole trace.
func (e *SimulationError) Error() string {
	text := fmt.Sprintf("delivertest: seed %d: %s", e.Seed, e.Err)
	if len(e.Trace) > 0 {
		text += "\nthe last events:\n" + strings.Join(e.Trace, "\n")
	}
	return text
}

// Unwrap returns what was promised and not kept.
func (e *SimulationError) Unwrap() error { return e.Err }

// Simulate plays one random history on a new store and watches whether all promises
// of package deliver are kept.
//
// Up to three processes share the store. They start, stop, die, and lose their way to
// the store; calls to it fail before or after they took effect, come late, or hang.
// Endpoints succeed, fail in all the ways there are, hang, and ask to be left alone;
// directories and signers fail; people replay, cancel, pause, disable, resume, and
// change endpoints. Then all is well again, and everything must come to an end.
//
// It must be called in a bubble of [synctest.Test], where hours pass in milliseconds,
// and the store must not need more than that: no sockets, and no clock but that of
// package time. open makes an empty store that takes up to maxOpen open messages and
// remembers some thousand finished ones; one that is an [io.Closer] is closed. If the
// store is a [deliver.Ledger], that is judged as well.
//
//	synctest.Test(t, func(t *testing.T) {
//		if err := delivertest.Simulate(t.Context(), open, seed, nil); err != nil {
//			t.Fatal(err)
//		}
//	})
//
// The calls to the store come one at a time, in all orders; what it does with two at
// once is for [Conformance] to find out. The seed decides what happens when; which of
// two things that happen in the same nanosecond comes first is up to the Go scheduler.
// So the same seed may have to be played a few times to fail again.
//
// The error is a [*SimulationError], unless the store does not open or ctx ends.
func Simulate(ctx context.Context, open func(maxOpen int) (deliver.Store, error), seed uint64, opts *SimulateOptions) error {
	if opts == nil {
		opts = &SimulateOptions{}
	}
	if open == nil {
		return errors.New("delivertest: open is nil; pass a function that makes a store")
	}
	w, l, err := newWorld(seed, open, opts)
	if err != nil {
		return err
	}
	if c, ok := w.store.(io.Closer); ok {
		defer c.Close() //nolint:errcheck // the history is over
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if err := w.play(ctx, l); err != nil {
		return err
	}
	if w.err == nil {
		return nil
	}
	found := &SimulationError{Seed: seed, Err: w.err}
	for i := range w.trace {
		found.Trace = append(found.Trace, w.trace[(w.noted+i)%len(w.trace)].String())
	}
	return found
}

const (
	defaultHistories = 1000
	shortHistories   = 100
	replays          = 50 // of one seed that was asked for
)

// RunSimulations plays many random histories, each by [Simulate] in a bubble of its
// own, as many at a time as there are processors. A history that fails ends the test,
// which prints its seed and the command that plays it again. When a goroutine of the
// dispatcher or the store panics, nobody can print that: GOTRACEBACK=all shows the seed
// among the arguments of Simulate.
func RunSimulations(t *testing.T, open func(maxOpen int) (deliver.Store, error), opts *SimulateOptions) {
	t.Helper()
	if opts == nil {
		opts = &SimulateOptions{}
	}
	r := newSimulations(t, open, opts)
	t.Run("histories", func(t *testing.T) {
		for i := range runtime.GOMAXPROCS(0) {
			t.Run(strconv.Itoa(i), func(t *testing.T) {
				t.Parallel()
				r.work(t)
			})
		}
	})
	played := r.played.Load()
	switch {
	case t.Failed():
	case played == 0:
		t.Errorf("the budget was over before a single history was played")
	case played < r.histories:
		t.Logf("the budget was over after %d of %d histories", played, r.histories)
	}
}

func newSimulations(t *testing.T, open func(maxOpen int) (deliver.Store, error), opts *SimulateOptions) *simulations {
	t.Helper()
	r := &simulations{open: open, opts: opts, histories: int64(opts.Histories), first: opts.Seed}
	if r.first == 0 {
		r.first = uint64(time.Now().UnixNano())
	}
	budget := or(opts.Budget, time.Minute)
	if r.histories == 0 {
		r.histories = defaultHistories
		if testing.Short() {
			r.histories = shortHistories
		}
	}
	if s := os.Getenv("DELIVERTEST_HISTORIES"); s != "" {
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil || n < 1 {
			t.Fatalf("DELIVERTEST_HISTORIES is %q; write how many histories to play", s)
		}
		r.histories, budget = n, 0
	}
	if s := os.Getenv("DELIVERTEST_SEED"); s != "" {
		seed, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			t.Fatalf("DELIVERTEST_SEED is %q; write the number of a seed", s)
		}
		r.first, r.same, r.histories = seed, true, replays
	}
	if budget > 0 {
		r.until = time.Now().Add(budget)
	}
	return r
}

// simulations is the work of one RunSimulations.
type simulations struct {
	open      func(maxOpen int) (deliver.Store, error)
	opts      *SimulateOptions
	first     uint64
	same      bool // play one seed again and again
	histories int64
	until     time.Time // zero if there is no bound
	taken     atomic.Int64
	played    atomic.Int64
	failed    atomic.Bool
}

func (r *simulations) work(t *testing.T) {
	t.Helper()
	for !r.failed.Load() && (r.until.IsZero() || time.Now().Before(r.until)) {
		n := r.taken.Add(1) - 1
		if n >= r.histories {
			return
		}
		seed := r.first
		if !r.same {
			seed += uint64(n) //nolint:gosec // it is not negative
		}
		r.play(t, seed)
		r.played.Add(1)
	}
}

func (r *simulations) play(t *testing.T, seed uint64) {
	t.Helper()
	ended := false
	defer func() {
		if !ended { // a panic of the bubble, if goroutines were left over
			r.failed.Store(true)
			t.Errorf("seed %d left goroutines behind or panicked\n%s", seed, again(t, seed))
		}
	}()
	synctest.Test(t, func(t *testing.T) {
		if err := Simulate(t.Context(), r.open, seed, r.opts); err != nil {
			r.failed.Store(true)
			t.Errorf("%v\n%s", err, again(t, seed))
		}
	})
	ended = true
}

// again says how to play a seed again.
func again(t *testing.T, seed uint64) string {
	t.Helper()
	name, _, _ := strings.Cut(t.Name(), "/")
	return fmt.Sprintf("play it again: DELIVERTEST_SEED=%d go test -count=1 -run '^%s$' .", seed, name)
}
