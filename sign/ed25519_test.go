package sign_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/paperround/sign"
)

// asymmetric is a scheme of Ed25519 over the body alone, in hex.
func asymmetric() sign.Scheme {
	return sign.Scheme{
		Name: "pair", Cover: []sign.Part{sign.PartBody}, Tag: sign.Field{Header: "X-Tag"},
		Algorithm: sign.Ed25519, KeyForm: sign.KeyPair, Encoding: sign.Hex,
	}
}

func pairOf(seed byte) (private, public string) {
	key := ed25519.NewKeyFromSeed([]byte(strings.Repeat(string(rune(seed)), ed25519.SeedSize)))
	return "whsk_" + base64.StdEncoding.EncodeToString(key), "whpk_" + base64.StdEncoding.EncodeToString(key[ed25519.SeedSize:])
}

// RFC 8032, section 7.1, tests 1 to 3.
func TestRFC8032(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ seed, public, body, tag string }{
		"1": {
			"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
			"e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
		},
		"2": {
			"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb", "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
			"92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
		},
		"3": {
			"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7", "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
			"6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pair, err := hex.DecodeString(tc.seed + tc.public)
			require.NoError(t, err)
			body, err := hex.DecodeString(tc.body)
			require.NoError(t, err)
			private := "whsk_" + base64.StdEncoding.EncodeToString(pair)
			public := "whpk_" + base64.StdEncoding.EncodeToString(pair[32:])
			require.Equal(t, tc.tag, tagOf(t, asymmetric(), ringOf(t, private), string(body)))
			for _, secret := range []string{private, public} {
				c, err := sign.Compile(asymmetric(), ringOf(t, secret))
				require.NoError(t, err)
				made, err := c.Match(sign.Message{Body: body}, []string{"zz", tc.tag}, at())
				require.NoError(t, err)
				require.Equal(t, "1", made.KeyID)
				_, err = c.Match(sign.Message{Body: append(body, 0)}, []string{tc.tag}, at())
				require.ErrorIs(t, err, sign.ErrNoMatch)
				_, err = c.Match(sign.Message{Body: body}, []string{strings.ToUpper(tc.tag)}, at())
				require.ErrorIs(t, err, sign.ErrMalformed)
			}
		})
	}
}

func TestPublicKeysCannotSign(t *testing.T) {
	t.Parallel()
	private, public := pairOf('a')
	_, otherPublic := pairOf('b')
	m := sign.Message{Body: []byte("body")}

	only := ringOf(t, public, otherPublic)
	_, err := sign.New(asymmetric(), only, nil)
	require.ErrorIs(t, err, sign.ErrConfig)
	require.ErrorContains(t, err, "public keys only")
	c, err := sign.Compile(asymmetric(), only)
	require.NoError(t, err, "it can verify")
	out, err := c.Append([]byte("kept"), m, at())
	require.ErrorIs(t, err, sign.ErrNoKey)
	require.Equal(t, "kept", string(out))

	list := asymmetric()
	list.Tag = sign.Field{Header: "X-Tag", Prefix: "v1=", Separator: ","}
	c, err = sign.Compile(list, only)
	require.NoError(t, err)
	out, err = c.Append([]byte("kept"), m, at())
	require.ErrorIs(t, err, sign.ErrNoKey)
	require.Equal(t, "kept", string(out))

	// The private key signs, wherever it stands and however old it is.
	tag := tagOf(t, asymmetric(), ringOf(t, private), "body")
	for _, secrets := range [][]string{{private, otherPublic}, {otherPublic, private}} {
		ring := ringOf(t, secrets...)
		_, err := sign.New(asymmetric(), ring, nil)
		require.NoError(t, err)
		require.Equal(t, tag, tagOf(t, asymmetric(), ring, "body"))
		require.Equal(t, "v1="+tag, tagOf(t, list, ring, "body"))
	}

	// Both halves of a pair are one key.
	_, err = sign.Compile(asymmetric(), ringOf(t, private, public))
	require.ErrorIs(t, err, sign.ErrConfig)
	require.ErrorContains(t, err, "the key is the same as key 1")

	// A ring that is replaced by public keys goes on verifying.
	ring := ringOf(t, private)
	s, err := sign.New(asymmetric(), ring, nil)
	require.NoError(t, err)
	require.NoError(t, ring.Replace(sign.Key{Secret: sign.NewSecret(public)}))
	header := headerOf()
	require.ErrorIs(t, s.Sign(header, "", at(), nil), sign.ErrNoKey)
	require.Empty(t, header)
}

func TestMixedRings(t *testing.T) {
	t.Parallel()
	private, public := pairOf('a')
	for name, ring := range map[string]*sign.Ring{
		"private": ringOf(t, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", private),
		"public":  ringOf(t, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", public),
	} {
		for _, scheme := range []sign.Scheme{sign.StandardWebhooks(), sign.StandardWebhooksAsymmetric(), sign.GitHub()} {
			_, err := sign.Compile(scheme, ring)
			require.ErrorIs(t, err, sign.ErrConfig, "%s %s", name, scheme.Name)
			want := "key 2"
			if scheme.Algorithm == sign.Ed25519 {
				want = "key 1"
			}
			require.ErrorContains(t, err, want)
		}
	}
}

// Many messages at once, with buffers that are used again and ones that are not.
func TestPairKeysAtOnce(t *testing.T) {
	t.Parallel()
	private, _ := pairOf('a')
	c, err := sign.Compile(sign.StandardWebhooksAsymmetric(), ringOf(t, private))
	require.NoError(t, err)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for size := range 20 {
				m := sign.Message{ID: "msg", Time: "1", Body: []byte(strings.Repeat(string(rune('a'+i)), size*8000))}
				tag, err := c.Append(nil, m, at())
				if err == nil {
					_, err = c.Match(m, []string{strings.TrimPrefix(string(tag), "v1a,")}, at())
				}
				if err != nil {
					t.Errorf("%d bytes: %v", len(m.Body), err)
				}
			}
		})
	}
	wg.Wait()
}

