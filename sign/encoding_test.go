package sign_test

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/paperround/sign"
)

// Every byte at every position of a tag, and two beside each other: what is
// well formed is what the standard library reads and writes back the same.
func TestEveryByteOfATag(t *testing.T) {
	t.Parallel()
	private, _ := pairOf('a')
	pair64 := asymmetric()
	pair64.Encoding = sign.Base64
	for name, tc := range map[string]struct {
		scheme sign.Scheme
		secret string
		size   int
	}{
		"hex, HMAC":       {sign.ConsCent(), "secret", 32},
		"hex, Ed25519":    {asymmetric(), private, 64},
		"base64, HMAC":    {sign.Shopify(), "secret", 32},
		"base64, Ed25519": {pair64, private, 64},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := sign.Compile(tc.scheme, ringOf(t, tc.secret))
			require.NoError(t, err)
			m := sign.Message{Body: []byte("body")}
			good, err := c.Append(nil, m, at())
			require.NoError(t, err)
			try := func(tag string) {
				var raw []byte
				var err error
				if tc.scheme.Encoding == sign.Hex {
					raw, err = hex.DecodeString(tag)
				} else {
					raw, err = base64.StdEncoding.DecodeString(tag)
				}
				respelled := hex.EncodeToString(raw)
				if tc.scheme.Encoding == sign.Base64 {
					respelled = base64.StdEncoding.EncodeToString(raw)
				}
				want := sign.ErrMalformed
				switch {
				case tag == string(good):
					want = nil
				case err == nil && len(raw) == tc.size && respelled == tag:
					want = sign.ErrNoMatch
				}
				_, err = c.Match(m, []string{tag}, at())
				if want == nil {
					require.NoError(t, err)
					return
				}
				require.ErrorIs(t, err, want, "%q", tag)
			}
			try(string(good))
			if tc.size == 32 {
				for i := range good {
					for b := range 256 {
						tag := []byte(string(good))
						tag[i] = byte(b)
						try(string(tag))
					}
				}
				for _, i := range []int{0, 7, 31, len(good) - 2} {
					for b := 0; b < 1<<16; b += 7 {
						tag := []byte(string(good))
						tag[i], tag[i+1] = byte(b), byte(b>>8)
						try(string(tag))
					}
				}
			}
			for n := range len(good) + 9 {
				try((string(good) + "0000=0000")[:n])
				try(strings.Repeat("0", n))
			}
		})
	}
}
