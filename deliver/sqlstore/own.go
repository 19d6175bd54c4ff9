package sqlstore

import (
	"context"
	"time"

	"example.com/paperround/deliver"
)

// slotRow is a row of the table of slots.
type slotRow struct {
	Slot    int
	Owner   string
	Leaving bool
	busy    bool // there are claims on its endpoints
}

// Own implements [deliver.Store].
func (s *Store) Own(ctx context.Context, owner string, ttl time.Duration) (deliver.Slots, error) {
	s.owning.Lock()
	defer s.owning.Unlock()
	return in(ctx, s.soft, func(ctx context.Context, t *tx) (deliver.Slots, error) { return t.own(ctx, owner, ttl) })
}

func (t *tx) own(ctx context.Context, owner string, ttl time.Duration) (deliver.Slots, error) {
	held := deliver.Slots{Owner: owner}
	if err := t.lock(ctx, "own", unsynced); err != nil {
		return held, err
	}
	now, owners, err := t.owners(ctx)
	if err != nil {
		return held, err
	}
	if err := t.exec(ctx, "DELETE FROM {owners} WHERE until <= $1 OR owner = $2", now, owner); err != nil {
		return held, err
	}
	delete(owners, owner)
	share := 0
	if ttl > 0 {
		owners[owner] = true
		if err := t.exec(ctx, "INSERT INTO {owners} (owner, until) VALUES ($1, $2)", owner, now+millis(ttl)); err != nil {
			return held, err
		}
		share = shareOf(owner, owners)
	}
	slots, err := t.slots(ctx, now)
	if err != nil {
		return held, err
	}
	before := slots
	n := 0
	for _, x := range slots {
		if x.Owner == owner && !x.Leaving {
			n++
		}
	}
	for _, busy := range []bool{false, true} { // what nobody waits for is given up first
		for i := range slots {
			if x := &slots[i]; n > share && x.Owner == owner && !x.Leaving && x.busy == busy {
				x.Leaving = true
				n--
			}
		}
	}
	for i := range slots {
		x := &slots[i]
		if n < share && (x.Owner == owner && x.Leaving || x.Owner != owner && !x.busy && (x.Leaving || !owners[x.Owner])) {
			x.Owner, x.Leaving = owner, false
			n++
		}
	}
	changed := newTable(3, len(slots))
	for i, x := range slots {
		if x.Owner == owner && !x.Leaving {
			held.Add(x.Slot)
		}
		if x != before[i] {
			changed.add(x.Slot, x.Owner, x.Leaving)
		}
	}
	return held, t.execRows(ctx, "UPDATE {slots} SET owner = j.o, leaving = j.l FROM {rows 1 s integer, o text, l boolean} WHERE slot = j.s", changed)
}

// owners returns the clock and who has a lease. It waits for claims that are being
// made, and makes those to come wait.
func (t *tx) owners(ctx context.Context) (now int64, owners map[string]bool, err error) {
	if err := t.query(ctx, one(&now), "SELECT {now}"); err != nil {
		return 0, nil, err
	}
	owners = make(map[string]bool)
	err = t.query(ctx, func(scan func(dest ...any) error) error {
		var owner string
		var until int64
		err := scan(&owner, &until)
		if until > now {
			owners[owner] = true
		}
		return err
	}, "SELECT owner, until FROM {owners} ORDER BY owner {lock UPDATE}")
	return now, owners, err
}

// shareOf is how many slots an owner may have: those that come first by name get
// what division leaves over.
func shareOf(owner string, owners map[string]bool) int {
	before := 0
	for o := range owners {
		if o < owner {
			before++
		}
	}
	n := deliver.SlotCount / len(owners)
	if before < deliver.SlotCount%len(owners) {
		n++
	}
	return n
}

func (t *tx) slots(ctx context.Context, now int64) (slots [deliver.SlotCount]slotRow, err error) {
	err = t.query(ctx, func(scan func(dest ...any) error) error {
		var x slotRow
		if err := scan(&x.Slot, &x.Owner, &x.Leaving); err != nil {
			return err
		}
		slots[x.Slot] = x
		return nil
	}, "SELECT slot, owner, leaving FROM {slots}")
	if err != nil {
		return slots, err
	}
	err = t.query(ctx, func(scan func(dest ...any) error) error {
		var slot int
		err := scan(&slot)
		slots[slot].busy = true
		return err
	}, `SELECT DISTINCT s.slot FROM {deliveries} d JOIN {states} s ON s.endpoint = d.endpoint
		WHERE {sqlite d.phase IN (2, 4) AND} d.phase = 4 AND d.time > $1`, now)
	return slots, err
}
