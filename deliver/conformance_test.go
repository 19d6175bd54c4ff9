package deliver

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// storeCases is what every Store has to do. Time is the store's own: wait lets
// it pass. open makes an empty store whose bound on open messages is limit.
type storeCases struct {
	open func(t *testing.T, limit int) Store
	wait func(d time.Duration)
	run  func(t *testing.T, f func(t *testing.T)) // runs a case where time behaves
}

func TestMemoryConforms(t *testing.T) {
	t.Parallel()
	storeCases{
		open: func(_ *testing.T, limit int) Store { return NewMemory(&MemoryOptions{MaxOpen: limit}) },
		wait: time.Sleep,
		run:  synctest.Test,
	}.all(t)
}

// storeProbe wraps a store with shorthands that fail the test.
type storeProbe struct {
	t     *testing.T
	store Store
	wait  func(d time.Duration)
}

const testLease = time.Minute

func (c storeCases) all(t *testing.T) {
	t.Helper()
	for name, f := range map[string]func(*storeProbe){
		"enqueue is idempotent":                  (*storeProbe).enqueueIsIdempotent,
		"enqueue concurrently":                   (*storeProbe).enqueueConcurrently,
		"a full store says so":                   (*storeProbe).fullStore,
		"pending messages are leased":            (*storeProbe).pendingIsLeased,
		"fan-out is exactly once":                (*storeProbe).fanOutOnce,
		"fan-out of an expired claim is lost":    (*storeProbe).expiredFanOut,
		"fan-out can be put off":                 (*storeProbe).fanOutAgain,
		"fan-out to nobody finishes":             (*storeProbe).fanOutToNobody,
		"claims have one winner":                 (*storeProbe).oneWinner,
		"claims take what is wanted":             (*storeProbe).claimsWants,
		"due times are kept":                     (*storeProbe).dueTimes,
		"history is kept":                        (*storeProbe).historyIsKept,
		"leases run out":                         (*storeProbe).leaseRunsOut,
		"leases are extended":                    (*storeProbe).leaseIsExtended,
		"stale fences change nothing":            (*storeProbe).staleFences,
		"settling again is no loss":              (*storeProbe).settleAgain,
		"pauses hold the endpoint":               (*storeProbe).pauses,
		"ready walks with a cursor":              (*storeProbe).readyWalks,
		"slots are shared fairly":                (*storeProbe).slotsAreShared,
		"slots change hands when the lease ends": (*storeProbe).slotsAreTakenOver,
		"slots with claims stay":                 (*storeProbe).busySlotsStay,
		"an ended context ends calls":            (*storeProbe).endedContext,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.run(t, func(t *testing.T) {
				t.Helper()
				f(&storeProbe{t: t, store: c.open(t, 1000), wait: c.wait})
			})
		})
	}
}

func (p *storeProbe) ctx() context.Context { return p.t.Context() }

func message(id string) *Message {
	return &Message{ID: id, Topic: paid, ContentType: "application/json", Body: []byte("{}")}
}

func (p *storeProbe) enqueue(ids ...string) {
	p.t.Helper()
	for _, id := range ids {
		require.NoError(p.t, p.store.Enqueue(p.ctx(), message(id)))
	}
}

func (p *storeProbe) pending(limit int) []Pending {
	p.t.Helper()
	list, err := p.store.Pending(p.ctx(), limit, testLease)
	require.NoError(p.t, err)
	return list
}

func (p *storeProbe) fanOut(plans ...Plan) []Fence {
	p.t.Helper()
	lost, err := p.store.FanOut(p.ctx(), plans)
	require.NoError(p.t, err)
	return lost
}

// deliver enqueues messages and fans each out to the endpoints.
func (p *storeProbe) deliver(ids, endpoints []string) {
	p.t.Helper()
	p.enqueue(ids...)
	for _, m := range p.pending(len(ids)) {
		require.Empty(p.t, p.fanOut(Plan{Fence: m.Fence, EndpointIDs: endpoints}))
	}
}

// own renews all slots for one owner.
func (p *storeProbe) own(owner string) Slots {
	p.t.Helper()
	slots, err := p.store.Own(p.ctx(), owner, testLease)
	require.NoError(p.t, err)
	require.Equal(p.t, owner, slots.Owner)
	return slots
}

