package delivertest

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"

	"example.com/paperround/deliver"
)

// model is what a store should know, kept beside the store under test and from the
// text of [deliver.Store] alone. Each call to the store is carried out here too, and
// whatever the two disagree about is a broken promise of one side: of the store, if
// an answer is wrong, or of the dispatcher, if it does what it may not.
//
// The world's turnstile guards it: one call at a time, so both see the same order.
type model struct {
	w         *world
	messages  map[messageKey]*simMessage
	lanes     map[laneKey][]*simMessage // that await fan-out, in the order they became due
	order     []*simMessage             // as they were accepted
	endpoints map[string]*simEndpoint
	made      []*simDelivery // as they were fanned out
	byID      map[string]*simDelivery
	claims    map[deliver.Fence]*simClaim
	numbered  []*simClaim
	leased    []*simClaim // that may be good still
	holders   [deliver.SlotCount]string
	owners    map[string]time.Time // until when their slots are leased
	open      int                  // deliveries
	awaiting  int                  // messages
}

type (
	messageKey struct{ tenant, id string }
	laneKey    struct{ owner, key string }
)

// simMessage is a message that the store has accepted.
type simMessage struct {
	*deliver.Message
	number     int
	due        time.Time
	fence      deliver.Fence
	until      time.Time // of the claim for fan-out
	putOff     time.Time
	done       bool // fanned out, or called off
	version    int  // of the directory, when it was claimed
	deliveries []*simDelivery
}

func (m *simMessage) key() messageKey { return messageKey{m.Tenant, m.ID} }

// before reports whether m goes before another message of its key.
func (m *simMessage) before(n *simMessage) bool {
	return m.due.Before(n.due) || m.due.Equal(n.due) && m.number < n.number
}

// simDelivery is a message on its way to an endpoint.
type simDelivery struct {
	message  *simMessage
	endpoint *simEndpoint
	id       string // "" until it was claimed
	ordered  bool
	state    deliver.State
	due      time.Time
	since    time.Time
	changed  time.Time
	history  deliver.History
	claim    *simClaim // the good one
	settled  []deliver.Record
	answers  []*simClaim // exchanges that are under way
}

func (d *simDelivery) String() string {
	return fmt.Sprintf("message %q of tenant %q to endpoint %s", d.message.ID, d.message.Tenant, d.endpoint.ID)
}

// simClaim is a claim, and the exchange that it led to.
type simClaim struct {
	fence   deliver.Fence
	number  int
	d       *simDelivery
	p       *process
	history deliver.History
	asked   time.Time // when the process asked for it
	granted time.Time
	until   time.Time
	renewed time.Time // when the process asked for the lease that it knows of
	handed  bool      // the process was told of it
	good    bool
	expired bool
	done    bool // settled, and the store took it
	told    bool // that its settlement is recorded, or lost
	acked   bool // that it is recorded
	hooked  bool

	begun, ended time.Time // of the exchange
	toldLost     time.Time
	status       int
	header       bool // webhook-delivery: disable
	retryAfter   time.Duration
}

func newModel(w *world) *model {
	return &model{
		w: w, messages: map[messageKey]*simMessage{}, lanes: map[laneKey][]*simMessage{}, endpoints: map[string]*simEndpoint{},
		byID: map[string]*simDelivery{}, claims: map[deliver.Fence]*simClaim{}, owners: map[string]time.Time{},
	}
}

// catchUp lets everything happen that was due by now.
func (m *model) catchUp() time.Time {
	now := time.Now()
	live := m.leased[:0]
	for _, c := range m.leased {
		if c.good && !c.until.After(now) {
			m.expire(c)
		}
		if c.good {
			live = append(live, c)
		}
	}
	clear(m.leased[len(live):])
	m.leased = live
	return now
}

func (m *model) expire(c *simClaim) {
	d := c.d
	m.w.note(c.p, "lease ran out", d, c.number)
	if c.handed && !c.p.isDead() && !c.told && !c.p.troubled(c.asked) {
		m.w.fail("the lease of %s ran out although nothing kept its process from extending or settling it", d)
	}
	c.good, c.expired = false, true
	d.claim = nil
	d.state = deliver.Scheduled
	d.due = c.until
	d.history.Attempts++
	d.history.Unknown++
	if d.endpoint.disabled {
		m.end(d, deliver.Abandoned, c.until)
	}
}

