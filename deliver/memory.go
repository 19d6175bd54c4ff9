package deliver

import (
	"bytes"
	"container/heap"
	"context"
	"crypto/sha256"
	"slices"
	"strconv"
	"sync"
	"time"
)

const (
	defaultMaxOpen      = 65_536
	defaultKeepFinished = 65_536

	maxRecords = 100 // of a delivery
)

// MemoryOptions are the choices of [NewMemory]. The zero value is the defaults.
type MemoryOptions struct {
	// MaxOpen is how many messages of all tenants together may be unfinished at a
	// time; one more is ErrFull. 0 means 65,536, negative no bound.
	MaxOpen int

	// KeepFinished is how many finished messages are remembered, without their
	// bodies, for idempotence and lookups; the first to finish is the first to
	// go. 0 means 65,536, negative none.
	KeepFinished int
}

// Memory is a [Store] in the memory of one process, for tests and first steps:
// nothing survives the process. Dispatchers of the process may share it. It is
// safe for concurrent use. The zero value is of no use; see [NewMemory].
type Memory struct {
	maxOpen int
	keep    int

	mu         sync.Mutex
	lastToken  int64
	lastID     int64
	open       int
	messages   map[string]*memMessage // by key
	deliveries map[string]*memDelivery
	endpoints  map[string]*memEndpoint
	active     []string // sorted ids of the endpoints with ready deliveries that are not paused
	pending    fifo[*memMessage]
	finished   fifo[*memMessage]
	timers     timers
	owners     map[string]time.Time // by when their slots' lease runs out
	slots      [SlotCount]memSlot
}

type memMessage struct {
	timer      timer // while claimed for fan-out, or given back
	key        string
	msg        *Message
	digest     [sha256.Size]byte // once finished, when the body is gone
	enqueued   time.Time
	token      int64 // of the claim for fan-out; 0 if none is good
	tries      int
	givenBack  bool // and not pending again yet
	fannedOut  bool
	finished   bool
	unfinished int // deliveries
	deliveries []*memDelivery
}

type memDelivery struct {
	timer    timer // while claimed or not due
	id       string
	message  *memMessage
	endpoint *memEndpoint
	state    State
	token    int64 // of the last claim; 0 if its lease ran out
	history  History
	records  []Record
}

type memEndpoint struct {
	timer  timer // while paused
	id     string
	slot   int
	paused bool
	until  time.Time
	ready  fifo[*memDelivery]
	open   int // deliveries not final
}

type memSlot struct {
	owner   string
	leaving bool // given up, but with claims still leased
	claims  int  // leased now
}

// NewMemory makes an empty store; nil options are the defaults.
func NewMemory(opts *MemoryOptions) *Memory {
	if opts == nil {
		opts = &MemoryOptions{}
	}
	m := &Memory{
		maxOpen:    opts.MaxOpen,
		keep:       max(opts.KeepFinished, 0),
		messages:   make(map[string]*memMessage),
		deliveries: make(map[string]*memDelivery),
		endpoints:  make(map[string]*memEndpoint),
		owners:     make(map[string]time.Time),
	}
	if opts.MaxOpen == 0 {
		m.maxOpen = defaultMaxOpen
	}
	if opts.KeepFinished == 0 {
		m.keep = defaultKeepFinished
	}
	return m
}

// lock locks the store and makes everything happen that was due by now.
func (m *Memory) lock() time.Time {
	m.mu.Lock()
	now := time.Now()
	for len(m.timers) > 0 && !m.timers[0].at.After(now) {
		t := heap.Pop(&m.timers).(*timer)
		switch {
		case t.message != nil:
			t.message.token, t.message.givenBack = 0, false
			m.pending.push(t.message)
		case t.endpoint != nil:
			t.endpoint.paused = false
			m.activate(t.endpoint)
			m.forget(t.endpoint)
		case t.delivery.state == Claimed:
			m.expire(t.delivery)
		default:
			m.makeReady(t.delivery)
		}
	}
	return now
}

// expire ends a claim whose lease ran out.
func (m *Memory) expire(d *memDelivery) {
	m.unclaim(d)
	d.token = 0
	d.history.Attempts++
	d.history.Unknown++
	d.record(Record{Attempt: d.history.Attempts, Reason: ReasonUnknown})
	m.makeReady(d)
}

// record keeps the log of a delivery from growing without bound.
func (d *memDelivery) record(r Record) {
	if len(d.records) == maxRecords {
		d.records = slices.Delete(d.records, 0, 1)
	}
	d.records = append(d.records, r)
}

func (m *Memory) unclaim(d *memDelivery) {
	d.state = Scheduled
	m.slots[d.endpoint.slot].claims--
}

func (m *Memory) makeReady(d *memDelivery) {
	d.endpoint.ready.push(d)
	m.activate(d.endpoint)
}