func (p *storeProbe) ready(slots Slots) ([]Backlog, time.Duration) {
	p.t.Helper()
	list, next, err := p.store.Ready(p.ctx(), slots, "", 1000)
	require.NoError(p.t, err)
	return list, next
}

func (p *storeProbe) claim(slots Slots, endpoint string, n int) []Claim {
	p.t.Helper()
	list, err := p.store.Claim(p.ctx(), slots, []Want{{endpoint, n}}, testLease)
	require.NoError(p.t, err)
	return list
}

func (p *storeProbe) claimOne(endpoint string) Claim {
	p.t.Helper()
	list := p.claim(p.own("a"), endpoint, 1)
	require.Len(p.t, list, 1)
	return list[0]
}

func (p *storeProbe) settle(s ...Settlement) []Fence {
	p.t.Helper()
	lost, err := p.store.Settle(p.ctx(), s)
	require.NoError(p.t, err)
	return lost
}

func (p *storeProbe) enqueueIsIdempotent() {
	p.enqueue("m1", "m1")
	other := message("m1")
	other.Body = []byte("[]")
	require.ErrorIs(p.t, p.store.Enqueue(p.ctx(), other), ErrConflict)
	other = message("m1")
	other.Topic = "acme:invoice.due"
	require.ErrorIs(p.t, p.store.Enqueue(p.ctx(), other), ErrConflict)
	other = message("m1")
	other.ContentType = "text/plain"
	require.ErrorIs(p.t, p.store.Enqueue(p.ctx(), other), ErrConflict)
	other.Tenant = "another"
	require.NoError(p.t, p.store.Enqueue(p.ctx(), other))
	list := p.pending(10)
	require.Len(p.t, list, 2)

	// The store keeps no reference to what it was given.
	m := message("m2")
	require.NoError(p.t, p.store.Enqueue(p.ctx(), m))
	m.Body[0] = 'x'
	m.Topic = "changed:topic"
	list = p.pending(10)
	require.Equal(p.t, message("m2"), list[0].Message)

	// A finished message is remembered.
	require.Empty(p.t, p.fanOut(Plan{Fence: list[0].Fence}))
	p.enqueue("m2")
	other = message("m2")
	other.Body = []byte("[]")
	require.ErrorIs(p.t, p.store.Enqueue(p.ctx(), other), ErrConflict)
	require.Empty(p.t, p.pending(10))
}

func (p *storeProbe) enqueueConcurrently() {
	var wg sync.WaitGroup
	var failed atomic.Int64
	for range 32 {
		wg.Go(func() {
			if p.store.Enqueue(p.ctx(), message("m1")) != nil {
				failed.Add(1)
			}
		})
	}
	wg.Wait()
	require.Zero(p.t, failed.Load())
	require.Len(p.t, p.pending(10), 1)
}

func (p *storeProbe) fullStore() {
	for i := range 1000 {
		p.enqueue(fmt.Sprintf("m%d", i))
	}
	require.ErrorIs(p.t, p.store.Enqueue(p.ctx(), message("one more")), ErrFull)
	p.enqueue("m7")
	first := p.pending(1)[0]
	require.Empty(p.t, p.fanOut(Plan{Fence: first.Fence}))
	p.enqueue("fits")
}

func (p *storeProbe) pendingIsLeased() {
	p.enqueue("m1", "m2", "m3")
	first := p.pending(2)
	require.Equal(p.t, []string{"m1", "m2"}, []string{first[0].Message.ID, first[1].Message.ID}, "oldest first")
	require.Len(p.t, p.pending(2), 1)
	require.Empty(p.t, p.pending(2))
	p.wait(testLease)
	again := p.pending(10)
	require.Len(p.t, again, 3, "leases that ran out")
	for _, g := range again {
		for _, f := range first {
			require.NotEqual(p.t, f.Fence, g.Fence)
		}
	}
	require.Equal(p.t, []Fence{first[0].Fence}, p.fanOut(Plan{Fence: first[0].Fence, EndpointIDs: []string{"e1"}}), "stale")
	list, _ := p.ready(p.own("a"))
	require.Empty(p.t, list)
}

