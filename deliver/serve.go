package deliver

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"net/url"
	"time"
)

// serve makes the attempt of one claim and hands its outcome to be recorded.
func (r *run) serve(ctx context.Context, f *flight) {
	c := f.claim
	if c.Interrupted() {
		r.counters.interrupted.Add(1)
		r.log.WarnContext(ctx, "last attempt was interrupted, outcome unknown",
			"message_id", c.Message.ID, "endpoint_id", c.EndpointID, "delivery_id", c.Fence.ID, "attempt", c.History.Attempts)
	}
	began := time.Now()
	res, policy := r.exchange(ctx, f)
	o := r.judge(ctx, f, res, policy, began)
	if res.Reason == ReasonLeaseLost {
		// Another worker may have the delivery by now; there is nothing to record.
		o.err = ErrLeaseLost
		r.settled(ctx, []outcome{o}, nil)
	} else {
		select {
		case r.outcomes <- o:
		case <-r.closed:
		}
	}
	r.land(f)
}

// judge lets the gate learn from an attempt and the policy decide, and holds the
// endpoint back at once if it is to be, before the store has recorded it.
func (r *run) judge(ctx context.Context, f *flight, res *Result, policy *Policy, began time.Time) outcome {
	c, g, luck, now := f.claim, f.gate, r.luck(ctx), time.Now()
	r.mu.Lock()
	h := c.History
	h.Health = g.health(h.Health, f.began)
	d := policy.Decide(h, res, luck)
	d.History.Health = Health{}
	o := outcome{
		flight: f,
		settlement: Settlement{
			Fence:    c.Fence,
			State:    d.State,
			After:    d.After,
			History:  d.History,
			Endpoint: d.Endpoint,
			Record: Record{
				Attempt: h.Attempts + 1, Replay: h.Replays, Reason: res.Reason, Status: res.Status, Elapsed: res.Elapsed,
			},
		},
		err: res.Err,
	}
	if e := d.Endpoint; (e.Pause > 0 || e.Disable) && res.Reason != ReasonLeaseLost {
		o.until = now.Add(e.Pause)
		if e.Disable {
			o.until = now.Add(math.MaxInt64)
		}
		g.pause(o.until)
		o.announce = g.told != e.Cause
		g.told = e.Cause
	}
	changed := g.observe(res, began, now)
	left, open := g.breaker.left(now)
	r.mu.Unlock()
	if changed {
		info := EndpointInfo{EndpointID: c.EndpointID, Tenant: c.Message.Tenant, Change: BreakerClosed}
		if open {
			r.counters.tripped.Add(1)
			info.Change, info.For, info.Err = BreakerOpened, left, res.Err
		}
		r.tellEndpoint(ctx, info)
	}
	return o
}

// luck is that of the jitter: none if the host's function panics.
func (r *run) luck(ctx context.Context) float64 {
	luck := 0.5
	r.hook(ctx, "Rand", func() { luck = r.rand() })
	return luck
}

// exchange looks the endpoint up and makes the attempt.
func (r *run) exchange(ctx context.Context, f *flight) (*Result, *Policy) {
	c := f.claim
	ep, err := r.lookUp(ctx, c.EndpointID)
	switch {
	case errors.Is(err, ErrNoEndpoint), err == nil && (ep == nil || ep.Tenant != c.Message.Tenant):
		return failed(FaultDestination, &Error{Reason: ReasonNoEndpoint, Err: ErrNoEndpoint}), r.policy
	case err != nil && ctx.Err() != nil:
		return classify(ctx, err), r.policy
	case err != nil:
		// The endpoint's own policy is not known now, so another one must not give up.
		return failed(FaultOurs, &Error{Reason: ReasonLocal, Detail: "directory failed", Err: err}), r.policy.patient()
	}
	r.learn(f.gate, ep)
	policy := r.policy
	if ep.Policy != nil {
		policy = ep.Policy
	}
	if policy.lost(c.History) {
		return failed(FaultReceiver, &Error{Reason: ReasonUnknown}), policy
	}
	u := r.checked(f.gate, ep)
	exchange, cancel := context.WithTimeout(ctx, ep.timeout())
	defer cancel()
	if res := r.depart(f, cancel); res != nil {
		return res, policy
	}
	r.counters.attempts.Add(1)
	res := attempt(ctx, exchange, r.client, ep, u, c.Message)
	if brokenOff := r.brokenOff(f); res.Status == 0 && brokenOff != nil {
		res = brokenOff
	}
	if hook := r.hooks.Attempted; hook != nil {
		r.hook(ctx, "Attempted", func() {
			hook(AttemptInfo{
				DeliveryID:  c.Fence.ID,
				EndpointID:  c.EndpointID,
				Message:     c.Message,
				Attempt:     c.History.Attempts + 1,
				Interrupted: c.Interrupted(),
				Result:      res,
			})
		})
	}
	return res, policy
}

