package sqlstore

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"

	"example.com/paperround/deliver"
)

// changed is a delivery that a statement changed.
type changed struct {
	id       int64
	endpoint string
	lane     *string
	epoch    int64
	records  int // in its log, with the one that is to be added
	attempts int
	replays  int
}

const changedFields = "id, endpoint, lane, epoch, records, attempts, replays"

func scanChanged(scan func(dest ...any) error) (c changed, err error) {
	err = scan(&c.id, &c.endpoint, &c.lane, &c.epoch, &c.records, &c.attempts, &c.replays)
	return c, err
}

// change runs a statement that returns changedFields.
func (t *tx) change(ctx context.Context, query string, rows *table, args ...any) (list []changed, err error) {
	run := t.query
	if rows != nil {
		run = func(ctx context.Context, each func(scan func(dest ...any) error) error, query string, args ...any) error {
			return t.queryRows(ctx, each, query, rows, args...)
		}
	}
	err = run(ctx, func(scan func(dest ...any) error) error {
		c, err := scanChanged(scan)
		list = append(list, c)
		return err
	}, query+" RETURNING "+changedFields, args...)
	slices.SortFunc(list, func(a, b changed) int { return cmp.Compare(a.id, b.id) })
	return list, err
}

// log is what is to be appended to the logs of deliveries.
type log struct{ *table }

func newLog(rows int) log { return log{newTable(7, rows)} }

func (l log) add(c changed, r deliver.Record) {
	l.table.add(c.id, c.records, r.Attempt, r.Replay, string(r.Reason), r.Status, int64(r.Elapsed))
}

func (t *tx) log(ctx context.Context, l log) error {
	return t.later(ctx, `INSERT INTO {attempts} (delivery, number, attempt, replay, reason, status, elapsed)
		SELECT j.d, j.n, j.a, j.r, j.w, j.s, j.e FROM {rows 1 d bigint, n integer, a integer, r integer, w text, s integer, e bigint}`, l.table)
}

// Settle implements [deliver.Store].
func (s *Store) Settle(ctx context.Context, settlements []deliver.Settlement) (lost []deliver.Fence, err error) {
	if slices.ContainsFunc(settlements, func(x deliver.Settlement) bool { return x.State == deliver.Claimed }) {
		return nil, errors.New("sqlstore: a settlement cannot leave its delivery claimed")
	}
	return in(ctx, s.write, func(ctx context.Context, t *tx) ([]deliver.Fence, error) { return t.settle(ctx, settlements) })
}

func (t *tx) settle(ctx context.Context, settlements []deliver.Settlement) (lost []deliver.Fence, err error) {
	list := newTable(11, len(settlements))
	byID := make(map[int64]*deliver.Settlement, len(settlements))
	for i := range settlements {
		s := &settlements[i]
		id, ok := number(deliveryPrefix, s.Fence.ID)
		if !ok || byID[id] != nil {
			continue
		}
		byID[id] = s
	}
	for _, id := range slices.Sorted(maps.Keys(byID)) {
		s := byID[id]
		h := s.History
		phase := phaseFinal
		switch {
		case s.State.Final():
		case s.After > 0:
			phase = phaseWaiting
		default:
			phase = phaseReady
		}
		list.add(id, s.Fence.Token, int(s.State), phase, millis(s.After), h.Attempts, h.Rejected, h.OwnFaults, h.Unknown, h.Replays, h.Fresh())
	}
	done, err := t.change(ctx, `UPDATE {deliveries} SET state = j.s, phase = j.p, fresh = j.f, time = {now} + j.a,
			attempts = j.n, rejected = j.r, own_faults = j.o, unknown = j.u, replays = j.y, records = records + 1,
			changed = CASE WHEN j.p = 0 THEN {now} ELSE changed END
		FROM {rows 1 i bigint, t bigint, s smallint, p smallint, a bigint, n integer, r integer, o integer, u integer, y integer, f boolean}
		WHERE id = j.i AND token = j.t AND +phase = 4 AND time > {now}`, list)
	if err != nil {
		return nil, err
	}
	if lost, err = t.lost(ctx, settlements, done); err != nil || len(done) == 0 {
		return lost, err
	}
	attempts := newLog(len(done))
	for _, c := range done {
		attempts.add(c, byID[c.id].Record)
	}
	if err := t.log(ctx, attempts); err != nil {
		return nil, err
	}
	disabled, err := t.affect(ctx, settlements, done, byID)
	if err != nil {
		return nil, err
	}
	var final []ended
	var dead []int64
	ready := make(map[string]bool)
	for _, c := range done {
		switch s := byID[c.id]; {
		case s.State.Final():
			final = append(final, ended{c, s.State})
		case disabled[c.endpoint]:
			dead = append(dead, c.id)
		case s.After <= 0:
			ready[c.endpoint] = true
		}
	}
	if err := t.end(ctx, final); err != nil {
		return nil, err
	}
	if err := t.activate(ctx, ready); err != nil {
		return nil, err
	}
	return lost, t.abandon(ctx, dead)
}

