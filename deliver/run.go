package deliver

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"sync"
	"time"
)

const (
	minPoll = 5 * time.Millisecond

	readyPage   = 512 // endpoints to look at at a time
	settleBatch = 256 // outcomes to record at a time

	// A walk takes at most a tenth of the time, and is no hurry while there is
	// something to do.
	walkShare = 10
	minWalk   = time.Millisecond
	busyWalk  = 50 * time.Millisecond

	workerIdle = 10 * time.Second

	// stuckGrace is how long a canceled exchange may take to return.
	stuckGrace = 5 * time.Second
)

// run is one Run of a dispatcher: the claims it holds and the goroutines that
// serve them.
type run struct {
	*Dispatcher
	owner string

	serving  sync.WaitGroup // one for each flight
	work     chan *flight   // to workers that have none
	outcomes chan outcome
	closed   chan struct{} // no outcome comes after this
	sooner   chan struct{} // the next walk may be due sooner

	mu      sync.Mutex
	slots   Slots
	sched   scheduler
	flights map[Fence]*flight
	walkAt  time.Time     // when to look next for what is ready
	noWalk  time.Time     // before that, not
	rest    time.Duration // between two walks
	barren  bool          // nothing was claimed since the last walk
}

// flight is a claim under way, from the claim until its outcome is recorded.
type flight struct {
	ctx     context.Context //nolint:containedctx // it is handed to the worker with the flight
	claim   Claim
	gate    *gate
	began   time.Time          // no later than the lease
	until   time.Time          // no later than the lease ends; the run's mutex guards it
	cancel  context.CancelFunc // of the exchange, once there is one
	lost    bool               // the lease: the store said so
	expired bool               // the lease, unless the store is slow: it could not be extended in time
}

// outcome is a settlement on its way to the store.
type outcome struct {
	flight     *flight
	settlement Settlement
	err        error
	until      time.Time // of the pause that the gate holds until this is recorded
	announce   bool      // the host is to be told of the pause or disabling
}

func newRun(d *Dispatcher, owner string) *run {
	return &run{
		Dispatcher: d,
		owner:      owner,
		work:       make(chan *flight),
		outcomes:   make(chan outcome, settleBatch),
		closed:     make(chan struct{}),
		sooner:     make(chan struct{}, 1),
		sched:      newScheduler(d.concurrency, d.tenantShare, d.firstReserve),
		flights:    make(map[Fence]*flight),
	}
}

func (r *run) run(ctx context.Context) error {
	// What has begun is finished after ctx ended: recording an outcome must not
	// fail for the reason that made the work stop.
	base := context.WithoutCancel(ctx)
	sending, stopSending := context.WithCancel(base)
	defer stopSending()
	keeping, stopKeeping := context.WithCancel(base)
	defer stopKeeping()

	var loops, keeper, settler sync.WaitGroup
	keeper.Go(func() { r.keepSlots(keeping) })
	keeper.Go(func() { r.keepClaims(keeping) })
	settler.Go(func() { r.settleAll(keeping) })
	loops.Go(func() { newFanOut(sending, r).all(ctx) })
	loops.Go(func() { r.walkAll(ctx, sending) })
	loops.Go(func() { r.claimAll(ctx, sending) })
	<-ctx.Done()

	served := make(chan struct{})
	go func() {
		loops.Wait() // before the flights: it starts them
		r.serving.Wait()
		close(served)
	}()
	if !waitFor(served, r.drain) {
		stopSending()
		waitFor(served, stuckGrace)
	}
	close(r.closed)
	giveUp := time.AfterFunc(max(r.drain, stuckGrace), stopKeeping)
	settler.Wait()
	giveUp.Stop()
	stopKeeping()
	keeper.Wait()

	r.release(base)
	r.mu.Lock()
	stuck := len(r.flights)
	r.mu.Unlock()
	if stuck > 0 {
		return fmt.Errorf("deliver: drained, but %d claims could not be settled and wait for their lease to run out", stuck)
	}
	return nil
}

// waitFor reports whether ch was closed within d.
func waitFor(ch <-chan struct{}, d time.Duration) bool {
	timer := time.NewTimer(max(d, 0))
	defer timer.Stop()
	select {
	case <-ch:
		return true
	case <-timer.C:
		return false
	}
}

