package diagnose_test

import (
	"bytes"
	"compress/gzip"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/paperround/sign"
	"example.com/paperround/verify/diagnose"
)

const (
	whsec    = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	text     = "a-shared-secret-of-InPlayer"
	jsonBody = `{"type":"payment.success","id":"evt_1","note":"<b>caf` + "\u00e9" + ` & more</b>","url":"https://x.test/a","amount":12.50}`
	formBody = "type=payment.success&id=2333&resource%5Bname%5D=For+Paywall+%C3%A9&created=15475835"
)

func received() time.Time { return time.Date(2026, 11, 22, 1, 2, 3, 0, time.UTC) }

// signed returns the headers that a sender writes.
func signed(tb testing.TB, s sign.Scheme, secret, body string) http.Header {
	tb.Helper()
	ring, err := sign.NewRing(sign.Key{Secret: sign.NewSecret(secret)})
	require.NoError(tb, err)
	signer, err := sign.New(s, ring, nil)
	require.NoError(tb, err)
	h := http.Header{}
	require.NoError(tb, signer.Sign(h, "msg_1", received(), []byte(body)))
	return h
}

// raw returns a MAC in hexadecimal that no scheme of package sign makes.
func raw(h func() hash.Hash, key, text string) string {
	m := hmac.New(h, []byte(key))
	m.Write([]byte(text))
	return hex.EncodeToString(m.Sum(nil))
}

func of(name, value string) http.Header { return http.Header{http.CanonicalHeaderKey(name): {value}} }

// edited returns a header with one value changed.
func edited(h http.Header, name string, f func(string) string) http.Header {
	h = h.Clone()
	h.Set(name, f(h.Get(name)))
	return h
}

func compressed(tb testing.TB, body string) []byte {
	tb.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := z.Write([]byte(body))
	require.NoError(tb, err)
	require.NoError(tb, z.Close())
	return b.Bytes()
}

func again(tb testing.TB, body string) []byte {
	tb.Helper()
	var v any
	require.NoError(tb, json.Unmarshal([]byte(body), &v))
	out, err := json.Marshal(v)
	require.NoError(tb, err)
	return out
}

func indented(body string) string {
	var b bytes.Buffer
	_ = json.Indent(&b, []byte(body), "", "  ")
	return b.String()
}

func millis(s sign.Scheme) sign.Scheme {
	s.TimeUnit = sign.Milliseconds
	return s
}