// An expired claim is lost also while nobody else has taken the message.
func (p *storeProbe) expiredFanOut() {
	p.enqueue("m1")
	late := p.pending(1)[0].Fence
	p.wait(testLease)
	require.Equal(p.t, []Fence{late}, p.fanOut(Plan{Fence: late, EndpointIDs: []string{"e1"}}))
	require.Len(p.t, p.pending(1), 1)
}

func (p *storeProbe) fanOutOnce() {
	p.enqueue("m1")
	m := p.pending(1)[0]
	plan := Plan{Fence: m.Fence, EndpointIDs: []string{"e1", "e2"}}
	require.Empty(p.t, p.fanOut(plan))
	require.Empty(p.t, p.fanOut(plan), "the answer may have been lost")
	p.wait(2 * testLease)
	require.Empty(p.t, p.pending(1))
	list, _ := p.ready(p.own("a"))
	require.Equal(p.t, []Backlog{{"e1", 1}, {"e2", 1}}, list)
	unknown := Fence{ID: "nobody", Token: 1}
	require.Equal(p.t, []Fence{unknown}, p.fanOut(Plan{Fence: unknown, EndpointIDs: []string{"e1"}}))
}

func (p *storeProbe) fanOutAgain() {
	p.enqueue("m1")
	m := p.pending(1)[0]
	require.Zero(p.t, m.Tries)
	plan := Plan{Fence: m.Fence, EndpointIDs: []string{"e1"}, Again: 10 * time.Second}
	require.Empty(p.t, p.fanOut(plan))
	p.wait(9 * time.Second)
	require.Empty(p.t, p.pending(1))
	require.Empty(p.t, p.fanOut(plan), "the answer may have been lost")
	p.wait(time.Second)
	m = p.pending(1)[0]
	require.Equal(p.t, 1, m.Tries)
	list, _ := p.ready(p.own("a"))
	require.Empty(p.t, list)
	require.Len(p.t, p.fanOut(plan), 1, "it is stale by now")
}

func (p *storeProbe) fanOutToNobody() {
	p.enqueue("m1")
	require.Empty(p.t, p.fanOut(Plan{Fence: p.pending(1)[0].Fence}))
	p.wait(2 * testLease)
	require.Empty(p.t, p.pending(1))
	p.enqueue("m1")
	require.Empty(p.t, p.pending(1))
}

