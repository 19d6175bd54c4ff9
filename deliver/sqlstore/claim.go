package sqlstore

import (
	"context"
	"database/sql"
	"time"

	"example.com/paperround/deliver"
)

// wantRow asks for deliveries of one endpoint and kind.
type wantRow struct {
	endpoint string
	fresh    bool
	number   int
}

// Claim implements [deliver.Store].
func (s *Store) Claim(ctx context.Context, slots deliver.Slots, wants []deliver.Want, lease time.Duration) ([]deliver.Claim, error) {
	var list []wantRow
	for _, w := range wants {
		if !slots.Has(deliver.Slot(w.EndpointID)) {
			continue
		}
		if w.First > 0 {
			list = append(list, wantRow{w.EndpointID, true, w.First})
		}
		if w.Retries > 0 {
			list = append(list, wantRow{w.EndpointID, false, w.Retries})
		}
	}
	if len(list) == 0 {
		return nil, ctx.Err()
	}
	// What an owner gives up by itself is given up before a claim or after it.
	s.owning.RLock()
	defer s.owning.RUnlock()
	return in(ctx, s.single, func(ctx context.Context, t *tx) ([]deliver.Claim, error) {
		if s.dialect == PostgreSQL {
			return t.claimAtOnce(ctx, slots.Owner, list, lease)
		}
		return t.claim(ctx, slots.Owner, list, lease)
	})
}

// claimFields are what scanClaim reads: of a delivery d, its endpoint's state s, and its
// message m.
const claimFields = messageFields + `, d.id, d.endpoint, d.token, d.attempts, d.rejected, d.own_faults, d.unknown, d.replays, d.since,
	{now}, s.failing, s.failed, s.gone, s.epoch`

func scanClaim(scan func(dest ...any) error) (id, epoch int64, c deliver.Claim, err error) {
	var since, now int64
	var health health
	_, m, err := scanMessage(scan, &id, &c.EndpointID, &c.Fence.Token, &c.History.Attempts, &c.History.Rejected, &c.History.OwnFaults,
		&c.History.Unknown, &c.History.Replays, &since, &now, &health.failing, &health.failed, &health.gone, &epoch)
	c.Fence.ID = name(deliveryPrefix, id)
	c.Message = m
	c.History.Age = time.Duration(max(now-since, 0)) * time.Millisecond
	c.History.Health = health.at(now)
	return id, epoch, c, err
}

// wanted is a table of wants.
func wanted(wants []wantRow) *table {
	rows := newTable(3, len(wants))
	for _, w := range wants {
		rows.add(w.endpoint, w.fresh, w.number)
	}
	return rows
}

// claimAtOnce is claim in one statement, for PostgreSQL. Who is about to take a slot
// over locks its owner first, and so waits for this statement, or makes it find nothing.
func (t *tx) claimAtOnce(ctx context.Context, owner string, wants []wantRow, lease time.Duration) (claims []deliver.Claim, err error) {
	err = t.queryRows(ctx, func(scan func(dest ...any) error) error {
		_, _, c, err := scanClaim(scan)
		claims = append(claims, c)
		return err
	}, `WITH valid AS MATERIALIZED (SELECT true AS yes FROM {owners} WHERE owner = $1 AND until > {now} FOR KEY SHARE),
		picked AS MATERIALIZED (
			SELECT p.id, p.time FROM {rows 3 e text, f boolean, n integer} JOIN {states} s ON s.endpoint = j.e AND NOT s.held
			JOIN {slots} o ON o.slot = s.slot AND o.owner = $1 AND NOT o.leaving
			CROSS JOIN LATERAL (SELECT d.id, d.time FROM {deliveries} d WHERE d.phase = 1 AND d.endpoint = j.e AND d.fresh = j.f
				ORDER BY d.time, d.id LIMIT j.n FOR UPDATE SKIP LOCKED) p
			WHERE (SELECT yes FROM valid)),
		d AS (
			UPDATE {deliveries} d SET phase = 4, state = 1, token = d.token + 1, time = {now} + CAST($2 AS bigint), epoch = s.epoch
			FROM {states} s WHERE d.id = ANY(ARRAY(SELECT id FROM picked)) AND s.endpoint = d.endpoint RETURNING d.*)
		SELECT `+claimFields+` FROM d JOIN {messages} m ON m.seq = d.message JOIN {states} s ON s.endpoint = d.endpoint
		JOIN picked p ON p.id = d.id ORDER BY p.time, p.id`, wanted(wants), owner, millis(lease))
	return claims, err
}

