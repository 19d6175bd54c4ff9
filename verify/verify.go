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
	maxSigned  = 4 // Of a public key, with which one look takes as long as fifty HMACs.
	maxTagText = 4096
)

// Checker decides whether a message is authentic. Verifier, Basic and Group
// are checkers, and so may be a host's own type, such as one that picks a Verifier
// per tenant. It must be safe for concurrent use.
type Checker interface {
	// Verify only reads the header and the body. Any error means that the
	// message is refused.
	Verify(header http.Header, body []byte) (Receipt, error)

	// Proves says what is known of a message that Verify accepts. The answer
	// does not change. A checker that wraps another passes its answer on.
	Proves() Proof
}

// Proof is what a checker proves of each message besides its body. The handlers
// refuse plain http because of it, and protect from replay. The zero value proves
// nothing more.
type Proof struct {
	// ID and Time say that Receipt.ID, or Receipt.Time, is covered by the
	// signature.
	ID, Time bool

	// Tolerance is how far that time may lie from the receiver's, as in
	// Options: zero means 5 minutes, negative that it is not judged.
	Tolerance time.Duration

	// Challenge is the value of WWW-Authenticate for a checker that asks for
	// credentials, which are not to be sent over plain http.
	Challenge string
}

// tolerance returns the tolerance, negative when no time is judged.
func (p Proof) tolerance() time.Duration {
	switch {
	case !p.Time:
		return -1
	case p.Tolerance == 0:
		return defaultTolerance
	}
	return p.Tolerance
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
	shared        bool                  // The id or the time stands in the tag list.
	most          int                   // How many tags are judged.
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
		shared:    s.ID.Separator != "" || s.Time.Separator != "",
		most:      maxTags,
		tolerance: defaultTolerance,
		now:       time.Now,
	}
	if s.Algorithm == sign.Ed25519 {
		v.most = maxSigned
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
	return v.VerifyAt(header, body, v.now())
}

// VerifyAt is Verify for a message that was received earlier, from a queue for
// example: the signed time and the keys are judged as of then, and received
// stands in the receipt. It must be the receiver's own record of the moment.
func (v *Verifier) VerifyAt(header http.Header, body []byte, received time.Time) (Receipt, error) {
	if v == nil || v.compiled == nil {
		return Receipt{}, configError("the zero Verifier is not usable: use New")
	}
	p := proof{receipt: Receipt{Scheme: v.name, Received: received, Body: body}, message: sign.Message{Body: body}}
	if err := v.read(header, &p); err != nil {
		return Receipt{}, err
	}
	made, err := v.compiled.Match(p.message, p.tags[:p.n], received)
	if err != nil {
		return Receipt{}, fromSign(err, v.name, v.tag.Header)
	}
	p.receipt.KeyID, p.receipt.KeyAge, p.receipt.Superseded = made.KeyID, made.KeyAge, made.Superseded
	return p.receipt, nil
}

// proof is what the headers of a message say, before the MAC is made.
type proof struct {
	receipt Receipt
	message sign.Message
	tags    [maxTags]string
	n       int // of tags
}

// read reads the headers into p, and judges all but the tags themselves.
func (v *Verifier) read(header http.Header, p *proof) (err error) {
	if v.id.Header != "" && v.id.Separator == "" {
		if p.message.ID, err = v.single(header, v.id); err != nil {
			return err
		}
	}
	if v.time.Header != "" && v.time.Separator == "" {
		if p.message.Time, err = v.single(header, v.time); err != nil {
			return err
		}
	}
	if v.tag.Separator != "" {
		err = v.readList(header[v.tag.Header], p)
	} else {
		p.tags[0], err = v.single(header, v.tag)
		p.n = 1
	}
	if err != nil {
		return err
	}
	p.receipt.ID = p.message.ID
	if v.time.Header != "" {
		p.receipt.Time, err = v.judge(p.message.Time, p.receipt.Received)
	}
	return err
}