func TestMatchedKey(t *testing.T) {
	t.Parallel()
	now := at()
	day := 24 * time.Hour
	privateA, publicA := pairOf('a')
	privateB, publicB := pairOf('b')
	for name, tc := range map[string]struct {
		old, young sign.Key // Without secrets.
		now        time.Time
		byOld      sign.Matched
		byYoung    sign.Matched
	}{
		"neither has an age: the last is the newest": {
			sign.Key{ID: "old"},
			sign.Key{ID: "new"},
			now,
			sign.Matched{KeyID: "old", Superseded: true},
			sign.Matched{KeyID: "new"},
		},
		"by Created": {
			sign.Key{ID: "old", Created: now.Add(-9 * day)},
			sign.Key{ID: "new", Created: now.Add(-day)},
			now,
			sign.Matched{KeyID: "old", KeyAge: 9 * day, Superseded: true},
			sign.Matched{KeyID: "new", KeyAge: day},
		},
		"the newer one has no time": {
			sign.Key{ID: "old", NotBefore: now.Add(-9 * day)},
			sign.Key{ID: "new"},
			now,
			sign.Matched{KeyID: "old", KeyAge: 9 * day, Superseded: true},
			sign.Matched{KeyID: "new"},
		},
		"the older one has no time": {
			sign.Key{ID: "old"},
			sign.Key{ID: "new", Created: now.Add(-day)},
			now,
			sign.Matched{KeyID: "old", Superseded: true},
			sign.Matched{KeyID: "new", KeyAge: day},
		},
		"made in the future": {
			sign.Key{ID: "old"},
			sign.Key{ID: "new", Created: now.Add(day)},
			now,
			sign.Matched{KeyID: "old", Superseded: true},
			sign.Matched{KeyID: "new"},
		},
		"by NotBefore": {
			sign.Key{ID: "old", NotBefore: now.Add(-9 * day)},
			sign.Key{ID: "new", NotBefore: now.Add(-day)},
			now,
			sign.Matched{KeyID: "old", KeyAge: 9 * day, Superseded: true},
			sign.Matched{KeyID: "new", KeyAge: day},
		},
		"Created goes before NotBefore": {
			sign.Key{ID: "old", Created: now.Add(-9 * day), NotBefore: now.Add(-time.Hour)},
			sign.Key{ID: "new", Created: now.Add(-day)},
			now,
			sign.Matched{KeyID: "old", KeyAge: 9 * day, Superseded: true},
			sign.Matched{KeyID: "new", KeyAge: day},
		},
		"the newer one is not valid yet": {
			sign.Key{ID: "old"},
			sign.Key{ID: "new", NotBefore: now.Add(day)},
			now,
			sign.Matched{KeyID: "old"},
			sign.Matched{},
		},
		"the newer one has expired": {
			sign.Key{ID: "old"},
			sign.Key{ID: "new", Created: now.Add(-day), NotAfter: now.Add(-1)},
			now,
			sign.Matched{KeyID: "old"},
			sign.Matched{},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, kind := range []struct {
				scheme                sign.Scheme
				oldSign, oldCheck     string
				youngSign, youngCheck string
			}{
				{sign.GitHub(), "one", "one", "two", "two"},
				{asymmetric(), privateA, publicA, privateB, publicB},
			} {
				tc.old.Secret, tc.young.Secret = sign.NewSecret(kind.oldCheck), sign.NewSecret(kind.youngCheck)
				// The machine's clock must not find all of them expired.
				far := sign.Key{ID: "far", Secret: sign.NewSecret(map[bool]string{true: "far", false: "whpk_" + strings.Repeat("AAAA", 10) + "AAA="}[kind.scheme.Algorithm == sign.HMACSHA256]), NotBefore: now.AddDate(900, 0, 0)}
				ring, err := sign.NewRing(tc.old, tc.young, far)
				require.NoError(t, err)
				c, err := sign.Compile(kind.scheme, ring)
				require.NoError(t, err)
				for secret, want := range map[string]sign.Matched{kind.oldSign: tc.byOld, kind.youngSign: tc.byYoung} {
					tag := strings.TrimPrefix(tagOf(t, kind.scheme, ringOf(t, secret), "body"), kind.scheme.Tag.Prefix)
					made, err := c.Match(sign.Message{Body: []byte("body")}, []string{tag}, tc.now)
					require.Equal(t, want, made)
					if want.KeyID == "" {
						require.ErrorIs(t, err, sign.ErrNoMatch)
						continue
					}
					require.NoError(t, err)
					if kind.scheme.Algorithm == sign.Ed25519 {
						continue
					}
					d, err := c.Begin(sign.Message{}, tc.now)
					require.NoError(t, err)
					_, _ = d.Write([]byte("body"))
					made, err = d.Match([]string{tag})
					require.NoError(t, err)
					require.Equal(t, want, made)
				}
			}
		})
	}
}
