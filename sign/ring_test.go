package sign_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/paperround/sign"
)

// The published key pair of Standard Webhooks.
const (
	privateKey = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=="
	publicKey  = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="
)

func TestNewRingRefuses(t *testing.T) {
	t.Parallel()
	key := func(s string) sign.Key { return sign.Key{Secret: sign.NewSecret(s)} }
	long := time.Unix(1, 0)
	for name, tc := range map[string]struct {
		keys   []sign.Key
		reason string
	}{
		"no key":                    {nil, "no key"},
		"zero secret":               {[]sign.Key{{}}, "empty"},
		"1 empty secret":            {[]sign.Key{key("")}, "empty"},
		"2 prefix only":             {[]sign.Key{key("whsec_")}, "nothing after it"},
		"3 blank secret":            {[]sign.Key{key(" \t\r\n ")}, "blank"},
		"4 trailing newline":        {[]sign.Key{key("hunter2\n")}, "ends in a newline"},
		"4 trailing CRLF":           {[]sign.Key{key("hunter2\r\n")}, "ends in a newline"},
		"4 leading space":           {[]sign.Key{key(" hunter2")}, "white space"},
		"4 trailing space":          {[]sign.Key{key("hunter2 ")}, "white space"},
		"5 one empty among several": {[]sign.Key{key("one"), key(""), key("two")}, "key 2: the secret is empty"},
		"6 all expired":             {[]sign.Key{{Secret: sign.NewSecret("a"), NotAfter: long}, {Secret: sign.NewSecret("b"), NotAfter: long}}, "expired"},
		"7 duplicate ids":           {[]sign.Key{{ID: "a", Secret: sign.NewSecret("one")}, {ID: "a", Secret: sign.NewSecret("two")}}, "two keys have this id"},
		"7 id like a position":      {[]sign.Key{{ID: "2", Secret: sign.NewSecret("one")}, key("two")}, "two keys have this id"},
		"7 duplicate secrets":       {[]sign.Key{key("one"), key("one")}, "same as that of key 1"},
		"9 pasted v1,whsec_":        {[]sign.Key{key("v1,whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")}, "drop the v1,"},
		"older than the one before": {[]sign.Key{
			{Secret: sign.NewSecret("one"), NotBefore: long.Add(time.Second)}, key("two"), {Secret: sign.NewSecret("three"), Created: long},
		}, "key 3: the key is older than key 1 before it"},
		"ends before it starts": {[]sign.Key{{
			Secret: sign.NewSecret("one"), NotBefore: time.Now(), NotAfter: time.Now().Add(-time.Second),
		}}, "NotAfter lies before NotBefore"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := sign.NewRing(tc.keys...)
			require.Nil(t, r)
			require.ErrorIs(t, err, sign.ErrConfig)
			require.ErrorContains(t, err, tc.reason)
			require.NotContains(t, err.Error(), "hunter2")
		})
	}
}

func TestNewRingTakesBinarySecrets(t *testing.T) {
	t.Parallel()
	for name, secret := range map[string]string{
		"control characters and a space": "\x00random\x01 ",
		"no UTF-8 and a newline":         "\xff\xfe random\n",
	} {
		_, err := sign.NewRing(sign.Key{Secret: sign.NewSecret(secret)})
		require.NoError(t, err, name)
	}
}

