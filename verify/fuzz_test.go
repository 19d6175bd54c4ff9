package verify_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/paperround/sign"
	"example.com/paperround/verify"
)

// hmacOf computes a tag without the code under test.
func hmacOf(key []byte, parts ...string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(strings.Join(parts, "")))
	return mac.Sum(nil)
}

// named matches a value of a list that says what it is.
var named = regexp.MustCompile(`^[0-9A-Za-z_-]+[,=:]`)

// naive says whether the headers are good, by splitting and comparing, with
// nothing of the code under test. It judges no time.
func (p *provider) naive(h http.Header, body string) bool {
	id, at, ok := sampleID, p.at, true
	one := func(name, prefix string) string {
		if len(h[name]) != 1 || !strings.HasPrefix(h[name][0], prefix) {
			ok = false
			return ""
		}
		return h[name][0][len(prefix):]
	}
	if p.idHeader != "" {
		id = one(p.idHeader, p.scheme.ID.Prefix)
	}
	if p.atHeader != "" {
		at = one(p.atHeader, p.scheme.Time.Prefix)
	}
	var tags []string
	switch {
	case p.sep == "":
		tags = append(tags, one(p.header, ""))
	case p.members == nil:
		// Values of one comma each, parted by a space or where lines were folded.
		list := regexp.MustCompile(`^[^ ,]*,[^ ,]*(?:(?: |,[ \t]*)[^ ,]*,[^ ,]*)*$`)
		length := 0
		for _, line := range h[p.header] {
			if length += len(line); line == "" {
				continue
			}
			ok = ok && list.MatchString(line)
			for line != "" {
				i := strings.IndexByte(line, ',') + 1
				end := strings.IndexAny(line[i:], " ,")
				if end < 0 {
					tags = append(tags, line)
					break
				}
				tags = append(tags, line[:i+end])
				if line[i+end] == ' ' {
					line = line[i+end+1:]
				} else {
					line = strings.TrimLeft(line[i+end+1:], " \t")
				}
			}
		}
		ok = ok && length <= 4096 && len(tags) <= 16
		for _, v := range tags {
			ok = ok && named.MatchString(v)
		}
	default:
		line := one(p.header, "")
		ok = ok && len(line) <= 4096
		tags = strings.Split(strings.ReplaceAll(line, ",", p.sep), p.sep)
		ok = ok && len(tags) <= 16
		for _, v := range tags {
			ok = ok && named.MatchString(v)
		}
		for _, f := range []struct {
			prefix string
			dst    *string
		}{{p.scheme.ID.Prefix, &id}, {p.scheme.Time.Prefix, &at}} {
			var found []string
			for _, v := range tags {
				if f.prefix != "" && strings.HasPrefix(v, f.prefix) {
					found = append(found, v[len(f.prefix):])
				}
				ok = ok && v != "" && v[0] > ' '
			}
			if f.prefix != "" {
				ok = ok && len(found) == 1
				*f.dst = strings.Join(found, "")
			}
		}
	}
	if p.signsID {
		ok = ok && regexp.MustCompile(`^[!-~]{1,256}$`).MatchString(id) && !strings.ContainsAny(id, p.idEnds)
	}
	if p.signsAt {
		n, err := strconv.ParseInt(at, 10, 64)
		last := time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC)
		most := last.Unix()
		if p.scheme.TimeUnit == sign.Milliseconds {
			most = last.UnixMilli()
		}
		ok = ok && err == nil && n >= 0 && n <= most && strconv.FormatInt(n, 10) == at
	}
	for _, v := range tags {
		if ok && (v == p.value(0, id, at, body) || v == p.value(1, id, at, body)) {
			return true
		}
	}
	return false
}

