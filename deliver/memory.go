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
	defaultKeepBytes    = 64 << 20

	maxRecords = 100 // of a delivery
	maxStale   = 64  // finishes out of date, and as many as are good
	maxAlong   = 16  // messages of one key that are handed out in one turn
)

// MemoryOptions are the choices of [NewMemory]. The zero value is the defaults.
type MemoryOptions struct {
	// MaxOpen is how many messages of all tenants together may be unfinished at a
	// time; one more is ErrFull. 0 means 65,536, negative no bound.
	MaxOpen int

	// KeepFinished is how many finished messages are remembered for idempotence,
	// lookups and replays; the first to finish is the first to go. 0 means 65,536,
	// negative none.
	KeepFinished int

	// KeepBytes is how many bytes the bodies of finished messages may have together;
	// beyond that the first to finish is the first to be purged. 0 means 64 MiB,
	// negative none.
	KeepBytes int
}

// Memory is a [Store] and a [Ledger] in the memory of one process, for tests and
// first steps: nothing survives the process. Dispatchers of the process may share
// it. It is safe for concurrent use. The zero value is of no use; see [NewMemory].
type Memory struct {
	maxOpen   int
	keep      int
	keepBytes int

	mu         sync.Mutex
	lastToken  int64
	lastID     int64
	open       int                    // messages not finished
	awaiting   int                    // those of them that are not fanned out
	messages   map[string]*memMessage // by messageID, which is that of its fence
	deliveries map[string]*memDelivery
	log        []*memDelivery // all of them in the order they were made, and some that are forgotten
	forgotten  int            // of log
	endpoints  map[string]*memEndpoint
	tenants    map[string]*memTenant
	turns      fifo[*memTenant] // tenants with pending messages
	fanLanes   map[lane]*fifo[*memMessage]
	finished   fifo[finish] // messages in the order they finished; some are open again
	bodies     fifo[finish] // those of them that may still have a body
	bodyBytes  int          // of finished messages
	kept       int          // finished messages
	timers     timers
	owners     map[string]time.Time // by when their slots' lease runs out
	slots      [SlotCount]memSlot
}

// messageID is the id of a message among those of all tenants: no '/' is in an id.
func messageID(tenant, id string) string { return tenant + "/" + id }

// lane is what has to keep its order: the messages of a tenant and key until they
// are fanned out, or the deliveries of an endpoint and key.
type lane struct{ owner, key string }

type memTenant struct {
	pending fifo[*memMessage]
	queued  bool
}

// finish is a message that finished; it is out of date once the message is open
// again.
type finish struct {
	message *memMessage
	number  int
}

type memMessage struct {
	timer      timer // while delayed, claimed for fan-out, or given back
	id         string
	msg        *Message
	digest     [sha256.Size]byte // once the body is gone
	size       int               // of the body while the message is finished
	purged     bool
	due        time.Time // accepted, and the delay over
	token      int64     // of the claim for fan-out; 0 if none is good
	tries      int
	inLane     bool  // of its key
	waits      bool  // delayed or given back
	number     int64 // in the order of Enqueue
	fannedOut  bool
	finished   int // how often; see finish
	done       bool
	doneAt     time.Time
	unfinished int // deliveries
	deliveries []*memDelivery
}

type memDelivery struct {
	timer    timer // while claimed or not due
	number   int64
	id       string
	message  *memMessage
	endpoint *memEndpoint
	ordered  bool
	lane     *fifo[*memDelivery] // nil if it is not ordered, or final
	state    State
	queue    *readyQueue // in which it is ready
	token    int64       // of the last claim; 0 if it is no longer good
	history  History
	since    time.Time // what its age counts from
	changed  time.Time // made, replayed or settled for good
	records  []Record
	first    [1]Record // where most records are
	gone     bool      // forgotten
}