func (m *model) end(d *simDelivery, state deliver.State, now time.Time) {
	d.state, d.changed = state, now
	m.open--
	if d.ordered {
		lane := d.endpoint.lanes[d.message.Key]
		d.endpoint.lanes[d.message.Key] = slices.DeleteFunc(lane, func(x *simDelivery) bool { return x == d })
	}
}

func (m *model) enter(d *simDelivery) {
	m.open++
	if d.ordered {
		d.endpoint.lanes[d.message.Key] = append(d.endpoint.lanes[d.message.Key], d)
	}
}

func (d *simDelivery) blocked() bool { return d.ordered && d.endpoint.lanes[d.message.Key][0] != d }

// enqueue judges what the store said to new messages, and keeps those it took.
func (m *model) enqueue(messages []*deliver.Message, err error) {
	now := m.catchUp()
	var added []*simMessage
	batch := map[messageKey]*deliver.Message{}
	conflict := false
	for _, msg := range messages {
		key := messageKey{msg.Tenant, msg.ID}
		old := batch[key]
		if known := m.messages[key]; known != nil {
			old = known.Message
		}
		if old != nil {
			conflict = conflict || old.Topic != msg.Topic || old.ContentType != msg.ContentType || string(old.Body) != string(msg.Body)
			continue
		}
		own := *msg
		own.Body = slices.Clone(msg.Body)
		batch[key] = &own
		added = append(added, &simMessage{Message: &own, due: now.Add(max(msg.Delay, 0))})
	}
	switch {
	case is(err, deliver.ErrConflict):
		if !conflict {
			m.w.fail("Enqueue returned ErrConflict for messages that conflict with none")
		}
		return
	case is(err, deliver.ErrFull):
		if m.unfinished()+len(added) <= m.w.maxOpen {
			m.w.fail("Enqueue returned ErrFull with %d open messages, and room for %d", m.unfinished(), m.w.maxOpen)
		}
		return
	case err != nil:
		m.w.unexpected("Enqueue", err)
		return
	case conflict:
		m.w.fail("Enqueue took a message whose id another message has")
	case !m.w.opts.Unbounded && len(added) > 0 && m.unfinished()+len(added) > m.w.maxOpen:
		m.w.fail("Enqueue took more messages than the store has room for")
	}
	for _, msg := range added {
		msg.number = len(m.order)
		m.messages[msg.key()] = msg
		m.order = append(m.order, msg)
		m.awaiting++
		if msg.Key != "" {
			l := laneKey{msg.Tenant, msg.Key}
			lane := append(m.lanes[l], msg)
			slices.SortStableFunc(lane, func(a, b *simMessage) int { return a.due.Compare(b.due) })
			m.lanes[l] = lane
		}
	}
}

func (m *model) unfinished() int {
	n := 0
	for _, msg := range m.order {
		if !msg.done || slices.ContainsFunc(msg.deliveries, func(d *simDelivery) bool { return !d.state.Final() }) {
			n++
		}
	}
	return n
}

// own judges a share of the slots.
func (m *model) own(owner string, ttl time.Duration, slots deliver.Slots) {
	now := m.catchUp()
	if slots.Owner != owner || ttl <= 0 && slots.Len() > 0 {
		m.w.fail("Own returned slots to %q that it was not asked for", owner)
	}
	var busy [deliver.SlotCount]string
	for _, c := range m.leased {
		busy[deliver.Slot(c.d.endpoint.ID)] = c.p.owner
	}
	for i := range m.holders {
		held := m.holders[i]
		switch {
		case !slots.Has(i):
			if held == owner {
				m.holders[i] = ""
			}
			continue
		case held != "" && held != owner && m.owners[held].After(now):
			m.w.fail("Own gave slot %d to a second owner while the lease of the first lasts", i)
		case busy[i] != "" && busy[i] != owner:
			m.w.fail("Own gave slot %d away while a claim on an endpoint in it is leased", i)
		}
		m.holders[i] = owner
	}
	if ttl > 0 {
		m.owners[owner] = now.Add(ttl)
	} else {
		delete(m.owners, owner)
	}
}

