package event

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// MaxDepth is how many objects and arrays [Scan] lets stand in each other.
const MaxDepth = 128

// Member is a member of a JSON object that [Scan] is to find.
type Member struct {
	Name   string // the member's key, exactly
	Value  []byte // set by Scan: the raw value, a part of the body; nil when the member is missing
	Offset int    // set by Scan: where Value begins in the body

	end int // where Value ends
}

// Scan checks in one pass that body is one strict JSON object and finds the
// members that are asked for; it fills in their Value and Offset.
//
// It is stricter than encoding/json, which takes the last of several members
// and ignores the case of their names, so that two readers of one body could
// see two different topics. Scan refuses, anywhere in the body: two keys of an
// object that are equal after unescaping and Unicode case folding, invalid
// UTF-8, escapes of half a surrogate pair, nesting deeper than [MaxDepth], and
// anything but white space after the object.
//
// The error is an [*Error] that wraps [ErrMalformed]. Scan takes time in
// proportion to the body, and allocates nothing as long as no object has 32
// members or more and no more than 48 are open at a time.
func Scan(body []byte, members []Member) error {
	for i := range members {
		members[i].Value, members[i].Offset, members[i].end = nil, 0, 0
	}
	s := scanner{body: body}
	if err := s.whole(members); err != nil {
		return err
	}
	for i := range members {
		if m := &members[i]; m.end > 0 {
			m.Value = body[m.Offset:m.end:m.end]
		}
	}
	return nil
}

type scanner struct {
	body  []byte
	pos   int
	depth int

	// The keys of the objects that are open, the innermost last: open of them,
	// the first in an array so that they stay on the stack.
	open int
	near [48]key
	far  []key
}

// key is an object's key: the span between its quotes, and a hash that is equal
// for keys that are.
type key struct {
	hash       uint64
	start, end int
}

// manyKeys is the size of an object from which on a map finds duplicate keys.
const manyKeys = 32

func (s *scanner) push(k key) {
	if s.open < len(s.near) {
		s.near[s.open] = k
	} else {
		s.far = append(s.far[:s.open-len(s.near)], k)
	}
	s.open++
}

func (s *scanner) key(i int) *key {
	if i < len(s.near) {
		return &s.near[i]
	}
	return &s.far[i-len(s.near)]
}

func (s *scanner) fail(reason string) *Error {
	return &Error{Offset: s.pos, Reason: reason, Err: ErrMalformed}
}

// within puts name in front of the field that the error is about.
func (e *Error) within(name string) *Error {
	if e.Field != "" && e.Field[0] != '[' {
		name += "."
	}
	e.Field = name + e.Field
	return e
}

// next skips white space and returns the byte it stands on, 0 at the end.
func (s *scanner) next() byte {
	for ; s.pos < len(s.body); s.pos++ {
		c := s.body[s.pos]
		if c > ' ' || c != ' ' && c != '\n' && c != '\t' && c != '\r' {
			return c
		}
	}
	return 0
}

func (s *scanner) whole(members []Member) *Error {
	if s.next() != '{' {
		return s.fail("body must be a JSON object")
	}
	if err := s.object(members); err != nil {
		return err
	}
	if s.next(); s.pos != len(s.body) {
		return s.fail("more data after the JSON object")
	}
	return nil
}

// value scans the value that begins with c, on which next has come to stand.
func (s *scanner) value(c byte) *Error {
	switch c {
	case '{':
		return s.object(nil)
	case '[':
		return s.array()
	case '"':
		_, err := s.str()
		return err
	case 't':
		return s.literal("true")
	case 'f':
		return s.literal("false")
	case 'n':
		return s.literal("null")
	default:
		if s.pos == len(s.body) {
			return s.fail("body ends where a value should be")
		}
		n := numberLen(s.body[s.pos:])
		if n == 0 {
			return s.fail("not a JSON value")
		}
		s.pos += n
		return nil
	}
}

