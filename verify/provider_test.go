package verify_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/paperround/sign"
	"example.com/paperround/verify"
)

// provider is a scheme and, beside it, the same written by hand with nothing of
// the code under test, as its documentation describes it.
type provider struct {
	name   string
	scheme sign.Scheme
	keys   [3]testKey // Two of the ring and one of another tenant.
	at     string     // The time of the sample message, in the scheme's unit.

	text     func(id, at, body string) string // What is signed.
	encode   func(raw []byte) string
	header   string // Where the tag stands, in canonical form.
	prefix   string
	sep      string                             // Empty: one value.
	members  func(id, at string) string         // What stands before the tags in their list, separator included.
	separate func(h http.Header, id, at string) // Sets the headers beside that of the tag.
	idHeader string                             // Empty: none of its own.
	atHeader string
	signsAt  bool
	signsID  bool
	idEnds   string // What no id can hold, besides white space.
}

const (
	sampleID = "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W"
	sampleAt = "1614265330"
)

// testKey is a key as each side's ring has it, and what it does.
type testKey struct {
	signing, checking string
	sign              func(text string) []byte
}

func textKey(secret string) testKey {
	return testKey{secret, secret, func(text string) []byte { return hmacOf([]byte(secret), text) }}
}

func whsecKey(raw string) testKey {
	secret := "whsec_" + base64.StdEncoding.EncodeToString([]byte(raw))
	return testKey{secret, secret, func(text string) []byte { return hmacOf([]byte(raw), text) }}
}

func pairKey(seed string) testKey {
	private := ed25519.NewKeyFromSeed([]byte(seed))
	return testKey{
		"whsk_" + base64.StdEncoding.EncodeToString(private),
		"whpk_" + base64.StdEncoding.EncodeToString(private[32:]),
		func(text string) []byte { return ed25519.Sign(private, []byte(text)) },
	}
}

// threeKeys makes keys of 32 bytes each.
func threeKeys(of func(string) testKey) (keys [3]testKey) {
	for i := range keys {
		keys[i] = of(strings.Repeat(string(rune('a'+i))+"Qz7", 8))
	}
	return keys
}

