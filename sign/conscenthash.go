package sign

import (
	"crypto/fips140"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
)

// jwsHeader is {"alg":"HS256"}, as it stands in every hash.
const jwsHeader = "eyJhbGciOiJIUzI1NiJ9"

// ConsCentHash makes what ConsCent's old webhooks carry as hashedPhoneNumber and
// hashedEmail: a compact HS256 JWS over the bare value, a phone number or an
// e-mail address, keyed with the API secret. It has no time in it, so it is the
// same for a user and a secret for ever; and anybody can read the value in it,
// "hashed" or not. Check one with verify.ConsCentHash.
//
// It returns an *Error wrapping ErrConfig for a secret that no ring would take,
// and one wrapping ErrMalformed for an empty value.
func ConsCentHash(secret Secret, value string) (string, error) {
	if flaw := secret.flaw(); flaw != "" {
		return "", configError("conscent hash", flaw)
	}
	if n := len(secret.bytes()); n < fipsMinKey && fips140.Enforced() {
		return "", configError("conscent hash", fipsFlaw(n))
	}
	if value == "" {
		return "", &Error{Scheme: "conscent hash", Reason: "the value is empty", Err: ErrMalformed}
	}
	text := jwsHeader + "." + base64.RawURLEncoding.EncodeToString([]byte(value))
	mac := hmac.New(sha256.New, secret.bytes())
	mac.Write([]byte(text))
	return text + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil)), nil
}
