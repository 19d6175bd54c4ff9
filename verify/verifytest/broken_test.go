package verifytest_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/paperround/sign"
	"example.com/paperround/verify"
	"example.com/paperround/verify/verifytest"
)

// call is a request as a broken handler sees it once it has the body.
type call struct {
	*http.Request
	body   []byte
	broke  bool   // The body broke off.
	header string // The canonical name of the signature's header.
	prefix string
	sender verifytest.Sender
	check  func(header http.Header, body []byte, o *verify.Options) bool
	sane   func() bool // Whether everything but the authentication is right.
}

// ok is how it should be done. A bug stands in front of it.
func (c *call) ok() bool { return c.passes(c.body) }

func (c *call) passes(body []byte) bool { return c.check(c.Header, body, nil) }

func (c *call) value() string { return c.Header.Get(c.header) }

// edit is a bug that judges the signature's header after changing it.
func (c *call) edit(f func(string) string) bool {
	lines := c.Header.Values(c.header)
	for i := range lines {
		lines[i] = f(lines[i])
	}
	return c.ok()
}

// mac returns what the right signature is, in hexadecimal, of a scheme that signs
// the body alone.
func (c *call) mac() string {
	h := hmac.New(sha256.New, []byte(c.sender.Secret))
	h.Write(c.body)
	return hex.EncodeToString(h.Sum(nil))
}

// keyed is ok with another secret.
func (c *call) keyed(t *testing.T, secret string) bool {
	t.Helper()
	_, err := checker(t, verifytest.Sender{Scheme: c.sender.Scheme, Secret: secret}).Verify(c.Header, c.body)
	return err == nil
}

// timed is ok with the signed time put in the place of that in the header.
func (c *call) timed(text string) bool {
	c.Header.Set(c.sender.Scheme.Time.Header, text)
	return c.ok()
}

func number(text string) string {
	var n int64
	_, _ = fmt.Sscanf(text, "%d", &n)
	return strconv.FormatInt(n, 10)
}

func lines(h http.Header, name string, f func([]string) []string) {
	if len(h[name]) > 0 {
		h[name] = f(h[name])
	}
}

func first(lines []string) []string { return lines[:1] }
func last(lines []string) []string  { return lines[len(lines)-1:] }

// members is a bug in reading a list like Stripe's.
func members(list string, keep func(map[string][]string) map[string]string) string {
	all := map[string][]string{}
	for member := range strings.SplitSeq(list, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(member), "=")
		all[name] = append(all[name], value)
	}
	kept := keep(all)
	return "t=" + kept["t"] + ",v1=" + kept["v1"]
}

// bug is a broken handler, and what must be found.
type bug struct {
	sender string
	accept func(*testing.T, *call) bool
	want   map[string]verifytest.Kind
}

type kinds = map[string]verifytest.Kind

const (
	forged   = verifytest.Forged
	replayed = verifytest.Replayed
	loose    = verifytest.Loose
)