type memEndpoint struct {
	timer    timer // while paused
	id       string
	tenant   string
	slot     int
	paused   bool
	until    time.Time
	disabled bool
	cause    Cause
	since    time.Time // of the pause or disabling
	failing  time.Time // first failure since the last success
	failed   time.Time // last failure
	away     time.Time // first 410 since the last success
	resumed  int64     // the last token before that
	fresh    readyQueue
	retries  readyQueue
	open     int // deliveries not final
	lanes    map[string]*fifo[*memDelivery]
}

// readyQueue holds what is ready; what was called off stays in the list until it
// comes up.
type readyQueue struct {
	fifo[*memDelivery]
	count int
}

func (q *readyQueue) add(d *memDelivery) {
	d.queue = q
	q.count++
	q.push(d)
}

func (q *readyQueue) next() *memDelivery {
	for {
		if d := q.pop(); d.queue == q {
			q.drop(d)
			return d
		}
	}
}

func (q *readyQueue) drop(d *memDelivery) {
	d.queue = nil
	q.count--
}

type memSlot struct {
	owner   string
	leaving bool     // given up, but with claims still leased
	claims  int      // leased now
	active  []string // sorted ids of the endpoints with ready deliveries that may go
}

// NewMemory makes an empty store; nil options are the defaults.
func NewMemory(opts *MemoryOptions) *Memory {
	if opts == nil {
		opts = &MemoryOptions{}
	}
	return &Memory{
		maxOpen:    or(opts.MaxOpen, defaultMaxOpen),
		keep:       max(or(opts.KeepFinished, defaultKeepFinished), 0),
		keepBytes:  max(or(opts.KeepBytes, defaultKeepBytes), 0),
		messages:   make(map[string]*memMessage),
		deliveries: make(map[string]*memDelivery),
		endpoints:  make(map[string]*memEndpoint),
		tenants:    make(map[string]*memTenant),
		fanLanes:   make(map[lane]*fifo[*memMessage]),
		owners:     make(map[string]time.Time),
	}
}

