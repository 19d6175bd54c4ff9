package eventtest_test

import (
	"fmt"
	"testing"

	"example.com/paperround/event"
	"example.com/paperround/event/cleeng"
	"example.com/paperround/event/eventtest"
	"example.com/paperround/topic"
)

// printT prints what would fail a test, so that an example can show it.
type printT struct{}

func (printT) Helper() {}

func (printT) Errorf(format string, args ...any) { fmt.Printf(format+"\n", args...) }

// In a test, pass the *testing.T.
func ExampleAssertShape() {
	emitted := &cleeng.OfferPriceChanged{
		Envelope: cleeng.Envelope{BroadcasterID: event.NewID(401882913)},
		OfferID:  "S204417765",
	}
	body, _, err := emitted.Encode()
	fmt.Println(err)
	eventtest.AssertShape(printT{}, topic.CleengOfferPriceChanged, body)

	// Output:
	// <nil>
	// cleeng:offerPriceChanged: body is not as documented (https://developers.cleeng.com/docs/webhooks-offer-topics):
	// 	data.updatedAt is missing, want a time (RFC 3339, or seconds or milliseconds since 1970)
}

func ExampleNew() {
	ev := eventtest.New(topic.InPlayerSubscribeSuccess)
	body, contentType, err := ev.Encode()
	fmt.Println(contentType, len(body) > 0, err)

	// Output:
	// application/x-www-form-urlencoded true <nil>
}

var _ eventtest.T = (*testing.T)(nil)
