package sign

import (
	"bytes"
	"crypto/subtle"
	"fmt"
	"io"
	"log/slog"
	"unicode"
	"unicode/utf8"
)

// redacted is what every way of printing a Secret shows.
const redacted = "[secret]"

// Secret holds a signing secret or a password so that printing it shows
// nothing: not with any verb of fmt, not in JSON or slog, not as an unexported
// field of another struct, and not to a dumper that follows pointers.
//
// The zero value is an empty secret, which every constructor refuses. A Secret
// is immutable, may be copied freely, and is safe for concurrent use. Copies of
// one Secret are equal under ==; two made from the same bytes are not.
type Secret struct {
	// A func, because reflection can look into everything else; behind a
	// pointer, because a func alone would make Secret incomparable.
	reveal *func() []byte
}

// NewSecret copies s into a Secret. Any value is taken here; the scheme or the
// credential that uses it decides whether it is fit.
func NewSecret[T ~string | ~[]byte](s T) Secret {
	held := append([]byte(nil), s...)
	reveal := func() []byte { return held }
	return Secret{reveal: &reveal}
}

// String returns a placeholder, never the secret.
func (s Secret) String() string { return redacted }

// Format writes the same placeholder for every verb and flag.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText returns the placeholder, for JSON, XML and their kin. There is
// no way back: a Secret cannot be unmarshalled.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue returns the placeholder.
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// bytes returns the secret itself, which the caller must not modify or keep.
func (s Secret) bytes() []byte {
	if s.reveal == nil {
		return nil
	}
	return (*s.reveal)()
}

func (s Secret) equal(t Secret) bool {
	return subtle.ConstantTimeCompare(s.bytes(), t.bytes()) == 1
}

// flaw says what makes the secret unfit under any scheme, or "".
func (s Secret) flaw() string {
	const space = " \t\r\n"
	b := s.bytes()
	switch {
	case len(b) == 0:
		return "the secret is empty"
	case len(bytes.Trim(b, space)) == 0:
		return "the secret is blank"
	case string(b) == whsecPrefix:
		return "the secret is the prefix whsec_ with nothing after it"
	case bytes.HasPrefix(b, []byte("v1,"+whsecPrefix)):
		return "the secret starts with v1,whsec_: drop the v1, in front"
	}
	// Random bytes may well start or end with a space; text may not.
	if len(bytes.Trim(b, space)) != len(b) && isText(b) {
		if b[len(b)-1] == '\n' {
			return "the secret ends in a newline, as a file read whole does: trim it"
		}
		return "the secret starts or ends with white space: trim it"
	}
	return ""
}

// isText reports whether b is UTF-8 without control characters other than
// white space.
func isText(b []byte) bool {
	for _, r := range string(b) {
		if unicode.IsControl(r) && r != '\t' && r != '\r' && r != '\n' {
			return false
		}
	}
	return utf8.Valid(b)
}
