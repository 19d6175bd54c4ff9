package deliver

import (
	"container/heap"
	"time"
)

const (
	defaultTenantShare  = 0.75
	defaultFirstReserve = 0.25

	// maxGates bounds the endpoints of which a run remembers that they have
	// something to do. The walk finds the others when there is room.
	maxGates = 16_384
)

// scheduler decides whose turn it is. Tenants take turns, and within a tenant its
// endpoints; who may not go now leaves the round until that may have changed, so a
// turn costs nothing for those who wait. It belongs to one run, whose mutex guards
// it.
type scheduler struct {
	concurrency int
	tenantShare float64 // negative: no bound
	maxRetries  int

	busy    int // exchanges under way, and claims asked for
	retries int // those of them that are no first attempts

	gates   map[string]*gate
	tenants map[string]*tenant
	ring    fifo[*tenant] // those whose ring is not empty
	retrial fifo[*gate]   // gates with nothing but retries, while too many of those are under way
	resting gateHeap      // gates that wait for time to pass
	loaded  int           // gates that have something to do
}

// tenant is the endpoints of one tenant that have something to do.
type tenant struct {
	name   string
	busy   int
	gates  int // that know it
	ring   fifo[*gate]
	queued bool
}

func newScheduler(concurrency int, tenantShare, firstReserve float64) scheduler {
	reserved := int(float64(concurrency) * max(firstReserve, 0))
	if firstReserve > 0 && reserved == 0 && concurrency > 1 {
		reserved = 1
	}
	return scheduler{
		concurrency: concurrency,
		tenantShare: tenantShare,
		maxRetries:  max(concurrency-reserved, 1),
		gates:       make(map[string]*gate),
		tenants:     make(map[string]*tenant),
	}
}

// gate returns the gate of an endpoint, a new one if need be.
func (s *scheduler) gate(id, tenantName string) *gate {
	g := s.gates[id]
	if g != nil {
		return g
	}
	t := s.tenants[tenantName]
	if t == nil {
		t = &tenant{name: tenantName}
		s.tenants[tenantName] = t
	}
	t.gates++
	g = newGate(id, t)
	s.gates[id] = g
	return g
}

// room reports whether one more endpoint of a tenant can be noted. When there are too
// many, tenants that have no more than their share still may.
func (s *scheduler) room(tenantName string) bool {
	if s.loaded < maxGates {
		return true
	}
	t := s.tenants[tenantName]
	return t == nil || t.gates < maxGates/len(s.tenants)
}

// load changes what a gate has to do and gives it its turns.
func (s *scheduler) load(g *gate, first, retries int) {
	before, after := g.first+g.retries > 0, first+retries > 0
	g.first, g.retries = first, retries
	if g.waits && first > 0 {
		g.waits, g.queued = false, false // first attempts do not wait for retries
	}
	switch {
	case after && !before:
		s.loaded++
	case before && !after:
		s.loaded--
	}
	s.offer(g)
}

// offer puts a gate into the round, if it has something to do.
func (s *scheduler) offer(g *gate) {
	if g.queued || g.first+g.retries == 0 {
		return
	}
	g.queued = true
	t := g.tenant
	t.ring.push(g)
	if !t.queued {
		t.queued = true
		s.ring.push(t)
	}
}

// capped reports whether a tenant has its share: of what others leave free, times
// a factor, so that several greedy tenants together still leave room for one more.
func (s *scheduler) capped(t *tenant) bool {
	if s.tenantShare < 0 || s.tenantShare >= 1 {
		return false
	}
	factor := s.tenantShare / (1 - s.tenantShare)
	return float64(t.busy) >= factor*float64(s.concurrency-s.busy)
}

// pick takes what may go out now, one exchange a turn. next is the time until
// something that has to rest may go out; 0 if there is nothing like that.
func (s *scheduler) pick(now time.Time) (wants []Want, next time.Duration) {
	for len(s.resting) > 0 && !s.resting[0].roused.After(now) {
		s.rouse(s.resting[0])
	}
	for range min(s.retrial.len(), s.maxRetries-s.retries) {
		g := s.retrial.pop()
		g.parked = false
		if g.waits {
			g.waits, g.queued = false, false
			s.offer(g)
		}
	}
	passed := 0 // tenants in a row that may not have more
	for s.busy < s.concurrency && passed < s.ring.len() {
		t := s.ring.pop()
		if s.capped(t) {
			s.ring.push(t)
			passed++
			continue
		}
		passed = 0
		g := t.ring.pop()
		g.queued = false
		if first, ok := s.take(g, now); ok {
			if g.want == 0 {
				wants = append(wants, Want{EndpointID: g.id})
				g.want = len(wants)
			}
			if first {
				wants[g.want-1].First++
			} else {
				wants[g.want-1].Retries++
			}
			s.offer(g)
		}
		t.queued = t.ring.len() > 0
		if t.queued {
			s.ring.push(t)
		}
	}
	if len(s.resting) > 0 {
		next = s.resting[0].roused.Sub(now)
	}
	return wants, next
}

