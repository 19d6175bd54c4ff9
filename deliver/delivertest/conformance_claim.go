package delivertest

import (
	"slices"
	"sync"
	"time"

	"example.com/paperround/deliver"
)

func (p *probe) messages(n int) []*deliver.Message {
	list := make([]*deliver.Message, n)
	for i, id := range names("m%05d", n) {
		list[i] = message(id)
	}
	return list
}

func (p *probe) oneWinner() {
	p.deliver(to("e1"), p.messages(100)...)
	slots := p.own("a")
	var wg sync.WaitGroup
	var mu sync.Mutex
	seen := map[string]int{}
	for range 8 {
		wg.Go(func() {
			for {
				claims, err := p.store.Claim(p.ctx, slots, []deliver.Want{{EndpointID: "e1", First: 7}}, p.lease)
				if err != nil || len(claims) == 0 {
					return
				}
				mu.Lock()
				for _, c := range claims {
					seen[c.Message.ID]++
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	p.equal(len(seen), 100, "deliveries claimed")
	for id, n := range seen {
		p.equal(n, 1, "claims of "+id)
	}
}

func (p *probe) claimsWants() {
	p.deliver(to("e1", "e2"), p.messages(3)...)
	slots := p.own("a")
	claims, err := p.store.Claim(p.ctx, slots, []deliver.Want{
		{EndpointID: "e2", First: 2}, {EndpointID: "nobody", First: 5}, {EndpointID: "e1", First: 9},
	}, p.lease)
	p.ok(err)
	var got []string
	for _, c := range claims {
		got = append(got, c.EndpointID+" "+c.Message.ID)
		p.check(!c.Interrupted(), "a first claim is interrupted")
		p.equal(c.History.Attempts, 0, "attempts")
	}
	slices.Sort(got)
	p.equal(got, []string{"e1 m00000", "e1 m00001", "e1 m00002", "e2 m00000", "e2 m00001"}, "claims, longest due first")
	list, _ := p.ready(slots)
	p.equal(list, []deliver.Backlog{{EndpointID: "e2", First: 1}}, "ready endpoints")
}

func (p *probe) firstAndRetries() {
	p.deliver(to("e1"), p.messages(4)...)
	p.retry(p.claimOne("e1"), 0, deliver.Effect{})
	own := p.claimOne("e1")
	p.equal(len(p.settle(deliver.Settlement{Fence: own.Fence, History: deliver.History{OwnFaults: 1}})), 0, "lost settlements")
	back := p.claimOne("e1")
	p.end(back, deliver.Scheduled) // as never attempted
	first, retries := p.count("e1")
	p.equal([]int{first, retries}, []int{2, 2}, "first attempts and retries")
	slots := p.own("a")
	claims, err := p.store.Claim(p.ctx, slots, []deliver.Want{{EndpointID: "e1", First: 5}}, p.lease)
	p.ok(err)
	p.equal(len(claims), 2, "first attempts")
	for _, c := range claims {
		p.check(c.History.Fresh(), "a retry is among the first attempts")
	}
	claims, err = p.store.Claim(p.ctx, slots, []deliver.Want{{EndpointID: "e1", Retries: 1}}, p.lease)
	p.ok(err)
	p.equal(len(claims), 1, "retries")
	p.equal(claims[0].Message.ID, "m00000", "retries, longest due first")
}

func (p *probe) dueTimes() {
	p.deliver(to("e1"), message("m1"))
	c := p.claimOne("e1")
	p.equal(len(p.settle(deliver.Settlement{Fence: c.Fence, After: p.after(20)})), 0, "lost settlements")
	slots := p.own("a")
	list, next := p.ready(slots)
	p.equal(len(list), 0, "ready endpoints")
	p.foreseen(next, 20)
	p.h.Wait(p.after(20) - max(p.h.Slack, time.Millisecond))
	p.equal(len(p.claim(slots, "e1", 1)), 0, "claims before it is due")
	p.h.Wait(max(p.h.Slack, time.Millisecond) + p.h.Slack)
	list, _ = p.ready(slots)
	p.equal(len(list), 1, "ready endpoints")
	p.equal(len(p.claim(slots, "e1", 1)), 1, "claims")
}

func (p *probe) historyIsKept() {
	p.deliver(to("e1"), message("m1"))
	p.wait(50)
	c := p.claimOne("e1")
	p.soon(c.History.Age, p.after(50), "age")
	c.History.Age = 0
	p.equal(c.History, deliver.History{}, "history")
	h := deliver.History{Attempts: 3, Rejected: 2, OwnFaults: 1, Age: 7, Health: deliver.Health{Failing: 3}}
	p.equal(len(p.settle(deliver.Settlement{Fence: c.Fence, History: h})), 0, "lost settlements")
	p.wait(5)
	c = p.claimOne("e1")
	p.soon(c.History.Age, p.after(55), "age")
	c.History.Age, h.Age, h.Health = 0, 0, deliver.Health{}
	p.equal(c.History, h, "history")
}

func (p *probe) leaseRunsOut() {
	p.deliver(to("e1"), message("m1"))
	first := p.claimOne("e1")
	p.wait(59)
	p.none("e1", "while the lease lasts")
	p.due(1)
	got, retries := p.count("e1")
	p.equal([]int{got, retries}, []int{0, 1}, "an interrupted one is a retry; first attempts and retries")
	second := p.claim(p.own("a"), "e1", 1)
	p.equal(len(second), 1, "claims")
	p.check(second[0].Interrupted(), "the claim does not say that the last attempt was interrupted")
	p.equal(second[0].History.Attempts, 1, "attempts, that of unknown outcome included")
	p.equal(second[0].History.Unknown, 1, "unknown outcomes in a row")
	p.equal(second[0].Message.ID, first.Message.ID, "message")
	p.equal(second[0].Fence.ID, first.Fence.ID, "delivery")
	p.check(second[0].Fence != first.Fence, "a fence is handed out twice")
	p.due(60)
	third := p.claimOne("e1")
	p.equal(third.History.Unknown, 2, "unknown outcomes in a row")
	p.equal(third.History.Attempts, 2, "attempts")
	p.equal(len(p.settle(deliver.Settlement{Fence: third.Fence, History: deliver.History{Attempts: 3}})), 0, "lost settlements")
	p.equal(p.claimOne("e1").History.Unknown, 0, "only the last attempt counts for that; unknown outcomes")
}

func (p *probe) leaseIsExtended() {
	p.deliver(to("e1"), message("m1"))
	c := p.claimOne("e1")
	for range 5 {
		p.wait(30)
		p.own("a")
		lost, err := p.store.Extend(p.ctx, []deliver.Fence{c.Fence}, p.lease)
		p.ok(err)
		p.equal(len(lost), 0, "lost claims")
	}
	p.end(c, deliver.Succeeded)
	lost, err := p.store.Extend(p.ctx, []deliver.Fence{c.Fence}, p.lease)
	p.ok(err)
	p.equal(lost, []deliver.Fence{c.Fence}, "there is nothing left to extend; lost claims")
}

func (p *probe) staleFences() {
	p.deliver(to("e1"), message("m1"))
	first := p.claimOne("e1")
	p.due(60)
	stale := func() {
		lost, err := p.store.Extend(p.ctx, []deliver.Fence{first.Fence}, p.lease)
		p.ok(err)
		p.equal(lost, []deliver.Fence{first.Fence}, "stale fences")
		p.equal(p.settle(deliver.Settlement{
			Fence: first.Fence, State: deliver.Succeeded,
			Endpoint: deliver.Effect{Signal: deliver.SignalFailure, Pause: p.after(100), Disable: true, Cause: deliver.CauseFailing},
		}), []deliver.Fence{first.Fence}, "stale fences")
	}
	stale() // the lease ran out
	second := p.claimOne("e1")
	stale() // and somebody else has it
	p.equal(len(p.settle(deliver.Settlement{Fence: second.Fence, History: second.History})), 0, "lost settlements")
	stale() // and is through
	third := p.claimOne("e1")
	p.equal(third.History.Attempts, 1, "attempts")
	p.equal(third.History.Health, deliver.Health{}, "health")
	unknown := deliver.Fence{ID: "nobody", Token: 1}
	p.equal(p.settle(deliver.Settlement{Fence: unknown, State: deliver.Succeeded}), []deliver.Fence{unknown}, "unknown fences")
}

func (p *probe) settleAgain() {
	p.deliver(to("e1"), message("m1"))
	c := p.claimOne("e1")
	s := deliver.Settlement{Fence: c.Fence, History: deliver.History{Attempts: 1}, After: p.after(20)}
	p.equal(len(p.settle(s)), 0, "lost settlements")
	p.wait(10)
	p.equal(len(p.settle(s)), 0, "the answer may have been lost; lost settlements")
	slots := p.own("a")
	_, next := p.ready(slots)
	p.foreseen(next, 10) // nothing is put off
	p.due(10)
	c = p.claimOne("e1")
	p.equal(c.History.Attempts, 1, "attempts")
	p.equal(p.settle(s), []deliver.Fence{s.Fence}, "stale fences")
	p.end(c, deliver.Succeeded)
	p.end(c, deliver.Succeeded)
	if _, err := p.store.Settle(p.ctx, []deliver.Settlement{{Fence: c.Fence, State: deliver.Claimed}}); err == nil {
		p.fail("a settlement leaves its delivery claimed without an error")
	}
}

func (p *probe) readyWalks() {
	endpoints := names("e%02d", 25)
	p.deliver(to(endpoints...), message("m1"))
	slots := p.own("a")
	var walked []string
	after := ""
	for range 100 {
		page, _, err := p.store.Ready(p.ctx, slots, after, 10)
		p.ok(err)
		for _, b := range page {
			walked = append(walked, b.EndpointID)
			p.equal(b, deliver.Backlog{EndpointID: b.EndpointID, First: 1}, "backlog")
			after = b.EndpointID
		}
		if len(page) < 10 {
			break
		}
	}
	again := slices.Sorted(slices.Values(walked))
	p.equal(again, endpoints, "endpoints walked")

	// The endpoint at which a walk goes on need not have anything ready any more.
	p.end(p.claimOne(walked[9]), deliver.Succeeded)
	page, _, err := p.store.Ready(p.ctx, slots, walked[9], 2)
	p.ok(err)
	p.equal([]string{page[0].EndpointID, page[1].EndpointID}, walked[10:12], "endpoints walked")
	list, next := p.ready(deliver.Slots{Owner: "a"})
	p.equal(len(list), 0, "ready endpoints in no slots")
	p.check(next <= p.lease, "something is scheduled")
}

func (p *probe) lanes() {
	p.deliver(ordered("e1"), append(keyed("k", "k1", "k2", "k3"), keyed("l", "l1", "l2")...)...)
	p.deliver(ordered("e1"), message("free1"), message("free2"))
	p.deliver(to("e2"), keyed("k", "k4", "k5")...)
	first, _ := p.count("e2")
	p.equal(first, 2, "without order, deliveries do not wait; first attempts")
	first, _ = p.count("e1")
	p.equal(first, 4, "first of each lane, and those without a key; first attempts")
	heads := map[string]deliver.Claim{}
	for _, c := range p.claim(p.own("a"), "e1", 10) {
		heads[c.Message.ID] = c
	}
	p.equal(len(heads), 4, "claims")
	k1, l1 := heads["k1"], heads["l1"]
	p.check(k1.Fence.ID != "" && l1.Fence.ID != "", "not the first of their lanes")
	p.none("e1", "while the first of each lane is claimed")

	// A failing delivery blocks its own lane only.
	p.retry(k1, 10, deliver.Effect{})
	p.none("e1", "while the first of the lane waits")
	p.end(l1, deliver.Succeeded)
	l2 := p.claimOne("e1")
	p.equal(l2.Message.ID, "l2", "the next of the lane")
	p.due(10)
	again := p.claimOne("e1")
	p.equal(again.Message.ID, "k1", "the one that failed comes first")
	p.none("e1", "while the first of the lane is claimed")
	p.end(again, deliver.Exhausted)
	for _, id := range []string{"k2", "k3"} {
		c := p.claimOne("e1")
		p.equal(c.Message.ID, id, "the next of the lane")
		p.none("e1", "while the first of the lane is claimed")
		p.end(c, deliver.Succeeded)
	}

	// A lane that was empty begins anew.
	p.deliver(ordered("e1"), keyed("k", "k6", "k7")...)
	p.equal(p.claimOne("e1").Message.ID, "k6", "the first of the lane")
	p.none("e1", "while the first of the lane is claimed")
}

func (p *probe) laneExpires() {
	p.deliver(ordered("e1"), keyed("k", "k1", "k2")...)
	p.claimOne("e1")
	p.due(60)
	c := p.claimOne("e1")
	p.equal(c.Message.ID, "k1", "the first of the lane")
	p.check(c.Interrupted(), "the claim does not say that the last attempt was interrupted")
	p.none("e1", "while the first of the lane is claimed")
	p.end(c, deliver.Abandoned)
	p.equal(p.claimOne("e1").Message.ID, "k2", "the next of the lane")
}

func (p *probe) health() {
	p.deliver(to("e1", "e2"), p.messages(9)...)
	next := func() deliver.Claim { return p.claimOne("e1") }
	signal := func(c deliver.Claim, s deliver.Signal) { p.retry(c, 5000, deliver.Effect{Signal: s}) }
	is := func(c deliver.Claim, failing, spread, gone int, what string) {
		p.soon(c.History.Health.Failing, p.after(failing), what+": failing")
		p.soon(c.History.Health.Spread, p.after(spread), what+": spread")
		p.soon(c.History.Health.Gone, p.after(gone), what+": gone")
	}
	c := next()
	p.equal(c.History.Health, deliver.Health{}, "health")
	signal(c, deliver.SignalNone)
	c = next()
	p.equal(c.History.Health, deliver.Health{}, "health after no signal")
	signal(c, deliver.SignalFailure)
	p.wait(10)
	c = next()
	is(c, 10, 0, 0, "one failure")
	signal(c, deliver.SignalGone)
	p.wait(20)
	c = next()
	is(c, 30, 10, 20, "another one, with 410")
	signal(c, deliver.SignalNone)
	p.wait(5)
	c = next()
	is(c, 35, 10, 25, "no signal")
	signal(c, deliver.SignalGone)
	p.wait(5)
	c = next()
	is(c, 40, 35, 30, "the first 410 counts")
	p.equal(p.claimOne("e2").History.Health, deliver.Health{}, "health of another endpoint")
	signal(c, deliver.SignalSuccess)
	p.wait(5)
	c = next()
	p.equal(c.History.Health, deliver.Health{}, "health after a success")
	signal(c, deliver.SignalGone)
	p.wait(3)
	is(next(), 3, 0, 3, "a new row of failures")
}

func (p *probe) pauses() {
	p.deliver(to("e1", "e2"), p.messages(3)...)
	slots := p.own("a")
	claims := p.claim(slots, "e1", 2)
	pause := func(n int) deliver.Effect {
		return deliver.Effect{Pause: p.after(n), Cause: deliver.CauseRetryAfter}
	}
	p.equal(len(p.settle(deliver.Settlement{Fence: claims[0].Fence, State: deliver.Succeeded, Endpoint: pause(40)})), 0, "lost settlements")
	list, next := p.ready(slots)
	p.equal(list, []deliver.Backlog{{EndpointID: "e2", First: 3}}, "ready endpoints")
	p.foreseen(next, 40)
	p.none("e1", "while it is paused")
	p.retry(claims[1], 0, pause(10)) // a shorter pause
	p.wait(39)
	p.none("e1", "while it is paused, a shorter pause notwithstanding")
	p.due(1)
	slots = p.own("a")
	list, _ = p.ready(slots)
	p.equal(list, []deliver.Backlog{{EndpointID: "e1", First: 1, Retries: 1}, {EndpointID: "e2", First: 3}}, "ready endpoints")
	claims = p.claim(slots, "e1", 5)
	p.equal(len(claims), 2, "claims")
	p.retry(claims[0], 0, pause(10))
	p.retry(claims[1], 0, pause(40)) // a longer pause
	p.due(10)
	p.none("e1", "while it is paused for longer")
	p.due(30)
	p.equal(len(p.claim(p.own("a"), "e1", 5)), 2, "claims")
}

func (p *probe) disabling() {
	p.deliver(ordered("e1", "e2"), append(keyed("k", "k1", "k2", "k3"), p.messages(4)...)...)
	slots := p.own("a")
	claims := p.claim(slots, "e1", 4) // k1, m0, m1, m2
	p.equal(len(claims), 4, "claims")
	p.retry(claims[0], 10, deliver.Effect{})
	off := deliver.Effect{Disable: true, Cause: deliver.CauseFailing, Signal: deliver.SignalFailure}
	p.retry(claims[1], 0, off)
	p.none("e1", "while it is disabled")
	list, _ := p.ready(slots)
	p.equal(list, []deliver.Backlog{{EndpointID: "e2", First: 5}}, "ready endpoints")
	p.retry(claims[2], 0, deliver.Effect{}) // abandoned too
	p.due(60)                               // and the last one, when its lease ran out
	p.none("e1", "while it is disabled")
	p.deliver(to("e1"), message("late"))
	p.due(100)
	p.none("e1", "while it is disabled")
	p.clear()
	l, ok := p.store.(deliver.Ledger)
	if !ok {
		return
	}
	t, err := l.Totals(p.ctx, deliver.Selection{EndpointID: "e1"})
	p.ok(err)
	p.equal(t, deliver.Totals{Abandoned: 8}, "totals")
	p.equal(p.lastReasons(l, "e1"), []deliver.Reason{
		deliver.ReasonDisabled, deliver.ReasonDisabled, deliver.ReasonDisabled, deliver.ReasonDisabled,
		deliver.ReasonDisabled, deliver.ReasonDisabled, deliver.ReasonDisabled, deliver.ReasonDisabled,
	}, "last reasons")
	p.ok(l.Resume(p.ctx, "e1"))
	p.deliver(ordered("e1"), keyed("k", "k4")...)
	c := p.claimOne("e1")
	p.equal(c.Message.ID, "k4", "message")
	p.equal(c.History.Health, deliver.Health{}, "health after resuming")
}

func (p *probe) lastReasons(l deliver.Ledger, endpoint string) (reasons []deliver.Reason) {
	list, _, err := l.Deliveries(p.ctx, deliver.Selection{EndpointID: endpoint}, "", 1000)
	p.ok(err)
	for _, d := range list {
		records, err := l.Attempts(p.ctx, d.ID)
		p.ok(err)
		p.check(len(records) > 0, "a delivery that ended has no log")
		reasons = append(reasons, records[len(records)-1].Reason)
	}
	return reasons
}

func overlap(a, b deliver.Slots) int {
	n := 0
	for i := range deliver.SlotCount {
		if a.Has(i) && b.Has(i) {
			n++
		}
	}
	return n
}

func (p *probe) slotsAreShared() {
	a := p.own("a")
	p.equal(a.Len(), deliver.SlotCount, "slots of the only owner")
	b := p.own("b")
	p.equal(b.Len(), 0, "what is leased stays leased; slots")
	a = p.own("a")
	p.equal(a.Len(), deliver.SlotCount/2, "until its owner renews; slots")
	b = p.own("b")
	p.equal(b.Len(), deliver.SlotCount/2, "slots")
	p.equal(overlap(a, b), 0, "slots with two owners")
	p.own("c")
	a, b = p.own("a"), p.own("b")
	c := p.own("c")
	p.equal(a.Len()+b.Len()+c.Len(), deliver.SlotCount, "slots")
	for _, s := range []deliver.Slots{a, b, c} {
		p.check(s.Len() >= deliver.SlotCount/3 && s.Len() <= deliver.SlotCount/3+1, "the shares are not fair")
	}
	p.equal(overlap(a, b)+overlap(b, c)+overlap(a, c), 0, "slots with two owners")

	// What was given up is no longer served with an old share.
	p.deliver(to(names("e%d", 100)...), message("m1"))
	served := 0
	for _, s := range []deliver.Slots{a, b, c} {
		list, _ := p.ready(s)
		for _, e := range list {
			p.check(s.Has(deliver.Slot(e.EndpointID)), "an endpoint of another share is ready")
		}
		served += len(list)
	}
	p.equal(served, 100, "ready endpoints")

	gone, err := p.store.Own(p.ctx, "b", 0)
	p.ok(err)
	p.equal(gone.Len(), 0, "slots")
	list, _ := p.ready(b)
	p.equal(len(list), 0, "ready endpoints of a share given up")
	p.equal(p.own("a").Len()+p.own("c").Len(), deliver.SlotCount, "slots")
}

func (p *probe) slotsAreTakenOver() {
	p.deliver(to("e1"), p.messages(2)...)
	a := p.own("a")
	old := p.claim(a, "e1", 1)[0]
	p.due(60)
	p.equal(len(p.claim(a, "e1", 1)), 0, "claims from a lapsed share")
	b := p.own("b")
	p.equal(b.Len(), deliver.SlotCount, "slots")
	p.equal(p.settle(deliver.Settlement{Fence: old.Fence, State: deliver.Succeeded}), []deliver.Fence{old.Fence}, "stale fences")
	p.equal(len(p.claim(a, "e1", 1)), 0, "claims from a lapsed share")
	p.equal(len(p.claim(b, "e1", 5)), 2, "claims")
	a = p.own("a")
	p.equal(a.Len(), 0, "slots")
}

// An endpoint is never served by two: neither when its slot is given up nor
// when its owner is gone, for as long as a claim is leased.
func (p *probe) busySlotsStay() {
	endpoints := names("e%d", 300)
	p.deliver(to(endpoints...), p.messages(2)...)
	a := p.own("a")
	var claims []deliver.Claim
	for _, e := range endpoints {
		claims = append(claims, p.claim(a, e, 1)...)
	}
	p.equal(len(claims), 300, "claims")
	busy := deliver.Slots{}
	for _, c := range claims {
		busy.Add(deliver.Slot(c.EndpointID))
	}
	p.own("b")
	old := a
	a = p.own("a")
	p.equal(a.Len(), deliver.SlotCount/2, "slots")
	b := p.own("b")
	p.equal(overlap(b, busy), 0, "slots taken while a claim is leased")
	for _, c := range claims {
		p.equal(len(p.claim(b, c.EndpointID, 1)), 0, "claims")
		if !a.Has(deliver.Slot(c.EndpointID)) {
			p.equal(len(p.claim(old, c.EndpointID, 1)), 0, "new claims from what was given up")
		}
		p.end(c, deliver.Succeeded) // what was claimed can be settled
	}
	b = p.own("b")
	p.equal(b.Len(), deliver.SlotCount/2, "slots")

	// Both vanish; one of them extended a claim just before.
	list, _ := p.ready(b)
	p.check(len(list) > 0, "nothing is ready in half of the slots")
	c := p.claim(b, list[0].EndpointID, 1)[0]
	p.wait(58)
	_, err := p.store.Extend(p.ctx, []deliver.Fence{c.Fence}, p.lease)
	p.ok(err)
	p.due(2)
	third := p.own("c")
	p.equal(third.Len(), deliver.SlotCount-1, "slots")
	p.check(!third.Has(deliver.Slot(c.EndpointID)), "a slot is taken while a claim is leased")
	p.wait(50)
	p.own("c")
	p.due(10)
	p.equal(p.own("c").Len(), deliver.SlotCount, "slots")
}

func (p *probe) manyPaused() {
	endpoints := names("e%06d", p.scale)
	p.deliver(to(endpoints...), message("m1"))
	slots := p.own("a")
	var want []string
	for i, id := range endpoints {
		if i%10 == 0 {
			want = append(want, id)
			continue
		}
		claims := p.claim(slots, id, 1)
		p.equal(len(claims), 1, "claims")
		p.retry(claims[0], 0, deliver.Effect{Pause: p.after(9000), Cause: deliver.CauseRetryAfter})
		if i%100 == 1 {
			slots = p.own("a")
		}
	}
	list, _ := p.ready(p.own("a"))
	got := make([]string, len(list))
	for i, b := range list {
		got[i] = b.EndpointID
	}
	p.equal(got, want, "ready endpoints")
}

func (p *probe) longLane() {
	p.deliver(ordered("e1"), keyed("k", names("m%06d", p.scale)...)...)
	p.deliver(ordered("e1"), keyed("l", "other")...)
	first, _ := p.count("e1")
	p.equal(first, 2, "first attempts")
	for i := range 20 {
		slots := p.own("a")
		for _, c := range p.claim(slots, "e1", 3) {
			if c.Message.Key == "k" {
				p.equal(c.Message.ID, names("m%06d", i+1)[i], "the next of the lane")
			}
			p.end(c, deliver.Succeeded)
		}
	}
	first, _ = p.count("e1")
	p.equal(first, 1, "first attempts")
}
