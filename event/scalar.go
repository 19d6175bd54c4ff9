package event

import (
	"encoding/json"
	"reflect"
	"unicode/utf8"

	"example.com/paperround/event/internal/rawjson"
)

// scalar is what ID, Decimal, Flag and Time have in common: a value kept as it
// was written, together with the form in which it was.
type scalar struct {
	text string
	form form
}

type form uint8

const (
	absent  form = iota // the field was not there; the zero value
	null                // JSON null
	number              // a JSON number, spelled text
	quoted              // a JSON string that says text
	boolean             // JSON true or false, spelled text
)

// Scalar lists the scalar types, for [Null].
type Scalar interface {
	ID | Decimal | Flag | Time
}

// Null returns a scalar that is written as JSON null, and as empty text in a
// form; for fields that a provider documents as null.
func Null[T Scalar]() T {
	return T(struct{ s scalar }{scalar{form: null}})
}

func (s scalar) marshalJSON() ([]byte, error) {
	switch s.form {
	case number, boolean:
		return []byte(s.text), nil
	case quoted:
		return rawjson.Marshal(s.text)
	case absent, null:
	}
	return []byte("null"), nil
}

// unmarshalJSON keeps what b says when accept takes it.
func unmarshalJSON[T Scalar](b []byte, accept func(scalar) bool) (scalar, error) {
	var s scalar
	var kind string
	switch b[0] {
	case 'n':
		return scalar{form: null}, nil
	case 't', 'f':
		s, kind = scalar{string(b), boolean}, "bool"
	case '"':
		s.form, kind = quoted, "string"
		if isPlain(b) {
			s.text = string(b[1 : len(b)-1])
		} else if err := json.Unmarshal(b, &s.text); err != nil {
			return scalar{}, err
		}
	case '{':
		kind = "object"
	case '[':
		kind = "array"
	default:
		s, kind = scalar{string(b), number}, "number"
	}
	if s.form == absent || !accept(s) {
		return scalar{}, &json.UnmarshalTypeError{Value: kind, Type: reflect.TypeFor[T]()}
	}
	return s, nil
}

// isPlain reports whether b is a JSON string that is written as it reads, with
// nothing in it to decode.
func isPlain(b []byte) bool {
	if len(b) < 2 || b[len(b)-1] != '"' {
		return false
	}
	for _, c := range b[1 : len(b)-1] {
		if c < ' ' || c >= utf8.RuneSelf || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// unmarshalText keeps a form's value when accept takes it. A form has only
// text, so what looks like a number is one.
func unmarshalText[T Scalar](b []byte, accept func(scalar) bool) (scalar, error) {
	s := scalar{string(b), quoted}
	if n := numberLen(b); n > 0 && n == len(b) {
		s.form = number
	}
	if !accept(s) {
		return scalar{}, &json.UnmarshalTypeError{Value: "text", Type: reflect.TypeFor[T]()}
	}
	return s, nil
}
