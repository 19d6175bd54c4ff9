package deliver

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

// serve makes the attempt of one claim and hands its outcome to be recorded.
func (r *run) serve(ctx context.Context, f *flight) {
	defer f.cancel(nil)
	c := f.claim
	if c.Interrupted() {
		r.counters.interrupted.Add(1)
		r.log.WarnContext(ctx, "last attempt was interrupted, outcome unknown",
			"message_id", c.Message.ID, "endpoint_id", c.EndpointID, "delivery_id", c.Fence.ID, "attempt", c.History.Attempts)
	}
	res, policy := r.exchange(ctx, c)
	d := policy.Decide(c.History, res, r.rand())
	if d.Pause > 0 {
		r.pause(c.EndpointID, d.Pause)
	}
	o := outcome{
		claim: c,
		settlement: Settlement{
			Fence:   c.Fence,
			State:   d.State,
			After:   d.After,
			History: d.History,
			Pause:   d.Pause,
			Record:  Record{Attempt: c.History.Attempts + 1, Reason: res.Reason, Status: res.Status, Elapsed: res.Elapsed},
		},
		err: res.Err,
	}
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
	r.land(c.EndpointID)
}

// exchange looks the endpoint up and makes the attempt.
func (r *run) exchange(ctx context.Context, c Claim) (*Result, *Policy) {
	ep, err := r.lookUp(ctx, c.EndpointID)
	switch {
	case errors.Is(err, ErrNoEndpoint), err == nil && (ep == nil || ep.Tenant != c.Message.Tenant):
		return failed(FaultDestination, &Error{Reason: ReasonNoEndpoint, Err: ErrNoEndpoint}), r.policy
	case err != nil && ctx.Err() != nil:
		return classify(ctx, err), r.policy
	case err != nil:
		return failed(FaultOurs, &Error{Reason: ReasonLocal, Detail: "directory failed", Err: err}), r.policy
	}
	r.learn(ep)
	policy := r.policy
	if ep.Policy != nil {
		policy = ep.Policy
	}
	if policy.lost(c.History) {
		return failed(FaultReceiver, &Error{Reason: ReasonUnknown}), policy
	}
	r.counters.attempts.Add(1)
	res := Attempt(ctx, r.client, ep, c.Message)
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

func (r *run) lookUp(ctx context.Context, id string) (ep *Endpoint, err error) {
	ctx, cancel := r.call(ctx)
	defer cancel()
	err = guarded(func() (err error) {
		ep, err = r.directory.Endpoint(ctx, id)
		return err
	})
	return ep, err
}

// learn tells the gate what the endpoint allows.
func (r *run) learn(ep *Endpoint) {
	r.mu.Lock()
	g := r.gates[ep.ID]
	wider := g != nil && g.limit < ep.concurrency()
	if g != nil {
		g.limit = ep.concurrency()
	}
	r.mu.Unlock()
	if wider {
		notify(r.wakeClaims)
	}
}

// pause holds an endpoint back at once, before the store has recorded it.
func (r *run) pause(endpointID string, d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.gates[endpointID].pause(time.Now().Add(d))
}

// land makes the room of a flight free again.
func (r *run) land(endpointID string) {
	r.mu.Lock()
	r.gates[endpointID].give(1)
	r.room++
	r.mu.Unlock()
	notify(r.wakeClaims)
}

// tell counts, logs and hands to the hook what became of a delivery.
func (r *run) tell(ctx context.Context, o outcome) {
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
	case s.History.Attempts > o.claim.History.Attempts:
		r.counters.retried.Add(1)
		level, text = slog.LevelInfo, "attempt failed"
	default:
		r.counters.givenBack.Add(1)
		level, text = slog.LevelWarn, "attempt given back"
	}
	r.log.LogAttrs(ctx, level, text, r.attrs(o)...)
	if hook := r.hooks.Settled; hook != nil {
		r.hook(ctx, "Settled", func() {
			hook(SettledInfo{
				DeliveryID: o.claim.Fence.ID,
				EndpointID: o.claim.EndpointID,
				Message:    o.claim.Message,
				Settlement: s,
				Err:        o.err,
			})
		})
	}
}

func (r *run) attrs(o outcome) []slog.Attr {
	s := o.settlement
	attrs := []slog.Attr{
		slog.String("message_id", o.claim.Message.ID),
		slog.String("tenant", o.claim.Message.Tenant),
		slog.String("topic", string(o.claim.Message.Topic)),
		slog.String("endpoint_id", o.claim.EndpointID),
		slog.String("delivery_id", o.claim.Fence.ID),
		slog.Int("attempt", s.Record.Attempt),
		slog.String("reason", string(s.Record.Reason)),
		slog.Int("status", s.Record.Status),
		slog.Duration("elapsed", s.Record.Elapsed),
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