// activate puts an endpoint that has something to do in the walk of Ready, and
// takes one that has not out of it.
func (m *Memory) activate(e *memEndpoint) {
	i, found := slices.BinarySearch(m.active, e.id)
	wanted := !e.paused && e.ready.len() > 0
	switch {
	case wanted && !found:
		m.active = slices.Insert(m.active, i, e.id)
	case !wanted && found:
		m.active = slices.Delete(m.active, i, i+1)
	}
}

// forget drops an endpoint of which nothing is left to know.
func (m *Memory) forget(e *memEndpoint) {
	if e.open == 0 && !e.paused {
		delete(m.endpoints, e.id)
	}
}

func (m *Memory) token() int64 {
	m.lastToken++
	return m.lastToken
}

// messageKey is unambiguous, since an id has no slash.
func messageKey(tenant, id string) string { return tenant + "/" + id }

// Enqueue implements [Store].
func (m *Memory) Enqueue(ctx context.Context, msg *Message) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	now := m.lock()
	defer m.mu.Unlock()
	key := messageKey(msg.Tenant, msg.ID)
	if old := m.messages[key]; old != nil {
		if !old.same(msg) {
			return ErrConflict
		}
		return nil
	}
	if m.maxOpen >= 0 && m.open >= m.maxOpen {
		return ErrFull
	}
	own := *msg
	own.Body = bytes.Clone(msg.Body)
	stored := &memMessage{key: key, msg: &own, enqueued: now}
	stored.timer.message = stored
	m.messages[key] = stored
	m.open++
	m.pending.push(stored)
	return nil
}

func (s *memMessage) same(msg *Message) bool {
	if s.msg.Topic != msg.Topic || s.msg.ContentType != msg.ContentType {
		return false
	}
	if s.finished {
		return s.digest == sha256.Sum256(msg.Body)
	}
	return bytes.Equal(s.msg.Body, msg.Body)
}

// Own implements [Store].
func (m *Memory) Own(ctx context.Context, owner string, ttl time.Duration) (Slots, error) {
	if err := ctx.Err(); err != nil {
		return Slots{}, err
	}
	now := m.lock()
	defer m.mu.Unlock()
	for o, until := range m.owners {
		if !until.After(now) {
			delete(m.owners, o)
		}
	}
	share := 0
	if ttl > 0 {
		m.owners[owner] = now.Add(ttl)
		share = m.share(owner)
	} else {
		delete(m.owners, owner)
	}
	held := Slots{Owner: owner}
	n := 0
	for i := range m.slots {
		s := &m.slots[i]
		if s.owner == owner && !s.leaving {
			held.Add(i)
			n++
		}
	}
	if n > share {
		return m.leave(held, n-share), nil
	}
	for i := 0; i < SlotCount && n < share; i++ {
		s := &m.slots[i]
		_, alive := m.owners[s.owner]
		if held.Has(i) || s.owner != owner && (s.claims > 0 || alive && !s.leaving) {
			continue
		}
		s.owner, s.leaving = owner, false
		held.Add(i)
		n++
	}
	return held, nil
}

// share is how many slots an owner may have: the owners that come first by name
// get what division leaves over.
func (m *Memory) share(owner string) int {
	before := 0
	for o := range m.owners {
		if o < owner {
			before++
		}
	}
	n := SlotCount / len(m.owners)
	if before < SlotCount%len(m.owners) {
		n++
	}
	return n
}

// leave takes n slots from an owner: first those without a claim, then others,
// which nobody gets before their claims have ended.
func (m *Memory) leave(held Slots, n int) Slots {
	for _, busy := range []bool{false, true} {
		for i := range m.slots {
			s := &m.slots[i]
			if n > 0 && held.Has(i) && !s.leaving && (s.claims > 0) == busy {
				s.leaving = true
				n--
			}
		}
	}
	left := Slots{Owner: held.Owner}
	for i := range m.slots {
		if held.Has(i) && !m.slots[i].leaving {
			left.Add(i)
		}
	}
	return left
}

// holds reports whether the slots' owner still has the slot.
func (m *Memory) holds(slots Slots, slot int, now time.Time) bool {
	s := &m.slots[slot]
	return slots.Has(slot) && s.owner == slots.Owner && !s.leaving && m.owners[s.owner].After(now)
}

// Pending implements [Store].
func (m *Memory) Pending(ctx context.Context, limit int, lease time.Duration) ([]Pending, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	now := m.lock()
	defer m.mu.Unlock()
	var claimed []Pending
	for len(claimed) < limit && m.pending.len() > 0 {
		s := m.pending.pop()
		s.token = m.token()
		m.timers.set(&s.timer, now.Add(lease))
		claimed = append(claimed, Pending{Fence: Fence{ID: s.key, Token: s.token}, Message: s.msg, Tries: s.tries})
	}
	return claimed, nil
}

