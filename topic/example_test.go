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

// The rows are enough for a settings page on which endpoints choose topics.
func ExampleOf() {
	for t := range topic.Of(topic.InPlayer) {
		if !topic.Pattern("*.failed").Match(t) {
			continue
		}
		info, _ := t.Info()
		fmt.Printf("%-12s  %-33s  %-10s  %s\n", info.Group, t.Name(), info.Evidence, info.Summary)
	}

	// Output:
	// payment       payment.card.failed                whole       A single purchase by card failed.
	// payment       payment.refund.failed              whole       Money could not be paid back.
	// subscription  subscribe.failed                   whole       A subscription could not begin.
	// subscription  subscribe.cancelled.failed         whole       A subscription could not be cancelled.
	// external      subscription.rebill.failed         whole       The renewal of a PayPal subscription could not be charged.
	// external      external.payment.failed            whole       A single purchase through an outside method failed.
	// external      external.payment.refund.failed     whole       A payment through an outside method could not be paid back.
	// external      external.subscribe.failed          whole       A subscription through an outside method could not begin.
	// external      external.subscribe.cancel.failed   whole       A subscription through an outside method could not be cancelled.
	// external      external.subscribe.update.failed   whole       The billing agreement of a subscription through an outside method could not be changed.
	// freemium      freemium.grant.failed              name alone  Access to a free asset could not be given.
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
