package diagnose

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // senders use it
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"example.com/paperround/sign"
)

const (
	// maxChanges is how many mistakes are assumed at once.
	maxChanges = 2

	// budget bounds the work: bytes hashed, with overhead is what a try costs
	// beside the bytes.
	budget   = 128 << 20
	overhead = 1 << 10
)

// head is what is signed in front of the body, and the time in it.
type head struct {
	text, at string
	change   change
}

// method is how a signature is made of a key and a text.
type method struct {
	change change
	size   int
	sum    func(key, text []byte) []byte // Nil: as the scheme does.
}

func methods(s sign.Scheme) []method {
	if s.Algorithm == sign.Ed25519 {
		return []method{{size: 64}}
	}
	mac := func(h func() hash.Hash) func(key, text []byte) []byte {
		return func(key, text []byte) []byte {
			m := hmac.New(h, key)
			m.Write(text)
			return m.Sum(nil)
		}
	}
	plain := func(parts ...[]byte) []byte {
		sum := sha256.Sum256(slices.Concat(parts...))
		return sum[:]
	}
	// No scheme of package sign makes any but the first.
	return []method{
		{size: sha256.Size},
		{change{cause: HashSHA1}, sha1.Size, mac(sha1.New)},
		{change{cause: HashSHA512}, sha512.Size, mac(sha512.New)},
		{change{cause: HashPlain}, sha256.Size, func(key, text []byte) []byte { return plain(key, text) }},
		{change{cause: HashPlain}, sha256.Size, func(key, text []byte) []byte { return plain(text, key) }},
		{change{cause: HashPlain}, sha256.Size, func(_, text []byte) []byte { return plain(text) }},
	}
}

// candidate is a scheme that the message may be signed under.
type candidate struct {
	scheme  sign.Scheme
	change  change
	tags    []tag
	keys    []key
	heads   []head
	methods []method
}

// candidates returns the scheme itself, then those of other providers whose
// headers are there, then the scheme with another header.
func (m *Mismatch) candidates(h http.Header) []candidate {
	var out []candidate
	add := func(s sign.Scheme, c change, id, at string) {
		if tags := readTags(s, h); len(tags) > 0 {
			out = append(out, candidate{s, c, tags, m.keys(s), heads(s, id, at), methods(s)})
		}
	}
	id, at := readField(m.Scheme, m.Scheme.ID, h), readField(m.Scheme, m.Scheme.Time, h)
	add(m.Scheme, change{}, id, at)
	known := map[string]bool{http.CanonicalHeaderKey(m.Scheme.Tag.Header): true}
	for _, s := range presets() {
		if s.Name != m.Scheme.Name {
			add(s, change{OtherScheme, s.Name}, readField(s, s.ID, h), readField(s, s.Time, h))
		}
		known[http.CanonicalHeaderKey(s.Tag.Header)] = true
	}
	others := 0
	for _, name := range sortedNames(h) {
		lower := strings.ToLower(name)
		if known[name] || others == 8 || !strings.Contains(lower, "sign") && !strings.Contains(lower, "hmac") && !strings.Contains(lower, "digest") {
			continue
		}
		others++
		s := m.Scheme
		s.Tag.Header = name
		add(s, change{HeaderOther, clip64(name)}, id, at)
	}
	return out
}

func clip64(name string) string { return strconv.QuoteToASCII(name[:min(len(name), 64)]) }