// poll is the wait between two looks at the store: short when there was work,
// doubling while there is none.
type poll struct{ d, most time.Duration }

func (p *poll) reset() { p.d = 0 }

// wait returns after the poll interval, or after next if that is sooner, or
// when woken, or when ctx ends.
func (p *poll) wait(ctx context.Context, wake <-chan struct{}, next time.Duration) {
	p.d = min(max(2*p.d, minPoll), p.most)
	d := p.d
	if next > 0 {
		d = min(d, max(next, minPoll))
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	case <-wake:
		p.reset()
	}
}

// call bounds one call to the store or the directory, so that none hangs for
// ever, nor for so long that a lease runs out meanwhile.
func (r *run) call(ctx context.Context) *bounded {
	return newBounded(ctx, r.lease/3)
}

func (r *run) storeFailed(ctx context.Context, call string, err error) {
	r.counters.storeErrors.Add(1)
	r.log.ErrorContext(ctx, "store call failed", "call", call, "error", err)
}

// walkAll finds out which endpoints have something ready, until ctx ends. It has a
// goroutine of its own, so that what is known already is claimed meanwhile.
func (r *run) walkAll(ctx, sending context.Context) {
	failing := poll{most: r.poll}
	timer := time.NewTimer(r.poll)
	defer timer.Stop()
	for ctx.Err() == nil {
		r.mu.Lock()
		slots, wait := r.slots, time.Until(r.walkAt)
		r.mu.Unlock()
		if slots.Len() == 0 {
			wait = r.poll
		}
		if wait <= 0 {
			if err := r.walk(ctx, sending, slots); err != nil {
				failing.wait(ctx, nil, 0) // a wake does not mend a store
			} else {
				failing.reset()
			}
			continue
		}
		timer.Reset(wait)
		select {
		case <-ctx.Done():
		case <-timer.C:
		case <-r.sooner:
		case <-r.wakeWalk:
			r.mu.Lock()
			r.rest = 0
			r.walkBy(time.Now())
			r.mu.Unlock()
		}
	}
}

// walk notes, page by page, which endpoints have something ready, and says when the next
// walk is due: soon while there is work, ever later while there is none.
func (r *run) walk(ctx, sending context.Context, slots Slots) error {
	began := time.Now()
	r.mu.Lock()
	r.walkAt = began.Add(math.MaxInt64) // what brings it forward from now on counts
	r.mu.Unlock()
	var soonest time.Duration
	for cursor, more := "", true; more && ctx.Err() == nil; {
		call := r.call(sending)
		page, next, err := r.store.Ready(call, slots, cursor, readyPage)
		call.end()
		r.mu.Lock()
		if err != nil {
			r.walkBy(began)
			r.mu.Unlock()
			r.storeFailed(sending, "Ready", err)
			return err
		}
		for _, b := range page {
			cursor = b.EndpointID
			if r.sched.gates[b.EndpointID] != nil || r.sched.room(b.Tenant) {
				r.sched.found(b)
			}
		}
		r.mu.Unlock()
		if len(page) > 0 {
			notify(r.wakeClaims)
		}
		if next > 0 && (soonest == 0 || next < soonest) {
			soonest = next
		}
		more = len(page) == readyPage
	}
	r.planWalk(time.Since(began), soonest)
	return nil
}

func (r *run) planWalk(took, soonest time.Duration) {
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.barren {
		r.rest = 0
	}
	r.barren = true
	r.rest = min(max(2*r.rest, minPoll), r.poll)
	wait := r.rest
	if r.sched.loaded > 0 {
		wait = max(wait, busyWalk)
	}
	if soonest > 0 {
		wait = min(wait, soonest)
	}
	r.noWalk = now.Add(max(walkShare*took, minWalk))
	r.walkAt = later(earlier(r.walkAt, now.Add(wait)), r.noWalk)
}