// providers returns all presets, and schemes of a host's own for what no preset has.
func providers() []*provider {
	bodyOnly := func(_, _, body string) string { return body }
	fullStops := func(id, at, body string) string { return id + "." + at + "." + body }
	b64 := base64.StdEncoding.EncodeToString
	oneHeader := func(s sign.Scheme, header, prefix string, encode func([]byte) string) *provider {
		return &provider{
			name: s.Name, scheme: s, keys: threeKeys(textKey), at: sampleAt,
			text: bodyOnly, encode: encode, header: header, prefix: prefix,
			separate: func(http.Header, string, string) {},
		}
	}
	standard := func(s sign.Scheme, brand, prefix string, of func(string) testKey) *provider {
		return &provider{
			name: s.Name, scheme: s, keys: threeKeys(of), at: sampleAt,
			text: fullStops, encode: b64, header: brand + "-Signature", prefix: prefix, sep: " ",
			separate: func(h http.Header, id, at string) {
				h[brand+"-Id"], h[brand+"-Timestamp"] = []string{id}, []string{at}
			},
			idEnds: ".", idHeader: brand + "-Id", atHeader: brand + "-Timestamp", signsID: true, signsAt: true,
		}
	}
	inList := func(s sign.Scheme, header, member, prefix, sep, between string) *provider {
		p := oneHeader(s, header, prefix, hex.EncodeToString)
		p.sep, p.signsAt = sep, true
		p.text = func(_, at, body string) string { return at + between + body }
		p.members = func(_, at string) string { return member + at + sep }
		return p
	}

	cleengHex := oneHeader(sign.Cleeng("x-cleeng-signature", sign.Hex), "X-Cleeng-Signature", "", hex.EncodeToString)
	cleengHex.name = "cleeng hex"
	cleengBase64 := oneHeader(sign.Cleeng("x-cleeng-signature", sign.Base64), "X-Cleeng-Signature", "", b64)
	cleengBase64.name = "cleeng base64"

	slack := oneHeader(sign.Slack(), "X-Slack-Signature", "v0=", hex.EncodeToString)
	slack.text = func(_, at, body string) string { return "v0:" + at + ":" + body }
	slack.separate = func(h http.Header, _, at string) { h["X-Slack-Request-Timestamp"] = []string{at} }
	slack.atHeader, slack.signsAt = "X-Slack-Request-Timestamp", true

	own := oneHeader(sign.Scheme{
		Name:     "host prefixes",
		Cover:    []sign.Part{"v0:", sign.PartTime, ":", sign.PartID, "\n", sign.PartBody},
		Tag:      sign.Field{Header: "x-host-tag", Prefix: "v0="},
		ID:       sign.Field{Header: "x-host-id", Prefix: "id="},
		Time:     sign.Field{Header: "x-host-time", Prefix: "t="},
		Encoding: sign.Hex,
		TimeUnit: sign.Milliseconds,
	}, "X-Host-Tag", "v0=", hex.EncodeToString)
	own.at, own.signsID, own.signsAt = sampleAt+"123", true, true
	own.text = func(id, at, body string) string { return "v0:" + at + ":" + id + "\n" + body }
	own.separate = func(h http.Header, id, at string) {
		h["X-Host-Id"], h["X-Host-Time"] = []string{"id=" + id}, []string{"t=" + at}
	}
	own.idHeader, own.atHeader = "X-Host-Id", "X-Host-Time"

	all := oneHeader(sign.Scheme{
		Name:     "host list",
		Cover:    []sign.Part{sign.PartID, ";", sign.PartTime, ";", sign.PartBody},
		Tag:      sign.Field{Header: "X-Host", Prefix: "mac=", Separator: ";"},
		ID:       sign.Field{Header: "x-host", Prefix: "id=", Separator: ";"},
		Time:     sign.Field{Header: "X-HOST", Prefix: "at=", Separator: ";"},
		Encoding: sign.Base64,
		TimeUnit: sign.Milliseconds,
	}, "X-Host", "mac=", b64)
	all.idEnds = ";,"
	all.at, all.sep, all.signsID, all.signsAt = sampleAt+"123", ";", true, true
	all.text = func(id, at, body string) string { return id + ";" + at + ";" + body }
	all.members = func(id, at string) string { return "id=" + id + ";at=" + at + ";" }

	spaces := sign.Stripe()
	spaces.Name = "host spaces"
	spaces.Tag.Separator, spaces.Time.Separator = " ", " "

	return []*provider{
		oneHeader(sign.InPlayer(), "X-Inplayer-Signature", "sha256=", hex.EncodeToString),
		oneHeader(sign.ConsCent(), "X-Conscent-Signature", "", hex.EncodeToString),
		cleengHex, cleengBase64,
		standard(sign.StandardWebhooks(), "Webhook", "v1,", whsecKey),
		standard(sign.StandardWebhooksAsymmetric(), "Webhook", "v1a,", pairKey),
		standard(sign.Svix(), "Svix", "v1,", whsecKey),
		oneHeader(sign.GitHub(), "X-Hub-Signature-256", "sha256=", hex.EncodeToString),
		inList(sign.Stripe(), "Stripe-Signature", "t=", "v1=", ",", "."),
		slack,
		oneHeader(sign.Shopify(), "X-Shopify-Hmac-Sha256", "", b64),
		inList(sign.Paddle(), "Paddle-Signature", "ts=", "h1=", ";", ":"),
		own, all,
		inList(spaces, "Stripe-Signature", "t=", "v1=", " ", "."),
	}
}

func (p *provider) asymmetric() bool { return p.scheme.Algorithm == sign.Ed25519 }

func (p *provider) isHex() bool { return p.scheme.Encoding == sign.Hex }

// value is a value of the tag header: the prefix and the key's tag.
func (p *provider) value(key int, id, at, body string) string {
	return p.prefix + p.encode(p.keys[key].sign(p.text(id, at, body)))
}

