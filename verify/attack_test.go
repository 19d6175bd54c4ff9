package verify_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/paperround/sign"
	"example.com/paperround/verify"
)

// attack is a message that is not quite what the provider sends.
type attack struct {
	name      string // It starts with the number of its line in the list of what a strict verifier refuses.
	header    http.Header
	body      string
	want      string        // Empty: accepted.
	after     time.Duration // How long after its time it is received.
	tolerance time.Duration
}

// attacks returns every line of the list that applies to p.
func (p *provider) attacks() []attack {
	body := p.body()
	good := p.value(0, sampleID, p.at, body)
	tag := strings.TrimPrefix(good, p.prefix)
	raw := p.keys[0].sign(p.text(sampleID, p.at, body))
	bad := p.prefix + p.encode(make([]byte, len(raw)))
	text := []byte(p.text(sampleID, p.at, body))
	one, shared := p.sep == "", p.members != nil
	list := !one && !shared

	var all []attack
	add := func(name string, header http.Header, want string) {
		all = append(all, attack{name: name, header: header, body: body, want: want})
	}
	value := func(name, v, want string) { add(name, p.with(sampleID, p.at, v), want) }
	// by chooses the outcome by where the tag stands: alone, in a list, in a list with the time.
	by := func(single, inList, inShared string) string {
		switch {
		case one:
			return single
		case list:
			return inList
		}
		return inShared
	}
	unless := func(exception bool, want, then string) string {
		if exception {
			return then
		}
		return want
	}
	without := func(name string, lines ...string) http.Header {
		h := p.signed(sampleID, p.at, body)
		delete(h, name)
		if lines != nil {
			h[name] = lines
		}
		return h
	}
	line := p.line(sampleID, p.at, good)

	value("as documented", good, "")

	add("15 header missing", without(p.header), "missing")
	if p.idHeader != "" {
		add("15 id missing", without(p.idHeader), "missing")
		add("16 id empty", without(p.idHeader, ""), "missing")
		add("32 id on two lines", without(p.idHeader, p.signed(sampleID, p.at, body)[p.idHeader][0], "x"), "too many")
		add("36 1 MiB of id", p.signed(strings.Repeat("A", 1<<20), p.at, body), "malformed")
		add("36 257 bytes of id", p.signed(strings.Repeat("A", 257), p.at, body), "malformed")
		add("36 256 bytes of id", p.signed(strings.Repeat("A", 256), p.at, body), "")
	}
	if p.signsID {
		for name, id := range map[string]string{"space": "a b", "tab": "a\tb", "NUL": "a\x00", "beyond ASCII": "mság", "DEL": "a\x7f"} {
			if name == "space" && p.sep == " " && shared {
				continue
			}
			add("34 id with a "+name, p.signed(id, p.at, body), "malformed")
		}
		add("47 id of another message", func() http.Header {
			h := p.signed(sampleID, p.at, body)
			p.separate(h, "msg_other", p.at)
			if shared {
				h[p.header] = []string{p.line("msg_other", p.at, good)}
			}
			return h
		}(), "no match")
	}
	if shared && p.signsID {
		member := p.scheme.ID.Prefix + sampleID
		add("15 id missing in the list", p.lines(strings.Replace(line, member+p.sep, "", 1)), "missing")
		add("16 id empty in the list", p.lines(strings.Replace(line, member, p.scheme.ID.Prefix, 1)), "malformed")
		add("32 id twice in the list", p.lines(line+p.sep+member), "too many")
		add("33 another id at the end of the list", p.lines(line+p.sep+p.scheme.ID.Prefix+"other"), "too many")
	}
	if shared {
		add("15 member missing", p.lines(p.line(sampleID, p.at)), "malformed")
	}
	add("16 present but empty", p.lines(""), "missing")
	add("16 two empty lines", p.lines("", ""), by("too many", "missing", "too many"))
	value("17 nothing after the prefix", p.prefix, unless(p.prefix == "", "malformed", "missing"))

	value("18 one digit short", p.prefix+tag[1:], "malformed")
	value("18 one digit long", p.prefix+"0"+tag, "malformed")
	value("18 one digit long at the end", p.prefix+tag+"0", "malformed")
	if p.isHex() {
		value("19 odd number of digits", p.prefix+tag[:len(tag)-1], "malformed")
		value("20 not hex", p.prefix+"g"+tag[1:], "malformed")
		i := strings.IndexAny(tag, "abcdef")
		value("21 upper-case hex", p.prefix+strings.ToUpper(tag), "malformed")
		value("21 one upper-case digit", p.prefix+tag[:i]+strings.ToUpper(tag[i:i+1])+tag[i+1:], "malformed")
		value("26 base64 where hex is due", p.prefix+base64.StdEncoding.EncodeToString(raw), "malformed")
		value("26 base64 of the hex digits", p.prefix+base64.StdEncoding.EncodeToString([]byte(tag)), "malformed")
	} else {
		value("20 not base64", p.prefix+"!"+tag[1:], "malformed")
		const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
		end := strings.IndexByte(tag, '=') - 1
		bits := digits[strings.IndexByte(digits, tag[end])+1]
		value("23 non-zero trailing bits", p.prefix+tag[:end]+string(bits)+tag[end+1:], "malformed")
		value("24 base64url", p.prefix+strings.NewReplacer("+", "-", "/", "_").Replace(tag), "malformed")
		value("25 padding missing", p.prefix+strings.TrimRight(tag, "="), "malformed")
		value("25 too much padding", p.prefix+tag+"=", "malformed")
		value("26 hex where base64 is due", p.prefix+hex.EncodeToString(raw), "malformed")
	}
	value("20 beyond ASCII", p.prefix+"\xff"+tag[1:], "malformed")
	value("22 newline inside", p.prefix+tag[:20]+"\n"+tag[20:], "malformed")
	value("22 newline for a digit", p.prefix+tag[:20]+"\n"+tag[21:], "malformed")
	value("22 newline behind", p.prefix+tag+"\n", "malformed")
	value("22 newlines for the last digits", p.prefix+tag[:len(tag)-4]+"\n\n\n\n", "malformed")

	if p.prefix != "" {
		value("27 prefix missing", tag, "malformed")
		value("28 prefix in the wrong case", strings.ToUpper(p.prefix)+tag, "malformed")
		value("28 prefix twice", p.prefix+p.prefix+tag, "malformed")
		value("37 only unknown versions", "v9"+p.prefix[len(p.prefix)-1:]+tag, "malformed")
		value("42 SHA-1 declared", "sha1="+tag, "malformed")
		value("42 SHA-512 declared", "sha512="+tag, "malformed")
		value("45 none declared", "none"+p.prefix[len(p.prefix)-1:]+tag, "malformed")
	} else {
		value("28 prefix of another scheme", "sha256="+tag, "malformed")
	}
	value("29 truncated tag", p.prefix+p.encode(raw[:16]), "malformed")
	value("29 tag of one byte", p.prefix+p.encode(raw[:1]), "malformed")

	value("30 garbage glued to the value", good+"garbage", "malformed")
	value("30 garbage after a space", good+" garbage", "malformed")
	value("30 garbage after a comma", good+",garbage", "malformed")
	value("30 comma behind", good+",", "malformed")
	value("30 comma in front", ","+good, "malformed")

	badLine := p.line(sampleID, p.at, bad)
	add("31 two lines, the first bad", p.lines(badLine, line), by("too many", "", "too many"))
	add("31 two lines, the first broken", p.lines("garbage", line), by("too many", "malformed", "too many"))
	add("32 two lines, both good", p.lines(line, line), by("too many", "", "too many"))
	add("33 folded", p.lines(badLine+","+line), by("malformed", "", "too many"))
	add("33 folded with a space", p.lines(badLine+", "+line), by("malformed", "", "malformed"))
	add("33 folded with a tab", p.lines(badLine+",\t"+line), by("malformed", "", "malformed"))
	add("33 folded, both good", p.lines(line+", "+line), by("malformed", "", "malformed"))
	for name, c := range map[string]string{"space": " ", "tab": "\t", "NUL": "\x00"} {
		add("34 "+name+" in front", p.lines(c+line), "malformed")
		add("34 "+name+" behind", p.lines(line+c), "malformed")
		value("34 "+name+" after the prefix", p.prefix+c+tag, "malformed")
	}

	// many has n values in all, the last of them good.
	many := func(n int) string {
		if shared {
			n -= strings.Count(p.members(sampleID, p.at), p.sep)
		}
		values := append(slices.Repeat([]string{bad}, n-1), good)
		if one {
			return strings.Join(values, ",")
		}
		return p.line(sampleID, p.at, values...)
	}
	signatures := p.scheme.Algorithm == sign.Ed25519 // Fewer of them, since each takes long.
	add("35 4 values", p.lines(many(4)), by("malformed", "", ""))
	add("35 16 values", p.lines(many(16)), by("malformed", unless(signatures, "", "too many"), ""))
	add("35 17 values", p.lines(many(17)), by("malformed", "too many", "too many"))
	add("35 10,000 values", p.lines(many(10000)), by("malformed", "too many", "too many"))
	add("35 10,000 lines", p.lines(append(slices.Repeat([]string{bad}, 9999), line)...), "too many")
	value("36 1 MiB of a value", p.prefix+strings.Repeat("0", 1<<20), by("malformed", "too many", "too many"))
	add("36 1 MiB of spaces", p.lines(strings.Repeat(" ", 1<<20)), by("malformed", "too many", "too many"))
	if !one {
		other := "v9" + p.prefix[len(p.prefix)-1:]
		filled := func(n int) http.Header {
			pad := n - len(line) - len(p.sep) - len(other)
			return p.lines(line + p.sep + other + strings.Repeat("A", pad))
		}
		add("34 tab before a value of another version", p.lines("\t"+other+"x"+p.sep+line), "malformed")
		add("36 4096 bytes", filled(4096), "")
		add("36 4097 bytes", filled(4097), "too many")
	}

	empty := p.signed(sampleID, p.at, "")
	add("39 signature of the empty body", empty, "no match")
	of := func(name, body string, h http.Header, want string) {
		all = append(all, attack{name: name, header: h, body: body, want: want})
	}
	of("39 no body", "", p.with(sampleID, p.at, good), "no match")
	nothing := p.keys[0].sign(p.text(sampleID, p.at, ""))
	of("40 body followed by the tag of nothing", body+string(nothing), empty, "no match")
	of("40 body followed by the text of that tag", body+p.encode(nothing), empty, "no match")
	of("40 the tag is the body", tag, p.with(sampleID, p.at, good), "no match")
	if string(text) != body {
		of("40 the body is all that was signed", string(text), p.with(sampleID, p.at, good), "no match")
	}

	old := hmac.New(sha1.New, []byte(p.keys[0].signing))
	old.Write(text)
	value("41 SHA-1 value", p.prefix+p.encode(old.Sum(nil)), "malformed")
	long := hmac.New(sha512.New, []byte(p.keys[0].signing))
	long.Write(text)
	value("42 SHA-512 value", p.prefix+p.encode(long.Sum(nil)), unless(!p.asymmetric(), "no match", "malformed"))
	if p.asymmetric() {
		public := strings.TrimPrefix(p.keys[0].checking, "whpk_")
		key, _ := base64.StdEncoding.DecodeString(public)
		forged := p.encode(hmacOf(key, string(text)))
		value("43 MAC with the public key", p.prefix+forged, "malformed")
		value("43 MAC with the public key under v1", "v1,"+forged, "malformed")
		value("43 MAC with the text of the public key", p.prefix+p.encode(hmacOf([]byte(public), string(text))), "malformed")
		value("44 v1a value under v1", "v1,"+tag, "malformed")
	} else {
		pair := pairKey(strings.Repeat("s", 32))
		value("44 Ed25519 value", p.prefix+p.encode(pair.sign(string(text))), "malformed")
		value("44 Ed25519 value under v1a", "v1a,"+p.encode(pair.sign(string(text))), "malformed")
	}
	value("45 none", "none", "malformed")
	value("45 none after the prefix", p.prefix+"none", "malformed")
	value("46 key that the ring has not", p.prefix+p.encode(threeKeys(func(s string) testKey {
		if p.asymmetric() {
			return pairKey("x" + s[1:])
		}
		return textKey("x" + s)
	})[0].sign(string(text))), "no match")
	value("47 another tenant's key", p.value(2, sampleID, p.at, body), "no match")

	if p.signsAt {
		all = append(all, p.attacksOnTime(body)...)
	}
	return all
}

