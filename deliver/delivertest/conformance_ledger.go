package delivertest

import (
	"context"
	"fmt"
	"slices"

	"example.com/paperround/deliver"
)

// ledger returns the store's, or nil: then the case has nothing to judge.
func (p *probe) ledger() deliver.Ledger {
	l, _ := p.store.(deliver.Ledger)
	return l
}

// list returns the message ids of all that is selected, page by page.
func (p *probe) list(l deliver.Ledger, sel deliver.Selection, limit int) (ids []string) {
	cursor := ""
	for {
		page, next, err := l.Deliveries(p.ctx, sel, cursor, limit)
		p.ok(err)
		p.check(len(page) <= limit, "a page is too long")
		for _, d := range page {
			ids = append(ids, d.MessageID)
		}
		if next == "" {
			return ids
		}
		cursor = next
	}
}

func (p *probe) ledgerPages() {
	l := p.ledger()
	if l == nil {
		return
	}
	p.deliver(to("e1"), p.messages(25)...)
	want := names("m%05d", 25)
	slices.Reverse(want)
	p.equal(p.list(l, deliver.Selection{}, 10), want, "deliveries, latest first")
	p.equal(p.list(l, deliver.Selection{}, 25), want, "deliveries")
	p.equal(p.list(l, deliver.Selection{}, 1000), want, "deliveries")

	// While rows are inserted and settled.
	var seen []string
	cursor := ""
	for i := 0; ; i++ {
		page, next, err := l.Deliveries(p.ctx, deliver.Selection{}, cursor, 4)
		p.ok(err)
		for _, d := range page {
			seen = append(seen, d.MessageID)
		}
		if next == "" {
			break
		}
		cursor = next
		p.deliver(to("e1"), message(fmt.Sprintf("new%d", i)))
		p.end(p.claimOne("e1"), deliver.Succeeded)
	}
	p.equal(seen, want, "deliveries while others are inserted")
	if _, _, err := l.Deliveries(p.ctx, deliver.Selection{}, "no cursor of anybody", 4); err == nil {
		p.fail("an invalid cursor is no error")
	}
}

func (p *probe) ledgerSelects() {
	l := p.ledger()
	if l == nil {
		return
	}
	a := keyed("k", "a1", "a2")
	for _, m := range a {
		m.Tenant = "a"
	}
	p.deliver(ordered("ea"), a...)
	p.wait(10)
	p.deliver(to("e1", "e2"), p.messages(2)...)
	p.end(p.claimOne("e1"), deliver.Succeeded)
	p.claimOne("e1")
	tenant, none := "a", ""
	for i, c := range []struct {
		sel  deliver.Selection
		want []string
	}{
		{deliver.Selection{}, []string{"a1", "a2", "m00000", "m00000", "m00001", "m00001"}},
		{deliver.Selection{Tenant: &tenant}, []string{"a1", "a2"}},
		{deliver.Selection{Tenant: &none}, []string{"m00000", "m00000", "m00001", "m00001"}},
		{deliver.Selection{EndpointID: "e2"}, []string{"m00000", "m00001"}},
		{deliver.Selection{EndpointID: "nobody"}, nil},
		{deliver.Selection{MessageID: "m00001"}, []string{"m00001", "m00001"}},
		{deliver.Selection{MessageID: "m00001", Tenant: &tenant}, nil},
		{deliver.Selection{Key: "k"}, []string{"a1", "a2"}},
		{deliver.Selection{States: []deliver.State{deliver.Succeeded}}, []string{"m00000"}},
		{deliver.Selection{States: []deliver.State{deliver.Succeeded, deliver.Claimed}}, []string{"m00000", "m00001"}},
		{deliver.Selection{Since: p.after(5)}, []string{"m00000", "m00000", "m00001", "m00001"}},
	} {
		got := p.list(l, c.sel, 3)
		slices.Sort(got)
		p.equal(got, c.want, fmt.Sprintf("selection %d", i))
	}
	list, _, err := l.Deliveries(p.ctx, deliver.Selection{Tenant: &tenant}, "", 10)
	p.ok(err)
	d := list[0]
	p.check(d.ID != "" && d.Blocked && !list[1].Blocked, "the second of a lane is blocked, and the first is not")
	p.soon(d.History.Age, p.after(10), "age")
	d.History.Age, d.ID = 0, ""
	p.equal(d, deliver.Delivery{EndpointID: "ea", Tenant: "a", MessageID: "a2", Key: "k", Blocked: true}, "delivery")
	p.equal(p.list(l, deliver.Selection{DeliveryID: list[0].ID}, 3), []string{"a2"}, "deliveries by id")

	t, err := l.Totals(p.ctx, deliver.Selection{})
	p.ok(err)
	p.equal(t, deliver.Totals{Scheduled: 4, Claimed: 1, Succeeded: 1}, "totals")
	t, err = l.Totals(p.ctx, deliver.Selection{Tenant: &tenant})
	p.ok(err)
	p.equal(t, deliver.Totals{Scheduled: 2}, "totals of a tenant")
	t, err = l.Totals(p.ctx, deliver.Selection{EndpointID: "e1"})
	p.ok(err)
	p.equal(t, deliver.Totals{Claimed: 1, Succeeded: 1}, "totals of an endpoint")
}

