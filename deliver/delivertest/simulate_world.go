package delivertest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"example.com/paperround/deliver"
	"example.com/paperround/topic"
)

// patience is how long a healed world may take to settle what is open.
const patience = 200 * time.Hour

// hostPatience is how long the host waits for what it asks of a dispatcher.
const hostPatience = 3 * time.Second

// world is one random history.
type world struct {
	seed  uint64
	opts  *SimulateOptions
	begin time.Time

	store       deliver.Store
	ledger      deliver.Ledger // nil if the store keeps none
	model       *model
	directory   *simDirectory
	maxOpen     int
	lease       time.Duration
	fanOutLimit int
	faults      int // in a thousand
	kills       bool
	lasts       time.Duration // until it heals
	tenants     []string
	endpoints   []*simEndpoint
	publishes   int

	late      int           // calls that are under way although their callers gave up
	turn      chan struct{} // the turnstile: full while somebody is in
	healed    atomic.Bool
	failed    chan struct{} // closed at the first broken promise
	err       error
	processes []*process
	rejected  []messageKey // what was published, whether it was accepted or not
	trace     []note
	noted     int
}

// luck is a die whose throws depend on nothing but the seed, the moment and what it is
// thrown for: not on the order in which goroutines come.
type luck uint64

func (l *luck) next() uint64 {
	*l += 0x9e3779b97f4a7c15
	x := uint64(*l)
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// take returns a number from 0 to n-1.
func (l *luck) take(n int) int {
	return int(l.next() % uint64(max(n, 1))) //nolint:gosec // it is less than n
}

// oneOf picks one of several.
func oneOf[T any](l *luck, list ...T) T { return list[l.take(len(list))] }

func (w *world) luck(what, name string, n int, at time.Time) luck {
	l := luck(w.seed)
	for _, s := range []string{what, name} {
		h := uint64(14695981039346656037)
		for i := range len(s) {
			h = (h ^ uint64(s[i])) * 1099511628211
		}
		l = luck(l.next() ^ h)
	}
	l = luck(l.next() ^ uint64(n))                  //nolint:gosec // any bits will do
	return luck(l.next() ^ uint64(at.Sub(w.begin))) //nolint:gosec // as above
}

// note is something that happened.
type note struct {
	at   time.Duration
	p    int
	what string
	of   any
	n    int
}

func (n note) String() string {
	who := "   "
	if n.p >= 0 {
		who = fmt.Sprintf("p%-2d", n.p)
	}
	text := fmt.Sprintf("%14s %s %s", n.at, who, n.what)
	switch of := n.of.(type) {
	case *simMessage:
		text += fmt.Sprintf(" message %q of tenant %q", of.ID, of.Tenant)
	case *simDelivery:
		text += " " + of.String()
	case *simEndpoint:
		text += " endpoint " + of.ID
	}
	if n.n != 0 {
		text += fmt.Sprintf(" (%d)", n.n)
	}
	return text
}

// note keeps the last things that happened; of is looked at when they are shown.
func (w *world) note(p *process, what string, of any, n int) {
	who := -1
	if p != nil {
		who = p.number
	}
	e := note{time.Since(w.begin), who, what, of, n}
	if len(w.trace) < w.opts.trace() {
		w.trace = append(w.trace, e)
	} else if len(w.trace) > 0 {
		w.trace[w.noted%len(w.trace)] = e
	}
	w.noted++
}

func (w *world) noteNow(p *process, what string) {
	w.lock()
	defer w.unlock()
	w.note(p, what, nil, 0)
}

func (w *world) lock() { w.turn <- struct{}{} }

func (w *world) unlock() { <-w.turn }

// lockFor reports whether the turnstile was passed before ctx ended or the process
// died.
func (w *world) lockFor(ctx context.Context, p *process) bool {
	select {
	case w.turn <- struct{}{}:
	case <-ctx.Done():
		return false
	case <-p.gone:
		return false
	}
	if p.isDead() {
		w.unlock()
		return false
	}
	return true
}

// fail notes a broken promise; the first one ends the history. The turnstile must be
// held.
func (w *world) fail(format string, args ...any) {
	if w.err != nil {
		return
	}
	w.err = fmt.Errorf(format, args...)
	w.note(nil, "FOUND: "+w.err.Error(), nil, 0)
	close(w.failed)
}

// unexpected notes an error of the store for which there is no reason.
func (w *world) unexpected(call string, err error) {
	w.fail("%s failed: %w", call, err)
}

func (w *world) isHealed() bool { return w.healed.Load() }

// pause lets time pass, unless ctx ends or the process dies.
func (w *world) pause(ctx context.Context, p *process, d time.Duration) {
	if d <= 0 {
		return
	}
	var gone chan struct{}
	if p != nil {
		gone = p.gone
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	case <-gone:
	case <-w.failed:
	}
}

// process is one process of the host's: a dispatcher that starts, stops and may die.
type process struct {
	w           *world
	number      int
	d           *deliver.Dispatcher
	dead        atomic.Bool
	gone        chan struct{} // closed when it is dead
	bury        sync.Once
	cancel      context.CancelFunc
	done        chan struct{} // closed when Run has returned
	lastTrouble atomic.Int64  // when something kept it from the store last
	cut, mended time.Time     // between these, it does not reach the store

	concurrency         int
	endpointConcurrency int
	tenantShare         float64
	firstReserve        float64

	// The rest is guarded by the turnstile.
	owner    string
	stopping bool
	stopped  time.Time
	busy     int
	retries  int            // of them
	busyAt   map[string]int // by endpoint
	busyFor  map[string]int // by tenant
	rates    map[string][]time.Time
	holds    map[holdKey]hold
}

type holdKey struct {
	endpoint string
	fence    deliver.Fence
}

// hold is a pause that a dispatcher is about to record.
type hold struct{ since, until time.Time }

func (p *process) isDead() bool { return p.dead.Load() }

func (p *process) inTrouble() { p.lastTrouble.Store(int64(time.Since(p.w.begin))) }

// troubled reports whether something kept the process from the store after a time.
func (p *process) troubled(since time.Time) bool {
	return p.lastTrouble.Load() >= int64(since.Sub(p.w.begin))
}

func (p *process) isCutOff(now time.Time) bool { return !now.Before(p.cut) && now.Before(p.mended) }

// kill ends a process as a power cut does.
func (p *process) kill() {
	p.bury.Do(func() {
		p.dead.Store(true)
		close(p.gone)
		p.cancel()
	})
}

// stop ends a process as its operator does.
func (p *process) stop() {
	p.w.lock()
	p.stopping, p.stopped = true, time.Now()
	p.w.note(p, "stops", nil, 0)
	p.w.unlock()
	p.cancel()
}

// newProcess makes a process; it runs if it has a number.
func (w *world) newProcess(ctx context.Context, number int) (*process, error) {
	l := w.luck("process", "", number, w.begin)
	p := &process{
		w: w, number: number, gone: make(chan struct{}), done: make(chan struct{}),
		concurrency: oneOf(&l, 1, 2, 4, 16, 64), endpointConcurrency: oneOf(&l, 0, 0, 1, 3),
		tenantShare: oneOf(&l, 0., 1., 0.25), firstReserve: oneOf(&l, 0, -1, 0.5),
		busyAt: map[string]int{}, busyFor: map[string]int{}, rates: map[string][]time.Time{}, holds: map[holdKey]hold{},
	}
	p.lastTrouble.Store(-1)
	ctx, p.cancel = context.WithCancel(ctx)
	client, err := deliver.NewClient(&deliver.ClientOptions{UnguardedTransport: &simTransport{w: w, p: p}})
	if err != nil {
		return nil, err
	}
	p.d, err = deliver.New(w.storeFor(p), w.directory, &deliver.Options{
		Client:              client,
		Concurrency:         p.concurrency,
		EndpointConcurrency: p.endpointConcurrency,
		TenantShare:         p.tenantShare,
		FirstReserve:        p.firstReserve,
		FanOutLimit:         func(topic.Topic) int { return w.fanOutLimit },
		Lease:               w.lease,
		DrainTimeout:        oneOf(&l, -1, 200*time.Millisecond, 3*time.Second, 0),
		Poll:                oneOf(&l, time.Second, 2*time.Second),
		Relief:              relief(&l),
		Rand: func() float64 {
			l := w.luck("jitter", "", number, time.Now())
			return float64(l.take(1<<20)) / (1 << 20)
		},
		Hooks: deliver.Hooks{Settled: func(i deliver.SettledInfo) {
			if w.lockFor(context.WithoutCancel(ctx), p) {
				w.model.hooked(i)
				w.unlock()
			}
		}},
	})
	if err != nil {
		return nil, err
	}
	if number > 0 && l.take(4) == 0 && w.faults > 0 {
		p.cut = time.Now().Add(time.Duration(l.take(int(w.lasts))))
		p.mended = p.cut.Add(time.Duration(l.take(int(3 * w.lease))))
	}
	w.lock()
	w.processes = append(w.processes, p)
	w.note(p, "starts", nil, 0)
	w.unlock()
	if number == 0 {
		close(p.done)
		return p, nil
	}
	go func() {
		err := p.d.Run(ctx)
		if !p.isDead() {
			w.lock()
			w.model.returned(p, err)
			w.note(p, "has stopped", nil, 0)
			w.unlock()
		}
		close(p.done)
	}()
	return p, nil
}

func relief(l *luck) *deliver.Relief {
	return oneOf(l, nil, &deliver.Relief{BreakerShare: -1}, &deliver.Relief{BreakerPause: time.Second, BreakerLeast: 4},
		&deliver.Relief{BreakerPause: time.Second, BreakerLeast: 2, BreakerWindow: 5 * time.Second})
}

func policy(l *luck) *deliver.Policy {
	second := time.Second
	schedule := oneOf(l, []time.Duration{}, []time.Duration{second / 2}, []time.Duration{second / 5, second, 2 * second},
		[]time.Duration{0, second, second, 3 * second, 5 * second}, []time.Duration{second, second, second, second, second, second})
	if l.take(100) == 0 {
		schedule = nil // minutes and hours
	}
	return &deliver.Policy{
		Schedule:         schedule,
		Jitter:           oneOf(l, 0, -1, 0.5),
		MaxAge:           oneOf(l, -1, -1, 0, 10*second),
		RejectedAttempts: oneOf(l, 0, 1, -1),
		MaxRetryAfter:    oneOf(l, 0, 2*second, -1),
		GoneApart:        oneOf(l, 0, second, -1),
		GonePause:        oneOf(l, 5*second, 3*second, -1),
		DisableAfter:     oneOf(l, 0, 4*second, -1),
		DisableSpread:    oneOf(l, 2*second, -1),
	}
}

// newWorld rolls the dice for a whole history.
func newWorld(seed uint64, open func(maxOpen int) (deliver.Store, error), opts *SimulateOptions) (*world, *luck, error) {
	w := &world{seed: seed, opts: opts, begin: time.Now(), turn: make(chan struct{}, 1), failed: make(chan struct{})}
	l := w.luck("world", "", 0, w.begin)
	w.model = newModel(w)
	w.directory = &simDirectory{w: w}
	endpoints := 0
	switch size := l.take(100); {
	case size < 86:
		endpoints, w.publishes, w.lasts = 1+l.take(4), 1+l.take(8), time.Duration(2+l.take(6))*time.Second
	case size < 99:
		endpoints, w.publishes, w.lasts = 1+l.take(8), 5+l.take(25), time.Duration(5+l.take(15))*time.Second
	default:
		endpoints, w.publishes, w.lasts = 5+l.take(36), 20+l.take(80), time.Duration(5+l.take(20))*time.Second
	}
	w.maxOpen = oneOf(&l, 10_000, 10_000, 10_000, 1+w.publishes/2)
	w.lease = time.Duration(oneOf(&l, 1, 2, 5, 20)) * time.Second
	w.faults = oneOf(&l, 0, 5, 20, 20, 60)
	w.kills = l.take(3) > 0
	w.fanOutLimit = oneOf(&l, 0, 0, 0, 1, 3)
	w.tenants = oneOf(&l, []string{""}, []string{"", "t1"}, []string{"t1", "t2", "t3"})
	var err error
	if w.store, err = open(w.maxOpen); err != nil {
		return nil, nil, fmt.Errorf("delivertest: opening the store: %w", err)
	}
	w.ledger, _ = w.store.(deliver.Ledger)
	list := make([]*deliver.Endpoint, endpoints)
	for i := range list {
		e := w.newEndpoint(i, &l)
		w.endpoints = append(w.endpoints, e)
		w.model.endpoints[e.ID] = e
		list[i] = e.Endpoint
	}
	w.directory.set(list)
	return w, &l, nil
}

func (w *world) newEndpoint(i int, l *luck) *simEndpoint {
	id := fmt.Sprintf("e%d", i)
	return &simEndpoint{
		Endpoint: &deliver.Endpoint{
			ID:          id,
			Tenant:      oneOf(l, w.tenants...),
			URL:         "https://" + id + ".example.com/in",
			Topics:      oneOf(l, []topic.Pattern{topic.Everything}, []topic.Pattern{topic.Everything}, []topic.Pattern{"sim:a.*"}),
			Signer:      &simSigner{w: w, next: w.opts.Signer, id: id},
			Ordered:     l.take(2) == 0,
			Concurrency: oneOf(l, 0, 1, 2, 3),
			Rate:        float64(oneOf(l, 0, 0, 0, 2, 20, 50)),
			Relief:      relief(l),
			Timeout:     oneOf(l, 300*time.Millisecond, time.Second, 3*time.Second),
			Policy:      policy(l),
			ExactOK:     l.take(8) == 0,
		},
		kind: oneOf(l, "", "", "", "green"), temper: oneOf(l, 0, 50, 80, 100), present: true, lanes: map[string][]*simDelivery{},
	}
}

// play plays a history to its end.
func (w *world) play(ctx context.Context, l *luck) error {
	for _, e := range w.endpoints {
		if e.kind != "" {
			e.Filters = []deliver.Filter{{Path: "kind", Values: []string{e.kind}}}
		}
	}
	host, err := w.newProcess(ctx, 0)
	if err != nil {
		return err
	}
	var acting sync.WaitGroup
	act := func(at time.Duration, f func(luck)) {
		own := luck(l.next())
		acting.Go(func() {
			w.pause(ctx, nil, at)
			f(own)
		})
	}
	some := func() time.Duration { return time.Duration(l.take(int(w.lasts))) }
	number := 0
	for range oneOf(l, 1, 1, 2, 3) {
		var lives []int
		for range oneOf(l, 1, 1, 2, 3) {
			number++
			lives = append(lives, number)
		}
		act(time.Duration(l.take(int(w.lasts/4))), func(own luck) { w.live(ctx, lives, &own) })
	}
	for i := range w.publishes {
		act(some(), func(own luck) { w.publish(ctx, host, i, &own) })
	}
	for range l.take(3 + w.publishes/4) {
		act(some(), func(own luck) { w.meddle(ctx, host, &own) })
	}
	acting.Go(func() { w.pause(ctx, nil, w.lasts) })
	acting.Wait()
	w.heal(ctx, host)
	w.settleDown(ctx)
	return w.close(ctx)
}

// live starts and ends the processes of one machine, one after the other. The last
// one stays.
func (w *world) live(ctx context.Context, numbers []int, own *luck) {
	for i, number := range numbers {
		p, err := w.newProcess(ctx, number)
		if err != nil {
			w.lock()
			w.fail("a process does not start: %w", err)
			w.unlock()
			return
		}
		if i == len(numbers)-1 {
			return
		}
		w.pause(ctx, p, time.Duration(own.take(int(w.lasts)/len(numbers))))
		if w.kills && own.take(2) == 0 {
			w.noteNow(p, "dies")
			p.kill()
		} else {
			p.stop()
		}
		if own.take(2) == 0 {
			w.pause(ctx, nil, time.Duration(own.take(int(w.lease))))
		}
	}
}

// someone returns a process through which the host acts.
func (w *world) someone(host *process, own *luck) *process {
	w.lock()
	defer w.unlock()
	if p := w.processes[own.take(len(w.processes))]; !p.isDead() {
		return p
	}
	return host
}

func (w *world) publish(ctx context.Context, host *process, n int, own *luck) {
	p := w.someone(host, own)
	batch := make([]deliver.Publication, oneOf(own, 1, 1, 1, 2, 4))
	for i := range batch {
		id := fmt.Sprintf("m%d-%d", n, i)
		if own.take(8) == 0 {
			id = fmt.Sprintf("m%d-0", own.take(w.publishes)) // perhaps taken
		}
		body := luck(len(id) * 31)
		if own.take(20) == 0 {
			body = luck(own.next()) // another one under the same id
		}
		b := &batch[i]
		*b = deliver.Publication{
			Event: simEvent{
				topic: oneOf[topic.Topic](&body, "sim:a.x", "sim:b.y"),
				body:  fmt.Sprintf(`{"kind":%q,"n":%d}`, oneOf(&body, "green", "red"), body.take(100)),
			},
			ID: id, Tenant: oneOf(own, w.tenants...), Key: oneOf(own, "", "k1", "k1", "k2"),
		}
		b.NotBefore = w.notBefore(id)
		if own.take(60) == 0 {
			b.ID = "not an id"
		}
	}
	if own.take(6) == 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Duration(own.take(3_000_000)))
		defer cancel()
	}
	ctx, cancel := context.WithTimeout(ctx, hostPatience)
	defer cancel()
	ids, err := p.d.PublishBatch(ctx, batch, nil)
	w.lock()
	defer w.unlock()
	for i, b := range batch {
		key := messageKey{b.Tenant, b.ID}
		w.rejected = append(w.rejected, key)
		known := w.model.messages[key]
		if err == nil && (known == nil || ids[i] != b.ID) {
			w.fail("Publish accepted message %q, but the store does not have it", b.ID)
		}
	}
}

