package topic

import (
	"fmt"
	"iter"
	"strings"
)

// Provider is the platform whose webhook catalog a topic belongs to. The zero
// value is no provider. Hosts may use providers of their own.
type Provider string

// The providers of the catalog.
const (
	Cleeng   Provider = "cleeng"
	InPlayer Provider = "inplayer"
	ConsCent Provider = "conscent"
)

// MaxLen is the length in bytes up to which [Parse] and [ParsePattern] accept
// a text.
const MaxLen = 256

// Topic names one kind of webhook: provider, colon, the provider's own name,
// such as "inplayer:subscribe.success". The zero value names nothing. A Topic
// is a plain string, comparable and safe for concurrent use.
type Topic string

// Parse checks that s is a well-formed topic and returns it. Any provider is
// accepted, since hosts have topics of their own: lower-case letters, digits,
// '_' and '-', then a colon, then a name of printable ASCII without spaces and
// without '*'. The error is an [*Error] and says what is wrong.
func Parse(s string) (Topic, error) {
	provider, name, ok := strings.Cut(s, ":")
	switch {
	case len(s) > MaxLen:
		return "", &Error{Reason: fmt.Sprintf("topic is longer than %d bytes", MaxLen)}
	case !ok:
		return "", &Error{Text: s, Reason: "topic has no provider; write it as provider:name"}
	case !isProvider(provider):
		return "", &Error{Text: s, Reason: "topic's provider must be lower-case letters, digits, '_' and '-'"}
	case name == "":
		return "", &Error{Text: s, Reason: "topic has no name after the colon"}
	case strings.ContainsRune(name, '*'):
		return "", &Error{Text: s, Reason: "topic has a '*'; only a Pattern may"}
	case !isPrintable(name):
		return "", &Error{Text: s, Reason: "topic's name must be printable ASCII without spaces"}
	}
	return Topic(s), nil
}

// Topic makes the topic that provider calls name. It checks nothing; [Parse] does.
func (p Provider) Topic(name string) Topic { return Topic(string(p) + ":" + name) }

// Provider returns what stands before the colon, or "" when there is no colon.
func (t Topic) Provider() Provider {
	provider, _, ok := strings.Cut(string(t), ":")
	if !ok {
		return ""
	}
	return Provider(provider)
}

// Name returns the provider's own name for the topic: what stands after the
// colon, or the whole text when there is no colon.
func (t Topic) Name() string {
	if _, name, ok := strings.Cut(string(t), ":"); ok {
		return name
	}
	return string(t)
}

// Info returns the topic's row of the catalog. It is false for topics that the
// catalog does not know.
func (t Topic) Info() (Info, bool) {
	if i := index(t); i >= 0 {
		return catalog[i], true
	}
	return Info{}, false
}

// All yields every topic of the catalog, grouped by provider, in the order in
// which the catalog lists them.
func All() iter.Seq[Topic] {
	return func(yield func(Topic) bool) {
		for i := range catalog {
			if !yield(catalog[i].Topic) {
				return
			}
		}
	}
}

// Of yields the catalog's topics of one provider; none for a provider that the
// catalog does not know.
func Of(p Provider) iter.Seq[Topic] {
	return func(yield func(Topic) bool) {
		for t := range All() {
			if t.Provider() == p && !yield(t) {
				return
			}
		}
	}
}

func isProvider(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' && c != '-' {
			return false
		}
	}
	return s != ""
}

func isPrintable(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
