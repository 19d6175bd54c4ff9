package delivertest_test

import (
	"context"
	"fmt"
	"slices"
	"time"

	"example.com/paperround/deliver"
	"example.com/paperround/deliver/delivertest"
	"example.com/paperround/event"
	"example.com/paperround/event/inplayer"
)

// publisher is what a host's code asks for: a *deliver.Dispatcher in production,
// a *delivertest.Recorder in its unit tests.
type publisher interface {
	Publish(ctx context.Context, ev event.Event, opts *deliver.PublishOptions) (string, error)
}

// subscribe is the code under test.
func subscribe(ctx context.Context, p publisher, email string) error {
	ev := &inplayer.SubscribeSuccess{
		Envelope: inplayer.Envelope{EventID: "sub-1", Created: event.NewTime(time.Unix(1772366400, 0), event.UnixSeconds)},
		Email:    email,
	}
	_, err := p.Publish(ctx, ev, &deliver.PublishOptions{Tenant: "t-7", ID: "sub-1"})
	return err
}

// printT prints what would fail a test, so that an example can show it.
type printT struct{}

func (printT) Helper() {}

func (printT) Fatalf(format string, args ...any) { fmt.Printf(format+"\n", args...) }

// In a test, pass the *testing.T.
func ExampleRequirePublished() {
	var rec delivertest.Recorder
	fmt.Println(subscribe(context.Background(), &rec, "ada@example.com"))

	got := delivertest.RequirePublished[*inplayer.SubscribeSuccess](printT{}, &rec, nil)
	fmt.Println(got.Event.Email, got.Message.Tenant)

	delivertest.RequirePublished[*inplayer.AssetAccessGranted](printT{}, &rec, nil)
	// Output:
	// <nil>
	// ada@example.com t-7
	// published: 0 of *inplayer.AssetAccessGranted, want 1; what was published:
	// 	1. *inplayer.SubscribeSuccess inplayer:subscribe.success, id sub-1, tenant "t-7", key ""
}

// printTB has what a server needs in addition. In a test, pass the *testing.T.
type printTB struct {
	printT
	cleanup []func()
}

func (tb *printTB) Cleanup(f func()) { tb.cleanup = append(tb.cleanup, f) }

func (tb *printTB) end() {
	for _, f := range slices.Backward(tb.cleanup) {
		f()
	}
}

func ExampleNewReceiver() {
	var tb printTB
	defer tb.end()
	r := delivertest.NewReceiver(&tb, nil)
	r.Answer(delivertest.Answer{Status: 503, RetryAfter: time.Minute})
	client, err := deliver.NewClient(r.ClientOptions())
	if err != nil {
		fmt.Println(err)
		return
	}
	for range 2 {
		res := deliver.Attempt(context.Background(), client, endpoint(r.URL()), message(3))
		fmt.Println(res.Status, res.RetryAfter)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	got, err := r.Wait(ctx, 2)
	fmt.Println(len(got), err)
	fmt.Println(got[1].Method, got[1].Header.Get("Webhook-Id"), string(got[1].Body))
	// Output:
	// 503 1m0s
	// 200 0s
	// 2 <nil>
	// POST msg_1 xxx
}

// A client of any make can be tried; this one is the library's. All returns every
// trick.
func ExampleNewHostile() {
	var tb printTB
	defer tb.end()
	h := delivertest.NewHostile(&tb)
	client, err := deliver.NewClient(h.ClientOptions())
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, trick := range []delivertest.Trick{
		delivertest.TrickReset, delivertest.TrickGiantHeader, delivertest.TrickRedirectInside, delivertest.TrickWrongName,
	} {
		res := deliver.Attempt(context.Background(), client, endpoint(h.URL(trick)), message(100))
		fmt.Printf("%s: %s\n", trick, res.Reason)
	}
	// Output:
	// reset: network
	// giant header: network
	// redirect to metadata: redirect
	// wrong name: tls
}
