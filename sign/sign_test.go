package sign_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/paperround/sign"
)

// at is the moment of the published Standard Webhooks vector.
func at() time.Time { return time.Unix(1614265330, 0) }

func headerOf() http.Header { return make(http.Header) }

func tagOf(t *testing.T, s sign.Scheme, r *sign.Ring, body string) string {
	t.Helper()
	c, err := sign.Compile(s, r)
	require.NoError(t, err)
	out, err := c.Append(nil, sign.Message{Body: []byte(body)}, at())
	require.NoError(t, err)
	return string(out)
}

func TestSign(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		scheme   sign.Scheme
		secret   string
		id, body string
		want     http.Header
	}{
		"Standard Webhooks": {
			sign.StandardWebhooks(), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
			"msg_p5jXN8AQM9LWM0D4loKWxJek", `{"test": 2432232314}`,
			http.Header{
				"Webhook-Id":        {"msg_p5jXN8AQM9LWM0D4loKWxJek"},
				"Webhook-Timestamp": {"1614265330"},
				"Webhook-Signature": {"v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="},
			},
		},
		"InPlayer": {
			sign.InPlayer(), "secret",
			"ignored", "created=15475835&id=2333&resource%5Bfoo%5D=bar&type=payment.success",
			http.Header{"X-Inplayer-Signature": {"sha256=f27f8ae41a0d60d823e8c296ec2e3e73c81843e3f9aedab2bdc030c4d6b0b0b8"}},
		},
		"Standard Webhooks v1a": {
			sign.StandardWebhooksAsymmetric(), privateKey,
			"msg_p5jXN8AQM9LWM0D4loKWxJek", `{"test": 2432232314}`,
			http.Header{
				"Webhook-Id":        {"msg_p5jXN8AQM9LWM0D4loKWxJek"},
				"Webhook-Timestamp": {"1614265330"},
				"Webhook-Signature": {"v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg=="},
			},
		},
		"Svix": {
			sign.Svix(), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
			"msg_p5jXN8AQM9LWM0D4loKWxJek", `{"test": 2432232314}`,
			http.Header{
				"Svix-Id":        {"msg_p5jXN8AQM9LWM0D4loKWxJek"},
				"Svix-Timestamp": {"1614265330"},
				"Svix-Signature": {"v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="},
			},
		},
		"GitHub": {
			sign.GitHub(), "It's a Secret to Everybody", "ignored", "Hello, World!",
			http.Header{"X-Hub-Signature-256": {"sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"}},
		},
		"Shopify": {
			sign.Shopify(), "hush", "ignored", `"my secret message"`,
			http.Header{"X-Shopify-Hmac-Sha256": {"hMTq0K2x7oyOjoBwGYeTj5oxfnaVYXzbanUG9aajpKI="}},
		},
		// The next three were computed with another implementation.
		"Stripe": {
			sign.Stripe(), "whsec_test", "ignored", "{}",
			http.Header{"Stripe-Signature": {"t=1614265330,v1=5790023bd77209313f2e32e36caf5921bdd2fac398095f83dc2d2ecd5f696f50"}},
		},
		"Slack": {
			sign.Slack(), "8f742231b10e8888abcd99yyyzzz85a5", "ignored", "{}",
			http.Header{"X-Slack-Request-Timestamp": {"1614265330"}, "X-Slack-Signature": {"v0=d26f651eb6bb87c80e15b3eca62897d75b2a4157a7306070caa542929264baaf"}},
		},
		"Paddle": {
			sign.Paddle(), "pdl_ntfset_01", "ignored", "{}",
			http.Header{"Paddle-Signature": {"ts=1614265330;h1=57247ffcd295ef38707c561e328c342fa7abe3cbc6071b530d7e9cfb170ff3bf"}},
		},
		// RFC 4231, test case 2.
		"ConsCent": {
			sign.ConsCent(), "Jefe", "ignored", "what do ya want for nothing?",
			http.Header{"X-Conscent-Signature": {"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"}},
		},
		// RFC 4231, test case 1; the same in base64.
		"Cleeng, hex": {
			sign.Cleeng("x-cleeng", sign.Hex), strings.Repeat("\x0b", 20), "", "Hi There",
			http.Header{"X-Cleeng": {"b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"}},
		},
		"Cleeng, base64": {
			sign.Cleeng("x-cleeng", sign.Base64), strings.Repeat("\x0b", 20), "", "Hi There",
			http.Header{"X-Cleeng": {"sDRMYdjbOFNcqK/OrwvxK4gdwgDJgz2nJuk3bC4yz/c="}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := sign.New(tc.scheme, ringOf(t, tc.secret), nil)
			require.NoError(t, err)
			header := headerOf()
			for h := range tc.want {
				header[h] = []string{"stale", "values"}
			}
			require.NoError(t, s.Sign(header, tc.id, at(), []byte(tc.body)))
			require.Equal(t, tc.want, header)
		})
	}
}

