package delivertest

import (
	"context"
	"errors"
	"fmt"
	"slices"
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
	faultLate        // it fails, and takes effect later
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
func (s *simStore) through(ctx context.Context, name string, effect func(context.Context) error, answered func()) error {
	w, p := s.w, s.p
	if err := s.failpoint(ctx, name, "before"); err != nil {
		if late, ok := err.(lateError); ok { //nolint:errorlint // it is never wrapped
			w.lock()
			w.late++
			w.unlock()
			go func() {
				w.pause(context.WithoutCancel(ctx), nil, time.Duration(late))
				p.inTrouble()
				w.lock()
				defer w.unlock()
				w.late--
				if w.err == nil {
					w.note(p, name+" arrives late", nil, 0)
					_ = effect(context.WithoutCancel(ctx)) // nobody waits for it
				}
			}()
			return errInjected
		}
		return err
	}
	if !w.lockFor(ctx, p) {
		return ctxError(ctx)
	}
	err := effect(ctx)
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
	if answered != nil {
		answered()
	}
	return nil
}

// lateError is a call that takes effect after a while, when its caller has given up.
type lateError time.Duration

func (lateError) Error() string { return errInjected.Error() }

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
	f, long := w.faultAt(p, name, &luck)
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
	case faultLate:
		if where == "before" {
			w.noteNow(p, name+" gets lost for a while")
			return lateError(2 * long)
		}
		return errInjected
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
func (w *world) faultAt(p *process, name string, luck *luck) (f fault, long time.Duration) {
	often := 4
	switch name {
	case "Own", "Ready", "Pending": // idle processes call these all the time
		often = 1
	}
	if luck.take(1000) >= often*w.faults {
		return faultNone, 0
	}
	long = time.Duration(luck.take(int(w.lease)))
	switch k := luck.take(20); {
	case k < 9:
		return faultError, 0
	case k < 12:
		return faultLate, long
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
	return s.through(ctx, "Enqueue", func(ctx context.Context) error {
		err := s.Store.Enqueue(ctx, messages...)
		if err == nil || ctx.Err() == nil {
			s.w.model.enqueue(messages, err)
		}
		return err
	}, nil)
}

// judged passes an error of the store on: it has no reason for one but an ended
// context. Otherwise it lets the model know what the store did.
func (s *simStore) judged(ctx context.Context, name string, err error, tell func()) error {
	switch {
	case err == nil:
		tell()
	case ctx.Err() == nil:
		s.w.unexpected(name, err)
	}
	return err
}

// Own implements [deliver.Store].
func (s *simStore) Own(ctx context.Context, owner string, ttl time.Duration) (deliver.Slots, error) {
	var got deliver.Slots
	err := s.through(ctx, "Own", func(ctx context.Context) error {
		slots, err := s.Store.Own(ctx, owner, ttl)
		return s.judged(ctx, "Own", err, func() {
			got, s.p.owner = slots, owner
			s.w.model.own(owner, ttl, slots)
		})
	}, nil)
	if err != nil {
		return deliver.Slots{}, err
	}
	return got, nil
}

// Pending implements [deliver.Store].
func (s *simStore) Pending(ctx context.Context, limit int, lease time.Duration) ([]deliver.Pending, time.Duration, error) {
	var got []deliver.Pending
	var next time.Duration
	err := s.through(ctx, "Pending", func(ctx context.Context) error {
		batch, after, err := s.Store.Pending(ctx, limit, lease)
		return s.judged(ctx, "Pending", err, func() {
			got, next = batch, after
			s.w.model.pending(s.p, batch, lease)
		})
	}, nil)
	if err != nil {
		return nil, 0, err
	}
	return got, next, nil
}

// FanOut implements [deliver.Store].
func (s *simStore) FanOut(ctx context.Context, plans []deliver.Plan) ([]deliver.Fence, error) {
	var got []deliver.Fence
	plans = slices.Clone(plans) // it may take effect after the caller has gone
	err := s.through(ctx, "FanOut", func(ctx context.Context) error {
		lost, err := s.Store.FanOut(ctx, plans)
		return s.judged(ctx, "FanOut", err, func() {
			got = lost
			s.w.model.fanOut(s.p, plans, lost)
		})
	}, nil)
	if err != nil {
		return nil, err
	}
	return got, nil
}

// Ready implements [deliver.Store].
func (s *simStore) Ready(ctx context.Context, slots deliver.Slots, after string, limit int) ([]deliver.Backlog, time.Duration, error) {
	var got []deliver.Backlog
	var next time.Duration
	err := s.through(ctx, "Ready", func(ctx context.Context) error {
		list, wait, err := s.Store.Ready(ctx, slots, after, limit)
		return s.judged(ctx, "Ready", err, func() {
			got, next = list, wait
			s.w.model.ready(slots, after, limit, list)
		})
	}, nil)
	if err != nil {
		return nil, 0, err
	}
	return got, next, nil
}

// Claim implements [deliver.Store]. It marks each message, in the trace that nothing
// else uses here, so that the exchange shows under which claim it is made.
func (s *simStore) Claim(ctx context.Context, slots deliver.Slots, wants []deliver.Want, lease time.Duration) ([]deliver.Claim, error) {
	asked := time.Now()
	wants = slices.Clone(wants)
	var got []deliver.Claim
	var granted []*simClaim
	err := s.through(ctx, "Claim", func(ctx context.Context) error {
		claims, err := s.Store.Claim(ctx, slots, wants, lease)
		return s.judged(ctx, "Claim", err, func() {
			got = claims
			granted = s.w.model.claim(s.p, slots, wants, asked, lease, claims)
		})
	}, func() {
		for i, c := range granted {
			c.handed = true
			marked := *got[i].Message
			marked.Trace.Parent = fmt.Sprintf("00-%032x-%016x-01", c.number, c.number)
			got[i].Message = &marked
		}
	})
	if err != nil {
		return nil, err
	}
	return got, nil
}

// Extend implements [deliver.Store].
func (s *simStore) Extend(ctx context.Context, fences []deliver.Fence, lease time.Duration) ([]deliver.Fence, error) {
	fences = slices.Clone(fences)
	var got []deliver.Fence
	began := time.Now()
	err := s.through(ctx, "Extend", func(ctx context.Context) error {
		lost, err := s.Store.Extend(ctx, fences, lease)
		return s.judged(ctx, "Extend", err, func() {
			got = lost
			s.w.model.extend(fences, lease, lost)
		})
	}, func() {
		s.w.model.breaksOff(got)
		s.w.model.renewed(fences, began)
	})
	if err != nil {
		return nil, err
	}
	return got, nil
}

// Settle implements [deliver.Store].
func (s *simStore) Settle(ctx context.Context, settlements []deliver.Settlement) ([]deliver.Fence, error) {
	settlements = slices.Clone(settlements)
	if !s.p.isDead() {
		s.w.lock()
		s.w.model.asked(s.p, settlements)
		s.w.unlock()
	}
	var got []deliver.Fence
	err := s.through(ctx, "Settle", func(ctx context.Context) error {
		lost, err := s.Store.Settle(ctx, settlements)
		return s.judged(ctx, "Settle", err, func() {
			got = lost
			s.w.model.settle(s.p, settlements, lost)
		})
	}, func() { s.w.model.answered(s.p, settlements, got) })
	if err != nil {
		return nil, err
	}
	return got, nil
}

// Replay implements [deliver.Ledger].
func (s *simLedger) Replay(ctx context.Context, sel deliver.Selection, cursor string, limit int) (int, string, error) {
	return s.each(ctx, "Replay", sel, cursor, limit, s.Ledger.Replay, s.w.model.replay)
}

// Cancel implements [deliver.Ledger].
func (s *simLedger) Cancel(ctx context.Context, sel deliver.Selection, cursor string, limit int) (int, string, error) {
	return s.each(ctx, "Cancel", sel, cursor, limit, s.Ledger.Cancel, s.w.model.cancel)
}

func (s *simLedger) each(ctx context.Context, name string, sel deliver.Selection, cursor string, limit int,
	call func(context.Context, deliver.Selection, string, int) (int, string, error), tell func(deliver.Selection, int),
) (int, string, error) {
	var did int
	var next string
	err := s.through(ctx, name, func(ctx context.Context) error {
		n, more, err := call(ctx, sel, cursor, limit)
		return s.judged(ctx, name, err, func() {
			did, next = n, more
			tell(sel, n)
		})
	}, nil)
	if err != nil {
		return 0, "", err
	}
	return did, next, nil
}

// Change implements [deliver.Ledger].
func (s *simLedger) Change(ctx context.Context, endpointID string, e deliver.Effect) error {
	return s.through(ctx, "Change", func(ctx context.Context) error {
		err := s.Ledger.Change(ctx, endpointID, e)
		return s.judged(ctx, "Change", err, func() { s.w.model.change(endpointID, e) })
	}, nil)
}

// Resume implements [deliver.Ledger].
func (s *simLedger) Resume(ctx context.Context, endpointID string) error {
	return s.through(ctx, "Resume", func(ctx context.Context) error {
		err := s.Ledger.Resume(ctx, endpointID)
		return s.judged(ctx, "Resume", err, func() { s.w.model.resume(endpointID) })
	}, nil)
}