// attacksOnTime are the lines of the list that are about the time. Where the
// message could be signed as it is, it is: it is the text of the time that is
// refused.
func (p *provider) attacksOnTime(body string) []attack {
	var all []attack
	shared := p.members != nil
	good := p.value(0, sampleID, p.at, body)
	add := func(name string, header http.Header, want string) {
		all = append(all, attack{name: name, header: header, body: body, want: want})
	}
	received := func(name string, after, tolerance time.Duration, want string) {
		all = append(all, attack{name, p.signed(sampleID, p.at, body), body, want, after, tolerance})
	}
	const s = time.Second
	unit := p.scheme.TimeUnit.Duration()
	received("48 301 s old", 301*s, 0, "too old")
	received("48 one unit too old", 300*s+unit, 0, "too old")
	received("49 301 s ahead", -301*s, 0, "too new")
	received("49 one unit ahead, less a bit", -300*s-unit+1, 0, "too new")
	received("49 a century ahead", -100*365*24*time.Hour, 0, "too new")
	received("50 300 s old", 300*s, 0, "")
	received("50 300 s old and a bit", 300*s+unit-1, 0, "")
	received("50 300 s ahead", -300*s, 0, "")
	received("56 tolerance of a minute, 60 s", time.Minute, time.Minute, "")
	received("56 tolerance of a minute, 61 s", 61*s, time.Minute, "too old")
	received("56 tolerance of a minute, 61 s ahead", -61*s, time.Minute, "too new")
	received("56 negative tolerance, long ago", 1e9*s, -1, "")
	received("56 negative tolerance, far ahead", -1e9*s, -1, "")
	received("56 huge tolerance, long ago", 1e9*s, math.MaxInt64, "")
	received("56 huge tolerance, far ahead", -1e9*s, math.MaxInt64, "")
	received("56 tolerance of a nanosecond", unit-1, 1, "")
	received("56 tolerance of a nanosecond, next unit", unit, 1, "too old")

	for name, at := range map[string]string{
		"51 plus":                   "+" + p.at,
		"51 leading zeros":          "000" + p.at,
		"51 minus one":              "-1",
		"51 minus":                  "-" + p.at,
		"51 exponent":               "1e9",
		"51 space in front":         " " + p.at,
		"51 tab in front":           "\t" + p.at,
		"51 space behind":           p.at + " ",
		"51 NUL behind":             p.at + "\x00",
		"51 fraction":               p.at + ".0",
		"51 hex":                    "0x6036a9b2",
		"51 underscore":             p.at[:1] + "_" + p.at[1:],
		"51 digits of another kind": "１６１４２６５３３０",
		"51 no number":              "now",
		"52 the last of int64":      "9223372036854775807",
		"52 beyond int64":           "9223372036854775808",
		"52 beyond uint64":          "18446744073709551616",
		"52 wraps around to now":    "18446744075323816946", // 2^64 and the sample time.
		"52 very long":              strings.Repeat("9", 100),
	} {
		add(name, p.signed(sampleID, at, body), "malformed")
	}
	if p.scheme.TimeUnit.Duration() == s {
		add("53 milliseconds for seconds", p.signed(sampleID, p.at+"000", body), "malformed") // The year 53124.
	} else {
		add("53 seconds for milliseconds", p.signed(sampleID, sampleAt, body), "too old")
	}

	if shared {
		part := strings.TrimSuffix(p.members("", "|"), p.sep)
		name := strings.TrimSuffix(part[strings.LastIndex(part, p.sep)+1:], "|")
		member, after := name+p.at, p.line(sampleID, p.at, good)
		add("54 time missing", p.lines(strings.Replace(after, member+p.sep, "", 1)), "missing")
		add("54 time empty", p.lines(strings.Replace(after, member, name, 1)), "malformed")
		add("54 no name before the time", p.lines(strings.Replace(after, member, p.at, 1)), "malformed")
		add("55 time twice", p.lines(member+p.sep+after), "too many")
		add("55 time twice, the last fresh", p.lines(after+p.sep+name+"1"+p.at[1:]), "too many")
		add("55 time twice, the first odd", p.lines(name+"1"+p.sep+after), "too many")
		add("57 fresh time beside an old signature", p.with(sampleID, next(p.at), good), "no match")
		return all
	}
	set := func(lines ...string) http.Header {
		h := p.signed(sampleID, p.at, body)
		h[p.atHeader] = lines
		return h
	}
	prefix := strings.TrimSuffix(p.signed(sampleID, p.at, body)[p.atHeader][0], p.at)
	add("52 1 MiB of digits", set(prefix+strings.Repeat("9", 1<<20)), "malformed")
	add("54 time missing", set(), "missing")
	add("54 time empty", set(""), "missing")
	add("54 time with a wrong prefix", set("x="+p.at), "malformed")
	add("55 time twice", set(prefix+p.at, prefix+p.at), "too many")
	add("55 time folded", set(prefix+p.at+","+prefix+p.at), "malformed")
	add("57 fresh time beside an old signature", set(prefix+next(p.at)), "no match")
	return all
}