// pending judges messages that were claimed for fan-out.
func (m *model) pending(p *process, batch []deliver.Pending, lease time.Duration) {
	now := m.catchUp()
	for _, b := range batch {
		msg := m.messages[messageKey{b.Message.Tenant, b.Message.ID}]
		switch {
		case msg == nil:
			m.w.fail("Pending returned message %q that was never accepted", b.Message.ID)
			return
		case msg.done:
			m.w.fail("Pending returned message %q again, after its fan-out", msg.ID)
		case msg.due.After(now):
			m.w.fail("Pending returned message %q %s before its delay was over", msg.ID, msg.due.Sub(now))
		case msg.until.After(now):
			m.w.fail("Pending returned message %q while another claim on it lasts", msg.ID)
		case msg.putOff.After(now):
			m.w.fail("Pending returned message %q sooner than it was put off", msg.ID)
		case b.Fence == msg.fence:
			m.w.fail("Pending returned a fence a second time")
		case string(b.Message.Body) != string(msg.Body) || b.Message.Topic != msg.Topic || b.Message.Key != msg.Key ||
			b.Message.ContentType != msg.ContentType:
			m.w.fail("Pending returned message %q changed", msg.ID)
		}
		for _, first := range m.lanes[laneKey{msg.Tenant, msg.Key}] {
			if msg.Key == "" || first == msg {
				break
			}
			if first.before(msg) && !slices.ContainsFunc(batch, func(x deliver.Pending) bool {
				return x.Message.ID == first.ID && x.Message.Tenant == first.Tenant
			}) {
				m.w.fail("Pending returned message %q while %q of the same key, which goes before it, awaits fan-out", msg.ID, first.ID)
			}
		}
		msg.fence, msg.until, msg.version = b.Fence, now.Add(lease), m.w.directory.version()
		m.w.note(p, "pending", msg, 0)
	}
}

func (m *model) ofPlan(f deliver.Fence) *simMessage {
	for _, msg := range m.order {
		if msg.fence == f {
			return msg
		}
	}
	return nil
}

// fanOut judges plans, and what the store made of them.
func (m *model) fanOut(p *process, plans []deliver.Plan, lost []deliver.Fence) {
	now := m.catchUp()
	for _, plan := range plans {
		msg := m.ofPlan(plan.Fence)
		isLost := slices.Contains(lost, plan.Fence)
		good := msg != nil && !msg.done && msg.until.After(now)
		switch {
		case good && msg.Key != "" && m.lanes[laneKey{msg.Tenant, msg.Key}][0] != msg && plan.Again <= 0:
			if !isLost {
				m.w.fail("FanOut carried out a plan for message %q while one of the same key, which goes before it, awaits fan-out", msg.ID)
			}
		case good && isLost:
			m.w.fail("FanOut lost a plan for message %q whose claim lasts", msg.ID)
		case !good && !isLost:
			if msg == nil || !msg.done && !msg.putOff.After(now) {
				m.w.fail("FanOut took a stale fence")
			}
		case !good:
		case plan.Again > 0:
			msg.putOff, msg.until = now.Add(plan.Again), time.Time{}
			m.w.note(p, "put off", msg, 0)
		default:
			m.carryOut(p, msg, plan, now)
		}
	}
}

func (m *model) carryOut(p *process, msg *simMessage, plan deliver.Plan, now time.Time) {
	m.checkTargets(msg, plan)
	m.leave(msg)
	for _, t := range plan.Targets {
		e := m.endpoints[t.EndpointID]
		if e == nil {
			m.w.fail("message %q was planned for an endpoint that does not exist", msg.ID)
			return
		}
		d := &simDelivery{
			message: msg, endpoint: e, ordered: t.Ordered && msg.Key != "", due: now, since: msg.due, changed: now,
		}
		msg.deliveries = append(msg.deliveries, d)
		m.made = append(m.made, d)
		e.deliveries = append(e.deliveries, d)
		m.enter(d)
		if e.disabled {
			m.end(d, deliver.Abandoned, now)
		}
	}
	m.w.note(p, "fanned out", msg, len(plan.Targets))
}

