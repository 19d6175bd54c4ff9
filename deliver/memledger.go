package deliver

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"time"
)

// selected reports whether a delivery is meant.
func (d *memDelivery) selected(sel *Selection, now time.Time) bool {
	msg := d.message.msg
	return !d.gone &&
		(sel.Tenant == nil || *sel.Tenant == msg.Tenant) &&
		(sel.EndpointID == "" || sel.EndpointID == d.endpoint.id) &&
		(sel.MessageID == "" || sel.MessageID == msg.ID) &&
		(sel.DeliveryID == "" || sel.DeliveryID == d.id) &&
		(sel.Key == "" || sel.Key == msg.Key) &&
		(len(sel.States) == 0 || slices.Contains(sel.States, d.state)) &&
		(sel.Since <= 0 || now.Sub(d.changed) <= sel.Since)
}

// from returns the place in the log behind the delivery that a cursor names.
func (m *Memory) from(cursor string) (int, error) {
	if cursor == "" {
		return 0, nil
	}
	number, err := strconv.ParseInt(cursor, 10, 64)
	if err != nil {
		return 0, invalid("the cursor is not one of this store")
	}
	i, found := slices.BinarySearchFunc(m.log, number, func(d *memDelivery, n int64) int { return cmp.Compare(d.number, n) })
	if found {
		i++
	}
	return i, nil
}

// Deliveries implements [Ledger].
func (m *Memory) Deliveries(ctx context.Context, sel Selection, cursor string, limit int) (list []Delivery, next string, err error) {
	if err := ctx.Err(); err != nil {
		return nil, "", err
	}
	now := m.lock()
	defer m.mu.Unlock()
	end := len(m.log)
	if cursor != "" {
		if end, err = m.from(cursor); err != nil {
			return nil, "", err
		}
		if end > 0 && strconv.FormatInt(m.log[end-1].number, 10) == cursor {
			end--
		}
	}
	for i := end - 1; i >= 0; i-- {
		d := m.log[i]
		if !d.selected(&sel, now) {
			continue
		}
		if len(list) >= max(limit, 1) {
			return list, next, nil
		}
		list = append(list, d.view(now))
		next = strconv.FormatInt(d.number, 10)
	}
	return list, "", nil
}

func (d *memDelivery) view(now time.Time) Delivery {
	v := Delivery{
		ID: d.id, EndpointID: d.endpoint.id, Tenant: d.message.msg.Tenant, MessageID: d.message.msg.ID,
		Key: d.message.msg.Key, State: d.state, Blocked: d.lane != nil && d.lane.peek() != d, History: d.history,
	}
	v.History.Age = now.Sub(d.since)
	return v
}

// Attempts implements [Ledger]. It keeps the last 100.
func (m *Memory) Attempts(ctx context.Context, deliveryID string) ([]Record, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.lock()
	defer m.mu.Unlock()
	if d := m.deliveries[deliveryID]; d != nil {
		return slices.Clone(d.records), nil
	}
	return nil, nil
}

// Message implements [Ledger].
func (m *Memory) Message(ctx context.Context, tenant, id string) (*Message, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.lock()
	defer m.mu.Unlock()
	if s := m.messages[messageID(tenant, id)]; s != nil {
		return s.msg, nil
	}
	return nil, ErrNoMessage
}

// Totals implements [Ledger].
func (m *Memory) Totals(ctx context.Context, sel Selection) (Totals, error) {
	if err := ctx.Err(); err != nil {
		return Totals{}, err
	}
	now := m.lock()
	defer m.mu.Unlock()
	var t Totals
	only := Selection{Tenant: sel.Tenant, EndpointID: sel.EndpointID}
	for _, d := range m.log {
		if d.selected(&only, now) {
			t.add(d.state)
		}
	}
	return t, nil
}

// Replay implements [Ledger].
func (m *Memory) Replay(ctx context.Context, sel Selection, cursor string, limit int) (n int, next string, err error) {
	can := func(d *memDelivery) bool {
		e := m.endpoints[d.endpoint.id] // the delivery's own may have been forgotten
		return d.state.Final() && !d.message.purged && (e == nil || !e.disabled)
	}
	return m.each(ctx, sel, cursor, limit, can, func(d *memDelivery, now time.Time) {
		d.endpoint = m.endpoint(d.endpoint.id, d.message.msg.Tenant)
		d.endpoint.open++
		d.state, d.token = Scheduled, 0
		d.history = History{Replays: d.history.Replays + 1}
		d.since, d.changed = now, now
		s := d.message
		s.unfinished++
		if s.done {
			s.done = false
			m.kept--
			m.open++
			m.bodyBytes -= s.size
		}
		m.enter(d)
	})
}

