package form

import (
	"cmp"
	"slices"
	"unicode/utf8"
)

// Sort puts pairs into the order of their keys, byte by byte, as
// [net/url.Values.Encode] does.
func Sort(pairs []Pair) {
	slices.SortStableFunc(pairs, func(a, b Pair) int { return cmp.Compare(a.Key, b.Key) })
}

// Write writes pairs in their order. Spaces become +, escapes have upper-case
// digits. The tilde is left as it is, as Go does, or escaped, as PHP does. Invalid
// UTF-8, which [Parse] would refuse, is an [*event.Error].
func Write(pairs []Pair, escapeTilde bool) ([]byte, error) {
	var b []byte
	for i, p := range pairs {
		if !utf8.ValidString(p.Key) || !utf8.ValidString(p.Value) {
			return nil, malformed(p.Key, -1, "text is not valid UTF-8")
		}
		if i > 0 {
			b = append(b, '&')
		}
		b = escape(b, p.Key, escapeTilde)
		b = append(b, '=')
		b = escape(b, p.Value, escapeTilde)
	}
	return b, nil
}

func escape(b []byte, s string, escapeTilde bool) []byte {
	const upper = "0123456789ABCDEF"
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9',
			c == '-', c == '_', c == '.', c == '~' && !escapeTilde:
			b = append(b, c)
		case c == ' ':
			b = append(b, '+')
		default:
			b = append(b, '%', upper[c>>4], upper[c&15])
		}
	}
	return b
}
