package verify

import (
	"net/http"
	"strings"
	"time"

	"example.com/paperround/sign"
)

const (
	defaultTolerance = 5 * time.Minute

	// maxTags and maxTagText bound the work that one request can cause: how
	// many values of a list are judged, and how many bytes of it are read.
	maxTags    = 16
	maxTagText = 4096
)

// Checker decides whether a message is authentic. Verifier, Basic and Group
// are checkers, and so may be a host's own type. It only reads the header and
// the body, must be safe for concurrent use, and any error means that the
// message is refused.
//
// A checker that asks for Basic credentials also has a method
// Challenge() string with the value for WWW-Authenticate. One that wraps Basic
// must pass it on: the handlers refuse plain http because of it.
type Checker interface {
	Verify(header http.Header, body []byte) (Receipt, error)
}

// Options are the choices of New. Nil and the zero value mean the defaults.
type Options struct {
	// Tolerance is how far the signed time may lie from the receiver's, in
	// either direction, both ends included. Zero: 5 minutes. Negative: the
	// time is not judged. Schemes that sign no time ignore it.
	Tolerance time.Duration

	// Now is the receiver's clock. Nil: time.Now.
	Now func() time.Time
}

// Verifier verifies signatures made under one scheme. The zero value is not
// usable: Verify then returns ErrConfig. It is safe for concurrent use.
type Verifier struct {
	compiled      *sign.Compiled
	name          string
	tag, id, time sign.Field // Headers in canonical form.
	unit          sign.TimeUnit
	count         func(time.Time) int64 // Whole units since the epoch.
	commas        int                   // How many commas a value of the tag list has.
	tolerance     time.Duration
	now           func() time.Time
}

// New returns a verifier for a scheme and a ring. It returns an error wrapping
// ErrConfig and the cause from package sign when the scheme does not validate,
// when the ring is nil or empty, or when a key does not fit the scheme. A nil o
// means the defaults.
func New(s sign.Scheme, r *sign.Ring, o *Options) (*Verifier, error) {
	c, err := sign.Compile(s, r)
	if err != nil {
		return nil, fromSign(err, s.Name, "")
	}
	v := &Verifier{
		compiled:  c,
		name:      s.Name,
		tag:       canonical(s.Tag),
		id:        canonical(s.ID),
		time:      canonical(s.Time),
		unit:      s.TimeUnit,
		count:     time.Time.Unix,
		commas:    strings.Count(s.Tag.Prefix, ","),
		tolerance: defaultTolerance,
		now:       time.Now,
	}
	if s.TimeUnit == sign.Milliseconds {
		v.count = time.Time.UnixMilli
	}
	if o != nil {
		if o.Tolerance != 0 {
			v.tolerance = o.Tolerance
		}
		if o.Now != nil {
			v.now = o.Now
		}
	}
	return v, nil
}

func canonical(f sign.Field) sign.Field {
	f.Header = http.CanonicalHeaderKey(f.Header)
	return f
}

// Verify reports what the signature in header proves of body, or why it proves
// nothing: an *Error wrapping ErrMissing, ErrMalformed, ErrTooMany, ErrNoMatch,
// ErrTooOld, ErrTooNew or, when no key is usable, ErrConfig. The header is
// looked at under canonical names, as net/http and http.Header.Set write them.
//
// The body must be the bytes as they came. Verify reads it and keeps it only in
// the receipt. It allocates nothing when the message is accepted.
func (v *Verifier) Verify(header http.Header, body []byte) (Receipt, error) {
	if v == nil || v.compiled == nil {
		return Receipt{}, configError("the zero Verifier is not usable: use New")
	}
	rc := Receipt{Scheme: v.name, Received: v.now(), Body: body}
	m := sign.Message{Body: body}
	var err error
	if v.id.Header != "" {
		if m.ID, err = v.single(header, v.id); err != nil {
			return Receipt{}, err
		}
		rc.ID = m.ID
	}
	if v.time.Header != "" {
		if m.Time, err = v.single(header, v.time); err != nil {
			return Receipt{}, err
		}
		if rc.Time, err = v.judge(m.Time, rc.Received); err != nil {
			return Receipt{}, err
		}
	}
	var space [maxTags]string
	tags, err := v.tags(header, &space)
	if err != nil {
		return Receipt{}, err
	}
	rc.KeyID, err = v.compiled.Match(m, tags, rc.Received)
	if err != nil {
		return Receipt{}, fromSign(err, v.name, v.tag.Header)
	}
	return rc, nil
}