func next(at string) string {
	n, _ := strconv.ParseInt(at, 10, 64)
	return strconv.FormatInt(n+1, 10)
}

// Every line for every scheme to which it applies, read whole, in pieces, and as
// of the time of receipt.
func TestAttacks(t *testing.T) {
	t.Parallel()
	for _, p := range providers() {
		for _, a := range p.attacks() {
			t.Run(p.name+"/"+a.name, func(t *testing.T) {
				t.Parallel()
				p.try(t, a)
			})
		}
	}
}

func TestNoLineIsLeftOut(t *testing.T) {
	t.Parallel()
	names := make(map[string]bool)
	seen := map[int]bool{38: true} // It has a test of its own, below.
	for _, p := range providers() {
		for _, a := range p.attacks() {
			require.False(t, names[p.name+a.name], "two of %s have the name %s", p.name, a.name)
			names[p.name+a.name] = true
			if n, err := strconv.Atoi(a.name[:2]); err == nil {
				seen[n] = true
			}
		}
	}
	for n := 15; n <= 57; n++ {
		require.True(t, seen[n], "line %d", n)
	}
}

// BenchmarkManyValues compares a header of 10,000 values with one of 16, of which
// the last is good, in the same run.
func BenchmarkManyValues(b *testing.B) {
	for _, p := range providers() {
		b.Run(p.name, func(b *testing.B) {
			v, few, many := p.manyValues(b)
			var spent [2]time.Duration
			b.ReportAllocs()
			for b.Loop() {
				for i, header := range []http.Header{few, many} {
					start := time.Now()
					_, _ = v.Verify(header, nil)
					spent[i] += time.Since(start)
				}
			}
			b.ReportMetric(float64(spent[1])/float64(spent[0]), "10000/16")
		})
	}
}

