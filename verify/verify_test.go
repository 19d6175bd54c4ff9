package verify_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/paperround/sign"
	"example.com/paperround/verify"
)

// The published Standard Webhooks vector, which most cases below vary.
const (
	swSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	swID     = "msg_p5jXN8AQM9LWM0D4loKWxJek"
	swTime   = "1614265330"
	swTag    = "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
	swBody   = `{"test": 2432232314}`
	// A tag that is well formed and wrong.
	swOther = "Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc="

	hexSecret = "secret"
	hexBody   = "created=15475835&id=2333&resource%5Bfoo%5D=bar&type=payment.success"
	hexTag    = "f27f8ae41a0d60d823e8c296ec2e3e73c81843e3f9aedab2bdc030c4d6b0b0b8"
)

// reason returns the error that a word in a table stands for; "" is none.
func reason(t *testing.T, word string) error {
	t.Helper()
	err, ok := map[string]error{
		"": nil, "missing": verify.ErrMissing, "malformed": verify.ErrMalformed, "too many": verify.ErrTooMany,
		"no match": verify.ErrNoMatch, "too old": verify.ErrTooOld, "too new": verify.ErrTooNew,
	}[word]
	require.True(t, ok, word)
	return err
}

func clock(unix int64) func() time.Time {
	return func() time.Time { return time.Unix(unix, 0) }
}

func standard(t *testing.T, o *verify.Options, secrets ...string) *verify.Verifier {
	t.Helper()
	if o == nil {
		o = &verify.Options{Now: clock(1614265330)}
	}
	if len(secrets) == 0 {
		secrets = []string{swSecret}
	}
	v, err := verify.New(sign.StandardWebhooks(), ringOf(t, secrets...), o)
	require.NoError(t, err)
	return v
}

func swHeader(change ...func(http.Header)) http.Header {
	h := http.Header{
		"Webhook-Id":        {swID},
		"Webhook-Timestamp": {swTime},
		"Webhook-Signature": {"v1," + swTag},
	}
	for _, f := range change {
		f(h)
	}
	return h
}

func set(name string, lines ...string) func(http.Header) {
	return func(h http.Header) { h[name] = lines }
}

// The sample bodies of providers who publish no secret, with values that were
// computed elsewhere.
func TestSampleVectors(t *testing.T) {
	t.Parallel()
	file, err := os.ReadFile("testdata/vectors.json")
	require.NoError(t, err)
	var vectors []struct {
		Name, Scheme, Secret, Body, Expected string
		Headers                              map[string]string
		Now                                  int64
	}
	require.NoError(t, json.Unmarshal(file, &vectors))
	require.Len(t, vectors, 26)
	for _, v := range vectors {
		t.Run(v.Name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, "accept", v.Expected)
			checker := map[string]func() verify.Checker{
				"inplayer": func() verify.Checker { return must(verify.New(sign.InPlayer(), ringOf(t, v.Secret), nil)) },
				"conscent": func() verify.Checker { return must(verify.New(sign.ConsCent(), ringOf(t, v.Secret), nil)) },
				"basic":    func() verify.Checker { return basicOf(t, v.Secret) },
			}[v.Scheme]()
			rc, err := checker.Verify(headersOf(v.Headers), []byte(v.Body))
			require.NoError(t, err)
			require.Equal(t, v.Body, string(rc.Body))
		})
	}
}

func TestReceipt(t *testing.T) {
	t.Parallel()
	ring, err := sign.NewRing(
		sign.Key{ID: "2026-10", Secret: sign.NewSecret("b25lb25lb25lb25lb25lb25l")},
		sign.Key{ID: "2026-11", Secret: sign.NewSecret(swSecret), Created: time.Unix(1614265100, 0)},
		sign.Key{ID: "2026-12", Secret: sign.NewSecret("dHdvdHdvdHdvdHdvdHdvdHdv"), Created: time.Unix(1614265200, 0)},
	)
	require.NoError(t, err)
	v, err := verify.New(sign.StandardWebhooks(), ring, &verify.Options{Now: clock(1614265340)})
	require.NoError(t, err)
	body := []byte(swBody)
	rc, err := v.Verify(swHeader(), body)
	require.NoError(t, err)
	require.Equal(t, verify.Receipt{
		Scheme:     "standard-webhooks",
		KeyID:      "2026-11",
		KeyAge:     240 * time.Second,
		Superseded: true,
		ID:         swID,
		Time:       time.Unix(1614265330, 0).UTC(),
		Received:   time.Unix(1614265340, 0),
		Body:       body,
	}, rc)
	require.Same(t, &body[0], &rc.Body[0], "the caller's slice, not a copy")
}

