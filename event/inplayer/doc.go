// Package inplayer models InPlayer's webhooks: one struct per topic, [Decode]
// and Encode.
//
// A request is a form with the keys id, created, type, sometimes version, and
// resource[...] with the payload, nested as PHP nests. A struct has the fields
// of the resource and embeds [Envelope] for the rest:
//
//	ev := &inplayer.CustomerRegistered{
//		Envelope: inplayer.Envelope{
//			EventID: "35c9a8c4-668d-48f4-aa42-3cf9d330a549",
//			Created: event.NewTime(time.Now(), event.UnixSeconds),
//		},
//		ID:    event.NewID(56160),
//		Email: "kofi@example.org",
//	}
//	body, contentType, err := ev.Encode()
//
// Two kinds of sender exist: one writes the keys sorted, ids that look like
// UUIDs, dates with Z and flags as true and false; the other writes them in
// PHP's order, ids that begin with WHE-, a version, dates with +0000 and flags
// as 1 and 0. Decoding depends on none of this. Encoding follows
// [Envelope.Style] for the order; the values are written as they were made.
package inplayer
