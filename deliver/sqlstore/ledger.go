package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"strings"
	"time"

	"example.com/paperround/deliver"
)

// where collects the conditions of a selection and their arguments.
type where struct {
	conditions []string
	args       []any
}

// arg adds an argument and returns its place.
func (w *where) arg(x any) string {
	w.args = append(w.args, x)
	return "$" + strconv.Itoa(len(w.args))
}

func (w *where) add(condition string, args ...any) {
	for _, x := range args {
		condition = strings.Replace(condition, "%", w.arg(x), 1)
	}
	w.conditions = append(w.conditions, condition)
}

func (w *where) String() string { return strings.Join(w.conditions, " AND ") }

// selected is the condition that deliveries d with their messages m are meant.
func (s *Store) selected(sel *deliver.Selection) *where {
	w := &where{conditions: []string{"true"}}
	if sel.Tenant != nil {
		w.add("m.tenant = %", *sel.Tenant)
	}
	if sel.EndpointID != "" {
		w.add("d.endpoint = %", sel.EndpointID)
	}
	if sel.MessageID != "" {
		w.add("d.message IN (SELECT x.seq FROM {messages} x WHERE x.id = %)", sel.MessageID)
	}
	if sel.DeliveryID != "" {
		id, ok := number(deliveryPrefix, sel.DeliveryID)
		if !ok {
			id = -1 // nobody's
		}
		w.add("d.id = %", id)
	}
	if sel.Key != "" {
		w.add("m.key = %", sel.Key)
	}
	if len(sel.States) > 0 {
		states := make([]int64, len(sel.States))
		for i, x := range sel.States {
			states[i] = int64(x)
		}
		list := w.arg(s.ids(states))
		w.add("d.state {ids " + strings.TrimPrefix(list, "$") + "}")
	}
	if sel.Since > 0 {
		w.add("d.changed >= {now} - CAST(% AS bigint)", millis(sel.Since))
	}
	return w
}

func cursorOf(cursor string) (int64, error) {
	if cursor == "" {
		return 0, nil
	}
	id, err := strconv.ParseInt(cursor, 10, 64)
	if err != nil || id <= 0 {
		return 0, errors.New("sqlstore: the cursor is not one of this store")
	}
	return id, nil
}

// Deliveries implements [deliver.Ledger].
func (s *Store) Deliveries(ctx context.Context, sel deliver.Selection, cursor string, limit int) (list []deliver.Delivery, next string, err error) {
	from, err := cursorOf(cursor)
	if err != nil {
		return nil, "", err
	}
	limit = max(limit, 1)
	w := s.selected(&sel)
	if from > 0 {
		w.add("d.id < %", from)
	}
	last := int64(0)
	more := false
	most := w.arg(limit + 1)
	err = s.query(ctx, func(scan func(dest ...any) error) error {
		var d deliver.Delivery
		var id, since, now int64
		var phase int
		h := &d.History
		err := scan(&id, &d.EndpointID, &d.Tenant, &d.MessageID, &d.Key, (*uint8)(&d.State), &phase, &h.Attempts, &h.Rejected,
			&h.OwnFaults, &h.Unknown, &h.Replays, &since, &now)
		if more = len(list) == limit; more {
			return err
		}
		last = id
		d.ID = name(deliveryPrefix, id)
		d.Blocked = phase == phaseBlocked
		h.Age = time.Duration(max(now-since, 0)) * time.Millisecond
		list = append(list, d)
		return err
	}, `SELECT d.id, d.endpoint, m.tenant, m.id, m.key, d.state, d.phase, d.attempts, d.rejected, d.own_faults, d.unknown, d.replays, d.since, {now}
		FROM {deliveries} d JOIN {messages} m ON m.seq = d.message WHERE `+w.String()+` ORDER BY d.id DESC {limit `+most+`}`, w.args...)
	if err != nil {
		return nil, "", err
	}
	if more {
		next = strconv.FormatInt(last, 10)
	}
	return list, next, nil
}

// Attempts implements [deliver.Ledger].
func (s *Store) Attempts(ctx context.Context, deliveryID string) (list []deliver.Record, err error) {
	id, ok := number(deliveryPrefix, deliveryID)
	if !ok {
		return nil, ctx.Err()
	}
	err = s.query(ctx, func(scan func(dest ...any) error) error {
		var r deliver.Record
		err := scan(&r.Attempt, &r.Replay, (*string)(&r.Reason), &r.Status, (*int64)(&r.Elapsed))
		list = append(list, r)
		return err
	}, "SELECT attempt, replay, reason, status, elapsed FROM {attempts} WHERE delivery = $1 ORDER BY number", id)
	return list, err
}

