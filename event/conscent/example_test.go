package conscent_test

import (
	"fmt"

	"example.com/paperround/event"
	"example.com/paperround/event/conscent"
	"example.com/paperround/event/eventtest"
	"example.com/paperround/topic"
)

func ExampleCancelledSubscription() {
	ev := &conscent.CancelledSubscription{
		Envelope: conscent.Envelope{UserID: "7a0000000000c0ffee000001"},
		Renewal:  &conscent.Renewal{Status: new("CANCELLED"), Price: event.NewDecimal(2451, 2), Currency: new("USD")},
	}
	body, _, err := ev.Encode()
	fmt.Println(string(body), err)

	// Output:
	// {"entity":"event","user_id":"7a0000000000c0ffee000001","event":"cancelled.subscription","contains":["renewal"],"payload":{"renewal":{"status":"CANCELLED","price":24.51,"currency":"USD"}}} <nil>
}

// A sign-up and a login have the same body, so the route says which it is.
func ExampleNewCodec() {
	body := eventtest.Sample(topic.ConsCentOldLogin)
	_, err := conscent.Decode(body)
	fmt.Println(err)

	logins, err := conscent.NewCodec(&conscent.Options{Old: topic.ConsCentOldLogin})
	if err != nil {
		fmt.Println(err)
		return
	}
	ev, err := logins.Decode(body)
	fmt.Println(ev.Topic(), err)

	// Output:
	// event: no topic in body: a sign-up and a login look the same; decode this route with NewCodec and Options.Old
	// conscent:old.login <nil>
}