func TestCompileRefusesKeys(t *testing.T) {
	t.Parallel()
	cleeng := sign.Cleeng("X-Signature", sign.Hex)
	standard, pair := sign.StandardWebhooks(), sign.StandardWebhooksAsymmetric()
	for name, tc := range map[string]struct {
		scheme sign.Scheme
		secret string
		reason string // Empty: the key fits.
	}{
		"8 Cleeng, 15 bytes":     {cleeng, strings.Repeat("k", 15), "at least 16"},
		"8 Cleeng, 16 bytes":     {cleeng, strings.Repeat("k", 16), ""},
		"8 Cleeng, 64 bytes":     {cleeng, strings.Repeat("k", 64), ""},
		"8 Cleeng, 65 bytes":     {cleeng, strings.Repeat("k", 65), "at most 64"},
		"8 Cleeng, as published": {cleeng, "b/ds[]7+=43cnd54-12-95[sd^faas$e", ""},
		"8 18 bytes":             {standard, "whsec_plJ3nmyCDGBKInavdOK15jsl", ""},
		"8 16 bytes":             {standard, "MDEyMzQ1Njc4OWFiY2RlZg==", ""},
		"8 15 bytes":             {standard, "MDEyMzQ1Njc4OWFiY2Rl", "at least 16"},
		"10 base64url":           {standard, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2La-_Sw", "base64url"},
		"10 no padding":          {standard, "MDEyMzQ1Njc4OWFiY2RlZg", "padding"},
		"11 text":                {standard, "b/ds[]7+=43cnd54-12-95[sd^faas$e", "base64url or text"},
		"11 text without dashes": {standard, "b/ds[]7+=43cnd54=12=95[sd^faas$e", "not standard base64"},
		"line break inside":      {standard, "MfKQ9r8GKYqrTwjU\nPD8ILPZIo2LaLaSw\nabc", "line break"},
		"non-zero trailing bits": {standard, "MDEyMzQ1Njc4OWFiY2RlZh==", "not standard base64"},
		"InPlayer, anything":     {sign.InPlayer(), "k", ""},

		"43 public key as an HMAC key":      {sign.GitHub(), publicKey, "asymmetric"},
		"43 private key as an HMAC key":     {sign.GitHub(), privateKey, "asymmetric"},
		"43 PEM as an HMAC key":             {sign.GitHub(), "-----BEGIN PUBLIC KEY-----\nMCow", "asymmetric"},
		"43 public key where base64 is due": {standard, publicKey, "asymmetric"},
		"43 shared secret as a key pair":    {pair, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "no Ed25519 key"},
		"43 PEM as a key pair":              {pair, "-----BEGIN PUBLIC KEY-----\nMCow", "no Ed25519 key"},
		"2 private prefix alone":            {pair, "whsk_", "has 0 bytes: 64 are needed"},
		"8 private key without its public":  {pair, "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbc=", "has 32 bytes: 64 are needed"},
		"8 private key, too long":           {pair, "whsk_" + strings.Repeat("AAAA", 22), "has 66 bytes: 64 are needed"},
		"10 private key in base64url":       {pair, strings.ReplaceAll(privateKey, "/", "_"), "base64url"},
		"10 private key without padding":    {pair, strings.TrimRight(privateKey, "="), "padding"},
		"private key of another public":     {pair, strings.Replace(privateKey, "whsk_6X", "whsk_7X", 1), "not a pair"},
		"a private key that fits":           {pair, privateKey, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := sign.Compile(tc.scheme, ringOf(t, tc.secret))
			_, newErr := sign.New(tc.scheme, ringOf(t, tc.secret), nil)
			require.Equal(t, err, newErr)
			if tc.reason == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, sign.ErrConfig)
			require.ErrorContains(t, err, tc.reason)
			require.ErrorContains(t, err, tc.scheme.Name)
			require.NotContains(t, err.Error(), tc.secret)
		})
	}
}

func TestCompileRefusesRings(t *testing.T) {
	t.Parallel()
	_, err := sign.Compile(sign.InPlayer(), nil) // 12 nil ring
	require.ErrorIs(t, err, sign.ErrConfig)
	require.EqualError(t, err, "sign: inplayer: the ring is nil")
	_, err = sign.Compile(sign.InPlayer(), new(sign.Ring))
	require.ErrorIs(t, err, sign.ErrConfig)
}

