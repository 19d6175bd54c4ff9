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
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// whsecPrefix may stand before a base64 secret.
const whsecPrefix = "whsec_"

// maxID bounds a message id, in bytes.
const maxID = 256

// fipsMinKey is the length under which crypto/hmac panics when only what FIPS
// 140-3 approves is allowed.
const fipsMinKey = 14

// Message is what a scheme signs. ID and Time are the texts exactly as they
// stand in the headers, without the field's prefix; a scheme that covers
// neither ignores them. Body is only read.
type Message struct {
	ID, Time string
	Body     []byte
}

// Compiled is a scheme bound to a ring: the one implementation under both
// Signer and the verifier. Most callers want those; this is for a transport
// that has no HTTP headers. A Compiled follows the ring when its keys are
// replaced, without a lock. The zero value is not usable: its methods return
// ErrConfig. It is safe for concurrent use.
type Compiled struct {
	scheme Scheme
	ring   *Ring
	strict *base64.Encoding
	cover  []Part // Cover without the body.
	hasID  bool
	hasAt  bool
	idEnd  byte // The byte after the id in the cover; no id may hold it.
	state  atomic.Pointer[state]
}

// state is what a Compiled makes of one set of keys.
type state struct {
	of   *[]Key
	keys []macKey
	err  error
}

type macKey struct {
	id                  string
	notBefore, notAfter time.Time
	pool                *sync.Pool // of *hasher
}

// hasher is an HMAC with the buffers it needs, so that a call allocates none.
type hasher struct {
	mac  hash.Hash
	head []byte
	sum  [sha256.Size]byte
}

// Compile binds a scheme to a ring. It returns an *Error wrapping ErrConfig
// when the scheme does not validate, when the ring is nil or empty, or when one
// of its keys does not fit the scheme.
func Compile(s Scheme, r *Ring) (*Compiled, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	if r == nil {
		return nil, configError(s.Name, "the ring is nil")
	}
	s.Cover = slices.Clone(s.Cover)
	c := &Compiled{
		scheme: s,
		ring:   r,
		strict: base64.StdEncoding.Strict(),
		cover:  s.Cover[:len(s.Cover)-1],
	}
	for i, p := range c.cover {
		if p == PartID {
			c.hasID, c.idEnd = true, c.cover[i+1][0]
		}
		c.hasAt = c.hasAt || p == PartTime
	}
	if _, err := c.load(); err != nil {
		return nil, err
	}
	return c, nil
}

// Scheme returns the scheme. The caller must not modify its Cover.
func (c *Compiled) Scheme() Scheme { return c.scheme }

// Append signs m and appends the text of the tag header to dst. Where the
// scheme's Tag is a list, it holds one tag for each key valid at now, in the
// order of the ring; else the tag of the newest, the one with the latest
// NotBefore and, among equals, the last in the ring.
//
// It returns an *Error wrapping ErrMalformed for an id or a time that would
// make the signed text ambiguous, ErrNoKey when no key is valid at now, and
// ErrConfig when the ring was replaced by keys that do not fit. It allocates
// nothing when dst is large enough.
func (c *Compiled) Append(dst []byte, m Message, now time.Time) ([]byte, error) {
	st, err := c.load()
	if err != nil {
		return dst, err
	}
	if err := c.check(m); err != nil {
		return dst, err
	}
	if c.scheme.Tag.Separator == "" {
		k := newest(st.keys, now)
		if k == nil {
			return dst, c.noKey()
		}
		return c.appendTag(dst, k, m), nil
	}
	start := len(dst)
	for i := range st.keys {
		if !st.keys[i].validAt(now) {
			continue
		}
		if len(dst) > start {
			dst = append(dst, c.scheme.Tag.Separator...)
		}
		dst = c.appendTag(dst, &st.keys[i], m)
	}
	if len(dst) == start {
		return dst, c.noKey()
	}
	return dst, nil
}

// Match compares tags, texts without the field's prefix, with those that the
// keys valid at now give m. It returns the id of the first key in the ring that
// made one of them.
//
// Each key is compared with all tags in constant time, and no further key is
// tried once one has matched: the time taken tells which key that was and how
// long the message is, both public. Else the error is an *Error wrapping
// ErrMalformed when the id, the time or all tags are not as the scheme writes
// them, ErrNoMatch when none is right, ErrNoKey or ErrConfig as in Append.
//
// Match does as much work as there are keys and tags: the caller bounds the
// tags. It allocates nothing when a tag matches.
func (c *Compiled) Match(m Message, tags []string, now time.Time) (keyID string, err error) {
	st, err := c.load()
	if err != nil {
		return "", err
	}
	if err := c.check(m); err != nil {
		return "", err
	}
	var tag [sha256.Size]byte
	valid, formed := false, false
	for i := range st.keys {
		k := &st.keys[i]
		if !k.validAt(now) {
			continue
		}
		valid = true
		h := k.pool.Get().(*hasher)
		c.sum(h, m)
		match := 0
		for _, text := range tags {
			if c.scheme.Encoding.decode(c.strict, text, &tag) {
				formed = true
				match |= subtle.ConstantTimeCompare(tag[:], h.sum[:])
			}
		}
		k.pool.Put(h)
		if match == 1 {
			return k.id, nil
		}
	}
	switch {
	case !valid:
		return "", c.noKey()
	case !formed:
		return "", &Error{Scheme: c.scheme.Name, Reason: "no tag is written as the scheme writes it", Err: ErrMalformed}
	}
	return "", &Error{Scheme: c.scheme.Name, Err: ErrNoMatch}
}

