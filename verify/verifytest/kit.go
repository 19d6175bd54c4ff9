package verifytest

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"example.com/paperround/sign"
)

// kit makes the requests of an attack.
type kit struct {
	s     Sender
	o     AttackOptions
	body  []byte
	wire  bool // Requests go through an HTTP client.
	done  <-chan struct{}
	fresh int // How many messages were made that may be accepted.

	latest message // What rightTag returned.
}

func newKit(s Sender, body []byte, o *AttackOptions) (*kit, error) {
	if _, err := s.signer(); err != nil {
		if errors.Is(err, ErrConfig) {
			return nil, err
		}
		return nil, &Error{Reason: "the sender", Err: fmt.Errorf("%w: %w", ErrConfig, err)}
	}
	if len(body) < 2 {
		return nil, configError("the body is too short to be tampered with: give one that the handler accepts")
	}
	k := &kit{s: s, body: body}
	if o != nil {
		k.o = *o
	}
	k.o.URL = or(k.o.URL, defaultURL)
	if u, err := url.Parse(k.o.URL); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, configError("the URL is no absolute http or https URL")
	}
	k.o.ContentType = or(k.o.ContentType, contentType(body))
	if k.o.Now == nil {
		k.o.Now = time.Now
	}
	if k.o.Tolerance == 0 {
		k.o.Tolerance = defaultTolerance
	}
	if k.o.MaxBody == 0 {
		k.o.MaxBody = defaultMaxBody
	}
	if k.o.Deadline == 0 {
		k.o.Deadline = defaultDeadline
	}
	if k.o.Deadline < 0 {
		return nil, configError("Deadline is negative")
	}
	for _, name := range k.o.Skip {
		known := false
		for _, a := range k.attacks() {
			known = known || a.name == name
		}
		if !known {
			return nil, configError("Skip holds " + strconv.Quote(name) + ", which is no attack: see Attacks")
		}
	}
	return k, nil
}

// message is what is signed, and its signature without a prefix.
type message struct {
	id, at string
	body   []byte
	tag    string
}

func (k *kit) signsID() bool   { return k.s.Scheme.ID.Header != "" }
func (k *kit) signsTime() bool { return k.s.Scheme.Time.Header != "" }

// inList reports whether a field stands in the list of the signature.
func (k *kit) inList(f sign.Field) bool { return f.Header != "" && f.Separator != "" }

// shared reports whether the list of the signature has something else in it.
func (k *kit) shared() bool { return k.inList(k.s.Scheme.ID) || k.inList(k.s.Scheme.Time) }

// good returns a good request that the handler has not seen.
func (k *kit) good() *draft { return k.draft(k.newMessage()) }

// newMessage returns a message that may be accepted, and that replay protection
// has not seen.
func (k *kit) newMessage() message {
	back := time.Duration(k.fresh) * time.Second
	if k.o.Tolerance >= 0 && back > k.o.Tolerance/2 {
		back = 0
	}
	k.fresh++
	return k.signed("msg_good_"+strconv.Itoa(k.fresh), k.stamp(-back), k.body)
}

// now returns a message that is right but is not to be accepted the way it will be
// sent.
func (k *kit) now() message { return k.signed("msg_attack", k.stamp(0), k.body) }

// stamp writes a time relative to the handler's clock.
func (k *kit) stamp(d time.Duration) string {
	text, err := k.s.Scheme.TimeUnit.Format(k.o.Now().Add(d))
	if err != nil {
		return "0" // a clock outside of 1970 to 9999: the good request fails with it
	}
	return text
}

// signed signs a message whose id and time may be any text.
func (k *kit) signed(id, at string, body []byte) message {
	return message{id: id, at: at, body: body, tag: k.tag(k.s.Scheme, k.s.Secret, id, at, body)}
}

// tag returns a signature without a prefix, or "" when there is none.
func (k *kit) tag(s sign.Scheme, secret, id, at string, body []byte) string {
	if !k.s.signs() {
		return ""
	}
	s.Cover = literal(s.Cover, id, at)
	s.Tag, s.ID, s.Time = sign.Field{Header: "Tag"}, sign.Field{}, sign.Field{}
	ring, err := sign.NewRing(sign.Key{Secret: sign.NewSecret(secret)})
	if err != nil {
		return ""
	}
	c, err := sign.Compile(s, ring)
	if err != nil {
		return ""
	}
	text, err := c.Append(nil, sign.Message{Body: body}, time.Now())
	if err != nil {
		return ""
	}
	return string(text)
}

// literal puts an id and a time into a cover as they stand, whatever they are.
func literal(cover []sign.Part, id, at string) []sign.Part {
	var parts []sign.Part
	for _, p := range cover {
		switch p {
		case sign.PartID:
			p = sign.Part(id)
		case sign.PartTime:
			p = sign.Part(at)
		default:
		}
		if p != "" {
			parts = append(parts, p)
		}
	}
	return parts
}