// Every case is named after its line in the list of what a strict verifier
// refuses.
func TestStandardWebhooksHeaders(t *testing.T) {
	t.Parallel()
	const sig, id, at = "Webhook-Signature", "Webhook-Id", "Webhook-Timestamp"
	raw, err := base64.StdEncoding.DecodeString(swTag)
	require.NoError(t, err)
	many := func(n int, last string) string { return strings.Repeat("v1,"+swOther+" ", n-1) + "v1," + last }
	for name, tc := range map[string]struct {
		change func(http.Header)
		want   string // Empty: accepted.
	}{
		"as published": {func(http.Header) {}, ""},

		"15 signature missing":          {set(sig), "missing"},
		"15 id missing":                 {set(id), "missing"},
		"16 signature empty":            {set(sig, ""), "missing"},
		"16 id empty":                   {set(id, ""), "missing"},
		"17 prefix alone":               {set(sig, "v1,"), "malformed"},
		"18 one digit short":            {set(sig, "v1,"+swTag[1:]), "malformed"},
		"18 one digit long":             {set(sig, "v1,A"+swTag), "malformed"},
		"18 33 bytes in as many digits": {set(sig, "v1,"+swTag[:43]+"A"), "malformed"},
		"22 newlines for digits":        {set(sig, "v1,"+swTag[:40]+"\n\n\n\n"), "malformed"},
		"22 newline inside":             {set(sig, "v1,"+swTag[:20]+"\n"+swTag[20:]), "malformed"},
		"22 newline, same length":       {set(sig, "v1,"+swTag[:20]+"\n"+swTag[21:]), "malformed"},
		"23 non-zero trailing bits":     {set(sig, "v1,"+strings.Replace(swTag, "E=", "F=", 1)), "malformed"},
		"24 base64url":                  {set(sig, "v1,"+base64.URLEncoding.EncodeToString(raw)), "malformed"},
		"25 padding missing":            {set(sig, "v1,"+strings.TrimSuffix(swTag, "=")), "malformed"},
		"25 padding in the middle":      {set(sig, "v1,"+swTag[:42]+"=="), "malformed"},
		"26 hex":                        {set(sig, "v1,"+hex.EncodeToString(raw)), "malformed"},
		"27 prefix missing":             {set(sig, swTag), "malformed"},
		"28 prefix in upper case":       {set(sig, "V1,"+swTag), "malformed"},
		"29 truncated":                  {set(sig, "v1,"+base64.StdEncoding.EncodeToString(raw[:16])), "malformed"},
		"30 garbage, comma":             {set(sig, "v1,"+swTag+",garbage"), "malformed"},
		"30 garbage, space":             {set(sig, "v1,"+swTag+" garbage"), "malformed"},
		"30 garbage, glued":             {set(sig, "v1,"+swTag+"garbage"), "malformed"},
		"30 garbage in front":           {set(sig, "garbage v1,"+swTag), "malformed"},
		"30 one word in front":          {set(sig, "v2,v1,"+swTag), "malformed"},
		"31 two lines, first bad":       {set(sig, "v1,"+swOther, "v1,"+swTag), ""},
		"31 two lines, first broken":    {set(sig, "v1,"+swTag+",junk", "v1,"+swTag), "malformed"},
		"32 two lines, both good":       {set(sig, "v1,"+swTag, "v1,"+swTag), ""},
		"33 folded":                     {set(sig, "v1,"+swOther+",v1,"+swTag), ""},
		"33 folded with a space":        {set(sig, "v1,"+swOther+", v1,"+swTag), ""},
		"33 folded with a tab":          {set(sig, "v1,"+swOther+",\tv1,"+swTag), ""},
		"33 folded, another version":    {set(sig, "v1a,"+swOther+", v1,"+swTag), ""},
		"33 folded lists":               {set(sig, "v1,"+swOther+" v2,x, v1a,y v1,"+swTag), ""},
		"33 folded, nothing at the end": {set(sig, "v1,"+swTag+","), "malformed"},
		"34 space in front":             {set(sig, " v1,"+swTag), "malformed"},
		"34 space behind":               {set(sig, "v1,"+swTag+" "), "malformed"},
		"34 two spaces between":         {set(sig, "v1,"+swOther+"  v1,"+swTag), "malformed"},
		"34 space after the comma":      {set(sig, "v1, "+swTag), "malformed"},
		"34 tab behind":                 {set(sig, "v1,"+swTag+"\t"), "malformed"},
		"34 NUL behind":                 {set(sig, "v1,"+swTag+"\x00"), "malformed"},
		"34 NUL in front":               {set(sig, "\x00v1,"+swTag), "malformed"},
		"35 16 values":                  {set(sig, many(16, swTag)), ""},
		"35 17 values":                  {set(sig, many(17, swTag)), "too many"},
		"35 10,000 values":              {set(sig, many(10000, swTag)), "too many"},
		"35 17 lines":                   {set(sig, strings.Split(many(17, swTag), " ")...), "too many"},
		"35 17 of another version":      {set(sig, strings.Repeat("v2,x ", 16)+"v1,"+swTag), "too many"},
		"36 1 MiB":                      {set(sig, "v1,"+strings.Repeat("A", 1<<20)), "too many"},
		"36 1 MiB of spaces":            {set(sig, strings.Repeat(" ", 1<<20)), "too many"},
		"36 1 MiB over several lines":   {set(sig, "v1,"+swTag, "v2,"+strings.Repeat("A", 1<<20)), "too many"},
		"36 1 MiB of id":                {set(id, strings.Repeat("A", 1<<20)), "malformed"},
		"36 together too long":          {set(sig, append(slices.Repeat([]string{"v2," + strings.Repeat("A", 500)}, 9), "v1,"+swTag)...), "too many"},
		"37 only unknown versions":      {set(sig, "v2,"+swTag+" v3,"+swTag), "malformed"},
		"41 SHA-1 value":                {set(sig, "v1,hjxhlpbQDvBk8b7YdPHUgF+X2Fo="), "malformed"},
		"44 v1 value under v1a":         {set(sig, "v1a,"+swTag), "malformed"},
		"44 v1a value under v1":         {set(sig, "v1,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg=="), "malformed"},
		"45 none":                       {set(sig, "none,"+swTag), "malformed"},
		"45 none with nothing":          {set(sig, "none"), "malformed"},

		"39 another body's signature": {set(sig, "v1,"+swOther), "no match"},
		"id of another message":       {set(id, "msg_other"), "no match"},
		"id twice":                    {set(id, swID, swID), "too many"},
		"id folded":                   {set(id, swID+", "+swID), "malformed"},
		"id with a full stop":         {set(id, "msg.1"), "malformed"},
		"id with a NUL":               {set(id, "msg\x00"), "malformed"},

		"51 plus":             {set(at, "+"+swTime), "malformed"},
		"51 leading zeros":    {set(at, "000"+swTime), "malformed"},
		"51 minus":            {set(at, "-1"), "malformed"},
		"51 exponent":         {set(at, "1e9"), "malformed"},
		"51 space in front":   {set(at, " "+swTime), "malformed"},
		"51 fraction":         {set(at, swTime+".0"), "malformed"},
		"52 int64":            {set(at, "9223372036854775807"), "malformed"},
		"52 beyond int64":     {set(at, "9223372036854775808"), "malformed"},
		"52 very long":        {set(at, strings.Repeat("9", 1<<20)), "malformed"},
		"53 milliseconds":     {set(at, swTime+"000"), "malformed"}, // The year 53124.
		"54 missing":          {set(at), "missing"},
		"54 empty":            {set(at, ""), "missing"},
		"55 twice":            {set(at, swTime, swTime), "too many"},
		"55 folded":           {set(at, swTime+","+swTime), "malformed"},
		"57 fresh time, old":  {set(at, "1614265331"), "no match"},
		"a century ahead":     {set(at, "4769938930"), "too new"},
		"the end of time":     {set(at, "253402300799"), "too new"},
		"the beginning of it": {set(at, "0"), "too old"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rc, err := standard(t, nil).Verify(swHeader(tc.change), []byte(swBody))
			if tc.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, reason(t, tc.want))
			require.Zero(t, rc)
			var e *verify.Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, "standard-webhooks", e.Scheme)
			require.NotEmpty(t, e.Header)
			for _, secret := range []string{swTag, swBody, swSecret[6:], swOther} {
				require.NotContains(t, err.Error(), secret)
			}
		})
	}
}