// Proves says what besides the body the scheme signs.
func (v *Verifier) Proves() Proof {
	if v == nil {
		return Proof{}
	}
	return Proof{ID: v.id.Header != "", Time: v.time.Header != "", Tolerance: v.tolerance}
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

// readList reads the header that is a list: the values that may be a tag, and
// the id and the time if they stand there too.
func (v *Verifier) readList(lines []string, p *proof) error {
	if v.shared && len(lines) > 1 {
		return v.refuse(v.tag, ErrTooMany, "the header stands on more than one line")
	}
	values, text := 0, 0
	for _, line := range lines {
		if text += len(line); text > maxTagText {
			return v.refuse(v.tag, ErrTooMany, "the header is too long")
		}
		for rest := line; rest != ""; {
			var value string
			var ok bool
			if value, rest, ok = v.next(rest); !ok {
				return v.refuse(v.tag, ErrMalformed, "the list of values is broken")
			}
			if values++; values > maxTags {
				return v.refuse(v.tag, ErrTooMany, "the list has too many values")
			}
			if err := v.take(value, p); err != nil {
				return err
			}
		}
	}
	switch {
	case values == 0:
		return v.refuse(v.tag, ErrMissing, "")
	case p.n == 0:
		return v.refuse(v.tag, ErrMalformed, "no value has the scheme's prefix")
	case v.id.Separator != "" && p.message.ID == "":
		return v.refuse(v.id, ErrMissing, "the list has no id")
	case v.time.Separator != "" && p.message.Time == "":
		return v.refuse(v.time, ErrMissing, "the list has no time")
	}
	return nil
}

// take puts one value of the list where it belongs. Those of other versions are
// passed over.
func (v *Verifier) take(value string, p *proof) error {
	in := func(f sign.Field) bool { return f.Separator != "" && strings.HasPrefix(value, f.Prefix) }
	switch n := len(v.tag.Prefix); {
	case in(v.tag):
		if p.n == v.most {
			return v.refuse(v.tag, ErrTooMany, "the list has too many signatures")
		}
		p.tags[p.n] = value[n:]
		p.n++
	case v.shared && value[0] <= ' ':
		// A second time could hide behind it, as in a folded "t=1,v1=AAA, t=2,v1=BBB".
		return v.refuse(v.tag, ErrMalformed, "a value of the list starts with white space")
	case in(v.id):
		return v.takeMember(v.id, value, &p.message.ID)
	case in(v.time):
		return v.takeMember(v.time, value, &p.message.Time)
	case !hasPrefix(value):
		return v.refuse(v.tag, ErrMalformed, "a value of the list has no prefix at all")
	}
	return nil
}

// hasPrefix reports whether a value begins with a name and something that ends it,
// as "v2,", "v0=" and "kid:" do.
func hasPrefix(value string) bool {
	i := strings.IndexFunc(value, func(r rune) bool {
		return (r < '0' || r > '9') && (r|0x20 < 'a' || r|0x20 > 'z') && r != '-' && r != '_'
	})
	return i > 0 && strings.IndexByte(",=:", value[i]) >= 0
}

// takeMember puts the value of f into dst.
func (v *Verifier) takeMember(f sign.Field, value string, dst *string) error {
	text := value[len(f.Prefix):]
	switch {
	case text == "":
		return v.refuse(f, ErrMalformed, "a value of the list is empty")
	case *dst != "":
		return v.refuse(f, ErrTooMany, "a value stands in the list twice")
	}
	*dst = text
	return nil
}

// next cuts the first value off a list. Values are parted by the scheme's
// separator or, where a proxy folded several lines into one, by a comma with or
// without white space after it. A value itself has exactly as many commas as
// the scheme's prefix, whatever its version, so "v1,AAA,v1,BBB" has two values
// and "v1,AAA,junk" is broken. A list with an id or a time in it cannot be
// folded, because it would have two of them; there a comma parts values and
// white space belongs to them.
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
			value, rest, more = list[:from-1], list[from:], true
			if !v.shared {
				rest = strings.TrimLeft(rest, " \t")
			}
			break
		}
		commas++
	}
	return value, rest, value != "" && commas == v.commas && more == (rest != "")
}

func (v *Verifier) refuse(f sign.Field, err error, reason string) error {
	return &Error{Scheme: v.name, Header: f.Header, Reason: reason, Err: err}
}
