package sign

import (
	"strconv"
	"time"
)

// TimeUnit is the unit of a scheme's timestamps, counted from the Unix epoch.
type TimeUnit uint8

const (
	// Seconds is the zero value.
	Seconds TimeUnit = iota
	// Milliseconds is what a few providers write.
	Milliseconds
)

// maxSeconds is the end of the year 9999; beyond it time arithmetic is of no
// use to anybody.
const maxSeconds = 253402300799

// Duration returns the length of one unit.
func (u TimeUnit) Duration() time.Duration {
	if u == Milliseconds {
		return time.Millisecond
	}
	return time.Second
}

// Parse reads a timestamp in its one canonical form, decimal digits without
// sign, spaces or leading zeros, up to the year 9999. Anything else is refused
// with an error wrapping ErrMalformed: a second spelling of a number is a
// second message with the same meaning. The result is in UTC.
func (u TimeUnit) Parse(text string) (time.Time, error) {
	n := int64(-1)
	if isCanonical(text) {
		n, _ = strconv.ParseInt(text, 10, 64)
	}
	if n < 0 || n > u.max() {
		return time.Time{}, &Error{Reason: "the timestamp is no canonical decimal number up to the year 9999", Err: ErrMalformed}
	}
	if u == Milliseconds {
		return time.UnixMilli(n).UTC(), nil
	}
	return time.Unix(n, 0).UTC(), nil
}

// Format writes t the way Parse reads it. Times before the epoch or after the
// year 9999 are refused with an error wrapping ErrMalformed.
func (u TimeUnit) Format(t time.Time) (string, error) {
	n := t.Unix()
	if u == Milliseconds {
		n = t.UnixMilli()
	}
	if n < 0 || n > u.max() {
		return "", &Error{Reason: "the time is not between 1970 and 9999", Err: ErrMalformed}
	}
	return strconv.FormatInt(n, 10), nil
}

func (u TimeUnit) max() int64 {
	if u == Milliseconds {
		return maxSeconds*1000 + 999
	}
	return maxSeconds
}

// isCanonical reports whether text is a decimal number of at most 18 digits,
// which an int64 always holds, spelled in the only way there is.
func isCanonical(text string) bool {
	if text == "" || len(text) > 18 || (text[0] == '0' && text != "0") {
		return false
	}
	for i := range len(text) {
		if !isDigit(text[i]) {
			return false
		}
	}
	return true
}
