package verify_test

import (
	"encoding/hex"
	"encoding/json"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/paperround/sign"
	"example.com/paperround/verify"
)

// vector is a signature that was published, as others have it.
type vector struct {
	ID           string
	Scheme       string
	Secret       string
	Encoding     string `json:"secret_encoding"`
	Signing      string `json:"signing_key"`
	Headers      map[string]string
	Body         string
	BodyEncoding string `json:"body_encoding"`
	Now          *int64 `json:"now_unix"`
	Expected     json.RawMessage
}

func vectors(t *testing.T) []vector {
	t.Helper()
	file, err := os.ReadFile("testdata/signatures.json")
	require.NoError(t, err)
	var all []vector
	require.NoError(t, json.Unmarshal(file, &all))
	require.Len(t, all, 49)
	return all
}

func headersOf(values map[string]string) http.Header {
	h := make(http.Header)
	for name, value := range values {
		h.Set(name, value)
	}
	return h
}

func basicOf(t *testing.T, pair string) verify.Checker {
	t.Helper()
	user, password, ok := strings.Cut(pair, ":")
	require.True(t, ok)
	b, err := verify.NewBasic(verify.Credential{User: user, Password: sign.NewSecret(password)})
	require.NoError(t, err)
	return b
}

// schemeOf returns the scheme that a vector names: a preset, or one that a host
// would write.
func schemeOf(t *testing.T, name string) sign.Scheme {
	t.Helper()
	mux := sign.Stripe()
	mux.Name, mux.Tag.Header, mux.Time.Header = "mux", "Mux-Signature", "Mux-Signature"
	scheme, ok := map[string]sign.Scheme{
		"standard-webhooks-v1":  sign.StandardWebhooks(),
		"standard-webhooks-v1a": sign.StandardWebhooksAsymmetric(),
		"svix-v1":               sign.Svix(),
		"stripe-v1":             sign.Stripe(),
		"github-sha256":         sign.GitHub(),
		"slack-v0":              sign.Slack(),
		"shopify-sha256-base64": sign.Shopify(),
		"paddle-h1":             sign.Paddle(),
		"inplayer-sha256":       sign.InPlayer(),
		"raw-hmac-sha256":       sign.ConsCent(),
		"hmac-sha256-hex-bare": {
			Name: "linear", Cover: []sign.Part{sign.PartBody}, Encoding: sign.Hex,
			Tag: sign.Field{Header: "Linear-Signature"},
		},
		"hmac-sha1-base64-bare": {
			Name: "woovi", Cover: []sign.Part{sign.PartBody}, Encoding: sign.Base64,
			Tag: sign.Field{Header: "X-OpenPix-Signature"},
		},
		"stripe-like": mux,
	}[name]
	require.True(t, ok, name)
	return scheme
}

func (v *vector) secret(t *testing.T) string {
	t.Helper()
	if v.Encoding != "hex" {
		return v.Secret
	}
	raw, err := hex.DecodeString(v.Secret)
	require.NoError(t, err)
	return string(raw)
}

func (v *vector) body(t *testing.T) []byte {
	t.Helper()
	if v.BodyEncoding != "hex" {
		return []byte(v.Body)
	}
	raw, err := hex.DecodeString(v.Body)
	require.NoError(t, err)
	return raw
}

// now is the moment of receipt; where a vector has none, its scheme signs none.
func (v *vector) now() time.Time {
	if v.Now == nil {
		return time.Unix(0, 0)
	}
	return time.Unix(*v.Now, 0)
}

// Every published vector, judged as the file says.
func TestVectors(t *testing.T) {
	t.Parallel()
	for _, v := range vectors(t) {
		t.Run(v.ID, func(t *testing.T) {
			t.Parallel()
			var outcome string
			if err := json.Unmarshal(v.Expected, &outcome); err != nil {
				v.mac(t)
				return
			}
			outcome, _, _ = strings.Cut(outcome, " ")
			outcome, _, _ = strings.Cut(outcome, "(")
			switch {
			case outcome == "parse-only":
				v.parse(t)
			case v.Scheme == "hmac-sha1-base64-bare":
				require.Equal(t, "accept", outcome)
				v.sha1(t)
			default:
				v.judge(t, outcome)
			}
		})
	}
}