func (p *probe) ledgerLog() {
	l := p.ledger()
	if l == nil {
		return
	}
	p.deliver(to("e1"), message("m1"))
	one := deliver.Record{Attempt: 1, Reason: deliver.ReasonStatus, Status: 503, Elapsed: p.after(2)}
	c := p.claimOne("e1")
	p.equal(len(p.settle(deliver.Settlement{Fence: c.Fence, History: deliver.History{Attempts: 1, Health: deliver.Health{Failing: 5}}, Record: one})), 0, "lost settlements")
	list, _, err := l.Deliveries(p.ctx, deliver.Selection{}, "", 1)
	p.ok(err)
	p.equal(list[0].History.Health, deliver.Health{}, "health, which is the endpoint's")
	p.claimOne("e1")
	p.due(60)
	two := deliver.Record{Attempt: 3, Reason: deliver.ReasonSucceeded, Status: 200, Elapsed: 1}
	c = p.claimOne("e1")
	p.equal(len(p.settle(deliver.Settlement{Fence: c.Fence, State: deliver.Succeeded, History: c.History, Record: two})), 0, "lost settlements")
	got, err := l.Attempts(p.ctx, c.Fence.ID)
	p.ok(err)
	p.equal(got, []deliver.Record{one, {Attempt: 2, Reason: deliver.ReasonUnknown}, two}, "log")
	got, err = l.Attempts(p.ctx, "nobody")
	p.ok(err)
	p.equal(len(got), 0, "log of an unknown delivery")

	msg, err := l.Message(p.ctx, "", "m1")
	p.ok(err)
	p.equal(msg.ID+" "+string(msg.Body), "m1 {}", "message")
	_, err = l.Message(p.ctx, "another tenant", "m1")
	p.is(err, deliver.ErrNoMessage)
}

// replay replays all that is selected, two at a time.
func (p *probe) replay(l deliver.Ledger, sel deliver.Selection) (n int) {
	cursor := ""
	for {
		did, next, err := l.Replay(p.ctx, sel, cursor, 2)
		p.ok(err)
		p.check(did <= 2, "more is replayed than the limit")
		n += did
		if next == "" {
			return n
		}
		cursor = next
	}
}

func (p *probe) ledgerReplay() {
	l := p.ledger()
	if l == nil {
		return
	}
	p.deliver(to("e1"), p.messages(7)...)
	for range 5 {
		c := p.claimOne("e1")
		c.History.Attempts = 3
		p.end(c, deliver.Exhausted)
	}
	p.wait(10)
	open := p.claimOne("e1")
	sel := deliver.Selection{EndpointID: "e1"}
	p.equal(p.replay(l, sel), 5, "what is replayed")
	p.equal(p.replay(l, sel), 0, "what is replayed a second time, while it is open")
	t, err := l.Totals(p.ctx, sel)
	p.ok(err)
	p.equal(t, deliver.Totals{Scheduled: 6, Claimed: 1}, "totals")
	first, retries := p.count("e1")
	p.equal([]int{first, retries}, []int{1, 5}, "replays count as retries; first attempts and retries")
	p.end(open, deliver.Succeeded)
	p.end(p.claimOne("e1"), deliver.Succeeded) // m6, never attempted
	p.wait(3)
	c := p.claimOne("e1")
	p.equal(c.Message.ID, "m00000", "the earliest comes first; message")
	p.equal(string(c.Message.Body), "{}", "body")
	p.soon(c.History.Age, p.after(3), "age, which begins anew")
	c.History.Age = 0
	p.equal(c.History, deliver.History{Replays: 1}, "history, which begins anew")
	p.end(c, deliver.Succeeded)
	p.wait(20)
	p.equal(p.replay(l, deliver.Selection{States: []deliver.State{deliver.Succeeded}, Since: p.after(10)}), 0, "what is replayed")
	p.equal(p.replay(l, deliver.Selection{DeliveryID: c.Fence.ID}), 1, "what is replayed")
	for range 5 {
		c = p.claimOne("e1")
	}
	p.equal(c.History.Replays, 2, "replays")
	p.equal(p.replay(l, deliver.Selection{EndpointID: "nobody"}), 0, "what is replayed")
}

