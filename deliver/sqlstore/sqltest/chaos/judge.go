package main

import (
	"fmt"
	"time"
)

// settleWithin is how long an exchange that was taken may go unrecorded while
// nothing is wrong: what comes again later than that, although its sender lived
// on, was forgotten.
const settleWithin = 3 * time.Second

// span is a time in which the database was away.
type span struct{ from, to time.Time }

// history is what happened, as the parent process saw it.
type history struct {
	published map[lane]int         // how many were committed, of each lane
	arrivals  []arrival            // in the order in which they were taken
	deaths    map[string]time.Time // of workers, by name
	restarts  []span
}

// verdict is what is wrong with a history.
type verdict struct {
	lost        int // committed and never taken
	phantoms    int // taken and never committed
	duplicates  int // taken once more
	unexplained int // those of them whose sender neither died nor lost its database
	altered     int // those of them with another body
	disordered  int // taken in an ordered lane before one that goes first
	examples    []string
}

func (v *verdict) note(count *int, format string, args ...any) {
	*count++
	if len(v.examples) < 20 {
		v.examples = append(v.examples, fmt.Sprintf(format, args...))
	}
}

// err is nil for a history without fault; duplicates that are explained are none.
func (v *verdict) err() error {
	if v.lost+v.phantoms+v.unexplained+v.altered+v.disordered == 0 {
		return nil
	}
	return fmt.Errorf("%d lost, %d never committed, %d duplicates unexplained, %d altered, %d out of order: %q",
		v.lost, v.phantoms, v.unexplained, v.altered, v.disordered, v.examples)
}

type delivery struct{ endpoint, id string }

func judge(h history) *verdict {
	v := &verdict{}
	before := make(map[delivery]arrival)
	type place struct {
		endpoint string
		lane     lane
	}
	reached := make(map[place]int)
	for _, a := range h.arrivals {
		l := lane{a.payload.Tenant, a.payload.Key}
		d := delivery{a.endpoint, a.id}
		earlier, again := before[d]
		before[d] = a
		if a.payload.N < 1 || a.payload.N > h.published[l] {
			v.note(&v.phantoms, "%s took %s, which was not committed", a.endpoint, a.id)
			continue
		}
		if again {
			v.duplicates++
			if !h.explains(earlier, a) {
				v.note(&v.unexplained, "%s took %s of %s after that of %s, which lived on", a.endpoint, a.id, a.worker, earlier.worker)
			}
			if a.digest != earlier.digest {
				v.note(&v.altered, "%s took %s with two bodies", a.endpoint, a.id)
			}
		}
		if a.endpoint != orderedEndpoint(l.tenant) {
			continue
		}
		p := place{a.endpoint, l}
		switch n := reached[p]; {
		case a.payload.N == n+1:
			reached[p] = a.payload.N
		case a.payload.N != n:
			v.note(&v.disordered, "%s took %s after number %d of its lane", a.endpoint, a.id, n)
		}
	}
	for l, n := range h.published {
		for i := range n {
			id := payload{Tenant: l.tenant, Key: l.key, N: i + 1}.id()
			for _, e := range endpointsOf(l.tenant) {
				if _, ok := before[delivery{e, id}]; !ok {
					v.note(&v.lost, "%s never took %s", e, id)
				}
			}
		}
	}
	return v
}

// explains reports whether something kept the sender of the earlier arrival from
// recording it: its own death, or that of the database.
func (h *history) explains(earlier, later arrival) bool {
	soon := earlier.at.Add(settleWithin)
	if death, ok := h.deaths[earlier.worker]; ok && death.Before(later.at) && death.Before(soon) {
		return true
	}
	for _, r := range h.restarts {
		if r.from.Before(soon) && r.to.After(earlier.at) && r.from.Before(later.at) {
			return true
		}
	}
	return false
}
