package schema_test

import (
	"encoding/json"
	"fmt"

	"example.com/paperround/event/schema"
	"example.com/paperround/topic"
)

func ExampleFor() {
	document, ok := schema.For(topic.CleengPassTerminated)
	fmt.Println(ok)
	var s struct {
		ID         string `json:"$id"`
		Properties struct {
			Data struct {
				Required []string `json:"required"`
			} `json:"data"`
		} `json:"properties"`
	}
	err := json.Unmarshal(document, &s)
	fmt.Println(s.ID, s.Properties.Data.Required, err)

	_, ok = schema.For("acme:invoice.paid")
	fmt.Println(ok)

	// Output:
	// true
	// urn:paperround:schema:cleeng:passTerminated [passId offerId customerId customerEmail] <nil>
	// false
}
