package verifytest

import (
	"bytes"
	"encoding/json"
	"math"
	"net/http"
	"net/url"
	"strings"
)

// bodyAttacks are about the body, the method and the content type.
func (k *kit) bodyAttacks() []attack {
	signs := k.s.signs()
	// tampered is an attack with a right signature beside other bodies.
	tampered := func(name string, bodies ...variant) attack {
		return attack{name: name, kind: Forged, shots: only(signs, func() []shot {
			var shots []shot
			for _, v := range bodies {
				if v.body != nil && !bytes.Equal(v.body, k.body) {
					m := k.now()
					m.body = v.body
					shots = append(shots, shot{sent: "a right signature beside " + v.sent, draft: k.draft(m)})
				}
			}
			return shots
		})}
	}
	whole := k.now
	limited := k.o.MaxBody >= 0 && k.o.MaxBody < math.MaxInt32
	return []attack{
		tampered("body: a byte changed",
			variant{"the body with its first byte changed", changed(k.body, 0)},
			variant{"the body with a byte in its middle changed", changed(k.body, len(k.body)/2)},
			variant{"the body with its last byte changed", changed(k.body, len(k.body)-1)}),
		tampered("body: something appended",
			variant{"the body with a newline after it", append(bytes.Clone(k.body), '\n')},
			variant{"the body with a space before it", append([]byte{' '}, k.body...)},
			variant{"the body with a byte order mark before it", append([]byte("\ufeff"), k.body...)},
			variant{"the body twice", bytes.Repeat(k.body, 2)}),
		tampered("body: something cut off",
			variant{"the body without its last byte", k.body[:len(k.body)-1]},
			variant{"the body without the white space around it", bytes.TrimSpace(k.body)},
			variant{"the first half of the body", k.body[:len(k.body)/2]},
			variant{"no body", []byte{}}),
		{name: "69 the body breaks off", kind: Loose, local: true, shots: only(signs, func() []shot {
			d := k.draft(whole())
			d.breaksOff = true
			half := k.draft(k.signed("msg_attack", k.stamp(0), k.body[:len(k.body)/2]))
			half.breaksOff = true
			return []shot{
				{sent: "a body that breaks off where its signature ends", draft: d, want: noSuccess},
				{sent: "a body that breaks off half-way, with the signature of that half", draft: half, want: noSuccess},
			}
		})},
		tampered("70 a key twice", duplicates(k.body)...),
		tampered("72 the body re-encoded", reencoded(k.body)...),
		{name: "67 a body over the limit", kind: Loose, breaks: true, shots: only(limited, func() []shot {
			m := k.signed("msg_attack", k.stamp(0), padded(k.body, k.o.MaxBody+1))
			declared, chunked := k.draft(m), k.draft(m)
			chunked.chunked = true
			return []shot{
				{sent: "a good request with a body one byte over the limit", draft: declared},
				{sent: "a good request with a body one byte over the limit, of undeclared length", draft: chunked},
			}
		})},
		{name: "another method", kind: Loose, shots: func() []shot {
			var shots []shot
			for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodPatch, http.MethodDelete} {
				d := k.draft(whole())
				d.method = method
				shots = append(shots, shot{sent: "a good request with method " + method, draft: d})
			}
			return shots
		}},
		{name: "another content type", kind: Loose, shots: only(k.o.WrongContentType != "", func() []shot {
			d := k.draft(whole())
			d.header.Set("Content-Type", k.o.WrongContentType)
			return []shot{{sent: "a good request with another content type", draft: d}}
		})},
	}
}

// variant is another body.
type variant struct {
	sent string
	body []byte // Nil: there is none.
}

func changed(body []byte, i int) []byte {
	body = bytes.Clone(body)
	body[i] ^= 1
	return body
}

// padded returns a body of a given length that means the same where it can.
func padded(body []byte, size int64) []byte {
	missing := int(size) - len(body)
	if missing <= 0 {
		return body
	}
	if json.Valid(body) {
		return append(bytes.Clone(body), bytes.Repeat([]byte{' '}, missing)...)
	}
	return append(append(bytes.Clone(body), '&'), bytes.Repeat([]byte{'x'}, missing-1)...)
}

// duplicates returns a body with a key that stands there twice.
func duplicates(body []byte) []variant {
	var object map[string]json.RawMessage
	if json.Unmarshal(body, &object) == nil {
		inside := bytes.TrimLeft(bytes.TrimLeft(body, " \t\r\n")[1:], " \t\r\n")
		before, _, ok := bytes.Cut(inside, []byte{':'})
		if !ok {
			return nil
		}
		key := before
		last := bytes.LastIndexByte(body, '}')
		return []variant{
			{"a body that has its first key once more in front", []byte(`{` + string(key) + `:"forged",` + string(inside))},
			{"a body that has its first key once more at the end", []byte(string(body[:last]) + `,` + string(key) + `:"forged"}`)},
			{"a body that has its first key once more in upper case", []byte(string(body[:last]) + `,` + strings.ToUpper(string(key)) + `:"forged"}`)},
		}
	}
	name, _, isForm := strings.Cut(string(body), "=")
	if !isForm {
		return nil
	}
	return []variant{
		{"a form that has its first field once more in front", []byte(name + "=forged&" + string(body))},
		{"a form that has its first field once more at the end", []byte(string(body) + "&" + name + "=forged")},
	}
}

// reencoded returns a body that means the same in other bytes.
func reencoded(body []byte) []variant {
	if json.Valid(body) {
		var compact, indented bytes.Buffer
		_ = json.Compact(&compact, body)
		_ = json.Indent(&indented, body, "", "  ")
		var value any
		d := json.NewDecoder(bytes.NewReader(body))
		d.UseNumber()
		_ = d.Decode(&value)
		sorted, _ := json.Marshal(value)
		return []variant{
			{"the body without white space", compact.Bytes()},
			{"the body indented", indented.Bytes()},
			{"the body decoded and encoded again", sorted},
			{"the body with a letter escaped", escaped(body)},
		}
	}
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return nil
	}
	return []variant{
		{"the form decoded and encoded again", []byte(values.Encode())},
		{"the form with %20 for a plus", bytes.ReplaceAll(body, []byte("+"), []byte("%20"))},
		{"the form with a plus for %20", bytes.ReplaceAll(body, []byte("%20"), []byte("+"))},
		{"the form with lower-case digits", []byte(strings.NewReplacer("%5B", "%5b", "%5D", "%5d", "%2B", "%2b", "%3A", "%3a").Replace(string(body)))},
		{"the form with a letter escaped", escaped(body)},
	}
}

// escaped writes the first letter of the first key in another way.
func escaped(body []byte) []byte {
	i := bytes.IndexFunc(body, func(r rune) bool { return 'a' <= r && r <= 'z' })
	if i < 0 {
		return nil
	}
	const digits = "0123456789abcdef"
	escape := "%"
	if json.Valid(body) {
		if i == 0 || body[i-1] != '"' {
			return nil
		}
		escape = `\u00`
	}
	return []byte(string(body[:i]) + escape + string([]byte{digits[body[i]>>4], digits[body[i]&15]}) + string(body[i+1:]))
}
