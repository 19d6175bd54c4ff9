package sqlstore

import (
	"context"
	"database/sql"
	"math"
	"strconv"
	"strings"
	"time"

	"example.com/paperround/deliver"
)

// Phases of a queued message.
const (
	queuePending = 0
	queueWaiting = 1 // delayed or put off
	queueClaimed = 2
)

const (
	messagePrefix  = "msg_"
	deliveryPrefix = "dlv_"

	moveBatch = 1000 // rows that time moves on in one transaction
)

func number(prefix, id string) (n int64, ok bool) {
	digits, ok := strings.CutPrefix(id, prefix)
	n, err := strconv.ParseInt(digits, 10, 64)
	return n, ok && err == nil
}

func name(prefix string, n int64) string { return prefix + strconv.FormatInt(n, 10) }

// Pending implements [deliver.Store]. A tenant whose 1,000 oldest pending messages all
// wait for earlier ones of their keys, which are put off or claimed, waits with them.
func (s *Store) Pending(ctx context.Context, limit int, lease time.Duration) (batch []deliver.Pending, next time.Duration, err error) {
	if limit <= 0 {
		return nil, dueNow, ctx.Err()
	}
	for blind := s.busy.Load(); ; blind = false {
		due := true
		if !blind { // a look costs less than a transaction
			pending, later, err := s.peekQueue(ctx)
			if due = later == dueNow; err != nil || !pending && !due {
				return nil, later, err
			}
			next = later
		}
		batch, err = in(ctx, s.soft, func(ctx context.Context, t *tx) ([]deliver.Pending, error) { return t.pending(ctx, limit, lease, due) })
		s.busy.Store(err == nil && len(batch) > 0)
		switch {
		case err != nil:
			return nil, 0, err
		case len(batch) > 0: // who has just found something should look again
			return batch, dueNow, nil
		case !blind: // what is pending waits for what is not
			return nil, next, nil
		}
	}
}

// dueNow is the time until something that is due.
const dueNow = time.Millisecond

// until is the time until an instant of the tables; 0 if there is none.
func until(at sql.NullInt64, now int64) time.Duration {
	if !at.Valid {
		return 0
	}
	return max(duration(at.Int64-now), dueNow)
}

// duration is so many milliseconds, or the longest one there is.
func duration(millis int64) time.Duration {
	return time.Duration(min(millis, math.MaxInt64/int64(time.Millisecond))) * time.Millisecond
}

// soonest is the smaller of two times, of which 0 is none.
func soonest(a, b time.Duration) time.Duration {
	if a == 0 || b == 0 {
		return max(a, b)
	}
	return min(a, b)
}

// peekQueue tells whether messages are pending, and when more will be.
func (s *Store) peekQueue(ctx context.Context) (pending bool, next time.Duration, err error) {
	var now int64
	var at sql.NullInt64
	err = s.peek(ctx, one(&now, &pending, &at), `SELECT {now}, EXISTS (SELECT 1 FROM {queue} WHERE phase = 0),
		(SELECT min(time) FROM {queue} WHERE phase > 0)`)
	return pending, until(at, now), err
}

func (t *tx) pending(ctx context.Context, limit int, lease time.Duration, due bool) ([]deliver.Pending, error) {
	if err := t.lock(ctx, "pending", unsynced); err != nil {
		return nil, err
	}
	if due {
		err := t.exec(ctx, `UPDATE {queue} SET phase = 0 WHERE +phase > 0 AND seq IN (SELECT seq FROM {queue}
			WHERE phase > 0 AND time <= {now} ORDER BY time {limit 1} {lock UPDATE SKIP LOCKED})`, moveBatch)
		if err != nil {
			return nil, err
		}
	}
	seqs, err := t.pickPending(ctx, limit)
	if err != nil || len(seqs) == 0 {
		return nil, err
	}
	return t.takePending(ctx, seqs, lease)
}

// pickPending chooses messages of as many tenants as there is room for, in turns and
// the oldest first, beginning behind the tenant that came last.
func (t *tx) pickPending(ctx context.Context, limit int) (seqs []int64, err error) {
	share := int(t.s.share.Load())
	lists, err := t.turn(ctx, limit, share)
	if err != nil || len(lists) == 0 {
		return nil, err
	}
	t.s.share.Store(int64((limit-1)/len(lists) + 1))
	n, more := 0, false
	for _, x := range lists {
		n += len(x.seqs)
		more = more || len(x.seqs) == share
	}
	if n < limit && more { // not every tenant needs its share
		if lists, err = t.turn(ctx, limit, share+limit-n); err != nil {
			return nil, err
		}
	}
	for i, before := 0, -1; len(seqs) > before; i++ {
		before = len(seqs)
		for _, x := range lists {
			if i < len(x.seqs) && len(seqs) < limit {
				seqs = append(seqs, x.seqs[i])
			}
		}
	}
	if len(lists) < limit {
		t.s.turn.Store(nil) // all had their turn
	} else {
		t.s.turn.Store(&lists[len(lists)-1].tenant)
	}
	return seqs, nil
}

