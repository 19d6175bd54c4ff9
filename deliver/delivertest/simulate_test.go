package delivertest_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/paperround/deliver"
	"example.com/paperround/deliver/delivertest"
)

func openMemory(maxOpen int) (deliver.Store, error) {
	return deliver.NewMemory(&deliver.MemoryOptions{MaxOpen: maxOpen}), nil
}

func TestSimulations(t *testing.T) {
	t.Parallel()
	delivertest.RunSimulations(t, openMemory, &delivertest.SimulateOptions{Budget: 15 * time.Second})
}

func TestSimulateStoreWithoutLedger(t *testing.T) {
	t.Parallel()
	delivertest.RunSimulations(t, func(int) (deliver.Store, error) {
		return portOnly{deliver.NewMemory(nil)}, nil
	}, &delivertest.SimulateOptions{Histories: 50, Unbounded: true})
}

// once is a receiver that acts on each message once, whatever comes again.
type once struct {
	mu     sync.Mutex
	bodies map[string]string // by endpoint and message id
	again  int
	wrong  int
}

func (o *once) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	o.mu.Lock()
	defer o.mu.Unlock()
	key := r.Host + "/" + r.Header.Get("Webhook-Id")
	switch before, known := o.bodies[key]; {
	case err != nil || r.Header.Get("X-Signed") != "by the host":
		o.wrong++
	case known && before != string(body):
		o.wrong++
	case known:
		o.again++
	}
	o.bodies[key] = string(body)
	switch len(o.bodies) % 5 {
	case 0:
		w.WriteHeader(http.StatusInternalServerError)
	case 1:
		panic("a receiver may panic")
	case 2:
		_, _ = io.WriteString(w, "noted")
	}
}

type hostSigner struct{}

func (hostSigner) Sign(header http.Header, _ string, _ time.Time, _ []byte) error {
	header.Set("X-Signed", "by the host")
	return nil
}

func TestSimulateReceiver(t *testing.T) {
	t.Parallel()
	seen, again := 0, 0
	for seed := range uint64(40) {
		synctest.Test(t, func(t *testing.T) {
			receiver := &once{bodies: map[string]string{}}
			require.NoError(t, delivertest.Simulate(t.Context(), func(n int) (deliver.Store, error) {
				receiver.mu.Lock()
				defer receiver.mu.Unlock()
				clear(receiver.bodies) // another tenant may use the same id
				return openMemory(n)
			}, seed, &delivertest.SimulateOptions{Receiver: receiver, Signer: hostSigner{}}))
			require.Zero(t, receiver.wrong)
			seen += len(receiver.bodies)
			again += receiver.again
		})
	}
	require.Greater(t, seen, 40)
	require.NotZero(t, again, "receivers meet repetitions")
}

// brokenStore breaks one promise.
type brokenStore struct {
	*deliver.Memory
	forgets bool // every third settlement, and says that it did not
	doubts  bool // whether messages were there before
	hurries bool // takes messages out of their delay
	takes   bool // settlements without a lease
	mu      sync.Mutex
	settled int
}

func (s *brokenStore) Settle(ctx context.Context, list []deliver.Settlement) ([]deliver.Fence, error) {
	s.mu.Lock()
	s.settled++
	forget := s.forgets && s.settled%3 == 0
	s.mu.Unlock()
	if forget {
		return nil, ctx.Err()
	}
	lost, err := s.Memory.Settle(ctx, list)
	if s.takes {
		lost = nil
	}
	return lost, err
}

func (s *brokenStore) Enqueue(ctx context.Context, list ...*deliver.Message) error {
	if s.hurries {
		hurried := make([]*deliver.Message, len(list))
		for i, m := range list {
			own := *m
			own.Delay /= 2
			hurried[i] = &own
		}
		list = hurried
	}
	err := s.Memory.Enqueue(ctx, list...)
	if s.doubts && errors.Is(err, deliver.ErrConflict) {
		return nil
	}
	return err
}

// A simulation that finds nothing in these would be worth nothing. Mutants of the
// dispatcher itself cannot be kept here.
func TestSimulationsFind(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		store *brokenStore
		want  string
	}{
		"settlements forgotten":  {&brokenStore{forgets: true}, "instead of"},
		"conflicts passed over":  {&brokenStore{doubts: true}, "another message has"},
		"delays cut short":       {&brokenStore{hurries: true}, "before its delay was over"},
		"stale fences not named": {&brokenStore{takes: true}, "stale fence"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var found *delivertest.SimulationError
			for seed := uint64(1); found == nil; seed++ {
				require.Less(t, seed, uint64(500), "nothing was found")
				synctest.Test(t, func(t *testing.T) {
					err := delivertest.Simulate(t.Context(), func(maxOpen int) (deliver.Store, error) {
						s := &brokenStore{forgets: tc.store.forgets, doubts: tc.store.doubts, hurries: tc.store.hurries, takes: tc.store.takes}
						s.Memory = deliver.NewMemory(&deliver.MemoryOptions{MaxOpen: maxOpen})
						return s, nil
					}, seed, nil)
					if err != nil {
						require.ErrorAs(t, err, &found)
						require.Equal(t, seed, found.Seed)
					}
				})
			}
			t.Log(found.Err)
			require.NotEmpty(t, found.Trace)
			require.LessOrEqual(t, len(found.Trace), 60)
			require.Contains(t, found.Trace[len(found.Trace)-1]+found.Error(), "FOUND")
		})
	}
}

func TestSimulateIsJudged(t *testing.T) {
	t.Parallel()
	require.ErrorContains(t, delivertest.Simulate(t.Context(), nil, 1, nil), "open is nil")
	broken := errors.New("no disk")
	require.ErrorIs(t, delivertest.Simulate(t.Context(), func(int) (deliver.Store, error) { return nil, broken }, 1, nil), broken)
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.ErrorIs(t, delivertest.Simulate(ctx, openMemory, 1, nil), context.Canceled)
	})
}

// closingStore wants to be closed.
type closingStore struct {
	*deliver.Memory
	closed int
}

func (s *closingStore) Close() error {
	s.closed++
	return nil
}

func TestSimulateClosesTheStore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &closingStore{Memory: deliver.NewMemory(nil)}
		require.NoError(t, delivertest.Simulate(t.Context(), func(int) (deliver.Store, error) { return store, nil }, 7,
			&delivertest.SimulateOptions{Unbounded: true, Trace: -1}))
		require.Equal(t, 1, store.closed)
	})
}

func TestSimulationErrorReads(t *testing.T) {
	t.Parallel()
	cause := errors.New("a promise was broken")
	err := &delivertest.SimulationError{Seed: 42, Err: cause, Trace: []string{"first", "second"}}
	require.ErrorIs(t, err, cause)
	require.Equal(t, "delivertest: seed 42: a promise was broken\nthe last events:\nfirst\nsecond", err.Error())
	require.NotContains(t, (&delivertest.SimulationError{Err: cause}).Error(), "events")
}