// lost returns the fences that did nothing now nor before.
func (t *tx) lost(ctx context.Context, settlements []deliver.Settlement, done []changed) (lost []deliver.Fence, err error) {
	if len(done) == len(settlements) {
		return nil, nil
	}
	good := make(map[deliver.Fence]bool, len(settlements))
	var ids []int64
	for _, s := range settlements {
		if id, ok := number(deliveryPrefix, s.Fence.ID); ok {
			ids = append(ids, id)
		}
	}
	err = t.query(ctx, func(scan func(dest ...any) error) error {
		var id, token int64
		err := scan(&id, &token)
		good[deliver.Fence{ID: name(deliveryPrefix, id), Token: token}] = true
		return err
	}, "SELECT id, token FROM {deliveries} WHERE id {ids 1} AND +phase <> 4", t.s.ids(ids))
	for _, s := range settlements {
		if !good[s.Fence] && !slices.ContainsFunc(done, func(c changed) bool { return name(deliveryPrefix, c.id) == s.Fence.ID }) {
			lost = append(lost, s.Fence)
		}
	}
	return lost, err
}

// state is that of an endpoint, as far as settlements change it.
type state struct {
	now      int64
	paused   *int64
	disabled bool
	cause    string
	since    *int64
	failing  *int64
	failed   *int64
	gone     *int64
	epoch    int64
	clearing *int64 // since when, if there is something left to abandon
	changed  bool
}

// affect changes the state of the endpoints of what was settled, and returns those
// that are disabled, if it matters.
func (t *tx) affect(ctx context.Context, settlements []deliver.Settlement, done []changed, byID map[int64]*deliver.Settlement) (disabled map[string]bool, err error) {
	healthy := make(map[string]bool)
	others := make(map[string]bool)
	epochs := make(map[string]int64, len(done)) // by fence id
	for _, c := range done {
		s := byID[c.id]
		epochs[s.Fence.ID] = c.epoch
		e := s.Endpoint
		switch {
		case !s.State.Final() || e.Pause > 0 || e.Disable || e.Signal > deliver.SignalSuccess:
			others[c.endpoint] = true
		case e.Signal == deliver.SignalSuccess:
			healthy[c.endpoint] = true
		}
	}
	endpointOf := make(map[string]string, len(done))
	for _, c := range done {
		endpointOf[byID[c.id].Fence.ID] = c.endpoint
		if others[c.endpoint] {
			delete(healthy, c.endpoint)
		}
	}
	if len(healthy) > 0 {
		rows := newTable(1, len(healthy))
		for _, endpoint := range slices.Sorted(maps.Keys(healthy)) {
			rows.add(endpoint)
		}
		err := t.later(ctx, "UPDATE {states} SET failing = NULL, failed = NULL, gone = NULL FROM {rows 1 e text} WHERE endpoint = j.e AND failing IS NOT NULL", rows)
		if err != nil {
			return nil, err
		}
	}
	if len(others) == 0 {
		return nil, nil
	}
	// Those whose lanes are left are locked with them, so that all transactions take
	// theirs in one order.
	all := maps.Clone(others)
	for _, c := range done {
		if c.lane != nil && byID[c.id].State.Final() {
			all[c.endpoint] = true
		}
	}
	states, err := t.lockStates(ctx, slices.Sorted(maps.Keys(all)))
	if err != nil {
		return nil, err
	}
	for i := range settlements {
		s := &settlements[i]
		x := states[endpointOf[s.Fence.ID]]
		if x == nil {
			continue
		}
		delete(endpointOf, s.Fence.ID) // a fence that comes twice
		e := s.Endpoint
		if epochs[s.Fence.ID] != x.epoch { // it speaks of what has been forgiven
			e = deliver.Effect{}
			if s.Endpoint.Signal == deliver.SignalSuccess {
				e.Signal = deliver.SignalSuccess
			}
		}
		x.signal(e.Signal)
		x.affect(e)
	}
	disabled = make(map[string]bool)
	for endpoint, x := range states {
		disabled[endpoint] = x.disabled
	}
	return disabled, t.storeStates(ctx, states)
}

func (x *state) signal(s deliver.Signal) {
	switch s {
	case deliver.SignalNone:
		return
	case deliver.SignalSuccess:
		x.changed = x.changed || x.failing != nil
		x.failing, x.failed, x.gone = nil, nil, nil
		return
	case deliver.SignalGone:
		if x.gone == nil {
			x.gone = &x.now
		}
	case deliver.SignalFailure:
	}
	if x.failing == nil {
		x.failing = &x.now
	}
	x.failed = &x.now
	x.changed = true
}

