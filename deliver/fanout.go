package deliver

import (
	"context"
	"runtime"
	"slices"
	"sync/atomic"
	"time"
)

const (
	pendingBatch = 64 // messages to fan out at a time

	// matchesAtOnce is how many questions to the directory fan-out waits for, and
	// matchPatience for how long. It goes on without those that take longer, and asks
	// no more about their tenants meanwhile.
	matchesAtOnce = 8
	matchPatience = 50 * time.Millisecond

	// matchBound is the most that a question may take. A tenant about which one took
	// that long is asked about once at a time, as long as no more than lateMatches
	// questions are late.
	matchBound  = 2 * time.Second
	lateMatches = 64
)

// fanOut turns messages into deliveries. Its fields belong to one goroutine; each
// question to the directory has one of its own.
type fanOut struct {
	*run
	sending context.Context //nolint:containedctx // it lives as long as the run
	answers chan *errand
	prompt  bool      // the directory is in memory and answers at once
	ready   []*errand // with a plan to carry out
	late    int       // questions that nobody waits for
	slow    map[string]*slowTenant
}

// slowTenant is one about which the directory was slow to answer, and has not answered
// in time since.
type slowTenant struct {
	late     int       // questions
	slow     bool      // the last answer took all the time it may
	failures int       // in a row, of any kind; those that were asked about at once count as one
	failed   time.Time // the last of them
}

// errand is a message on its way through fan-out.
type errand struct {
	Pending
	asked time.Time
	late  atomic.Bool // nobody waits for the answer; it is carried out when it comes

	// The question's, until it is answered.
	plan   Plan
	failed bool // the directory did not say
	slow   bool // it took all the time it may

	answered bool
	left     bool          // by its batch, unanswered
	behind   time.Duration // if positive, the answer is of no use: one of the same key goes before it
}

func newFanOut(sending context.Context, r *run) *fanOut {
	_, prompt := r.directory.(*StaticDirectory)
	return &fanOut{
		run: r, sending: sending, prompt: prompt, answers: make(chan *errand, pendingBatch), slow: make(map[string]*slowTenant),
	}
}

// all fans out until ctx ends, and then what is still being asked.
func (f *fanOut) all(ctx context.Context) {
	idle := poll{most: f.poll}
	for ctx.Err() == nil {
		n, next, err := f.some()
		switch {
		case err != nil:
			idle.wait(ctx, nil, 0)
		case n > 0:
			idle.reset()
		default:
			idle.wait(ctx, f.wakeFanOut, next)
			runtime.Gosched()
		}
	}
	for f.late > 0 {
		select {
		case e := <-f.answers:
			f.take(e)
			_, _ = f.carryOut() // what fails comes again
		case <-f.closed:
			return
		}
	}
}

// some fans out a batch, and what has been answered late. n is how much that was;
// next is when there may be more.
func (f *fanOut) some() (n int, next time.Duration, err error) {
	ctx := f.call(f.sending)
	batch, next, err := f.store.Pending(ctx, pendingBatch, f.lease)
	ctx.end()
	if err != nil {
		f.storeFailed(f.sending, "Pending", err)
	}
	f.planAll(batch)
	n, failed := f.carryOut()
	if err == nil {
		err = failed
	}
	return n, next, err
}

// planAll asks about a batch. What is not answered in time is left to be carried out
// later, what may not be asked now is given back.
func (f *fanOut) planAll(batch []Pending) {
	list := make([]errand, len(batch))
	var open []*errand // questions to wait for, the oldest first
	timer := time.NewTimer(matchPatience)
	defer timer.Stop()
	for i := 0; i < len(list) || len(open) > 0; {
		if i < len(list) && len(open) < matchesAtOnce {
			e := &list[i]
			i++
			e.Pending = batch[i-1]
			if f.begin(e) && !e.late.Load() {
				open = append(open, e)
			}
			continue
		}
		timer.Reset(time.Until(open[0].asked.Add(matchPatience)))
		select {
		case e := <-f.answers:
			f.take(e)
			if i := slices.Index(open, e); i >= 0 {
				open = slices.Delete(open, i, i+1)
			}
		case <-timer.C:
			f.leave(open[0])
			open = open[1:]
		}
	}
	for len(f.answers) > 0 {
		f.take(<-f.answers)
	}
	f.keepOrder(list)
}

