package event

import (
	"errors"
	"iter"
	"reflect"
	"slices"
)

// Codec decodes the bodies of one provider, or of one route, into events, and
// knows which types it can yield. It is immutable and safe for concurrent use.
// The provider packages make theirs; a host makes one for topics of its own.
type Codec struct {
	decode func(body []byte) (Event, error)
	types  []reflect.Type
}

// NewCodec makes a codec of a decoding function and a value of each type that it
// yields, of which only the type matters: a nil pointer will do. [*Unknown] is
// understood. It is an error when there is no function or a value is nil.
func NewCodec(decode func(body []byte) (Event, error), yields ...Event) (*Codec, error) {
	if decode == nil {
		return nil, errors.New("event: a codec needs a function that decodes")
	}
	types := []reflect.Type{reflect.TypeFor[*Unknown]()}
	for _, e := range yields {
		if e == nil {
			return nil, errors.New("event: a codec yields typed events; write (*T)(nil) instead of nil")
		}
		types = append(types, reflect.TypeOf(e))
	}
	return &Codec{decode, types}, nil
}

// Decode turns a body into an event: a typed one, or [*Unknown] for a topic
// that has no type. It does not keep body. The error is an [*Error].
func (c *Codec) Decode(body []byte) (Event, error) { return c.decode(body) }

// Types yields the types of events that Decode can return.
func (c *Codec) Types() iter.Seq[reflect.Type] { return slices.Values(c.types) }

// Yields reports whether Decode can return an event of type t.
func (c *Codec) Yields(t reflect.Type) bool { return slices.Contains(c.types, t) }
