package sqlstore

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"example.com/paperround/deliver"
)

// Phases of a delivery.
const (
	phaseFinal   = 0
	phaseReady   = 1
	phaseWaiting = 2
	phaseBlocked = 3
	phaseClaimed = 4
)

// queued is a message that awaits fan-out.
type queued struct {
	seq, due, token int64
	tenant, key     string
	phase           int
	leased          bool
	follows         bool // another one of its key that is not in the batch
	through         bool // fanned out by this call
}

func (q *queued) before(o *queued) bool {
	return cmp.Or(cmp.Compare(q.due, o.due), cmp.Compare(q.seq, o.seq)) < 0
}

// FanOut implements [deliver.Store].
func (s *Store) FanOut(ctx context.Context, plans []deliver.Plan) (lost []deliver.Fence, err error) {
	return in(ctx, s.soft, func(ctx context.Context, t *tx) ([]deliver.Fence, error) { return t.fanOut(ctx, plans) })
}

func (t *tx) fanOut(ctx context.Context, plans []deliver.Plan) (lost []deliver.Fence, err error) {
	queue, err := t.queued(ctx, plans)
	if err != nil {
		return nil, err
	}
	again, ended, through := newTable(2, 0), newTable(2, 0), newTable(1, len(plans))
	var out []fanOut
	var missing []deliver.Fence
	for _, p := range plans {
		seq, _ := number(messagePrefix, p.Fence.ID)
		switch q := queue[seq]; {
		case q == nil:
			missing = append(missing, p.Fence)
		case q.token != p.Fence.Token, !q.through && q.phase != queueWaiting && !q.leased:
			lost = append(lost, p.Fence)
		case q.through || q.phase == queueWaiting: // carried out before
		case p.Again > 0:
			again.add(seq, millis(p.Again))
			q.phase = queueWaiting
		case q.follows || follows(q, queue):
			lost = append(lost, p.Fence)
		default:
			q.through = true
			through.add(seq)
			out = append(out, fanOut{q, p.Targets})
			if len(p.Targets) == 0 {
				ended.add(seq, q.token)
			}
		}
	}
	if lost, err = t.fannedOutBefore(ctx, missing, lost); err != nil {
		return nil, err
	}
	err = t.execRows(ctx, "UPDATE {queue} SET phase = 1, time = {now} + j.a, tries = tries + 1 FROM {rows 1 s bigint, a bigint} WHERE seq = j.s", again)
	if err != nil {
		return nil, err
	}
	if through.len() == 0 {
		return lost, nil
	}
	if err := t.later(ctx, "DELETE FROM {queue} WHERE seq IN (SELECT j.s FROM {rows 1 s bigint})", through); err != nil {
		return nil, err
	}
	if err := t.endMessages(ctx, ended); err != nil {
		return nil, err
	}
	return lost, t.make(ctx, out)
}

// endMessages notes when messages that have no delivery were finished, and who says so.
func (t *tx) endMessages(ctx context.Context, ended *table) error {
	return t.execRows(ctx, "UPDATE {messages} SET ended = {now}, ended_by = j.t FROM {rows 1 s bigint, t bigint} WHERE seq = j.s", ended)
}

// queued reads what the plans are about.
func (t *tx) queued(ctx context.Context, plans []deliver.Plan) (map[int64]*queued, error) {
	seqs := make([]int64, 0, len(plans))
	for _, p := range plans {
		if seq, ok := number(messagePrefix, p.Fence.ID); ok {
			seqs = append(seqs, seq)
		}
	}
	slices.Sort(seqs)
	queue := make(map[int64]*queued, len(seqs))
	// One that came in between and was never handed out has a transaction that did not
	// end before this message was handed out, so it goes before nothing.
	err := t.query(ctx, func(scan func(dest ...any) error) error {
		q := &queued{}
		err := scan(&q.seq, &q.token, &q.phase, &q.leased, &q.tenant, &q.key, &q.due, &q.follows)
		queue[q.seq] = q
		return err
	}, `SELECT q.seq, q.token, q.phase, q.phase = 2 AND q.time > {now}, q.tenant, q.key, q.due, q.key <> '' AND EXISTS (
			SELECT 1 FROM {queue} b WHERE b.tenant = q.tenant AND b.key = q.key AND b.key <> '' AND (b.due, b.seq) < (q.due, q.seq)
				AND (b.phase > 0 OR b.token > 0) AND NOT b.seq {ids 1})
		FROM {queue} q WHERE q.seq {ids 1} AND `+unsynced+` ORDER BY q.seq {lock UPDATE}`, t.s.ids(seqs))
	return queue, err
}

