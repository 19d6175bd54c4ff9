package sign

import (
	"net/http"
	"time"
)

// HeaderSigner writes what proves the origin of a message into its headers.
// Signer, Basic and Group have this method, and so may a host's own type. An
// implementation changes nothing when it returns an error, and is safe for
// concurrent use.
type HeaderSigner interface {
	Sign(header http.Header, id string, at time.Time, body []byte) error
}

// Options are the choices of New. Nil and the zero value mean the defaults.
type Options struct {
	// Now tells which keys are valid. Nil: time.Now. It must be safe for
	// concurrent use.
	Now func() time.Time
}

// Signer signs messages under one scheme. The zero value is not usable: Sign
// then returns ErrConfig. It is safe for concurrent use.
type Signer struct {
	compiled *Compiled
	now      func() time.Time
}

// New returns a signer for a scheme and a ring. The errors are those of Compile,
// and ErrConfig when no key of the ring can sign. A nil o means the defaults.
func New(s Scheme, r *Ring, o *Options) (*Signer, error) {
	c, err := Compile(s, r)
	if err != nil {
		return nil, err
	}
	st, err := c.load()
	if err == nil && !st.signs() {
		err = configError(s.Name, "the ring has public keys only, which cannot sign")
	}
	if err != nil {
		return nil, err
	}
	now := time.Now
	if o != nil && o.Now != nil {
		now = o.Now
	}
	return &Signer{compiled: c, now: now}, nil
}

// Sign signs body and sets the scheme's headers, in the place of any that are
// there. The id and the time at go in where the scheme has them, and are ignored
// where it has not. At is what the receiver sees as the time of sending; which
// keys sign is decided by the clock.
//
// Where the scheme's header takes several tags, every valid key signs, so that
// a receiver with either key accepts the message; else the newest does. The
// errors are those of Compiled.Append; on an error header is unchanged. The
// body is only read.
func (s *Signer) Sign(header http.Header, id string, at time.Time, body []byte) error {
	if s == nil || s.compiled == nil {
		return configError("", "the zero Signer is not usable: use New")
	}
	c := s.compiled
	if header == nil {
		return configError(c.scheme.Name, "the header is nil: make one")
	}
	m := Message{ID: id, Body: body}
	if c.hasAt {
		text, err := c.scheme.TimeUnit.Format(at)
		if err != nil {
			return err
		}
		m.Time = text
	}
	var space [256]byte // for one tag or a few
	tag, err := c.Append(space[:0], m, s.now())
	if err != nil {
		return err
	}
	if c.hasID && c.scheme.ID.Separator == "" {
		header.Set(c.scheme.ID.Header, c.scheme.ID.Prefix+id)
	}
	if c.hasAt && c.scheme.Time.Separator == "" {
		header.Set(c.scheme.Time.Header, c.scheme.Time.Prefix+m.Time)
	}
	header.Set(c.scheme.Tag.Header, string(tag))
	return nil
}
