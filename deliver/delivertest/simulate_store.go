package delivertest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"example.com/paperround/deliver"
)

var (
	errInjected = errors.New("delivertest: injected failure")
	errDead     = errors.New("delivertest: the process is dead")
)

func is(err, target error) bool { return errors.Is(err, target) }

// fault is what happens at a failpoint.
type fault uint8

const (
	faultNone  fault = iota
	faultError       // the call fails
	faultDelay       // it takes long
	faultHang        // it hangs until its context ends
	faultKill        // its process dies
)

// simStore is the store as one process sees it. There is a failpoint before each
// call takes effect and one after.
type simStore struct {
	deliver.Store
	w *world
	p *process
}

// simLedger is a simStore whose store keeps a ledger.
type simLedger struct {
	simStore
	deliver.Ledger
}

func (w *world) storeFor(p *process) deliver.Store {
	s := simStore{Store: w.store, w: w, p: p}
	if w.ledger != nil {
		return &simLedger{simStore: s, Ledger: w.ledger}
	}
	return &s
}

// through makes a call: effect carries it out and tells the model, and answered,
// which may be nil, runs if the process gets to know of it.
func (s *simStore) through(ctx context.Context, name string, effect, answered func() error) error {
	w, p := s.w, s.p
	if err := s.failpoint(ctx, name, "before"); err != nil {
		return err
	}
	if !w.lockFor(ctx, p) {
		return ctxError(ctx)
	}
	err := effect()
	w.unlock()
	if err != nil {
		return err
	}
	if err := s.failpoint(ctx, name, "after"); err != nil {
		return err
	}
	if !w.lockFor(ctx, p) {
		return ctxError(ctx)
	}
	defer w.unlock()
	if answered == nil {
		return nil
	}
	return answered()
}

func ctxError(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return errDead
}

func (s *simStore) failpoint(ctx context.Context, name, where string) error {
	w, p := s.w, s.p
	now := time.Now()
	if p.isDead() {
		return errDead
	}
	if w.isHealed() {
		return nil
	}
	luck := w.luck(name, where, p.number, now)
	if p.isCutOff(now) {
		p.inTrouble()
		if luck.take(2) == 0 {
			w.pause(ctx, p, w.lease)
		}
		p.inTrouble()
		return errInjected
	}
	f, long := w.faultAt(p, &luck)
	if f == faultNone {
		if where == "before" || luck.take(4) == 0 {
			w.pause(ctx, p, time.Duration(luck.take(2_000_000)))
		}
		return nil
	}
	p.inTrouble()
	if f == faultKill {
		w.noteNow(p, "dies "+where+" "+name)
		p.kill()
		return errDead
	}
	defer p.inTrouble()
	switch f {
	case faultError:
		w.noteNow(p, name+" fails "+where)
		return errInjected
	case faultDelay:
		w.noteNow(p, name+" is late "+where)
		w.pause(ctx, p, long)
	case faultHang:
		w.noteNow(p, name+" hangs "+where)
		w.pause(ctx, p, time.Hour)
		return ctxError(ctx)
	case faultNone, faultKill:
	}
	if p.isDead() {
		return errDead
	}
	return nil
}

// faultAt rolls the dice for a failpoint.
func (w *world) faultAt(p *process, luck *luck) (f fault, long time.Duration) {
	if luck.take(1000) >= w.faults {
		return faultNone, 0
	}
	long = time.Duration(luck.take(int(w.lease)))
	switch k := luck.take(20); {
	case k < 11:
		return faultError, 0
	case k < 16:
		return faultDelay, long
	case k < 19:
		return faultHang, 0
	case w.kills && p.number > 0:
		return faultKill, 0
	}
	return faultError, 0
}

// Enqueue implements [deliver.Store].
func (s *simStore) Enqueue(ctx context.Context, messages ...*deliver.Message) error {
	return s.through(ctx, "Enqueue", func() error {
		err := s.Store.Enqueue(ctx, messages...)
		if err != nil && ctx.Err() != nil {
			return err
		}
		s.w.model.enqueue(messages, err)
		return err
	}, nil)
}

// Own implements [deliver.Store].
func (s *simStore) Own(ctx context.Context, owner string, ttl time.Duration) (slots deliver.Slots, err error) {
	err = s.through(ctx, "Own", func() (err error) {
		s.p.owner = owner
		if slots, err = s.Store.Own(ctx, owner, ttl); err != nil {
			return s.judged(ctx, "Own", err)
		}
		s.w.model.own(owner, ttl, slots)
		return nil
	}, nil)
	if err != nil {
		return deliver.Slots{}, err
	}
	return slots, nil
}

// judged passes an error of the store on: it has no reason for one but an ended
// context.
func (s *simStore) judged(ctx context.Context, name string, err error) error {
	if ctx.Err() == nil {
		s.w.unexpected(name, err)
	}
	return err
}

// Pending implements [deliver.Store].
func (s *simStore) Pending(ctx context.Context, limit int, lease time.Duration) (batch []deliver.Pending, next time.Duration, err error) {
	err = s.through(ctx, "Pending", func() (err error) {
		if batch, next, err = s.Store.Pending(ctx, limit, lease); err != nil {
			return s.judged(ctx, "Pending", err)
		}
		s.w.model.pending(s.p, batch, lease)
		return nil
	}, nil)
	if err != nil {
		return nil, 0, err
	}
	return batch, next, nil
}