// Cancel implements [Ledger].
func (m *Memory) Cancel(ctx context.Context, sel Selection, cursor string, limit int) (n int, next string, err error) {
	can := func(d *memDelivery) bool { return !d.state.Final() }
	n, next, err = m.each(ctx, sel, cursor, limit, can, func(d *memDelivery, now time.Time) {
		if d.state == Claimed {
			m.unclaim(d)
			d.token = 0
			d.record(Record{Attempt: d.history.Attempts + 1, Replay: d.history.Replays, Reason: ReasonUnknown})
		}
		m.end(d, Canceled, now)
	})
	if err != nil || cursor != "" || sel.MessageID == "" {
		return n, next, err
	}
	now := m.lock()
	defer m.mu.Unlock()
	for _, s := range m.awaited(&sel) {
		m.timers.unset(&s.timer)
		s.token, s.waits, s.fannedOut = 0, false, true
		m.awaiting--
		m.leaveLane(s)
		m.finish(s, now)
		n++
	}
	return n, next, nil
}

// awaited returns the messages that a selection names and that await fan-out.
func (m *Memory) awaited(sel *Selection) (list []*memMessage) {
	if sel.EndpointID != "" || sel.DeliveryID != "" || len(sel.States) > 0 || sel.Since > 0 {
		return nil // such a one has deliveries
	}
	for _, s := range m.messages {
		if s.msg.ID == sel.MessageID && !s.fannedOut && (sel.Tenant == nil || *sel.Tenant == s.msg.Tenant) &&
			(sel.Key == "" || sel.Key == s.msg.Key) {
			list = append(list, s)
		}
	}
	return list
}

// each does something to up to limit of what is selected and can have it done, the
// earliest made first.
func (m *Memory) each(ctx context.Context, sel Selection, cursor string, limit int,
	can func(d *memDelivery) bool, do func(d *memDelivery, now time.Time),
) (n int, next string, err error) {
	if err := ctx.Err(); err != nil {
		return 0, "", err
	}
	now := m.lock()
	defer m.mu.Unlock()
	begin, err := m.from(cursor)
	if err != nil {
		return 0, "", err
	}
	var list []*memDelivery // what is done changes the log
	for _, d := range m.log[begin:] {
		if !d.selected(&sel, now) || !can(d) {
			continue
		}
		if len(list) == max(limit, 1) {
			next = strconv.FormatInt(list[len(list)-1].number, 10)
			break
		}
		list = append(list, d)
	}
	for _, d := range list {
		do(d, now)
	}
	return len(list), next, nil
}

// Purge implements [Ledger].
func (m *Memory) Purge(ctx context.Context, age time.Duration, limit int) (n int, err error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	now := m.lock()
	defer m.mu.Unlock()
	for m.bodies.len() > 0 && n < max(limit, 1) {
		old := m.bodies.peek()
		if good := old.isGood() && !old.message.purged; good {
			if now.Sub(old.message.doneAt) < age {
				break
			}
			m.purge(old.message)
			n++
		}
		m.bodies.pop()
	}
	return n, nil
}

// Endpoints implements [Ledger].
func (m *Memory) Endpoints(ctx context.Context, sel Selection, after string, limit int) ([]EndpointState, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	now := m.lock()
	defer m.mu.Unlock()
	var list []EndpointState
	for id, e := range m.endpoints {
		if id > after && (sel.Tenant == nil || *sel.Tenant == e.tenant) && (sel.EndpointID == "" || sel.EndpointID == id) {
			list = append(list, e.view(now))
		}
	}
	slices.SortFunc(list, func(a, b EndpointState) int { return cmp.Compare(a.EndpointID, b.EndpointID) })
	return list[:min(len(list), max(limit, 1))], nil
}

func (e *memEndpoint) view(now time.Time) EndpointState {
	v := EndpointState{EndpointID: e.id, Tenant: e.tenant, Disabled: e.disabled, Cause: e.cause, Health: e.health(now), Open: e.open}
	if e.paused {
		v.Paused = e.until.Sub(now)
	}
	if e.paused || e.disabled {
		v.Since = now.Sub(e.since)
	}
	return v
}

// Change implements [Ledger].
func (m *Memory) Change(ctx context.Context, endpointID string, e Effect) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	now := m.lock()
	defer m.mu.Unlock()
	x := m.endpoint(endpointID, "")
	m.affect(x, e, now)
	if e.Disable {
		m.clear(x, now)
	}
	m.forget(x)
	return nil
}

// Resume implements [Ledger].
func (m *Memory) Resume(ctx context.Context, endpointID string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	now := m.lock()
	defer m.mu.Unlock()
	e := m.endpoints[endpointID]
	if e == nil {
		return nil
	}
	e.paused, e.disabled, e.cause, e.resumed = false, false, "", m.lastToken
	m.timers.unset(&e.timer)
	m.signal(e, SignalSuccess, now)
	m.activate(e)
	m.forget(e)
	return nil
}