func sortedNames(h http.Header) []string {
	names := make([]string, 0, len(h))
	for name := range h {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func presets() []sign.Scheme {
	return []sign.Scheme{
		sign.InPlayer(), sign.ConsCent(), sign.StandardWebhooks(), sign.StandardWebhooksAsymmetric(), sign.Svix(),
		sign.GitHub(), sign.Stripe(), sign.Slack(), sign.Shopify(), sign.Paddle(),
	}
}

// heads returns what may be signed in front of the body; the first is what the
// scheme says.
func heads(s sign.Scheme, id, at string) []head {
	var out []head
	seen := map[string]bool{}
	add := func(text, at string, c Cause, note string) {
		if !seen[text] {
			seen[text] = true
			out = append(out, head{text, at, change{c, note}})
		}
	}
	cover := func(id, at string) string {
		var text strings.Builder
		for _, p := range s.Cover[:len(s.Cover)-1] {
			switch p {
			case sign.PartID:
				text.WriteString(id)
			case sign.PartTime:
				text.WriteString(at)
			default:
				text.WriteString(string(p))
			}
		}
		return text.String()
	}
	add(cover(id, at), at, "", "")
	if at != "" {
		add(cover(id, at+"000"), at, TimeSigned, "")
		if len(at) > 10 {
			add(cover(id, at[:len(at)-3]), at, TimeSigned, "")
		}
	}
	add("", at, CoverBody, "")
	for _, sep := range []string{".", ":", "", ",", "\n", "|", "-"} {
		note := ", parted by " + strconv.Quote(sep)
		for _, parts := range []struct {
			words string
			texts []string
		}{
			{"time, body", []string{at}},
			{"id, body", []string{id}},
			{"id, time, body", []string{id, at}},
			{"time, id, body", []string{at, id}},
		} {
			if !slices.Contains(parts.texts, "") {
				add(strings.Join(parts.texts, sep)+sep, at, CoverParts, parts.words+note)
			}
		}
	}
	return out
}

// search looks for the fewest changes under which a signature is right, and
// returns them with the signed time.
func (m *Mismatch) search(h http.Header) (changes []change, at string, ok bool) {
	all := m.candidates(h)
	texts := bodies(m.Body)
	left := budget
	macs := macCache{}
	for level := range maxChanges + 1 {
		for i := range all {
			if changes, at, ok := all[i].search(texts, level, &left, macs); ok {
				return changes, at, true
			}
		}
	}
	return nil, "", false
}

// search tries all that takes exactly level changes.
func (c *candidate) search(texts []body, level int, left *int, macs macCache) (changes []change, at string, ok bool) {
	for _, k := range c.keys {
		for _, head := range c.heads {
			// What the rest of the changes may be.
			rest := level - c.change.count() - len(k.changes) - head.change.count()
			if rest < 0 || rest > 2 {
				continue
			}
			for _, text := range texts {
				for _, how := range c.methods {
					if text.change.count()+how.change.count() != rest {
						continue
					}
					if *left -= len(text.bytes) + overhead; *left < 0 {
						return nil, "", false
					}
					t := c.match(k, head.text, text.bytes, how, macs)
					if t == nil {
						continue
					}
					for _, one := range slices.Concat([]change{c.change}, k.changes, []change{head.change, text.change, how.change}, t.changes) {
						if one.cause != "" && !slices.Contains(changes, one) {
							changes = append(changes, one)
						}
					}
					return changes, head.at, true
				}
			}
		}
	}
	return nil, "", false
}

// count is 1 for a change, and 0 for none.
func (c change) count() int {
	if c.cause == "" {
		return 0
	}
	return 1
}

// match returns the tag that a key made of a text, or nil.
func (c *candidate) match(k key, head string, body []byte, how method, macs macCache) *tag {
	var text, sum []byte
	for i := range c.tags {
		t := &c.tags[i]
		if len(t.sum) != how.size {
			continue
		}
		if text == nil {
			text = append([]byte(head), body...)
		}
		if k.pair != "" {
			if verifies(c.scheme, k.pair, text, t.sum) {
				return t
			}
			continue
		}
		if sum == nil && how.sum != nil {
			sum = how.sum(k.bytes, text)
		} else if sum == nil {
			sum = macs.sum(k.bytes, text)
		}
		if hmac.Equal(sum, t.sum) {
			return t
		}
	}
	return nil
}

// macCache holds a compiled scheme for each key.
type macCache map[string]*sign.Compiled

// sum returns what package sign makes of a text under HMAC-SHA256.
func (c macCache) sum(key, text []byte) []byte {
	compiled := c[string(key)]
	if compiled == nil {
		ring, err := sign.NewRing(sign.Key{Secret: sign.NewSecret(base64.StdEncoding.EncodeToString(key))})
		if err != nil {
			return []byte{}
		}
		compiled, err = sign.Compile(sign.Scheme{
			Name: "diagnose", Cover: []sign.Part{sign.PartBody}, Tag: sign.Field{Header: "Tag"}, Encoding: sign.Hex, KeyForm: sign.Whsec,
		}, ring)
		if err != nil {
			return []byte{}
		}
		c[string(key)] = compiled
	}
	tag, err := compiled.Append(nil, sign.Message{Body: text}, time.Now())
	if err != nil {
		return []byte{}
	}
	sum, err := hex.DecodeString(string(tag))
	if err != nil {
		return []byte{}
	}
	return sum
}

// verifies reports whether half of a key pair belongs to the one that signed.
func verifies(s sign.Scheme, pair string, text, sum []byte) bool {
	ring, err := sign.NewRing(sign.Key{Secret: sign.NewSecret(pair)})
	if err != nil {
		return false
	}
	s.Cover, s.ID, s.Time, s.Encoding = []sign.Part{sign.PartBody}, sign.Field{}, sign.Field{}, sign.Hex
	c, err := sign.Compile(s, ring)
	if err != nil {
		return false
	}
	_, err = c.Match(sign.Message{Body: text}, []string{hex.EncodeToString(sum)}, time.Now())
	return err == nil
}