// begin asks about a message, or gives it back if the directory is slow to answer about
// its tenant.
func (f *fanOut) begin(e *errand) bool {
	if t := f.slow[e.Message.Tenant]; t != nil {
		if t.late > 0 || t.slow && f.late >= lateMatches {
			e.plan, e.answered = Plan{Fence: e.Fence, Again: t.backoff()}, true
			return false
		}
		if t.slow {
			f.leave(e)
		}
	}
	e.asked = time.Now()
	if f.prompt {
		f.look(e)
		f.take(e)
		return false
	}
	go f.ask(e)
	return true
}

// leave waits for an answer no longer.
func (f *fanOut) leave(e *errand) {
	e.late.Store(true)
	f.late++
	t := f.slow[e.Message.Tenant]
	if t == nil {
		t = &slowTenant{}
		f.slow[e.Message.Tenant] = t
	}
	t.late++
}

// backoff is how long a message waits that may not be asked about now.
func (t *slowTenant) backoff() time.Duration {
	if !t.slow {
		return matchPatience
	}
	return ownBackoff(t.failures - 1)
}

// answer notes how the directory took a question. One that it could not answer goes to
// the end of the line.
func (t *slowTenant) answer(e *errand) {
	t.slow = e.slow
	switch {
	case !e.slow && !e.failed:
		t.failures = 0
	case e.asked.After(t.failed):
		t.failures++
		t.failed = time.Now()
	}
	if e.failed {
		e.plan.Again = ownBackoff(t.failures - 1)
		if !e.slow {
			e.plan.Again = min(e.plan.Again, ownBackoff(e.Tries)) // it was given back unasked, too
		}
	}
}

// take notes an answer.
func (f *fanOut) take(e *errand) {
	e.answered = true
	if t := f.slow[e.Message.Tenant]; t != nil {
		t.answer(e)
		if e.late.Load() {
			f.late--
			t.late--
		}
		if t.late == 0 && t.failures == 0 {
			delete(f.slow, e.Message.Tenant)
		}
	}
	if e.left {
		e.putOff(e.behind)
		f.ready = append(f.ready, e)
	}
}

// putOff gives an errand back, unless it is given back anyway.
func (e *errand) putOff(wait time.Duration) {
	if wait > 0 && e.plan.Again == 0 {
		e.plan = Plan{Fence: e.Fence, Again: wait}
	}
}

// keepOrder makes what is answered ready, and puts off what comes after a message of
// the same key that is put off, or not answered.
func (f *fanOut) keepOrder(list []errand) {
	type lane struct{ tenant, key string }
	var held map[lane]time.Duration
	for i := range list {
		e := &list[i]
		e.left = !e.answered
		if l := (lane{e.Message.Tenant, e.Message.Key}); l.key != "" {
			e.behind = held[l]
			wait := matchPatience
			if e.answered {
				e.putOff(e.behind)
				wait = e.plan.Again
			}
			if wait > 0 {
				if held == nil {
					held = make(map[lane]time.Duration)
				}
				held[l] = wait
			}
		}
		if e.answered {
			f.ready = append(f.ready, e)
		}
	}
}

// carryOut carries out what is ready, and returns how much that is. The plans are good
// for as long as their leases are, so a call that failed is made again.
func (f *fanOut) carryOut() (n int, err error) {
	list := f.ready
	f.ready = nil
	if len(list) == 0 {
		return 0, nil
	}
	plans := make([]Plan, len(list))
	for i, e := range list {
		plans[i] = e.plan
	}
	ctx := newBounded(f.sending, f.lease/2)
	defer ctx.end()
	idle := poll{most: f.poll}
	for {
		lost, err := f.store.FanOut(ctx, plans)
		if err == nil {
			f.carriedOut(ctx, list, lost)
			return len(list), nil
		}
		f.storeFailed(ctx, "FanOut", err)
		idle.wait(ctx, nil, 0)
		if ctx.Err() != nil {
			return 0, err
		}
	}
}

