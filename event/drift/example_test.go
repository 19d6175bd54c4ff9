package drift_test

import (
	"fmt"

	"example.com/paperround/event/drift"
	"example.com/paperround/topic"
)

func ExampleCompare() {
	differences, err := drift.Compare(topic.CleengPassTerminated, []byte(`{
		"broadcasterId": 401882913,
		"topic": "passTerminated",
		"data": {"passId": "730055118", "offerId": 440192736, "customerId": 700118254, "reason": "expired"}
	}`))
	for _, d := range differences {
		fmt.Println(d)
	}
	fmt.Println(err)

	// Output:
	// data.offerId is mistyped, got a number, want a string
	// data.customerEmail is missing, want a string
	// data.reason is unknown, got a string
	// <nil>
}