// notBefore is when the delivery of a message may begin.
func (w *world) notBefore(id string) time.Time {
	l := w.luck("not before", id, 0, w.begin)
	if l.take(5) > 0 {
		return time.Time{}
	}
	return w.begin.Add(time.Duration(l.take(int(w.lasts))))
}

// meddle does what people do.
func (w *world) meddle(ctx context.Context, host *process, own *luck) {
	e := oneOf(own, w.endpoints...)
	if own.take(3) == 0 {
		w.rewire(e, own)
		return
	}
	if w.ledger == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, hostPatience)
	defer cancel()
	d := w.someone(host, own).d
	sel := deliver.Selection{EndpointID: e.ID}
	if own.take(2) == 0 {
		tenant := oneOf(own, w.tenants...)
		sel = deliver.Selection{Tenant: &tenant, MessageID: fmt.Sprintf("m%d-0", own.take(w.publishes))}
	}
	// What these return does not matter: the model sees what took effect.
	switch own.take(6) {
	case 0:
		_, _ = d.Cancel(ctx, sel)
	case 1:
		sel.States = oneOf(own, nil, []deliver.State{deliver.Exhausted, deliver.Abandoned})
		_, _ = d.Replay(ctx, sel)
	case 2:
		_ = d.Pause(ctx, e.ID, time.Duration(own.take(int(4*time.Second))))
	case 3:
		_ = d.Disable(ctx, e.ID)
		w.pause(ctx, nil, time.Duration(own.take(int(2*time.Second))))
		_, _ = d.Resume(ctx, e.ID, own.take(2) == 0)
	case 4:
		_, _ = d.Resume(ctx, e.ID, own.take(2) == 0)
	default:
		_, _ = d.Replay(ctx, sel)
	}
}