func bugs() map[string]bug {
	return map[string]bug{
		"takes a missing signature": {"InPlayer", func(_ *testing.T, c *call) bool {
			return len(c.Header.Values(c.header)) == 0 || c.ok()
		}, kinds{"15 no signature": forged}},
		"takes a list without a signature": {"Stripe", func(_ *testing.T, c *call) bool {
			return c.value() != "" && !strings.Contains(c.value(), ",") && strings.HasPrefix(c.value(), "t=") || c.ok()
		}, kinds{"15 no signature in its list": forged}},
		"takes an empty header": {"ConsCent HMAC", func(_ *testing.T, c *call) bool {
			return len(c.Header.Values(c.header)) == 1 && c.value() == "" || c.ok()
		}, kinds{"16 empty signature": forged}},
		"takes an empty signature after the prefix": {"InPlayer", func(_ *testing.T, c *call) bool {
			return c.value() == c.prefix || c.ok()
		}, kinds{"17 nothing after the prefix": forged}},
		"compares as much as was sent": {"InPlayer", func(_ *testing.T, c *call) bool {
			sent := strings.TrimPrefix(c.value(), c.prefix)
			return c.ok() || 0 < len(sent) && len(sent) < 64 && strings.HasPrefix(c.mac(), sent)
		}, kinds{"18 a byte short": forged, "19 an odd number of digits": forged, "29 a truncated signature": forged}},
		"compares as much as it should be": {"InPlayer", func(_ *testing.T, c *call) bool {
			return c.edit(func(v string) string { return v[:min(len(v), len(c.prefix)+64)] })
		}, kinds{
			"18 a byte long": loose, "30 something after the signature": loose, "33 two lines folded into one": loose,
			"34 white space around": loose, "34 a NUL": loose,
		}},
		"takes what does not decode for nothing": {"Cleeng hex", func(_ *testing.T, c *call) bool {
			sum, err := hex.DecodeString(c.value())
			return c.ok() || c.value() != "" && len(sum) == 0 && err != nil
		}, kinds{
			"20 no digits": forged, "26 the other encoding": loose, "34 white space around": loose, "34 a NUL": loose, "45 none": forged,
		}},
		"takes upper case": {"ConsCent HMAC", func(_ *testing.T, c *call) bool {
			return c.edit(strings.ToLower)
		}, kinds{"21 upper-case digits": loose}},
		"decodes base64 as it comes": {"Shopify", func(_ *testing.T, c *call) bool {
			if len(c.Header.Values(c.header)) > 1 {
				return false
			}
			sum, err := base64.StdEncoding.DecodeString(c.value())
			return err == nil && hex.EncodeToString(sum) == c.mac() && c.sane()
		}, kinds{"22 a line break inside": loose, "23 unused bits": loose, "34 white space around": loose}},
		"takes base64url": {"Cleeng base64", func(_ *testing.T, c *call) bool {
			return c.edit(strings.NewReplacer("-", "+", "_", "/").Replace)
		}, kinds{"24 the URL alphabet": loose}},
		"pads": {"Standard Webhooks", func(_ *testing.T, c *call) bool {
			return c.edit(func(v string) string {
				if len(v) == len("v1,")+43 {
					v += "="
				}
				return v
			})
		}, kinds{"25 no padding": loose}},
		"takes hexadecimal, too": {"Shopify", func(_ *testing.T, c *call) bool {
			return c.value() == c.mac() || c.ok()
		}, kinds{"26 the other encoding": loose}},
		"needs no prefix": {"GitHub", func(_ *testing.T, c *call) bool {
			return c.edit(func(v string) string { return c.prefix + strings.TrimPrefix(v, c.prefix) })
		}, kinds{"27 no prefix": loose}},
		"takes a prefix in upper case": {"Slack", func(_ *testing.T, c *call) bool {
			return c.edit(func(v string) string { return strings.Replace(v, "V0=", "v0=", 1) })
		}, kinds{"28 the prefix in the wrong case": loose}},
		"reads up to a comma": {"GitHub", func(_ *testing.T, c *call) bool {
			return c.edit(func(v string) string { v, _, _ = strings.Cut(v, ","); return v })
		}, kinds{"30 something after the signature": loose, "33 two lines folded into one": loose}},
		"reads up to a second comma": {"Svix", func(_ *testing.T, c *call) bool {
			return c.edit(func(v string) string {
				parts := strings.SplitN(v, ",", 3)
				return strings.Join(parts[:min(2, len(parts))], ",")
			})
		}, kinds{"30 something after the signature": loose}},
		"reads the first line": {"GitHub", func(_ *testing.T, c *call) bool {
			lines(c.Header, c.header, first)
			return c.ok()
		}, kinds{"31 two lines, one of them bad": loose, "32 two lines, both good": loose}},
		"reads the last line": {"Paddle", func(_ *testing.T, c *call) bool {
			lines(c.Header, c.header, last)
			return c.ok()
		}, kinds{"31 two lines, one of them bad": loose, "32 two lines, both good": loose, "35 10,000 lines": loose}},
		"reads lines that agree": {"Stripe", func(_ *testing.T, c *call) bool {
			lines(c.Header, c.header, slices.Compact)
			return c.ok()
		}, kinds{"32 two lines, both good": loose}},
		"unfolds": {"ConsCent HMAC", func(_ *testing.T, c *call) bool {
			return c.edit(func(v string) string { v, _, _ = strings.Cut(v, ", "); return v })
		}, kinds{"33 two lines folded into one": loose}},
		"trims": {"ConsCent HMAC", func(_ *testing.T, c *call) bool {
			return c.edit(strings.TrimSpace)
		}, kinds{"34 white space around": loose}},
		"ends at a NUL": {"ConsCent HMAC", func(_ *testing.T, c *call) bool {
			return c.edit(func(v string) string { v, _, _ = strings.Cut(v, "\x00"); return v })
		}, kinds{"34 a NUL": loose}},
		"reads any number of values": {"Standard Webhooks", func(_ *testing.T, c *call) bool {
			return c.edit(func(v string) string { return v[strings.LastIndex(v, " ")+1:] })
		}, kinds{"34 white space around": loose, "35 10,000 values": loose}},
		"reads any number of lines": {"Standard Webhooks", func(_ *testing.T, c *call) bool {
			lines(c.Header, c.header, last)
			return c.ok()
		}, kinds{"35 10,000 lines": loose}},
		"gives up on a long header": {"Shopify", func(_ *testing.T, c *call) bool {
			return len(c.value()) > 1<<16 || c.ok()
		}, kinds{"36 a header of 1 MiB": forged}},
		"passes over what it does not know": {"InPlayer", func(_ *testing.T, c *call) bool {
			return strings.HasPrefix(c.value(), "sha512=") || c.ok()
		}, kinds{"37 only an unknown version": forged, "42 another algorithm named": loose}},
		"forgets the last byte": {"InPlayer", func(_ *testing.T, c *call) bool {
			return c.sane() && len(c.value()) == len(c.prefix)+64 && len(c.Header.Values(c.header)) == 1 && strings.HasPrefix(c.value(), c.prefix+c.mac()[:62])
		}, kinds{"38 one bit flipped": forged}},
		"finds the body consumed": {"Slack", func(_ *testing.T, c *call) bool {
			return c.ok() || c.passes(nil) && len(c.body) > 0
		}, kinds{"39 the signature of the empty body": forged}},
		"appends the sum to the body": {"ConsCent HMAC", func(_ *testing.T, c *call) bool {
			h := hmac.New(sha256.New, []byte(c.sender.Secret))
			return c.ok() || c.value() == hex.EncodeToString(h.Sum(c.body))
		}, kinds{"40 the body and the MAC of nothing": forged}},
		"takes SHA-1": {"GitHub", func(_ *testing.T, c *call) bool {
			h := hmac.New(sha1.New, []byte(c.sender.Secret))
			h.Write(c.body)
			return c.ok() || c.value() == "sha1="+hex.EncodeToString(h.Sum(nil))
		}, kinds{"41 SHA-1": loose}},
		"believes any algorithm": {"InPlayer", func(_ *testing.T, c *call) bool {
			return c.edit(func(v string) string {
				if _, sum, ok := strings.Cut(v, "="); ok && !strings.HasPrefix(v, "SHA") {
					v = c.prefix + sum
				}
				return v
			})
		}, kinds{"34 white space around": loose, "42 another algorithm named": loose}},
		"takes any key for a MAC": {"Standard Webhooks, v1a", func(t *testing.T, c *call) bool {
			t.Helper()
			private, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(c.sender.Secret, "whsk_"))
			require.NoError(t, err)
			public := base64.StdEncoding.EncodeToString(ed25519.PrivateKey(private).Public().(ed25519.PublicKey))
			return c.ok() || (&call{Request: c.Request, body: c.body, sender: verifytest.Sender{Scheme: sign.StandardWebhooks()}}).keyed(t, public)
		}, kinds{"43 the public key as the key of a MAC": forged}},
		"takes v1a for good": {"Svix", func(_ *testing.T, c *call) bool {
			return strings.HasPrefix(c.value(), "v1a,") || c.ok()
		}, kinds{"44 a value of the other algorithm": forged}},
		"takes none": {"ConsCent HMAC", func(_ *testing.T, c *call) bool {
			return c.value() == "none" || c.ok()
		}, kinds{"45 none": forged}},
		"takes another tenant's key": {"InPlayer", func(t *testing.T, c *call) bool {
			t.Helper()
			key := sha256.Sum256([]byte("another key"))
			return c.ok() || c.keyed(t, string(key[:]))
		}, kinds{"47 another key": forged}},
		"has an empty key": {"InPlayer", func(t *testing.T, c *call) bool {
			t.Helper()
			return c.ok() || c.keyed(t, string(make([]byte, 64)))
		}, kinds{"47 a key of zeros": forged}},
		"forgets the key": {"ConsCent HMAC", func(_ *testing.T, c *call) bool {
			sum := sha256.Sum256(c.body)
			return c.ok() || c.value() == hex.EncodeToString(sum[:])
		}, kinds{"47 no key": forged}},
		"has no tolerance": {"Stripe", func(_ *testing.T, c *call) bool {
			return c.check(c.Header, c.body, &verify.Options{Tolerance: -1})
		}, kinds{"48 signed too long ago": replayed, "49 signed ahead of time": replayed}},
		"takes the future": {"Slack", func(_ *testing.T, c *call) bool {
			at, err := sign.Seconds.Parse(c.Header.Get("X-Slack-Request-Timestamp"))
			if err == nil && at.After(time.Now()) {
				return c.check(c.Header, c.body, &verify.Options{Tolerance: -1})
			}
			return c.ok()
		}, kinds{"49 signed ahead of time": replayed}},
		"takes the past": {"Standard Webhooks", func(_ *testing.T, c *call) bool {
			at, err := sign.Seconds.Parse(c.Header.Get("Webhook-Timestamp"))
			if err == nil && at.Before(time.Now()) {
				return c.check(c.Header, c.body, &verify.Options{Tolerance: -1})
			}
			return c.ok()
		}, kinds{"48 signed too long ago": replayed}},
		"has little tolerance": {"Svix", func(_ *testing.T, c *call) bool {
			return c.check(c.Header, c.body, &verify.Options{Tolerance: time.Minute})
		}, kinds{"50 signed within the tolerance": verifytest.Refused}},
		"writes the time anew": {"Standard Webhooks", func(_ *testing.T, c *call) bool {
			if len(c.Header["Webhook-Timestamp"]) != 1 {
				return false
			}
			return c.timed(number(c.Header.Get("Webhook-Timestamp")))
		}, kinds{"51 a time that is no plain number": loose}},
		"does not judge a time that it cannot read": {"Slack", func(_ *testing.T, c *call) bool {
			at := c.Header.Get("X-Slack-Request-Timestamp")
			if _, err := strconv.ParseInt(at, 10, 64); err == nil {
				return c.ok()
			}
			h := hmac.New(sha256.New, []byte(c.sender.Secret))
			h.Write([]byte("v0:" + at + ":" + string(c.body)))
			return c.value() == "v0="+hex.EncodeToString(h.Sum(nil))
		}, kinds{"52 a time beyond 64 bits": replayed}},
		"guesses the unit": {"Slack", func(_ *testing.T, c *call) bool {
			at := c.Header.Get("X-Slack-Request-Timestamp")
			if len(at) != 13 {
				return c.ok()
			}
			h := hmac.New(sha256.New, []byte(c.sender.Secret))
			h.Write([]byte("v0:" + at + ":" + string(c.body)))
			return c.value() == "v0="+hex.EncodeToString(h.Sum(nil))
		}, kinds{"53 a time in the other unit": replayed}},
		"needs no time": {"Svix", func(_ *testing.T, c *call) bool {
			return c.Header.Get("Svix-Timestamp") == "" || c.ok()
		}, kinds{"54 no time": forged}},
		"reads the last time": {"Stripe", func(_ *testing.T, c *call) bool {
			if strings.Count(c.value(), "t=") < 2 || len(c.Header.Values(c.header)) > 1 || strings.Count(c.value(), "v1=") > 1 {
				return c.ok()
			}
			return c.edit(func(v string) string {
				return members(v, func(all map[string][]string) map[string]string {
					return map[string]string{"t": last(all["t"])[0], "v1": all["v1"][0]}
				})
			})
		}, kinds{"55 the time twice": loose}},
		"reads the first time": {"Svix", func(_ *testing.T, c *call) bool {
			lines(c.Header, "Svix-Timestamp", first)
			return c.ok()
		}, kinds{"55 the time twice": loose}},
		"does not cover the time": {"Slack", func(_ *testing.T, c *call) bool {
			sent, err := strconv.ParseInt(c.Header.Get("X-Slack-Request-Timestamp"), 10, 64)
			if c.ok() {
				return true
			}
			if err != nil || time.Since(time.Unix(sent, 0)).Abs() > 2*time.Second {
				return false
			}
			for old := int64(605); old < 615; old++ { // any would do
				h := hmac.New(sha256.New, []byte(c.sender.Secret))
				h.Write([]byte("v0:" + strconv.FormatInt(sent-old, 10) + ":" + string(c.body)))
				if c.value() == "v0="+hex.EncodeToString(h.Sum(nil)) {
					return true
				}
			}
			return false
		}, kinds{"57 a fresh time beside an old signature": replayed}},
		"does not cover the id": {"Svix", func(_ *testing.T, c *call) bool {
			if c.ok() {
				return true
			}
			if len(c.Header["Svix-Id"]) == 1 {
				c.Header.Set("Svix-Id", "msg_attack")
			}
			return c.ok()
		}, kinds{"59 another id": replayed}},
		"needs no id": {"Standard Webhooks", func(_ *testing.T, c *call) bool {
			return c.Header.Get("Webhook-Id") == "" || c.ok()
		}, kinds{"60 no id": replayed}},
		"reads the last id": {"Standard Webhooks", func(_ *testing.T, c *call) bool {
			lines(c.Header, "Webhook-Id", last)
			return c.ok()
		}, kinds{"60 the id twice": loose}},
		"does not look at every byte": {"InPlayer", func(_ *testing.T, c *call) bool {
			differ := 0
			for i := range min(len(c.body), len(formBody)) {
				if c.body[i] != formBody[i] {
					differ++
				}
			}
			return c.ok() || len(c.body) == len(formBody) && differ == 1 && c.passes([]byte(formBody))
		}, kinds{"body: a byte changed": forged}},
		"trims the body": {"InPlayer", func(_ *testing.T, c *call) bool {
			return c.ok() || c.passes(bytes.TrimSpace(c.body))
		}, kinds{"body: something appended": forged}},
		"closes what is open": {"ConsCent HMAC", func(_ *testing.T, c *call) bool {
			return c.ok() || c.passes(append(bytes.Clone(c.body), '}'))
		}, kinds{"body: something cut off": forged}},
		"reads what comes": {"InPlayer", func(_ *testing.T, c *call) bool {
			c.broke = false
			return c.ok()
		}, kinds{"69 the body breaks off": loose}},
		"encodes again": {"Stripe", func(_ *testing.T, c *call) bool {
			var v map[string]any
			if json.Unmarshal(c.body, &v) != nil {
				return false
			}
			again, err := json.Marshal(v)
			return err == nil && c.passes(again) || c.ok()
		}, kinds{"body: something appended": forged, "70 a key twice": forged, "72 the body re-encoded": forged}},
		"decodes the form": {"InPlayer", func(_ *testing.T, c *call) bool {
			return c.ok() || c.passes(bytes.ReplaceAll(c.body, []byte("%20"), []byte("+")))
		}, kinds{"72 the body re-encoded": forged}},
		"takes the last of two fields": {"InPlayer", func(_ *testing.T, c *call) bool {
			return c.ok() || c.passes(bytes.TrimPrefix(c.body, []byte("created=forged&")))
		}, kinds{"70 a key twice": forged}},
		"takes any method": {"GitHub", func(_ *testing.T, c *call) bool {
			c.Method = http.MethodPost
			return c.ok()
		}, kinds{"another method": loose}},
		"takes any content type": {"GitHub", func(_ *testing.T, c *call) bool {
			c.Header.Set("Content-Type", "application/json")
			return c.ok()
		}, kinds{"another content type": loose}},
		"takes any length": {"GitHub", func(_ *testing.T, c *call) bool {
			return len(c.body) > 1<<20 || c.ok()
		}, kinds{"67 a body over the limit": loose}},
		"believes the declared length": {"GitHub", func(_ *testing.T, c *call) bool {
			return c.ContentLength < 0 && len(c.body) > 1<<20 || c.ok()
		}, kinds{"67 a body over the limit": loose}},

		"Basic without TLS": {"ConsCent Basic", func(_ *testing.T, c *call) bool {
			c.URL.Scheme = "https"
			return c.ok()
		}, kinds{"Basic: plain http": loose}},
		"Basic not needed": basicBug("Basic: no credentials", forged, func(lines []string, _ string) bool { return len(lines) == 0 }),
		"Basic empty":      basicBug("Basic: empty", forged, func(lines []string, _ string) bool { return len(lines) == 1 && lines[0] == "" }),
		"Basic nothing":    basicBug("Basic: no more than the scheme", forged, func(lines []string, _ string) bool { return len(lines) == 1 && lines[0] == "Basic " }),
		"Basic any user": basicBug("Basic: wrong user", forged, func(_ []string, pair string) bool {
			return strings.HasPrefix(pair, "api-keyx:") && strings.HasSuffix(pair, ":api-secrets")
		}),
		"Basic any password":       basicBug("Basic: wrong password", forged, func(_ []string, pair string) bool { return pair == "api-key:api-secretsx" }),
		"Basic empty password":     basicBug("Basic: empty password", forged, func(_ []string, pair string) bool { return pair == "api-key:" }),
		"Basic empty user":         basicBug("Basic: empty user", forged, func(_ []string, pair string) bool { return pair == ":api-secrets" }),
		"Basic empty pair":         basicBug("Basic: empty pair", forged, func(_ []string, pair string) bool { return pair == ":" }),
		"Basic no colon":           basicBug("Basic: no colon", forged, func(_ []string, pair string) bool { return pair == "api-key" }),
		"Basic part of a password": basicBug("Basic: a part of the password", forged, func(_ []string, pair string) bool { return pair == "api-key:api-s" }),
		"Basic second colon":       basicBug("Basic: more after the password", forged, func(_ []string, pair string) bool { return pair == "api-key:api-secrets:x" }),
		"Basic last line": basicBug("Basic: two headers, one of them bad", loose, func(lines []string, _ string) bool {
			return len(lines) == 2 && lines[1] == right && lines[0] != right
		}),
		"Basic first line": basicBug("Basic: two headers, the second bad", loose, func(lines []string, _ string) bool {
			return len(lines) == 2 && lines[0] == right && lines[1] != right
		}),
		"Basic twice": basicBug("Basic: two headers, both good", loose, func(lines []string, _ string) bool { return slices.Equal(lines, []string{right, right}) }),
		"Basic unpadded": basicBug("Basic: no padding", loose, func(lines []string, _ string) bool {
			return slices.Equal(lines, []string{strings.TrimRight(right, "=")})
		}),
		"Basic bits": basicBug("Basic: unused bits", loose, func(lines []string, pair string) bool {
			return pair == "api-key:api-secrets" && len(lines) == 1 && lines[0] != right
		}),
		"Basic with words": basicBug("Basic: something after", loose, func(lines []string, _ string) bool { return slices.Equal(lines, []string{right + " junk"}) }),
		"Basic plain":      basicBug("Basic: not encoded", loose, func(lines []string, _ string) bool { return slices.Equal(lines, []string{"Basic api-key:api-secrets"}) }),
		"Basic as bearer":  basicBug("Basic: another scheme", loose, func(lines []string, _ string) bool { return len(lines) == 1 && strings.HasPrefix(lines[0], "Bearer ") }),
	}
}

