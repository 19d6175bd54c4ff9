package delivertest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"time"

	"example.com/paperround/deliver"
)

// Harness is a store to be judged, and its clock.
type Harness struct {
	// Open makes an empty store that takes up to maxOpen open messages. It is called
	// for each case.
	Open func(maxOpen int) (deliver.Store, error)

	// Wait lets a time pass on the store's clock: time.Sleep in a synctest bubble, or
	// a step of a clock that the store was given.
	Wait func(d time.Duration)

	// Unit is what all times of the suite are multiples of: a lease is 60 of them and
	// no case takes more than 10,000. 0 means one second. A store that has only the
	// real clock may take some milliseconds, and a Slack of less.
	Unit time.Duration

	// Slack is how much later than asked a store may be; 0 is right if nothing but
	// Wait moves the clock.
	Slack time.Duration

	// Scale is how many rows the cases at scale use; 0 means 2000.
	Scale int

	// Unbounded stores never say [deliver.ErrFull].
	Unbounded bool
}

// Case is one promise of a store.
type Case struct {
	Name string
	run  func(*probe)
}

// Run judges a new store by this case alone. The error says what the store did, and
// the line of this package that asked for something else.
func (c Case) Run(ctx context.Context, h Harness) (err error) {
	p := &probe{ctx: ctx, h: h, unit: h.Unit, scale: h.Scale}
	if p.unit == 0 {
		p.unit = time.Second
	}
	if p.scale == 0 {
		p.scale = 2000
	}
	p.lease = 60 * p.unit
	if h.Open == nil || h.Wait == nil {
		return errors.New("delivertest: the harness needs Open and Wait")
	}
	if p.store, err = h.Open(max(p.scale, 1000) + 1); err != nil {
		return fmt.Errorf("delivertest: %s: opening the store: %w", c.Name, err)
	}
	defer func() {
		switch f := recover().(type) {
		case nil:
		case failure:
			err = fmt.Errorf("delivertest: %s: %w", c.Name, f.err)
		default:
			panic(f)
		}
	}()
	c.run(p)
	return nil
}

// Cases returns what [Conformance] runs. Ledger cases pass by themselves if the store
// is no [deliver.Ledger].
func Cases() iter.Seq[Case] { return slices.Values(cases()) }

// Conformance judges a store by all cases, each with a new one, and joins what it
// finds into one error; nil means that the store keeps its promises.
func Conformance(ctx context.Context, h Harness) error {
	var found []error
	for c := range Cases() {
		found = append(found, c.Run(ctx, h))
	}
	return errors.Join(found...)
}

func cases() []Case {
	return []Case{
		{"enqueue is idempotent", (*probe).enqueueIsIdempotent},
		{"enqueue concurrently", (*probe).enqueueConcurrently},
		{"enqueue takes all or none", (*probe).enqueueBatch},
		{"a full store says so", (*probe).fullStore},
		{"the largest message comes back", (*probe).largestMessage},
		{"delays are kept", (*probe).delays},
		{"pending messages are leased", (*probe).pendingIsLeased},
		{"tenants take turns", (*probe).tenantsTakeTurns},
		{"messages of a key keep their order", (*probe).keysKeepOrder},
		{"keys keep their order when put off", (*probe).keysPutOff},
		{"keys keep their order when leases end", (*probe).keysExpire},
		{"fan-out is exactly once", (*probe).fanOutOnce},
		{"fan-out of an expired claim is lost", (*probe).expiredFanOut},
		{"fan-out can be put off", (*probe).fanOutAgain},
		{"fan-out to nobody finishes", (*probe).fanOutToNobody},
		{"claims have one winner", (*probe).oneWinner},
		{"claims take what is wanted", (*probe).claimsWants},
		{"first attempts and retries are apart", (*probe).firstAndRetries},
		{"due times are kept", (*probe).dueTimes},
		{"history is kept", (*probe).historyIsKept},
		{"leases run out", (*probe).leaseRunsOut},
		{"leases are extended", (*probe).leaseIsExtended},
		{"stale fences change nothing", (*probe).staleFences},
		{"settling again is no loss", (*probe).settleAgain},
		{"ready walks with a cursor", (*probe).readyWalks},
		{"lanes go one by one", (*probe).lanes},
		{"lanes outlast a lost lease", (*probe).laneExpires},
		{"health adds up", (*probe).health},
		{"pauses hold the endpoint", (*probe).pauses},
		{"disabling abandons", (*probe).disabling},
		{"slots are shared fairly", (*probe).slotsAreShared},
		{"slots change hands when the lease ends", (*probe).slotsAreTakenOver},
		{"slots with claims stay", (*probe).busySlotsStay},
		{"an ended context ends calls", (*probe).endedContext},
		{"at scale: nine of ten endpoints paused", (*probe).manyPaused},
		{"at scale: a lane blocked behind one", (*probe).longLane},
		{"ledger: pages are stable", (*probe).ledgerPages},
		{"ledger: selections", (*probe).ledgerSelects},
		{"ledger: the log", (*probe).ledgerLog},
		{"ledger: replay", (*probe).ledgerReplay},
		{"ledger: replay in a lane", (*probe).ledgerReplayLane},
		{"ledger: cancel", (*probe).ledgerCancel},
		{"ledger: cancel what awaits fan-out", (*probe).ledgerCancelPending},
		{"ledger: purge", (*probe).ledgerPurge},
		{"ledger: endpoints", (*probe).ledgerEndpoints},
		{"ledger: resuming forgives", (*probe).ledgerResumeForgives},
		{"ledger: an ended context ends calls", (*probe).ledgerEndedContext},
	}
}

