package sqlstore

import (
	"context"
	"database/sql"
	"time"

	"example.com/paperround/deliver"
)

// timers is when time has something to do.
type timers struct {
	now                    int64
	waiting, lease, paused sql.NullInt64
	clearing               bool
}

// next is the time until the first of them.
func (x *timers) next() time.Duration {
	n := soonest(until(x.waiting, x.now), soonest(until(x.lease, x.now), until(x.paused, x.now)))
	if x.clearing {
		return dueNow
	}
	return n
}

func (x *timers) due(at sql.NullInt64) bool { return at.Valid && at.Int64 <= x.now }

func (s *Store) timers(ctx context.Context) (x timers, err error) {
	err = s.peek(ctx, one(&x.now, &x.waiting, &x.lease, &x.paused, &x.clearing), `SELECT {now},
		(SELECT time FROM {deliveries} WHERE {sqlite phase IN (2, 4) AND} phase = 2 ORDER BY phase, time LIMIT 1),
		(SELECT time FROM {deliveries} WHERE {sqlite phase IN (2, 4) AND} phase = 4 ORDER BY phase, time LIMIT 1),
		(SELECT min(paused) FROM {states} WHERE paused IS NOT NULL),
		(SELECT min(clearing) FROM {states} WHERE clearing IS NOT NULL) IS NOT NULL`)
	return x, err
}

// Ready implements [deliver.Store]. It walks by slot, and by id within a slot.
func (s *Store) Ready(ctx context.Context, slots deliver.Slots, after string, limit int) (backlogs []deliver.Backlog, next time.Duration, err error) {
	if err := ctx.Err(); err != nil {
		return nil, 0, err
	}
	at, err := s.timers(ctx)
	if err != nil {
		return nil, 0, err
	}
	if after == "" && at.next() == dueNow {
		if err := s.soft(ctx, func(ctx context.Context, t *tx) error { return t.notice(ctx, at) }); err != nil {
			return nil, 0, err
		}
		if at, err = s.timers(ctx); err != nil {
			return nil, 0, err
		}
	}
	if err := s.fold(ctx); err != nil {
		return nil, 0, err
	}
	if slots.Len() == 0 {
		return nil, at.next(), nil
	}
	backlogs, err = s.walk(ctx, slots, after, limit)
	return backlogs, at.next(), err
}

// walk reads pages until one is full of endpoints that have something ready.
func (s *Store) walk(ctx context.Context, slots deliver.Slots, after string, limit int) (backlogs []deliver.Backlog, err error) {
	var idle []string
	var held []int64
	for slot := range deliver.SlotCount {
		if slots.Has(slot) {
			held = append(held, int64(slot))
		}
	}
	slot := -1
	if after != "" {
		slot = deliver.Slot(after)
	}
	page := max(limit, idleEnough)
	for more := true; more && len(backlogs) < limit; {
		n := 0
		err := s.peek(ctx, func(scan func(dest ...any) error) error {
			var b deliver.Backlog
			if err := scan(&slot, &b.EndpointID, &b.Tenant, &b.First, &b.Retries); err != nil {
				return err
			}
			n++
			after = b.EndpointID
			switch {
			case len(backlogs) == limit: // the next call's
			case b.First+b.Retries > 0:
				backlogs = append(backlogs, b)
			default:
				idle = append(idle, b.EndpointID)
			}
			return nil
		}, walkText, slot, after, s.ids(held), slots.Owner, page, deliver.BacklogEnough)
		if err != nil {
			return nil, err
		}
		more = n == page
	}
	if len(idle) > idleEnough+len(backlogs) {
		return backlogs, s.soft(ctx, func(ctx context.Context, t *tx) error { return t.rest(ctx, idle) })
	}
	return backlogs, nil
}

// idleEnough is how many endpoints without anything ready stay in the walk, since they
// often have something soon again.
const idleEnough = 64

const walkText = `SELECT s.slot, s.endpoint, s.tenant,
		(SELECT count(*) FROM (SELECT 1 FROM {deliveries} d WHERE {sqlite d.phase IN (1, 2, 3) AND} d.phase = 1 AND d.endpoint = s.endpoint AND d.fresh = true {limit 6}) x),
		(SELECT count(*) FROM (SELECT 1 FROM {deliveries} d WHERE {sqlite d.phase IN (1, 2, 3) AND} d.phase = 1 AND d.endpoint = s.endpoint AND d.fresh = false {limit 6}) x)
	FROM {states} s JOIN {slots} o ON o.slot = s.slot
	WHERE s.active AND NOT s.held AND (s.slot, s.endpoint) > ($1, $2) AND s.slot {ids 3}
		AND o.owner = $4 AND NOT o.leaving AND EXISTS (SELECT 1 FROM {owners} WHERE owner = $4 AND until > {now})
	ORDER BY s.slot, s.endpoint {limit 5}`