func TestHexHeaders(t *testing.T) {
	t.Parallel()
	const sig = "X-Inplayer-Signature"
	raw, err := hex.DecodeString(hexTag)
	require.NoError(t, err)
	for name, tc := range map[string]struct {
		change func(http.Header)
		want   string
	}{
		"as computed":             {func(http.Header) {}, ""},
		"15 missing":              {set(sig), "missing"},
		"16 empty":                {set(sig, ""), "missing"},
		"17 prefix alone":         {set(sig, "sha256="), "malformed"},
		"18 one digit short":      {set(sig, "sha256="+hexTag[1:]), "malformed"},
		"18 one digit long":       {set(sig, "sha256=0"+hexTag), "malformed"},
		"19 odd number of digits": {set(sig, "sha256="+hexTag[:63]), "malformed"},
		"20 not hex":              {set(sig, "sha256=g"+hexTag[1:]), "malformed"},
		"20 beyond ASCII":         {set(sig, "sha256=\xff"+hexTag[1:]), "malformed"},
		"21 upper-case hex":       {set(sig, "sha256="+strings.ToUpper(hexTag)), "malformed"},
		"21 one upper-case digit": {set(sig, "sha256=F"+hexTag[1:]), "malformed"},
		"21 at the end":           {set(sig, "sha256="+hexTag[:61]+"B"+hexTag[62:]), "malformed"},
		"26 base64":               {set(sig, "sha256="+base64.StdEncoding.EncodeToString(raw)), "malformed"},
		"27 prefix missing":       {set(sig, hexTag), "malformed"},
		"28 prefix in upper case": {set(sig, "SHA256="+hexTag), "malformed"},
		"29 truncated":            {set(sig, "sha256="+hexTag[:32]), "malformed"},
		"30 garbage behind":       {set(sig, "sha256="+hexTag+"00"), "malformed"},
		"30 garbage, comma":       {set(sig, "sha256="+hexTag+",garbage"), "malformed"},
		"31 two lines, first bad": {set(sig, "sha256="+strings.Repeat("0", 64), "sha256="+hexTag), "too many"},
		"32 two lines, both good": {set(sig, "sha256="+hexTag, "sha256="+hexTag), "too many"},
		"33 folded":               {set(sig, "sha256="+hexTag+", sha256="+hexTag), "malformed"},
		"34 space in front":       {set(sig, " sha256="+hexTag), "malformed"},
		"34 space after prefix":   {set(sig, "sha256= "+hexTag), "malformed"},
		"34 space behind":         {set(sig, "sha256="+hexTag+" "), "malformed"},
		"34 tab behind":           {set(sig, "sha256="+hexTag+"\t"), "malformed"},
		"34 NUL behind":           {set(sig, "sha256="+hexTag+"\x00"), "malformed"},
		"36 1 MiB":                {set(sig, "sha256="+strings.Repeat("0", 1<<20)), "malformed"},
		"41 SHA-1 under sha256":   {set(sig, "sha256="+hexTag[:40]), "malformed"},
		"42 declared otherwise":   {set(sig, "sha1="+hexTag), "malformed"},
		"42 SHA-512 declared":     {set(sig, "sha512="+hexTag), "malformed"},
		"45 none":                 {set(sig, "none="+hexTag), "malformed"},
		"zeros":                   {set(sig, "sha256="+strings.Repeat("0", 64)), "no match"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v, err := verify.New(sign.InPlayer(), ringOf(t, hexSecret), nil)
			require.NoError(t, err)
			header := http.Header{sig: {"sha256=" + hexTag}}
			tc.change(header)
			rc, err := v.Verify(header, []byte(hexBody))
			if tc.want == "" {
				require.NoError(t, err)
				require.Zero(t, rc.Time)
				require.Empty(t, rc.ID)
				return
			}
			require.ErrorIs(t, err, reason(t, tc.want))
			require.Zero(t, rc)
			require.NotContains(t, err.Error(), hexTag)
		})
	}
}