// load returns the state for the keys the ring has now. When the ring was
// replaced, whoever comes first makes a new one; two at once make it twice.
func (c *Compiled) load() (*state, error) {
	if c == nil || c.ring == nil {
		return nil, configError("", "the zero value is not usable: use a constructor")
	}
	keys := c.ring.keys.Load()
	st := c.state.Load()
	if st == nil || st.of != keys {
		st = c.compile(keys)
		c.state.Store(st)
	}
	return st, st.err
}

func (c *Compiled) compile(keys *[]Key) *state {
	st := &state{of: keys}
	if keys == nil {
		st.err = configError(c.scheme.Name, "the ring has no key")
		return st
	}
	for _, k := range *keys {
		key, flaw := c.scheme.key(k.Secret)
		if flaw != "" {
			st.keys, st.err = nil, &Error{Scheme: c.scheme.Name, Key: k.ID, Reason: flaw, Err: ErrConfig}
			return st
		}
		pool := &sync.Pool{New: func() any {
			h := &hasher{mac: hmac.New(sha256.New, key)}
			h.mac.Reset() // Keeps the keyed state, which makes later resets cheap.
			return h
		}}
		st.keys = append(st.keys, macKey{id: k.ID, notBefore: k.NotBefore, notAfter: k.NotAfter, pool: pool})
	}
	return st
}

// key turns a secret into the bytes of the key, or says why it cannot.
func (s Scheme) key(secret Secret) (key []byte, flaw string) {
	key = secret.bytes()
	if s.KeyForm == Whsec {
		key = bytes.TrimPrefix(key, []byte(whsecPrefix))
		switch {
		case bytes.ContainsAny(key, "-_"):
			return nil, "the secret is base64url or text: standard base64 is needed"
		case bytes.ContainsAny(key, "\r\n"):
			return nil, "the secret has a line break inside"
		case len(key)%4 != 0:
			return nil, "the secret is not base64 with its padding"
		}
		decoded, err := base64.StdEncoding.Strict().DecodeString(string(key))
		if err != nil {
			return nil, "the secret is not standard base64"
		}
		key = decoded
	}
	switch least := max(s.MinKey, 1); {
	case len(key) < least:
		return nil, fmt.Sprintf("the key has %d bytes: at least %d are needed", len(key), least)
	case s.MaxKey != 0 && len(key) > s.MaxKey:
		return nil, fmt.Sprintf("the key has %d bytes: at most %d are allowed", len(key), s.MaxKey)
	case len(key) < fipsMinKey && fips140.Enforced():
		return nil, fmt.Sprintf("the key has %d bytes: FIPS 140-3 mode allows none under %d", len(key), fipsMinKey)
	}
	return key, ""
}

// check refuses a message whose signed text could be read as another message.
func (c *Compiled) check(m Message) error {
	if c.hasID {
		if flaw := c.idFlaw(m.ID); flaw != "" {
			return &Error{Scheme: c.scheme.Name, Reason: flaw, Err: ErrMalformed}
		}
	}
	if c.hasAt && !isCanonical(m.Time) {
		return &Error{Scheme: c.scheme.Name, Reason: "the timestamp is no canonical decimal number", Err: ErrMalformed}
	}
	return nil
}

func (c *Compiled) idFlaw(id string) string {
	switch {
	case id == "":
		return "the message id is empty"
	case len(id) > maxID:
		return fmt.Sprintf("the message id is longer than %d bytes", maxID)
	case strings.IndexByte(id, c.idEnd) >= 0:
		return fmt.Sprintf("the message id holds %q, which ends the id in the signed text", c.idEnd)
	}
	for i := range len(id) {
		if id[i] <= ' ' || id[i] > '~' {
			return "the message id holds white space, control characters or bytes beyond ASCII"
		}
	}
	return ""
}

// sum leaves the HMAC of m in h.sum.
func (c *Compiled) sum(h *hasher, m Message) {
	h.mac.Reset()
	if len(c.cover) > 0 {
		h.head = h.head[:0]
		for _, p := range c.cover {
			switch p {
			case PartID:
				h.head = append(h.head, m.ID...)
			case PartTime:
				h.head = append(h.head, m.Time...)
			default:
				h.head = append(h.head, p...)
			}
		}
		h.mac.Write(h.head)
	}
	h.mac.Write(m.Body)
	h.mac.Sum(h.sum[:0])
}

func (c *Compiled) appendTag(dst []byte, k *macKey, m Message) []byte {
	h := k.pool.Get().(*hasher)
	c.sum(h, m)
	dst = append(dst, c.scheme.Tag.Prefix...)
	dst = c.scheme.Encoding.append(dst, h.sum[:])
	k.pool.Put(h)
	return dst
}

func (c *Compiled) noKey() error { return &Error{Scheme: c.scheme.Name, Err: ErrNoKey} }

func (k *macKey) validAt(now time.Time) bool {
	return (k.notBefore.IsZero() || !now.Before(k.notBefore)) &&
		(k.notAfter.IsZero() || !now.After(k.notAfter))
}

func newest(keys []macKey, now time.Time) *macKey {
	var best *macKey
	for i := range keys {
		k := &keys[i]
		if k.validAt(now) && (best == nil || !k.notBefore.Before(best.notBefore)) {
			best = k
		}
	}
	return best
}