// rewire changes an endpoint in the directory, removes it, or brings it back.
func (w *world) rewire(e *simEndpoint, own *luck) {
	w.lock()
	defer w.unlock()
	list := slices.Clone(w.directory.now())
	i := slices.IndexFunc(list, func(x *deliver.Endpoint) bool { return x.ID == e.ID })
	if i >= 0 && own.take(2) == 0 {
		w.note(nil, "removed", e, 0)
		e.present = false
		w.directory.set(slices.Delete(list, i, i+1))
		return
	}
	changed := *e.Endpoint
	changed.URL = strings.TrimSuffix(changed.URL, "/in") + oneOf(own, "/in", "/v2/in")
	changed.Topics = oneOf(own, []topic.Pattern{topic.Everything}, []topic.Pattern{"sim:a.*"}, []topic.Pattern{"sim:b.*"})
	w.note(nil, "changed", e, 0)
	if i >= 0 {
		list[i] = &changed
	} else {
		e.present, e.absent = true, time.Now()
		list = append(list, &changed)
	}
	w.directory.set(list)
}

// heal ends all failures and leaves at least one process running.
func (w *world) heal(ctx context.Context, host *process) {
	w.healed.Store(true)
	w.noteNow(nil, "all is well from now on")
	w.lock()
	last := slices.ContainsFunc(w.processes, func(p *process) bool { return p.number > 0 && !p.stopping && !p.isDead() })
	w.unlock()
	if !last {
		if _, err := w.newProcess(ctx, 100); err != nil {
			w.lock()
			w.fail("a process does not start: %w", err)
			w.unlock()
		}
	}
	if w.ledger == nil {
		return
	}
	for _, e := range w.endpoints {
		w.lock()
		held := e.pausedUntil.After(time.Now()) || e.disabled
		w.unlock()
		if !held {
			continue
		}
		if _, err := host.d.Resume(ctx, e.ID, true); err != nil {
			w.lock()
			w.fail("Resume failed: %w", err)
			w.unlock()
		}
	}
}