// A list whose separator is the comma itself, with a prefix that has none.
func TestCommaList(t *testing.T) {
	t.Parallel()
	scheme := sign.ConsCent()
	scheme.Tag = sign.Field{Header: "X-Tag", Prefix: "v1=", Separator: ","}
	ring := ringOf(t, hexSecret)
	v, err := verify.New(scheme, ring, nil)
	require.NoError(t, err)
	for name, tc := range map[string]struct {
		lines []string
		want  string
	}{
		"one":                 {[]string{"v1=" + hexTag}, ""},
		"after another":       {[]string{"v0=abc,v1=" + hexTag}, ""},
		"after a comma":       {[]string{"v0=abc, v1=" + hexTag}, ""},
		"on the second line":  {[]string{"v0=abc", "v1=" + hexTag}, ""},
		"empty item":          {[]string{"v0=abc,,v1=" + hexTag}, "malformed"},
		"comma at the end":    {[]string{"v1=" + hexTag + ","}, "malformed"},
		"comma in front":      {[]string{",v1=" + hexTag}, "malformed"},
		"only other versions": {[]string{"v0=" + hexTag}, "malformed"},
		"nothing but a comma": {[]string{","}, "malformed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := v.Verify(http.Header{"X-Tag": tc.lines}, []byte(hexBody))
			require.ErrorIs(t, err, reason(t, tc.want))
		})
	}
}

