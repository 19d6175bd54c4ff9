package sign

import (
	"slices"
	"strconv"
	"sync/atomic"
	"time"
)

// Key is one secret of a Ring, with the time in which it is used.
type Key struct {
	// ID names the key in receipts, logs and errors; it is no secret. Empty:
	// the key's position in the ring, from "1".
	ID string

	// Secret is the secret as the provider gave it. Required.
	Secret Secret

	// NotBefore and NotAfter bound the key's use, both included. Zero: no
	// bound. A receiver that rotates leaves the new key without NotBefore,
	// so that a sender's faster clock does no harm.
	NotBefore, NotAfter time.Time

	// Created is when the key was made, from which a receipt counts its age.
	// Zero: NotBefore.
	Created time.Time
}

func (k *Key) since() time.Time {
	if k.Created.IsZero() {
		return k.NotBefore
	}
	return k.Created
}

// Ring is the set of keys of one peer: one for most of the time, two while they
// rotate, in the order in which they were made: the newest is the last. The zero value is an empty ring, which Compile refuses until keys are
// put in by Replace. A Ring is safe for concurrent use and must not be copied
// after first use.
type Ring struct {
	keys atomic.Pointer[[]Key]
}

// NewRing returns a ring of keys, or an *Error wrapping ErrConfig when there is
// none, when a secret is empty, blank or framed by white space, when two ids or
// two secrets are the same, when a key ends before it starts, when one is known to
// be older than one before it, or when all of them have expired by the machine's
// clock (a ring for messages of long ago has a key without NotAfter). What a
// scheme asks beyond that is checked where ring and scheme meet, in Compile and
// New.
func NewRing(keys ...Key) (*Ring, error) {
	r := new(Ring)
	if err := r.Replace(keys...); err != nil {
		return nil, err
	}
	return r, nil
}

// Replace puts keys in the place of those the ring has, for everyone who uses
// the ring, at once. It validates as NewRing does and changes nothing when it
// returns an error. Signing and verifying go on meanwhile, each call with the
// old keys or with the new ones.
//
// A key that does not fit the scheme of a user of the ring, too short for it
// for example, makes that user fail with ErrConfig until the ring is replaced
// again.
func (r *Ring) Replace(keys ...Key) error {
	if r == nil {
		return configError("", "the ring is nil")
	}
	if len(keys) == 0 {
		return configError("", "the ring has no key: give it at least one")
	}
	keys = slices.Clone(keys)
	expired := 0
	now := time.Now()
	for i := range keys {
		k := &keys[i]
		if k.ID == "" {
			k.ID = strconv.Itoa(i + 1)
		}
		if flaw := k.flaw(keys[:i]); flaw != "" {
			return &Error{Key: k.ID, Reason: flaw, Err: ErrConfig}
		}
		if !k.NotAfter.IsZero() && now.After(k.NotAfter) {
			expired++
		}
	}
	if expired == len(keys) {
		return configError("", "every key of the ring has expired")
	}
	r.keys.Store(&keys)
	return nil
}

func (k *Key) flaw(before []Key) string {
	if flaw := k.Secret.flaw(); flaw != "" {
		return flaw
	}
	if !k.NotBefore.IsZero() && !k.NotAfter.IsZero() && k.NotAfter.Before(k.NotBefore) {
		return "NotAfter lies before NotBefore"
	}
	for i := range before {
		switch {
		case before[i].ID == k.ID:
			return "two keys have this id"
		case before[i].Secret.equal(k.Secret):
			return "the secret is the same as that of key " + before[i].ID
		case !k.since().IsZero() && k.since().Before(before[i].since()):
			return "the key is older than key " + before[i].ID + " before it: put the newest last"
		}
	}
	return ""
}
