package diagnose

import (
	"crypto/sha1" //nolint:gosec // senders use it
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"

	"example.com/paperround/sign"
)

// maxTags bounds how many values of the headers are looked at.
const maxTags = 64

// tag is a signature that was found, and how it is written otherwise than the
// scheme writes it.
type tag struct {
	sum     []byte
	changes []change
}

// readTags returns what may be a signature in the header of a scheme's tag. Of
// several ways to read the same signature it keeps the one with the fewest
// changes.
func readTags(s sign.Scheme, h http.Header) []tag {
	var tags []tag
	lines := h[http.CanonicalHeaderKey(s.Tag.Header)]
	for _, line := range lines {
		line = clip(line)
		for _, v := range values(s, line) {
			changes := v.changes
			if len(lines) > 1 && s.Tag.Separator == "" {
				changes = append(slices.Clone(changes), change{cause: HeaderTwice})
			}
			for _, t := range decodeTag(s, v.text) {
				tags = keep(tags, tag{t.sum, append(slices.Clone(changes), t.changes...)})
			}
		}
	}
	return tags
}

// clip bounds how much of a text is looked at.
func clip(text string) string { return text[:min(len(text), 8<<10)] }

func keep(tags []tag, t tag) []tag {
	for i := range tags {
		if string(tags[i].sum) == string(t.sum) {
			if len(t.changes) < len(tags[i].changes) {
				tags[i] = t
			}
			return tags
		}
	}
	if len(tags) < maxTags {
		tags = append(tags, t)
	}
	return tags
}

type value struct {
	text    string
	changes []change
}

// values returns the values of one header line in every way that it may be read.
func values(s sign.Scheme, line string) []value {
	out := []value{{text: line}}
	if s.Tag.Separator != "" {
		for part := range strings.SplitSeq(line, s.Tag.Separator) {
			out = append(out, value{text: part})
		}
	}
	folded := []change{{cause: HeaderFolded}}
	for part := range strings.SplitSeq(line, ", ") {
		if part != line {
			out = append(out, value{part, folded})
		}
		if s.Tag.Separator != "" {
			for one := range strings.SplitSeq(part, s.Tag.Separator) {
				if part != line {
					out = append(out, value{one, folded})
				}
			}
		}
	}
	if i := len(s.Tag.Prefix); i > 0 { // folded without a space
		for part := range strings.SplitSeq(line, ","+s.Tag.Prefix) {
			out = append(out, value{s.Tag.Prefix + strings.TrimPrefix(part, s.Tag.Prefix), folded})
		}
	} else if strings.Contains(line, ",") {
		for part := range strings.SplitSeq(line, ",") {
			out = append(out, value{part, folded})
		}
	}
	return out[:min(len(out), 4*maxTags)]
}

// decodeTag reads one value as leniently as can be.
func decodeTag(s sign.Scheme, text string) []tag {
	var changes []change
	if bare := strings.Trim(text, " \t\r\n\x00\"'"); bare != text {
		text = bare
		changes = append(changes, change{cause: TagSpace})
	}
	rest, ok := strings.CutPrefix(text, s.Tag.Prefix)
	var out []tag
	if ok {
		out = decodeSum(s.Encoding, rest, changes)
	}
	if len(out) > 0 {
		return out
	}
	prefixed := append(slices.Clone(changes), change{cause: TagPrefix})
	out = decodeSum(s.Encoding, text, prefixed)
	if i := strings.IndexAny(text, "=,:"); len(out) == 0 && 0 < i && i < 16 {
		out = decodeSum(s.Encoding, text[i+1:], prefixed)
	}
	return out
}

// decodeSum reads a sum that is written in any encoding.
func decodeSum(e sign.Encoding, text string, changes []change) []tag {
	var out []tag
	add := func(sum []byte, cause Cause) {
		if len(sum) != sha256.Size && len(sum) != sha512.Size && len(sum) != sha1.Size {
			return
		}
		t := tag{sum: sum, changes: slices.Clone(changes)}
		if cause != "" {
			t.changes = append(t.changes, change{cause: cause})
		}
		out = append(out, t)
	}
	if sum, err := hex.DecodeString(text); err == nil {
		switch {
		case e != sign.Hex:
			add(sum, TagEncoding)
		case strings.ToLower(text) != text:
			add(sum, TagCase)
		default:
			add(sum, "")
		}
	}
	if sum, err := base64.StdEncoding.Strict().DecodeString(text); err == nil {
		if e == sign.Base64 {
			add(sum, "")
		} else {
			add(sum, TagEncoding)
		}
		return out
	}
	plain := strings.TrimRight(strings.NewReplacer("-", "+", "_", "/").Replace(text), "=")
	if sum, err := base64.RawStdEncoding.DecodeString(plain); err == nil {
		if e == sign.Base64 {
			add(sum, TagBase64)
		} else {
			add(sum, TagEncoding)
		}
	}
	return out
}

// readField returns the value of the id or the time as leniently as can be.
func readField(s sign.Scheme, f sign.Field, h http.Header) string {
	lines := h[http.CanonicalHeaderKey(f.Header)]
	if f.Header == "" || len(lines) == 0 {
		return ""
	}
	line := clip(lines[0])
	if f.Separator == "" {
		return strings.TrimPrefix(strings.TrimSpace(line), f.Prefix)
	}
	for part := range strings.SplitSeq(line, s.Tag.Separator) {
		if text, ok := strings.CutPrefix(strings.TrimSpace(part), f.Prefix); ok {
			return text
		}
	}
	return ""
}