// A list without a value of the scheme's is told apart from one with a broken
// value, and costs no hash.
func TestOtherVersionsReason(t *testing.T) {
	t.Parallel()
	_, err := standard(t, nil).Verify(swHeader(set("Webhook-Signature", "v2,"+swTag)), []byte(swBody))
	require.EqualError(t, err, "verify: standard-webhooks: Webhook-Signature: header malformed: no value has the scheme's prefix")
}

func TestBodies(t *testing.T) {
	t.Parallel()
	v, err := verify.New(sign.InPlayer(), ringOf(t, hexSecret), nil)
	require.NoError(t, err)
	ofEmpty := signed(t, sign.InPlayer(), ringOf(t, hexSecret), "", nil)
	for _, empty := range [][]byte{nil, {}} {
		_, err = v.Verify(ofEmpty, empty)
		require.NoError(t, err, "an empty body that was signed as such")
	}
	for name, tc := range map[string]struct {
		header http.Header
		body   string
	}{
		"39 signature of the empty body": {ofEmpty, hexBody},
		"40 tag equal to the body":       {http.Header{"X-Inplayer-Signature": {"sha256=" + hexTag}}, hexTag},
		"40 tag of nothing behind it":    {ofEmpty, hexTag + strings.TrimPrefix(ofEmpty.Get("X-InPlayer-Signature"), "sha256=")},
		"one byte more":                  {http.Header{"X-Inplayer-Signature": {"sha256=" + hexTag}}, hexBody + "\n"},
		"one byte less":                  {http.Header{"X-Inplayer-Signature": {"sha256=" + hexTag}}, hexBody[1:]},
		"72 another order":               {http.Header{"X-Inplayer-Signature": {"sha256=" + hexTag}}, "id=2333&created=15475835&resource%5Bfoo%5D=bar&type=payment.success"},
		"no body":                        {http.Header{"X-Inplayer-Signature": {"sha256=" + hexTag}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := v.Verify(tc.header, []byte(tc.body))
			require.ErrorIs(t, err, verify.ErrNoMatch)
		})
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	t.Run("47 another tenant's key", func(t *testing.T) {
		t.Parallel()
		_, err := standard(t, nil, "b25lb25lb25lb25lb25lb25l").Verify(swHeader(), []byte(swBody))
		require.ErrorIs(t, err, verify.ErrNoMatch)
	})
	t.Run("the second of two", func(t *testing.T) {
		t.Parallel()
		rc, err := standard(t, nil, "b25lb25lb25lb25lb25lb25l", swSecret).Verify(swHeader(), []byte(swBody))
		require.NoError(t, err)
		require.Equal(t, "2", rc.KeyID)
	})
	t.Run("an expired key proves nothing", func(t *testing.T) {
		t.Parallel()
		ring, err := sign.NewRing(
			sign.Key{Secret: sign.NewSecret(swSecret), NotAfter: time.Unix(1614265329, 0)},
			sign.Key{Secret: sign.NewSecret("b25lb25lb25lb25lb25lb25l")},
		)
		require.NoError(t, err)
		v, err := verify.New(sign.StandardWebhooks(), ring, &verify.Options{Now: clock(1614265330)})
		require.NoError(t, err)
		_, err = v.Verify(swHeader(), []byte(swBody))
		require.ErrorIs(t, err, verify.ErrNoMatch)
	})
	t.Run("6 no key valid now", func(t *testing.T) {
		t.Parallel()
		ring, err := sign.NewRing(sign.Key{Secret: sign.NewSecret(swSecret), NotBefore: time.Unix(1614265331, 0)})
		require.NoError(t, err)
		v, err := verify.New(sign.StandardWebhooks(), ring, &verify.Options{Now: clock(1614265330)})
		require.NoError(t, err)
		_, err = v.Verify(swHeader(), []byte(swBody))
		require.ErrorIs(t, err, verify.ErrConfig)
		require.ErrorIs(t, err, sign.ErrNoKey)
	})
	t.Run("a replacement that does not fit", func(t *testing.T) {
		t.Parallel()
		ring := ringOf(t, swSecret)
		v, err := verify.New(sign.StandardWebhooks(), ring, &verify.Options{Now: clock(1614265330)})
		require.NoError(t, err)
		require.NoError(t, ring.Replace(sign.Key{Secret: sign.NewSecret("not base64!")}))
		_, err = v.Verify(swHeader(), []byte(swBody))
		require.ErrorIs(t, err, verify.ErrConfig)
		require.ErrorIs(t, err, sign.ErrConfig)
		require.NotContains(t, err.Error(), "not base64!")
	})
}

func TestTolerance(t *testing.T) {
	t.Parallel()
	const sent = 1614265330
	for name, tc := range map[string]struct {
		tolerance time.Duration
		now       time.Time
		want      string
	}{
		"50 300 s old":                 {0, time.Unix(sent+300, 0), ""},
		"50 300 s ahead":               {0, time.Unix(sent-300, 0), ""},
		"50 300 s old and a bit":       {0, time.Unix(sent+300, 999999999), ""},
		"48 301 s old":                 {0, time.Unix(sent+301, 0), "too old"},
		"49 301 s ahead":               {0, time.Unix(sent-301, 0), "too new"},
		"49 301 s ahead, less a bit":   {0, time.Unix(sent-301, 999999999), "too new"},
		"56 one minute, 60 s old":      {time.Minute, time.Unix(sent+60, 0), ""},
		"56 one minute, 61 s old":      {time.Minute, time.Unix(sent+61, 0), "too old"},
		"56 negative: any age":         {-1, time.Unix(sent+1e9, 0), ""},
		"56 negative: any lead":        {-1, time.Unix(0, 0), ""},
		"56 huge":                      {math.MaxInt64, time.Unix(sent+1e9, 0), ""},
		"56 a nanosecond: same second": {1, time.Unix(sent, 5), ""},
		"56 a nanosecond: next second": {1, time.Unix(sent+1, 0), "too old"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := standard(t, &verify.Options{Tolerance: tc.tolerance, Now: func() time.Time { return tc.now }})
			_, err := v.Verify(swHeader(), []byte(swBody))
			require.ErrorIs(t, err, reason(t, tc.want))
		})
	}
}

