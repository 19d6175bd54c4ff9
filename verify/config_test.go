package verify_test

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/paperround/sign"
	"example.com/paperround/verify"
)

// Lines 1 to 12, and 43, of the list of what a strict verifier refuses: secrets
// and rings, on both sides, under every scheme.
func TestConfiguration(t *testing.T) {
	t.Parallel()
	key := func(secret string) sign.Key { return sign.Key{Secret: sign.NewSecret(secret)} }
	past := time.Unix(1614265330, 0)
	for _, p := range providers() {
		for _, side := range []string{"signing", "checking"} {
			good, other := p.keys[0].checking, p.keys[1].checking
			if side == "signing" {
				good, other = p.keys[0].signing, p.keys[1].signing
			}
			prefix, text := "", p.scheme.KeyForm == sign.Text
			if !text {
				prefix = good[:strings.IndexByte(good, '_')+1]
			}
			refused := map[string][]sign.Key{
				"1 empty secret":                   {key("")},
				"1 zero secret":                    {{}},
				"2 prefix only":                    {key("whsec_")},
				"3 blank secret":                   {key(" \t\r\n")},
				"4 trailing newline":               {key(good + "\n")},
				"4 trailing CRLF":                  {key(good + "\r\n")},
				"4 leading space":                  {key(" " + good)},
				"4 trailing newline of the second": {key(good), key(other + "\n")},
				"5 one empty entry":                {key(good), key(""), key(other)},
				"5 one blank entry":                {key(good), key("\n")},
				"6 all keys expired":               {{Secret: sign.NewSecret(good), NotAfter: past}, {Secret: sign.NewSecret(other), NotAfter: past}},
				"7 duplicate secrets":              {{ID: "a", Secret: sign.NewSecret(good)}, {ID: "b", Secret: sign.NewSecret(good)}},
				"7 duplicate ids":                  {{ID: "a", Secret: sign.NewSecret(good)}, {ID: "a", Secret: sign.NewSecret(other)}},
				"9 pasted with its version":        {key("v1,whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")},
			}
			accepted := map[string][]sign.Key{
				"the two that fit": {key(good), key(other)},
				"5 one expired":    {{Secret: sign.NewSecret(good), NotAfter: past}, key(other)},
			}
			encode := func(n int) string {
				return prefix + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("k", n)))
			}
			switch {
			case strings.HasPrefix(p.name, "cleeng"):
				refused["8 15 bytes"] = []sign.Key{key(good[:15])}
				refused["8 65 bytes"] = []sign.Key{key(strings.Repeat("k", 65))}
				accepted["8 16 bytes"] = []sign.Key{key(good[:16])}
				accepted["8 64 bytes"] = []sign.Key{key(strings.Repeat("k", 64))}
			case p.scheme.KeyForm == sign.Whsec:
				refused["8 15 bytes"] = []sign.Key{key(encode(15))}
				refused["8 15 bytes beside a good one"] = []sign.Key{key(good), key(encode(15))}
				accepted["8 16 bytes"] = []sign.Key{key(encode(16))}
				accepted["8 18 bytes, as published"] = []sign.Key{key("whsec_plJ3nmyCDGBKInavdOK15jsl")}
				accepted["2 without the prefix"] = []sign.Key{key(strings.TrimPrefix(good, "whsec_"))}
			case p.asymmetric():
				refused["2 prefix of the key pair alone"] = []sign.Key{key(prefix)}
				refused["2 without the prefix"] = []sign.Key{key(strings.TrimPrefix(good, prefix))}
				refused["8 31 bytes"] = []sign.Key{key(encode(31))}
				refused["8 33 bytes"] = []sign.Key{key(encode(33))}
				refused["8 63 bytes"] = []sign.Key{key(encode(63))}
				refused["8 64 bytes under the other prefix"] = []sign.Key{key("whpk_" + strings.TrimPrefix(encode(64), prefix))}
				refused["8 32 bytes under the other prefix"] = []sign.Key{key("whsk_" + strings.TrimPrefix(encode(32), prefix))}
				refused["11 shared secret for a key pair"] = []sign.Key{key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")}
				refused["43 shared secret beside a pair"] = []sign.Key{key(good), key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")}
			}
			if text {
				// What cannot be told from text is taken as it stands.
				accepted["10 base64url secret"] = []sign.Key{key("MfKQ9r8GKYqrTwjUPD8ILPZIo2La-_Sw")}
				accepted["11 base64 where text is due"] = []sign.Key{key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")}
			} else {
				refused["10 base64url secret"] = []sign.Key{key(prefix + "-_" + good[len(prefix)+2:])}
				refused["10 unpadded secret"] = []sign.Key{key(good[:len(good)-1])}
				refused["10 newline inside the secret"] = []sign.Key{key(good[:10] + "\r\n\r\n" + good[10:])}
				refused["11 text where base64 is due"] = []sign.Key{key(prefix + "b/ds[]7+=43cnd54=12=95[sd^faas$e")}
			}
			if !p.asymmetric() {
				refused["43 public key"] = []sign.Key{key("whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=")}
				refused["43 private key"] = []sign.Key{key("whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==")}
				refused["43 public key in PEM"] = []sign.Key{key("-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA")}
				refused["43 public key beside a good one"] = []sign.Key{key(good), key("whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=")}
			}
			make := func(keys []sign.Key) error {
				ring, err := sign.NewRing(keys...)
				if err != nil {
					return err
				}
				if side == "signing" {
					_, err = sign.New(p.scheme, ring, nil)
				} else {
					_, err = verify.New(p.scheme, ring, nil)
				}
				return err
			}
			for name, keys := range refused {
				t.Run(p.name+"/"+side+"/"+name, func(t *testing.T) {
					t.Parallel()
					err := make(keys)
					require.ErrorIs(t, err, sign.ErrConfig)
					require.NotContains(t, err.Error(), good)
					require.NotContains(t, err.Error(), good[8:])
				})
			}
			for name, keys := range accepted {
				t.Run(p.name+"/"+side+"/"+name, func(t *testing.T) {
					t.Parallel()
					require.NoError(t, make(keys))
				})
			}
		}
		t.Run(p.name+"/12 nil and empty ring", func(t *testing.T) {
			t.Parallel()
			for _, ring := range []*sign.Ring{nil, new(sign.Ring)} {
				_, err := verify.New(p.scheme, ring, nil)
				require.ErrorIs(t, err, verify.ErrConfig)
				_, err = sign.New(p.scheme, ring, nil)
				require.ErrorIs(t, err, sign.ErrConfig)
			}
		})
	}
}

// The receiving side takes public keys, which the sending side refuses.
func TestPublicRing(t *testing.T) {
	t.Parallel()
	for _, p := range providers() {
		if !p.asymmetric() {
			continue
		}
		_, err := sign.New(p.scheme, p.ring(t, false, 0, 1), nil)
		require.ErrorIs(t, err, sign.ErrConfig)
		require.ErrorContains(t, err, "public keys only")
		now := p.time(t, p.at)
		for name, ring := range map[string]*sign.Ring{
			"public":             p.ring(t, false, 0, 1),
			"private":            p.ring(t, true, 0, 1),
			"public and private": ringOf(t, p.keys[0].checking, p.keys[1].signing),
		} {
			v, err := verify.New(p.scheme, ring, &verify.Options{Now: func() time.Time { return now }})
			require.NoError(t, err, name)
			for k := range 2 {
				rc, err := v.Verify(p.with(sampleID, p.at, p.value(k, sampleID, p.at, "body")), []byte("body"))
				require.NoError(t, err, name)
				require.Equal(t, k == 0, rc.Superseded, name)
			}
		}
	}
}
