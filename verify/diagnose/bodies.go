package diagnose

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	// maxOrders bounds how many fields are tried in every order: 720 orders.
	maxOrders = 6

	// maxUnpacked bounds a body that is decompressed, in bytes.
	maxUnpacked = 4 << 20
)

// body is one reading of the body.
type body struct {
	bytes  []byte
	change change
}

// bodies returns what the body may have been when it was signed; the first is as
// it came.
func bodies(raw []byte) []body {
	out := []body{{bytes: raw}}
	seen := map[string]bool{string(raw): true}
	add := func(b []byte, c Cause, note string) {
		if b != nil && !seen[string(b)] {
			seen[string(b)] = true
			out = append(out, body{b, change{c, note}})
		}
	}
	add([]byte{}, BodyEmpty, "")
	for _, end := range []string{"\n", "\r\n", "\r", " "} {
		add(bytes.TrimSuffix(raw, []byte(end)), BodySpace, "")
		add(append(bytes.Clone(raw), end...), BodySpace, "")
	}
	add(bytes.TrimSpace(raw), BodySpace, "")
	bom := []byte("\ufeff")
	add(bytes.TrimPrefix(raw, bom), BodyBOM, "")
	add(append(bytes.Clone(bom), raw...), BodyBOM, "")
	lf := bytes.ReplaceAll(raw, []byte("\r\n"), []byte("\n"))
	add(lf, BodyLines, "")
	add(bytes.ReplaceAll(lf, []byte("\n"), []byte("\r\n")), BodyLines, "")
	if z, err := gzip.NewReader(bytes.NewReader(raw)); err == nil {
		if plain, err := io.ReadAll(io.LimitReader(z, maxUnpacked)); err == nil {
			add(plain, BodyCompressed, "")
		}
	}
	add(toLatin1(raw), BodyCharset, "")
	add(fromLatin1(raw), BodyCharset, "")
	if plain, err := base64.StdEncoding.DecodeString(string(raw)); err == nil {
		add(plain, BodyWrapped, "")
	}
	var text string
	if json.Unmarshal(raw, &text) == nil {
		add([]byte(text), BodyWrapped, "")
	}
	if json.Valid(raw) {
		addJSON(raw, add)
	} else if bytes.ContainsRune(raw, '=') {
		addForm(string(raw), add)
	}
	return out
}

func toLatin1(raw []byte) []byte {
	if !utf8.Valid(raw) {
		return nil
	}
	out := make([]byte, 0, len(raw))
	for _, r := range string(raw) {
		if r > 0xff {
			return nil
		}
		out = append(out, byte(r)) //nolint:gosec // one byte, see above
	}
	return out
}

func fromLatin1(raw []byte) []byte {
	runes := make([]rune, len(raw))
	for i, b := range raw {
		runes[i] = rune(b)
	}
	return []byte(string(runes))
}

// addJSON adds the ways in which the usual encoders write a JSON value.
func addJSON(raw []byte, add func([]byte, Cause, string)) {
	var compact bytes.Buffer
	if json.Compact(&compact, raw) != nil {
		return
	}
	var value any
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if d.Decode(&value) != nil {
		return
	}
	// The same values in the order that they stand in, and sorted by key.
	for _, form := range []struct {
		words string
		bytes []byte
	}{{"", compact.Bytes()}, {", keys sorted", marshal(value)}} {
		plain := unescaped(form.bytes)
		for _, text := range []struct {
			words string
			bytes []byte
		}{
			{"white space", form.bytes},
			{"escaping", plain},
			{"escaping as for HTML", escapedHTML(plain)},
			{"escaping beyond ASCII", escapedASCII(plain)},
			{"escaping of slashes", bytes.ReplaceAll(plain, []byte("/"), []byte(`\/`))},
			{"escaping of slashes and beyond ASCII", bytes.ReplaceAll(escapedASCII(plain), []byte("/"), []byte(`\/`))},
		} {
			words := text.words + form.words
			add(text.bytes, BodyJSON, words)
			add(spaced(text.bytes), BodyJSON, words+", a space after colon and comma")
			for _, indent := range []string{"  ", "    ", "\t"} {
				var b bytes.Buffer
				if json.Indent(&b, text.bytes, "", indent) == nil {
					add(b.Bytes(), BodyJSON, words+", indented")
				}
			}
		}
	}
	for members := range orders(objectMembers(compact.Bytes())) {
		add([]byte("{"+strings.Join(members, ",")+"}"), BodyJSON, "key order")
	}
}