// walkBy makes the next walk no later than at, as far as walks may be that often.
func (r *run) walkBy(at time.Time) {
	if at = later(at, r.noWalk); at.Before(r.walkAt) {
		r.walkAt = at
		notify(r.sooner)
	}
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// claimAll claims what can start, until ctx ends.
func (r *run) claimAll(ctx, sending context.Context) {
	failing := poll{most: r.poll}
	timer := time.NewTimer(r.poll)
	defer timer.Stop()
	for ctx.Err() == nil {
		r.mu.Lock()
		slots := r.slots
		wants, next := r.sched.pick(time.Now())
		r.mu.Unlock()
		if len(wants) > 0 {
			if err := r.claim(sending, slots, wants); err != nil {
				failing.wait(ctx, nil, 0)
			} else {
				failing.reset()
			}
			continue
		}
		timer.Reset(cmp.Or(next, r.poll))
		select {
		case <-ctx.Done():
		case <-timer.C:
		case <-r.wakeClaims:
		}
		runtime.Gosched()
	}
}

// claim claims what was picked and starts it.
func (r *run) claim(sending context.Context, slots Slots, wants []Want) error {
	ctx := r.call(sending)
	defer ctx.end()
	began := time.Now()
	claims, err := r.store.Claim(ctx, slots, wants, r.lease)
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		r.storeFailed(ctx, "Claim", err)
		r.sched.unclaimed(wants)
		return err
	}
	r.sched.claimed(wants, claims)
	r.barren = r.barren && len(claims) == 0
	for _, c := range claims {
		f := &flight{ctx: sending, claim: c, gate: r.sched.gates[c.EndpointID], began: began, until: began.Add(r.lease)}
		r.flights[c.Fence] = f
		r.serving.Add(1)
		select {
		case r.work <- f:
		default:
			go r.serveAll(f)
		}
	}
	return nil
}

// serveAll is a worker: it serves one flight after the other, so that its stack need
// not grow anew for each, until none has come for a while or the run ends.
func (r *run) serveAll(f *flight) {
	idle := time.NewTimer(workerIdle)
	defer idle.Stop()
	for {
		r.serve(f.ctx, f)
		r.serving.Done()
		idle.Reset(workerIdle)
		select {
		case f = <-r.work:
		case <-idle.C:
			return
		case <-r.closed:
			return
		}
	}
}

// keepSlots renews the slots at a third of the lease, until ctx ends.
func (r *run) keepSlots(ctx context.Context) {
	r.keep(ctx, r.lease/3, func() bool {
		owned := r.own(ctx)
		r.mu.Lock()
		defer r.mu.Unlock()
		r.sched.sweep(r.slots, time.Now())
		return owned && r.slots.Len() > 0
	})
}

// keepClaims extends the claims of long exchanges, until ctx ends. It waits for no other
// call to the store: a claim that is not extended in time is another worker's.
func (r *run) keepClaims(ctx context.Context) {
	r.keep(ctx, r.lease/4, func() bool { return r.extend(ctx) })
}

func (r *run) keep(ctx context.Context, every time.Duration, do func() (ok bool)) {
	for {
		next := time.Now()
		if do() {
			next = next.Add(every)
		} else {
			next = time.Now().Add(r.lease / 30)
		}
		timer := time.NewTimer(time.Until(next))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
	}
}

func (r *run) own(base context.Context) bool {
	ctx := r.call(base)
	defer ctx.end()
	slots, err := r.store.Own(ctx, r.owner, r.lease)
	if err != nil {
		r.storeFailed(ctx, "Own", err)
		return false
	}
	r.mu.Lock()
	changed := slots != r.slots
	r.slots = slots
	if changed {
		r.walkBy(time.Now())
	}
	r.mu.Unlock()
	if changed {
		r.log.DebugContext(ctx, "slots changed", "owner", r.owner, "slots", slots.Len())
		notify(r.sooner)
		notify(r.wakeClaims)
	}
	return true
}