func (p *storeProbe) oneWinner() {
	p.deliver(names("m%d", 100), []string{"e1"})
	slots := p.own("a")
	var wg sync.WaitGroup
	var mu sync.Mutex
	seen := map[string]int{}
	for range 8 {
		wg.Go(func() {
			for {
				claims, err := p.store.Claim(p.ctx(), slots, []Want{{"e1", 7}}, testLease)
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
	require.Len(p.t, seen, 100)
	for id, n := range seen {
		require.Equal(p.t, 1, n, id)
	}
}

func (p *storeProbe) claimsWants() {
	p.deliver([]string{"m1", "m2", "m3"}, []string{"e1", "e2"})
	slots := p.own("a")
	claims, err := p.store.Claim(p.ctx(), slots, []Want{{"e2", 2}, {"nobody", 5}, {"e1", 9}}, testLease)
	require.NoError(p.t, err)
	var got []string
	for _, c := range claims {
		got = append(got, c.EndpointID+" "+c.Message.ID)
		require.False(p.t, c.Interrupted())
		require.Zero(p.t, c.History.Attempts)
	}
	slices.Sort(got)
	require.Equal(p.t, []string{"e1 m1", "e1 m2", "e1 m3", "e2 m1", "e2 m2"}, got, "the longest due first")
	list, _ := p.ready(slots)
	require.Equal(p.t, []Backlog{{"e2", 1}}, list)
}

func (p *storeProbe) dueTimes() {
	p.deliver([]string{"m1"}, []string{"e1"})
	c := p.claimOne("e1")
	require.Empty(p.t, p.settle(Settlement{Fence: c.Fence, After: 1500 * time.Millisecond}))
	slots := p.own("a")
	list, next := p.ready(slots)
	require.Empty(p.t, list)
	require.Equal(p.t, 1500*time.Millisecond, next)
	p.wait(1499 * time.Millisecond)
	require.Empty(p.t, p.claim(slots, "e1", 1))
	p.wait(time.Millisecond)
	list, _ = p.ready(slots)
	require.Len(p.t, list, 1)
	require.Len(p.t, p.claim(slots, "e1", 1), 1)
}

func (p *storeProbe) historyIsKept() {
	p.deliver([]string{"m1"}, []string{"e1"})
	p.wait(time.Hour)
	c := p.claimOne("e1")
	require.Equal(p.t, History{Age: time.Hour}, c.History)
	h := History{Attempts: 3, Rejected: 2, OwnFaults: 1, Age: 7}
	require.Empty(p.t, p.settle(Settlement{Fence: c.Fence, History: h}))
	p.wait(time.Minute)
	h.Age = time.Hour + time.Minute
	require.Equal(p.t, h, p.claimOne("e1").History)
}

func (p *storeProbe) leaseRunsOut() {
	p.deliver([]string{"m1"}, []string{"e1"})
	first := p.claimOne("e1")
	p.wait(testLease - time.Millisecond)
	slots := p.own("a")
	require.Empty(p.t, p.claim(slots, "e1", 1))
	p.wait(time.Millisecond)
	second := p.claim(slots, "e1", 1)
	require.Len(p.t, second, 1)
	require.True(p.t, second[0].Interrupted())
	require.Equal(p.t, 1, second[0].History.Attempts, "an attempt of unknown outcome counts")
	require.Equal(p.t, first.Message.ID, second[0].Message.ID)
	require.Equal(p.t, first.Fence.ID, second[0].Fence.ID)
	require.NotEqual(p.t, first.Fence, second[0].Fence)
	require.Equal(p.t, 1, second[0].History.Unknown)
	require.Empty(p.t, p.settle(Settlement{Fence: second[0].Fence, History: History{Attempts: 1}}))
	third := p.claimOne("e1")
	require.False(p.t, third.Interrupted(), "only the last attempt counts for that")
}

func (p *storeProbe) leaseIsExtended() {
	p.deliver([]string{"m1"}, []string{"e1"})
	c := p.claimOne("e1")
	for range 5 {
		p.wait(testLease / 2)
		p.own("a")
		lost, err := p.store.Extend(p.ctx(), []Fence{c.Fence}, testLease)
		require.NoError(p.t, err)
		require.Empty(p.t, lost)
	}
	require.Empty(p.t, p.settle(Settlement{Fence: c.Fence, State: Succeeded}))
	lost, err := p.store.Extend(p.ctx(), []Fence{c.Fence}, testLease)
	require.NoError(p.t, err)
	require.Equal(p.t, []Fence{c.Fence}, lost, "there is nothing left to extend")
}

func (p *storeProbe) staleFences() {
	p.deliver([]string{"m1"}, []string{"e1"})
	first := p.claimOne("e1")
	p.wait(testLease)
	stale := func() {
		p.t.Helper()
		lost, err := p.store.Extend(p.ctx(), []Fence{first.Fence}, testLease)
		require.NoError(p.t, err)
		require.Equal(p.t, []Fence{first.Fence}, lost)
		require.Equal(p.t, []Fence{first.Fence}, p.settle(Settlement{Fence: first.Fence, State: Succeeded, Pause: time.Hour}))
	}
	stale() // the lease ran out
	second := p.claimOne("e1")
	stale() // and somebody else has it
	require.Empty(p.t, p.settle(Settlement{Fence: second.Fence, History: second.History}))
	stale() // and is through
	require.Equal(p.t, 1, p.claimOne("e1").History.Attempts, "neither settled nor paused")
	unknown := Fence{ID: "nobody", Token: 1}
	require.Equal(p.t, []Fence{unknown}, p.settle(Settlement{Fence: unknown, State: Succeeded}))
}

func (p *storeProbe) settleAgain() {
	p.deliver([]string{"m1"}, []string{"e1"})
	c := p.claimOne("e1")
	s := Settlement{Fence: c.Fence, History: History{Attempts: 1}, After: time.Minute}
	require.Empty(p.t, p.settle(s))
	p.wait(30 * time.Second)
	require.Empty(p.t, p.settle(s), "the answer may have been lost")
	slots := p.own("a")
	_, next := p.ready(slots)
	require.Equal(p.t, 30*time.Second, next, "and nothing was put off")
	p.wait(30 * time.Second)
	c = p.claimOne("e1")
	require.Equal(p.t, 1, c.History.Attempts)
	require.Equal(p.t, []Fence{s.Fence}, p.settle(s), "now it is stale")
	done := Settlement{Fence: c.Fence, State: Succeeded}
	require.Empty(p.t, p.settle(done))
	require.Empty(p.t, p.settle(done))
	_, err := p.store.Settle(p.ctx(), []Settlement{{Fence: c.Fence, State: Claimed}})
	require.Error(p.t, err)
}

func (p *storeProbe) pauses() {
	p.deliver([]string{"m1", "m2", "m3"}, []string{"e1", "e2"})
	slots := p.own("a")
	claims := p.claim(slots, "e1", 2)
	require.Empty(p.t, p.settle(Settlement{Fence: claims[0].Fence, State: Succeeded, Pause: 40 * time.Second}))
	list, next := p.ready(slots)
	require.Equal(p.t, []Backlog{{"e2", 3}}, list)
	require.LessOrEqual(p.t, next, 40*time.Second)
	require.Empty(p.t, p.claim(slots, "e1", 5))
	require.Empty(p.t, p.settle(Settlement{Fence: claims[1].Fence, Pause: 10 * time.Second}), "a shorter pause")
	p.wait(39 * time.Second)
	require.Empty(p.t, p.claim(slots, "e1", 5), "changes nothing")
	p.wait(time.Second)
	list, _ = p.ready(slots)
	require.Equal(p.t, []Backlog{{"e1", 2}, {"e2", 3}}, list)
	require.Len(p.t, p.claim(slots, "e1", 5), 2)
}

func (p *storeProbe) readyWalks() {
	endpoints := names("e%02d", 25)
	p.deliver([]string{"m1"}, endpoints)
	slots := p.own("a")
	var walked []string
	after := ""
	for {
		page, _, err := p.store.Ready(p.ctx(), slots, after, 10)
		require.NoError(p.t, err)
		for _, b := range page {
			walked = append(walked, b.EndpointID)
			require.Equal(p.t, 1, b.Count)
			after = b.EndpointID
		}
		if len(page) < 10 {
			break
		}
	}
	require.Equal(p.t, endpoints, walked)
	page, _, err := p.store.Ready(p.ctx(), slots, "e115", 2)
	require.NoError(p.t, err)
	require.Equal(p.t, []Backlog{{"e12", 1}, {"e13", 1}}, page, "the cursor need not exist")
	list, next := p.ready(Slots{Owner: "a"})
	require.Empty(p.t, list, "no slots, no endpoints")
	require.Zero(p.t, next)
}

func overlap(a, b Slots) int {
	n := 0
	for i := range SlotCount {
		if a.Has(i) && b.Has(i) {
			n++
		}
	}
	return n
}

func (p *storeProbe) slotsAreShared() {
	a := p.own("a")
	require.Equal(p.t, SlotCount, a.Len())
	b := p.own("b")
	require.Zero(p.t, b.Len(), "what is leased stays leased")
	a = p.own("a")
	require.Equal(p.t, SlotCount/2, a.Len(), "until its owner renews")
	b = p.own("b")
	require.Equal(p.t, SlotCount/2, b.Len())
	require.Zero(p.t, overlap(a, b))
	p.own("c")
	a, b = p.own("a"), p.own("b")
	c := p.own("c")
	require.Equal(p.t, SlotCount, a.Len()+b.Len()+c.Len())
	for _, s := range []Slots{a, b, c} {
		require.InDelta(p.t, SlotCount/3, s.Len(), 1)
	}
	require.Zero(p.t, overlap(a, b)+overlap(b, c)+overlap(a, c))

	// What was given up is no longer served with an old share.
	p.deliver([]string{"m1"}, names("e%d", 100))
	served := 0
	for _, s := range []Slots{a, b, c} {
		list, _ := p.ready(s)
		for _, e := range list {
			require.True(p.t, s.Has(Slot(e.EndpointID)))
		}
		served += len(list)
	}
	require.Equal(p.t, 100, served)

	gone, err := p.store.Own(p.ctx(), "b", 0)
	require.NoError(p.t, err)
	require.Zero(p.t, gone.Len())
	list, _ := p.ready(b)
	require.Empty(p.t, list)
	require.Equal(p.t, SlotCount, p.own("a").Len()+p.own("c").Len())
}

func (p *storeProbe) slotsAreTakenOver() {
	p.deliver([]string{"m1", "m2"}, []string{"e1"})
	a := p.own("a")
	old := p.claim(a, "e1", 1)[0]
	p.wait(testLease)
	require.Empty(p.t, p.claim(a, "e1", 1), "a lapsed share is empty")
	b := p.own("b")
	require.Equal(p.t, SlotCount, b.Len())
	require.Equal(p.t, []Fence{old.Fence}, p.settle(Settlement{Fence: old.Fence, State: Succeeded}))
	require.Empty(p.t, p.claim(a, "e1", 1))
	require.Len(p.t, p.claim(b, "e1", 5), 2)
	a = p.own("a")
	require.Zero(p.t, a.Len())
}

// An endpoint is never served by two: neither when its slot is given up nor
// when its owner is gone, for as long as a claim is leased.
func (p *storeProbe) busySlotsStay() {
	p.deliver([]string{"m1", "m2"}, names("e%d", 300))
	a := p.own("a")
	var claims []Claim
	for _, e := range names("e%d", 300) {
		claims = append(claims, p.claim(a, e, 1)...)
	}
	require.Len(p.t, claims, 300)
	busy := Slots{}
	for _, c := range claims {
		busy.Add(Slot(c.EndpointID))
	}
	require.Greater(p.t, busy.Len(), SlotCount/2)
	p.own("b")
	old := a
	a = p.own("a")
	require.Equal(p.t, SlotCount/2, a.Len())
	b := p.own("b")
	require.Zero(p.t, overlap(b, busy))
	for _, c := range claims {
		require.Empty(p.t, p.claim(b, c.EndpointID, 1))
		if !a.Has(Slot(c.EndpointID)) {
			require.Empty(p.t, p.claim(old, c.EndpointID, 1), "nothing new from what was given up")
		}
		require.Empty(p.t, p.settle(Settlement{Fence: c.Fence, State: Succeeded}), "but what was claimed can be settled")
	}
	b = p.own("b")
	require.Equal(p.t, SlotCount/2, b.Len())

	// Both vanish; one of them extended a claim just before.
	c := p.claim(b, claimable(p, b), 1)[0]
	p.wait(testLease - time.Second)
	_, err := p.store.Extend(p.ctx(), []Fence{c.Fence}, testLease)
	require.NoError(p.t, err)
	p.wait(2 * time.Second)
	third := p.own("c")
	require.Equal(p.t, SlotCount-1, third.Len())
	require.False(p.t, third.Has(Slot(c.EndpointID)))
	p.wait(testLease - 2*time.Second)
	p.own("c")
	p.wait(2 * time.Second)
	require.Equal(p.t, SlotCount, p.own("c").Len())
}

func claimable(p *storeProbe, slots Slots) string {
	p.t.Helper()
	list, _ := p.ready(slots)
	require.NotEmpty(p.t, list)
	return list[0].EndpointID
}

func (p *storeProbe) endedContext() {
	p.deliver([]string{"m1"}, []string{"e1"})
	slots := p.own("a")
	ctx, cancel := context.WithCancel(p.ctx())
	cancel()
	_, err := p.store.Own(ctx, "a", testLease)
	require.ErrorIs(p.t, err, context.Canceled)
	require.ErrorIs(p.t, p.store.Enqueue(ctx, message("m2")), context.Canceled)
	_, err = p.store.Pending(ctx, 1, testLease)
	require.ErrorIs(p.t, err, context.Canceled)
	_, err = p.store.FanOut(ctx, nil)
	require.ErrorIs(p.t, err, context.Canceled)
	_, _, err = p.store.Ready(ctx, slots, "", 1)
	require.ErrorIs(p.t, err, context.Canceled)
	_, err = p.store.Claim(ctx, slots, []Want{{"e1", 1}}, testLease)
	require.ErrorIs(p.t, err, context.Canceled)
	_, err = p.store.Extend(ctx, nil, testLease)
	require.ErrorIs(p.t, err, context.Canceled)
	_, err = p.store.Settle(ctx, nil)
	require.ErrorIs(p.t, err, context.Canceled)
	require.Len(p.t, p.claim(slots, "e1", 1), 1)
}
