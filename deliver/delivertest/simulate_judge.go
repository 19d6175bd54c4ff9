package delivertest

import (
	"math"
	"net/http"
	"slices"
	"time"

	"example.com/paperround/deliver"
)

// begin judges an exchange at its begin.
func (m *model) begin(c *simClaim) {
	now := m.catchUp()
	d, p, e := c.d, c.p, c.d.endpoint
	live := c.good
	switch {
	case !c.handed:
		m.w.fail("%s went out under a claim that the process was not told of", d)
	case !c.begun.IsZero():
		m.w.fail("%s went out twice under one claim", d)
	case c.told:
		m.w.fail("%s went out after its attempt was recorded", d)
	case now.Before(d.message.due) || now.Before(m.w.notBefore(d.message.ID)):
		m.w.fail("%s went out before its time", d)
	case live && d.ordered && d.blocked():
		m.w.fail("%s went out while another goes before it in its lane", d)
	}
	if !live && !p.troubled(c.asked) && d.state != deliver.Canceled && d.history.Replays == c.history.Replays {
		m.w.fail("%s went out without a lease", d)
	}
	for _, other := range d.answers {
		if other.good {
			m.w.fail("%s is in two exchanges at a time, and no lease was lost", d)
		}
	}
	if d.ordered && d.history.Replays == 0 {
		for _, x := range e.deliveries {
			if x == d {
				break
			}
			if x.message.Key == d.message.Key && x.message.Tenant == d.message.Tenant && x.ordered && x.history.Replays == 0 && !x.state.Final() {
				m.w.fail("%s went out before %s", d, x)
			}
		}
	}
	p.busy++
	p.busyAt[e.ID]++
	if p.busy > p.concurrency {
		m.w.fail("%d exchanges of one process at a time instead of %d", p.busy, p.concurrency)
	}
	if most := or(or(e.Concurrency, p.endpointConcurrency), 8); p.busyAt[e.ID] > most {
		m.w.fail("%d exchanges with endpoint %s at a time instead of %d", p.busyAt[e.ID], e.ID, most)
	}
	m.shares(c)
	if e.Rate > 0 {
		m.rate(c)
	}
	c.begun = now
	d.answers = append(d.answers, c)
	m.w.note(p, "goes out", d, c.number)
}

func or[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}

// shares judges that the tenants, and first attempts, have their room.
func (m *model) shares(c *simClaim) {
	p, tenant := c.p, c.d.message.Tenant
	p.busyFor[tenant]++
	share := or(p.tenantShare, 0.75)
	if most := int(math.Ceil(share * float64(p.concurrency))); p.busyFor[tenant] > most {
		m.w.fail("%d exchanges for tenant %q at a time instead of %d", p.busyFor[tenant], tenant, most)
	}
	if c.history.Fresh() {
		return
	}
	p.retries++
	reserved := 0
	if share := or(p.firstReserve, 0.25); share > 0 {
		reserved = max(int(share*float64(p.concurrency)), 1)
	}
	if most := max(p.concurrency-reserved, 1); p.retries > most {
		m.w.fail("%d exchanges at a time are retries, instead of %d", p.retries, most)
	}
}

// rate judges when the process let its exchanges with an endpoint out, which is when
// it asked for the claims: what the store and the directory take is not its doing.
func (m *model) rate(c *simClaim) {
	const looked = 32
	e := c.d.endpoint
	log := append(c.p.rates[e.ID], c.asked)
	slices.SortFunc(log, time.Time.Compare)
	log = log[max(len(log)-looked, 0):]
	c.p.rates[e.ID] = log
	burst := max(e.Rate/10, 1)
	for i := range log {
		for j := i + 1; j < len(log); j++ {
			if n := float64(j - i + 1); n > burst+e.Rate*log[j].Sub(log[i]).Seconds()+1e-6 {
				m.w.fail("%v exchanges with endpoint %s within %s, at a rate of %v", n, e.ID, log[j].Sub(log[i]), e.Rate)
				return
			}
		}
	}
}