// leave ends the wait of a message for its fan-out.
func (m *model) leave(msg *simMessage) {
	msg.done = true
	m.awaiting--
	l := laneKey{msg.Tenant, msg.Key}
	m.lanes[l] = slices.DeleteFunc(m.lanes[l], func(x *simMessage) bool { return x == msg })
}

// checkTargets compares a plan with what the directory had to say meanwhile.
func (m *model) checkTargets(msg *simMessage, plan deliver.Plan) {
	var planned []string
	for _, t := range plan.Targets {
		planned = append(planned, t.EndpointID)
		if e := m.endpoints[t.EndpointID]; e != nil && e.Ordered != t.Ordered {
			m.w.fail("message %q was planned for endpoint %s without regard to its order", msg.ID, e.ID)
		}
	}
	for v := msg.version; v <= m.w.directory.version(); v++ {
		if slices.Equal(planned, m.w.directory.matching(v, msg.Message, m.w.fanOutLimit)) {
			return
		}
	}
	m.w.fail("message %q was planned for %v, but %v match it", msg.ID, planned,
		m.w.directory.matching(m.w.directory.version(), msg.Message, m.w.fanOutLimit))
}

// ready judges a walk: what it passes over is found by what stays open for ever.
func (m *model) ready(slots deliver.Slots, after string, limit int, list []deliver.Backlog) {
	now := m.catchUp()
	if len(list) > limit {
		m.w.fail("Ready returned more endpoints than it was asked for")
	}
	for _, b := range list {
		e := m.endpoints[b.EndpointID]
		slot := deliver.Slot(b.EndpointID)
		if e == nil || !slots.Has(slot) || m.holders[slot] != slots.Owner || !m.owners[slots.Owner].After(now) || b.EndpointID == after {
			m.w.fail("Ready returned endpoint %s, which is not in the process's slots or was before", b.EndpointID)
			return
		}
		if e.disabled || e.pausedUntil.After(now) {
			m.w.fail("Ready returned endpoint %s, which is paused or disabled", e.ID)
		}
		first, retries := 0, 0
		for _, d := range e.deliveries {
			switch {
			case d.state != deliver.Scheduled || d.due.After(now) || d.blocked():
			case d.history.Fresh():
				first++
			default:
				retries++
			}
		}
		if !isBacklog(first, b.First) || !isBacklog(retries, b.Retries) || first+retries == 0 {
			m.w.fail("Ready counted %d first attempts and %d retries of endpoint %s instead of %d and %d", b.First, b.Retries, e.ID, first, retries)
		}
	}
}

// isBacklog reports whether a store counted n far enough.
func isBacklog(n, got int) bool {
	return got == n || got < n && got >= deliver.BacklogEnough
}

// claim judges claims and keeps them.
func (m *model) claim(p *process, slots deliver.Slots, wants []deliver.Want, asked time.Time, lease time.Duration, claims []deliver.Claim) []*simClaim {
	now := m.catchUp()
	got := map[string]deliver.Want{}
	granted := make([]*simClaim, 0, len(claims))
	for i := range claims {
		c := &claims[i]
		d := m.claimed(c)
		if d == nil {
			m.w.fail("Claim returned a delivery of message %q to %s that was never made", c.Message.ID, c.EndpointID)
			return nil
		}
		w := got[c.EndpointID]
		if c.History.Fresh() {
			w.First++
		} else {
			w.Retries++
		}
		got[c.EndpointID] = w
		m.judgeClaim(p, d, c, slots, asked, now)
		s := &simClaim{
			fence: c.Fence, number: len(m.numbered) + 1, d: d, p: p, history: c.History, asked: asked, granted: now, until: now.Add(lease), good: true,
			renewed: asked,
		}
		m.claims[c.Fence] = s
		m.numbered = append(m.numbered, s)
		m.leased = append(m.leased, s)
		d.state, d.claim = deliver.Claimed, s
		granted = append(granted, s)
		m.w.note(p, "claimed", d, s.number)
	}
	for id, w := range got {
		var most deliver.Want
		for _, x := range wants {
			if x.EndpointID == id {
				most.First += x.First
				most.Retries += x.Retries
			}
		}
		if w.First > most.First || w.Retries > most.Retries {
			m.w.fail("Claim returned more deliveries of endpoint %s than were wanted", id)
		}
	}
	return granted
}

