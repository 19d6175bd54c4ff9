package cleeng_test

import (
	"fmt"

	"example.com/paperround/event/cleeng"
	"example.com/paperround/event/eventtest"
	"example.com/paperround/topic"
)

func ExampleDecode() {
	ev, err := cleeng.Decode(eventtest.Sample(topic.CleengPassCreated))
	if err != nil {
		fmt.Println(err)
		return
	}
	if pass, ok := ev.(*cleeng.PassCreated); ok {
		until, _ := pass.ExpirationDate.Time()
		fmt.Println(pass.PassID, pass.CustomerID, until.Year())
	}

	// Output:
	// 730055118 700118254 2024
}
