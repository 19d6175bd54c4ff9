package deliver

import (
	"hash/fnv"
	"math/bits"
)

// SlotCount is how many slots the endpoints of a store are divided into.
const SlotCount = 256

// Slot returns the slot of an endpoint, from 0 to SlotCount-1: the same in
// every process and every release, since stores keep it.
func Slot(endpointID string) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(endpointID)) // a hash never fails to write
	return int(h.Sum32() % SlotCount)
}

// Slots is the share of a store's endpoints that one owner serves, so that
// what an endpoint's gate counts is counted in one process. The zero value is
// empty. It is a value: copies are independent.
type Slots struct {
	Owner string // as given to Store.Own
	bits  [SlotCount / 64]uint64
}

// Add puts a slot into the share; a number that is no slot changes nothing.
func (s *Slots) Add(slot int) {
	if slot >= 0 && slot < SlotCount {
		s.bits[slot/64] |= 1 << (slot % 64)
	}
}

// Has reports whether the share holds the slot.
func (s Slots) Has(slot int) bool {
	return slot >= 0 && slot < SlotCount && s.bits[slot/64]&(1<<(slot%64)) != 0
}

// Len returns how many slots the share holds.
func (s Slots) Len() int {
	n := 0
	for _, b := range s.bits {
		n += bits.OnesCount64(b)
	}
	return n
}
