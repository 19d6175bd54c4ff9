package delivertest_test

import (
	"testing"

	"example.com/paperround/deliver"
	"example.com/paperround/deliver/delivertest"
)

func openMemory(maxOpen int) (deliver.Store, error) {
	return deliver.NewMemory(&deliver.MemoryOptions{MaxOpen: maxOpen}), nil
}

func TestSimulations(t *testing.T) {
	t.Parallel()
	delivertest.RunSimulations(t, openMemory, nil)
}