// Message implements [deliver.Ledger].
func (s *Store) Message(ctx context.Context, tenant, id string) (m *deliver.Message, err error) {
	err = s.query(ctx, func(scan func(dest ...any) error) (err error) {
		_, m, err = scanMessage(scan)
		return err
	}, "SELECT "+messageFields+" FROM {messages} m WHERE m.id = $1 AND m.tenant = $2", id, tenant)
	if err == nil && m == nil {
		err = deliver.ErrNoMessage
	}
	return m, err
}

// Totals implements [deliver.Ledger]. Only claimed deliveries are counted, which are
// few; the others are added up from what each transaction noted.
func (s *Store) Totals(ctx context.Context, sel deliver.Selection) (n deliver.Totals, err error) {
	w := &where{conditions: []string{"true"}}
	if sel.Tenant != nil {
		w.add("s.tenant = %", *sel.Tenant)
	}
	if sel.EndpointID != "" {
		w.add("s.endpoint = %", sel.EndpointID)
	}
	open := 0
	err = s.query(ctx, one(&open, &n.Succeeded, &n.Exhausted, &n.Abandoned, &n.Canceled, &n.Claimed),
		`SELECT COALESCE(sum(t.open), 0), COALESCE(sum(t.succeeded), 0), COALESCE(sum(t.exhausted), 0), COALESCE(sum(t.abandoned), 0),
			COALESCE(sum(t.canceled), 0), (SELECT count(*) FROM {deliveries} d JOIN {states} s ON s.endpoint = d.endpoint
				WHERE {sqlite d.phase IN (2, 4) AND} d.phase = 4 AND `+w.String()+`)
		FROM {totals} t JOIN {states} s ON s.endpoint = t.endpoint WHERE `+w.String(), w.args...)
	n.Scheduled = open - n.Claimed
	return n, err
}

// step is what a step of a walk did, and where the next one begins.
type step struct {
	n    int
	next string
}

// found is a delivery that a step of a walk is about.
type found struct {
	id       int64
	endpoint string
	lane     *string
	state    deliver.State
}

// find locks up to limit of what is selected, the earliest made first.
func (t *tx) find(ctx context.Context, w *where, cursor string, limit int, lock string) (list []found, next string, err error) {
	from, err := cursorOf(cursor)
	if err != nil {
		return nil, "", err
	}
	limit = max(limit, 1)
	w.add("d.id > %", from)
	more := false
	most := w.arg(limit + 1)
	err = t.query(ctx, func(scan func(dest ...any) error) error {
		var f found
		err := scan(&f.id, &f.endpoint, &f.lane, (*uint8)(&f.state))
		if more = len(list) == limit; !more {
			list = append(list, f)
		}
		return err
	}, `SELECT d.id, d.endpoint, d.lane, d.state FROM {deliveries} d JOIN {messages} m ON m.seq = d.message
		WHERE `+w.String()+` ORDER BY d.id {limit `+most+`} `+lock, w.args...)
	if more {
		next = strconv.FormatInt(list[limit-1].id, 10)
	}
	return list, next, err
}

// Replay implements [deliver.Ledger].
func (s *Store) Replay(ctx context.Context, sel deliver.Selection, cursor string, limit int) (n int, next string, err error) {
	done, err := in(ctx, s.write, func(ctx context.Context, t *tx) (step, error) { return t.replay(ctx, sel, cursor, limit) })
	return done.n, done.next, err
}

func (t *tx) replay(ctx context.Context, sel deliver.Selection, cursor string, limit int) (done step, err error) {
	w := t.s.selected(&sel)
	w.add(`d.phase = 0 AND m.body IS NOT NULL AND NOT EXISTS (SELECT 1 FROM {states} s WHERE s.endpoint = d.endpoint AND s.disabled)`)
	list, next, err := t.find(ctx, w, cursor, limit, "{lock UPDATE OF d} {lock KEY SHARE OF m}")
	if err != nil || len(list) == 0 {
		return step{next: next}, err
	}
	tenants := make(map[string]string)
	lanes := make(map[lane]bool)
	for _, f := range list {
		tenants[f.endpoint] = ""
		if f.lane != nil {
			lanes[lane{f.endpoint, *f.lane}] = true
		}
	}
	disabled, err := t.enter(ctx, tenants, len(lanes) > 0)
	if err != nil {
		return done, err
	}
	places, err := t.places(ctx, lanes)
	if err != nil {
		return done, err
	}
	var totals totals
	replays := newTable(3, len(list))
	for _, f := range list {
		if disabled[f.endpoint] {
			continue // since a moment ago
		}
		phase, place := phaseReady, int64(0)
		if f.lane != nil {
			l := lane{f.endpoint, *f.lane}
			if last, blocked := places[l]; blocked {
				phase, place = phaseBlocked, last+1
			}
			places[l] = place
		}
		replays.add(f.id, phase, place)
		totals.add(f.endpoint, f.state, -1)
		totals.add(f.endpoint, deliver.Scheduled, 1)
	}
	err = t.execRows(ctx, `UPDATE {deliveries} SET state = 0, phase = j.p, place = j.l, fresh = false, time = {now}, token = token + 1,
			attempts = 0, rejected = 0, own_faults = 0, unknown = 0, replays = replays + 1, since = {now}, changed = {now}
		FROM {rows 1 i bigint, p smallint, l bigint} WHERE id = j.i`, replays)
	if err != nil {
		return done, err
	}
	return step{replays.len(), next}, t.count(ctx, totals)
}