// claimed finds the delivery that a claim is for.
func (m *model) claimed(c *deliver.Claim) *simDelivery {
	msg := m.messages[messageKey{c.Message.Tenant, c.Message.ID}]
	if msg == nil {
		return nil
	}
	for _, d := range msg.deliveries {
		if d.endpoint.ID != c.EndpointID {
			continue
		}
		switch {
		case d.id == "" && m.byID[c.Fence.ID] == nil:
			d.id = c.Fence.ID
			m.byID[d.id] = d
		case d.id != c.Fence.ID:
			m.w.fail("there are two deliveries of %s", d)
		}
		return d
	}
	return nil
}

func (m *model) judgeClaim(p *process, d *simDelivery, c *deliver.Claim, slots deliver.Slots, asked, now time.Time) {
	slot := deliver.Slot(c.EndpointID)
	e := d.endpoint
	h := c.History
	age := h.Age
	h.Age, h.Health = 0, deliver.Health{}
	switch {
	case d.state.Final():
		m.w.fail("Claim returned %s, which is %s", d, d.state)
	case d.claim != nil:
		m.w.fail("Claim returned %s while another claim on it lasts", d)
	case m.claims[c.Fence] != nil:
		m.w.fail("Claim returned a fence a second time")
	case d.due.After(now):
		m.w.fail("Claim returned %s %s too early", d, d.due.Sub(now))
	case d.blocked():
		m.w.fail("Claim returned %s while another goes before it in its lane", d)
	case e.disabled:
		m.w.fail("Claim returned %s, but the endpoint is disabled", d)
	case e.pausedUntil.After(now):
		m.w.fail("Claim returned %s, but the endpoint is paused for another %s", d, e.pausedUntil.Sub(now))
	case !slots.Has(slot) || m.holders[slot] != slots.Owner || !m.owners[slots.Owner].After(now):
		m.w.fail("Claim returned %s to a process that does not hold its slot", d)
	case h != d.history:
		m.w.fail("Claim returned %s with history %+v instead of %+v", d, h, d.history)
	case (age - now.Sub(d.since)).Abs() > time.Millisecond:
		m.w.fail("Claim returned %s with age %s instead of %s", d, age, now.Sub(d.since))
	case c.Message.Key != d.message.Key || c.Message.Topic != d.message.Topic || string(c.Message.Body) != string(d.message.Body):
		m.w.fail("Claim returned %s with a changed message", d)
	}
	for key, held := range p.holds {
		if key.endpoint == e.ID && held.until.After(now) && asked.After(held.since) {
			m.w.fail("%s was claimed %s before the end of a pause which the same process had begun to record", d, held.until.Sub(now))
		}
	}
}

// extend judges leases that were to be extended.
func (m *model) extend(fences []deliver.Fence, lease time.Duration, lost []deliver.Fence) {
	now := m.catchUp()
	for _, f := range fences {
		c := m.claims[f]
		switch {
		case c == nil:
			m.w.fail("a claim was extended that nobody had")
		case c.good && slices.Contains(lost, f):
			m.w.fail("Extend lost the claim on %s, which lasts", c.d)
		case c.good:
			c.until = now.Add(lease)
		case !slices.Contains(lost, f):
			m.w.fail("Extend took a stale fence of %s", c.d)
		}
	}
}

// renewed notes that a process knows that leases were extended.
func (m *model) renewed(fences []deliver.Fence, asked time.Time) {
	for _, f := range fences {
		if c := m.claims[f]; c != nil {
			c.renewed = asked
		}
	}
}