// numbers reads what {list} made.
func numbers(list string) ([]int64, error) {
	if list == "" {
		return nil, nil
	}
	parts := strings.Split(list, ",")
	numbers := make([]int64, len(parts))
	for i, p := range parts {
		n, err := strconv.ParseInt(p, 10, 64)
		if err != nil {
			return nil, err
		}
		numbers[i] = n
	}
	return numbers, nil
}

// tenantList is what a tenant has pending.
type tenantList struct {
	tenant string
	seqs   []int64
}

// lookAhead is how many of a tenant's oldest pending messages are looked at for those
// that can go, so that what a call costs does not grow with what waits behind a key.
const lookAhead = 1000

// turn returns up to limit tenants and the oldest pending messages of each. Those whose
// key has an earlier message that awaits fan-out and cannot come along have to wait.
func (t *tx) turn(ctx context.Context, limit, share int) (lists []tenantList, err error) {
	walk := func(from, tenant string, limit int) error {
		return t.query(ctx, func(scan func(dest ...any) error) error {
			var x tenantList
			var list sql.NullString
			err := scan(&x.tenant, &list)
			if err == nil {
				x.seqs, err = numbers(list.String)
			}
			lists = append(lists, x)
			return err
		}, `WITH RECURSIVE t(tenant) AS (
				SELECT (SELECT min(tenant) FROM {queue} WHERE phase = 0 AND tenant `+from+` $1)
				UNION ALL
				SELECT (SELECT min(q.tenant) FROM {queue} q WHERE q.phase = 0 AND q.tenant > t.tenant) FROM t WHERE t.tenant IS NOT NULL
			) SELECT t.tenant, (SELECT {list seq} FROM (
				SELECT q.seq FROM (SELECT o.seq, o.due, o.tenant, o.key FROM {queue} o WHERE o.phase = 0 AND o.tenant = t.tenant
					ORDER BY o.due, o.seq {limit 4}) q
				WHERE q.key = '' OR NOT EXISTS (
					SELECT 1 FROM {queue} b WHERE b.tenant = q.tenant AND b.key = q.key AND b.key <> ''
						AND (b.due, b.seq) < (q.due, q.seq) AND b.phase > 0)
				ORDER BY q.due, q.seq {limit 3}) x) FROM t WHERE t.tenant IS NOT NULL {limit 2}`, tenant, limit, share, max(lookAhead, share))
	}
	last := t.s.turn.Load()
	if last != nil {
		if err := walk(">", *last, limit); err != nil {
			return nil, err
		}
	}
	n := len(lists)
	if n == limit {
		return lists, nil
	}
	if err := walk(">=", "", limit-n); err != nil {
		return nil, err
	}
	for i := n; last != nil && i < len(lists); i++ {
		if lists[i].tenant > *last {
			lists = lists[:i]
		}
	}
	return lists, nil
}

// takePending claims messages for fan-out.
func (t *tx) takePending(ctx context.Context, seqs []int64, lease time.Duration) ([]deliver.Pending, error) {
	const (
		take   = `UPDATE {queue} SET phase = 2, time = {now} + CAST($2 AS bigint), token = token + 1 WHERE seq {ids 1}`
		fields = messageFields + `, q.token, q.tries`
	)
	at := make(map[int64]deliver.Pending, len(seqs))
	add := func(scan func(dest ...any) error) error {
		var p deliver.Pending
		seq, m, err := scanMessage(scan, &p.Fence.Token, &p.Tries)
		p.Message = m
		p.Fence.ID = name(messagePrefix, seq)
		at[seq] = p
		return err
	}
	ids := t.s.ids(seqs)
	if t.s.dialect == PostgreSQL {
		const both = `WITH q AS (` + take + ` RETURNING seq, token, tries) SELECT ` + fields + ` FROM q JOIN {messages} m ON m.seq = q.seq`
		if err := t.query(ctx, add, both, ids, millis(lease)); err != nil {
			return nil, err
		}
	} else {
		if err := t.exec(ctx, take, ids, millis(lease)); err != nil {
			return nil, err
		}
		if err := t.query(ctx, add, `SELECT `+fields+` FROM {queue} q JOIN {messages} m ON m.seq = q.seq WHERE q.seq {ids 1}`, ids); err != nil {
			return nil, err
		}
	}
	batch := make([]deliver.Pending, 0, len(seqs))
	for _, seq := range seqs {
		if p, ok := at[seq]; ok { // it may have been canceled
			batch = append(batch, p)
		}
	}
	return batch, nil
}

// messageFields are what scanMessage reads.
const messageFields = "m.seq, m.tenant, m.id, m.key, m.topic, m.content_type, m.body, m.trace"

func scanMessage(scan func(dest ...any) error, more ...any) (seq int64, m *deliver.Message, err error) {
	m = &deliver.Message{}
	var trace string
	err = scan(append([]any{&seq, &m.Tenant, &m.ID, &m.Key, (*string)(&m.Topic), &m.ContentType, &m.Body, &trace}, more...)...)
	m.Trace.Parent, m.Trace.State, _ = strings.Cut(trace, " ")
	return seq, m, err
}
