package event

// Flag is a yes or no that providers write as true and false, as 1 and 0, or as
// either in quotes. A Flag keeps which it was. The empty string, which stands
// for "none" in forms, is accepted.
//
// The zero value is an absent field: with omitzero it is not written. A Flag is
// a plain value, safe for concurrent use; true and 1 mean the same and differ
// with ==.
type Flag struct{ s scalar }

// NewFlag makes a flag that is written as true or false.
func NewFlag(v bool) Flag {
	if v {
		return Flag{scalar{"true", boolean}}
	}
	return Flag{scalar{"false", boolean}}
}

// NewBit makes a flag that is written as 1 or 0.
func NewBit(v bool) Flag {
	if v {
		return Flag{scalar{"1", number}}
	}
	return Flag{scalar{"0", number}}
}

// Bool reports whether the flag says yes. What is absent, null or empty does
// not; ask [Flag.Set] to tell it from a no.
func (f Flag) Bool() bool { return f.s.text == "true" || f.s.text == "1" }

// Set reports whether the flag says yes or no.
func (f Flag) Set() bool { return f.s.text != "" }

// String returns the flag as it was written, without quotes; "" for an absent
// one and for null.
func (f Flag) String() string { return f.s.text }

// IsZero reports whether the field was absent; null and false are not absent.
func (f Flag) IsZero() bool { return f.s.form == absent }

// IsNull reports whether the field was null.
func (f Flag) IsNull() bool { return f.s.form == null }

// MarshalJSON writes what the Flag was made from.
func (f Flag) MarshalJSON() ([]byte, error) { return f.s.marshalJSON() }

// UnmarshalJSON reads true, false, 1, 0, a string that holds one of them or
// nothing, or null.
func (f *Flag) UnmarshalJSON(b []byte) (err error) {
	f.s, err = unmarshalJSON[Flag](b, isFlag)
	return err
}

// MarshalText returns the flag as it was written, for forms.
func (f Flag) MarshalText() ([]byte, error) { return []byte(f.s.text), nil }

// UnmarshalText reads true, false, 1, 0 or nothing.
func (f *Flag) UnmarshalText(b []byte) (err error) {
	f.s, err = unmarshalText[Flag](b, isFlag)
	if f.s.text == "true" || f.s.text == "false" {
		f.s.form = boolean
	}
	return err
}

func isFlag(s scalar) bool {
	switch s.text {
	case "true", "false", "1", "0":
		return true
	case "":
		return s.form == quoted
	}
	return false
}