func TestRingReplace(t *testing.T) {
	t.Parallel()
	ring := ringOf(t, "one")
	before := tagOf(t, sign.InPlayer(), ringOf(t, "one"), "body")
	after := tagOf(t, sign.InPlayer(), ringOf(t, "two"), "body")
	c, err := sign.Compile(sign.InPlayer(), ring)
	require.NoError(t, err)
	sign1 := func() string {
		out, err := c.Append(nil, sign.Message{Body: []byte("body")}, at())
		require.NoError(t, err)
		return string(out)
	}
	require.Equal(t, before, sign1())
	require.ErrorIs(t, ring.Replace(), sign.ErrConfig)
	require.ErrorIs(t, ring.Replace(sign.Key{Secret: sign.NewSecret("")}), sign.ErrConfig)
	require.Equal(t, before, sign1(), "a refused replacement changes nothing")
	require.NoError(t, ring.Replace(sign.Key{Secret: sign.NewSecret("two")}))
	require.Equal(t, after, sign1())
	require.ErrorIs(t, (*sign.Ring)(nil).Replace(sign.Key{Secret: sign.NewSecret("two")}), sign.ErrConfig)
}

func TestRingReplaceDoesNotFit(t *testing.T) {
	t.Parallel()
	ring := ringOf(t, strings.Repeat("k", 16))
	s, err := sign.New(sign.Cleeng("X-Signature", sign.Hex), ring, nil)
	require.NoError(t, err)
	require.NoError(t, ring.Replace(
		sign.Key{Secret: sign.NewSecret(strings.Repeat("j", 16))},
		sign.Key{ID: "short", Secret: sign.NewSecret("hunter2")},
	))
	header := headerOf()
	err = s.Sign(header, "", at(), nil)
	require.ErrorIs(t, err, sign.ErrConfig)
	require.ErrorContains(t, err, "key short")
	require.Empty(t, header)
	require.NoError(t, ring.Replace(sign.Key{Secret: sign.NewSecret(strings.Repeat("j", 16))}))
	require.NoError(t, s.Sign(header, "", at(), nil))
}

func TestRingKeepsItsKeys(t *testing.T) {
	t.Parallel()
	keys := []sign.Key{{Secret: sign.NewSecret("one")}}
	ring, err := sign.NewRing(keys...)
	require.NoError(t, err)
	require.Empty(t, keys[0].ID, "the caller's slice is left alone")
	keys[0].Secret = sign.NewSecret("two")
	require.Equal(t, tagOf(t, sign.InPlayer(), ringOf(t, "one"), "body"), tagOf(t, sign.InPlayer(), ring, "body"))
}

// The same key in two spellings makes two equal tags, one of them in vain.
func TestCompileRefusesOneKeyTwice(t *testing.T) {
	t.Parallel()
	_, err := sign.Compile(sign.StandardWebhooks(), ringOf(t, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"))
	require.ErrorIs(t, err, sign.ErrConfig)
	require.ErrorContains(t, err, "key 2: the key is the same as key 1")
}

// A sender writes no more than a receiver reads.
func TestMoreKeysThanReceiversReads(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		scheme sign.Scheme
		most   int
	}{{sign.Stripe(), 15}, {sign.Paddle(), 15}, {sign.StandardWebhooks(), 16}, {sign.StandardWebhooksAsymmetric(), 4}} {
		for n := tc.most; n <= tc.most+1; n++ {
			var secrets []string
			for i := range n {
				seed := bytes.Repeat([]byte{byte(i)}, 32)
				switch tc.scheme.KeyForm {
				case sign.KeyPair:
					secrets = append(secrets, "whsk_"+base64.StdEncoding.EncodeToString(ed25519.NewKeyFromSeed(seed)))
				default:
					secrets = append(secrets, base64.StdEncoding.EncodeToString(seed))
				}
			}
			s, err := sign.New(tc.scheme, ringOf(t, secrets...), nil)
			require.NoError(t, err)
			header := headerOf()
			err = s.Sign(header, "msg", at(), []byte("body"))
			if n > tc.most {
				require.ErrorIs(t, err, sign.ErrConfig, tc.scheme.Name)
				require.Empty(t, header)
				continue
			}
			require.NoError(t, err, tc.scheme.Name)
			require.Equal(t, n, strings.Count(header.Get(tc.scheme.Tag.Header), tc.scheme.Tag.Prefix))
		}
	}
}
