package sqlstore

import (
	"cmp"
	"context"
	"slices"

	"example.com/paperround/deliver"
)

// totalRow is what is added to the numbers of an endpoint.
type totalRow struct {
	Endpoint  string
	Open      int
	Succeeded int
	Exhausted int
	Abandoned int
	Canceled  int
}

// totals adds up what a transaction changes. Its zero value is empty.
type totals struct {
	rows  []totalRow
	index map[string]int
}

// add counts n deliveries more in a state; every open one is Scheduled here.
func (c *totals) add(endpoint string, state deliver.State, n int) {
	i, ok := c.index[endpoint]
	if !ok {
		if c.index == nil {
			c.index = make(map[string]int)
		}
		i = len(c.rows)
		c.index[endpoint] = i
		c.rows = append(c.rows, totalRow{Endpoint: endpoint})
	}
	r := &c.rows[i]
	switch state {
	case deliver.Succeeded:
		r.Succeeded += n
	case deliver.Exhausted:
		r.Exhausted += n
	case deliver.Abandoned:
		r.Abandoned += n
	case deliver.Canceled:
		r.Canceled += n
	default:
		r.Open += n
	}
}

// count writes the changes down. On SQLite, where one writes at a time, each endpoint
// has one row; on PostgreSQL each transaction adds rows of its own, so that none waits
// for another, and fold makes them one again.
func (t *tx) count(ctx context.Context, c totals) error {
	if len(c.rows) == 0 {
		return nil
	}
	slices.SortFunc(c.rows, func(a, b totalRow) int { return cmp.Compare(a.Endpoint, b.Endpoint) })
	rows := newTable(6, len(c.rows))
	for _, r := range c.rows {
		rows.add(r.Endpoint, r.Open, r.Succeeded, r.Exhausted, r.Abandoned, r.Canceled)
	}
	if err := t.later(ctx, `INSERT INTO {totals} (endpoint, open, succeeded, exhausted, abandoned, canceled)
		SELECT j.e, j.o, j.s, j.x, j.a, j.c FROM {rows 1 e text, o integer, s integer, x integer, a integer, c integer}
		{sqlite WHERE true ON CONFLICT (endpoint) DO UPDATE SET open = open + excluded.open, succeeded = succeeded + excluded.succeeded,
			exhausted = exhausted + excluded.exhausted, abandoned = abandoned + excluded.abandoned, canceled = canceled + excluded.canceled}`,
		rows); err != nil {
		return err
	}
	t.s.unfolded.Add(int64(len(c.rows)))
	return nil
}

// foldAfter is how many rows of totals a process adds before it folds them.
const foldAfter = 4096

// fold adds up what the transactions noted one by one.
func (s *Store) fold(ctx context.Context) error {
	if s.dialect == SQLite || s.unfolded.Load() < foldAfter {
		return nil
	}
	s.unfolded.Store(0)
	return s.write(ctx, func(ctx context.Context, t *tx) error {
		return t.exec(ctx, `WITH parts AS (DELETE FROM {totals} RETURNING *)
			INSERT INTO {totals} (endpoint, open, succeeded, exhausted, abandoned, canceled)
			SELECT endpoint, sum(open), sum(succeeded), sum(exhausted), sum(abandoned), sum(canceled) FROM parts GROUP BY endpoint`)
	})
}