func (p *provider) manyValues(tb testing.TB) (v *verify.Verifier, few, many http.Header) {
	tb.Helper()
	for _, a := range p.attacks() {
		switch a.name {
		case "35 16 values":
			few = a.header
		case "35 10,000 values":
			many = a.header
		}
	}
	require.NotNil(tb, few)
	require.NotNil(tb, many)
	return p.verifier(tb, p.time(tb, p.at), 0), few, many
}

func (p *provider) try(t *testing.T, a attack) {
	t.Helper()
	now := p.time(t, p.at).Add(a.after)
	v := p.verifier(t, now, a.tolerance)
	rc, err := v.Verify(a.header, []byte(a.body))
	if a.want == "" {
		require.NoError(t, err)
		require.Equal(t, a.body, string(rc.Body))
		require.Equal(t, "1", rc.KeyID)
	} else {
		require.ErrorIs(t, err, reason(t, a.want))
		require.Zero(t, rc)
		var e *verify.Error
		require.ErrorAs(t, err, &e)
		require.Equal(t, p.scheme.Name, e.Scheme)
		require.NotEmpty(t, e.Header)
		require.Less(t, len(err.Error()), 250)
		good := strings.TrimPrefix(p.value(0, sampleID, p.at, a.body), p.prefix)
		for _, hidden := range []string{good, p.keys[0].signing, p.keys[0].checking} {
			require.NotContains(t, err.Error(), hidden)
		}
	}

	later, laterErr := p.verifier(t, now.AddDate(10, 0, 0), a.tolerance).VerifyAt(a.header, []byte(a.body), now)
	require.Equal(t, rc, later)
	require.Equal(t, err, laterErr)

	if !p.asymmetric() {
		piecewise, streamErr := stream(v, a.header, a.body)
		rc.Body = nil
		require.Equal(t, rc, piecewise)
		require.Equal(t, err, streamErr)
	}
}

