package deliver

import (
	"context"
	"crypto/rand"
	"log/slog"
	"math"
	mathrand "math/rand/v2"
	"sync/atomic"
	"time"

	"example.com/paperround/topic"
)

const (
	defaultConcurrency  = 64
	defaultPoll         = time.Second
	defaultLease        = time.Minute
	defaultDrainTimeout = 20 * time.Second
	defaultMaxBody      = 256 << 10
	minLease            = time.Second
)

// Options are the choices of [New]. The zero value is the defaults.
type Options struct {
	// Client makes the exchanges; nil means one with the strictest guard.
	Client *Client

	// Policy is for endpoints that have none of their own; nil means the default.
	Policy *Policy

	// Concurrency is how many exchanges may be under way at a time; 0 means 64.
	// Endpoints that hang hold their share of it until their Timeout, so it should
	// be some times the concurrency of one endpoint.
	Concurrency int

	// TenantShare is how much of Concurrency one tenant may hold when it is alone,
	// and how much of what the others leave free otherwise. So tenants whose
	// endpoints hang leave room for the next one. 0 means 0.75; 1 and negative mean no
	// bound, which is right where there is one tenant.
	TenantShare float64

	// FirstReserve is the share of Concurrency that is kept for first attempts, so
	// that retries never hold all of it. 0 means 0.25, negative none.
	FirstReserve float64

	// EndpointConcurrency is for endpoints that set no Concurrency; 0 means 8.
	EndpointConcurrency int

	// EndpointRate is for endpoints that set no Rate: how many exchanges may begin in
	// a second. 0 or negative means no bound.
	EndpointRate float64

	// Relief is for endpoints that have none of their own; nil means the default.
	Relief *Relief

	// FanOutLimit says how many endpoints may get a message of a topic; 0 or negative
	// means any number, and so does nil. The first ones in the directory's order get
	// it; that others were left out is logged and counted. [InPlayerLimit] is
	// InPlayer's own limit.
	FanOutLimit func(topic.Topic) int

	// Trace takes the trace context out of the context of Publish, so that attempts
	// and hooks have it. What is malformed counts as none. nil means that messages
	// have no trace.
	Trace func(context.Context) Trace

	// Poll is how long an idle process waits at most before it asks the store again
	// what there is to do; 0 means one second, and 10 milliseconds is the least. What
	// it has published itself, and what it knows to be due, does not wait for that.
	Poll time.Duration

	// Lease is for how long a claim, and the share of the endpoints, outlives a
	// worker that died; 0 means one minute, and one second is the least. Long
	// exchanges extend it.
	Lease time.Duration

	// DrainTimeout is how long Run lets exchanges finish after its context
	// ended; 0 means 20 seconds, negative cancels them at once.
	DrainTimeout time.Duration

	// MaxBody is the most bytes that Publish accepts as a body; 0 means 256 KiB,
	// negative no bound.
	MaxBody int

	// Logger is told of failures, and at level debug of successes; nil is silent.
	Logger *slog.Logger

	// Hooks are told of attempts and outcomes.
	Hooks Hooks

	// Owner names this process in the store's leases; it is made unique for
	// each Run. Empty means a random name alone.
	Owner string

	// Rand gives the luck for jitter: from 0 up to but not including 1. It must
	// be safe for concurrent use. If it panics, or returns no number, there is no
	// jitter; what is out of range counts as its nearest end. nil means math/rand/v2.
	Rand func() float64
}

// Dispatcher publishes messages and delivers them. It is safe for concurrent
// use. The zero value is of no use; see [New].
type Dispatcher struct {
	store     Store
	directory Directory
	client    *Client
	policy    *Policy
	log       *slog.Logger
	hooks     Hooks
	owner     string
	rand      func() float64

	concurrency         int
	tenantShare         float64
	firstReserve        float64
	endpointConcurrency int
	endpointRate        float64
	relief              *Relief
	fanOutLimit         func(topic.Topic) int
	trace               func(context.Context) Trace
	poll                time.Duration
	lease               time.Duration
	drain               time.Duration
	maxBody             int

	running    atomic.Bool
	wakeFanOut chan struct{} // there may be something to fan out
	wakeClaims chan struct{} // this process knows of something to claim
	wakeWalk   chan struct{} // the store may know more
	counters   counters
}