func (p *probe) ledgerReplayLane() {
	l := p.ledger()
	if l == nil {
		return
	}
	p.deliver(ordered("e1"), keyed("k", "k1", "k2", "k3")...)
	p.end(p.claimOne("e1"), deliver.Exhausted)
	p.end(p.claimOne("e1"), deliver.Exhausted)
	p.equal(p.replay(l, deliver.Selection{}), 2, "what is replayed")
	for _, id := range []string{"k3", "k1", "k2"} {
		c := p.claimOne("e1")
		p.equal(c.Message.ID, id, "order in the lane")
		p.none("e1", "while the first of the lane is claimed")
		p.end(c, deliver.Succeeded)
	}
}

func (p *probe) ledgerCancel() {
	l := p.ledger()
	if l == nil {
		return
	}
	p.deliver(ordered("e1"), append(keyed("k", "k1", "k2", "k3"), message("m1"), message("m2"))...)
	done := p.claim(p.own("a"), "e1", 3)
	p.equal(len(done), 3, "claims")
	claimed := done[0]
	p.equal(claimed.Message.ID, "k1", "message")
	p.retry(done[1], 10, deliver.Effect{})
	p.end(done[2], deliver.Succeeded)
	n, next, err := l.Cancel(p.ctx, deliver.Selection{MessageID: "k1"}, "", 10)
	p.ok(err)
	p.equal(n, 1, "what is canceled")
	p.equal(next, "", "cursor at the end")
	p.equal(p.settle(deliver.Settlement{Fence: claimed.Fence, State: deliver.Succeeded}), []deliver.Fence{claimed.Fence}, "stale fences")
	lost, err := p.store.Extend(p.ctx, []deliver.Fence{claimed.Fence}, p.lease)
	p.ok(err)
	p.equal(lost, []deliver.Fence{claimed.Fence}, "stale fences")
	p.equal(p.claimOne("e1").Message.ID, "k2", "the next of the lane")

	total, cursor := 0, ""
	for range 10 {
		n, next, err := l.Cancel(p.ctx, deliver.Selection{}, cursor, 1)
		p.ok(err)
		total += n
		if cursor = next; cursor == "" {
			break
		}
	}
	p.equal(total, 3, "what is canceled")
	t, err := l.Totals(p.ctx, deliver.Selection{})
	p.ok(err)
	p.equal(t, deliver.Totals{Canceled: 4, Succeeded: 1}, "totals")
	p.due(100)
	p.none("e1", "after all is canceled")
	_, err = p.store.Own(p.ctx, "a", 0)
	p.ok(err)
	p.equal(p.own("b").Len(), deliver.SlotCount, "slots that are free again")
}

func (p *probe) ledgerCancelPending() {
	l := p.ledger()
	if l == nil {
		return
	}
	late := message("late")
	late.Delay = p.after(30)
	p.ok(p.store.Enqueue(p.ctx, append(keyed("k", "k1", "k2", "k3"), late)...))
	held := p.pending(1)
	p.equal(idsOf(held), []string{"k1"}, "pending messages")
	for _, id := range []string{"late", "k1", "k2"} {
		n, _, err := l.Cancel(p.ctx, deliver.Selection{MessageID: id}, "", 10)
		p.ok(err)
		p.equal(n, 1, "what is canceled")
		n, _, err = l.Cancel(p.ctx, deliver.Selection{MessageID: id}, "", 10)
		p.ok(err)
		p.equal(n, 0, "what is canceled a second time")
	}
	p.equal(p.fanOut(deliver.Plan{Fence: held[0].Fence, Targets: to("e1")}), []deliver.Fence{held[0].Fence}, "stale fences")
	batch := p.pending(10)
	p.equal(idsOf(batch), []string{"k3"}, "pending messages")
	p.carryOut(deliver.Plan{Fence: batch[0].Fence, Targets: to("e1")})
	p.due(100)
	p.equal(len(p.pending(10)), 0, "pending messages")
	p.enqueue("late") // it is remembered
	p.equal(len(p.pending(10)), 0, "pending messages")
}

