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
// it succeeds, is exhausted, or the endpoint is gone. No attempt is dropped
// silently: each leaves a record, a log line and a call of a hook. A message
// whose success reached the sender is sent again only when a worker died, was
// canceled, or lost its lease between sending and recording; the record before
// that says that the outcome is unknown, not that it failed. A receiver whose
// answer came too late or got lost sees the message again too. Every repetition
// carries the same id.
//
// # The parts
//
// A [Policy] is a pure function from a delivery's [History] and the [Result] of
// an attempt to a [Decision]. A [Store] keeps messages and deliveries, and
// leases them out; [Memory] is one. It also divides the endpoints among the
// processes that share it, so that each endpoint is served by one process, and
// limits per endpoint are exact. A [Directory] knows the endpoints; it is asked
// at each attempt, so secrets are never stored with a delivery. A [Client] is
// the guarded way out, described at [Guard].
//
// A host with a queue of its own needs none of that but a client and [Attempt]:
//
//	res := deliver.Attempt(ctx, client, endpoint, message)
//	if deliver.Retryable(res.Err) { … }
package deliver