// failure is what a probe panics with, so that a case reads straight on.
type failure struct{ err error }

// probe wraps a store with shorthands that end the case.
type probe struct {
	ctx   context.Context //nolint:containedctx // of the one case that is running
	h     Harness
	store deliver.Store
	unit  time.Duration
	lease time.Duration
	scale int
}

// fail ends the case and names the lines of the suite that led here.
func (p *probe) fail(format string, args ...any) {
	var at []string
	callers := make([]uintptr, 16)
	frames := runtime.CallersFrames(callers[:runtime.Callers(2, callers)])
	for {
		f, more := frames.Next()
		if _, name, ok := strings.Cut(f.Function, "delivertest.(*probe)."); ok {
			switch name {
			case "fail", "check", "equal", "ok", "is", "soon":
			default:
				at = append(at, fmt.Sprintf("%s:%d", name, f.Line))
			}
		}
		if !more {
			break
		}
	}
	panic(failure{fmt.Errorf("%w (%s)", fmt.Errorf(format, args...), strings.Join(at, " < "))})
}

func (p *probe) check(good bool, what string) {
	if !good {
		p.fail("%s", what)
	}
}

func (p *probe) ok(err error) {
	if err != nil {
		p.fail("unexpected error: %w", err)
	}
}

func (p *probe) is(err, want error) {
	if !errors.Is(err, want) {
		p.fail("got error %v, want %v", err, want)
	}
}

func (p *probe) equal(got, want any, what string) {
	if !reflect.DeepEqual(got, want) {
		p.fail("%s: got %+v, want %+v", what, got, want)
	}
}

// soon compares a time with what it should be, or a little more or less.
func (p *probe) soon(got, want time.Duration, what string) {
	if got < want-p.h.Slack || got > want+p.h.Slack {
		p.fail("%s: got %s, want %s", what, got, want)
	}
}

// wait lets n units pass.
func (p *probe) wait(n int) {
	p.h.Wait(time.Duration(n) * p.unit)
	p.notice()
}

// due lets the rest of a time pass after which something has to be there.
func (p *probe) due(n int) {
	p.h.Wait(time.Duration(n)*p.unit + p.h.Slack)
	p.notice()
}

// notice gives the store the chance to notice what time brought: any Ready will do.
func (p *probe) notice() {
	_, _, err := p.store.Ready(p.ctx, deliver.Slots{Owner: "nobody"}, "", 1)
	p.ok(err)
}

// clear lets the store abandon what disabled endpoints have open.
func (p *probe) clear() {
	for range 3 {
		p.notice()
	}
}

// foreseen checks that something is foreseen, and no later than it comes.
func (p *probe) foreseen(next time.Duration, n int) {
	if next <= 0 || next > p.after(n)+p.h.Slack {
		p.fail("time until the next: got %s, want more than 0 and no more than %s", next, p.after(n))
	}
}

func (p *probe) after(n int) time.Duration { return time.Duration(n) * p.unit }

const topicName = "acme:invoice.paid"

func message(id string) *deliver.Message {
	return &deliver.Message{ID: id, Topic: topicName, ContentType: "application/json", Body: []byte("{}")}
}

func keyed(key string, ids ...string) []*deliver.Message {
	list := make([]*deliver.Message, len(ids))
	for i, id := range ids {
		list[i] = message(id)
		list[i].Key = key
	}
	return list
}

func names(format string, n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf(format, i)
	}
	return list
}

func to(ids ...string) []deliver.Target {
	list := make([]deliver.Target, len(ids))
	for i, id := range ids {
		list[i].EndpointID = id
	}
	return list
}