// rest takes endpoints that have nothing ready out of the walk.
func (t *tx) rest(ctx context.Context, idle []string) error {
	// Who makes something ready holds the endpoint until then: it is skipped, or its
	// work is seen by the second statement.
	var list []string
	err := t.query(ctx, func(scan func(dest ...any) error) error {
		var endpoint string
		err := scan(&endpoint)
		list = append(list, endpoint)
		return err
	}, "SELECT endpoint FROM {states} WHERE endpoint {texts 1} ORDER BY endpoint {lock UPDATE SKIP LOCKED}", texts(idle))
	if err != nil || len(list) == 0 {
		return err
	}
	return t.exec(ctx, `UPDATE {states} SET active = false WHERE endpoint {texts 1} AND active AND NOT EXISTS (
		SELECT 1 FROM {deliveries} d WHERE {sqlite d.phase IN (1, 2, 3) AND} d.phase = 1 AND d.endpoint = {states}.endpoint)`, texts(list))
}

// notice makes happen what is due: deliveries become ready, leases and pauses end,
// and what disabled endpoints have open is abandoned.
func (t *tx) notice(ctx context.Context, at timers) error {
	if at.due(at.waiting) {
		ready := make(map[string]bool)
		err := t.query(ctx, func(scan func(dest ...any) error) error {
			var endpoint string
			err := scan(&endpoint)
			ready[endpoint] = true
			return err
		}, `UPDATE {deliveries} SET phase = 1 WHERE +phase = 2 AND id IN (SELECT id FROM {deliveries} d
			WHERE {sqlite d.phase IN (2, 4) AND} d.phase = 2 AND d.time <= {now} ORDER BY d.phase, d.time {limit 1} {lock UPDATE SKIP LOCKED}) RETURNING endpoint`, moveBatch)
		if err != nil {
			return err
		}
		if err := t.activate(ctx, ready); err != nil {
			return err
		}
	}
	if at.due(at.lease) {
		if err := t.expire(ctx); err != nil {
			return err
		}
	}
	if at.due(at.paused) {
		err := t.exec(ctx, `UPDATE {states} SET paused = NULL, held = disabled, cause = CASE WHEN disabled THEN cause ELSE '' END,
				since = CASE WHEN disabled THEN since END
			WHERE endpoint IN (SELECT endpoint FROM {states} s WHERE s.paused IS NOT NULL AND s.paused <= {now}
				ORDER BY s.endpoint {limit 1} {lock UPDATE SKIP LOCKED})`, moveBatch)
		if err != nil {
			return err
		}
	}
	if at.clearing {
		return t.clear(ctx)
	}
	return nil
}

// expire ends claims whose lease ran out.
func (t *tx) expire(ctx context.Context) error {
	list, err := t.change(ctx, `UPDATE {deliveries} SET phase = 1, state = 0, fresh = false, token = token + 1,
			attempts = attempts + 1, unknown = unknown + 1, records = records + 1
		WHERE +phase = 4 AND id IN (SELECT id FROM {deliveries} d
			WHERE {sqlite d.phase IN (2, 4) AND} d.phase = 4 AND d.time <= {now} ORDER BY d.phase, d.time {limit 1} {lock UPDATE SKIP LOCKED})`, nil, moveBatch)
	if err != nil || len(list) == 0 {
		return err
	}
	attempts := newLog(len(list))
	tenants := make(map[string]string)
	for _, c := range list {
		attempts.add(c, deliver.Record{Attempt: c.attempts, Replay: c.replays, Reason: deliver.ReasonUnknown})
		tenants[c.endpoint] = ""
	}
	if err := t.log(ctx, attempts); err != nil {
		return err
	}
	disabled, err := t.enter(ctx, tenants, false)
	if err != nil {
		return err
	}
	var dead []int64
	for _, c := range list {
		if disabled[c.endpoint] {
			dead = append(dead, c.id)
		}
	}
	return t.abandon(ctx, dead)
}

// clear abandons a part of what disabled endpoints have open.
func (t *tx) clear(ctx context.Context) error {
	var ids []int64
	err := t.query(ctx, func(scan func(dest ...any) error) error {
		var id int64
		err := scan(&id)
		ids = append(ids, id)
		return err
	}, `SELECT d.id FROM {states} s JOIN {deliveries} d ON d.endpoint = s.endpoint AND d.phase IN (1, 2, 3)
		WHERE s.clearing IS NOT NULL AND s.disabled {limit 1} {lock KEY SHARE OF s}`, moveBatch)
	if err != nil {
		return err
	}
	if len(ids) > 0 {
		return t.abandon(ctx, ids)
	}
	return t.exec(ctx, `UPDATE {states} SET clearing = NULL WHERE clearing IS NOT NULL AND NOT EXISTS (
		SELECT 1 FROM {deliveries} d WHERE d.endpoint = {states}.endpoint AND d.phase IN (1, 2, 3))`)
}
