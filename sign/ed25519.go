package sign

import (
	"bytes"
	"crypto/ed25519"
	"fmt"
	"sync"
)

// What stands before the base64 of an Ed25519 key.
const (
	privatePrefix = "whsk_"
	publicPrefix  = "whpk_"
)

// maxKept bounds the buffers kept for later signatures, in bytes.
const maxKept = 64 << 10

// pairKey is a key under Ed25519, which needs the whole message in one piece.
type pairKey struct {
	public  ed25519.PublicKey
	sign    func(message []byte) []byte // Nil without the private key. A closure, where no dumper reaches it.
	buffers sync.Pool                   // of *[]byte
}

// bindPair reads one half of a key pair, or says why it cannot.
func bindPair(secret []byte) (bound *pairKey, flaw string) {
	k := &pairKey{buffers: sync.Pool{New: func() any { return new([]byte) }}}
	text, isPublic := bytes.CutPrefix(secret, []byte(publicPrefix))
	if isPublic {
		public, flaw := decodeKey(text)
		if flaw == "" && len(public) != ed25519.PublicKeySize {
			flaw = fmt.Sprintf("the public key has %d bytes: %d are needed", len(public), ed25519.PublicKeySize)
		}
		k.public = public
		return k, flaw
	}
	text, isPrivate := bytes.CutPrefix(secret, []byte(privatePrefix))
	if !isPrivate {
		return nil, "the secret is no Ed25519 key: it starts with whsk_ to sign, or with whpk_ to verify"
	}
	key, flaw := decodeKey(text)
	if flaw != "" {
		return nil, flaw
	}
	if len(key) != ed25519.PrivateKeySize {
		return nil, fmt.Sprintf("the private key has %d bytes: %d are needed, seed and public key", len(key), ed25519.PrivateKeySize)
	}
	private := ed25519.NewKeyFromSeed(key[:ed25519.SeedSize])
	if !bytes.Equal(private, key) {
		return nil, "the private key and the public key in the secret are not a pair"
	}
	k.public = ed25519.PublicKey(key[ed25519.SeedSize:])
	k.sign = func(message []byte) []byte { return ed25519.Sign(private, message) }
	return k, ""
}

func (k *pairKey) appendTag(dst []byte, c *Compiled, m *Message) []byte {
	k.whole(c, m, func(message []byte) {
		dst = c.scheme.Encoding.append(dst, k.sign(message))
	})
	return dst
}

// matches works on what the peer sent and on a public key, so nothing in it
// needs constant time.
func (k *pairKey) matches(c *Compiled, m *Message, tags []string) bool {
	match := false
	k.whole(c, m, func(message []byte) {
		var signature [maxTag]byte
		for _, tag := range tags {
			match = match || c.decoder.decode(&signature, tag) && ed25519.Verify(k.public, message, signature[:])
		}
	})
	return match
}

// whole calls f with all that is signed, which is f's until it returns.
func (k *pairKey) whole(c *Compiled, m *Message, f func([]byte)) {
	if len(c.cover) == 0 {
		f(m.Body)
		return
	}
	buf := k.buffers.Get().(*[]byte)
	*buf = append(c.appendHead((*buf)[:0], m), m.Body...)
	f(*buf)
	if cap(*buf) <= maxKept {
		k.buffers.Put(buf)
	}
}