// FanOut implements [Store].
func (m *Memory) FanOut(ctx context.Context, plans []Plan) (lost []Fence, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	now := m.lock()
	defer m.mu.Unlock()
	for _, p := range plans {
		s := m.messages[p.Fence.ID]
		switch {
		case s == nil || s.token != p.Fence.Token:
			lost = append(lost, p.Fence)
		case s.fannedOut || s.givenBack: // carried out before
		case p.Again > 0:
			s.tries++
			s.givenBack = true
			m.timers.set(&s.timer, now.Add(p.Again))
		default:
			m.timers.unset(&s.timer)
			m.fanOut(s, p.EndpointIDs)
		}
	}
	return lost, nil
}

func (m *Memory) fanOut(s *memMessage, endpointIDs []string) {
	s.fannedOut = true
	for _, id := range endpointIDs {
		e := m.endpoints[id]
		if e == nil {
			e = &memEndpoint{id: id, slot: Slot(id)}
			e.timer.endpoint = e
			m.endpoints[id] = e
		}
		e.open++
		m.lastID++
		d := &memDelivery{id: "dlv_" + strconv.FormatInt(m.lastID, 10), message: s, endpoint: e}
		d.timer.delivery = d
		m.deliveries[d.id] = d
		s.deliveries = append(s.deliveries, d)
		m.makeReady(d)
	}
	s.unfinished = len(s.deliveries)
	if s.unfinished == 0 {
		m.finish(s)
	}
}

// finish drops a message's body, and the oldest finished message if there are
// too many.
func (m *Memory) finish(s *memMessage) {
	s.finished = true
	s.digest = sha256.Sum256(s.msg.Body)
	bare := *s.msg // a worker that lost its lease may still read the old one
	bare.Body = nil
	s.msg = &bare
	m.open--
	m.finished.push(s)
	for m.finished.len() > m.keep {
		old := m.finished.pop()
		delete(m.messages, old.key)
		for _, d := range old.deliveries {
			delete(m.deliveries, d.id)
		}
	}
}

// Ready implements [Store].
func (m *Memory) Ready(ctx context.Context, slots Slots, after string, limit int) (backlogs []Backlog, next time.Duration, err error) {
	if err := ctx.Err(); err != nil {
		return nil, 0, err
	}
	now := m.lock()
	defer m.mu.Unlock()
	i, found := slices.BinarySearch(m.active, after)
	if found {
		i++
	}
	for ; i < len(m.active) && len(backlogs) < limit; i++ {
		if e := m.endpoints[m.active[i]]; m.holds(slots, e.slot, now) {
			backlogs = append(backlogs, Backlog{EndpointID: e.id, Count: e.ready.len()})
		}
	}
	if len(m.timers) > 0 {
		next = m.timers[0].at.Sub(now)
	}
	return backlogs, next, nil
}

// Claim implements [Store].
func (m *Memory) Claim(ctx context.Context, slots Slots, wants []Want, lease time.Duration) ([]Claim, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	now := m.lock()
	defer m.mu.Unlock()
	var claims []Claim
	for _, w := range wants {
		e := m.endpoints[w.EndpointID]
		if e == nil || e.paused || !m.holds(slots, e.slot, now) {
			continue
		}
		for range min(w.Count, e.ready.len()) {
			claims = append(claims, m.claim(e.ready.pop(), now, lease))
		}
		m.activate(e)
	}
	return claims, nil
}

func (m *Memory) claim(d *memDelivery, now time.Time, lease time.Duration) Claim {
	d.state = Claimed
	d.token = m.token()
	m.slots[d.endpoint.slot].claims++
	m.timers.set(&d.timer, now.Add(lease))
	c := Claim{
		Fence:      Fence{ID: d.id, Token: d.token},
		EndpointID: d.endpoint.id,
		Message:    d.message.msg,
		History:    d.history,
	}
	c.History.Age = now.Sub(d.message.enqueued)
	return c
}

// Extend implements [Store].
func (m *Memory) Extend(ctx context.Context, fences []Fence, lease time.Duration) (lost []Fence, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	now := m.lock()
	defer m.mu.Unlock()
	for _, f := range fences {
		d := m.deliveries[f.ID]
		if d == nil || d.token != f.Token || d.state != Claimed {
			lost = append(lost, f)
			continue
		}
		m.timers.set(&d.timer, now.Add(lease))
	}
	return lost, nil
}