// claim is Claim by single steps, for SQLite.
func (t *tx) claim(ctx context.Context, owner string, wants []wantRow, lease time.Duration) (claims []deliver.Claim, err error) {
	ids, err := t.pickReady(ctx, owner, wants)
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	byID := make(map[int64]deliver.Claim, len(ids))
	taken := newTable(2, len(ids))
	err = t.query(ctx, func(scan func(dest ...any) error) error {
		id, epoch, c, err := scanClaim(scan)
		c.Fence.Token++
		byID[id] = c
		taken.add(id, epoch)
		return err
	}, `SELECT `+claimFields+` FROM {deliveries} d JOIN {messages} m ON m.seq = d.message JOIN {states} s ON s.endpoint = d.endpoint
		WHERE d.id {ids 1}`, t.s.ids(ids))
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		claims = append(claims, byID[id])
	}
	return claims, t.execRows(ctx, `UPDATE {deliveries} SET phase = 4, state = 1, token = token + 1, time = {now} + CAST($1 AS bigint), epoch = j.e
		FROM {rows 2 i bigint, e bigint} WHERE id = j.i`, taken, millis(lease))
}

// pickReady chooses what is ready and wanted, longest due first.
func (t *tx) pickReady(ctx context.Context, owner string, wants []wantRow) (ids []int64, err error) {
	most := 0
	for _, w := range wants {
		most = max(most, w.number)
	}
	err = t.queryRows(ctx, func(scan func(dest ...any) error) error {
		var number int
		var list sql.NullString
		if err := scan(&number, &list); err != nil {
			return err
		}
		found, err := numbers(list.String)
		ids = append(ids, found[:min(len(found), number)]...)
		return err
	}, `SELECT j.n, (SELECT {list id} FROM (SELECT d.id FROM {deliveries} d
				WHERE d.phase IN (1, 2, 3) AND d.phase = 1 AND d.endpoint = j.e AND d.fresh = j.f
				ORDER BY d.time, d.id {limit 1}) x)
		FROM {rows 3 e text, f boolean, n integer} JOIN {states} s ON s.endpoint = j.e AND NOT s.held
		JOIN {slots} o ON o.slot = s.slot AND o.owner = $2 AND NOT o.leaving
		WHERE EXISTS (SELECT 1 FROM {owners} WHERE owner = $2 AND until > {now})`, wanted(wants), most, owner)
	return ids, err
}

// health is that of an endpoint by the clock of the database.
type health struct{ failing, failed, gone sql.NullInt64 }

func (h *health) at(now int64) (v deliver.Health) {
	since := func(t sql.NullInt64) time.Duration {
		if !t.Valid {
			return 0
		}
		// A failure just now is one, too.
		return max(time.Duration(now-t.Int64)*time.Millisecond, 1)
	}
	v.Failing, v.Gone = since(h.failing), since(h.gone)
	if h.failing.Valid {
		v.Spread = time.Duration(max(h.failed.Int64-h.failing.Int64, 0)) * time.Millisecond
	}
	return v
}

// Extend implements [deliver.Store].
func (s *Store) Extend(ctx context.Context, fences []deliver.Fence, lease time.Duration) (lost []deliver.Fence, err error) {
	list := newTable(2, len(fences))
	for _, f := range fences {
		if id, ok := number(deliveryPrefix, f.ID); ok {
			list.add(id, f.Token)
		}
	}
	held, err := in(ctx, s.single, func(ctx context.Context, t *tx) (map[deliver.Fence]bool, error) {
		held := make(map[deliver.Fence]bool, len(fences))
		return held, t.queryRows(ctx, func(scan func(dest ...any) error) error {
			var id, token int64
			err := scan(&id, &token)
			held[deliver.Fence{ID: name(deliveryPrefix, id), Token: token}] = true
			return err
		}, `UPDATE {deliveries} SET time = {now} + CAST($1 AS bigint) FROM {rows 2 i bigint, t bigint}
			WHERE id = j.i AND token = j.t AND +phase = 4 AND time > {now} RETURNING id, token`, list, millis(lease))
	})
	if err != nil {
		return nil, err
	}
	for _, f := range fences {
		if !held[f] {
			lost = append(lost, f)
		}
	}
	return lost, nil
}