// depart lets the loss of a flight's lease cancel its exchange. If it is lost by
// now, depart returns what comes of that.
func (r *run) depart(f *flight, cancel context.CancelFunc) *Result {
	r.mu.Lock()
	f.cancel = cancel
	r.mu.Unlock()
	return r.brokenOff(f)
}

// brokenOff returns the result of an exchange that was broken off, or nil.
func (r *run) brokenOff(f *flight) *Result {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case f.lost:
		return failed(FaultOurs, &Error{Reason: ReasonLeaseLost, Err: ErrLeaseLost})
	case f.expired:
		return failed(FaultOurs, &Error{Reason: ReasonCanceled, Detail: "the lease could not be extended in time"})
	}
	return nil
}

// checked returns the URL of an endpoint that was found to be in order. One that is
// the same as last time, and so unchanged, is not judged again; nor is its URL, of
// which DNS has the last word anyway.
func (r *run) checked(g *gate, ep *Endpoint) *url.URL {
	r.mu.Lock()
	u, same := g.url, g.endpoint == ep
	r.mu.Unlock()
	if same {
		return u
	}
	u, err := r.client.check(ep)
	if err != nil {
		u = nil // the attempt will say why
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	g.endpoint, g.url = ep, u
	return u
}

func (r *run) lookUp(ctx context.Context, id string) (ep *Endpoint, err error) {
	call := r.call(ctx)
	defer call.end()
	err = guarded(func() (err error) {
		ep, err = r.directory.Endpoint(call, id)
		return err
	})
	return ep, err
}

// learn tells the gate what the endpoint allows.
func (r *run) learn(g *gate, ep *Endpoint) {
	// A directory of the host's may hand out what Static would refuse; an attempt tells.
	ceiling := max(or(or(ep.Concurrency, r.endpointConcurrency), defaultEndpointConcurrency), 1)
	rate := max(or(ep.Rate, r.endpointRate), 0)
	relief := r.relief
	if ep.Relief != nil {
		relief = ep.Relief
	}
	r.mu.Lock()
	before := g.limit
	g.learn(ceiling, rate, relief.relief(), ep.Ordered, time.Now())
	wider := g.limit > before
	if wider {
		r.sched.offer(g)
	}
	r.mu.Unlock()
	if wider {
		notify(r.wakeClaims)
	}
}

// land makes the room of a flight free again.
func (r *run) land(f *flight) {
	r.mu.Lock()
	f.gate.busy--
	r.sched.end(f.gate, f.claim.History.Fresh())
	r.mu.Unlock()
	notify(r.wakeClaims)
}

// tell counts, logs and hands to the hook what became of a delivery.
func (r *run) tell(ctx context.Context, o *outcome) {
	s := o.settlement
	level, text := slog.LevelDebug, "delivery succeeded"
	switch {
	case o.isLost():
		r.counters.leaseLost.Add(1)
		level, text = slog.LevelWarn, "lease lost, outcome unknown"
	case s.State == Succeeded:
		r.counters.succeeded.Add(1)
	case s.State == Exhausted:
		r.counters.exhausted.Add(1)
		level, text = slog.LevelWarn, "delivery exhausted"
	case s.State == Abandoned:
		r.counters.abandoned.Add(1)
		level, text = slog.LevelWarn, "delivery abandoned"
	case s.History.Attempts > o.flight.claim.History.Attempts:
		r.counters.retried.Add(1)
		level, text = slog.LevelInfo, "attempt failed"
	default:
		r.counters.givenBack.Add(1)
		level, text = slog.LevelWarn, "attempt given back"
	}
	if r.log.Enabled(ctx, level) {
		r.log.LogAttrs(ctx, level, text, r.attrs(o)...)
	}
	if o.announce && !o.isLost() {
		r.announce(ctx, o)
	}
	if hook := r.hooks.Settled; hook != nil {
		r.hook(ctx, "Settled", func() {
			hook(SettledInfo{
				DeliveryID: o.flight.claim.Fence.ID,
				EndpointID: o.flight.claim.EndpointID,
				Message:    o.flight.claim.Message,
				Settlement: s,
				Err:        o.err,
			})
		})
	}
}

// announce tells that an endpoint was paused or disabled.
func (r *run) announce(ctx context.Context, o *outcome) {
	e := o.settlement.Endpoint
	info := EndpointInfo{
		EndpointID: o.flight.claim.EndpointID,
		Tenant:     o.flight.claim.Message.Tenant,
		Change:     EndpointPaused,
		Cause:      e.Cause,
		For:        e.Pause,
		Err:        o.err,
	}
	if e.Disable {
		info.Change = EndpointDisabled
		r.counters.disabled.Add(1)
	} else {
		r.counters.paused.Add(1)
	}
	r.tellEndpoint(ctx, info)
}

func (r *run) tellEndpoint(ctx context.Context, info EndpointInfo) {
	level := slog.LevelWarn
	if info.Change == BreakerClosed || info.Cause == CauseRetryAfter {
		level = slog.LevelInfo
	}
	r.log.LogAttrs(ctx, level, "endpoint changed", slog.String("change", string(info.Change)),
		slog.String("endpoint_id", info.EndpointID), slog.String("tenant", info.Tenant),
		slog.String("cause", string(info.Cause)), slog.Duration("for", info.For))
	if hook := r.hooks.Endpoint; hook != nil {
		r.hook(ctx, "Endpoint", func() { hook(info) })
	}
}

func (r *run) attrs(o *outcome) []slog.Attr {
	s := o.settlement
	attrs := []slog.Attr{
		slog.String("message_id", o.flight.claim.Message.ID),
		slog.String("tenant", o.flight.claim.Message.Tenant),
		slog.String("topic", string(o.flight.claim.Message.Topic)),
		slog.String("endpoint_id", o.flight.claim.EndpointID),
		slog.String("delivery_id", o.flight.claim.Fence.ID),
		slog.Int("attempt", s.Record.Attempt),
		slog.String("reason", string(s.Record.Reason)),
		slog.Int("status", s.Record.Status),
		slog.Duration("elapsed", s.Record.Elapsed),
	}
	if t := o.flight.claim.Message.Trace.Parent; t != "" {
		attrs = append(attrs, slog.String("traceparent", t))
	}
	if s.State == Scheduled {
		attrs = append(attrs, slog.Duration("after", s.After))
	}
	if o.err != nil {
		attrs = append(attrs, slog.Any("error", o.err))
	}
	if e, ok := errors.AsType[*Error](o.err); ok && e.Detail != "" {
		attrs = append(attrs, slog.String("detail", e.Detail))
	}
	if p, ok := errors.AsType[*panicError](o.err); ok {
		attrs = append(attrs, slog.String("stack", string(p.stack)))
	}
	return attrs
}

// hook calls a function of the host's, whose panic must not take a delivery
// with it.
func (r *run) hook(ctx context.Context, name string, call func()) {
	err := guarded(func() error {
		call()
		return nil
	})
	if p, ok := errors.AsType[*panicError](err); ok {
		r.log.ErrorContext(ctx, "hook panicked", "hook", name, "error", err, "stack", string(p.stack))
	}
}