// over notes how an exchange ended.
func (m *model) over(c *simClaim, status int) {
	m.catchUp()
	c.ended, c.status = time.Now(), status
	if c.begun.Before(c.toldLost) && c.ended.Sub(c.toldLost) > breakOff {
		m.w.fail("the exchange of %s went on for %s after its process knew that the lease is lost", c.d, c.ended.Sub(c.toldLost))
	}
	c.d.answers = slices.DeleteFunc(c.d.answers, func(x *simClaim) bool { return x == c })
	c.p.busy--
	c.p.busyAt[c.d.endpoint.ID]--
	c.p.busyFor[c.d.message.Tenant]--
	if !c.history.Fresh() {
		c.p.retries--
	}
	m.w.note(c.p, "answered", c.d, status)
}

// breakOff is how long an exchange may go on when its lease is known to be lost.
const breakOff = 10 * time.Millisecond

// breaksOff notes that a dispatcher knows which leases it lost.
func (m *model) breaksOff(lost []deliver.Fence) {
	for _, f := range lost {
		if c := m.claims[f]; c != nil && c.toldLost.IsZero() {
			c.toldLost = time.Now()
		}
	}
}

// asked judges what a dispatcher wants to record, before the store has a say.
func (m *model) asked(p *process, settlements []deliver.Settlement) {
	now := m.catchUp()
	for i := range settlements {
		s := &settlements[i]
		c := m.claims[s.Fence]
		switch {
		case c == nil || c.p != p || !c.handed:
			m.w.fail("a settlement came for a claim that the process does not have")
			continue
		case c.acked:
			m.w.fail("the attempt of %s was recorded twice", c.d)
		case !c.begun.IsZero() && c.ended.IsZero():
			m.w.fail("the attempt of %s was recorded before the exchange ended", c.d)
		default:
			m.w.judgeSettlement(c, s)
		}
		if e := s.Endpoint; e.Pause > 0 || e.Disable {
			key := holdKey{c.d.endpoint.ID, s.Fence}
			if _, known := p.holds[key]; !known && c.good {
				until := c.ended.Add(e.Pause)
				if e.Disable {
					until = now.Add(24 * time.Hour)
				}
				p.holds[key] = hold{since: now, until: until}
			}
		}
	}
}

// answered notes that a dispatcher knows that its settlements are recorded or lost.
func (m *model) answered(p *process, settlements []deliver.Settlement, lost []deliver.Fence) {
	for i := range settlements {
		c := m.claims[settlements[i].Fence]
		if c == nil {
			continue
		}
		c.told = true
		c.acked = !slices.Contains(lost, c.fence)
		delete(p.holds, holdKey{c.d.endpoint.ID, c.fence})
	}
}

// judgeSettlement compares what is to be recorded of an attempt with what happened.
func (w *world) judgeSettlement(c *simClaim, s *deliver.Settlement) {
	d, e := c.d, c.d.endpoint
	spent := s.History.Attempts - c.history.Attempts
	wrong := func(what string) { w.fail("%s: %s; recorded is %+v", d, what, *s) }
	succeeded := c.status == http.StatusOK || c.status/100 == 2 && !e.ExactOK
	switch {
	case s.State == deliver.Canceled || s.State == deliver.Claimed:
		wrong("a dispatcher records no such state")
		return
	case s.State == deliver.Abandoned:
		if !c.begun.IsZero() || e.present && e.absent.Before(c.asked) {
			wrong("it was given up although the endpoint is there")
		}
		return
	case succeeded != (s.State == deliver.Succeeded):
		wrong("the endpoint's answer says otherwise")
		return
	case succeeded && spent != 1, c.status != 0 && spent != 1, spent < 0 || spent > 1:
		wrong("the attempt is not counted")
		return
	case s.Record.Status != c.status || s.Record.Attempt != c.history.Attempts+1 || s.Record.Replay != c.history.Replays:
		wrong("the record is not that of the attempt")
		return
	case s.History.Replays != c.history.Replays:
		wrong("the replays are not counted")
		return
	case s.Record.Reason == deliver.ReasonCanceled && !c.p.stopping && time.Since(c.renewed) < w.lease:
		wrong("nobody canceled it")
		return
	case c.begun.IsZero() && spent == 1 && s.Record.Reason != deliver.ReasonUnknown:
		wrong("an attempt was counted that was not made")
		return
	case s.Record.Reason == deliver.ReasonUnknown && c.history.Unknown < 2:
		wrong("it was given up after a single attempt of unknown outcome")
		return
	}
	if c.header {
		if pause := or(e.Policy.GonePause, 120*time.Hour); pause > 0 && !s.Endpoint.Disable && s.Endpoint.Pause < pause {
			wrong("the endpoint asked to be left alone, but is not paused")
		}
	}
	if s.State == deliver.Succeeded || s.Record.Reason == deliver.ReasonUnknown {
		return
	}
	w.judgeRetry(c, s, spent, wrong)
}

