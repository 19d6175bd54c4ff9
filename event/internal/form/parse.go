// Package form reads and writes application/x-www-form-urlencoded bodies with
// PHP's bracket nesting, resource[metadata][clientId]=x, from and into structs
// with json tags.
package form

import (
	"strings"
	"unicode/utf8"

	"example.com/paperround/event"
)

// MaxDepth is how many brackets a key may have.
const MaxDepth = 16

// Pair is one key=value of a body, unescaped.
type Pair struct {
	Key    string // as written: "resource[metadata][clientId]"
	Value  string
	Offset int // where the key begins in the body
}

// Parse splits a body into its pairs, in order. It refuses bad percent escapes,
// invalid UTF-8 and empty keys; the error is an [*event.Error].
func Parse(body []byte) ([]Pair, error) {
	s := string(body)
	pairs := make([]Pair, 0, min(strings.Count(s, "&")+1, 64))
	for at := 0; at < len(s); {
		end := len(s)
		if i := strings.IndexByte(s[at:], '&'); i >= 0 {
			end = at + i
		}
		if at == end { // as in a=1&&b=2, which form senders may write
			at++
			continue
		}
		rawKey, rawValue, _ := strings.Cut(s[at:end], "=")
		key, ok := unescape(rawKey)
		if !ok || key == "" {
			return nil, malformed("", at, "key is empty, or has a bad percent escape or invalid UTF-8")
		}
		value, ok := unescape(rawValue)
		if !ok {
			return nil, malformed(key, at, "value has a bad percent escape or invalid UTF-8")
		}
		pairs = append(pairs, Pair{key, value, at})
		at = end + 1
	}
	return pairs, nil
}

func malformed(key string, offset int, reason string) error {
	return &event.Error{Field: Label(key), Offset: offset, Reason: reason, Err: event.ErrMalformed}
}

// Label is a key as errors show it, of bounded length.
func Label(key string) string {
	const most = 128
	if len(key) > most {
		return strings.ToValidUTF8(key[:most], "") + "..."
	}
	return key
}

func unescape(s string) (string, bool) {
	if !strings.ContainsAny(s, "%+") {
		return s, utf8.ValidString(s)
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case '+':
			b = append(b, ' ')
		case '%':
			if i+2 >= len(s) {
				return "", false
			}
			hi, lo := unhex(s[i+1]), unhex(s[i+2])
			if hi > 15 || lo > 15 {
				return "", false
			}
			b = append(b, hi<<4|lo)
			i += 2
		default:
			b = append(b, c)
		}
	}
	return string(b), utf8.Valid(b)
}

func unhex(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10
	}
	return 255
}

// Split takes a key apart: "resource[metadata][clientId]" is "resource" and
// "[metadata][clientId]". It is false when the brackets do not match, or are
// more than [MaxDepth].
func Split(key string) (root, rest string, ok bool) {
	i := strings.IndexByte(key, '[')
	if i < 0 {
		return key, "", !strings.Contains(key, "]")
	}
	root, rest = key[:i], key[i:]
	depth := 0
	for path := rest; path != ""; depth++ {
		if _, path, ok = cut(path); !ok || depth == MaxDepth {
			return "", "", false
		}
	}
	return root, rest, root != ""
}

// cut takes the first segment off a path: "[a][b]" is "a" and "[b]".
func cut(path string) (segment, rest string, ok bool) {
	if path == "" || path[0] != '[' {
		return "", "", false
	}
	end := strings.IndexAny(path[1:], "[]")
	if end < 0 || path[1+end] != ']' {
		return "", "", false
	}
	return path[1 : 1+end], path[2+end:], true
}

// Names returns the segments of a pair's key: "resource[metadata][clientId]" is
// resource, metadata and clientId. The error is an [*event.Error].
func Names(p Pair) ([]string, error) {
	root, path, ok := Split(p.Key)
	if !ok {
		return nil, malformed(p.Key, p.Offset, "the brackets of the key do not match")
	}
	names := []string{root}
	for path != "" {
		var name string
		name, path, _ = cut(path)
		names = append(names, name)
	}
	return names, nil
}
