// Package cleeng models Cleeng's webhooks: one struct per topic, [Decode] and
// Encode.
//
// Every request is a JSON object of broadcasterId, topic and data. A struct has
// the fields of data and embeds [Envelope] for the rest, so an event is written
// as one literal:
//
//	ev := &cleeng.PassTerminated{
//		Envelope:   cleeng.Envelope{BroadcasterID: event.NewID(401882913)},
//		PassID:     event.NewID("730055118"),
//		OfferID:    "P440192736_PL",
//		CustomerID: event.NewID(700118254),
//	}
//	body, contentType, err := ev.Encode()
//
// The public documentation is incomplete. Where it shows no payload, the struct
// carries Data as raw JSON; a topic without a struct decodes to
// [event.Unknown]. Cleeng documents neither the content type of its requests
// nor an id of theirs.
package cleeng