// Cancel implements [deliver.Ledger].
func (s *Store) Cancel(ctx context.Context, sel deliver.Selection, cursor string, limit int) (n int, next string, err error) {
	done, err := in(ctx, s.write, func(ctx context.Context, t *tx) (step, error) {
		n := 0
		if cursor == "" && namesMessage(&sel) {
			// First, so that what is fanned out meanwhile is seen after that.
			var err error
			if n, err = t.cancelQueued(ctx, sel); err != nil {
				return step{}, err
			}
		}
		done, err := t.cancel(ctx, sel, cursor, limit)
		done.n += n
		return done, err
	})
	return done.n, done.next, err
}

func (t *tx) cancel(ctx context.Context, sel deliver.Selection, cursor string, limit int) (done step, err error) {
	w := t.s.selected(&sel)
	w.add("d.phase > 0")
	list, next, err := t.find(ctx, w, cursor, limit, "{lock UPDATE OF d}")
	if err != nil || len(list) == 0 {
		return step{next: next}, err
	}
	ids := make([]int64, len(list))
	claimed := make(map[int64]bool)
	for i, f := range list {
		ids[i] = f.id
		claimed[f.id] = f.state == deliver.Claimed
	}
	changed, err := t.change(ctx, `UPDATE {deliveries} SET state = $2, phase = 0, changed = {now},
			records = records + CASE WHEN phase = 4 THEN 1 ELSE 0 END, token = token + CASE WHEN phase = 4 THEN 1 ELSE 0 END
		WHERE id {ids 1}`, nil, t.s.ids(ids), int(deliver.Canceled))
	if err != nil {
		return done, err
	}
	attempts := newLog(0)
	final := make([]ended, len(changed))
	for i, c := range changed {
		if claimed[c.id] {
			attempts.add(c, deliver.Record{Attempt: c.attempts + 1, Replay: c.replays, Reason: deliver.ReasonUnknown})
		}
		final[i] = ended{c, deliver.Canceled}
	}
	if err := t.log(ctx, attempts); err != nil {
		return done, err
	}
	return step{len(changed), next}, t.end(ctx, final)
}

// namesMessage reports whether a selection can mean a message that awaits fan-out.
func namesMessage(sel *deliver.Selection) bool {
	return sel.MessageID != "" && sel.EndpointID == "" && sel.DeliveryID == "" && len(sel.States) == 0 && sel.Since <= 0
}

// cancelQueued finishes the messages that are named and await fan-out.
func (t *tx) cancelQueued(ctx context.Context, sel deliver.Selection) (n int, err error) {
	w := &where{}
	w.add("m.id = %", sel.MessageID)
	if sel.Tenant != nil {
		w.add("m.tenant = %", *sel.Tenant)
	}
	if sel.Key != "" {
		w.add("m.key = %", sel.Key)
	}
	list := newTable(2, 0)
	var seqs []int64
	err = t.query(ctx, func(scan func(dest ...any) error) error {
		var seq int64
		err := scan(&seq)
		list.add(seq, 0) // by no fence, so that the one that claimed it is lost
		seqs = append(seqs, seq)
		return err
	}, "SELECT q.seq FROM {messages} m JOIN {queue} q ON q.seq = m.seq WHERE "+w.String()+" ORDER BY q.seq {lock UPDATE OF q}", w.args...)
	if err != nil || len(seqs) == 0 {
		return 0, err
	}
	if err := t.exec(ctx, "DELETE FROM {queue} WHERE seq {ids 1}", t.s.ids(seqs)); err != nil {
		return 0, err
	}
	return len(seqs), t.endMessages(ctx, list)
}