func (s *scanner) object(members []Member) *Error {
	if s.depth++; s.depth > MaxDepth {
		return s.fail("nested too deep")
	}
	s.pos++
	if s.next() == '}' {
		s.pos++
		s.depth--
		return nil
	}
	first := s.open
	var few uint64               // a bit for each key, to tell at a glance that one is new
	var seen map[string]struct{} // the keys after folding, once there are many
	for {
		if s.next() != '"' {
			return s.fail("expected a key in double quotes")
		}
		start := s.pos
		plain, err := s.str()
		if err != nil {
			return err
		}
		k := key{start: start + 1, end: s.pos - 1}
		name := s.body[k.start:k.end]
		k.hash = s.hash(k.start, k.end, plain)
		bit := uint64(1) << (k.hash & 63)
		if few&bit != 0 && s.taken(k, first, seen) {
			s.pos = start
			return s.fail("same key as an earlier one, in this spelling or another").within(label(name))
		}
		few |= bit
		s.push(k)
		if n := s.open - first; n == manyKeys {
			seen = make(map[string]struct{}, 2*n)
			for i := first; i < s.open; i++ {
				seen[s.folded(*s.key(i))] = struct{}{}
			}
		} else if seen != nil {
			seen[s.folded(k)] = struct{}{}
		}
		if s.next() != ':' {
			return s.fail("expected ':' after a key")
		}
		s.pos++
		c := s.next()
		at := s.pos
		if err := s.value(c); err != nil {
			return err.within(label(name))
		}
		for i := range members {
			if equal(name, plain, members[i].Name) {
				members[i].Offset, members[i].end = at, s.pos
			}
		}
		switch s.next() {
		case ',':
			s.pos++
		case '}':
			s.pos++
			s.open = first
			s.depth--
			return nil
		default:
			return s.fail("expected ',' or '}' in an object")
		}
	}
}

// taken reports whether the innermost object has a key equal to k already. Among
// many keys a map finds it, whose hash nobody outside can foresee: the one of key
// is easy to collide with.
func (s *scanner) taken(k key, first int, seen map[string]struct{}) bool {
	if seen != nil {
		_, ok := seen[s.folded(k)]
		return ok
	}
	for i := first; i < s.open; i++ {
		if other := s.key(i); other.hash == k.hash && sameFolded(s.body[other.start:other.end], s.body[k.start:k.end]) {
			return true
		}
	}
	return false
}

// folded returns what is the same for keys that are equal.
func (s *scanner) folded(k key) string {
	return strings.Map(fold, unescape(s.body[k.start:k.end]))
}

// label is a key as errors show it, of bounded length.
func label(k []byte) string {
	const most = 64
	if len(k) > most {
		return strings.ToValidUTF8(string(k[:most]), "") + "..."
	}
	return unescape(k)
}

func (s *scanner) array() *Error {
	if s.depth++; s.depth > MaxDepth {
		return s.fail("nested too deep")
	}
	s.pos++
	if s.next() == ']' {
		s.pos++
		s.depth--
		return nil
	}
	for {
		if err := s.value(s.next()); err != nil {
			return err.within("[]")
		}
		switch s.next() {
		case ',':
			s.pos++
		case ']':
			s.pos++
			s.depth--
			return nil
		default:
			return s.fail("expected ',' or ']' in an array")
		}
	}
}

const (
	lows  = 0x0101010101010101
	highs = 0x8080808080808080
)

// special marks the bytes of x that a string cannot just contain: control
// characters, the quote, the backslash, and what is not ASCII. Bits above the
// lowest marked one may be wrong.
func special(x uint64) uint64 {
	quote, slash := x^(lows*'"'), x^(lows*'\\')
	return ((x-lows*0x20)&^x | (quote-lows)&^quote | (slash-lows)&^slash | x) & highs
}

// str scans a string from its opening quote. It reports whether the string is
// plain: ASCII without escapes.
func (s *scanner) str() (plain bool, err *Error) {
	body, i := s.body, s.pos+1
	plain = true
	for {
		for i+8 <= len(body) {
			m := special(binary.LittleEndian.Uint64(body[i:]))
			if m != 0 {
				i += bits.TrailingZeros64(m) / 8
				break
			}
			i += 8
		}
		if s.pos = i; i == len(body) {
			return plain, s.fail("body ends inside a string")
		}
		switch c := body[i]; {
		case c == '"':
			s.pos++
			return plain, nil
		case c == '\\':
			plain = false
			if err := s.escape(); err != nil {
				return plain, err
			}
			i = s.pos
		case c < ' ':
			return plain, s.fail("control character in a string")
		case c < utf8.RuneSelf:
			i++
		default:
			plain = false
			r, n := utf8.DecodeRune(body[i:])
			if r == utf8.RuneError && n == 1 {
				return plain, s.fail("invalid UTF-8")
			}
			i += n
		}
	}
}

func (s *scanner) escape() *Error {
	if s.pos+1 == len(s.body) {
		return s.fail("body ends inside a string")
	}
	switch s.body[s.pos+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		s.pos += 2
		return nil
	case 'u':
		if _, n := decodeRune(s.body[s.pos:]); n > 0 {
			s.pos += n
			return nil
		}
		return s.fail("bad \\u escape in a string")
	}
	return s.fail("unknown escape in a string")
}

