// Package codec holds what the provider packages with JSON bodies share.
package codec

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"

	"example.com/paperround/event"
	"example.com/paperround/event/internal/rawjson"
	"example.com/paperround/topic"
)

// Text returns the string that an envelope member holds. It allocates only when
// the string has escapes.
func Text(m event.Member) ([]byte, error) {
	switch {
	case m.Value == nil:
		return nil, &event.Error{Field: m.Name, Offset: -1, Reason: "the member is missing", Err: event.ErrNoTopic}
	case m.Value[0] != '"':
		return nil, &event.Error{Field: m.Name, Offset: m.Offset, Reason: "want a string", Err: event.ErrMistyped}
	}
	text := m.Value[1 : len(m.Value)-1]
	if bytes.IndexByte(text, '\\') >= 0 {
		var s string
		if err := json.Unmarshal(m.Value, &s); err != nil {
			return nil, &event.Error{Field: m.Name, Offset: m.Offset, Err: event.ErrMalformed}
		}
		text = []byte(s)
	}
	if len(text) == 0 {
		return nil, &event.Error{Field: m.Name, Offset: m.Offset, Reason: "the string is empty", Err: event.ErrNoTopic}
	}
	return text, nil
}

// Object decodes a member that must be an object into the struct v points to.
func Object(t topic.Topic, m event.Member, v any) error {
	switch {
	case m.Value == nil:
		return &event.Error{Topic: t, Field: m.Name, Offset: -1, Reason: "the member is missing", Err: event.ErrMalformed}
	case m.Value[0] != '{':
		return &event.Error{Topic: t, Field: m.Name, Offset: m.Offset, Reason: "want an object", Err: event.ErrMistyped}
	}
	return Value(t, m, v)
}

// Value decodes a member of any type into what v points to; a missing member
// leaves v as it is. The member must come from [event.Scan].
func Value(t topic.Topic, m event.Member, v any) error {
	if m.Value == nil {
		return nil
	}
	err := json.Unmarshal(m.Value, v)
	if err == nil {
		return nil
	}
	mistyped, ok := errors.AsType[*json.UnmarshalTypeError](err)
	if !ok {
		return &event.Error{Topic: t, Field: m.Name, Offset: m.Offset, Reason: "cannot be decoded", Err: event.ErrMistyped}
	}
	// Value may go on with the number itself, which errors do not repeat.
	kind, _, _ := strings.Cut(mistyped.Value, " ")
	return &event.Error{
		Topic:  t,
		Field:  join(m.Name, mistyped.Field),
		Offset: locate(m, mistyped.Field),
		Reason: "got a JSON " + kind + ", want " + typeName(mistyped.Type),
		Err:    event.ErrMistyped,
	}
}

// Body is the member that stands for a whole body without an envelope.
func Body(body []byte) event.Member {
	trimmed := bytes.TrimLeft(body, " \t\r\n")
	return event.Member{Value: trimmed, Offset: len(body) - len(trimmed)}
}

func join(member, field string) string {
	if member == "" || field == "" {
		return member + field
	}
	return member + "." + field
}

// locate finds where the value at path begins. It stops at an array, since the
// path does not tell which element is meant.
func locate(m event.Member, path string) int {
	offset, value := m.Offset, m.Value
	for path != "" {
		name, rest, _ := strings.Cut(path, ".")
		next := [1]event.Member{{Name: name}}
		if value[0] != '{' || event.Scan(value, next[:]) != nil || next[0].Value == nil {
			break
		}
		offset += next[0].Offset
		value, path = next[0].Value, rest
	}
	return offset
}

func typeName(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[event.ID]():
		return "an id (number or string)"
	case reflect.TypeFor[event.Decimal]():
		return "a decimal (number, or string that holds one)"
	case reflect.TypeFor[event.Flag]():
		return "a flag (true, false, 1 or 0)"
	case reflect.TypeFor[event.Time]():
		return "a time (RFC 3339, or seconds or milliseconds since 1970)"
	}
	if t == nil {
		return "another type"
	}
	switch t.Kind() { //nolint:exhaustive // the rest have no better name than their own
	case reflect.Struct, reflect.Map:
		return "an object"
	case reflect.Slice, reflect.Array:
		return "an array"
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	}
	return t.String()
}

// Marshal writes v as JSON on behalf of an event of topic t. The error names
// field.
func Marshal(t topic.Topic, field string, v any) ([]byte, error) {
	b, err := rawjson.Marshal(v)
	if err != nil {
		return nil, &event.Error{Topic: t, Field: field, Offset: -1, Reason: "cannot be written as JSON", Err: event.ErrMalformed}
	}
	return b, nil
}

// IsNil reports whether e is nil or a nil pointer.
func IsNil(e event.Event) bool {
	if e == nil {
		return true
	}
	v := reflect.ValueOf(e)
	return v.Kind() == reflect.Pointer && v.IsNil()
}

// Nil is the error for an event that [IsNil].
func Nil(e event.Event) error {
	var t topic.Topic
	if e != nil {
		t = e.Topic()
	}
	return &event.Error{Topic: t, Offset: -1, Reason: "the event is a nil pointer", Err: event.ErrIncomplete}
}
