package sign

import "time"

// Digest takes the body of a message in pieces, for one that is too large to be
// held; Compiled.Begin makes it. The zero value has seen no message: it matches
// nothing. It is not safe for concurrent use.
type Digest struct {
	compiled *Compiled
	keys     []boundKey
	hashers  func() []*hasher // One for each key, nil where it is not valid at now. A func, where no dumper reaches them.
	now      time.Time
}

// Begin starts a Digest of m, whose Body is ignored: it is what the caller writes
// afterwards. The errors are those of Append, and ErrConfig under Ed25519, which
// signs a message in one piece.
func (c *Compiled) Begin(m Message, now time.Time) (*Digest, error) {
	st, err := c.load()
	if err != nil {
		return nil, err
	}
	if c.scheme.Algorithm == Ed25519 {
		return nil, configError(c.scheme.Name, "Ed25519 needs the body in one piece: read it within a limit and use Match")
	}
	if err := c.check(&m); err != nil {
		return nil, err
	}
	hashers := make([]*hasher, len(st.keys))
	valid := false
	for i := range st.keys {
		if st.keys[i].validAt(now) {
			hashers[i] = st.keys[i].mac.begin(c, &m)
			valid = true
		}
	}
	if !valid {
		return nil, c.noKey()
	}
	return &Digest{compiled: c, keys: st.keys, hashers: func() []*hasher { return hashers }, now: now}, nil
}

// Write adds p to the body. It never fails.
func (d *Digest) Write(p []byte) (int, error) {
	if d == nil || d.compiled == nil {
		return len(p), nil
	}
	for _, h := range d.hashers() {
		if h != nil {
			h.mac.Write(p)
		}
	}
	return len(p), nil
}

// Match says which key made one of tags for the body written so far. The errors
// are those of Compiled.Match. It may be called again, and more may be written
// after it.
func (d *Digest) Match(tags []string) (Matched, error) {
	if d == nil || d.compiled == nil {
		return Matched{}, configError("", "the zero Digest is not usable: use Begin")
	}
	for i, h := range d.hashers() {
		if h != nil && h.matches(&d.compiled.decoder, tags) {
			return d.keys[i].matched(d.keys, d.now), nil
		}
	}
	return Matched{}, d.compiled.noMatch(tags)
}
