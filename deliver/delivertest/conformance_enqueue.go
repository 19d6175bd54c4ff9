package delivertest

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	"example.com/paperround/deliver"
)

func (p *probe) enqueueIsIdempotent() {
	p.enqueue("m1", "m1")
	other := message("m1")
	other.Body = []byte("[]")
	p.is(p.store.Enqueue(p.ctx, other), deliver.ErrConflict)
	other = message("m1")
	other.Topic = "acme:invoice.due"
	p.is(p.store.Enqueue(p.ctx, other), deliver.ErrConflict)
	other = message("m1")
	other.ContentType = "text/plain"
	p.is(p.store.Enqueue(p.ctx, other), deliver.ErrConflict)
	other.Tenant = "another"
	p.ok(p.store.Enqueue(p.ctx, other))
	again := message("m1")
	again.Key, again.Delay, again.Trace = "k", p.after(1), deliver.Trace{State: "x=1"}
	p.ok(p.store.Enqueue(p.ctx, again))
	p.equal(len(p.pending(10)), 2, "pending messages")

	// The store keeps no reference to what it was given.
	m := message("m2")
	m.Key = "k"
	m.Trace = deliver.Trace{Parent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", State: "a=1"}
	p.ok(p.store.Enqueue(p.ctx, m))
	want := *m
	want.Body = []byte("{}")
	m.Body[0] = 'x'
	m.Topic = "changed:topic"
	list := p.pending(10)
	p.equal(len(list), 1, "pending messages")
	p.equal(*list[0].Message, want, "message")

	// A finished message is remembered.
	p.carryOut(deliver.Plan{Fence: list[0].Fence})
	p.enqueue("m2")
	other = message("m2")
	other.Body = []byte("[]")
	p.is(p.store.Enqueue(p.ctx, other), deliver.ErrConflict)
	p.equal(len(p.pending(10)), 0, "pending messages")
}

func (p *probe) enqueueConcurrently() {
	var wg sync.WaitGroup
	var failed atomic.Int64
	for range 32 {
		wg.Go(func() {
			if p.store.Enqueue(p.ctx, message("m1")) != nil {
				failed.Add(1)
			}
		})
	}
	wg.Wait()
	p.equal(failed.Load(), int64(0), "failed calls")
	p.equal(len(p.pending(10)), 1, "pending messages")
}

func (p *probe) enqueueBatch() {
	p.ok(p.store.Enqueue(p.ctx))
	p.ok(p.store.Enqueue(p.ctx, message("m1"), message("m2"), message("m1")))
	p.equal(idsOf(p.pending(10)), []string{"m1", "m2"}, "pending messages")
	other := message("m2")
	other.Body = []byte("[]")
	p.is(p.store.Enqueue(p.ctx, message("m3"), other), deliver.ErrConflict)
	other.ID = "m4"
	p.is(p.store.Enqueue(p.ctx, message("m4"), other), deliver.ErrConflict)
	p.equal(len(p.pending(10)), 0, "pending messages after a conflict")
}

func (p *probe) fullStore() {
	if p.h.Unbounded {
		return
	}
	store, err := p.h.Open(10)
	p.ok(err)
	p.store = store
	p.enqueue(names("m%d", 9)...)
	p.is(p.store.Enqueue(p.ctx, message("a"), message("b")), deliver.ErrFull)
	p.enqueue("a")
	p.is(p.store.Enqueue(p.ctx, message("one more")), deliver.ErrFull)
	p.enqueue("m7")
	p.carryOut(deliver.Plan{Fence: p.pending(1)[0].Fence})
	p.enqueue("fits")
}

func (p *probe) largestMessage() {
	m := &deliver.Message{
		ID:          strings.Repeat("i", 128),
		Tenant:      strings.Repeat("é", 128),
		Key:         strings.Repeat("ключ", 32),
		Topic:       topicName,
		ContentType: "text/plain; charset=utf-8",
		Body:        bytes.Repeat([]byte{0, 0xff, '\'', '\\'}, 1<<18),
		Trace: deliver.Trace{
			Parent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", State: strings.Repeat("s", 512),
		},
	}
	endpoint := strings.Repeat("e", 128)
	p.deliver(ordered(endpoint), m)
	c := p.claimOne(endpoint)
	p.equal(c.EndpointID, endpoint, "endpoint")
	p.check(bytes.Equal(c.Message.Body, m.Body), "another body")
	c.Message = &deliver.Message{
		ID: c.Message.ID, Tenant: c.Message.Tenant, Key: c.Message.Key, Topic: c.Message.Topic,
		ContentType: c.Message.ContentType, Trace: c.Message.Trace,
	}
	m.Body = nil
	p.equal(*c.Message, *m, "message")

	// Names that differ only where a careless key would not.
	p.ok(p.store.Enqueue(p.ctx,
		&deliver.Message{ID: "b", Tenant: "a/a", Topic: topicName, ContentType: "a/b", Body: []byte("1")},
		&deliver.Message{ID: "b", Tenant: "a", Topic: topicName, ContentType: "a/b", Body: []byte("2")},
		&deliver.Message{ID: "B", Tenant: "a", Topic: topicName, ContentType: "a/b", Body: []byte("3")},
	))
	p.equal(len(p.pending(10)), 3, "pending messages")
}

func (p *probe) delays() {
	late := message("late")
	late.Delay = p.after(10)
	p.ok(p.store.Enqueue(p.ctx, late, message("soon")))
	list, next, err := p.store.Pending(p.ctx, 10, p.lease)
	p.ok(err)
	p.equal(idsOf(list), []string{"soon"}, "pending messages")
	p.foreseen(next, 10)
	p.carryOut(deliver.Plan{Fence: list[0].Fence})
	p.wait(9)
	p.equal(len(p.pending(10)), 0, "pending messages before the delay is over")
	p.due(1)
	list = p.pending(10)
	p.equal(idsOf(list), []string{"late"}, "pending messages")
	p.wait(2)
	p.carryOut(deliver.Plan{Fence: list[0].Fence, Targets: to("e1")})
	p.wait(7)
	p.soon(p.claimOne("e1").History.Age, p.after(9)+p.h.Slack, "age, which begins when the delay is over")

	// Nobody waits behind a delayed message of the same key.
	late = keyed("k", "late2")[0]
	late.Delay = p.after(10)
	p.ok(p.store.Enqueue(p.ctx, late))
	p.ok(p.store.Enqueue(p.ctx, keyed("k", "soon2")...))
	p.equal(idsOf(p.pending(10)), []string{"soon2"}, "pending messages")
	p.due(10)
	p.equal(len(p.pending(10)), 0, "pending messages, while one goes before it")
	p.due(50)
	p.equal(idsOf(p.pending(10)), []string{"soon2", "late2"}, "pending messages")

	// What is due first comes first, whenever it was accepted.
	for i, delay := range []int{20, 10, 10, 0} {
		m := message(fmt.Sprintf("d%d", i))
		m.Delay = p.after(delay)
		p.ok(p.store.Enqueue(p.ctx, m))
		p.wait(1)
	}
	p.due(20)
	p.equal(idsOf(p.pending(10)), []string{"d3", "d1", "d2", "d0"}, "pending messages, in the order in which they became due")
}

func (p *probe) pendingIsLeased() {
	p.enqueue("m1", "m2", "m3")
	first := p.pending(2)
	p.equal(idsOf(first), []string{"m1", "m2"}, "oldest first")
	p.equal(len(p.pending(2)), 1, "pending messages")
	p.equal(len(p.pending(2)), 0, "pending messages")
	p.due(60)
	again := p.pending(10)
	p.equal(len(again), 3, "messages whose lease ran out")
	for _, g := range again {
		for _, f := range first {
			p.check(f.Fence != g.Fence, "a fence is handed out twice")
		}
	}
	p.equal(p.fanOut(deliver.Plan{Fence: first[0].Fence, Targets: to("e1")}), []deliver.Fence{first[0].Fence}, "stale fences")
	list, _ := p.ready(p.own("a"))
	p.equal(len(list), 0, "ready endpoints")
}

func (p *probe) tenantsTakeTurns() {
	for _, id := range names("m%03d", 300) {
		m := message(id)
		m.Tenant = "many"
		p.ok(p.store.Enqueue(p.ctx, m))
	}
	few := message("few")
	few.Tenant = "few"
	p.ok(p.store.Enqueue(p.ctx, few, message("none")))
	var seen []string
	for range 4 {
		seen = append(seen, idsOf(p.pending(20))...)
	}
	p.equal(len(seen), 80, "pending messages")
	found := map[string]bool{}
	for _, id := range seen {
		found[id] = true
	}
	p.check(found["few"] && found["none"], "tenants wait for the backlog of another one")
	p.check(found["m000"] && found["m060"], "the backlog does not come oldest first")
}

func (p *probe) keysKeepOrder() {
	p.ok(p.store.Enqueue(p.ctx, keyed("k", "k1", "k2", "k3")...))
	p.ok(p.store.Enqueue(p.ctx, keyed("l", "l1")...))
	p.enqueue("free")
	first := p.pending(1)
	p.equal(idsOf(first), []string{"k1"}, "oldest first")
	rest := idsOf(p.pending(10))
	p.equal(len(rest), 2, "pending messages of other keys")
	p.carryOut(deliver.Plan{Fence: first[0].Fence, Targets: ordered("e1")})
	batch := p.pending(10)
	p.equal(idsOf(batch), []string{"k2", "k3"}, "pending messages in their order, in one call")
	p.equal(p.fanOut(deliver.Plan{Fence: batch[1].Fence, Targets: ordered("e1")}), []deliver.Fence{batch[1].Fence}, "fan-out out of order")
	p.carryOut(
		deliver.Plan{Fence: batch[0].Fence, Targets: ordered("e1")},
		deliver.Plan{Fence: batch[1].Fence, Targets: ordered("e1")},
	)
	for _, id := range []string{"k1", "k2", "k3"} {
		c := p.claimOne("e1")
		p.equal(c.Message.ID, id, "order in the lane")
		p.end(c, deliver.Succeeded)
	}
	other := keyed("k", "o1")[0]
	other.Tenant = "other"
	p.ok(p.store.Enqueue(p.ctx, keyed("k", "k4")...))
	p.equal(len(p.pending(1)), 1, "pending messages")
	p.ok(p.store.Enqueue(p.ctx, other))
	p.equal(idsOf(p.pending(10)), []string{"o1"}, "another tenant's key is another key")
}

func (p *probe) keysPutOff() {
	p.ok(p.store.Enqueue(p.ctx, keyed("k", "k1", "k2")...))
	batch := p.pending(10)
	p.carryOut(deliver.Plan{Fence: batch[0].Fence, Again: p.after(10)}, deliver.Plan{Fence: batch[1].Fence, Again: p.after(5)})
	p.due(5)
	p.equal(len(p.pending(10)), 0, "pending messages while the first is put off")
	p.due(5)
	batch = p.pending(10)
	p.equal(idsOf(batch), []string{"k1", "k2"}, "pending messages")
	p.carryOut(deliver.Plan{Fence: batch[0].Fence, Targets: to("e1")}, deliver.Plan{Fence: batch[1].Fence, Again: p.after(5)})
	p.equal(len(p.pending(10)), 0, "pending messages")
	p.due(5)
	batch = p.pending(10)
	p.equal(idsOf(batch), []string{"k2"}, "pending messages")
	p.carryOut(deliver.Plan{Fence: batch[0].Fence})

	// One that is put off for longer does not come along with the one before it.
	p.ok(p.store.Enqueue(p.ctx, keyed("l", "l1", "l2", "l3")...))
	batch = p.pending(10)
	p.carryOut(
		deliver.Plan{Fence: batch[0].Fence, Again: p.after(5)},
		deliver.Plan{Fence: batch[1].Fence, Again: p.after(10)},
		deliver.Plan{Fence: batch[2].Fence, Again: p.after(5)},
	)
	p.due(5)
	batch = p.pending(10)
	p.equal(idsOf(batch), []string{"l1"}, "pending messages")
	p.carryOut(deliver.Plan{Fence: batch[0].Fence})
	p.equal(len(p.pending(10)), 0, "pending messages")
	p.due(5)
	p.equal(idsOf(p.pending(10)), []string{"l2", "l3"}, "pending messages")
}

func (p *probe) keysExpire() {
	p.ok(p.store.Enqueue(p.ctx, keyed("k", "k1", "k2", "k3")...))
	old := p.pending(2)
	p.equal(idsOf(old), []string{"k1", "k2"}, "pending messages")
	p.due(60)
	batch := p.pending(10)
	p.equal(idsOf(batch), []string{"k1", "k2", "k3"}, "pending messages")
	p.equal(len(p.fanOut(deliver.Plan{Fence: old[0].Fence}, deliver.Plan{Fence: old[1].Fence})), 2, "stale fences")
	for _, m := range batch {
		p.carryOut(deliver.Plan{Fence: m.Fence, Targets: to("e1")})
	}
	first, _ := p.count("e1")
	p.equal(first, 3, "deliveries")
}

func (p *probe) fanOutOnce() {
	p.enqueue("m1")
	m := p.pending(1)[0]
	plan := deliver.Plan{Fence: m.Fence, Targets: to("e1", "e2")}
	p.carryOut(plan)
	p.carryOut(plan) // the answer may have been lost
	p.due(120)
	p.equal(len(p.pending(1)), 0, "pending messages")
	list, _ := p.ready(p.own("a"))
	p.equal(list, []deliver.Backlog{{EndpointID: "e1", First: 1}, {EndpointID: "e2", First: 1}}, "ready endpoints")
	unknown := deliver.Fence{ID: "nobody", Token: 1}
	p.equal(p.fanOut(deliver.Plan{Fence: unknown, Targets: to("e1")}), []deliver.Fence{unknown}, "unknown fences")
}

// An expired claim is lost also while nobody else has taken the message.
func (p *probe) expiredFanOut() {
	p.enqueue("m1")
	late := p.pending(1)[0].Fence
	p.due(60)
	p.equal(p.fanOut(deliver.Plan{Fence: late, Targets: to("e1")}), []deliver.Fence{late}, "stale fences")
	p.equal(len(p.pending(1)), 1, "pending messages")
}

func (p *probe) fanOutAgain() {
	p.enqueue("m1")
	m := p.pending(1)[0]
	p.equal(m.Tries, 0, "tries")
	plan := deliver.Plan{Fence: m.Fence, Targets: to("e1"), Again: p.after(10)}
	p.carryOut(plan)
	p.wait(9)
	p.equal(len(p.pending(1)), 0, "pending messages")
	p.carryOut(plan) // the answer may have been lost
	p.due(1)
	list := p.pending(1)
	p.equal(len(list), 1, "and nothing was put off; pending messages")
	p.equal(list[0].Tries, 1, "tries")
	p.equal(p.fanOut(plan), []deliver.Fence{m.Fence}, "stale fences")
	ready, _ := p.ready(p.own("a"))
	p.equal(len(ready), 0, "ready endpoints")
	p.carryOut(deliver.Plan{Fence: list[0].Fence, Targets: to("e1")})
	ready, _ = p.ready(p.own("a"))
	p.equal(len(ready), 1, "ready endpoints")
}

func (p *probe) fanOutToNobody() {
	p.enqueue("m1")
	p.carryOut(deliver.Plan{Fence: p.pending(1)[0].Fence})
	p.due(120)
	p.equal(len(p.pending(1)), 0, "pending messages")
	list, next := p.ready(p.own("a"))
	p.equal(len(list), 0, "ready endpoints")
	p.check(next <= p.lease, "something is scheduled")
}

func (p *probe) endedContext() {
	p.deliver(to("e1"), message("m1"))
	slots := p.own("a")
	ctx, cancel := context.WithCancel(p.ctx)
	cancel()
	_, err := p.store.Own(ctx, "a", p.lease)
	p.is(err, context.Canceled)
	p.is(p.store.Enqueue(ctx, message("m2")), context.Canceled)
	_, _, err = p.store.Pending(ctx, 1, p.lease)
	p.is(err, context.Canceled)
	_, err = p.store.FanOut(ctx, []deliver.Plan{{}})
	p.is(err, context.Canceled)
	_, _, err = p.store.Ready(ctx, slots, "", 1)
	p.is(err, context.Canceled)
	_, err = p.store.Claim(ctx, slots, []deliver.Want{{EndpointID: "e1", First: 1}}, p.lease)
	p.is(err, context.Canceled)
	_, err = p.store.Extend(ctx, []deliver.Fence{{}}, p.lease)
	p.is(err, context.Canceled)
	_, err = p.store.Settle(ctx, []deliver.Settlement{{}})
	p.is(err, context.Canceled)
	p.equal(len(p.claim(slots, "e1", 1)), 1, "claims")
	p.equal(len(p.pending(1)), 0, "pending messages")
}