// stream verifies in pieces of random sizes.
func stream(v *verify.Verifier, header http.Header, body string) (verify.Receipt, error) {
	s, err := v.Stream(header)
	if err != nil {
		return verify.Receipt{}, err
	}
	for body != "" {
		n := rand.IntN(len(body) + 1)
		if m, err := s.Write([]byte(body[:n])); m != n || err != nil {
			return verify.Receipt{}, fmt.Errorf("wrote %d of %d: %w", m, n, err)
		}
		body = body[n:]
	}
	return s.Close()
}

// 38 one bit flipped at each position
func TestFlippedBits(t *testing.T) {
	t.Parallel()
	for _, p := range providers() {
		body := p.body()
		raw := p.keys[0].sign(p.text(sampleID, p.at, body))
		v := p.verifier(t, p.time(t, p.at), 0)
		for bit := range len(raw) * 8 {
			t.Run(fmt.Sprintf("%s/38 one bit flipped at position %d", p.name, bit), func(t *testing.T) {
				t.Parallel()
				flipped := slices.Clone(raw)
				flipped[bit/8] ^= 1 << (bit % 8)
				_, err := v.Verify(p.with(sampleID, p.at, p.prefix+p.encode(flipped)), []byte(body))
				require.ErrorIs(t, err, verify.ErrNoMatch)
			})
		}
	}
}
