package topic

import "strings"

// Pattern selects topics. In it, '*' stands for any run of characters, dots and
// the colon included, also for none; all else stands for itself, case and all:
//
//	inplayer:subscribe.*    every InPlayer topic that begins so
//	*.failed                failures of every provider
//	cleeng:subscription*    Cleeng's subscription topics
//	*                       everything
//
// The zero value matches nothing. A Pattern is a plain string, comparable and
// safe for concurrent use.
type Pattern string

// Everything matches every topic.
const Everything Pattern = "*"

// ParsePattern checks that s is a well-formed pattern and returns it. The error
// is an [*Error] and says what is wrong.
func ParsePattern(s string) (Pattern, error) {
	switch {
	case len(s) > MaxLen:
		return "", &Error{Reason: "pattern is too long"}
	case s == "":
		return "", &Error{Reason: `pattern is empty; write "*" to match everything`}
	case !isPrintable(s):
		return "", &Error{Text: s, Reason: "pattern must be printable ASCII without spaces"}
	case !strings.ContainsAny(s, ":*"):
		return "", &Error{Text: s, Reason: "pattern has neither a provider nor a '*', so it matches no topic"}
	}
	return Pattern(s), nil
}

// Match reports whether the pattern selects t. It allocates nothing; its cost
// is at worst the product of the two lengths.
func (p Pattern) Match(t Topic) bool {
	pat, s := string(p), string(t)
	if pat == "" {
		return false
	}
	// star is where the last '*' was, back the place in s up to which it has
	// eaten: on a mismatch it eats one character more and the rest is tried anew.
	i, j, star, back := 0, 0, -1, 0
	for j < len(s) {
		switch {
		case i < len(pat) && pat[i] == '*':
			star, back = i, j
			i++
		case i < len(pat) && pat[i] == s[j]:
			i++
			j++
		case star >= 0:
			back++
			i, j = star+1, back
		default:
			return false
		}
	}
	for i < len(pat) && pat[i] == '*' {
		i++
	}
	return i == len(pat)
}
