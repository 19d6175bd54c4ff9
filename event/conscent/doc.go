// Package conscent models ConsCent's webhooks: one struct per topic, [Decode]
// and Encode.
//
// Two families exist. A new webhook is a JSON object of entity, user_id, event,
// contains, payload, client_info and created_at; its struct has the objects of
// the payload and embeds [Envelope] for the rest. An old webhook is a bare
// object without envelope; its struct has the fields of the body:
//
//	ev := &conscent.CancelledSubscription{
//		Envelope: conscent.Envelope{
//			UserID:    "7a0000000000c0ffee000001",
//			CreatedAt: event.NewTime(time.Now(), event.UnixSeconds),
//		},
//		Renewal: &conscent.Renewal{Status: new("CANCELLED")},
//	}
//	body, contentType, err := ev.Encode()
//
// An old body says at most in passing what it is. [Decode] goes by the marks
// that the documentation shows; those of sign-up and login are the same, so a
// route that receives them needs a codec of [NewCodec] that is told which.
//
// The documentation consists of examples, without types or a word on what is
// optional: whatever some example lacks is optional here. ConsCent documents
// neither the content type of its requests nor an id of theirs.
package conscent