// follows reports whether one that goes before q is still not fanned out.
func follows(q *queued, queue map[int64]*queued) bool {
	if q.key == "" {
		return false
	}
	for _, o := range queue {
		if !o.through && o.tenant == q.tenant && o.key == q.key && o.before(q) {
			return true
		}
	}
	return false
}

// fannedOutBefore adds to lost the fences that did not themselves fan their message
// out.
func (t *tx) fannedOutBefore(ctx context.Context, missing, lost []deliver.Fence) ([]deliver.Fence, error) {
	if len(missing) == 0 {
		return lost, nil
	}
	var seqs []int64
	for _, f := range missing {
		if seq, ok := number(messagePrefix, f.ID); ok {
			seqs = append(seqs, seq)
		}
	}
	did := make(map[deliver.Fence]bool, len(missing))
	err := t.query(ctx, func(scan func(dest ...any) error) error {
		var seq, token int64
		err := scan(&seq, &token)
		did[deliver.Fence{ID: name(messagePrefix, seq), Token: token}] = true
		return err
	}, `SELECT message, fan FROM {deliveries} WHERE message {ids 1}
		UNION SELECT seq, ended_by FROM {messages} WHERE seq {ids 1} AND ended_by IS NOT NULL`, t.s.ids(seqs))
	for _, f := range missing {
		if !did[f] {
			lost = append(lost, f)
		}
	}
	return lost, err
}

// fanOut is a plan that is carried out.
type fanOut struct {
	message *queued
	targets []deliver.Target
}

// make makes the deliveries of the plans, in their order.
func (t *tx) make(ctx context.Context, plans []fanOut) error {
	tenants := make(map[string]string)
	lanes := make(map[lane]bool)
	n := 0
	for _, p := range plans {
		for _, target := range p.targets {
			tenants[target.EndpointID] = p.message.tenant
			if target.Ordered && p.message.key != "" {
				lanes[lane{target.EndpointID, p.message.key}] = true
			}
			n++
		}
	}
	if n == 0 {
		return nil
	}
	disabled, err := t.enter(ctx, tenants, len(lanes) > 0)
	if err != nil {
		return err
	}
	places, err := t.places(ctx, lanes)
	if err != nil {
		return err
	}
	made := newTable(9, n)
	var totals totals
	var dead []int64
	for _, p := range plans {
		for _, target := range p.targets {
			state, phase, records := deliver.Scheduled, phaseReady, 0
			l := lane{target.EndpointID, p.message.key}
			var key *string
			var place int64
			switch {
			case disabled[target.EndpointID]:
				state, phase, records = deliver.Abandoned, phaseFinal, 1
				dead = append(dead, p.message.seq)
			case target.Ordered && l.key != "":
				key = &l.key
				var blocked bool
				if place, blocked = places[l]; blocked {
					phase = phaseBlocked
				}
				places[l] = place
			}
			totals.add(l.endpoint, state, 1)
			made.add(p.message.seq, l.endpoint, key, place, p.message.token, int(state), phase, records, p.message.due)
		}
	}
	insert := t.later
	if len(dead) > 0 {
		insert = t.execRows // their logs want to see them
	}
	err = insert(ctx, `INSERT INTO {deliveries} (message, endpoint, lane, place, fan, state, phase, records, since, time, changed)
		SELECT j.m, j.e, j.l, j.p, j.f, j.s, j.h, j.r, j.d, {now}, {now}
		FROM {rows 1 m bigint, e text, l text, p bigint, f bigint, s smallint, h smallint, r integer, d bigint}`, made)
	if err != nil {
		return err
	}
	if len(dead) > 0 {
		err := t.exec(ctx, `INSERT INTO {attempts} (delivery, number, attempt, replay, reason, status, elapsed)
			SELECT id, 1, 1, 0, $2, 0, 0 FROM {deliveries} WHERE message {ids 1} AND phase = 0 AND state = $3 AND records = 1`,
			t.s.ids(dead), string(deliver.ReasonDisabled), int(deliver.Abandoned))
		if err != nil {
			return err
		}
	}
	return t.count(ctx, totals)
}

