package event

import (
	"strconv"
	"time"
)

// Time is a moment, kept in the notation in which it was written: RFC 3339 with
// Z or an offset, the same with an offset without colon (+0000), seconds since
// 1970, or milliseconds since 1970. The empty string, which stands for "none"
// in forms, is accepted.
//
// The zero value is an absent field: with omitzero it is not written. A Time is
// a plain value, safe for concurrent use; equal moments in two notations differ
// with ==.
type Time struct{ s scalar }

// Notation is a way to write a [Time]. The zero value is [RFC3339].
type Notation uint8

const (
	// RFC3339 writes 2026-11-21T09:30:00Z, or an offset as +01:00.
	RFC3339 Notation = iota
	// RFC3339Milli writes 2026-11-21T09:30:00.000Z, always in UTC.
	RFC3339Milli
	// ISO8601 writes 2026-11-21T09:30:00+0000, as PHP does by that name.
	ISO8601
	// UnixSeconds writes 1795253400.
	UnixSeconds
	// UnixMilli writes 1795253400000.
	UnixMilli
)

const (
	layoutMilli   = "2006-01-02T15:04:05.000Z07:00"
	layoutISO8601 = "2006-01-02T15:04:05-0700"
)

// NewTime makes a Time of t that is written in notation n. Moments that a reader
// would take for others cannot be written faithfully: those before March 1973 in
// [UnixMilli], those after the year 5137 in [UnixSeconds], and those after the
// year 9999 as text.
func NewTime(t time.Time, n Notation) Time {
	switch n {
	case RFC3339Milli:
		return Time{scalar{t.UTC().Format(layoutMilli), quoted}}
	case ISO8601:
		return Time{scalar{t.Format(layoutISO8601), quoted}}
	case UnixSeconds:
		return Time{scalar{strconv.FormatInt(t.Unix(), 10), number}}
	case UnixMilli:
		return Time{scalar{strconv.FormatInt(t.UnixMilli(), 10), number}}
	case RFC3339:
	}
	return Time{scalar{t.Format(time.RFC3339), quoted}}
}

// milliFrom is the size from which on a number counts milliseconds: as seconds
// it is the year 5138, as milliseconds it is March 1973.
const milliFrom = 100_000_000_000

// Time returns the moment, in UTC unless an offset was written. It is false
// when there is none: absent, null or empty. A number of at least 10^11, or at
// most -10^11, counts milliseconds, any other seconds.
func (t Time) Time() (time.Time, bool) { return parseTime(t.s.text) }

// Text returns the time as it was written, without quotes; "" for an absent one
// and for null.
func (t Time) Text() string { return t.s.text }

// String returns [Time.Text].
func (t Time) String() string { return t.s.text }

// IsZero reports whether the field was absent; null is not absent.
func (t Time) IsZero() bool { return t.s.form == absent }

// IsNull reports whether the field was null.
func (t Time) IsNull() bool { return t.s.form == null }

// MarshalJSON writes what the Time was made from.
func (t Time) MarshalJSON() ([]byte, error) { return t.s.marshalJSON() }

// UnmarshalJSON reads a time in one of the notations, a string that holds one
// or nothing, or null.
func (t *Time) UnmarshalJSON(b []byte) (err error) {
	t.s, err = unmarshalJSON[Time](b, isTime)
	return err
}

// MarshalText returns [Time.Text], for forms.
func (t Time) MarshalText() ([]byte, error) { return []byte(t.s.text), nil }

// UnmarshalText reads a time in one of the notations, or nothing.
func (t *Time) UnmarshalText(b []byte) (err error) {
	t.s, err = unmarshalText[Time](b, isTime)
	return err
}

func isTime(s scalar) bool {
	if s.form == boolean {
		return false
	}
	_, ok := parseTime(s.text)
	return ok || s.form == quoted && s.text == ""
}

func parseTime(text string) (time.Time, bool) {
	if numberLen(text) == len(text) {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return time.Time{}, false
		}
		if n >= milliFrom || n <= -milliFrom {
			return time.UnixMilli(n).UTC(), true
		}
		return time.Unix(n, 0).UTC(), true
	}
	for _, layout := range []string{time.RFC3339, layoutISO8601} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}