// New makes a dispatcher over a store and a directory of endpoints; nil options
// are the defaults. It starts nothing: Publish works at once, and Run delivers.
// The error is an [*Error] and says which option to mend.
func New(store Store, directory Directory, opts *Options) (*Dispatcher, error) {
	if opts == nil {
		opts = &Options{}
	}
	switch {
	case store == nil:
		return nil, invalid("store is nil; pass one, such as NewMemory makes")
	case directory == nil:
		return nil, invalid("directory is nil; pass one, such as Static makes")
	case opts.Concurrency < 0:
		return nil, invalid("Options.Concurrency cannot be negative; 0 means %d", defaultConcurrency)
	case math.IsNaN(opts.TenantShare) || opts.TenantShare > 1:
		return nil, invalid("Options.TenantShare is not a share of at most 1; 0 means %v, negative no bound", defaultTenantShare)
	case math.IsNaN(opts.FirstReserve) || opts.FirstReserve >= 1:
		return nil, invalid("Options.FirstReserve is not a share of less than 1; 0 means %v, negative none", defaultFirstReserve)
	case opts.EndpointConcurrency < 0 || math.IsNaN(opts.EndpointRate) || math.IsInf(opts.EndpointRate, 0):
		return nil, invalid("Options.EndpointConcurrency is negative or Options.EndpointRate no number; 0 means the default")
	case opts.Poll != 0 && opts.Poll < 2*minPoll:
		return nil, invalid("Options.Poll must be at least %s; 0 means %s", 2*minPoll, defaultPoll)
	case opts.Lease != 0 && opts.Lease < minLease:
		return nil, invalid("Options.Lease must be at least %s; 0 means %s", minLease, defaultLease)
	}
	if err := opts.Policy.validate(); err != nil {
		return nil, err
	}
	if err := opts.Relief.validate(); err != nil {
		return nil, err
	}
	d := &Dispatcher{
		store:     store,
		directory: directory,
		client:    opts.Client,
		policy:    opts.Policy,
		log:       opts.Logger,
		hooks:     opts.Hooks,
		owner:     opts.Owner,
		rand:      opts.Rand,

		concurrency:         or(opts.Concurrency, defaultConcurrency),
		tenantShare:         or(opts.TenantShare, defaultTenantShare),
		firstReserve:        or(opts.FirstReserve, defaultFirstReserve),
		endpointConcurrency: opts.EndpointConcurrency,
		endpointRate:        opts.EndpointRate,
		relief:              opts.Relief,
		fanOutLimit:         opts.FanOutLimit,
		trace:               opts.Trace,
		poll:                or(opts.Poll, defaultPoll),
		lease:               or(opts.Lease, defaultLease),
		drain:               or(opts.DrainTimeout, defaultDrainTimeout),
		maxBody:             or(opts.MaxBody, defaultMaxBody),

		wakeFanOut: make(chan struct{}, 1),
		wakeClaims: make(chan struct{}, 1),
		wakeWalk:   make(chan struct{}, 1),
	}
	if d.client == nil {
		client, err := NewClient(nil)
		if err != nil {
			return nil, err
		}
		d.client = client
	}
	if d.log == nil {
		d.log = slog.New(slog.DiscardHandler)
	}
	if d.rand == nil {
		d.rand = mathrand.Float64
	}
	return d, nil
}

// Wake makes a running dispatcher look for work now instead of at its next
// poll. Call it after the commit of a transaction in which a message was
// published. It never blocks.
func (d *Dispatcher) Wake() {
	notify(d.wakeFanOut)
	notify(d.wakeWalk)
}

// Run delivers until ctx ends, and then drains: it claims nothing more, lets the
// exchanges under way finish for Options.DrainTimeout, cancels what is left and
// gives it back with the attempt unspent. It returns nil when all of that was
// recorded. An error means that some claims could not be; they stay leased and
// come again, marked as interrupted, when their lease runs out.
//
// Faults of the store, the directory, signers and endpoints do not end Run; they
// are logged, counted and tried again. Run is [ErrRunning] while another Run of
// this dispatcher is going on; after it returned it may be called again.
func (d *Dispatcher) Run(ctx context.Context) error {
	if !d.running.CompareAndSwap(false, true) {
		return ErrRunning
	}
	defer d.running.Store(false)
	owner := rand.Text()
	if d.owner != "" {
		owner = d.owner + "/" + owner
	}
	return newRun(d, owner).run(ctx)
}

// InPlayerLimit is for [Options].FanOutLimit: InPlayer sends a message to at most ten
// URLs, others to any number.
func InPlayerLimit(t topic.Topic) int {
	if t.Provider() == topic.InPlayer {
		return 10
	}
	return 0
}

// notify makes the reader of ch look again, once, however often it is called.
func notify(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}
