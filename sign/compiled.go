package sign

import (
	"crypto/hmac"
	"fmt"
	"slices"
	"sync/atomic"
	"time"
)

const (
	// maxID bounds a message id, in bytes.
	maxID = 256

	// maxValues and maxSignatures bound the list of a tag header, and the
	// signatures of Ed25519 in it; package verify reads no more.
	maxValues     = 16
	maxSignatures = 4
)

// Message is what a scheme signs. ID and Time are the texts exactly as they
// stand in the headers, without the field's prefix; a scheme that covers
// neither ignores them. Body is only read.
type Message struct {
	ID, Time string
	Body     []byte
}

// Matched says which key made a tag.
type Matched struct {
	KeyID string

	// KeyAge is the time since the key was made, by Key.Created or else by
	// Key.NotBefore; 0 when neither is set.
	KeyAge time.Duration

	// Superseded reports that the ring has a newer key that is valid too: the
	// other side still uses an old one. When nothing is superseded any more,
	// the old key can go.
	Superseded bool
}

// Compiled is a scheme bound to a ring: the one implementation under both
// Signer and the verifier. Most callers want those; this is for a transport
// that has no HTTP headers. A Compiled follows the ring when its keys are
// replaced, without a lock. The zero value is not usable: its methods return
// ErrConfig. It is safe for concurrent use.
type Compiled struct {
	scheme  Scheme
	ring    *Ring
	cover   []Part // Cover without the body.
	hasID   bool
	hasAt   bool
	most    int       // How many tags a list may have.
	notID   [256]bool // The bytes that no id may hold.
	decoder decoder
	state   atomic.Pointer[state]
}

// state is what a Compiled makes of one set of keys.
type state struct {
	of   *[]Key
	keys []boundKey
	err  error
}

// boundKey is a key made ready for its algorithm. The two are told apart by hand
// and not by an interface, so that what is passed to them stays on the stack.
type boundKey struct {
	id                         string
	notBefore, notAfter, since time.Time
	mac                        *macKey  // Under HMACSHA256.
	pair                       *pairKey // Under Ed25519.
}

// canSign reports whether the key can do more than verify.
func (k *boundKey) canSign() bool { return k.pair == nil || k.pair.sign != nil }

// twin reports that the key is one of others, written otherwise.
func (k *boundKey) twin(others []boundKey) (flaw string) {
	for i := range others {
		o := &others[i]
		if k.mac != nil && hmac.Equal(k.mac.key(), o.mac.key()) || k.pair != nil && k.pair.public.Equal(o.pair.public) {
			return "the key is the same as key " + o.id
		}
	}
	return ""
}

// appendTag appends the tag of m, without a prefix.
func (k *boundKey) appendTag(dst []byte, c *Compiled, m *Message) []byte {
	if k.pair != nil {
		return k.pair.appendTag(dst, c, m)
	}
	return k.mac.appendTag(dst, c, m)
}

// matches reports whether the key made one of tags.
func (k *boundKey) matches(c *Compiled, m *Message, tags []string) bool {
	if k.pair != nil {
		return k.pair.matches(c, m, tags)
	}
	return k.mac.matches(c, m, tags)
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
		scheme:  s,
		ring:    r,
		cover:   s.Cover[:len(s.Cover)-1],
		decoder: newDecoder(s),
	}
	c.most = maxValues
	for _, f := range []Field{s.ID, s.Time} {
		if f.Separator != "" {
			c.most--
		}
	}
	if s.Algorithm == Ed25519 {
		c.most = maxSignatures
	}
	for i, p := range c.cover {
		if p == PartID {
			c.hasID = true
			c.forbidInID(c.cover[i+1][0])
		}
		c.hasAt = c.hasAt || p == PartTime
	}
	if _, err := c.load(); err != nil {
		return nil, err
	}
	return c, nil
}

// forbidInID lists what would end an id where it stands: in the signed text the
// byte that follows it, in a list of values the separator, and the comma at which
// proxies fold lines.
func (c *Compiled) forbidInID(next byte) {
	for b := range c.notID {
		c.notID[b] = b <= ' ' || b > '~'
	}
	c.notID[next] = true
	if c.scheme.ID.Separator != "" {
		c.notID[c.scheme.ID.Separator[0]], c.notID[','] = true, true
	}
}

// Scheme returns the scheme. The caller must not modify its Cover.
func (c *Compiled) Scheme() Scheme {
	if c == nil {
		return Scheme{}
	}
	return c.scheme
}