// lane is what keeps its order.
type lane struct{ endpoint, key string }

func laneRows(lanes map[lane]bool) *table {
	rows := newTable(2, len(lanes))
	for _, l := range slices.SortedFunc(maps.Keys(lanes), func(a, b lane) int {
		return cmp.Or(cmp.Compare(a.endpoint, b.endpoint), cmp.Compare(a.key, b.key))
	}) {
		rows.add(l.endpoint, l.key)
	}
	return rows
}

// places returns the last place of each lane that is not empty.
func (t *tx) places(ctx context.Context, lanes map[lane]bool) (map[lane]int64, error) {
	places := make(map[lane]int64, len(lanes))
	err := t.queryRows(ctx, func(scan func(dest ...any) error) error {
		var l lane
		var place *int64
		err := scan(&l.endpoint, &l.key, &place)
		if place != nil {
			places[l] = *place
		}
		return err
	}, `SELECT j.e, j.l, (SELECT d.place FROM {deliveries} d WHERE d.endpoint = j.e AND d.lane = j.l AND d.lane IS NOT NULL AND d.phase > 0
			ORDER BY d.place DESC, d.id DESC LIMIT 1)
		FROM {rows 1 e text, l text}`, laneRows(lanes))
	return places, err
}

// enter makes endpoints known, of which something becomes ready, and returns those
// that are disabled. Until the transaction ends they are neither disabled nor taken
// out of the walk; and if there are lanes, no other transaction enters or leaves one.
func (t *tx) enter(ctx context.Context, tenants map[string]string, lanes bool) (disabled map[string]bool, err error) {
	for {
		known, wake, err := t.states(ctx, tenants, lanes)
		if err != nil {
			return nil, err
		}
		unknown := newTable(3, 0)
		for _, endpoint := range slices.Sorted(maps.Keys(tenants)) {
			if _, ok := known[endpoint]; !ok {
				unknown.add(endpoint, tenants[endpoint], deliver.Slot(endpoint))
			}
		}
		if unknown.len() == 0 {
			return known, t.wake(ctx, wake)
		}
		err = t.execRows(ctx, `INSERT INTO {states} (endpoint, tenant, slot, active) SELECT j.e, j.t, j.s, true
			FROM {rows 1 e text, t text, s smallint} WHERE true ON CONFLICT DO NOTHING`, unknown)
		if err != nil {
			return nil, err
		}
	}
}

// states locks the state of endpoints and returns, by endpoint, whether it is
// disabled, and what has to be changed of those which are not in the walk or have no
// tenant yet.
func (t *tx) states(ctx context.Context, tenants map[string]string, lanes bool) (disabled map[string]bool, wake *table, err error) {
	disabled, wake = make(map[string]bool, len(tenants)), newTable(2, 0)
	lock := "{lock KEY SHARE}"
	if lanes {
		lock = "{lock NO KEY UPDATE}"
	}
	err = t.query(ctx, func(scan func(dest ...any) error) error {
		var endpoint, tenant string
		var off, active bool
		err := scan(&endpoint, &tenant, &off, &active)
		disabled[endpoint] = off
		if want := tenants[endpoint]; !active || tenant == "" && want != "" {
			wake.add(endpoint, cmp.Or(tenant, want))
		}
		return err
	}, "SELECT endpoint, tenant, disabled, active FROM {states} WHERE endpoint {texts 1} ORDER BY endpoint "+lock, texts(slices.Sorted(maps.Keys(tenants))))
	return disabled, wake, err
}

// wake puts endpoints into the walk of Ready.
func (t *tx) wake(ctx context.Context, list *table) error {
	return t.execRows(ctx, "UPDATE {states} SET active = true, tenant = j.t FROM {rows 1 e text, t text} WHERE endpoint = j.e", list)
}

// activate puts endpoints, of which something became ready, into the walk of Ready.
func (t *tx) activate(ctx context.Context, endpoints map[string]bool) error {
	if len(endpoints) == 0 {
		return nil
	}
	tenants := make(map[string]string, len(endpoints))
	for e := range endpoints {
		tenants[e] = ""
	}
	_, wake, err := t.states(ctx, tenants, false)
	if err != nil {
		return err
	}
	return t.wake(ctx, wake)
}
