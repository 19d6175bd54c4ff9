package event

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"
)

// Decimal is an amount, a rate or a count. Providers write it as a JSON number
// or as a string, with the decimals they like; a Decimal keeps what was written
// and is never a float. The empty string, which stands for "none" in forms, is
// accepted.
//
// The zero value is an absent field: with omitzero it is not written. A Decimal
// is a plain value, safe for concurrent use; 10 and 10.00 are equal as numbers
// and not with ==.
type Decimal struct{ s scalar }

// NewDecimal makes the JSON number of the given digits with scale of them after
// the point: NewDecimal(1175, 2) is 11.75.
func NewDecimal(digits int64, scale uint8) Decimal {
	text := strconv.FormatInt(digits, 10)
	if scale == 0 {
		return Decimal{scalar{text, number}}
	}
	text, negative := strings.CutPrefix(text, "-")
	if short := int(scale) + 1 - len(text); short > 0 {
		text = strings.Repeat("0", short) + text
	}
	point := len(text) - int(scale)
	text = text[:point] + "." + text[point:]
	if negative {
		text = "-" + text
	}
	return Decimal{scalar{text, number}}
}

// ParseDecimal makes a JSON number of a text such as "11.75". The error says
// what a number looks like.
func ParseDecimal(text string) (Decimal, error) {
	if n := numberLen(text); n == 0 || n != len(text) {
		return Decimal{}, fmt.Errorf("event: not a decimal: want digits, with an optional sign, point and exponent")
	}
	return Decimal{scalar{text, number}}, nil
}

// Quoted returns the same amount written as a JSON string, as Cleeng does on
// some topics.
func (d Decimal) Quoted() Decimal {
	if d.s.form == number {
		d.s.form = quoted
	}
	return d
}

// Text returns the amount as it was written, without quotes; "" for an absent
// one and for null.
func (d Decimal) Text() string { return d.s.text }

// String returns [Decimal.Text].
func (d Decimal) String() string { return d.s.text }

// Rat returns the exact amount. It is false when there is none (absent, null,
// empty), and for exponents beyond 1000, which no amount has and which would
// take memory without bound.
func (d Decimal) Rat() (*big.Rat, bool) {
	if i := strings.IndexAny(d.s.text, "eE"); i >= 0 {
		if exp, err := strconv.Atoi(d.s.text[i+1:]); err != nil || exp > 1000 || exp < -1000 {
			return nil, false
		}
	}
	return new(big.Rat).SetString(d.s.text)
}

// Int64 returns the amount when it is written as a whole number that fits.
func (d Decimal) Int64() (int64, bool) {
	n, err := strconv.ParseInt(d.s.text, 10, 64)
	return n, err == nil
}

// IsZero reports whether the field was absent; null and 0 are not absent.
func (d Decimal) IsZero() bool { return d.s.form == absent }

// IsNull reports whether the field was null.
func (d Decimal) IsNull() bool { return d.s.form == null }

// MarshalJSON writes the number or the string that the Decimal was made from.
func (d Decimal) MarshalJSON() ([]byte, error) { return d.s.marshalJSON() }

// UnmarshalJSON reads a number, a string that holds one or nothing, or null.
func (d *Decimal) UnmarshalJSON(b []byte) (err error) {
	d.s, err = unmarshalJSON[Decimal](b, isDecimal)
	return err
}

// MarshalText returns [Decimal.Text], for forms.
func (d Decimal) MarshalText() ([]byte, error) { return []byte(d.s.text), nil }

// UnmarshalText reads a number or nothing.
func (d *Decimal) UnmarshalText(b []byte) (err error) {
	d.s, err = unmarshalText[Decimal](b, isDecimal)
	return err
}

func isDecimal(s scalar) bool {
	return s.form == number || s.form == quoted && numberLen(s.text) == len(s.text)
}