// Purge implements [deliver.Ledger].
func (s *Store) Purge(ctx context.Context, age time.Duration, limit int) (n int, err error) {
	return in(ctx, s.write, func(ctx context.Context, t *tx) (int, error) { return t.purge(ctx, age, max(limit, 1)) })
}

func (t *tx) purge(ctx context.Context, age time.Duration, limit int) (n int, err error) {
	const finished = `NOT EXISTS (SELECT 1 FROM {queue} q WHERE q.seq = m.seq)
		AND NOT EXISTS (SELECT 1 FROM {deliveries} d WHERE d.message = m.seq AND (d.phase > 0 OR d.changed > {now} - CAST($2 AS bigint)))`
	var seqs []int64
	add := func(scan func(dest ...any) error) error {
		var seq int64
		err := scan(&seq)
		seqs = append(seqs, seq)
		return err
	}
	err = t.query(ctx, add, `SELECT m.seq FROM {messages} m WHERE m.body IS NOT NULL AND m.due <= {now} - CAST($2 AS bigint)
			AND COALESCE(m.ended, 0) <= {now} - CAST($2 AS bigint) AND `+finished+`
		ORDER BY m.due {limit 1} {lock UPDATE SKIP LOCKED}`, limit, millis(age))
	if err != nil || len(seqs) == 0 {
		return 0, err
	}
	ids := t.s.ids(seqs)
	seqs = nil
	// What was replayed in between is seen now.
	err = t.query(ctx, add, `UPDATE {messages} AS m SET body = NULL WHERE m.seq {ids 1} AND `+finished+` RETURNING seq`, ids, millis(age))
	return len(seqs), err
}

// Endpoints implements [deliver.Ledger].
func (s *Store) Endpoints(ctx context.Context, sel deliver.Selection, after string, limit int) (list []deliver.EndpointState, err error) {
	w := &where{}
	w.add("s.endpoint > %", after)
	if sel.Tenant != nil {
		w.add("s.tenant = %", *sel.Tenant)
	}
	if sel.EndpointID != "" {
		w.add("s.endpoint = %", sel.EndpointID)
	}
	most := w.arg(max(limit, 1))
	err = s.query(ctx, func(scan func(dest ...any) error) error {
		var e deliver.EndpointState
		var now int64
		var paused, since sql.NullInt64
		var h health
		var cause string
		err := scan(&e.EndpointID, &e.Tenant, &now, &paused, &e.Disabled, &cause, &since, &h.failing, &h.failed, &h.gone, &e.Open)
		if paused.Valid && paused.Int64 > now {
			e.Paused = duration(paused.Int64 - now)
		}
		if e.Paused > 0 || e.Disabled {
			e.Cause = deliver.Cause(cause)
			e.Since = time.Duration(max(now-since.Int64, 0)) * time.Millisecond
		}
		e.Health = h.at(now)
		list = append(list, e)
		return err
	}, `SELECT s.endpoint, s.tenant, {now}, s.paused, s.disabled, s.cause, s.since, s.failing, s.failed, s.gone,
			(SELECT COALESCE(sum(t.open), 0) FROM {totals} t WHERE t.endpoint = s.endpoint)
		FROM {states} s WHERE `+w.String()+` ORDER BY s.endpoint {limit `+most+`}`, w.args...)
	return list, err
}

// Change implements [deliver.Ledger].
func (s *Store) Change(ctx context.Context, endpointID string, e deliver.Effect) error {
	return s.write(ctx, func(ctx context.Context, t *tx) error {
		x, err := t.lockState(ctx, endpointID, true)
		if err != nil {
			return err
		}
		x.affect(e)
		return t.storeStates(ctx, map[string]*state{endpointID: x})
	})
}

// Resume implements [deliver.Ledger].
func (s *Store) Resume(ctx context.Context, endpointID string) error {
	return s.write(ctx, func(ctx context.Context, t *tx) error {
		x, err := t.lockState(ctx, endpointID, false)
		if err != nil || x == nil {
			return err
		}
		*x = state{now: x.now, epoch: x.epoch + 1, changed: true}
		return t.storeStates(ctx, map[string]*state{endpointID: x})
	})
}

// lockState reads the state of one endpoint for changing it, and makes it known first
// if need be.
func (t *tx) lockState(ctx context.Context, endpoint string, create bool) (*state, error) {
	states, err := t.lockStates(ctx, []string{endpoint})
	if err != nil || states[endpoint] != nil || !create {
		return states[endpoint], err
	}
	if _, err := t.enter(ctx, map[string]string{endpoint: ""}, true); err != nil {
		return nil, err
	}
	states, err = t.lockStates(ctx, []string{endpoint})
	return states[endpoint], err
}
