package event

import (
	"errors"
	"fmt"
	"strings"

	"example.com/paperround/topic"
)

// What can be wrong with a body or an event; match with [errors.Is].
var (
	// ErrMalformed means that the body is not strict JSON or not a well-formed
	// form: a syntax error, a key given twice, invalid UTF-8, trailing data,
	// absurd nesting.
	ErrMalformed = errors.New("malformed body")

	// ErrNoTopic means that the body does not say which topic it is of.
	ErrNoTopic = errors.New("no topic in body")

	// ErrMistyped means that a value is not of its field's type.
	ErrMistyped = errors.New("value of another type")

	// ErrIncomplete means that an event lacks what it cannot be sent without.
	ErrIncomplete = errors.New("incomplete event")
)

// Error says where and why a body could not be decoded or an event could not be
// encoded. Its text names fields and offsets and never repeats a value.
type Error struct {
	Topic  topic.Topic // the event's topic; "" when the body did not get that far
	Field  string      // JSON path or form key, such as "data.customerId"; "" when no field is to blame
	Offset int         // byte offset into the body; negative when no place is to blame
	Reason string      // what is wrong there
	Err    error       // one of the package's Err values, or what an encoder of the host returned; the text leaves out the latter
}

// Error implements the error interface.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("event: ")
	if e.Topic != "" {
		fmt.Fprintf(&b, "%s: ", e.Topic)
	}
	text := "failed" // where the cause is a host's, whose text may hold anything
	for _, own := range []error{ErrMalformed, ErrNoTopic, ErrMistyped, ErrIncomplete} {
		if errors.Is(e.Err, own) {
			text = own.Error()
		}
	}
	b.WriteString(text)
	if e.Field != "" {
		fmt.Fprintf(&b, ": field %q", e.Field)
	}
	if e.Offset >= 0 {
		fmt.Fprintf(&b, " at offset %d", e.Offset)
	}
	if e.Reason != "" {
		b.WriteString(": " + e.Reason)
	}
	return b.String()
}

// Unwrap returns what [errors.Is] matches.
func (e *Error) Unwrap() error { return e.Err }
