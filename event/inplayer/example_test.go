package inplayer_test

import (
	"fmt"
	"strings"
	"time"

	"example.com/paperround/event"
	"example.com/paperround/event/inplayer"
)

func ExampleDecode() {
	ev, err := inplayer.Decode([]byte(
		"id=WHE-1&created=1724233622&type=subscribe.success&resource%5Bemail%5D=kofi%40example.org&resource%5Bamount%5D=7.99"))
	if err != nil {
		fmt.Println(err)
		return
	}
	if sub, ok := ev.(*inplayer.SubscribeSuccess); ok {
		fmt.Println(sub.EventID, sub.Email, sub.Amount)
	}

	// Output:
	// WHE-1 kofi@example.org 7.99
}

func ExampleSubscribeSuccess() {
	ev := &inplayer.SubscribeSuccess{
		Envelope: inplayer.Envelope{
			EventID: "WHE-1",
			Created: event.NewTime(time.Unix(1724233622, 0), event.UnixSeconds),
			Version: new("2.4.2"),
			Style:   inplayer.PHP,
		},
		Transaction: "S-6Iuj2OkD",
		Email:       "kofi@example.org",
		Amount:      event.NewDecimal(799, 2),
		Status:      "success",
	}
	body, _, err := ev.Encode()
	fmt.Println(strings.ReplaceAll(string(body), "&", "\n"), err)

	// Output:
	// id=WHE-1
	// created=1724233622
	// type=subscribe.success
	// version=2.4.2
	// resource%5Btransaction%5D=S-6Iuj2OkD
	// resource%5Bdescription%5D=
	// resource%5Bemail%5D=kofi%40example.org
	// resource%5BpreviewTitle%5D=
	// resource%5Bformatted_amount%5D=
	// resource%5Bamount%5D=7.99
	// resource%5Bstatus%5D=success <nil>
}
