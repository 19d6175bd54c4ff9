// Package codec holds what the provider packages with JSON bodies share.
package codec

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"

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
	if decode(m.Value, v) == nil {
		return nil
	}
	b := blame(m.Value, reflect.TypeOf(v).Elem())
	return &event.Error{
		Topic:  t,
		Field:  join(m.Name, b.path),
		Offset: m.Offset + b.offset,
		Reason: "got " + kindOf(m.Value[b.offset]) + ", want " + typeName(b.want),
		Err:    event.ErrMistyped,
	}
}

// decode is json.Unmarshal of a value that is known to be valid, so a type that
// decodes itself need not be called by way of another check.
func decode(value []byte, v any) error {
	if u, ok := v.(json.Unmarshaler); ok {
		return u.UnmarshalJSON(value)
	}
	return json.Unmarshal(value, v)
}

// Body is the member that stands for a whole body without an envelope.
func Body(body []byte) event.Member {
	trimmed := bytes.TrimLeft(body, " \t\r\n")
	return event.Member{Value: trimmed, Offset: len(body) - len(trimmed)}
}

func join(path, name string) string {
	switch {
	case path == "" || name == "":
		return path + name
	case name[0] == '[':
		return path + name
	}
	return path + "." + name
}

// culprit is the value that keeps another one from being decoded.
type culprit struct {
	path   string
	offset int
	want   reflect.Type
}

// blame finds what in raw, a value that event.Scan has accepted, does not fit t.
// It decodes part by part, so it needs nothing of what encoding/json says, which
// differs between its versions.
func blame(raw []byte, t reflect.Type) culprit {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	here := culprit{want: t}
	if either, ok := reflect.TypeAssert[interface{ Alternatives() []reflect.Type }](reflect.Zero(t)); ok && raw[0] == '{' {
		for _, a := range either.Alternatives() {
			if a.Kind() == reflect.Struct && !reflect.PointerTo(a).Implements(reflect.TypeFor[json.Unmarshaler]()) {
				return blame(raw, a)
			}
		}
	}
	if reflect.PointerTo(t).Implements(reflect.TypeFor[json.Unmarshaler]()) {
		return here
	}
	within := func(name string, at int, raw []byte, t reflect.Type) (culprit, bool) {
		if json.Unmarshal(raw, reflect.New(t).Interface()) == nil {
			return culprit{}, false
		}
		inner := blame(raw, t)
		return culprit{join(name, inner.path), at + inner.offset, inner.want}, true
	}
	switch {
	case t.Kind() == reflect.Struct && raw[0] == '{':
		for f := range t.Fields() {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			m := [1]event.Member{{Name: name}}
			if event.Scan(raw, m[:]) != nil || m[0].Value == nil {
				continue
			}
			if c, ok := within(name, m[0].Offset, m[0].Value, f.Type); ok {
				return c
			}
		}
	case t.Kind() == reflect.Slice && raw[0] == '[':
		d := json.NewDecoder(bytes.NewReader(raw))
		if _, err := d.Token(); err != nil { // the bracket
			return here
		}
		for i := 0; d.More(); i++ {
			var elem json.RawMessage
			if d.Decode(&elem) != nil {
				return here
			}
			if c, ok := within("["+strconv.Itoa(i)+"]", int(d.InputOffset())-len(elem), elem, t.Elem()); ok {
				return c
			}
		}
	}
	return here
}

// kindOf names the kind of a JSON value by its first byte.
func kindOf(c byte) string {
	switch c {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '"':
		return "a string"
	case 't', 'f':
		return "a bool"
	case 'n':
		return "null"
	}
	return "a number"
}

func typeName(t reflect.Type) string {
	if either, ok := reflect.TypeAssert[interface{ Alternatives() []reflect.Type }](reflect.Zero(t)); ok {
		var names []string
		for _, a := range either.Alternatives() {
			names = append(names, typeName(a))
		}
		return strings.Join(names, ", or ")
	}
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
	if !isUTF8(reflect.ValueOf(v)) {
		return nil, &event.Error{Topic: t, Field: field, Offset: -1, Reason: "text is not valid UTF-8", Err: event.ErrMalformed}
	}
	b, err := rawjson.Marshal(v)
	if err != nil {
		return nil, &event.Error{Topic: t, Field: field, Offset: -1, Reason: "cannot be written as JSON", Err: event.ErrMalformed}
	}
	return b, nil
}

// Strict makes sure that a body which holds JSON of the host's is one that
// decoding takes.
func Strict(t topic.Topic, body []byte) error {
	err := event.Scan(body, nil)
	if e, ok := errors.AsType[*event.Error](err); ok {
		e.Topic = t
	}
	return err
}

// isUTF8 looks into all text of a value, since encoding/json would replace what
// is not valid.
func isUTF8(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.String:
		return utf8.ValidString(v.String())
	case reflect.Pointer, reflect.Interface:
		return v.IsNil() || isUTF8(v.Elem())
	case reflect.Struct:
		for _, field := range v.Fields() {
			if !isUTF8(field) {
				return false
			}
		}
	case reflect.Slice, reflect.Array:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return v.Kind() == reflect.Array || utf8.Valid(v.Bytes())
		}
		for i := range v.Len() {
			if !isUTF8(v.Index(i)) {
				return false
			}
		}
	case reflect.Map:
		for it := v.MapRange(); it.Next(); {
			if !isUTF8(it.Key()) || !isUTF8(it.Value()) {
				return false
			}
		}
	default:
	}
	return true
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