// judgeRetry holds a failure against the schedule of the endpoint's policy.
func (w *world) judgeRetry(c *simClaim, s *deliver.Settlement, spent int, wrong func(string)) {
	p := c.d.endpoint.Policy
	waits := p.Schedule
	if waits == nil {
		waits = defaultWaits()
	}
	rejected := c.status/100 == 3 || c.status/100 == 4 && c.status != 408 && c.status != 425 && c.status != 429
	if rejected != (s.History.Rejected == c.history.Rejected+1) && spent == 1 {
		wrong("what a person has to mend is not counted as such")
	}
	few := or(p.RejectedAttempts, 4)
	exhausted := spent == 1 && (s.History.Attempts > len(waits) || rejected && few > 0 && s.History.Rejected >= few)
	retryAfter := min(c.retryAfter, or(p.MaxRetryAfter, 24*time.Hour))
	if retryAfter > 0 && !s.Endpoint.Disable && s.Endpoint.Pause < retryAfter {
		wrong("the endpoint asked for a pause and gets none")
	}
	if s.State == deliver.Exhausted {
		longest := max(time.Minute, retryAfter)
		for _, x := range waits {
			longest = max(longest, x)
		}
		if age := time.Since(c.d.since); !exhausted && (p.MaxAge <= 0 || age+2*longest < p.MaxAge) {
			wrong("it was given up although attempts are left")
		}
		return
	}
	if exhausted {
		wrong("no attempt is left")
		return
	}
	if spent == 0 {
		if s.After <= 0 && s.Record.Reason != deliver.ReasonCanceled {
			wrong("a fault of the sending side is tried again without a pause")
		}
		return
	}
	jitter := max(or(p.Jitter, 0.1), 0)
	wait := float64(waits[s.History.Attempts-1])
	least := max(time.Duration(wait*(1-jitter))-time.Millisecond, retryAfter)
	most := max(time.Duration(wait*(1+jitter))+time.Millisecond, retryAfter)
	if s.After < least || s.After > most {
		wrong("the wait is not that of the schedule")
	}
}

func defaultWaits() []time.Duration {
	return []time.Duration{
		5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour,
		10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
	}
}

// hooked judges what a hook was told of a settlement.
func (m *model) hooked(i deliver.SettledInfo) {
	c := m.claims[i.Settlement.Fence]
	lost := is(i.Err, deliver.ErrLeaseLost)
	switch {
	case c == nil:
		m.w.fail("a hook was told of an outcome that was not claimed")
		return
	case c.hooked:
		m.w.fail("a hook was told twice what became of %s", c.d)
	case !lost && !c.acked:
		m.w.fail("a hook was told that the outcome of %s was recorded, and it was not", c.d)
	case lost && c.good:
		m.w.fail("a hook was told that the lease of %s was lost, and it lasts", c.d)
	}
	c.hooked = true
}

// returned judges what a process left behind.
func (m *model) returned(p *process, err error) {
	now := m.catchUp()
	left := 0
	for _, c := range m.claims {
		if c.p != p || !c.handed {
			continue
		}
		if !c.ended.IsZero() != !c.begun.IsZero() {
			m.w.fail("Run returned during the exchange of %s", c.d)
		}
		if c.good && c.until.After(now) {
			left++
			if err == nil {
				m.w.fail("Run returned without an error, but the claim on %s is not settled", c.d)
			}
		}
		if c.told && !c.hooked {
			m.w.fail("no hook was told what became of %s", c.d)
		}
	}
	if err != nil && !p.troubled(p.stopped) {
		m.w.fail("Run returned an error although nothing kept it from draining: %w", err)
	}
	for i, owner := range m.holders {
		if owner == p.owner && err == nil && m.owners[owner].After(now) && !p.troubled(p.stopped) {
			m.w.fail("Run returned, but its process still owns slot %d", i)
			return
		}
	}
}
