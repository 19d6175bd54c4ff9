package verify

import (
	"crypto/subtle"

	"example.com/paperround/sign"
)

// ConsCentHash checks that hash, the hashedPhoneNumber or hashedEmail of an old
// ConsCent webhook, was made of value with the API secret; see
// [sign.ConsCentHash]. Only the one spelling that ConsCent writes is accepted, so
// that no other algorithm can be slipped in. It takes the same time wherever the
// two differ.
//
// The error is an [*Error]: of [ErrMissing] for an empty hash, [ErrNoMatch] for
// another one, and of [ErrConfig] or [ErrMalformed] where there is no hash of the
// value.
func ConsCentHash(secret sign.Secret, value, hash string) error {
	want, err := sign.ConsCentHash(secret, value)
	if err != nil {
		return fromSign(err, "conscent hash", "")
	}
	switch {
	case hash == "":
		return &Error{Scheme: "conscent hash", Err: ErrMissing}
	case subtle.ConstantTimeCompare([]byte(want), []byte(hash)) != 1:
		return &Error{Scheme: "conscent hash", Err: ErrNoMatch}
	}
	return nil
}