func (v *vector) judge(t *testing.T, outcome string) {
	t.Helper()
	// The file has one word for an empty value and for a wrong one.
	if v.ID == "sw-05" {
		require.Equal(t, "reject:no-match", outcome)
		outcome = "reject:malformed"
	}
	var checker verify.Checker
	if v.Scheme == "basic" {
		checker = basicOf(t, v.Secret)
	} else {
		ring, err := sign.NewRing(sign.Key{Secret: sign.NewSecret(v.secret(t))})
		if outcome == "reject:config" {
			require.ErrorIs(t, err, sign.ErrConfig)
			return
		}
		require.NoError(t, err)
		checker, err = verify.New(schemeOf(t, v.Scheme), ring, &verify.Options{Now: v.now})
		require.NoError(t, err)
	}
	rc, err := checker.Verify(headersOf(v.Headers), v.body(t))
	want, ok := map[string]error{
		"accept":           nil,
		"reject:no-match":  verify.ErrNoMatch,
		"reject:malformed": verify.ErrMalformed,
		"reject:too-old":   verify.ErrTooOld,
		"reject:too-new":   verify.ErrTooNew,
		// A list without a value of the scheme's version.
		"reject:no-signature": verify.ErrMalformed,
	}[outcome]
	require.True(t, ok, outcome)
	require.ErrorIs(t, err, want)
	if want == nil {
		require.Equal(t, v.body(t), rc.Body)
	} else {
		require.Zero(t, rc)
	}
}

// mac judges a vector of the MAC alone. One of them is cut short: such a tag is
// refused.
func (v *vector) mac(t *testing.T) {
	t.Helper()
	var want struct {
		MAC string `json:"mac_hex"`
	}
	require.NoError(t, json.Unmarshal(v.Expected, &want))
	ring := ringOf(t, v.secret(t))
	c, err := sign.Compile(schemeOf(t, v.Scheme), ring)
	require.NoError(t, err)
	tag, err := c.Append(nil, sign.Message{Body: v.body(t)}, time.Now())
	require.NoError(t, err)
	require.Len(t, tag, 64)
	require.Equal(t, want.MAC, string(tag[:len(want.MAC)]))
	checker, err := verify.New(schemeOf(t, v.Scheme), ring, nil)
	require.NoError(t, err)
	_, err = checker.Verify(http.Header{"X-Conscent-Signature": {want.MAC}}, v.body(t))
	if len(want.MAC) == 64 {
		require.NoError(t, err)
		return
	}
	require.Equal(t, "rfc4231-5", v.ID)
	require.ErrorIs(t, err, verify.ErrMalformed)
}

