package event

import (
	"bytes"

	"example.com/paperround/topic"
)

// Unknown is an event of a topic that has no type because the catalog does not
// list it. Decoding gives it
// instead of an error, so that a provider's new topic breaks no receiver, and
// encoding passes it through byte for byte. The zero value cannot be encoded.
type Unknown struct {
	Of          topic.Topic // what the body says it is
	ContentType string      // what to send it under
	Body        []byte      // the whole request body, envelope included
}

// Topic returns Of.
func (u *Unknown) Topic() topic.Topic {
	if u == nil {
		return ""
	}
	return u.Of
}

// Encode returns a copy of the body as it is. The error is an [*Error] that
// wraps [ErrIncomplete] when the topic or the content type is missing.
func (u *Unknown) Encode() (body []byte, contentType string, err error) {
	switch {
	case u == nil || u.Of == "":
		return nil, "", &Error{Offset: -1, Reason: "an unknown event needs its topic in Of", Err: ErrIncomplete}
	case u.ContentType == "":
		return nil, "", &Error{Topic: u.Of, Offset: -1, Reason: "an unknown event needs its ContentType", Err: ErrIncomplete}
	}
	return bytes.Clone(u.Body), u.ContentType, nil
}