// fuzz compares the verifiers of some schemes with naive. The fuzzer cannot make
// a tag, so in a line TAG stands for the one of the first key, NEW for that of the
// second, and OTHER for a tenant's.
func fuzz(f *testing.F, names ...string) {
	f.Helper()
	var under []*provider
	var verifiers []*verify.Verifier
	for _, p := range providers() {
		if !slices.Contains(names, p.name) {
			continue
		}
		under = append(under, p)
		verifiers = append(verifiers, p.verifier(f, p.time(f, p.at), -1))
		line := p.line(sampleID, p.at, p.prefix+"TAG")
		sep := p.sep
		if sep == "" {
			sep = ","
		}
		for _, first := range []string{
			line, p.line(sampleID, p.at, p.prefix+"NEW"), p.line(sampleID, p.at, p.prefix+"OTHER"), p.line(sampleID, p.at, "TAG"),
			strings.ToUpper(line), line + sep, sep + line, line + ", " + line, line + "," + line, line + " ", " " + line, line + "garbage",
			p.prefix + "TAG", p.prefix, line + sep + strings.Repeat(sep+"v9=x", 20), line + sep + "v9,x", line + "\x00", "\t" + line,
		} {
			f.Add(first, "", sampleID, p.at, "{}")
		}
		f.Add(line, line, sampleID, p.at, "")
		f.Add(p.line(sampleID, p.at, p.prefix+"OTHER"), line, sampleID, p.at, "")
		f.Add(line, "", "msg.1,;", "0"+p.at, "2.body")
		f.Add(strings.ReplaceAll(line, p.at, "0"+p.at), "", "", "", "")
		f.Add(strings.ReplaceAll(line, p.at, ""), "", "msg 1", "-1", "")
	}
	require.Len(f, under, len(names))
	f.Fuzz(func(t *testing.T, first, second, id, at, body string) {
		for i, p := range under {
			tagID, tagAt := id, at
			if p.members != nil { // They stand in the line.
				tagID, tagAt = p.member(first, p.scheme.ID.Prefix), p.member(first, p.scheme.Time.Prefix)
			}
			fill := strings.NewReplacer(
				"TAG", p.value(0, tagID, tagAt, body)[len(p.prefix):],
				"NEW", p.value(1, tagID, tagAt, body)[len(p.prefix):],
				"OTHER", p.value(2, tagID, tagAt, body)[len(p.prefix):],
			)
			h := http.Header{p.header: {fill.Replace(first)}}
			if second != "" {
				h[p.header] = append(h[p.header], fill.Replace(second))
			}
			p.separate(h, id, at)
			rc, err := verifiers[i].Verify(h, []byte(body))
			require.Equal(t, p.naive(h, body), err == nil, "%s: %q: %v", p.name, h, err)
			if err != nil {
				require.Zero(t, rc)
				require.NotErrorIs(t, err, verify.ErrConfig)
			}
			if !p.asymmetric() {
				rc.Body = nil
				again, streamErr := stream(verifiers[i], h, body)
				require.Equal(t, rc, again)
				require.Equal(t, err, streamErr)
			}
		}
	})
}

// member returns the first member of a list that has the prefix.
func (p *provider) member(line, prefix string) string {
	for v := range strings.SplitSeq(strings.ReplaceAll(line, ",", p.sep), p.sep) {
		if prefix != "" && strings.HasPrefix(v, prefix) {
			return v[len(prefix):]
		}
	}
	return ""
}

func FuzzVerifyHex(f *testing.F)    { fuzz(f, "inplayer", "conscent", "cleeng hex", "github") }
func FuzzVerifyBase64(f *testing.F) { fuzz(f, "cleeng base64", "shopify") }
func FuzzVerifySlack(f *testing.F)  { fuzz(f, "slack", "host prefixes") }
func FuzzVerifyStripe(f *testing.F) { fuzz(f, "stripe", "host spaces") }
func FuzzVerifyPaddle(f *testing.F) { fuzz(f, "paddle", "host list") }

func FuzzVerifyStandardWebhooks(f *testing.F) { fuzz(f, "standard-webhooks", "svix") }
func FuzzVerifyAsymmetric(f *testing.F)       { fuzz(f, "standard-webhooks-v1a") }

// FuzzBasic: nothing but the one spelling of the credentials is accepted, the
// case of the scheme aside.
func FuzzBasic(f *testing.F) {
	const good = "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
	for _, value := range []string{good, "basic" + good[5:], good + " ", good[:len(good)-1], "Basic", "Basic ", "Bearer x", "Basic Og=="} {
		f.Add(value)
	}
	b, err := verify.NewBasic(credential("", "Aladdin", "open sesame"))
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, value string) {
		rc, err := b.Verify(http.Header{"Authorization": {value}}, nil)
		accept := len(value) == len(good) && strings.EqualFold(value[:5], "basic") && value[5:] == good[5:]
		require.Equal(t, accept, err == nil, "%q", value)
		if err != nil {
			require.Zero(t, rc)
		}
	})
}