// proofs are one mistake each, or two.
func proofs(t *testing.T) map[string]struct {
	m    diagnose.Mismatch
	want []diagnose.Cause
} {
	t.Helper()
	type proof = struct {
		m    diagnose.Mismatch
		want []diagnose.Cause
	}
	inplayer, sw, conscent := sign.InPlayer(), sign.StandardWebhooks(), sign.ConsCent()
	const sig = "X-InPlayer-Signature"
	good := signed(t, inplayer, text, formBody)
	goodJSON := signed(t, inplayer, text, jsonBody)
	std := signed(t, sw, whsec, jsonBody)
	make1 := func(s sign.Scheme, secret string, h http.Header, body string, want ...diagnose.Cause) proof {
		return proof{diagnose.Mismatch{Scheme: s, Secrets: []string{secret}, Header: h, Body: []byte(body)}, want}
	}
	in := func(secret string, h http.Header, body string, want ...diagnose.Cause) proof {
		return make1(inplayer, secret, h, body, want...)
	}
	hexKey := hex.EncodeToString([]byte(text))
	b64 := base64.StdEncoding.EncodeToString([]byte(text))
	var lambda http.Header = map[string][]string{"x-inplayer-signature": good["X-Inplayer-Signature"]}
	other := make1(inplayer, "a wrong secret!", good, formBody, diagnose.SecretOther)
	other.m.Others = map[string]string{"staging": "another one", "production": text}
	otherNewline := make1(inplayer, "a wrong secret!", good, formBody, diagnose.SecretOther, diagnose.SecretSpace)
	otherNewline.m.Others = map[string]string{"production": text + "\n"}
	swapped := func(cover ...sign.Part) sign.Scheme {
		s := sw
		s.Cover = cover
		return s
	}
	seed := ed25519.NewKeyFromSeed(make([]byte, 32))
	private := "whsk_" + base64.StdEncoding.EncodeToString(seed)
	public := base64.StdEncoding.EncodeToString(seed[32:])
	v1a := sign.StandardWebhooksAsymmetric()
	asym := signed(t, v1a, private, jsonBody)
	late := make1(sw, whsec, std, jsonBody, diagnose.TooOld)
	late.m.Received = received().Add(time.Hour)
	early := make1(sw, whsec, std, jsonBody, diagnose.TooNew)
	early.m.Received = received().Add(-time.Hour)
	lateNewline := make1(sw, whsec+"\n", std, jsonBody, diagnose.SecretSpace, diagnose.TooOld)
	lateNewline.m.Received = received().Add(72 * time.Hour)
	zeros := of(sig, "sha256="+raw(sha256.New, "", formBody))
	folded := edited(signed(t, sign.Stripe(), text, jsonBody), "Stripe-Signature", func(v string) string { return v + ", " + v })
	swText := sw
	swText.KeyForm = sign.Text
	sorted := strings.Split(formBody, "&")
	slices.Sort(sorted)
	py := `{"type": "payment.success", "id": "evt_1", "note": "<b>caf\u00e9 & more</b>", "url": "https://x.test/a", "amount": 12.50}`
	many := make1(inplayer, "another secret", good, formBody)
	many.m.Secrets = append(many.m.Secrets, "and one more", text+"\r\n")
	many.want = []diagnose.Cause{diagnose.SecretSpace}

	minute := in(text+"\n", good, formBody, diagnose.SecretSpace)
	minute.m.Received = received().Add(time.Minute)
	minuteStd := make1(sw, whsec+"\n", std, jsonBody, diagnose.SecretSpace)
	minuteStd.m.Received = received().Add(time.Minute)
	twoTimes := std.Clone()
	twoTimes.Add("Webhook-Timestamp", twoTimes.Get("Webhook-Timestamp"))
	bothCases := edited(signed(t, sign.Stripe(), text, jsonBody), "Stripe-Signature", func(v string) string {
		at, tag, _ := strings.Cut(v, ",v1=")
		return at + ",v1=" + strings.ToUpper(tag) + ",v1=" + tag
	})

	two := in(text+"\n", goodJSON, indented(jsonBody), diagnose.BodyJSON)
	two.m.Secrets = append(two.m.Secrets, text)

	return map[string]proof{
		"escaped beyond ASCII":    in(text, signed(t, inplayer, text, "{\"b\":\"</caf\u00e9>\",\"a\":1}"), `{"b":"</caf\u00e9>","a":1}`, diagnose.BodyJSON),
		"slashes escaped there":   in(text, signed(t, inplayer, text, "{\"a\":\"\u00e9\\/\"}"), "{\"a\":\"\u00e9/\"}", diagnose.BodyJSON),
		"spaces around":           in(text, good, "  "+formBody+"  ", diagnose.BodySpace),
		"the second secret":       two,
		"one newline of two":      in(text, signed(t, inplayer, text, formBody+"\n"), formBody+"\n\n", diagnose.BodySpace),
		"time twice":              make1(sw, whsec, twoTimes, jsonBody, diagnose.HeaderTwice),
		"header twice, newline":   in(text+"\n", http.Header{"X-Inplayer-Signature": {good.Get(sig), good.Get(sig)}}, formBody, diagnose.SecretSpace, diagnose.HeaderTwice),
		"a minute, newline":       minute,
		"a minute, time, newline": minuteStd,
		"both cases, newline":     make1(sign.Stripe(), text+"\n", bothCases, jsonBody, diagnose.SecretSpace),
		"matches":                 in(text, good, formBody, diagnose.Matches),
		"matches, time":           make1(sw, whsec, std, jsonBody, diagnose.Matches),
		"matches, v1a":            make1(v1a, "whpk_"+public, asym, jsonBody, diagnose.Matches),

		"names in lower case":    in(text, lambda, formBody, diagnose.HeaderNames),
		"names and newline":      in(text+"\n", lambda, formBody, diagnose.SecretSpace, diagnose.HeaderNames),
		"header twice":           in(text, http.Header{"X-Inplayer-Signature": {good.Get(sig), good.Get(sig)}}, formBody, diagnose.HeaderTwice),
		"header folded":          in(text, edited(good, sig, func(v string) string { return v + ", " + v }), formBody, diagnose.HeaderFolded),
		"header folded, Stripe":  make1(sign.Stripe(), text, folded, jsonBody, diagnose.HeaderFolded),
		"another header":         in(text, of("X-Foo-Signature", good.Get(sig)), formBody, diagnose.HeaderOther),
		"another provider":       in(text, signed(t, sign.GitHub(), text, jsonBody), jsonBody, diagnose.OtherScheme),
		"another provider, time": in(text, signed(t, sign.Stripe(), text, jsonBody), jsonBody, diagnose.OtherScheme),
		"a space in the time":    make1(sw, whsec, edited(std, "Webhook-Timestamp", func(v string) string { return v + " " }), jsonBody, diagnose.HeaderMalformed),

		"prefix kept":           make1(conscent, text, of("X-Conscent-Signature", "sha256="+signed(t, conscent, text, jsonBody).Get("X-Conscent-Signature")), jsonBody, diagnose.TagPrefix),
		"prefix missing":        in(text, edited(good, sig, func(v string) string { return strings.TrimPrefix(v, "sha256=") }), formBody, diagnose.TagPrefix),
		"prefix in upper case":  in(text, edited(good, sig, func(v string) string { return "SHA256=" + v[7:] }), formBody, diagnose.TagPrefix),
		"a space before":        in(text, edited(good, sig, func(v string) string { return " " + v }), formBody, diagnose.TagSpace),
		"quoted":                in(text, edited(good, sig, func(v string) string { return `"` + v + `"` }), formBody, diagnose.TagSpace),
		"upper case":            in(text, edited(good, sig, func(v string) string { return "sha256=" + strings.ToUpper(v[7:]) }), formBody, diagnose.TagCase),
		"base64 for hex":        in(text, edited(good, sig, func(v string) string { return "sha256=" + toBase64(v[7:]) }), formBody, diagnose.TagEncoding),
		"hex for base64":        make1(sw, whsec, edited(std, "Webhook-Signature", func(v string) string { return "v1," + toHex(v[3:]) }), jsonBody, diagnose.TagEncoding),
		"base64url":             make1(sw, whsec, edited(std, "Webhook-Signature", func(v string) string { return strings.TrimRight(v, "=") }), jsonBody, diagnose.TagBase64),
		"SHA-1":                 in(text, of(sig, "sha1="+raw(sha1.New, text, formBody)), formBody, diagnose.HashSHA1, diagnose.TagPrefix),
		"SHA-512":               in(text, of(sig, "sha256="+raw(sha512.New, text, formBody)), formBody, diagnose.HashSHA512),
		"no HMAC":               in(text, of(sig, "sha256="+plain(text+formBody)), formBody, diagnose.HashPlain),
		"no HMAC, body first":   in(text, of(sig, "sha256="+plain(formBody+text)), formBody, diagnose.HashPlain),
		"no HMAC and no secret": in(text, of(sig, "sha256="+plain(formBody)), formBody, diagnose.HashPlain),

		"another environment":            other,
		"another environment, newline":   otherNewline,
		"newline":                        in(text+"\n", good, formBody, diagnose.SecretSpace),
		"newline of Windows":             many,
		"newline at the sender":          in(text, of(sig, "sha256="+raw(sha256.New, text+"\n", formBody)), formBody, diagnose.SecretSpaceThere),
		"secret quoted":                  in(`"`+text+`"`, good, formBody, diagnose.SecretQuoted),
		"text for base64":                in(b64, good, formBody, diagnose.SecretBase64),
		"text for base64, newline":       in(b64+"\n", good, formBody, diagnose.SecretSpace, diagnose.SecretBase64),
		"base64 for text":                make1(sw, whsec, signed(t, swText, whsec, jsonBody), jsonBody, diagnose.SecretText),
		"base64 for text without prefix": make1(sw, whsec, signed(t, swText, whsec[6:], jsonBody), jsonBody, diagnose.SecretText),
		"no base64 at all":               make1(sw, text, signed(t, swText, text, jsonBody), jsonBody, diagnose.SecretText),
		"base64url secret":               make1(sw, "whsec_-_-_r8GKYqrTwjUPD8ILPZIo2LaLaS", signed(t, sw, "whsec_+/+/r8GKYqrTwjUPD8ILPZIo2LaLaQ==", jsonBody), jsonBody, diagnose.SecretAlphabet),
		"hexadecimal secret":             in(hexKey, good, formBody, diagnose.SecretHex),
		"pasted version":                 make1(sw, "v1,"+whsec, std, jsonBody, diagnose.SecretPrefixKept),
		"prefix of the secret kept":      in("whsec_"+text, good, formBody, diagnose.SecretPrefixKept),
		"prefix of the secret cut off":   make1(sign.Stripe(), text, signed(t, sign.Stripe(), "whsec_"+text, jsonBody), jsonBody, diagnose.SecretPrefixMissing),
		"public key without prefix":      make1(v1a, public, asym, jsonBody, diagnose.SecretPrefixMissing),
		"public key with newline":        make1(v1a, "whpk_"+public+"\n", asym, jsonBody, diagnose.SecretSpace),
		"empty at the sender":            in(text, zeros, formBody, diagnose.SecretEmpty),

		"body alone":        make1(sw, whsec, edited(std, "Webhook-Signature", func(string) string { return "v1," + toBase64(raw(sha256.New, key(whsec), jsonBody)) }), jsonBody, diagnose.CoverBody),
		"order":             make1(sw, whsec, signed(t, swapped(sign.PartTime, ".", sign.PartID, ".", sign.PartBody), whsec, jsonBody), jsonBody, diagnose.CoverParts),
		"colons":            make1(sw, whsec, signed(t, swapped(sign.PartID, ":", sign.PartTime, ":", sign.PartBody), whsec, jsonBody), jsonBody, diagnose.CoverParts),
		"time alone":        make1(sw, whsec, edited(signed(t, withoutID(sw), whsec, jsonBody), "Webhook-Id", func(string) string { return "msg_1" }), jsonBody, diagnose.CoverParts),
		"milliseconds":      make1(sw, whsec, signed(t, millis(sw), whsec, jsonBody), jsonBody, diagnose.TimeUnit),
		"seconds":           make1(millis(sw), whsec, std, jsonBody, diagnose.TimeUnit),
		"signed in millis":  make1(sw, whsec, edited(signed(t, millis(sw), whsec, jsonBody), "Webhook-Timestamp", func(v string) string { return v[:10] }), jsonBody, diagnose.TimeSigned),
		"signed in seconds": make1(millis(sw), whsec, edited(std, "Webhook-Timestamp", func(v string) string { return v + "000" }), jsonBody, diagnose.TimeSigned),
		"too old":           late,
		"too new":           early,
		"old and newline":   lateNewline,

		"empty body":          in(text, signed(t, inplayer, text, ""), formBody, diagnose.BodyEmpty),
		"newline after":       in(text, good, formBody+"\n", diagnose.BodySpace),
		"newline lost":        in(text, signed(t, inplayer, text, formBody+"\n"), formBody, diagnose.BodySpace),
		"CRLF for LF":         in(text, signed(t, inplayer, text, indented(jsonBody)), strings.ReplaceAll(indented(jsonBody), "\n", "\r\n"), diagnose.BodyLines),
		"LF for CRLF":         in(text, signed(t, inplayer, text, "a\r\nb"), "a\nb", diagnose.BodyLines),
		"byte order mark":     in(text, goodJSON, "\ufeff"+jsonBody, diagnose.BodyBOM),
		"no byte order mark":  in(text, signed(t, inplayer, text, "\ufeff"+jsonBody), jsonBody, diagnose.BodyBOM),
		"gzip":                in(text, goodJSON, string(compressed(t, jsonBody)), diagnose.BodyCompressed),
		"Latin-1":             in(text, goodJSON, strings.ReplaceAll(jsonBody, "\u00e9", "\xe9"), diagnose.BodyCharset),
		"UTF-8 twice":         in(text, goodJSON, strings.ReplaceAll(jsonBody, "\u00e9", "\u00c3\u00a9"), diagnose.BodyCharset),
		"base64 body":         in(text, goodJSON, base64.StdEncoding.EncodeToString([]byte(jsonBody)), diagnose.BodyWrapped),
		"a string":            in(text, goodJSON, fmt.Sprintf("%q", jsonBody), diagnose.BodyWrapped),
		"indented":            in(text, goodJSON, indented(jsonBody), diagnose.BodyJSON),
		"compacted":           in(text, signed(t, inplayer, text, indented(jsonBody)), jsonBody, diagnose.BodyJSON),
		"Python":              in(text, signed(t, inplayer, text, py), jsonBody, diagnose.BodyJSON),
		"PHP":                 in(text, signed(t, inplayer, text, strings.NewReplacer("/", `\/`, "\u00e9", `\u00e9`).Replace(jsonBody)), jsonBody, diagnose.BodyJSON),
		"key order":           in(text, signed(t, inplayer, text, `{"b":1,"a":2,"c":"x"}`), string(again(t, `{"b":1,"a":2,"c":"x"}`)), diagnose.BodyJSON),
		"keys sorted there":   in(text, signed(t, inplayer, text, string(again(t, `{"b":1,"z":{"d":1,"c":2},"a":2}`))), `{"b":1,"z":{"d":1,"c":2},"a":2}`, diagnose.BodyJSON),
		"escaped as for HTML": in(text, signed(t, inplayer, text, `{"a":"<b>"}`), `{"a":"\u003cb\u003e"}`, diagnose.BodyJSON),
		"escaped there":       in(text, signed(t, inplayer, text, `{"a":"\u003cb\u003e"}`), `{"a":"<b>"}`, diagnose.BodyJSON),
		"form sorted":         in(text, good, strings.Join(sorted, "&"), diagnose.BodyForm),
		"form sorted there":   in(text, signed(t, inplayer, text, strings.Join(sorted, "&")), formBody, diagnose.BodyForm),
		"%20":                 in(text, good, strings.ReplaceAll(formBody, "+", "%20"), diagnose.BodyForm),
		"a plus":              in(text, signed(t, inplayer, text, strings.ReplaceAll(formBody, "+", "%20")), formBody, diagnose.BodyForm),
		"form not escaped":    in(text, good, strings.NewReplacer("%5B", "[", "%5D", "]").Replace(formBody), diagnose.BodyForm),
		"lower-case escapes":  in(text, signed(t, inplayer, text, strings.NewReplacer("%5B", "%5b", "%5D", "%5d", "%C3%A9", "%c3%a9").Replace(formBody)), formBody, diagnose.BodyForm),

		"re-encoded and newline": in(text+"\n", goodJSON, indented(jsonBody), diagnose.SecretSpace, diagnose.BodyJSON),
		"provider and newline":   in(text+"\n", signed(t, sign.Slack(), text, formBody), formBody, diagnose.OtherScheme, diagnose.SecretSpace),
	}
}

