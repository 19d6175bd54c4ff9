package sign

import (
	"slices"
	"strings"
)

// Scheme describes how a message is signed, as data: what is covered, where
// the signature stands and how it is written. The same value serves the sender
// and the receiver.
//
// A host may write its own. The zero value is not usable; Validate says what is
// missing. A Scheme is a plain value; nothing here modifies its Cover, and the
// caller must not modify it once it was handed to a constructor.
type Scheme struct {
	// Name is what errors and receipts call the scheme. Required.
	Name string

	// Cover lists what is signed, in order. It must end with PartBody.
	Cover []Part

	// Tag says where the signature stands. Required.
	Tag Field

	// ID and Time say where the message id and the timestamp stand. Each is
	// set exactly when Cover names it: a value that nobody signed proves
	// nothing, so a scheme cannot carry one.
	ID, Time Field

	Algorithm Algorithm // Zero: HMACSHA256.
	Encoding  Encoding  // Hex or Base64. Required.
	TimeUnit  TimeUnit  // Zero: Seconds.
	KeyForm   KeyForm   // Zero: Text. KeyPair with Ed25519, and only with it.

	// MinKey and MaxKey bound the key's length in bytes, counted after
	// KeyForm was applied. Zero: at least 1, no maximum. A KeyPair has a
	// length of its own, and neither is set.
	MinKey, MaxKey int
}

// Part is one part of what is signed: PartID, PartTime, PartBody, or any other
// text, which then is signed literally.
type Part string

// The parts that vary from message to message.
const (
	PartID   Part = "{id}"
	PartTime Part = "{time}"
	PartBody Part = "{body}"
)

// Field says where a value stands in the headers.
type Field struct {
	// Header is the name of the header, in any case.
	Header string

	// Prefix stands before the value and is not part of it. It is compared
	// exactly, and is required where it is set.
	Prefix string

	// Separator, where it is set, makes the header a list of values, of which
	// those that start with Prefix belong to the field. It is one of space,
	// comma and semicolon. Tag takes any number of values from its list; ID
	// and Time have a separator only where they stand in the list of Tag, each
	// with a prefix of its own, and then exactly once.
	Separator string
}

// Algorithm is how a signature is made.
type Algorithm uint8

const (
	// HMACSHA256 is a MAC with a key that both sides share. It is the zero
	// value.
	HMACSHA256 Algorithm = iota

	// Ed25519 is a signature with a private key; the receiving side has the
	// public one and cannot sign.
	Ed25519
)

// KeyForm says how a secret's text becomes the key.
type KeyForm uint8

const (
	// Text takes the bytes of the secret as they are. It is the zero value.
	// A base64 secret under a scheme of this form cannot be told from text:
	// it is used as it stands.
	Text KeyForm = iota

	// Whsec takes standard base64 with padding, with or without the prefix
	// "whsec_" in front.
	Whsec

	// KeyPair takes an Ed25519 key as standard base64 with padding: after
	// "whsk_" the 64 bytes of a private key, seed and public key, which signs
	// and verifies; after "whpk_" the 32 bytes of a public key, which only
	// verifies.
	KeyPair
)

// Validate reports the first thing that makes the scheme unusable or
// ambiguous, as an *Error wrapping ErrConfig. The constructors call it.
func (s Scheme) Validate() error {
	if flaw := s.flaw(); flaw != "" {
		return configError(s.Name, flaw)
	}
	return nil
}

func (s Scheme) flaw() string {
	switch {
	case s.Name == "":
		return "Name is empty"
	case !isVisible(s.Name, "-_./ "):
		return "Name holds more than letters, digits and -_./"
	case s.Tag.Header == "":
		return "Tag names no header"
	case s.Algorithm != HMACSHA256 && s.Algorithm != Ed25519:
		return "Algorithm is unknown: use HMACSHA256 or Ed25519"
	case s.Encoding != Hex && s.Encoding != Base64:
		return "Encoding is not set: use Hex or Base64"
	case s.TimeUnit != Seconds && s.TimeUnit != Milliseconds:
		return "TimeUnit is unknown: use Seconds or Milliseconds"
	case s.KeyForm != Text && s.KeyForm != Whsec && s.KeyForm != KeyPair:
		return "KeyForm is unknown: use Text, Whsec or KeyPair"
	case (s.Algorithm == Ed25519) != (s.KeyForm == KeyPair):
		return "Algorithm and KeyForm disagree: Ed25519 goes with KeyPair, HMACSHA256 with Text or Whsec"
	case s.MinKey < 0 || s.MaxKey < 0:
		return "MinKey or MaxKey is negative"
	case s.KeyForm == KeyPair && (s.MinKey != 0 || s.MaxKey != 0):
		return "MinKey or MaxKey is set: the length of a KeyPair is fixed"
	case s.MaxKey != 0 && s.MaxKey < s.MinKey:
		return "MaxKey is less than MinKey"
	}
	if flaw := s.coverFlaw(); flaw != "" {
		return flaw
	}
	return s.fieldFlaw()
}