func ordered(ids ...string) []deliver.Target {
	list := to(ids...)
	for i := range list {
		list[i].Ordered = true
	}
	return list
}

func (p *probe) enqueue(ids ...string) {
	for _, id := range ids {
		p.ok(p.store.Enqueue(p.ctx, message(id)))
	}
}

func (p *probe) pending(limit int) []deliver.Pending {
	list, _, err := p.store.Pending(p.ctx, limit, p.lease)
	p.ok(err)
	return list
}

func idsOf(list []deliver.Pending) []string {
	ids := make([]string, len(list))
	for i, m := range list {
		ids[i] = m.Message.ID
	}
	return ids
}

func (p *probe) fanOut(plans ...deliver.Plan) []deliver.Fence {
	lost, err := p.store.FanOut(p.ctx, plans)
	p.ok(err)
	return lost
}

func (p *probe) carryOut(plans ...deliver.Plan) {
	p.equal(len(p.fanOut(plans...)), 0, "lost fan-outs")
}

// deliver enqueues messages and fans each out to the targets.
func (p *probe) deliver(targets []deliver.Target, messages ...*deliver.Message) {
	p.ok(p.store.Enqueue(p.ctx, messages...))
	for done := 0; done < len(messages); {
		batch := p.pending(100)
		p.check(len(batch) > 0, "messages that were enqueued are not pending")
		for _, m := range batch {
			p.carryOut(deliver.Plan{Fence: m.Fence, Targets: targets})
		}
		done += len(batch)
	}
}

// own renews all slots for one owner.
func (p *probe) own(owner string) deliver.Slots {
	slots, err := p.store.Own(p.ctx, owner, p.lease)
	p.ok(err)
	p.equal(slots.Owner, owner, "owner of the slots")
	return slots
}

func (p *probe) ready(slots deliver.Slots) ([]deliver.Backlog, time.Duration) {
	var all []deliver.Backlog
	var soonest time.Duration
	after := ""
	for {
		list, next, err := p.store.Ready(p.ctx, slots, after, 1000)
		p.ok(err)
		if next > 0 && (soonest == 0 || next < soonest) {
			soonest = next
		}
		all = append(all, list...)
		if len(list) < 1000 {
			slices.SortFunc(all, func(a, b deliver.Backlog) int { return strings.Compare(a.EndpointID, b.EndpointID) })
			return all, soonest
		}
		after = list[len(list)-1].EndpointID
	}
}

// count says how many deliveries of one endpoint are ready.
func (p *probe) count(endpoint string) (first, retries int) {
	list, _ := p.ready(p.own("a"))
	for _, b := range list {
		if b.EndpointID == endpoint {
			return b.First, b.Retries
		}
	}
	return 0, 0
}

// claim wants up to n of each kind.
func (p *probe) claim(slots deliver.Slots, endpoint string, n int) []deliver.Claim {
	list, err := p.store.Claim(p.ctx, slots, []deliver.Want{{EndpointID: endpoint, First: n, Retries: n}}, p.lease)
	p.ok(err)
	return list
}

func (p *probe) claimOne(endpoint string) deliver.Claim {
	list, err := p.store.Claim(p.ctx, p.own("a"), []deliver.Want{{EndpointID: endpoint, First: 1}}, p.lease)
	p.ok(err)
	if len(list) == 0 {
		list, err = p.store.Claim(p.ctx, p.own("a"), []deliver.Want{{EndpointID: endpoint, Retries: 1}}, p.lease)
		p.ok(err)
	}
	p.equal(len(list), 1, "claims of "+endpoint)
	return list[0]
}

func (p *probe) none(endpoint, why string) {
	p.equal(len(p.claim(p.own("a"), endpoint, 10)), 0, "claims of "+endpoint+" "+why)
}

func (p *probe) settle(s ...deliver.Settlement) []deliver.Fence {
	lost, err := p.store.Settle(p.ctx, s)
	p.ok(err)
	return lost
}

func (p *probe) end(c deliver.Claim, state deliver.State) {
	p.equal(len(p.settle(deliver.Settlement{Fence: c.Fence, State: state, History: c.History})), 0, "lost settlements")
}

// retry gives a delivery back for n units, with the attempt spent.
func (p *probe) retry(c deliver.Claim, n int, e deliver.Effect) {
	h := c.History
	h.Attempts++
	p.equal(len(p.settle(deliver.Settlement{Fence: c.Fence, After: p.after(n), History: h, Endpoint: e})), 0, "lost settlements")
}
