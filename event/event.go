package event

import "example.com/paperround/topic"

// Event is one occurrence of a topic: what a platform emits and a receiver
// handles. The typed events of the provider packages implement it, as do
// [Unknown] and what [JSON] returns. A host can implement it for its own types.
type Event interface {
	// Topic names what kind of event this is.
	Topic() topic.Topic

	// Encode writes the request body exactly as the provider writes it, with
	// the content type to send it under. The caller owns body. Encoding the
	// same value again gives the same bytes. The error says which field keeps
	// the event from being sent.
	Encode() (body []byte, contentType string, err error)
}