func TestMilliseconds(t *testing.T) {
	t.Parallel()
	scheme := sign.StandardWebhooks()
	scheme.TimeUnit = sign.Milliseconds
	ring := ringOf(t, swSecret)
	s, err := sign.New(scheme, ring, nil)
	require.NoError(t, err)
	sent := time.UnixMilli(1614265330123)
	header := make(http.Header)
	require.NoError(t, s.Sign(header, swID, sent, []byte(swBody)))
	require.Equal(t, "1614265330123", header.Get("Webhook-Timestamp"))
	for lag, want := range map[time.Duration]string{
		300 * time.Second:                       "",
		300*time.Second + time.Millisecond:      "too old",
		-300 * time.Second:                      "",
		-300*time.Second - 1*time.Millisecond:   "too new",
		300*time.Second + 999*time.Microsecond:  "",
		-300*time.Second + 999*time.Microsecond: "",
	} {
		v, err := verify.New(scheme, ring, &verify.Options{Now: func() time.Time { return sent.Add(lag) }})
		require.NoError(t, err)
		rc, err := v.Verify(header, []byte(swBody))
		require.ErrorIs(t, err, reason(t, want), lag)
		if want == "" {
			require.Equal(t, sent.UTC(), rc.Time)
		}
	}
	// 53 seconds where milliseconds are due
	_, err = func() (verify.Receipt, error) {
		v, err := verify.New(scheme, ring, &verify.Options{Now: clock(1614265330)})
		require.NoError(t, err)
		return v.Verify(swHeader(), []byte(swBody))
	}()
	require.ErrorIs(t, err, verify.ErrTooOld)
}