// settle judges what the store made of settlements.
func (m *model) settle(p *process, settlements []deliver.Settlement, lost []deliver.Fence) {
	now := m.catchUp()
	for i := range settlements {
		s := &settlements[i]
		c := m.claims[s.Fence]
		if c == nil {
			continue // the judge of the dispatcher has said so
		}
		isLost := slices.Contains(lost, s.Fence)
		switch {
		case c.good && isLost:
			m.w.fail("Settle lost the claim on %s, which lasts", c.d)
		case !c.good && !c.done && !isLost:
			m.w.fail("Settle took a stale fence of %s", c.d)
		case c.good:
			m.carryOutSettlement(p, c, s, now)
		}
	}
}

func (m *model) carryOutSettlement(p *process, c *simClaim, s *deliver.Settlement, now time.Time) {
	d := c.d
	c.good, c.done = false, true
	d.claim, d.state = nil, deliver.Scheduled
	d.history = s.History
	d.history.Age, d.history.Health = 0, deliver.Health{}
	d.settled = append(d.settled, s.Record)
	m.w.note(p, "settled as "+s.State.String(), d, c.number)
	e := d.endpoint
	effect := s.Endpoint
	if c.number <= e.resumed {
		effect = deliver.Effect{}
	}
	m.affect(e, effect, now)
	switch {
	case s.State.Final():
		m.end(d, s.State, now)
	case e.disabled:
		m.end(d, deliver.Abandoned, now)
	default:
		d.due = now.Add(s.After)
	}
	if effect.Disable {
		m.clear(e, now)
	}
}

func (m *model) affect(e *simEndpoint, f deliver.Effect, now time.Time) {
	if f.Disable && !e.disabled {
		e.disabled = true
		m.w.note(nil, "disabled", e, 0)
	}
	if until := now.Add(f.Pause); f.Pause > 0 && until.After(e.pausedUntil) {
		e.pausedUntil = until
		m.w.note(nil, "paused", e, int(f.Pause/time.Millisecond))
	}
}

func (m *model) clear(e *simEndpoint, now time.Time) {
	for _, d := range e.deliveries {
		if d.state == deliver.Scheduled {
			m.end(d, deliver.Abandoned, now)
		}
	}
}

func (m *model) change(id string, f deliver.Effect) {
	now := m.catchUp()
	e := m.endpoints[id]
	m.affect(e, f, now)
	if f.Disable {
		m.clear(e, now)
	}
}

func (m *model) resume(id string) {
	m.catchUp()
	e := m.endpoints[id]
	e.pausedUntil, e.disabled, e.resumed = time.Time{}, false, len(m.numbered)
	for _, p := range m.w.processes {
		maps.DeleteFunc(p.holds, func(k holdKey, _ hold) bool { return k.endpoint == id })
	}
	m.w.note(nil, "resumed", e, 0)
}

// selected returns the deliveries that a selection means, as they were made.
func (m *model) selected(sel deliver.Selection, now time.Time) []*simDelivery {
	var list []*simDelivery
	for _, d := range m.made {
		if (sel.Tenant == nil || *sel.Tenant == d.message.Tenant) &&
			(sel.EndpointID == "" || sel.EndpointID == d.endpoint.ID) &&
			(sel.MessageID == "" || sel.MessageID == d.message.ID) &&
			(len(sel.States) == 0 || slices.Contains(sel.States, d.state)) &&
			(sel.Since <= 0 || now.Sub(d.changed) <= sel.Since) {
			list = append(list, d)
		}
	}
	return list
}

func (m *model) replay(sel deliver.Selection, n int) {
	now := m.catchUp()
	did := 0
	for _, d := range m.selected(sel, now) {
		if !d.state.Final() || d.endpoint.disabled {
			continue
		}
		did++
		d.state, d.due, d.since, d.changed = deliver.Scheduled, now, now, now
		d.history = deliver.History{Replays: d.history.Replays + 1}
		m.enter(d)
		m.w.note(nil, "replayed", d, 0)
	}
	if did != n {
		m.w.fail("Replay says that it replayed %d deliveries instead of %d", n, did)
	}
}