// Append signs m and appends the text of the tag header to dst. Where the
// scheme's Tag is a list, it holds the id and the time if they stand in the same
// header, and one tag for each key that is valid at now and can sign, in the
// order of the ring; else the tag of the newest.
//
// It returns an *Error wrapping ErrMalformed for an id or a time that would
// make the signed text ambiguous, ErrNoKey when no key that can sign is valid at
// now, and ErrConfig when the ring was replaced by keys that do not fit, or when
// more of them are valid than the 16 values, or 4 signatures of Ed25519, that
// receivers look at. For
// HMACSHA256 it allocates nothing when dst is large enough.
func (c *Compiled) Append(dst []byte, m Message, now time.Time) ([]byte, error) {
	st, err := c.load()
	if err != nil {
		return dst, err
	}
	if err := c.check(&m); err != nil {
		return dst, err
	}
	tag := c.scheme.Tag
	if tag.Separator == "" {
		k := newest(st.keys, now, (*boundKey).canSign)
		if k == nil {
			return dst, c.noKey()
		}
		return k.appendTag(append(dst, tag.Prefix...), c, &m), nil
	}
	start := len(dst)
	if c.scheme.ID.inListOf(tag) {
		dst = append(append(append(dst, c.scheme.ID.Prefix...), m.ID...), tag.Separator...)
	}
	if c.scheme.Time.inListOf(tag) {
		dst = append(append(append(dst, c.scheme.Time.Prefix...), m.Time...), tag.Separator...)
	}
	tags := 0
	for i := range st.keys {
		k := &st.keys[i]
		if !k.validAt(now) || !k.canSign() {
			continue
		}
		if tags++; tags > c.most {
			return dst[:start], configError(c.scheme.Name, fmt.Sprintf("more than %d keys are valid, and receivers look at no more signatures", c.most))
		}
		if tags > 1 {
			dst = append(dst, tag.Separator...)
		}
		dst = k.appendTag(append(dst, tag.Prefix...), c, &m)
	}
	if tags == 0 {
		return dst[:start], c.noKey()
	}
	return dst, nil
}

// Match compares tags, texts without the field's prefix, with those that the
// keys valid at now give m. It says which key, the first in the ring that does,
// made one of them.
//
// Under HMACSHA256 each key is compared with all tags in constant time. No
// further key is tried once one has matched: the time taken tells which key that
// was and how long the message is, both public. Else the error is an *Error
// wrapping ErrMalformed when the id, the time or all tags are not as the scheme
// writes them, ErrNoMatch when none is right, ErrNoKey or ErrConfig as in Append.
//
// Match does as much work as there are keys and tags: the caller bounds the
// tags. It allocates nothing when a tag matches.
func (c *Compiled) Match(m Message, tags []string, now time.Time) (Matched, error) {
	st, err := c.load()
	if err != nil {
		return Matched{}, err
	}
	if err := c.check(&m); err != nil {
		return Matched{}, err
	}
	valid := false
	for i := range st.keys {
		k := &st.keys[i]
		if !k.validAt(now) {
			continue
		}
		if valid = true; k.matches(c, &m, tags) {
			return k.matched(st.keys, now), nil
		}
	}
	if !valid {
		return Matched{}, c.noKey()
	}
	return Matched{}, c.noMatch(tags)
}

// noMatch says why tags matched no key.
func (c *Compiled) noMatch(tags []string) error {
	var space [maxTag]byte
	for _, tag := range tags {
		if c.decoder.decode(&space, tag) {
			return &Error{Scheme: c.scheme.Name, Err: ErrNoMatch}
		}
	}
	return &Error{Scheme: c.scheme.Name, Reason: "no tag is written as the scheme writes it", Err: ErrMalformed}
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
		bound := boundKey{id: k.ID, notBefore: k.NotBefore, notAfter: k.NotAfter, since: k.since()}
		var flaw string
		if c.scheme.Algorithm == Ed25519 {
			bound.pair, flaw = bindPair(k.Secret.bytes())
		} else {
			bound.mac, flaw = c.scheme.bindMAC(k.Secret.bytes())
		}
		if flaw == "" {
			flaw = bound.twin(st.keys)
		}
		if flaw != "" {
			st.keys, st.err = nil, &Error{Scheme: c.scheme.Name, Key: k.ID, Reason: flaw, Err: ErrConfig}
			return st
		}
		st.keys = append(st.keys, bound)
	}
	return st
}

// check refuses a message whose signed text could be read as another message.
func (c *Compiled) check(m *Message) error {
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
	}
	for i := range len(id) {
		if c.notID[id[i]] {
			return "the message id holds what would end it where it stands, white space, control characters or bytes beyond ASCII"
		}
	}
	return ""
}

// appendHead appends what the scheme signs before the body.
func (c *Compiled) appendHead(dst []byte, m *Message) []byte {
	for _, p := range c.cover {
		switch p {
		case PartID:
			dst = append(dst, m.ID...)
		case PartTime:
			dst = append(dst, m.Time...)
		default:
			dst = append(dst, p...)
		}
	}
	return dst
}

func (c *Compiled) noKey() error { return &Error{Scheme: c.scheme.Name, Err: ErrNoKey} }

// signs reports whether the ring has a key that can sign, valid now or not.
func (st *state) signs() bool {
	return slices.ContainsFunc(st.keys, func(k boundKey) bool { return k.canSign() })
}

func (k *boundKey) validAt(now time.Time) bool {
	return (k.notBefore.IsZero() || !now.Before(k.notBefore)) &&
		(k.notAfter.IsZero() || !now.After(k.notAfter))
}

func (k *boundKey) matched(keys []boundKey, now time.Time) Matched {
	m := Matched{KeyID: k.id, Superseded: len(keys) > 1 && newest(keys, now, nil) != k}
	if !k.since.IsZero() {
		m.KeyAge = max(now.Sub(k.since), 0)
	}
	return m
}

// newest returns the last, which is the newest, of the keys that are valid now and fit, or nil. A
// nil fit takes all.
func newest(keys []boundKey, now time.Time, fit func(*boundKey) bool) *boundKey {
	for i := range slices.Backward(keys) {
		k := &keys[i]
		if k.validAt(now) && (fit == nil || fit(k)) {
			return k
		}
	}
	return nil
}