// line is the text of the tag header.
func (p *provider) line(id, at string, values ...string) string {
	line := strings.Join(values, p.sep)
	if p.members == nil {
		return line
	}
	if len(values) == 0 {
		return strings.TrimSuffix(p.members(id, at), p.sep)
	}
	return p.members(id, at) + line
}

// with returns the headers of a message with values in the tag header.
func (p *provider) with(id, at string, values ...string) http.Header {
	h := http.Header{p.header: {p.line(id, at, values...)}}
	p.separate(h, id, at)
	return h
}

// lines returns the headers of the sample message with the lines of the tag header.
func (p *provider) lines(lines ...string) http.Header {
	h := http.Header{p.header: lines}
	p.separate(h, sampleID, p.at)
	return h
}

// signed returns the headers of a message that is signed with the first key.
func (p *provider) signed(id, at, body string) http.Header {
	return p.with(id, at, p.value(0, id, at, body))
}

// body returns a body whose tag has letters and, in base64, both of the digits
// in which its alphabets differ.
func (p *provider) body() string {
	body := "{}"
	for {
		v := strings.TrimPrefix(p.value(0, sampleID, p.at, body), p.prefix)
		if p.isHex() && strings.ContainsAny(v, "abcdef") || strings.Contains(v, "+") && strings.Contains(v, "/") {
			return body
		}
		body += " "
	}
}

// time returns what a timestamp of the scheme means.
func (p *provider) time(tb testing.TB, at string) time.Time {
	tb.Helper()
	n, err := p.scheme.TimeUnit.Parse(at)
	require.NoError(tb, err)
	return n
}

// ring returns the ring of one side with some of the keys.
func (p *provider) ring(tb testing.TB, signing bool, keys ...int) *sign.Ring {
	tb.Helper()
	secrets := make([]string, len(keys))
	for i, k := range keys {
		secrets[i] = p.keys[k].checking
		if signing {
			secrets[i] = p.keys[k].signing
		}
	}
	return ringOf(tb, secrets...)
}

// verifier returns a verifier with both keys of the ring, at a moment.
func (p *provider) verifier(tb testing.TB, now time.Time, tolerance time.Duration) *verify.Verifier {
	tb.Helper()
	v, err := verify.New(p.scheme, p.ring(tb, false, 0, 1), &verify.Options{
		Now: func() time.Time { return now }, Tolerance: tolerance,
	})
	require.NoError(tb, err)
	return v
}

// What the package writes is, byte for byte, what the documentation says, and it
// is accepted.
func TestProvidersRoundTrip(t *testing.T) {
	t.Parallel()
	for _, p := range providers() {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			now := p.time(t, p.at)
			v := p.verifier(t, now, 0)
			for size := range 60 {
				id, body := sampleID+strings.Repeat("x", size), bytes.Repeat([]byte("b"), size*size)
				o := &sign.Options{Now: func() time.Time { return now }}
				for _, who := range [][]int{{0}, {1}, {0, 1}} {
					s, err := sign.New(p.scheme, p.ring(t, true, who...), o)
					require.NoError(t, err)
					header := make(http.Header)
					require.NoError(t, s.Sign(header, id, now, body))
					var values []string
					for _, k := range who {
						values = append(values, p.value(k, id, p.at, string(body)))
					}
					if p.sep == "" {
						values = values[len(values)-1:] // The newest.
					}
					require.Equal(t, p.with(id, p.at, values...), header)

					rc, err := v.Verify(header, body)
					require.NoError(t, err)
					want := verify.Receipt{Scheme: p.scheme.Name, KeyID: "1", Received: now, Body: body, Superseded: true}
					if who[0] == 1 || p.sep == "" && len(who) == 2 {
						want.KeyID, want.Superseded = "2", false
					}
					if p.signsID {
						want.ID = id
					}
					if p.signsAt {
						want.Time = now
					}
					require.Equal(t, want, rc)
					_, err = v.Verify(header, append(body, 'x'))
					require.ErrorIs(t, err, verify.ErrNoMatch)
				}
			}
		})
	}
}