// coverFlaw refuses a cover in which two different messages could be signed as
// the same bytes.
func (s Scheme) coverFlaw() string {
	switch {
	case !slices.Contains(s.Cover, PartBody):
		return "Cover leaves the body unsigned: end it with PartBody"
	case s.Cover[len(s.Cover)-1] != PartBody:
		return "Cover has something after the body: put PartBody last"
	}
	seen := make(map[Part]bool)
	for i, p := range s.Cover {
		if p == "" {
			return "Cover holds an empty part"
		}
		if !p.varies() {
			continue
		}
		if seen[p] {
			return "Cover names " + string(p) + " twice"
		}
		seen[p] = true
		if p == PartBody {
			continue
		}
		next := s.Cover[i+1]
		switch {
		case next.varies():
			return "Cover has " + string(p) + " beside " + string(next) + ": put a literal between them"
		case p == PartTime && next != "" && isDigit(next[0]):
			return "Cover has a digit after the time: put another literal there"
		}
	}
	switch {
	case seen[PartID] != (s.ID.Header != ""):
		return "Cover and ID disagree: name a header in ID exactly when Cover has PartID"
	case seen[PartTime] != (s.Time.Header != ""):
		return "Cover and Time disagree: name a header in Time exactly when Cover has PartTime"
	}
	return ""
}

func (s Scheme) fieldFlaw() string {
	fields := []struct {
		name string
		Field
	}{{"Tag", s.Tag}, {"ID", s.ID}, {"Time", s.Time}}
	for i, f := range fields {
		if f.Field == (Field{}) {
			continue
		}
		switch {
		case !isVisible(f.Header, "!#$%&'*+-.^_`|~"):
			return f.name + " names a header that is no HTTP field name"
		case strings.ContainsFunc(f.Prefix, func(r rune) bool { return r <= ' ' || r > '~' }):
			return f.name + " has a prefix with white space or beyond ASCII"
		case f.Separator != "" && !slices.Contains([]string{" ", ",", ";"}, f.Separator):
			return f.name + " has an unknown separator: use a space, a comma or a semicolon"
		case f.Separator != "" && strings.Contains(f.Prefix, f.Separator):
			return f.name + " has its separator in its prefix"
		case f.name != "Tag" && (f.Separator != "") != f.inListOf(s.Tag):
			return f.name + " has a separator without standing in the list of Tag: leave it out, or give it the header and the separator of Tag"
		}
		for _, g := range fields[:i] {
			if !strings.EqualFold(f.Header, g.Header) {
				continue
			}
			switch {
			case !f.inListOf(s.Tag):
				return f.name + " stands in a header that is already taken: give each value its own, or make it a list"
			case strings.HasPrefix(f.Prefix, g.Prefix) || strings.HasPrefix(g.Prefix, f.Prefix):
				return f.name + " and " + g.name + " cannot be told apart in their list: give each a prefix of its own"
			case strings.Contains(f.Prefix+g.Prefix, ","):
				return f.name + " and " + g.name + " share a list and have a comma in a prefix, where folded lines are told by it"
			}
		}
	}
	return ""
}

// inListOf reports whether a value of f stands in the list of values of tag.
func (f Field) inListOf(tag Field) bool {
	return tag.Separator != "" && f.Separator == tag.Separator && strings.EqualFold(f.Header, tag.Header)
}

func (p Part) varies() bool { return p == PartID || p == PartTime || p == PartBody }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// isVisible reports whether s is not empty and holds only ASCII letters,
// digits and the bytes of extra.
func isVisible(s, extra string) bool {
	for i := range len(s) {
		c := s[i]
		if !isDigit(c) && (c|0x20 < 'a' || c|0x20 > 'z') && strings.IndexByte(extra, c) < 0 {
			return false
		}
	}
	return s != ""
}