func (m *model) cancel(sel deliver.Selection, n int) {
	now := m.catchUp()
	did := 0
	for _, d := range m.selected(sel, now) {
		if d.state.Final() {
			continue
		}
		did++
		if c := d.claim; c != nil {
			c.good = false
			d.claim = nil
		}
		m.end(d, deliver.Canceled, now)
		m.w.note(nil, "canceled", d, 0)
	}
	if sel.MessageID != "" && sel.EndpointID == "" && len(sel.States) == 0 {
		for key, msg := range m.messages {
			if key.id == sel.MessageID && (sel.Tenant == nil || *sel.Tenant == key.tenant) && !msg.done {
				did++
				m.leave(msg)
				m.w.note(nil, "called off", msg, 0)
			}
		}
	}
	if did != n {
		m.w.fail("Cancel says that it canceled %d deliveries instead of %d", n, did)
	}
}

// unsettled names something that is not final yet, "" if nothing is.
func (m *model) unsettled() string {
	m.catchUp()
	if m.open+m.awaiting == 0 {
		return ""
	}
	for _, msg := range m.order {
		if !msg.done {
			return fmt.Sprintf("message %q of tenant %q awaits fan-out", msg.ID, msg.Tenant)
		}
	}
	for _, d := range m.made {
		if !d.state.Final() {
			return fmt.Sprintf("%s is %s, due %s ago", d, d.state, time.Since(d.due))
		}
	}
	return ""
}

// audit compares the store's own books with what was seen.
func (m *model) audit(ctx context.Context, l deliver.Ledger) error {
	type target struct {
		messageKey
		endpoint string
	}
	found := map[target]*deliver.Delivery{}
	for cursor := ""; ; {
		page, next, err := l.Deliveries(ctx, deliver.Selection{}, cursor, 500)
		if err != nil {
			return err
		}
		for i := range page {
			d := &page[i]
			t := target{messageKey{d.Tenant, d.MessageID}, d.EndpointID}
			if found[t] != nil {
				return fmt.Errorf("the ledger has two deliveries of message %q to endpoint %s", d.MessageID, d.EndpointID)
			}
			found[t] = d
		}
		if cursor = next; cursor == "" {
			break
		}
	}
	if len(found) != len(m.made) {
		return fmt.Errorf("the ledger has %d deliveries instead of %d", len(found), len(m.made))
	}
	for _, d := range m.made {
		got := found[target{d.message.key(), d.endpoint.ID}]
		switch {
		case got == nil:
			return fmt.Errorf("the ledger does not have %s", d)
		case got.State != d.state:
			return fmt.Errorf("the ledger has %s as %s instead of %s", d, got.State, d.state)
		}
		if err := d.auditLog(ctx, l, got.ID); err != nil {
			return err
		}
	}
	for _, msg := range m.w.rejected {
		if m.messages[msg] != nil {
			continue
		}
		if _, err := l.Message(ctx, msg.tenant, msg.id); !is(err, deliver.ErrNoMessage) {
			return fmt.Errorf("message %q was rejected, but the store has it", msg.id)
		}
	}
	return nil
}

// auditLog looks for every settlement in the log of a delivery.
func (d *simDelivery) auditLog(ctx context.Context, l deliver.Ledger, id string) error {
	records, err := l.Attempts(ctx, id)
	if err != nil {
		return err
	}
	if len(records) >= 100 {
		return nil // a store need not keep more
	}
	rest := d.settled
	for _, r := range records {
		if len(rest) > 0 && reflect.DeepEqual(r, rest[0]) {
			rest = rest[1:]
		}
	}
	if len(rest) > 0 {
		return fmt.Errorf("the log of %s lacks attempt %d", d, rest[0].Attempt)
	}
	if d.state == deliver.Succeeded && cmp.Or(records[len(records)-1].Reason, "") != deliver.ReasonSucceeded {
		return fmt.Errorf("the log of %s ends with %q, although it succeeded", d, records[len(records)-1].Reason)
	}
	if d.state == deliver.Abandoned && len(records) == 0 {
		return fmt.Errorf("the log of %s does not say why it was abandoned", d)
	}
	return nil
}
