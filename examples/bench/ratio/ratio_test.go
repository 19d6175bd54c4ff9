package ratio

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestMedian(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		values []float64
		want   float64
	}{
		{"none", nil, 0},
		{"one", []float64{3}, 3},
		{"odd", []float64{9, 1, 5}, 5},
		{"even", []float64{9, 1, 5, 3}, 4},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			require.InDelta(t, tt.want, median(tt.values), 0)
		})
	}
}

// A machine that gets three times slower half-way changes the times and not the
// ratio, which it would if the medians were divided.
func TestToComparesWithinARound(t *testing.T) {
	t.Parallel()
	base := Result{rounds: []round{{ns: 10}, {ns: 30}, {ns: 30}}}
	twice := Result{rounds: []round{{ns: 20}, {ns: 60}, {ns: 20}}}
	require.InDelta(t, 2, twice.To(base), 0)
	require.InDelta(t, 20, twice.NS(), 0)
}

// Not parallel, because Measure wants to be alone.
func TestMeasure(t *testing.T) {
	var order []string
	seen := func(name string) func() error {
		return func() error {
			if len(order) == 0 || order[len(order)-1] != name {
				order = append(order, name)
			}
			return nil
		}
	}
	results, err := Measure([]Case{{"a", seen("a")}, {"b", seen("b")}}, 2, time.Microsecond)
	require.NoError(t, err)
	require.Equal(t, []string{"a", "b", "a", "b", "a", "b"}, order, "once for the allocations, and two rounds")
	require.Len(t, results, 2)
	require.Equal(t, "b", results[1].Name)
	require.Positive(t, results[1].NS())
	require.Zero(t, results[1].Allocs)

	broken := errors.New("broken")
	left := 200 // it lives through the count of allocations
	_, err = Measure([]Case{{"late", func() error {
		if left--; left < 0 {
			return broken
		}
		return nil
	}}}, 1, time.Millisecond)
	require.ErrorIs(t, err, broken)
	require.ErrorContains(t, err, "late")
	_, err = Measure([]Case{{"early", func() error { return broken }}}, 1, time.Millisecond)
	require.ErrorIs(t, err, broken)

	var kept []byte
	results, err = Measure([]Case{{"allocates", func() error {
		kept = make([]byte, 1<<12)
		return nil
	}}}, 3, time.Millisecond)
	require.NoError(t, err)
	require.InDelta(t, 1, results[0].Allocs, 0)
	require.InDelta(t, len(kept), results[0].Bytes(), 64)

	for _, tt := range []struct {
		cases  []Case
		rounds int
		each   time.Duration
	}{{nil, 1, 1}, {[]Case{{"a", seen("a")}}, 0, 1}, {[]Case{{"a", seen("a")}}, 1, 0}} {
		_, err = Measure(tt.cases, tt.rounds, tt.each)
		require.Error(t, err)
	}
}
