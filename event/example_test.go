package event_test

import (
	"fmt"

	"example.com/paperround/event"
	"example.com/paperround/event/cleeng"
	"example.com/paperround/topic"
)

func Example() {
	var ev event.Event = &cleeng.PassTerminated{
		Envelope:      cleeng.Envelope{BroadcasterID: event.NewID(401882913)},
		PassID:        event.NewID("730055118"),
		OfferID:       "P440192736_PL",
		CustomerID:    event.NewID(700118254),
		CustomerEmail: "ana@example.com",
	}
	body, contentType, err := ev.Encode()
	fmt.Println(contentType, err)
	fmt.Println(string(body))

	// Output:
	// application/json <nil>
	// {"broadcasterId":401882913,"topic":"passTerminated","data":{"passId":"730055118","offerId":"P440192736_PL","customerId":700118254,"customerEmail":"ana@example.com"}}
}

func ExampleJSON() {
	ev := event.JSON("acme:invoice.paid", map[string]int{"invoice": 7})
	body, _, err := ev.Encode()
	fmt.Println(ev.Topic(), string(body), err)

	// Output:
	// acme:invoice.paid {"invoice":7} <nil>
}

func ExampleUnknown() {
	ev, err := cleeng.Decode([]byte(`{"broadcasterId":1,"topic":"neverSent","data":{}}`))
	if u, ok := ev.(*event.Unknown); ok {
		fmt.Println(u.Topic(), string(u.Body), err)
	}

	// Output:
	// cleeng:neverSent {"broadcasterId":1,"topic":"neverSent","data":{}} <nil>
}

func ExampleScan() {
	members := []event.Member{{Name: "topic"}, {Name: "data"}}
	fmt.Println(event.Scan([]byte(`{"topic":"passCreated","data":{"passId":"7"}}`), members))
	fmt.Println(string(members[1].Value))

	fmt.Println(event.Scan([]byte(`{"topic":"payment.failed","TOPIC":"payment.success"}`), members))

	// Output:
	// <nil>
	// {"passId":"7"}
	// event: malformed body: field "TOPIC" at offset 26: same key as an earlier one, in this spelling or another
}

func ExampleID() {
	number, text := event.NewID(7), event.NewID("7")
	fmt.Println(number == text, number.Text() == text.Text())

	// Output:
	// false true
}

func ExampleNewDecimal() {
	price := event.NewDecimal(1175, 2)
	exact, _ := price.Rat()
	fmt.Println(price, exact.RatString())

	// Output:
	// 11.75 47/4
}

// The topics that a program handles can be looked up in the catalog.
func ExampleEvent() {
	ev, err := cleeng.Decode([]byte(`{"broadcasterId":1,"topic":"refundPayment","data":{"amount":5}}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	switch ev := ev.(type) {
	case *cleeng.RefundPayment:
		info, _ := ev.Topic().Info()
		fmt.Println(string(ev.Data), info.Evidence == topic.NameAlone)
	}

	// Output:
	// {"amount":5} true
}
