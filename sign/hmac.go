package sign

import (
	"bytes"
	"crypto/fips140"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"hash"
	"sync"
)

// whsecPrefix may stand before a base64 secret.
const whsecPrefix = "whsec_"

// fipsMinKey is the length under which crypto/hmac panics when only what FIPS
// 140-3 approves is allowed.
const fipsMinKey = 14

// bindMAC makes a secret ready for HMACSHA256, or says why it cannot.
func (s Scheme) bindMAC(secret []byte) (bound *macKey, flaw string) {
	for _, prefix := range []string{publicPrefix, privatePrefix, "-----BEGIN "} {
		if bytes.HasPrefix(secret, []byte(prefix)) {
			return nil, "the secret is one half of an asymmetric key pair: HMAC needs a shared secret"
		}
	}
	key := secret
	if s.KeyForm == Whsec {
		if key, flaw = decodeKey(bytes.TrimPrefix(secret, []byte(whsecPrefix))); flaw != "" {
			return nil, flaw
		}
	}
	switch least := max(s.MinKey, 1); {
	case len(key) < least:
		return nil, fmt.Sprintf("the key has %d bytes: at least %d are needed", len(key), least)
	case s.MaxKey != 0 && len(key) > s.MaxKey:
		return nil, fmt.Sprintf("the key has %d bytes: at most %d are allowed", len(key), s.MaxKey)
	case len(key) < fipsMinKey && fips140.Enforced():
		return nil, fipsFlaw(len(key))
	}
	return newMACKey(key), ""
}

func fipsFlaw(n int) string {
	return fmt.Sprintf("the key has %d bytes: FIPS 140-3 mode allows none under %d", n, fipsMinKey)
}

// decodeKey reads a key in standard base64 with padding, or says what it is
// instead.
func decodeKey(text []byte) (key []byte, flaw string) {
	switch {
	case bytes.ContainsAny(text, "-_"):
		return nil, "the secret is base64url or text: standard base64 is needed"
	case bytes.ContainsAny(text, "\r\n"):
		return nil, "the secret has a line break inside"
	case len(text)%4 != 0:
		return nil, "the secret is not base64 with its padding"
	}
	key, err := base64.StdEncoding.Strict().DecodeString(string(text))
	if err != nil {
		return nil, "the secret is not standard base64"
	}
	return key, ""
}

// macKey is a key under HMACSHA256: a pool of *hasher, so that a call allocates
// nothing. The key stands in a closure, where no dumper reaches it.
type macKey struct {
	pool sync.Pool
	key  func() []byte
}

// hasher is an HMAC with the buffers it needs.
type hasher struct {
	mac  hash.Hash
	head []byte
	sum  [sha256.Size]byte
	tag  [maxTag]byte
}

func newMACKey(key []byte) *macKey {
	return &macKey{key: func() []byte { return key }, pool: sync.Pool{New: func() any {
		h := &hasher{mac: hmac.New(sha256.New, key)}
		h.mac.Reset() // Keeps the keyed state, which makes later resets cheap.
		return h
	}}}
}

func (k *macKey) appendTag(dst []byte, c *Compiled, m *Message) []byte {
	h := k.begin(c, m)
	h.mac.Write(m.Body)
	dst = c.scheme.Encoding.append(dst, h.mac.Sum(h.sum[:0]))
	k.pool.Put(h)
	return dst
}

func (k *macKey) matches(c *Compiled, m *Message, tags []string) bool {
	h := k.begin(c, m)
	h.mac.Write(m.Body)
	match := h.matches(&c.decoder, tags)
	k.pool.Put(h)
	return match
}

// begin returns a hasher that has seen what stands before the body.
func (k *macKey) begin(c *Compiled, m *Message) *hasher {
	h := k.pool.Get().(*hasher)
	h.mac.Reset()
	if len(c.cover) > 0 {
		h.head = c.appendHead(h.head[:0], m)
		h.mac.Write(h.head)
	}
	return h
}

// matches compares the MAC of what was written with tags.
func (h *hasher) matches(d *decoder, tags []string) bool {
	sum := h.mac.Sum(h.sum[:0])
	match := 0
	for _, tag := range tags {
		if d.decode(&h.tag, tag) {
			match |= subtle.ConstantTimeCompare(sum, h.tag[:len(sum)])
		}
	}
	return match == 1
}