// settleDown waits until nothing is open any more.
func (w *world) settleDown(ctx context.Context) {
	begin := time.Now()
	wait := 20 * time.Millisecond
	for ctx.Err() == nil && !w.isOver() {
		w.lock()
		open := w.model.unsettled()
		if w.late > 0 {
			open = "calls to the store are under way"
		}
		if open != "" && time.Since(begin) > patience {
			w.fail("nothing happens any more, but %s", open)
		}
		w.unlock()
		if open == "" {
			return
		}
		w.pause(ctx, nil, wait)
		wait = min(2*wait, 30*time.Second)
	}
}

func (w *world) isOver() bool {
	select {
	case <-w.failed:
		return true
	default:
		return false
	}
}

// close ends all processes and looks at the books.
func (w *world) close(ctx context.Context) error {
	over := w.isOver()
	w.lock()
	processes := slices.Clone(w.processes)
	w.unlock()
	for _, p := range processes {
		switch {
		case over:
			p.kill()
		case !p.isDead():
			p.stop()
		}
		p.cancel()
	}
	for _, p := range processes {
		limit := time.NewTimer(time.Hour)
		select {
		case <-p.done:
		case <-limit.C:
			w.lock()
			w.fail("Run of process %d does not return", p.number)
			w.unlock()
		}
		limit.Stop()
	}
	if w.err != nil || ctx.Err() != nil || w.ledger == nil {
		return ctx.Err()
	}
	w.lock()
	defer w.unlock()
	if err := w.model.audit(ctx, w.ledger); err != nil {
		w.fail("%w", err)
	}
	return nil
}