// FanOut implements [deliver.Store].
func (s *simStore) FanOut(ctx context.Context, plans []deliver.Plan) (lost []deliver.Fence, err error) {
	err = s.through(ctx, "FanOut", func() (err error) {
		if lost, err = s.Store.FanOut(ctx, plans); err != nil {
			return s.judged(ctx, "FanOut", err)
		}
		s.w.model.fanOut(s.p, plans, lost)
		return nil
	}, nil)
	if err != nil {
		return nil, err
	}
	return lost, nil
}

// Ready implements [deliver.Store].
func (s *simStore) Ready(ctx context.Context, slots deliver.Slots, after string, limit int) (list []deliver.Backlog, next time.Duration, err error) {
	err = s.through(ctx, "Ready", func() (err error) {
		if list, next, err = s.Store.Ready(ctx, slots, after, limit); err != nil {
			return s.judged(ctx, "Ready", err)
		}
		return nil
	}, nil)
	if err != nil {
		return nil, 0, err
	}
	return list, next, nil
}

// Claim implements [deliver.Store]. It marks each message, in the trace that nothing
// else uses here, so that the exchange shows under which claim it is made.
func (s *simStore) Claim(ctx context.Context, slots deliver.Slots, wants []deliver.Want, lease time.Duration) (claims []deliver.Claim, err error) {
	asked := time.Now()
	var granted []*simClaim
	err = s.through(ctx, "Claim", func() (err error) {
		if claims, err = s.Store.Claim(ctx, slots, wants, lease); err != nil {
			return s.judged(ctx, "Claim", err)
		}
		granted = s.w.model.claim(s.p, slots, wants, asked, lease, claims)
		return nil
	}, func() error {
		for i, c := range granted {
			c.handed = true
			marked := *claims[i].Message
			marked.Trace.Parent = fmt.Sprintf("00-%032x-%016x-01", c.number, c.number)
			claims[i].Message = &marked
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return claims, nil
}

// Extend implements [deliver.Store].
func (s *simStore) Extend(ctx context.Context, fences []deliver.Fence, lease time.Duration) (lost []deliver.Fence, err error) {
	err = s.through(ctx, "Extend", func() (err error) {
		if lost, err = s.Store.Extend(ctx, fences, lease); err != nil {
			return s.judged(ctx, "Extend", err)
		}
		s.w.model.extend(fences, lease, lost)
		return nil
	}, nil)
	if err != nil {
		return nil, err
	}
	return lost, nil
}

// Settle implements [deliver.Store].
func (s *simStore) Settle(ctx context.Context, settlements []deliver.Settlement) (lost []deliver.Fence, err error) {
	if !s.p.isDead() {
		s.w.lock()
		s.w.model.asked(s.p, settlements)
		s.w.unlock()
	}
	err = s.through(ctx, "Settle", func() (err error) {
		if lost, err = s.Store.Settle(ctx, settlements); err != nil {
			return s.judged(ctx, "Settle", err)
		}
		s.w.model.settle(s.p, settlements, lost)
		return nil
	}, func() error {
		s.w.model.answered(s.p, settlements, lost)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return lost, nil
}

// Replay implements [deliver.Ledger].
func (s *simLedger) Replay(ctx context.Context, sel deliver.Selection, cursor string, limit int) (n int, next string, err error) {
	err = s.through(ctx, "Replay", func() (err error) {
		if n, next, err = s.Ledger.Replay(ctx, sel, cursor, limit); err != nil {
			return s.judged(ctx, "Replay", err)
		}
		s.w.model.replay(sel, n)
		return nil
	}, nil)
	return n, next, err
}

// Cancel implements [deliver.Ledger].
func (s *simLedger) Cancel(ctx context.Context, sel deliver.Selection, cursor string, limit int) (n int, next string, err error) {
	err = s.through(ctx, "Cancel", func() (err error) {
		if n, next, err = s.Ledger.Cancel(ctx, sel, cursor, limit); err != nil {
			return s.judged(ctx, "Cancel", err)
		}
		s.w.model.cancel(sel, n)
		return nil
	}, nil)
	return n, next, err
}

// Change implements [deliver.Ledger].
func (s *simLedger) Change(ctx context.Context, endpointID string, e deliver.Effect) error {
	return s.through(ctx, "Change", func() error {
		if err := s.Ledger.Change(ctx, endpointID, e); err != nil {
			return s.judged(ctx, "Change", err)
		}
		s.w.model.change(endpointID, e)
		return nil
	}, nil)
}

// Resume implements [deliver.Ledger].
func (s *simLedger) Resume(ctx context.Context, endpointID string) error {
	return s.through(ctx, "Resume", func() error {
		if err := s.Ledger.Resume(ctx, endpointID); err != nil {
			return s.judged(ctx, "Resume", err)
		}
		s.w.model.resume(endpointID)
		return nil
	}, nil)
}