func toBase64(text string) string {
	b, _ := hex.DecodeString(text)
	return base64.StdEncoding.EncodeToString(b)
}

func toHex(text string) string {
	b, _ := base64.StdEncoding.DecodeString(text)
	return hex.EncodeToString(b)
}

func key(secret string) string {
	b, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	return string(b)
}

func plain(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

func withoutID(s sign.Scheme) sign.Scheme {
	s.Cover, s.ID = []sign.Part{sign.PartTime, ".", sign.PartBody}, sign.Field{}
	return s
}

func TestProven(t *testing.T) {
	t.Parallel()
	for name, tt := range proofs(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := tt.m
			if m.Received.IsZero() {
				m.Received = received()
			}
			found := diagnose.Explain(m)
			var got []diagnose.Cause
			seen := map[diagnose.Cause]bool{}
			for _, f := range found {
				require.False(t, seen[f.Cause], "%s twice", f.Cause)
				seen[f.Cause] = true
				if f.Proven {
					got = append(got, f.Cause)
					require.Len(t, f.With, len(tt.want)-1, f)
				}
				require.NotEmpty(t, f.Text)
				require.NotEqual(t, string(f.Cause), f.Text)
				require.NotEqual(t, diagnose.Unexplained, f.Cause)
			}
			require.ElementsMatch(t, tt.want, got, "%v", found)
			require.Equal(t, got[0], found[0].Cause, "what is proven comes first")
			tellsNothing(t, m, found)
		})
	}
}

// tellsNothing requires that findings hold no secret, no signature and no body.
func tellsNothing(tb testing.TB, m diagnose.Mismatch, found []diagnose.Finding) {
	tb.Helper()
	out := fmt.Sprintf("%v %+v %#v %v %+v %#v", found, found, found, m, m, m)
	secrets := slices.Collect(maps.Values(m.Others))
	for _, s := range append(secrets, m.Secrets...) {
		secrets = append(secrets, strings.TrimSpace(s), strings.TrimPrefix(strings.TrimSpace(s), "whsec_"), base64.StdEncoding.EncodeToString([]byte(s)), hex.EncodeToString([]byte(s)))
	}
	secrets = append(append(secrets, m.Secrets...), string(m.Body))
	for _, secret := range secrets {
		require.False(tb, len(secret) >= 8 && strings.Contains(out, secret), "a finding tells %q: %s", secret, out)
	}
	for _, run := range strings.FieldsFunc(out, func(r rune) bool {
		return r >= 0x80 || !strings.ContainsRune("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=_", r)
	}) {
		require.Less(tb, len(run), 40, "as long as a signature: %s", run)
	}
}