func (r *run) extend(base context.Context) bool {
	ctx := r.call(base)
	defer ctx.end()
	now := time.Now()
	var fences []Fence
	r.mu.Lock()
	for fence, f := range r.flights {
		switch {
		case !now.Before(f.until):
			f.expired = true // perhaps somebody else has it now, who must not have company
			f.breakOff()
		case now.Sub(f.began) >= r.lease/6:
			fences = append(fences, fence)
		}
	}
	r.mu.Unlock()
	if len(fences) == 0 {
		return true
	}
	lost, err := r.store.Extend(ctx, fences, r.lease)
	if err != nil {
		r.storeFailed(ctx, "Extend", err)
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	stale := setOf(lost)
	for _, fence := range fences {
		switch f := r.flights[fence]; {
		case f == nil: // it has been recorded in the meantime
		case stale[fence]:
			f.lost = true
			f.breakOff()
		default:
			f.until = now.Add(r.lease)
		}
	}
	return true
}

// breakOff cancels the exchange. The run's mutex guards the flight.
func (f *flight) breakOff() {
	if f.cancel != nil {
		f.cancel()
	}
}

// release gives the slots up, so that another process need not wait for the
// lease to run out.
func (r *run) release(base context.Context) {
	ctx, cancel := context.WithTimeout(base, stuckGrace)
	defer cancel()
	if _, err := r.store.Own(ctx, r.owner, 0); err != nil {
		r.storeFailed(ctx, "Own", err)
	}
}

// settleAll records outcomes until there are no more: what has come by the time
// the last batch was recorded is the next batch, without waiting for more.
func (r *run) settleAll(ctx context.Context) {
	batch := make([]outcome, 0, settleBatch)
	for {
		select {
		case o := <-r.outcomes:
			batch = append(batch, o)
		case <-r.closed:
		}
		runtime.Gosched()
		batch = r.drainOutcomes(batch)
		if len(batch) == 0 {
			return // closed, and nothing left
		}
		r.settle(ctx, batch)
		clear(batch)
		batch = batch[:0]
	}
}

func (r *run) drainOutcomes(batch []outcome) []outcome {
	for len(batch) < settleBatch {
		select {
		case o := <-r.outcomes:
			batch = append(batch, o)
		default:
			return batch
		}
	}
	return batch
}

// settle records a batch, however often the store fails, until ctx ends.
func (r *run) settle(ctx context.Context, batch []outcome) {
	settlements := make([]Settlement, len(batch))
	for i, o := range batch {
		settlements[i] = o.settlement
	}
	idle := poll{most: r.poll}
	for {
		lost, err := r.settleOnce(ctx, settlements)
		if err == nil {
			r.settled(ctx, batch, lost)
			return
		}
		r.storeFailed(ctx, "Settle", err)
		if ctx.Err() != nil {
			return
		}
		idle.wait(ctx, nil, 0)
	}
}

func (r *run) settleOnce(base context.Context, settlements []Settlement) ([]Fence, error) {
	ctx := r.call(base)
	defer ctx.end()
	return r.store.Settle(ctx, settlements)
}

// settled ends the flights of a recorded batch and tells of them.
func (r *run) settled(ctx context.Context, batch []outcome, lost []Fence) {
	stale := setOf(lost)
	now := time.Now()
	r.mu.Lock()
	for i := range batch {
		o := &batch[i]
		g, s := o.flight.gate, o.settlement
		delete(r.flights, o.flight.claim.Fence)
		if stale[o.flight.claim.Fence] {
			o.err = ErrLeaseLost
		}
		if !o.until.IsZero() {
			r.sched.recorded(g, o.until)
		}
		switch {
		case o.isLost():
			if o.announce {
				g.told = "" // it was not recorded
			}
		case s.State == Scheduled:
			r.walkBy(now.Add(max(s.After, s.Endpoint.Pause)))
		case g.ordered:
			// The next of its lane may be ready. The gate may have been forgotten since.
			c := &o.flight.claim
			r.sched.hint(r.sched.gate(c.EndpointID, c.Message.Tenant))
		}
	}
	r.mu.Unlock()
	for i := range batch {
		r.tell(ctx, &batch[i])
	}
	notify(r.wakeClaims)
}

func setOf(fences []Fence) map[Fence]bool {
	if len(fences) == 0 {
		return nil
	}
	set := make(map[Fence]bool, len(fences))
	for _, f := range fences {
		set[f] = true
	}
	return set
}

// guarded calls a function of the host's and turns a panic into an error.
func guarded(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = panicked(ReasonLocal, p)
		}
	}()
	return f()
}

// isLost reports whether an outcome was not recorded for want of a lease.
func (o *outcome) isLost() bool { return errors.Is(o.err, ErrLeaseLost) }
