package event

import "strconv"

// ID identifies something of the provider's. The same id is a JSON number on
// some topics and a string on others, so an ID keeps which it was: digits are
// never rounded, and encoding writes back what was read. Compare ids by
// [ID.Text], which is "7" for 7 and for "7".
//
// The zero value is an absent field: with omitzero it is not written. An ID is
// a plain value, comparable and safe for concurrent use.
type ID struct{ s scalar }

// NewID makes an ID that is written as a number when v is one, and as a string
// when v is one.
func NewID[T int | int64 | string](v T) ID {
	switch v := any(v).(type) {
	case int:
		return ID{scalar{strconv.Itoa(v), number}}
	case int64:
		return ID{scalar{strconv.FormatInt(v, 10), number}}
	case string:
		return ID{scalar{v, quoted}}
	}
	return ID{}
}

// Text returns the id without quotes, as a key to look things up by; "" for an
// absent id and for null.
func (id ID) Text() string { return id.s.text }

// String returns [ID.Text].
func (id ID) String() string { return id.s.text }

// IsZero reports whether the field was absent; null is not absent.
func (id ID) IsZero() bool { return id.s.form == absent }

// IsNull reports whether the field was null.
func (id ID) IsNull() bool { return id.s.form == null }

// MarshalJSON writes the number or the string that the ID was made from.
func (id ID) MarshalJSON() ([]byte, error) { return id.s.marshalJSON() }

// UnmarshalJSON reads a number, a string or null.
func (id *ID) UnmarshalJSON(b []byte) (err error) {
	id.s, err = unmarshalJSON[ID](b, isID)
	return err
}

// MarshalText returns [ID.Text], for forms and map keys.
func (id ID) MarshalText() ([]byte, error) { return []byte(id.s.text), nil }

// UnmarshalText reads any text.
func (id *ID) UnmarshalText(b []byte) (err error) {
	id.s, err = unmarshalText[ID](b, isID)
	return err
}

func isID(s scalar) bool { return s.form != boolean }
