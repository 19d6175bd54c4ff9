package verifytest

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // an attacker uses it
	"crypto/sha256"
	"encoding/base64"
	"strings"
)

// What no scheme of package sign makes is made here.

func sha1MAC(key, text []byte) []byte {
	h := hmac.New(sha1.New, key)
	h.Write(text)
	return h.Sum(nil)
}

func plainSum(text []byte) []byte {
	sum := sha256.Sum256(text)
	return sum[:]
}

func ed25519Sign(text []byte) []byte { return ed25519.Sign(stranger(), text) }

// public returns the bytes of the sender's public key.
func (k *kit) public() []byte {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(k.s.Secret, "whsk_"))
	if err != nil || len(key) != ed25519.PrivateKeySize {
		return nil
	}
	return key[ed25519.SeedSize:]
}