// parse judges a vector whose secret or body nobody published: its list has a
// well-formed tag, its time is read as it stands there, and it has so many
// values.
func (v *vector) parse(t *testing.T) {
	t.Helper()
	want, ok := map[string]struct {
		at     int64
		values int
		more   string // One more value for the list.
	}{
		"sw-17":       {1674087231, 2, " v9,x"},
		"stripe-09":   {1492774577, 3, ",v9=x"},
		"mux-01":      {1565220904, 2, ",v9=x"},
		"inplayer-01": {},
	}[v.ID]
	require.True(t, ok)
	scheme := schemeOf(t, v.Scheme)
	judge := func(now int64, more int) error {
		checker, err := verify.New(scheme, ringOf(t, benchSecret), &verify.Options{Now: clock(now)})
		require.NoError(t, err)
		h := headersOf(v.Headers)
		h.Set(scheme.Tag.Header, h.Get(scheme.Tag.Header)+strings.Repeat(want.more, more))
		_, err = checker.Verify(h, v.body(t))
		return err
	}
	require.ErrorIs(t, judge(want.at, 0), verify.ErrNoMatch)
	if want.at == 0 {
		return
	}
	require.ErrorIs(t, judge(want.at+300, 0), verify.ErrNoMatch)
	require.ErrorIs(t, judge(want.at+301, 0), verify.ErrTooOld)
	require.ErrorIs(t, judge(want.at-300, 0), verify.ErrNoMatch)
	require.ErrorIs(t, judge(want.at-301, 0), verify.ErrTooNew)
	require.ErrorIs(t, judge(want.at, 16-want.values), verify.ErrNoMatch)
	require.ErrorIs(t, judge(want.at, 17-want.values), verify.ErrTooMany)
	if v.ID == "sw-17" { // It has a tag of the other version too.
		var public string
		for _, other := range vectors(t) {
			if other.ID == "sw-14" {
				public = other.Secret
			}
		}
		checker, err := verify.New(sign.StandardWebhooksAsymmetric(), ringOf(t, public), &verify.Options{Now: v.now})
		require.NoError(t, err)
		_, err = checker.Verify(headersOf(v.Headers), v.body(t))
		require.ErrorIs(t, err, verify.ErrNoMatch)
	}
}

// sha1 judges a vector that others accept: no scheme can, because there is no
// algorithm for it.
func (v *vector) sha1(t *testing.T) {
	t.Helper()
	scheme := schemeOf(t, v.Scheme)
	checker, err := verify.New(scheme, ringOf(t, v.secret(t)), nil)
	require.NoError(t, err)
	_, err = checker.Verify(headersOf(v.Headers), v.body(t))
	require.ErrorIs(t, err, verify.ErrMalformed)
	for a := range 256 {
		scheme.Algorithm = sign.Algorithm(a)
		if scheme.Algorithm == sign.HMACSHA256 || scheme.Algorithm == sign.Ed25519 {
			continue
		}
		require.ErrorIs(t, scheme.Validate(), sign.ErrConfig, strconv.Itoa(a))
	}
}

// The other direction: the sending side writes exactly the headers that were
// published.
func TestVectorsAreWritten(t *testing.T) {
	t.Parallel()
	written := 0
	for _, v := range vectors(t) {
		// Not those that are wrong, incomplete, or have values of others too.
		switch {
		case strings.Contains("sw-06 stripe-01 stripe-05 woovi-01 basic-05", v.ID),
			string(v.Expected) != `"accept"` && v.ID != "stripe-02" && v.ID != "sw-08" && v.ID != "sw-09":
			continue
		}
		written++
		t.Run(v.ID, func(t *testing.T) {
			t.Parallel()
			want, got := headersOf(v.Headers), make(http.Header)
			want.Del("Content-Type")
			if v.Scheme == "basic" {
				user, password, _ := strings.Cut(v.Secret, ":")
				s, err := sign.NewBasic(user, sign.NewSecret(password))
				require.NoError(t, err)
				require.NoError(t, s.Sign(got, "", time.Time{}, nil))
				require.Equal(t, want, got)
				return
			}
			secret := v.secret(t)
			if v.Signing != "" {
				secret = v.Signing
			}
			scheme := schemeOf(t, v.Scheme)
			s, err := sign.New(scheme, ringOf(t, secret), nil)
			require.NoError(t, err)
			at := v.now()
			if id, after, _ := strings.Cut(v.ID, "-"); id == "stripe" || after == "08" || after == "09" {
				at = time.Unix(map[string]int64{"stripe-02": 1533204620, "sw-08": 1614265330, "sw-09": 1614265330}[v.ID], 0)
			}
			id := "ignored"
			if scheme.ID.Header != "" {
				id = want.Get(scheme.ID.Header)
			}
			require.NoError(t, s.Sign(got, id, at, v.body(t)))
			require.Equal(t, want, got)
		})
	}
	require.Equal(t, 19, written)
}