func marshal(value any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if e.Encode(value) != nil {
		return nil
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// eachString calls f for each string of a compact JSON text, quotes included, and
// returns the text with what f makes of them.
func eachString(text []byte, f func(out, quoted []byte) []byte, between func(out []byte, c byte) []byte) []byte {
	out := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		if text[i] != '"' {
			out = between(out, text[i])
			continue
		}
		end := i + 1
		for end < len(text) && text[end] != '"' {
			if text[end] == '\\' {
				end++
			}
			end++
		}
		end = min(end+1, len(text))
		out = f(out, text[i:end])
		i = end - 1
	}
	return out
}

func asIs(out []byte, c byte) []byte { return append(out, c) }

// unescaped writes strings with no more escapes than JSON needs.
func unescaped(text []byte) []byte {
	return eachString(text, func(out, quoted []byte) []byte {
		var s string
		if json.Unmarshal(quoted, &s) != nil {
			return append(out, quoted...)
		}
		return append(out, marshal(s)...)
	}, asIs)
}

func escapedHTML(text []byte) []byte {
	var b bytes.Buffer
	json.HTMLEscape(&b, text)
	return b.Bytes()
}

func escapedASCII(text []byte) []byte {
	out := make([]byte, 0, len(text))
	for _, r := range string(text) {
		switch {
		case r < 0x80:
			out = append(out, byte(r)) //nolint:gosec // ASCII
		case r > 0xffff:
			r -= 0x10000
			out = fmt.Appendf(out, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
	}
	return out
}

// spaced writes a space after each colon and comma, as Python does.
func spaced(text []byte) []byte {
	return eachString(text, func(out, quoted []byte) []byte { return append(out, quoted...) }, func(out []byte, c byte) []byte {
		out = append(out, c)
		if c == ':' || c == ',' {
			out = append(out, ' ')
		}
		return out
	})
}

// objectMembers returns the members of a compact JSON object, or none.
func objectMembers(text []byte) []string {
	if len(text) < 2 || text[0] != '{' {
		return nil
	}
	var members []string
	d := json.NewDecoder(bytes.NewReader(text))
	if _, err := d.Token(); err != nil {
		return nil
	}
	from := int(d.InputOffset())
	for d.More() {
		var value json.RawMessage
		if _, err := d.Token(); err != nil {
			return nil
		}
		if d.Decode(&value) != nil || len(members) == maxOrders {
			return nil
		}
		end := int(d.InputOffset())
		members = append(members, strings.TrimPrefix(string(text[from:end]), ","))
		from = end
	}
	return members
}

// orders yields every order of a few texts, each of which is valid until the next.
func orders(texts []string) func(yield func([]string) bool) {
	return func(yield func([]string) bool) {
		if len(texts) < 2 || len(texts) > maxOrders {
			return
		}
		order(slices.Clone(texts), 0, yield)
	}
}

func order(texts []string, from int, yield func([]string) bool) bool {
	if from == len(texts) {
		return yield(texts)
	}
	for i := from; i < len(texts); i++ {
		texts[from], texts[i] = texts[i], texts[from]
		if !order(texts, from+1, yield) {
			return false
		}
		texts[from], texts[i] = texts[i], texts[from]
	}
	return true
}

// addForm adds the ways in which the usual encoders write a form.
func addForm(raw string, add func([]byte, Cause, string)) {
	pairs := strings.Split(raw, "&")
	encoded := make([]string, len(pairs))
	for i, pair := range pairs {
		name, value, _ := strings.Cut(pair, "=")
		n, err := url.QueryUnescape(name)
		v, err2 := url.QueryUnescape(value)
		if err != nil || err2 != nil {
			return
		}
		encoded[i] = url.QueryEscape(n) + "=" + url.QueryEscape(v)
	}
	sorted, sortedEncoded := slices.Sorted(slices.Values(pairs)), slices.Sorted(slices.Values(encoded))
	for _, form := range []struct {
		words string
		pairs []string
	}{{"encoding", encoded}, {"order", sorted}, {"order and encoding", sortedEncoded}} {
		text := strings.Join(form.pairs, "&")
		add([]byte(text), BodyForm, form.words)
		add([]byte(strings.ReplaceAll(text, "+", "%20")), BodyForm, form.words+", %20 for a space")
		add([]byte(lowerEscapes(text)), BodyForm, form.words+", lower-case escapes")
		add([]byte(strings.NewReplacer("%5B", "[", "%5D", "]").Replace(text)), BodyForm, form.words+", brackets as they are")
		add([]byte(strings.NewReplacer("+", "%20", "%21", "!", "%27", "'", "%28", "(", "%29", ")", "%2A", "*").Replace(text)), BodyForm, form.words+", as JavaScript escapes")
	}
	add([]byte(strings.ReplaceAll(raw, "%20", "+")), BodyForm, "a plus for a space")
	add([]byte(strings.ReplaceAll(raw, "+", "%20")), BodyForm, "%20 for a space")
	if plain, err := url.QueryUnescape(raw); err == nil {
		add([]byte(plain), BodyForm, "not escaped")
	}
	for order := range orders(pairs) {
		add([]byte(strings.Join(order, "&")), BodyForm, "order")
	}
}

// lowerEscapes writes the digits of escapes in lower case.
func lowerEscapes(text string) string {
	b := []byte(text)
	for i := 0; i+2 < len(b); i++ {
		if b[i] == '%' {
			copy(b[i+1:i+3], bytes.ToLower(b[i+1:i+3]))
		}
	}
	return string(b)
}