// Settle implements [Store].
func (m *Memory) Settle(ctx context.Context, settlements []Settlement) (lost []Fence, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if slices.ContainsFunc(settlements, func(s Settlement) bool { return s.State == Claimed }) {
		return nil, invalid("a settlement cannot leave its delivery claimed")
	}
	now := m.lock()
	defer m.mu.Unlock()
	for _, s := range settlements {
		d := m.deliveries[s.Fence.ID]
		switch {
		case d == nil || d.token != s.Fence.Token:
			lost = append(lost, s.Fence)
		case d.state == Claimed: // otherwise it was settled before
			m.settle(d, s, now)
		}
	}
	return lost, nil
}

func (m *Memory) settle(d *memDelivery, s Settlement, now time.Time) {
	m.timers.unset(&d.timer)
	m.unclaim(d)
	d.state = s.State
	d.history = s.History
	d.record(s.Record)
	e := d.endpoint
	if until := now.Add(s.Pause); s.Pause > 0 && (!e.paused || until.After(e.until)) {
		e.paused, e.until = true, until
		m.timers.set(&e.timer, until)
		m.activate(e)
	}
	switch {
	case s.State.Final():
		e.open--
		m.forget(e)
		d.message.unfinished--
		if d.message.unfinished == 0 {
			m.finish(d.message)
		}
	case s.After > 0:
		m.timers.set(&d.timer, now.Add(s.After))
	default:
		m.makeReady(d)
	}
}

// Counts says how much there is in a [Memory].
type Counts struct {
	Pending    int           // messages that await fan-out
	Open       int           // messages not finished, the pending ones included
	Deliveries map[State]int // of the messages that are open or still remembered
}

// Counts counts what is there now, looking at everything.
func (m *Memory) Counts() Counts {
	m.lock()
	defer m.mu.Unlock()
	c := Counts{Open: m.open, Deliveries: make(map[State]int)}
	for _, s := range m.messages {
		if !s.fannedOut {
			c.Pending++
		}
	}
	for _, d := range m.deliveries {
		c.Deliveries[d.state]++
	}
	return c
}

// Delivery is what a [Memory] tells of one message to one endpoint.
type Delivery struct {
	ID         string
	EndpointID string
	State      State
	History    History  // with the age of the message
	Records    []Record // the last 100 attempts, the caller's own
}

// Deliveries returns those of a message in the order of its fan-out: none
// before that, and none of a message that is unknown or no longer remembered.
func (m *Memory) Deliveries(tenant, messageID string) []Delivery {
	now := m.lock()
	defer m.mu.Unlock()
	s := m.messages[messageKey(tenant, messageID)]
	if s == nil {
		return nil
	}
	list := make([]Delivery, len(s.deliveries))
	for i, d := range s.deliveries {
		list[i] = Delivery{ID: d.id, EndpointID: d.endpoint.id, State: d.state, History: d.history, Records: slices.Clone(d.records)}
		list[i].History.Age = now.Sub(s.enqueued)
	}
	return list
}

// timer belongs to the one thing that waits for it.
type timer struct {
	at       time.Time
	index    int // in the heap, from 1; 0 if it is not there
	message  *memMessage
	delivery *memDelivery
	endpoint *memEndpoint
}

// timers is a heap with the next due on top.
type timers []*timer

func (t *timers) set(x *timer, at time.Time) {
	x.at = at
	if x.index > 0 {
		heap.Fix(t, x.index-1)
		return
	}
	heap.Push(t, x)
}

func (t *timers) unset(x *timer) {
	if x.index > 0 {
		heap.Remove(t, x.index-1)
	}
}

// Len implements heap.Interface.
func (t *timers) Len() int { return len(*t) }

// Less implements heap.Interface.
func (t *timers) Less(i, j int) bool { return (*t)[i].at.Before((*t)[j].at) }

// Swap implements heap.Interface.
func (t *timers) Swap(i, j int) {
	(*t)[i], (*t)[j] = (*t)[j], (*t)[i]
	(*t)[i].index, (*t)[j].index = i+1, j+1
}

// Push implements heap.Interface.
func (t *timers) Push(x any) {
	added := x.(*timer)
	*t = append(*t, added)
	added.index = len(*t)
}

// Pop implements heap.Interface.
func (t *timers) Pop() any {
	last := len(*t) - 1
	x := (*t)[last]
	(*t)[last] = nil
	*t = (*t)[:last]
	x.index = 0
	return x
}

// fifo is a queue; its zero value is empty.
type fifo[T any] struct {
	items []T
	head  int
}

func (q *fifo[T]) len() int { return len(q.items) - q.head }

func (q *fifo[T]) push(x T) { q.items = append(q.items, x) }

func (q *fifo[T]) pop() T {
	x := q.items[q.head]
	var none T
	q.items[q.head] = none
	q.head++
	if 2*q.head >= len(q.items) {
		n := copy(q.items, q.items[q.head:])
		clear(q.items[n:])
		q.items, q.head = q.items[:n], 0
	}
	return x
}