// text returns all that is signed.
func (k *kit) text(m message) []byte {
	var head strings.Builder
	cover := literal(k.s.Scheme.Cover, m.id, m.at)
	for _, p := range cover[:len(cover)-1] {
		head.WriteString(string(p))
	}
	return append([]byte(head.String()), m.body...)
}

// key returns the bytes of the shared secret.
func (k *kit) key() []byte {
	if k.s.Scheme.KeyForm != sign.Whsec {
		return []byte(k.s.Secret)
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(k.s.Secret, "whsec_"))
	if err != nil {
		return nil
	}
	return key
}

// withKey returns the scheme and the secret for any bytes as key.
func withKey(s sign.Scheme, key []byte) (sign.Scheme, string) {
	s.Algorithm, s.KeyForm, s.MinKey, s.MaxKey = sign.HMACSHA256, sign.Whsec, 0, 0
	return s, base64.StdEncoding.EncodeToString(key)
}

// otherTag returns the signature of somebody who has a key of his own.
func (k *kit) otherTag(m message) string {
	if k.s.Scheme.Algorithm == sign.Ed25519 {
		return k.encode(ed25519.Sign(stranger(), k.text(m)))
	}
	key := sha256.Sum256([]byte("another key"))
	s, secret := withKey(k.s.Scheme, key[:])
	return k.tag(s, secret, m.id, m.at, m.body)
}

// stranger returns the private key of somebody else.
func stranger() ed25519.PrivateKey {
	seed := sha256.Sum256([]byte("another key pair"))
	return ed25519.NewKeyFromSeed(seed[:])
}

// encode writes bytes as the scheme writes signatures.
func (k *kit) encode(b []byte) string { return encode(k.s.Scheme.Encoding, b) }

func encode(e sign.Encoding, b []byte) string {
	if e == sign.Hex {
		return hex.EncodeToString(b)
	}
	return base64.StdEncoding.EncodeToString(b)
}

// decode reads a signature that is written right.
func (k *kit) decode(tag string) []byte {
	b, err := hex.DecodeString(tag)
	if k.s.Scheme.Encoding == sign.Base64 {
		b, err = base64.StdEncoding.DecodeString(tag)
	}
	if err != nil {
		return nil
	}
	return b
}

// draft returns the request of a message.
func (k *kit) draft(m message) *draft { return k.with(m, k.s.Scheme.Tag.Prefix+m.tag) }

// with returns the request of a message whose signature is values instead.
func (k *kit) with(m message, values ...string) *draft {
	d := k.bare(m)
	if k.s.signs() {
		d.header.Set(k.s.Scheme.Tag.Header, k.list(m, values...))
	}
	return d
}

// lines returns the request of a message whose signature header stands on several
// lines.
func (k *kit) lines(m message, lines ...string) *draft {
	d := k.bare(m)
	d.header[http.CanonicalHeaderKey(k.s.Scheme.Tag.Header)] = lines
	return d
}

// list writes the header of the signature: the members that share it, and values.
func (k *kit) list(m message, values ...string) string {
	s := k.s.Scheme
	var members []string
	if k.inList(s.ID) {
		members = append(members, s.ID.Prefix+m.id)
	}
	if k.inList(s.Time) {
		members = append(members, s.Time.Prefix+m.at)
	}
	return strings.Join(append(members, values...), s.Tag.Separator)
}

// bare returns the request of a message without its signature.
func (k *kit) bare(m message) *draft {
	d := &draft{
		method: http.MethodPost,
		url:    k.o.URL,
		header: baseHeader(k.o.Header, k.o.ContentType),
		body:   m.body,
		id:     m.id,
		at:     m.at,
	}
	s := k.s.Scheme
	if k.signsID() && !k.inList(s.ID) {
		d.header.Set(s.ID.Header, s.ID.Prefix+m.id)
	}
	if k.signsTime() && !k.inList(s.Time) {
		d.header.Set(s.Time.Header, s.Time.Prefix+m.at)
	}
	if k.s.User != "" {
		d.header.Set("Authorization", basicValue(k.s.User+":"+k.s.Password))
	}
	return d
}

func basicValue(pair string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(pair))
}

// rightTag returns the signature that the request should have had. Most requests
// in a row should have had the same.
func (k *kit) rightTag(d *draft) string {
	if m := &k.latest; m.tag == "" || m.id != d.id || m.at != d.at || !bytes.Equal(m.body, d.body) {
		*m = k.signed(d.id, d.at, d.body)
	}
	return k.latest.tag
}