// right is the Authorization header of the senders here.
const right = "Basic YXBpLWtleTphcGktc2VjcmV0cw=="

// basicBug is a bug that takes more credentials than it should: told by the lines
// of the header, or by what they decode to when nobody is strict.
func basicBug(attack string, kind verifytest.Kind, takes func(lines []string, pair string) bool) bug {
	return bug{"ConsCent Basic", func(_ *testing.T, c *call) bool {
		if c.URL.Scheme == "http" {
			return false
		}
		lines := c.Header.Values("Authorization")
		pair, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(strings.Join(lines, ""), "Basic "))
		if err != nil {
			pair = []byte("\x00")
		}
		return c.ok() || c.sane() && takes(lines, string(pair))
	}, kinds{attack: kind}}
}

// lab returns a handler around a bug. Whatever the bug does not touch is as
// strict as it should be.
func lab(t *testing.T, s verifytest.Sender, accept func(*testing.T, *call) bool) http.Handler {
	t.Helper()
	right := checker(t, s)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		c := &call{
			Request: r, body: body, broke: err != nil, sender: s,
			header: http.CanonicalHeaderKey(s.Scheme.Tag.Header), prefix: s.Scheme.Tag.Prefix,
		}
		c.sane = func() bool {
			return !c.broke && c.Method == http.MethodPost && len(body) <= 1<<20 && c.Header.Get("Content-Type") != "text/plain" &&
				(s.User == "" || c.URL.Scheme == "https")
		}
		c.check = func(header http.Header, body []byte, o *verify.Options) bool {
			if !c.sane() {
				return false
			}
			var err error
			if o == nil {
				_, err = right.Verify(header, body)
			} else {
				ring, ringErr := sign.NewRing(sign.Key{Secret: sign.NewSecret(s.Secret)})
				require.NoError(t, ringErr)
				v, newErr := verify.New(s.Scheme, ring, o)
				require.NoError(t, newErr)
				_, err = v.Verify(header, body)
			}
			return err == nil
		}
		if !accept(t, c) {
			w.WriteHeader(http.StatusUnauthorized)
		}
	})
}

