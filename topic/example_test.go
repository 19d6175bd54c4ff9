package topic_test

import (
	"fmt"

	"example.com/paperround/topic"
)

func Example() {
	t := topic.InPlayerSubscribeSuccess
	fmt.Println(t, t.Provider(), t.Name())

	info, _ := t.Info()
	fmt.Println(info.Summary, info.Evidence)

	// Output:
	// inplayer:subscribe.success inplayer subscribe.success
	// A subscription began. whole
}

func ExamplePattern_Match() {
	failures := topic.Pattern("*.failed")
	fmt.Println(failures.Match(topic.InPlayerPaymentCardFailed))
	fmt.Println(failures.Match(topic.ConsCentTransactionFailed))
	fmt.Println(failures.Match(topic.CleengPaymentRejected))

	// Output:
	// true
	// true
	// false
}

func ExampleParse() {
	_, err := topic.Parse("invoice.paid")
	fmt.Println(err)

	own, err := topic.Parse("acme:invoice.paid")
	fmt.Println(own, err)

	// Output:
	// topic: "invoice.paid": topic has no provider; write it as provider:name
	// acme:invoice.paid <nil>
}