func (x *state) affect(e deliver.Effect) {
	paused := x.paused != nil && *x.paused > x.now
	if e.Disable && !x.disabled {
		x.disabled, x.clearing, x.cause, x.since, x.changed = true, &x.now, string(e.Cause), &x.now, true
	}
	if until := x.now + millis(e.Pause); e.Pause > 0 && (!paused || until > *x.paused) {
		if !paused && !x.disabled {
			x.since = &x.now
		}
		x.paused, x.changed = &until, true
		if !x.disabled {
			x.cause = string(e.Cause)
		}
	}
}

// lockStates reads the states of endpoints for changing them.
func (t *tx) lockStates(ctx context.Context, endpoints []string) (map[string]*state, error) {
	states := make(map[string]*state, len(endpoints))
	err := t.query(ctx, func(scan func(dest ...any) error) error {
		x := &state{}
		var endpoint string
		err := scan(&endpoint, &x.now, &x.paused, &x.disabled, &x.cause, &x.since, &x.failing, &x.failed, &x.gone, &x.epoch, &x.clearing)
		states[endpoint] = x
		return err
	}, `SELECT endpoint, {now}, paused, disabled, cause, since, failing, failed, gone, epoch, clearing FROM {states}
		WHERE endpoint {texts 1} ORDER BY endpoint {lock UPDATE}`, texts(endpoints))
	return states, err
}

func (t *tx) storeStates(ctx context.Context, states map[string]*state) error {
	list := newTable(11, 0)
	for _, endpoint := range slices.Sorted(maps.Keys(states)) {
		if x := states[endpoint]; x.changed {
			held := x.disabled || x.paused != nil
			list.add(endpoint, x.paused, x.disabled, held, x.cause, x.since, x.failing, x.failed, x.gone, x.epoch, x.clearing)
		}
	}
	return t.execRows(ctx, `UPDATE {states} SET paused = j.p, disabled = j.d, held = j.h, cause = j.c, since = j.s,
			failing = j.f, failed = j.l, gone = j.g, epoch = j.o, clearing = j.k
		FROM {rows 1 e text, p bigint, d boolean, h boolean, c text, s bigint, f bigint, l bigint, g bigint, o bigint, k bigint}
		WHERE endpoint = j.e`, list)
}

// ended is a delivery that became final.
type ended struct {
	changed
	state deliver.State
}

// end counts what became final and makes ready what waited for it in its lane.
func (t *tx) end(ctx context.Context, list []ended) error {
	if len(list) == 0 {
		return nil
	}
	var totals totals
	lanes := make(map[lane]bool)
	for _, e := range list {
		totals.add(e.endpoint, deliver.Scheduled, -1)
		totals.add(e.endpoint, e.state, 1)
		if e.lane != nil {
			lanes[lane{e.endpoint, *e.lane}] = true
		}
	}
	if err := t.count(ctx, totals); err != nil {
		return err
	}
	if len(lanes) == 0 {
		return nil
	}
	tenants := make(map[string]string)
	for l := range lanes {
		tenants[l.endpoint] = ""
	}
	if _, err := t.enter(ctx, tenants, true); err != nil {
		return err
	}
	return t.execRows(ctx, `UPDATE {deliveries} SET phase = 1, time = {now} WHERE +phase = 3 AND id IN (
		SELECT (SELECT d.id FROM {deliveries} d WHERE d.endpoint = j.e AND d.lane = j.l AND d.lane IS NOT NULL AND d.phase > 0
			ORDER BY d.place, d.id LIMIT 1) FROM {rows 1 e text, l text})`, laneRows(lanes))
}

// abandon gives up deliveries whose endpoint is disabled, but for claimed ones.
func (t *tx) abandon(ctx context.Context, ids []int64) error {
	if len(ids) == 0 {
		return nil
	}
	list, err := t.change(ctx, `UPDATE {deliveries} SET state = $2, phase = 0, records = records + 1, changed = {now}
		WHERE id {ids 1} AND +phase IN (1, 2, 3)`, nil, t.s.ids(ids), int(deliver.Abandoned))
	if err != nil {
		return err
	}
	attempts := newLog(len(list))
	final := make([]ended, len(list))
	for i, c := range list {
		attempts.add(c, deliver.Record{Attempt: c.attempts + 1, Replay: c.replays, Reason: deliver.ReasonDisabled})
		final[i] = ended{c, deliver.Abandoned}
	}
	if err := t.log(ctx, attempts); err != nil {
		return err
	}
	return t.end(ctx, final)
}