func (p *probe) ledgerPurge() {
	l := p.ledger()
	if l == nil {
		return
	}
	purge := func(age, limit int) int {
		n, err := l.Purge(p.ctx, p.after(age), limit)
		p.ok(err)
		return n
	}
	p.deliver(to("e1"), p.messages(4)...)
	for range 3 {
		p.end(p.claimOne("e1"), deliver.Succeeded)
	}
	p.wait(20)
	p.end(p.claimOne("e1"), deliver.Succeeded)
	p.deliver(to("e1"), message("open"))
	p.equal(purge(21, 10), 0, "what is purged")
	p.equal(purge(20, 2), 2, "what is purged, up to the limit")
	p.equal(purge(20, 10), 1, "what is purged")
	msg, err := l.Message(p.ctx, "", "m00000")
	p.ok(err)
	p.equal(len(msg.Body), 0, "length of a purged body")
	p.equal(p.list(l, deliver.Selection{}, 10), []string{"open", "m00003", "m00002", "m00001", "m00000"}, "deliveries, which stay")
	p.equal(p.replay(l, deliver.Selection{MessageID: "m00000"}), 0, "what is replayed without a body")
	p.equal(p.replay(l, deliver.Selection{MessageID: "m00003"}), 1, "what is replayed")
	p.equal(purge(0, 10), 0, "what is purged while it is open")
	p.enqueue("m00001") // it is remembered
	other := message("m00001")
	other.Body = []byte("[]")
	p.is(p.store.Enqueue(p.ctx, other), deliver.ErrConflict)
	p.equal(len(p.claim(p.own("a"), "e1", 9)), 2, "claims")
}

func (p *probe) ledgerEndpoints() {
	l := p.ledger()
	if l == nil {
		return
	}
	states := func(sel deliver.Selection, after string, limit int) []deliver.EndpointState {
		list, err := l.Endpoints(p.ctx, sel, after, limit)
		p.ok(err)
		return list
	}
	m := message("m1")
	m.Tenant = "a"
	p.deliver(to("ea1", "ea2", "ea3"), m)
	p.deliver(to("eb"), message("m2"))
	a := "a"
	list := states(deliver.Selection{Tenant: &a}, "", 2)
	p.equal(len(list), 2, "endpoints")
	p.equal(list[0], deliver.EndpointState{EndpointID: "ea1", Tenant: "a", Open: 1}, "endpoint")
	list = states(deliver.Selection{Tenant: &a}, "ea2", 2)
	p.equal(len(list), 1, "endpoints")
	p.equal(list[0].EndpointID, "ea3", "endpoint")
	p.equal(len(states(deliver.Selection{}, "", 10)), 4, "endpoints")
	p.equal(len(states(deliver.Selection{EndpointID: "nobody"}, "", 10)), 0, "endpoints")

	// Paused by a person, and resumed.
	p.ok(l.Change(p.ctx, "eb", deliver.Effect{Pause: p.after(50), Cause: deliver.CauseHost}))
	p.none("eb", "while it is paused")
	p.wait(10)
	s := states(deliver.Selection{EndpointID: "eb"}, "", 1)[0]
	p.soon(s.Paused, p.after(40), "rest of the pause")
	p.soon(s.Since, p.after(10), "since")
	s.Paused, s.Since = 0, 0
	p.equal(s, deliver.EndpointState{EndpointID: "eb", Cause: deliver.CauseHost, Open: 1}, "endpoint")
	p.ok(l.Resume(p.ctx, "eb"))
	c := p.claimOne("eb")
	p.retry(c, 0, deliver.Effect{Signal: deliver.SignalFailure, Disable: true, Cause: deliver.CauseFailing})
	p.wait(4)
	p.ok(l.Change(p.ctx, "eb", deliver.Effect{Pause: p.after(3), Cause: deliver.CauseHost})) // on top
	p.wait(6)
	p.clear()
	s = states(deliver.Selection{EndpointID: "eb"}, "", 1)[0]
	p.soon(s.Since, p.after(10), "since")
	p.soon(s.Health.Failing, p.after(10), "failing")
	s.Since, s.Health = 0, deliver.Health{}
	p.equal(s, deliver.EndpointState{EndpointID: "eb", Disabled: true, Cause: deliver.CauseFailing}, "endpoint")
	p.equal(p.replay(l, deliver.Selection{EndpointID: "eb"}), 0, "what is replayed to a disabled endpoint")
	p.ok(l.Resume(p.ctx, "eb"))
	p.equal(p.replay(l, deliver.Selection{EndpointID: "eb", States: []deliver.State{deliver.Abandoned}, Since: p.after(11)}), 1, "what is replayed")
	p.claimOne("eb")

	// Disabled by a person before anything came.
	p.ok(l.Change(p.ctx, "new", deliver.Effect{Disable: true, Cause: deliver.CauseHost}))
	p.ok(l.Change(p.ctx, "ea1", deliver.Effect{Disable: true, Cause: deliver.CauseHost})) // and after
	p.clear()
	t, err := l.Totals(p.ctx, deliver.Selection{EndpointID: "ea1"})
	p.ok(err)
	p.equal(t, deliver.Totals{Abandoned: 1}, "totals")
	p.deliver(to("new"), message("m3"))
	p.none("new", "while it is disabled")
	p.ok(l.Resume(p.ctx, "new"))
	p.ok(l.Resume(p.ctx, "nobody"))
	p.deliver(to("new"), message("m4"))
	p.equal(p.claimOne("new").Message.ID, "m4", "message")
}

