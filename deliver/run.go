package deliver

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	minPoll = 5 * time.Millisecond
	maxPoll = time.Second

	pendingBatch = 64  // messages to fan out at a time
	readyPage    = 128 // endpoints to look at at a time
	settleBatch  = 256 // outcomes to record at a time

	matchesAtOnce = 8 // questions to the directory

	// stuckGrace is how long a canceled exchange may take to return.
	stuckGrace = 5 * time.Second
)

// run is one Run of a dispatcher: the claims it holds and the goroutines that
// serve them.
type run struct {
	*Dispatcher
	owner string

	serving  sync.WaitGroup // one for each flight
	outcomes chan outcome
	closed   chan struct{} // no outcome comes after this

	mu      sync.Mutex
	slots   Slots
	room    int // exchanges that may still start
	gates   map[string]*gate
	flights map[Fence]*flight

	cursor string // where the walk over endpoints goes on; the claiming goroutine's own
}

// flight is a claim under way, from the claim until its outcome is recorded.
type flight struct {
	claim  Claim
	began  time.Time // no later than the lease
	cancel context.CancelCauseFunc
}

// outcome is a settlement on its way to the store.
type outcome struct {
	claim      Claim
	settlement Settlement
	err        error
}

func newRun(d *Dispatcher, owner string) *run {
	return &run{
		Dispatcher: d,
		owner:      owner,
		outcomes:   make(chan outcome, settleBatch),
		closed:     make(chan struct{}),
		room:       d.concurrency,
		gates:      make(map[string]*gate),
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
	keeper.Go(func() { r.keepLeases(keeping) })
	settler.Go(func() { r.settleAll(keeping) })
	loops.Go(func() { r.fanOutAll(ctx, sending) })
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
type poll struct{ d time.Duration }

func (p *poll) reset() { p.d = 0 }

// wait returns after the poll interval, or after next if that is sooner, or
// when woken, or when ctx ends.
func (p *poll) wait(ctx context.Context, wake <-chan struct{}, next time.Duration) {
	p.d = min(max(2*p.d, minPoll), maxPoll)
	d := p.d
	if next > 0 {
		d = min(d, next)
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
func (r *run) call(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, r.lease/3)
}

func (r *run) storeFailed(ctx context.Context, call string, err error) {
	r.counters.storeErrors.Add(1)
	r.log.ErrorContext(ctx, "store call failed", "call", call, "error", err)
}

// claimAll claims what can start, until ctx ends. It walks the endpoints page
// by page, round and round, and rests after a walk that started nothing.
func (r *run) claimAll(ctx, sending context.Context) {
	var idle poll
	barren := true
	for ctx.Err() == nil {
		started, atEnd, next, err := r.claimPage(sending)
		barren = barren && started == 0
		switch {
		case err != nil:
			idle.wait(ctx, nil, 0) // a wake does not mend a store
		case !atEnd:
		case barren:
			idle.wait(ctx, r.wakeClaims, next)
		default:
			idle.reset()
			barren = true
		}
	}
}

// claimPage starts what gates and room allow of one page of endpoints. atEnd
// says that there is no further page, or no room for it.
func (r *run) claimPage(sending context.Context) (started int, atEnd bool, next time.Duration, err error) {
	r.mu.Lock()
	slots, room := r.slots, r.room
	r.mu.Unlock()
	if room == 0 || slots.Len() == 0 {
		return 0, true, 0, nil
	}
	ctx, cancel := r.call(sending)
	defer cancel()
	page, next, err := r.store.Ready(ctx, slots, r.cursor, readyPage)
	if err != nil {
		r.storeFailed(ctx, "Ready", err)
		return 0, false, 0, err
	}
	wants, atEnd := r.reserve(page)
	if len(wants) > 0 {
		started, err = r.claim(ctx, sending, slots, wants)
	}
	if atEnd {
		r.cursor = ""
	}
	return started, atEnd, next, err
}

// reserve takes room for the deliveries of a page and moves the cursor to where
// the next page begins. atEnd says that there is none.
func (r *run) reserve(page []Backlog) (wants []Want, atEnd bool) {
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, b := range page {
		if r.room == 0 {
			return wants, false
		}
		share := max(r.room/(len(page)-i), 1) // so that the first ones do not take it all
		g := r.gates[b.EndpointID]
		if g == nil {
			g = newGate()
			r.gates[b.EndpointID] = g
		}
		if n := g.take(min(b.Count, share), now); n > 0 {
			r.room -= n
			wants = append(wants, Want{EndpointID: b.EndpointID, Count: n})
		}
		r.cursor = b.EndpointID
	}
	return wants, len(page) < readyPage
}

// claim claims what was reserved, starts it, and returns the room that was
// reserved in vain.
func (r *run) claim(ctx, sending context.Context, slots Slots, wants []Want) (started int, err error) {
	began := time.Now()
	claims, err := r.store.Claim(ctx, slots, wants, r.lease)
	if err != nil {
		r.storeFailed(ctx, "Claim", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, w := range wants {
		r.gates[w.EndpointID].give(w.Count)
		r.room += w.Count
	}
	for _, c := range claims {
		g := r.gates[c.EndpointID]
		if g == nil {
			g = newGate()
			r.gates[c.EndpointID] = g
		}
		g.busy++
		r.room--
		flying, cancel := context.WithCancelCause(sending)
		f := &flight{claim: c, began: began, cancel: cancel}
		r.flights[c.Fence] = f
		r.serving.Go(func() { r.serve(flying, f) })
	}
	return len(claims), err
}

// fanOutAll turns messages into deliveries, until ctx ends.
func (r *run) fanOutAll(ctx, sending context.Context) {
	var idle poll
	for ctx.Err() == nil {
		n, err := r.fanOutBatch(sending)
		switch {
		case err != nil:
			idle.wait(ctx, nil, 0)
		case n > 0:
			idle.reset()
		default:
			idle.wait(ctx, r.wakeFanOut, 0)
		}
	}
}

func (r *run) fanOutBatch(sending context.Context) (n int, err error) {
	ctx, cancel := context.WithTimeout(sending, r.lease)
	defer cancel()
	batch, err := r.store.Pending(ctx, pendingBatch, r.lease)
	if err != nil {
		r.storeFailed(ctx, "Pending", err)
		return 0, err
	}
	if len(batch) == 0 {
		return 0, nil
	}
	plans := r.planAll(ctx, batch)
	// The plans are good for as long as their leases are, so a call that failed
	// is made again.
	var lost []Fence
	var idle poll
	for {
		lost, err = r.store.FanOut(ctx, plans)
		if err == nil {
			break
		}
		r.storeFailed(ctx, "FanOut", err)
		idle.wait(ctx, nil, 0)
		if ctx.Err() != nil {
			return 0, err
		}
	}
	r.counters.leaseLost.Add(uint64(len(lost)))
	stale := setOf(lost)
	for i, p := range plans {
		if stale[p.Fence] || p.Again > 0 {
			continue
		}
		r.counters.fannedOut.Add(1)
		msg := batch[i].Message
		if len(p.EndpointIDs) == 0 {
			r.counters.unmatched.Add(1)
			r.log.DebugContext(ctx, "message matches no endpoint", "message_id", msg.ID, "tenant", msg.Tenant, "topic", msg.Topic)
		}
	}
	notify(r.wakeClaims)
	return len(batch), nil
}

// planAll plans a batch in half of its lease at most, so that the other half is
// left to carry the plans out. What it does not come to is given back.
func (r *run) planAll(ctx context.Context, batch []Pending) []Plan {
	enough := time.Now().Add(r.lease / 2)
	plans := make([]Plan, len(batch))
	var matching errgroup.Group
	matching.SetLimit(matchesAtOnce)
	for i, p := range batch {
		matching.Go(func() error {
			if time.Now().After(enough) {
				plans[i] = Plan{Fence: p.Fence, Again: minPoll}
			} else {
				plans[i] = r.plan(ctx, p)
			}
			return nil
		})
	}
	_ = matching.Wait() // there is no error: one that fails is a plan too
	return plans
}

// plan asks the directory where a message goes. When it cannot say in time, the
// message is given back for a while.
func (r *run) plan(ctx context.Context, p Pending) Plan {
	ctx, cancel := context.WithTimeout(ctx, r.lease/8)
	defer cancel()
	var endpoints []*Endpoint
	err := guarded(func() (err error) {
		endpoints, err = r.directory.Match(ctx, p.Message.Tenant, p.Message.Topic)
		return err
	})
	if err != nil {
		r.log.ErrorContext(ctx, "directory failed", "message_id", p.Message.ID, "error", err)
		return Plan{Fence: p.Fence, Again: ownBackoff(p.Tries)}
	}
	plan := Plan{Fence: p.Fence}
	seen := make(map[string]bool, len(endpoints))
	for _, e := range endpoints {
		switch {
		case e == nil || seen[e.ID]:
		case checkID("endpoint id", e.ID) != nil:
			r.log.ErrorContext(ctx, "directory matched an endpoint without a valid id", "message_id", p.Message.ID)
		case e.Tenant != p.Message.Tenant:
			r.log.ErrorContext(ctx, "directory matched an endpoint of another tenant", "message_id", p.Message.ID, "endpoint_id", e.ID)
		default:
			seen[e.ID] = true
			plan.EndpointIDs = append(plan.EndpointIDs, e.ID)
		}
	}
	return plan
}

// keepLeases renews the slots and extends the claims of long exchanges, each at
// a third of the lease, until ctx ends.
func (r *run) keepLeases(ctx context.Context) {
	for {
		wait := r.lease / 3
		owned, extended := r.own(ctx), r.extend(ctx)
		r.mu.Lock()
		if !owned || !extended || r.slots.Len() == 0 {
			wait /= 10
		}
		r.sweepGates(time.Now())
		r.mu.Unlock()
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
	}
}

// sweepGates forgets the gates that have been idle since the last time, so that
// endpoints which are gone do not pile up.
func (r *run) sweepGates(now time.Time) {
	for id, g := range r.gates {
		if g.sweep(now) {
			delete(r.gates, id)
		}
	}
}

func (r *run) own(base context.Context) bool {
	ctx, cancel := r.call(base)
	defer cancel()
	slots, err := r.store.Own(ctx, r.owner, r.lease)
	if err != nil {
		r.storeFailed(ctx, "Own", err)
		return false
	}
	r.mu.Lock()
	changed := slots != r.slots
	r.slots = slots
	r.mu.Unlock()
	if changed {
		r.log.DebugContext(ctx, "slots changed", "owner", r.owner, "slots", slots.Len())
		notify(r.wakeClaims)
	}
	return true
}

func (r *run) extend(base context.Context) bool {
	ctx, cancel := r.call(base)
	defer cancel()
	now := time.Now()
	var fences []Fence
	r.mu.Lock()
	for fence, f := range r.flights {
		if now.Sub(f.began) >= r.lease/3 {
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
	for _, fence := range lost {
		if f := r.flights[fence]; f != nil { // nil has been recorded in the meantime
			f.cancel(ErrLeaseLost)
		}
	}
	return true
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
	var idle poll
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
	ctx, cancel := r.call(base)
	defer cancel()
	return r.store.Settle(ctx, settlements)
}

// settled ends the flights of a recorded batch and tells of them.
func (r *run) settled(ctx context.Context, batch []outcome, lost []Fence) {
	stale := setOf(lost)
	r.mu.Lock()
	for _, o := range batch {
		delete(r.flights, o.claim.Fence)
	}
	r.mu.Unlock()
	for _, o := range batch {
		if stale[o.claim.Fence] {
			o.err = ErrLeaseLost
		}
		r.tell(ctx, o)
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
