package deliver

import "time"

// gate says what may go out to one endpoint now. It belongs to one run, whose
// mutex guards it. All rules for a single endpoint have their place here.
type gate struct {
	limit int // exchanges at a time
	busy  int // exchanges under way, and claims asked for
	idle  bool

	// until is when a pause ends. The store keeps pauses too, from the moment on
	// in which it records them; until then this is all that holds claims back.
	until time.Time
}

// newGate starts with room for one: the first attempt looks the endpoint up and
// learns its true limit, so that no lookup is needed before.
func newGate() *gate { return &gate{limit: 1} }

// pause lets nothing out until a time; a longer pause stays.
func (g *gate) pause(until time.Time) {
	if until.After(g.until) {
		g.until = until
	}
}

// take reserves room for up to n exchanges and returns for how many.
func (g *gate) take(n int, now time.Time) int {
	if now.Before(g.until) {
		return 0
	}
	n = max(min(n, g.limit-g.busy), 0)
	g.busy += n
	g.idle = false
	return n
}

// give returns room that take reserved.
func (g *gate) give(n int) { g.busy -= n }

// sweep reports whether nothing went out since the last sweep, so that the gate
// can be forgotten.
func (g *gate) sweep(now time.Time) bool {
	if g.busy > 0 || now.Before(g.until) {
		return false
	}
	was := g.idle
	g.idle = true
	return was
}
