package sqlstore

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"example.com/paperround/deliver"
)

// Tx is where to publish within a transaction of the host's own: what is enqueued
// exists if and when the host commits. It costs one INSERT, and nothing waits for
// it but who publishes the same message id. The transaction stays usable after
// [deliver.ErrConflict].
//
// On SQLite the transaction should have begun as a writer; see the package comment.
func (s *Store) Tx(tx *sql.Tx) deliver.Enqueuer {
	if tx == nil {
		return s.In(nil)
	}
	return s.In(querier{tx})
}

// In is like [Store.Tx] for a transaction of another kind than database/sql's, on
// the same database.
func (s *Store) In(q Querier) deliver.Enqueuer { return enqueuer{s, q} }

type enqueuer struct {
	s *Store
	q Querier
}

// Enqueue implements [deliver.Enqueuer].
func (e enqueuer) Enqueue(ctx context.Context, messages ...*deliver.Message) error {
	if e.q == nil {
		return errors.New("sqlstore: the transaction is nil")
	}
	if slices.Contains(messages, nil) {
		return errNoMessage
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	err := e.s.tx(e.q).enqueue(ctx, messages, true)
	if isBusySnapshot(err) {
		return fmt.Errorf("sqlstore: the transaction had read before somebody else wrote, so it cannot write; begin it as a writer, with _txlock=immediate: %w", err)
	}
	return err
}

var errNoMessage = errors.New("sqlstore: a message is nil")

// isBusySnapshot reports whether SQLite refused a transaction that began by reading,
// by what the drivers say.
func isBusySnapshot(err error) bool {
	if err == nil {
		return false
	}
	text := err.Error()
	return strings.Contains(text, "SQLITE_BUSY_SNAPSHOT") || strings.Contains(text, "(517)")
}

// Enqueue implements [deliver.Store]. The store is not bounded, so ErrFull never
// comes. Calls with one message that come while others are being stored share one
// transaction.
func (s *Store) Enqueue(ctx context.Context, messages ...*deliver.Message) error {
	if len(messages) == 0 {
		return ctx.Err()
	}
	if slices.Contains(messages, nil) {
		return errNoMessage
	}
	own := make([]*deliver.Message, len(messages)) // who stops waiting may use its own for something else
	for i, m := range messages {
		own[i] = new(*m)
		own[i].Body = bytes.Clone(m.Body)
	}
	if len(own) == 1 {
		if err := s.enqueue.do(ctx, own[0]); !s.mayBeOfOthers(err) {
			return err
		}
	}
	err := s.write(ctx, func(ctx context.Context, t *tx) error { return t.enqueue(ctx, own, false) })
	if err != nil && !errors.Is(err, deliver.ErrConflict) {
		err = cmp.Or(ctx.Err(), err) // not all drivers say that it was ctx
	}
	return err
}

// mayBeOfOthers reports whether an error for several messages may be due to some of
// them only. Then each caller stores its own, so that none fails for another, nor waits
// for whom another one has to wait for.
func (s *Store) mayBeOfOthers(err error) bool {
	var e interface{ SQLState() string }
	switch {
	case err == nil || errors.Is(err, deliver.ErrConflict):
		return false
	case s.dialect == SQLite:
		return true
	case !errors.As(err, &e) || len(e.SQLState()) < 2:
		return false // there is no server, or no time
	}
	switch e.SQLState()[:2] {
	case "22", "23", "54": // what a message is, or how large
		return true
	case "40", "55": // who else writes it
		return true
	}
	return false
}

// enqueueGroup stores what several callers bring. They go together, since each is there
// or not for itself.
func (s *Store) enqueueGroup(ctx context.Context, messages []*deliver.Message) []error {
	errs, err := in(ctx, s.single, func(ctx context.Context, t *tx) ([]error, error) { return t.enqueueSingles(ctx, messages) })
	if err != nil {
		return slices.Repeat([]error{err}, len(messages))
	}
	return errs
}

// enqueueSingles stores messages that have nothing to do with each other, and returns
// an error for each of them or one for all.
func (t *tx) enqueueSingles(ctx context.Context, messages []*deliver.Message) ([]error, error) {
	d := distinctOf(messages)
	added := 0
	if err := t.insertMessages(ctx, d, impatient, func(int64) { added++ }); err != nil {
		return nil, err
	}
	errs := make([]error, len(messages))
	var taken map[messageName]bool
	if added < len(d.list) {
		var err error
		if taken, err = t.conflicts(ctx, d); err != nil {
			return nil, err
		}
	}
	for i, m := range messages {
		if taken[messageName{m.Tenant, m.ID}] || d.odd[m] {
			errs[i] = deliver.ErrConflict
		}
	}
	return errs, nil
}

type messageName struct{ tenant, id string }

// distinct is messages without those that come twice.
type distinct struct {
	list    []*deliver.Message
	digests [][sha256.Size]byte
	at      map[messageName]int
	odd     map[*deliver.Message]bool // those that have a name another one has
}

func distinctOf(messages []*deliver.Message) *distinct {
	d := &distinct{at: make(map[messageName]int, len(messages))}
	for _, m := range messages {
		digest := sha256.Sum256(m.Body)
		name := messageName{m.Tenant, m.ID}
		i, found := d.at[name]
		switch {
		case !found:
			d.at[name] = len(d.list)
			d.list, d.digests = append(d.list, m), append(d.digests, digest)
		case d.digests[i] != digest || d.list[i].Topic != m.Topic || d.list[i].ContentType != m.ContentType:
			if d.odd == nil {
				d.odd = make(map[*deliver.Message]bool)
			}
			d.odd[m] = true
		}
	}
	return d
}

// enqueue stores messages, or none of them if it returns ErrConflict and the host
// owns the transaction.
func (t *tx) enqueue(ctx context.Context, messages []*deliver.Message, hosted bool) error {
	d := distinctOf(messages)
	if len(d.odd) > 0 {
		return deliver.ErrConflict
	}
	var added []int64
	if err := t.insertMessages(ctx, d, "true", func(seq int64) { added = append(added, seq) }); err != nil || len(added) == len(d.list) {
		return err
	}
	taken, err := t.conflicts(ctx, d)
	if err != nil || len(taken) == 0 {
		return err
	}
	if hosted && len(added) > 0 {
		for _, table := range []string{"{queue}", "{messages}"} {
			if err := t.exec(ctx, "DELETE FROM "+table+" WHERE seq {ids 1}", t.s.ids(added)); err != nil {
				return err
			}
		}
	}
	return deliver.ErrConflict
}

// impatient is a condition that is true and makes a statement wait for another
// transaction only so long as one takes that is about to commit.
const impatient = "{postgres (SELECT set_config('lock_timeout', '100ms', true)) = '100ms'}{sqlite true}"

// insertMessages stores those that are not there, on a condition, and tells their
// numbers.
func (t *tx) insertMessages(ctx context.Context, d *distinct, condition string, added func(seq int64)) error {
	rows := newTable(9, len(d.list))
	for i, m := range d.list {
		body := m.Body
		if body == nil {
			body = []byte{} // no body is one that was purged
		}
		rows.add(m.Tenant, m.ID, m.Key, string(m.Topic), m.ContentType, body, d.digests[i][:], m.Trace.Parent+" "+m.Trace.State, millis(m.Delay))
	}
	return t.queryValues(ctx, func(scan func(dest ...any) error) error {
		var seq int64
		err := scan(&seq)
		added(seq)
		return err
	}, `{postgres WITH added AS (}
		INSERT INTO {messages} (tenant, id, key, topic, content_type, body, digest, trace, due)
		SELECT j.t, j.i, j.k, j.p, j.c, j.b, j.d, j.r, {now} + j.w
		FROM {values 1 t text, i text, k text, p text, c text, b bytea, d bytea, r text, w bigint}
		WHERE `+condition+` ON CONFLICT (id, tenant) DO NOTHING RETURNING seq{postgres , tenant, key, due)
		INSERT INTO {queue} (seq, tenant, key, due, phase, time)
		SELECT seq, tenant, key, due, CASE WHEN due > {now} THEN 1 ELSE 0 END, due FROM added RETURNING seq}`, rows)
}

// conflicts returns the messages whose names are taken by other ones.
func (t *tx) conflicts(ctx context.Context, d *distinct) (taken map[messageName]bool, err error) {
	names := newTable(2, len(d.list))
	for _, m := range d.list {
		names.add(m.Tenant, m.ID)
	}
	taken = make(map[messageName]bool)
	err = t.queryRows(ctx, func(scan func(dest ...any) error) error {
		var name messageName
		var topic, contentType string
		var digest []byte
		if err := scan(&name.tenant, &name.id, &topic, &contentType, &digest); err != nil {
			return err
		}
		i := d.at[name]
		m := d.list[i]
		if topic != string(m.Topic) || contentType != m.ContentType || !bytes.Equal(digest, d.digests[i][:]) {
			taken[name] = true
		}
		return nil
	}, `SELECT m.tenant, m.id, m.topic, m.content_type, m.digest
		FROM {rows 1 t text, i text} JOIN {messages} m ON m.id = j.i AND m.tenant = j.t`, names)
	return taken, err
}

// millis is a duration in the units of the tables; what is left of one counts as one.
func millis(d time.Duration) int64 {
	if d <= 0 {
		return 0
	}
	return int64((d-1)/time.Millisecond) + 1
}
