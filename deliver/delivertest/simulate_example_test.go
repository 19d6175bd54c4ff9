package delivertest_test

import (
	"fmt"
	"testing"
	"testing/synctest"

	"example.com/paperround/deliver"
	"example.com/paperround/deliver/delivertest"
)

// In a test of a store of one's own this is all there is to write; opts.Receiver puts
// one's own receiver at the other end.
func ExampleRunSimulations() {
	open := func(maxOpen int) (deliver.Store, error) {
		return deliver.NewMemory(&deliver.MemoryOptions{MaxOpen: maxOpen}), nil
	}
	_ = func(t *testing.T) { // TestMyStore
		t.Helper()
		delivertest.RunSimulations(t, open, nil)
	}
	_ = func(t *testing.T) { // TestMyStoreWithSeed
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			if err := delivertest.Simulate(t.Context(), open, 42, nil); err != nil {
				t.Fatal(err)
			}
		})
	}
	fmt.Println("DELIVERTEST_HISTORIES=10000 go test -run TestMyStore")
	// Output: DELIVERTEST_HISTORIES=10000 go test -run TestMyStore
}
