package sign

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// maxPair bounds "user:password", in bytes; package verify reads no longer ones.
const maxPair = 768

// Basic sends a user name and a password as RFC 7617 describes, in UTF-8. They
// prove who sent a request and nothing about its body. The zero value is not
// usable: its methods return ErrConfig or false. It is safe for concurrent use.
type Basic struct {
	authorization Secret // The header's value.
	digest        Secret // SHA-256 of "user:password".
}

// NewBasic returns Basic credentials, or an *Error wrapping ErrConfig when the
// user name is empty or holds a colon, when the password is empty or blank, or
// when either is framed by white space, holds control characters or is not
// UTF-8, or when "user:password" is longer than 768 bytes. The password may hold colons.
func NewBasic(user string, password Secret) (*Basic, error) {
	if flaw := basicFlaw(user, password); flaw != "" {
		return nil, configError("basic", flaw)
	}
	pair := append([]byte(user+":"), password.bytes()...)
	digest := sha256.Sum256(pair)
	return &Basic{
		authorization: NewSecret("Basic " + base64.StdEncoding.EncodeToString(pair)),
		digest:        NewSecret(digest[:]),
	}, nil
}

func basicFlaw(user string, password Secret) string {
	switch {
	case user == "":
		return "the user name is empty"
	case strings.TrimSpace(user) != user:
		return "the user name starts or ends with white space: trim it"
	case strings.Contains(user, ":"):
		return "the user name holds a colon, which ends it on the wire"
	case !isPrintable(user):
		return "the user name holds control characters or is not UTF-8"
	}
	if flaw := password.flaw(); flaw != "" {
		return strings.Replace(flaw, "the secret", "the password", 1)
	}
	if !isPrintable(string(password.bytes())) {
		return "the password holds control characters or is not UTF-8"
	}
	if len(user)+1+len(password.bytes()) > maxPair {
		return "user name, colon and password are longer than 768 bytes, which package verify refuses to read"
	}
	return ""
}

func isPrintable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

// Sign sets the Authorization header, in the place of any that is there. The
// id, the time and the body are ignored.
func (b *Basic) Sign(header http.Header, _ string, _ time.Time, _ []byte) error {
	switch {
	case b == nil || b.authorization == Secret{}:
		return configError("basic", "the zero Basic is not usable: use NewBasic")
	case header == nil:
		return configError("basic", "the header is nil: make one")
	}
	header.Set("Authorization", string(b.authorization.bytes()))
	return nil
}

// Match reports whether pair is these credentials, written "user:password". A
// wrong user and a wrong password take the same path and the same time: both
// stand in one hash, which is compared in constant time.
func (b *Basic) Match(pair []byte) bool {
	if b == nil || (b.digest == Secret{}) {
		return false
	}
	digest := sha256.Sum256(pair)
	return subtle.ConstantTimeCompare(digest[:], b.digest.bytes()) == 1
}

// Equal reports whether both are the same credentials.
func (b *Basic) Equal(c *Basic) bool {
	return b != nil && c != nil && (b.digest != Secret{}) && b.digest.equal(c.digest)
}