// carriedOut counts what was carried out, and lets the scheduler know at once what
// is this process's to deliver: nothing has to be looked for in the store.
func (f *fanOut) carriedOut(ctx context.Context, list []*errand, lost []Fence) {
	f.counters.leaseLost.Add(uint64(len(lost)))
	stale := setOf(lost)
	list = slices.DeleteFunc(list, func(e *errand) bool { return stale[e.Fence] || e.plan.Again > 0 })
	f.mu.Lock()
	for _, e := range list {
		for _, t := range e.plan.Targets {
			if !f.slots.Has(Slot(t.EndpointID)) || f.sched.gates[t.EndpointID] == nil && !f.sched.room(e.Message.Tenant) {
				continue // somebody else's, or the walk finds it
			}
			f.sched.hint(f.sched.gate(t.EndpointID, e.Message.Tenant))
		}
	}
	f.mu.Unlock()
	notify(f.wakeClaims)
	for _, e := range list {
		f.counters.fannedOut.Add(1)
		if msg := e.Message; len(e.plan.Targets) == 0 {
			f.counters.unmatched.Add(1)
			f.log.DebugContext(ctx, "message matches no endpoint", "message_id", msg.ID, "tenant", msg.Tenant, "topic", msg.Topic)
		}
	}
}

// ask looks where a message goes, and says so when somebody listens.
func (f *fanOut) ask(e *errand) {
	f.look(e)
	select {
	case f.answers <- e:
	case <-f.closed:
	}
	if e.late.Load() {
		notify(f.wakeFanOut)
	}
}

// look asks the directory where a message goes. When it cannot say in time, the message
// is given back for a while.
func (f *fanOut) look(e *errand) {
	bound := min(matchBound, f.lease/8)
	ctx := newBounded(f.sending, bound)
	var endpoints []*Endpoint
	limit := 0
	err := guarded(func() (err error) {
		endpoints, err = f.directory.Match(ctx, e.Message.Tenant, e.Message.Topic)
		if err == nil && f.fanOutLimit != nil {
			limit = f.fanOutLimit(e.Message.Topic)
		}
		return err
	})
	ctx.end()
	e.slow = time.Since(e.asked) >= bound
	if e.failed = err != nil; e.failed {
		f.log.ErrorContext(ctx, "directory failed", "message_id", e.Message.ID, "error", err)
		e.plan = Plan{Fence: e.Fence, Again: ownBackoff(e.Tries)}
	} else {
		e.plan = f.plan(e.Pending, endpoints, limit)
	}
}

// plan says which of the endpoints of a message get it; a limit of 0 or less is none.
func (f *fanOut) plan(p Pending, endpoints []*Endpoint, limit int) Plan {
	plan := Plan{Fence: p.Fence}
	var seen map[string]bool
	if len(endpoints) > 1 {
		seen = make(map[string]bool, len(endpoints))
	}
	fields := fieldsOf(p.Message)
	over := 0
	for _, e := range endpoints {
		switch {
		case e == nil || seen[e.ID] || !e.accepts(fields):
		case checkID("endpoint id", e.ID) != nil:
			f.log.ErrorContext(f.sending, "directory matched an endpoint without a valid id", "message_id", p.Message.ID)
		case e.Tenant != p.Message.Tenant:
			f.log.ErrorContext(f.sending, "directory matched an endpoint of another tenant", "message_id", p.Message.ID, "endpoint_id", e.ID)
		default:
			if seen != nil {
				seen[e.ID] = true
			}
			if limit > 0 && len(plan.Targets) == limit {
				over++
				continue
			}
			plan.Targets = append(plan.Targets, Target{EndpointID: e.ID, Ordered: e.Ordered})
		}
	}
	if over > 0 {
		f.counters.overLimit.Add(uint64(over))
		f.log.WarnContext(f.sending, "message matches more endpoints than the fan-out limit", "message_id", p.Message.ID,
			"tenant", p.Message.Tenant, "topic", p.Message.Topic, "limit", limit, "left_out", over)
	}
	return plan
}