// take lets one exchange of a gate out, or puts the gate where it waits.
func (s *scheduler) take(g *gate, now time.Time) (first, ok bool) {
	if g.first+g.retries == 0 {
		return false, false
	}
	ok, wait := g.free(now)
	switch {
	case wait > 0:
		g.queued, g.roused = true, now.Add(wait)
		heap.Push(&s.resting, g)
		return false, false
	case !ok:
		return false, false // until something of it ends
	}
	mayRetry := s.retries < s.maxRetries
	if g.first == 0 && !mayRetry {
		g.queued, g.waits = true, true
		if !g.parked {
			g.parked = true
			s.retrial.push(g)
		}
		return false, false
	}
	first = g.take(mayRetry)
	if g.first+g.retries == 0 {
		s.loaded--
	}
	s.start(g, first)
	return first, true
}

// rouse ends a rest.
func (s *scheduler) rouse(g *gate) {
	heap.Remove(&s.resting, g.rests-1)
	g.queued = false
	s.offer(g)
}

// recorded ends the rest of a gate whose pause is the store's from now on.
func (s *scheduler) recorded(g *gate, until time.Time) {
	g.recorded(until)
	if g.rests > 0 {
		s.rouse(g)
	}
}

// found notes what a walk saw of an endpoint. The claim that is being made may have come
// before that or after, so it does not say that there is nothing more.
func (s *scheduler) found(b Backlog) {
	g := s.gate(b.EndpointID, b.Tenant)
	g.found = true
	g.moreFirst, g.moreRetries = b.First >= BacklogEnough, b.Retries >= BacklogEnough
	s.load(g, max(b.First, g.first), max(b.Retries, g.retries))
}

// hint notes that an endpoint may have one delivery more that is ready.
func (s *scheduler) hint(g *gate) {
	g.hinted = true
	s.load(g, g.first+1, g.retries)
}

// start counts an exchange, end one that is over.
func (s *scheduler) start(g *gate, first bool) {
	s.busy++
	g.tenant.busy++
	if !first {
		s.retries++
	}
}

func (s *scheduler) end(g *gate, first bool) {
	s.busy--
	g.tenant.busy--
	if !first {
		s.retries--
	}
	s.offer(g)
}

// claimed replaces what was wanted by what was got. A gate that got less has
// nothing more of that kind.
func (s *scheduler) claimed(wants []Want, claims []Claim) {
	for i := range claims {
		g := s.gate(claims[i].EndpointID, claims[i].Message.Tenant)
		if claims[i].History.Fresh() {
			g.gotFirst++
		} else {
			g.gotRetry++
		}
	}
	for _, w := range wants {
		g := s.gates[w.EndpointID]
		g.want = 0
		for range w.First {
			g.give()
			s.end(g, true)
		}
		for range w.Retries {
			g.give()
			s.end(g, false)
		}
		first, retries := g.first, g.retries
		if g.gotFirst < w.First && !g.found {
			g.moreFirst = false
			if !g.hinted {
				first = 0
			}
		}
		if g.gotRetry < w.Retries && !g.found {
			g.moreRetries = false
			retries = 0
		}
		s.load(g, first, retries)
	}
	for i := range claims {
		g := s.gates[claims[i].EndpointID]
		g.gotFirst, g.gotRetry = 0, 0
		g.busy++
		g.tokens--
		if g.until.IsZero() {
			g.told = "" // what it was told of is over
		}
		s.start(g, claims[i].History.Fresh())
	}
}

// unclaimed returns what was wanted when the store could not be asked.
func (s *scheduler) unclaimed(wants []Want) {
	for _, w := range wants {
		g := s.gates[w.EndpointID]
		g.want = 0
		for range w.First {
			g.give()
			s.end(g, true)
		}
		for range w.Retries {
			g.give()
			s.end(g, false)
		}
		s.load(g, g.first+w.First, g.retries+w.Retries)
	}
}

// sweep forgets gates that have been idle since the last time, so that endpoints
// which are gone do not pile up, and what is no longer this process's to do.
func (s *scheduler) sweep(slots Slots, now time.Time) {
	for id, g := range s.gates {
		if !slots.Has(Slot(id)) {
			s.load(g, 0, 0)
		}
		if g.sweep(now) {
			delete(s.gates, id)
			g.tenant.gates--
			if g.tenant.gates == 0 && !g.tenant.queued {
				delete(s.tenants, g.tenant.name)
			}
		}
	}
}

// gateHeap has the gate on top that rests for the shortest time.
type gateHeap []*gate

// Len implements heap.Interface.
func (h *gateHeap) Len() int { return len(*h) }

// Less implements heap.Interface.
func (h *gateHeap) Less(i, j int) bool { return (*h)[i].roused.Before((*h)[j].roused) }

// Swap implements heap.Interface.
func (h *gateHeap) Swap(i, j int) {
	(*h)[i], (*h)[j] = (*h)[j], (*h)[i]
	(*h)[i].rests, (*h)[j].rests = i+1, j+1
}

// Push implements heap.Interface.
func (h *gateHeap) Push(x any) {
	g := x.(*gate)
	*h = append(*h, g)
	g.rests = len(*h)
}

// Pop implements heap.Interface.
func (h *gateHeap) Pop() any {
	last := len(*h) - 1
	g := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	g.rests = 0
	return g
}