// judge reads a timestamp and compares it with now, both in whole units: the
// sender rounded down when it wrote its own.
func (v *Verifier) judge(text string, now time.Time) (time.Time, error) {
	sent, err := v.unit.Parse(text)
	if err != nil {
		return time.Time{}, fromSign(err, v.name, v.time.Header)
	}
	if v.tolerance >= 0 {
		most := int64(v.tolerance / v.unit.Duration())
		switch age := v.count(now) - v.count(sent); {
		case age > most:
			return time.Time{}, v.refuse(v.time, ErrTooOld, "")
		case age < -most:
			return time.Time{}, v.refuse(v.time, ErrTooNew, "")
		}
	}
	return sent, nil
}

// single returns the value of a header that has exactly one.
func (v *Verifier) single(header http.Header, f sign.Field) (string, error) {
	lines := header[f.Header]
	switch {
	case len(lines) == 0 || len(lines) == 1 && lines[0] == "":
		return "", v.refuse(f, ErrMissing, "")
	case len(lines) > 1:
		return "", v.refuse(f, ErrTooMany, "the header stands on more than one line")
	}
	value, ok := strings.CutPrefix(lines[0], f.Prefix)
	if !ok {
		return "", v.refuse(f, ErrMalformed, "the prefix is missing")
	}
	return value, nil
}

// tags returns the values that may be a signature, without the prefix. Space
// is where they are put.
func (v *Verifier) tags(header http.Header, space *[maxTags]string) ([]string, error) {
	if v.tag.Separator == "" {
		value, err := v.single(header, v.tag)
		space[0] = value
		return space[:1], err
	}
	tags, values, text := space[:0], 0, 0
	for _, line := range header[v.tag.Header] {
		if text += len(line); text > maxTagText {
			return nil, v.refuse(v.tag, ErrTooMany, "the header is too long")
		}
		for rest := line; rest != ""; {
			var value string
			var ok bool
			if value, rest, ok = v.next(rest); !ok {
				return nil, v.refuse(v.tag, ErrMalformed, "the list of values is broken")
			}
			if values++; values > maxTags {
				return nil, v.refuse(v.tag, ErrTooMany, "the list has too many values")
			}
			if tag, ok := strings.CutPrefix(value, v.tag.Prefix); ok {
				tags = append(tags, tag)
			}
		}
	}
	switch {
	case values == 0:
		return nil, v.refuse(v.tag, ErrMissing, "")
	case len(tags) == 0:
		return nil, v.refuse(v.tag, ErrMalformed, "no value has the scheme's prefix")
	}
	return tags, nil
}

// next cuts the first value off a list. Values are parted by the scheme's
// separator or, where a proxy folded several lines into one, by a comma with or
// without white space after it. A value itself has exactly as many commas as
// the scheme's prefix, whatever its version, so "v1,AAA,v1,BBB" has two values
// and "v1,AAA,junk" is broken.
func (v *Verifier) next(list string) (value, rest string, ok bool) {
	value, more := list, false
	if v.tag.Separator != "," {
		value, rest, more = strings.Cut(list, v.tag.Separator)
	}
	commas, from := 0, 0
	for {
		i := strings.IndexByte(value[from:], ',')
		if i < 0 {
			break
		}
		from += i + 1
		if commas == v.commas {
			value, rest, more = list[:from-1], strings.TrimLeft(list[from:], " \t"), true
			break
		}
		commas++
	}
	return value, rest, value != "" && commas == v.commas && more == (rest != "")
}

func (v *Verifier) refuse(f sign.Field, err error, reason string) error {
	return &Error{Scheme: v.name, Header: f.Header, Reason: reason, Err: err}
}
