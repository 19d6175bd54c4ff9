package delivertest_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/paperround/deliver"
	"example.com/paperround/deliver/delivertest"
)

func harness() delivertest.Harness {
	return delivertest.Harness{
		Open: func(maxOpen int) (deliver.Store, error) {
			return deliver.NewMemory(&deliver.MemoryOptions{MaxOpen: maxOpen}), nil
		},
		Wait: time.Sleep,
	}
}

func TestMemoryConforms(t *testing.T) {
	t.Parallel()
	for c := range delivertest.Cases() {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				require.NoError(t, c.Run(t.Context(), harness()))
			})
		})
	}
}

// Other units are no other promises.
func TestUnits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := harness()
		h.Unit, h.Scale = 7*time.Hour, 1000
		require.NoError(t, delivertest.Conformance(t.Context(), h))
	})
}

// portOnly is a store without a ledger.
type portOnly struct{ deliver.Store }

func TestStoreWithoutLedger(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := harness()
		h.Open = func(int) (deliver.Store, error) {
			return portOnly{deliver.NewMemory(nil)}, nil
		}
		h.Unbounded = true
		require.NoError(t, delivertest.Conformance(t.Context(), h))
	})
}

func TestHarnessIsJudged(t *testing.T) {
	t.Parallel()
	require.ErrorContains(t, delivertest.Conformance(t.Context(), delivertest.Harness{}), "Open and Wait")
	broken := errors.New("no disk")
	h := harness()
	h.Open = func(int) (deliver.Store, error) { return nil, broken }
	require.ErrorIs(t, delivertest.Conformance(t.Context(), h), broken)
}