func (s *scanner) literal(want string) *Error {
	if !bytes.HasPrefix(s.body[s.pos:], []byte(want)) {
		return s.fail("not a JSON value")
	}
	s.pos += len(want)
	return nil
}

// numberLen returns the length of the JSON number at the start of b, 0 for none.
func numberLen[T ~string | ~[]byte](b T) int {
	i := 0
	if i < len(b) && b[i] == '-' {
		i++
	}
	digits := func() bool {
		start := i
		for i < len(b) && isDigit(b[i]) {
			i++
		}
		return i > start
	}
	if i < len(b) && b[i] == '0' {
		i++
	} else if !digits() {
		return 0
	}
	if i < len(b) && b[i] == '.' {
		i++
		if !digits() {
			return 0
		}
	}
	if i < len(b) && (b[i] == 'e' || b[i] == 'E') {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		if !digits() {
			return 0
		}
	}
	return i
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// hash is the same for keys that are equal after unescaping and folding, and
// seldom for others. It takes eight bytes at a time, with the bit set that tells
// the cases of ASCII letters apart.
func (s *scanner) hash(start, end int, plain bool) uint64 {
	if !plain {
		return hashFolded(s.body[start:end])
	}
	var h, word uint64
	for ; start+8 <= end; start += 8 {
		h = mix(h, binary.LittleEndian.Uint64(s.body[start:])|lows*0x20)
	}
	if rest := s.body[start:]; len(rest) >= 8 {
		// What follows the key is cut off again.
		word = (binary.LittleEndian.Uint64(rest) | lows*0x20) & (1<<(8*(end-start)) - 1)
	} else {
		for i, c := range s.body[start:end] {
			word |= uint64(c|0x20) << (8 * i)
		}
	}
	return mix(h, word)
}

func hashFolded(k []byte) uint64 {
	var h, word uint64
	n := 0
	for len(k) > 0 {
		r, size := decodeRune(k)
		k = k[size:]
		var buf [utf8.UTFMax]byte
		for _, c := range utf8.AppendRune(buf[:0], fold(r)) {
			if c < utf8.RuneSelf {
				c |= 0x20
			}
			word |= uint64(c) << (8 * n)
			if n++; n == 8 {
				h, word, n = mix(h, word), 0, 0
			}
		}
	}
	return mix(h, word)
}

func mix(h, word uint64) uint64 {
	h = (h ^ word) * 0x9e3779b97f4a7c15
	return h ^ h>>32
}

// fold returns the smallest rune that case folding takes for the same as r, as
// encoding/json does when it looks for a field.
func fold(r rune) rune {
	for {
		next := unicode.SimpleFold(r)
		if next <= r {
			return next
		}
		r = next
	}
}

func sameFolded(a, b []byte) bool {
	for len(a) > 0 && len(b) > 0 {
		ra, na := decodeRune(a)
		rb, nb := decodeRune(b)
		if fold(ra) != fold(rb) {
			return false
		}
		a, b = a[na:], b[nb:]
	}
	return len(a) == len(b)
}

// equal reports whether a key is name, exactly.
func equal(k []byte, plain bool, name string) bool {
	if plain || bytes.IndexByte(k, '\\') < 0 {
		return string(k) == name
	}
	return unescape(k) == name
}

// unescape returns the text of a string's inside that str has accepted.
func unescape(k []byte) string {
	if bytes.IndexByte(k, '\\') < 0 {
		return string(k)
	}
	var out []byte
	for len(k) > 0 {
		r, n := decodeRune(k)
		out = utf8.AppendRune(out, r)
		k = k[n:]
	}
	return string(out)
}

// decodeRune reads the first character of a string's inside, unescaped, and
// tells how many bytes it takes: 0 for a \u escape that is none, or that is
// half of a surrogate pair.
func decodeRune(b []byte) (r rune, n int) {
	if b[0] != '\\' {
		return utf8.DecodeRune(b)
	}
	switch b[1] {
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case 'u':
		r := hex4(b[2:])
		if r < 0 {
			return 0, 0
		}
		if !utf16.IsSurrogate(r) {
			return r, 6
		}
		if len(b) < 12 || b[6] != '\\' || b[7] != 'u' {
			return 0, 0
		}
		if r = utf16.DecodeRune(r, hex4(b[8:])); r == unicode.ReplacementChar {
			return 0, 0
		}
		return r, 12
	}
	return rune(b[1]), 2
}

// hex4 reads four hex digits, -1 when there are not four.
func hex4(b []byte) rune {
	if len(b) < 4 {
		return -1
	}
	var r rune
	for _, c := range b[:4] {
		switch {
		case isDigit(c):
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return -1
		}
		r = r<<4 | rune(c)
	}
	return r
}
