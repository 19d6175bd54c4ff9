// Package deliver carries events to the endpoints that asked for them: it
// stores each one, fans it out, signs and sends it through a guarded client,
// and tries again until the endpoint has it or the policy gives up.
//
//	endpoints, err := deliver.Static(&deliver.Endpoint{
//		ID:     "billing",
//		Tenant: "t-7",
//		URL:    "https://hooks.example.com/in",
//		Topics: []topic.Pattern{"inplayer:subscribe.*"},
//		Signer: signer, // any type of package sign
//	})
//	d, err := deliver.New(deliver.NewMemory(nil), endpoints, nil)
//	go d.Run(ctx) // until ctx ends; then it drains
//	id, err := d.Publish(ctx, ev, &deliver.PublishOptions{Tenant: "t-7"})
//
// # The promise
//
// Each accepted message is attempted at least once per matching endpoint, until
// it succeeds, is exhausted or canceled, or the endpoint is gone or disabled. No
// attempt is dropped silently: each leaves a record, a log line and a call of a
// hook. A message whose success reached the sender is sent again only when a
// worker died, was canceled, or lost its lease between sending and recording; the
// record before that says that the outcome is unknown, not that it failed. A
// receiver whose answer came too late or got lost sees the message again too.
// Every repetition carries the same id. Order holds within a key of an ordered
// endpoint, and nowhere else.
//
// # The parts
//
// A [Policy] is a pure function from a delivery's [History] and the [Result] of
// an attempt to a [Decision]: settled, try again at a time, and perhaps pause or
// disable the endpoint. A gate for each endpoint holds what may go out now:
// concurrency, rate, breaker, a pause. A scheduler takes turns between tenants and
// their endpoints. Every rule below belongs to one of these three.
//
// A [Store] keeps messages and deliveries, and leases them out; [Memory] is one. It
// also divides the endpoints among the processes that share it, so that each
// endpoint is served by one process, and limits per endpoint are exact. What only
// people ask of it is a [Ledger]. A [Directory] knows the endpoints; it is asked at
// each attempt, so secrets are never stored with a delivery. A [Client] is the
// guarded way out, described at [Guard].
//
// # When a message goes out
//
// It goes out at once, or at PublishOptions.NotBefore, to every endpoint of its
// tenant whose Topics and Filters it matches. An attempt that failed is followed by
// another one after 5 s, 5 min, 30 min, 2 h and so on for about 75 hours
// (Policy.Schedule, Jitter, MaxAge). What a person has to mend, such as 404, is tried
// four times (RejectedAttempts). Faults of the sending side spend no attempt.
//
// # What an endpoint can bring about
//
// Retry-After pauses it as a whole (MaxRetryAfter). 410 for minutes, or an answer
// with the header webhook-delivery: disable, pauses it for five days (GoneApart,
// GonePause). Five days of failure without a success disable it (DisableAfter,
// DisableSpread): what it has open is abandoned, and so is what it would get, until
// somebody calls [Dispatcher.Resume], which can replay all that. Hooks.Endpoint is
// told of each.
//
// What goes to it at a time begins at one and doubles with each answer, up to its
// concurrency. 429, 503 and timeouts shrink that, and success lets it grow again. When
// half of its attempts within a minute fail, its breaker opens, and one attempt at a
// time finds out whether it works again ([Relief]). Endpoint.Rate spreads what goes
// to it.
//
// # Who waits for whom
//
// Nobody for an endpoint that hangs: it holds no more than its own concurrency,
// which timeouts shrink. Nobody for a tenant with a million messages: tenants take
// turns at fan-out and at every exchange, and one that has all its endpoints hanging
// leaves a quarter of the room to others (Options.TenantShare). First attempts do not
// wait for retries (FirstReserve); an endpoint that has both makes three of the one
// for each of the other. On an ordered endpoint a message waits for those before it
// with the same key.
//
// # What people do
//
// [Dispatcher.Deliveries] and its neighbors list and count; [Dispatcher.Replay] and
// [Dispatcher.Cancel] take one delivery, an endpoint since a time, or any other
// [Selection]; [Dispatcher.Pause], [Dispatcher.Disable] and [Dispatcher.Resume] steer
// an endpoint. [Dispatcher.Stats] are counters, [Hooks] are told of every attempt and
// outcome, and a trace context travels from Publish to the attempt (Options.Trace).
//
// # Errors
//
// [FaultOf] tells on whose side an error lies, [Retryable] whether to try again soon,
// [Permanent] whether somebody has to mend something first. A host with a queue of
// its own needs nothing but a client, [Attempt], and these:
//
//	res := deliver.Attempt(ctx, client, endpoint, message)
//	if deliver.Retryable(res.Err) { … }
package deliver