func TestSignWithSeveralKeys(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 15, 0, 0, 0, 0, time.UTC)
	day := 24 * time.Hour
	const one, two, three = "b25lb25lb25lb25lb25l", "dHdvdHdvdHdvdHdvdHdvdHdv", "dGhyZWV0aHJlZXRocmVldGhyZWU="
	key := func(s string, from, to time.Duration) sign.Key {
		k := sign.Key{Secret: sign.NewSecret(s)}
		if from != 0 {
			k.NotBefore = now.Add(from)
		}
		if to != 0 {
			k.NotAfter = now.Add(to)
		}
		return k
	}
	// The wall clock must not find all of them expired.
	anchor := sign.Key{ID: "anchor", Secret: sign.NewSecret("YW5jaG9yYW5jaG9yYW5jaG9y"), NotBefore: now.AddDate(1000, 0, 0)}
	text := sign.StandardWebhooks()
	text.Tag.Separator, text.MinKey = "", 0 // The same with room for one tag.
	list := sign.StandardWebhooks()
	list.MinKey = 0
	for name, tc := range map[string]struct {
		keys []sign.Key
		all  []string // Who signs where there is room for all.
		one  string   // Who signs where there is room for one.
	}{
		"one key":                    {[]sign.Key{key(one, 0, 0)}, []string{one}, one},
		"ties: the last in the ring": {[]sign.Key{key(one, 0, 0), key(two, 0, 0)}, []string{one, two}, two},
		"the last, without a time":   {[]sign.Key{key(one, -2*day, 0), key(two, -day, 0), key(three, 0, 0)}, []string{one, two, three}, three},
		"the last, with a time":      {[]sign.Key{key(one, 0, 0), key(two, -day, 0)}, []string{one, two}, two},
		"not yet valid":              {[]sign.Key{key(one, 0, 0), key(two, time.Second, 0)}, []string{one}, one},
		"Created before NotBefore": {[]sign.Key{
			{Secret: sign.NewSecret(one), Created: now.Add(-2 * day), NotBefore: now}, key(two, -day, 0),
		}, []string{one, two}, two},
		"valid from this moment":      {[]sign.Key{{Secret: sign.NewSecret(one), NotBefore: now}}, []string{one}, one},
		"valid until this moment":     {[]sign.Key{{Secret: sign.NewSecret(one), NotAfter: now}}, []string{one}, one},
		"expired a second ago":        {[]sign.Key{key(one, 0, -time.Second), key(two, 0, 0)}, []string{two}, two},
		"none valid: ended and ahead": {[]sign.Key{key(one, 0, -time.Second), key(two, time.Second, 0)}, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ring, err := sign.NewRing(append(tc.keys, anchor)...)
			require.NoError(t, err)
			o := &sign.Options{Now: func() time.Time { return now }}
			for _, scheme := range []sign.Scheme{list, text} {
				s, err := sign.New(scheme, ring, o)
				require.NoError(t, err)
				header := headerOf()
				err = s.Sign(header, "id", now, []byte("body"))
				want := tc.all
				if scheme.Tag.Separator == "" {
					want = []string{tc.one}
				}
				if len(tc.all) == 0 {
					require.ErrorIs(t, err, sign.ErrNoKey)
					require.Empty(t, header)
					continue
				}
				require.NoError(t, err)
				tags := make([]string, len(want))
				for i, secret := range want {
					alone, err := sign.New(text, ringOf(t, secret), o)
					require.NoError(t, err)
					h := headerOf()
					require.NoError(t, alone.Sign(h, "id", now, []byte("body")))
					tags[i] = h.Get("Webhook-Signature")
				}
				require.Equal(t, strings.Join(tags, " "), header.Get("Webhook-Signature"))
			}
		})
	}
}

func TestSignRefuses(t *testing.T) {
	t.Parallel()
	s, err := sign.New(sign.StandardWebhooks(), ringOf(t, benchSecret), nil)
	require.NoError(t, err)
	for name, tc := range map[string]struct {
		id     string
		at     time.Time
		reason string
	}{
		"no id":              {"", at(), "empty"},
		"full stop in id":    {"msg.1", at(), "would end it"},
		"space in id":        {"msg 1", at(), "white space"},
		"newline in id":      {"msg\r\nX-Evil: 1", at(), "white space"},
		"NUL in id":          {"msg\x00", at(), "control"},
		"beyond ASCII in id": {"mság", at(), "ASCII"},
		"id too long":        {strings.Repeat("a", 257), at(), "longer than 256"},
		"zero time":          {"msg", time.Time{}, "between 1970 and 9999"},
		"year 10000":         {"msg", time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), "between 1970 and 9999"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			header := http.Header{"Webhook-Id": {"before"}}
			err := s.Sign(header, tc.id, tc.at, nil)
			require.ErrorIs(t, err, sign.ErrMalformed)
			require.ErrorContains(t, err, tc.reason)
			require.Equal(t, http.Header{"Webhook-Id": {"before"}}, header)
		})
	}
	require.NoError(t, s.Sign(headerOf(), strings.Repeat("a", 256), at(), nil))
	require.ErrorIs(t, s.Sign(nil, "msg", at(), nil), sign.ErrConfig)
}

func TestZeroValuesReturnErrors(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]sign.HeaderSigner{
		"zero Signer": new(sign.Signer), "nil Signer": (*sign.Signer)(nil),
		"zero Basic": new(sign.Basic), "nil Basic": (*sign.Basic)(nil),
		"zero Group": new(sign.Group), "nil Group": (*sign.Group)(nil),
	} {
		require.ErrorIs(t, s.Sign(headerOf(), "id", at(), nil), sign.ErrConfig, name)
	}
	_, err := new(sign.Compiled).Append(nil, sign.Message{}, at())
	require.ErrorIs(t, err, sign.ErrConfig)
	_, err = (*sign.Compiled)(nil).Match(sign.Message{}, nil, at())
	require.ErrorIs(t, err, sign.ErrConfig)
	require.False(t, new(sign.Basic).Match([]byte(":")))
	require.False(t, new(sign.Basic).Equal(new(sign.Basic)))
}