// What is under way when an endpoint is resumed speaks of the time before.
func (p *probe) ledgerResumeForgives() {
	l := p.ledger()
	if l == nil {
		return
	}
	p.deliver(to("e1"), p.messages(6)...)
	claims := p.claim(p.own("a"), "e1", 5)
	p.equal(len(claims), 5, "claims")
	off := deliver.Effect{Disable: true, Cause: deliver.CauseFailing, Signal: deliver.SignalFailure}
	p.retry(claims[0], 5000, off)
	p.clear()
	p.ok(l.Resume(p.ctx, "e1"))
	p.retry(claims[1], 5000, off)
	p.retry(claims[2], 5000, deliver.Effect{Pause: p.after(100), Cause: deliver.CauseRetryAfter, Signal: deliver.SignalGone})
	p.deliver(to("e1"), message("anew"))
	p.equal(p.claimOne("e1").History.Health, deliver.Health{}, "health")
	p.clear()
	t, err := l.Totals(p.ctx, deliver.Selection{EndpointID: "e1"})
	p.ok(err)
	p.equal(t, deliver.Totals{Scheduled: 2, Claimed: 3, Abandoned: 2}, "totals")

	// What works, works; and what is claimed later counts.
	p.deliver(to("e1"), message("later"))
	later := p.claimOne("e1")
	p.retry(later, 0, deliver.Effect{Signal: deliver.SignalFailure})
	p.wait(5)
	later = p.claimOne("e1")
	p.soon(later.History.Health.Failing, p.after(5), "failing")
	p.equal(len(p.settle(deliver.Settlement{Fence: claims[3].Fence, State: deliver.Succeeded, Endpoint: deliver.Effect{Signal: deliver.SignalSuccess}})), 0, "lost settlements")
	p.retry(later, 0, deliver.Effect{})
	later = p.claimOne("e1")
	p.equal(later.History.Health, deliver.Health{}, "health after a success")
	p.retry(later, 0, off)
	p.none("e1", "while it is disabled")
}

func (p *probe) ledgerEndedContext() {
	l := p.ledger()
	if l == nil {
		return
	}
	p.deliver(to("e1"), message("m1"))
	ctx, cancel := context.WithCancel(p.ctx)
	cancel()
	_, _, err := l.Deliveries(ctx, deliver.Selection{}, "", 1)
	p.is(err, context.Canceled)
	_, err = l.Attempts(ctx, "d")
	p.is(err, context.Canceled)
	_, err = l.Message(ctx, "", "m1")
	p.is(err, context.Canceled)
	_, err = l.Totals(ctx, deliver.Selection{})
	p.is(err, context.Canceled)
	_, _, err = l.Replay(ctx, deliver.Selection{}, "", 1)
	p.is(err, context.Canceled)
	_, _, err = l.Cancel(ctx, deliver.Selection{}, "", 1)
	p.is(err, context.Canceled)
	_, err = l.Purge(ctx, 0, 1)
	p.is(err, context.Canceled)
	_, err = l.Endpoints(ctx, deliver.Selection{}, "", 1)
	p.is(err, context.Canceled)
	p.is(l.Change(ctx, "e1", deliver.Effect{Disable: true}), context.Canceled)
	p.is(l.Resume(ctx, "e1"), context.Canceled)
	p.equal(len(p.claim(p.own("a"), "e1", 1)), 1, "claims")
}
