// Package delivertest helps to test programs that deliver webhooks with package
// deliver, and webhook clients of any make. It imports the standard library and
// the packages it is about.
//
// A [Recorder] stands where a program publishes, and tells what it published:
//
//	var rec delivertest.Recorder
//	subscribe(ctx, &rec) // the program's code, which publishes
//	got := delivertest.RequirePublished[*inplayer.SubscribeSuccess](t, &rec, nil)
//
// A [Receiver] is an endpoint that answers by a script and keeps each request:
//
//	r := delivertest.NewReceiver(t, nil)
//	r.Answer(delivertest.Answer{Status: 503, RetryAfter: time.Minute})
//	client, err := deliver.NewClient(r.ClientOptions())
//
// A [Hostile] is an endpoint that means harm, in each way that [Trick] lists. A
// client should come back from all of them in time, with little memory used and
// nothing left open:
//
//	h := delivertest.NewHostile(t)
//	client := myClient(h.RootCAs()) // or deliver.NewClient(h.ClientOptions())
//	for trick, url := range h.All() { … }
//
// [Conformance] judges a store of one's own:
//
//	synctest.Test(t, func(t *testing.T) {
//		err := delivertest.Conformance(t.Context(), delivertest.Harness{
//			Open: func(maxOpen int) (deliver.Store, error) { return mystore.New(maxOpen), nil },
//			Wait: time.Sleep,
//		})
//		if err != nil {
//			t.Fatal(err)
//		}
//	})
//
// [RunSimulations] plays random histories of processes that die, stores that fail and
// endpoints that misbehave, and watches whether every promise is kept: with a store or a
// receiver of one's own, in virtual time. [Simulate] plays one.
package delivertest

// T is what the assertions need of [*testing.T].
type T interface {
	Helper()
	Fatalf(format string, args ...any)
}

// TB is what the servers need of [*testing.T].
type TB interface {
	T
	Cleanup(f func())
}