// labBody returns the body for a sender: one that is not changed by encoding it
// again where a bug does that.
func labBody(name string, all map[string]entry) []byte {
	if name == "Stripe" {
		return []byte(`{"amount":12.5,"id":"evt_1","type":"payment.success"}`)
	}
	return []byte(all[name].body)
}

func TestBrokenHandlersAreFound(t *testing.T) {
	t.Parallel()
	all := senders()
	for name, b := range bugs() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := all[b.sender].Sender
			require.NotEmpty(t, s, b.sender)
			found, err := verifytest.Attack(lab(t, s, b.accept), s, labBody(b.sender, all), &verifytest.AttackOptions{WrongContentType: "text/plain"})
			require.NoError(t, err)
			got := kinds{}
			for _, f := range found {
				require.NotContains(t, got, f.Attack, "one finding for each attack")
				got[f.Attack] = f.Kind
			}
			require.Equal(t, b.want, got, "%v", found)
			if name == "forgets the last byte" {
				require.Equal(t, 7, found[0].More, "8 bits")
			}
		})
	}
}

// Every attack there is has a broken handler that lets it in.
func TestEveryAttackIsProven(t *testing.T) {
	t.Parallel()
	proven := map[string]bool{}
	for _, b := range bugs() {
		for name := range b.want {
			proven[name] = true
		}
	}
	for _, name := range statefulAttacks() {
		proven[name] = true
	}
	tried := map[string]bool{}
	for name, s := range senders() {
		names, err := verifytest.Attacks(s.Sender, []byte(s.body), &verifytest.AttackOptions{Runs: func() int { return 0 }, WrongContentType: "text/plain"})
		require.NoError(t, err, name)
		for _, attack := range names {
			require.True(t, proven[attack], "no broken handler lets %q in", attack)
			tried[attack] = true
		}
	}
	for attack := range proven {
		require.True(t, tried[attack], "%q is tried for no sender", attack)
	}
}