// lock locks the store and makes everything happen that was due by now.
func (m *Memory) lock() time.Time {
	m.mu.Lock()
	now := time.Now()
	for len(m.timers) > 0 && !m.timers[0].at.After(now) {
		t := heap.Pop(&m.timers).(*timer)
		switch {
		case t.message != nil:
			m.arrive(t.message)
		case t.endpoint != nil:
			t.endpoint.paused = false
			if !t.endpoint.disabled {
				t.endpoint.cause = ""
			}
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

// arrive makes a message pending: a new one, or one whose delay, claim or wait is
// over. One with a key goes behind those of its key that are still to be fanned out.
func (m *Memory) arrive(s *memMessage) {
	s.token, s.waits = 0, false
	if s.msg.Key != "" {
		q := m.fanLanes[s.lane()]
		if q == nil {
			q = &fifo[*memMessage]{}
			m.fanLanes[s.lane()] = q
		}
		if !s.inLane {
			s.inLane = true
			q.push(s)
		}
		if q.peek() != s {
			return // it is taken along with the one before it, or promoted
		}
	}
	m.queue(s)
}

func (m *Memory) queue(s *memMessage) {
	t := m.tenants[s.msg.Tenant]
	if t == nil {
		t = &memTenant{}
		m.tenants[s.msg.Tenant] = t
	}
	t.pending.push(s)
	if !t.queued {
		t.queued = true
		m.turns.push(t)
	}
}

func (s *memMessage) lane() lane { return lane{s.msg.Tenant, s.msg.Key} }

// leave takes a message out of the lane of its key and promotes the next one.
func (m *Memory) leaveLane(s *memMessage) {
	if !s.inLane {
		return
	}
	s.inLane = false
	q := m.fanLanes[s.lane()]
	wasFirst := q.peek() == s
	q.remove(s)
	if q.len() == 0 {
		delete(m.fanLanes, s.lane())
		return
	}
	if next := q.peek(); wasFirst && next.token == 0 {
		m.queue(next)
	}
}

// expire ends a claim whose lease ran out.
func (m *Memory) expire(d *memDelivery) {
	m.unclaim(d)
	d.token = 0
	d.history.Attempts++
	d.history.Unknown++
	d.record(Record{Attempt: d.history.Attempts, Replay: d.history.Replays, Reason: ReasonUnknown})
	if d.endpoint.disabled {
		m.abandon(d, time.Now())
		return
	}
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
	if d.history.Fresh() {
		d.endpoint.fresh.add(d)
	} else {
		d.endpoint.retries.add(d)
	}
	m.activate(d.endpoint)
}

// activate puts an endpoint that has something to do in the walk of Ready, and
// takes one that has not out of it.
func (m *Memory) activate(e *memEndpoint) {
	s := &m.slots[e.slot]
	i, found := slices.BinarySearch(s.active, e.id)
	wanted := !e.paused && !e.disabled && e.fresh.count+e.retries.count > 0
	switch {
	case wanted && !found:
		s.active = slices.Insert(s.active, i, e.id)
	case !wanted && found:
		s.active = slices.Delete(s.active, i, i+1)
	}
}

func (m *Memory) endpoint(id, tenant string) *memEndpoint {
	e := m.endpoints[id]
	if e == nil {
		e = &memEndpoint{id: id, tenant: tenant, slot: Slot(id)}
		e.timer.endpoint = e
		m.endpoints[id] = e
	}
	e.tenant = or(e.tenant, tenant)
	return e
}

// forget drops an endpoint of which nothing is left to know.
func (m *Memory) forget(e *memEndpoint) {
	if e.open == 0 && !e.paused && !e.disabled && e.failing.IsZero() {
		delete(m.endpoints, e.id)
	}
}

func (m *Memory) token() int64 {
	m.lastToken++
	return m.lastToken
}

// Enqueue implements [Store].
func (m *Memory) Enqueue(ctx context.Context, messages ...*Message) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	now := m.lock()
	defer m.mu.Unlock()
	added := make([]*memMessage, 0, len(messages))
	var batch map[string]*memMessage
	if len(messages) > 1 {
		batch = make(map[string]*memMessage, len(messages))
	}
	for _, msg := range messages {
		id := messageID(msg.Tenant, msg.ID)
		old := m.messages[id]
		if old == nil {
			old = batch[id]
		}
		if old != nil {
			if !old.same(msg) {
				return ErrConflict
			}
			continue
		}
		own := *msg
		own.Body = bytes.Clone(msg.Body)
		s := &memMessage{id: id, msg: &own, size: len(own.Body), due: now.Add(max(msg.Delay, 0))}
		s.timer.message = s
		if batch != nil {
			batch[id] = s
		}
		added = append(added, s)
	}
	if m.maxOpen >= 0 && len(added) > 0 && m.open+len(added) > m.maxOpen {
		return ErrFull
	}
	for _, s := range added {
		m.messages[s.id] = s
		m.lastID++
		s.number = m.lastID
		m.open++
		m.awaiting++
		if s.due.After(now) {
			s.waits = true
			m.timers.set(&s.timer, s.due)
		} else {
			m.arrive(s)
		}
	}
	return nil
}

func (s *memMessage) same(msg *Message) bool {
	if s.msg.Topic != msg.Topic || s.msg.ContentType != msg.ContentType {
		return false
	}
	if s.purged {
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
func (m *Memory) Pending(ctx context.Context, limit int, lease time.Duration) (batch []Pending, next time.Duration, err error) {
	if err := ctx.Err(); err != nil {
		return nil, 0, err
	}
	now := m.lock()
	defer m.mu.Unlock()
	until := now.Add(lease)
	for len(batch) < limit && m.turns.len() > 0 {
		t := m.turns.pop()
		s := t.pending.pop()
		t.queued = t.pending.len() > 0
		if t.queued {
			m.turns.push(t)
		} else {
			delete(m.tenants, s.msg.Tenant)
		}
		if s.fannedOut || s.token != 0 || s.waits { // called off, or taken along before
			continue
		}
		batch = append(batch, m.lend(s, until))
		if q := m.fanLanes[s.lane()]; s.inLane {
			for i := q.head + 1; i < len(q.items) && len(batch) < limit && i <= q.head+maxAlong; i++ {
				if along := q.items[i]; along.token == 0 {
					batch = append(batch, m.lend(along, until))
					continue
				}
				break
			}
		}
	}
	if m.turns.len() == 0 && len(m.timers) > 0 {
		next = m.timers[0].at.Sub(now)
	}
	return batch, next, nil
}

func (m *Memory) lend(s *memMessage, until time.Time) Pending {
	s.token = m.token()
	m.timers.set(&s.timer, until)
	return Pending{Fence: Fence{ID: s.id, Token: s.token}, Message: s.msg, Tries: s.tries}
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
		case s.fannedOut || s.waits: // carried out before
		case p.Again > 0:
			s.tries++
			s.waits = true
			m.timers.set(&s.timer, now.Add(p.Again))
		case s.inLane && m.fanLanes[s.lane()].peek() != s:
			lost = append(lost, p.Fence)
		default:
			m.timers.unset(&s.timer)
			m.fanOut(s, p.Targets, now)
		}
	}
	return lost, nil
}

func (m *Memory) fanOut(s *memMessage, targets []Target, now time.Time) {
	s.fannedOut = true
	m.awaiting--
	m.leaveLane(s)
	s.unfinished = len(targets)
	made := make([]memDelivery, len(targets)) // they are forgotten together
	s.deliveries = make([]*memDelivery, 0, len(targets))
	var id [24]byte
	for i, t := range targets {
		e := m.endpoint(t.EndpointID, s.msg.Tenant)
		m.lastID++
		d := &made[i]
		*d = memDelivery{
			number: m.lastID, id: string(strconv.AppendInt(append(id[:0], "dlv_"...), m.lastID, 10)),
			message: s, endpoint: e, ordered: t.Ordered && s.msg.Key != "", since: s.due, changed: now,
		}
		d.timer.delivery, d.records = d, d.first[:0]
		m.deliveries[d.id] = d
		m.log = append(m.log, d)
		s.deliveries = append(s.deliveries, d)
		e.open++
		if e.disabled {
			m.abandon(d, now)
			continue
		}
		m.enter(d)
	}
	if len(targets) == 0 {
		m.finish(s, now)
	}
}

// enter makes a delivery ready, or lets it wait in its lane.
func (m *Memory) enter(d *memDelivery) {
	if d.ordered {
		e, key := d.endpoint, d.message.msg.Key
		d.lane = e.lanes[key]
		if d.lane == nil {
			if e.lanes == nil {
				e.lanes = make(map[string]*fifo[*memDelivery])
			}
			d.lane = &fifo[*memDelivery]{}
			e.lanes[key] = d.lane
		}
		d.lane.push(d)
		if d.lane.peek() != d {
			return
		}
	}
	m.makeReady(d)
}

// end makes a delivery final, and ready what waited for it in its lane.
func (m *Memory) end(d *memDelivery, state State, now time.Time) {
	d.state, d.changed = state, now
	m.timers.unset(&d.timer)
	e := d.endpoint
	if d.queue != nil {
		d.queue.drop(d)
		m.activate(e)
	}
	if q := d.lane; q != nil {
		wasFirst := q.peek() == d
		q.remove(d)
		d.lane = nil
		switch {
		case q.len() == 0:
			delete(e.lanes, d.message.msg.Key)
		case wasFirst:
			m.makeReady(q.peek())
		}
	}
	e.open--
	m.forget(e)
	s := d.message
	s.unfinished--
	if s.unfinished == 0 {
		m.finish(s, now)
	}
}

// abandon gives up a delivery whose endpoint is disabled.
func (m *Memory) abandon(d *memDelivery, now time.Time) {
	d.record(Record{Attempt: d.history.Attempts + 1, Replay: d.history.Replays, Reason: ReasonDisabled})
	m.end(d, Abandoned, now)
}

// finish closes a message, and drops the oldest finished ones and the oldest bodies
// if there are too many.
func (m *Memory) finish(s *memMessage, now time.Time) {
	s.done, s.doneAt = true, now
	s.finished++
	m.open--
	m.kept++
	m.finished.push(finish{s, s.finished})
	if !s.purged {
		m.bodyBytes += s.size
		m.bodies.push(finish{s, s.finished})
	}
	if m.finished.len() > 2*m.kept+maxStale {
		m.finished.keep(finish.isGood)
		m.bodies.keep(finish.isGood)
	}
	for m.kept > m.keep {
		if old := m.finished.pop(); old.isGood() {
			m.drop(old.message)
		}
	}
	for m.bodyBytes > m.keepBytes {
		if old := m.bodies.pop(); old.isGood() && !old.message.purged {
			m.purge(old.message)
		}
	}
	for m.bodies.len() > 0 && !m.bodies.peek().isGood() {
		m.bodies.pop() // it would keep the message from being collected
	}
}

func (f finish) isGood() bool { return f.message.done && f.message.finished == f.number }

// purge removes the body of a finished message.
func (m *Memory) purge(s *memMessage) {
	s.purged = true
	s.digest = sha256.Sum256(s.msg.Body)
	m.bodyBytes -= s.size
	bare := *s.msg // a worker that lost its lease may still read the old one
	bare.Body = nil
	s.msg = &bare
}

// drop forgets a finished message.
func (m *Memory) drop(s *memMessage) {
	if !s.purged {
		m.bodyBytes -= s.size
	}
	s.done = false // the entry in bodies is no good either
	m.kept--
	delete(m.messages, s.id)
	for _, d := range s.deliveries {
		d.gone = true
		delete(m.deliveries, d.id)
	}
	m.forgotten += len(s.deliveries)
	if 2*m.forgotten > len(m.log) {
		m.log = slices.DeleteFunc(m.log, func(d *memDelivery) bool { return d.gone })
		m.forgotten = 0
	}
}

// Ready implements [Store]. It walks by slot, and by id within a slot.
func (m *Memory) Ready(ctx context.Context, slots Slots, after string, limit int) (backlogs []Backlog, next time.Duration, err error) {
	if err := ctx.Err(); err != nil {
		return nil, 0, err
	}
	now := m.lock()
	defer m.mu.Unlock()
	begin := 0
	if after != "" {
		begin = Slot(after)
	}
	for slot := begin; slot < SlotCount && len(backlogs) < limit; slot++ {
		active := m.slots[slot].active
		if len(active) == 0 || !m.holds(slots, slot, now) {
			continue
		}
		if slot == begin && after != "" {
			i, found := slices.BinarySearch(active, after)
			if found {
				i++
			}
			active = active[i:]
		}
		for _, id := range active[:min(len(active), limit-len(backlogs))] {
			e := m.endpoints[id]
			backlogs = append(backlogs, Backlog{EndpointID: e.id, Tenant: e.tenant, First: e.fresh.count, Retries: e.retries.count})
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
	wanted := 0
	for _, w := range wants {
		wanted += w.First + w.Retries
	}
	claims := make([]Claim, 0, min(wanted, len(m.deliveries)))
	for _, w := range wants {
		e := m.endpoints[w.EndpointID]
		if e == nil || e.paused || e.disabled || !m.holds(slots, e.slot, now) {
			continue
		}
		for range min(w.First, e.fresh.count) {
			claims = append(claims, m.claim(e.fresh.next(), now, lease))
		}
		for range min(w.Retries, e.retries.count) {
			claims = append(claims, m.claim(e.retries.next(), now, lease))
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
	c.History.Age = now.Sub(d.since)
	c.History.Health = d.endpoint.health(now)
	return c
}

func (e *memEndpoint) health(now time.Time) (h Health) {
	if !e.failing.IsZero() {
		h.Failing, h.Spread = now.Sub(e.failing), e.failed.Sub(e.failing)
	}
	if !e.away.IsZero() {
		h.Gone = now.Sub(e.away)
	}
	return h
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
	d.history = s.History
	d.history.Age, d.history.Health = 0, Health{}
	d.record(s.Record)
	e := d.endpoint
	effect := s.Endpoint
	if d.token <= e.resumed { // it speaks of what has been forgiven
		effect = Effect{}
		if s.Endpoint.Signal == SignalSuccess {
			effect.Signal = SignalSuccess
		}
	}
	m.signal(e, effect.Signal, now)
	m.affect(e, effect, now)
	switch {
	case s.State.Final():
		m.end(d, s.State, now)
	case e.disabled:
		m.abandon(d, now)
	case s.After > 0:
		m.timers.set(&d.timer, now.Add(s.After))
	default:
		m.makeReady(d)
	}
	if effect.Disable {
		m.clear(e, now)
	}
}

func (m *Memory) signal(e *memEndpoint, s Signal, now time.Time) {
	switch s {
	case SignalNone:
		return
	case SignalSuccess:
		e.failing, e.failed, e.away = time.Time{}, time.Time{}, time.Time{}
		return
	case SignalGone:
		if e.away.IsZero() {
			e.away = now
		}
	case SignalFailure:
	}
	if e.failing.IsZero() {
		e.failing = now
	}
	e.failed = now
}

// affect pauses or disables an endpoint.
func (m *Memory) affect(e *memEndpoint, f Effect, now time.Time) {
	if f.Disable && !e.disabled {
		e.disabled, e.cause, e.since = true, f.Cause, now
	}
	if until := now.Add(f.Pause); f.Pause > 0 && (!e.paused || until.After(e.until)) {
		if !e.paused && !e.disabled {
			e.since = now
		}
		e.paused, e.until = true, until
		if !e.disabled {
			e.cause = f.Cause
		}
		m.timers.set(&e.timer, until)
	}
	m.activate(e)
}

// clear abandons what a disabled endpoint has open, but for what is claimed: that is
// abandoned when its claim ends.
func (m *Memory) clear(e *memEndpoint, now time.Time) {
	var open []*memDelivery // what finishes changes the log
	for _, d := range m.log {
		if d.endpoint == e && d.state == Scheduled && !d.gone {
			open = append(open, d)
		}
	}
	for _, d := range open {
		m.abandon(d, now)
	}
}

// Counts says how much there is in a [Memory].
type Counts struct {
	Pending    int           // messages that await fan-out, delayed ones included
	Open       int           // messages not finished, the pending ones included
	Deliveries map[State]int // of the messages that are open or still remembered
}

// Counts counts what is there now, looking at everything.
func (m *Memory) Counts() Counts {
	m.lock()
	defer m.mu.Unlock()
	c := Counts{Pending: m.awaiting, Open: m.open, Deliveries: make(map[State]int)}
	for _, d := range m.deliveries {
		c.Deliveries[d.state]++
	}
	return c
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
func (t *timers) Less(i, j int) bool {
	a, b := (*t)[i], (*t)[j]
	return a.at.Before(b.at) || a.at.Equal(b.at) && a.message != nil && b.message != nil && a.message.number < b.message.number
}

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
type fifo[T comparable] struct {
	items []T
	head  int
}

func (q *fifo[T]) len() int { return len(q.items) - q.head }

func (q *fifo[T]) peek() T { return q.items[q.head] }

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

// remove takes x out, wherever it is; it costs as much as x is far back.
func (q *fifo[T]) remove(x T) {
	switch i := slices.Index(q.items[q.head:], x); i {
	case -1:
	case 0:
		q.pop()
	default:
		q.items = slices.Delete(q.items, q.head+i, q.head+i+1)
	}
}

// keep drops what is no good.
func (q *fifo[T]) keep(good func(T) bool) {
	q.items = slices.DeleteFunc(q.items[q.head:], func(x T) bool { return !good(x) })
	q.head = 0
}