// Rotation: each side with the old key, both, or the new one.
func TestRotation(t *testing.T) {
	t.Parallel()
	const one, two = "b25lb25lb25lb25lb25lb25l", "dHdvdHdvdHdvdHdvdHdvdHdv"
	for _, tc := range []struct {
		sender, receiver []string
		keyID            string // Empty: refused.
	}{
		{[]string{one}, []string{one, two}, "1"},
		{[]string{one, two}, []string{one, two}, "1"},
		{[]string{one, two}, []string{one}, "1"},
		{[]string{one, two}, []string{two}, "1"},
		{[]string{two}, []string{one, two}, "2"},
		{[]string{two}, []string{two}, "1"},
		{[]string{two}, []string{one}, ""},
	} {
		t.Run(fmt.Sprintf("%d to %d", len(tc.sender), len(tc.receiver)), func(t *testing.T) {
			t.Parallel()
			header := signed(t, sign.StandardWebhooks(), ringOf(t, tc.sender...), "id", []byte("body"))
			v, err := verify.New(sign.StandardWebhooks(), ringOf(t, tc.receiver...), nil)
			require.NoError(t, err)
			rc, err := v.Verify(header, []byte("body"))
			require.Equal(t, tc.keyID, rc.KeyID)
			if tc.keyID == "" {
				require.ErrorIs(t, err, verify.ErrNoMatch)
			}
		})
	}
}

// 13 ring swapped while a request is verified
func TestReplaceWhileVerifying(t *testing.T) {
	t.Parallel()
	const one, two = "b25lb25lb25lb25lb25lb25l", "dHdvdHdvdHdvdHdvdHdvdHdv"
	ring := ringOf(t, one)
	v, err := verify.New(sign.StandardWebhooks(), ring, nil)
	require.NoError(t, err)
	header := signed(t, sign.StandardWebhooks(), ringOf(t, one, two), "id", []byte("body"))
	done := make(chan struct{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if _, err := v.Verify(header, []byte("body")); err != nil {
					t.Errorf("verify: %v", err)
					return
				}
			}
		})
	}
	for range 500 {
		require.NoError(t, ring.Replace(sign.Key{Secret: sign.NewSecret(two)}))
		require.NoError(t, ring.Replace(sign.Key{Secret: sign.NewSecret(one)}))
	}
	close(done)
	wg.Wait()
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	_, err := verify.New(sign.InPlayer(), nil, nil) // 12 nil ring
	require.ErrorIs(t, err, verify.ErrConfig)
	require.ErrorIs(t, err, sign.ErrConfig)
	_, err = verify.New(sign.Scheme{}, ringOf(t, "secret"), nil)
	require.ErrorIs(t, err, verify.ErrConfig)
	_, err = verify.New(sign.Cleeng("X-Signature", sign.Hex), ringOf(t, "hunter2"), nil) // 8 too short
	require.ErrorIs(t, err, verify.ErrConfig)
	require.NotContains(t, err.Error(), "hunter2")
}

func TestZeroValuesReturnErrors(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]verify.Checker{
		"zero Verifier": new(verify.Verifier), "nil Verifier": (*verify.Verifier)(nil),
		"zero Basic": new(verify.Basic), "nil Basic": (*verify.Basic)(nil),
		"zero Group": new(verify.Group), "nil Group": (*verify.Group)(nil),
	} {
		_, err := c.Verify(swHeader(), nil)
		require.ErrorIs(t, err, verify.ErrConfig, name)
	}
}

func TestVerifyLeavesItsInputAlone(t *testing.T) {
	t.Parallel()
	header, body := swHeader(), []byte(swBody)
	_, err := standard(t, nil).Verify(header, body)
	require.NoError(t, err)
	require.Equal(t, swHeader(), header)
	require.Equal(t, swBody, string(body))
	_, err = standard(t, nil).Verify(nil, body)
	require.ErrorIs(t, err, verify.ErrMissing)
}
