package verify_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/paperround/sign"
	"example.com/paperround/verify"
)

func TestConsCentHash(t *testing.T) {
	t.Parallel()
	const good = "eyJhbGciOiJIUzI1NiJ9.OTgwMDAwMDAwMQ.6EXBXWNX_bWHeSiQIx-cqzMY0EhFafpdUCiG8WEbyqo"
	secret := sign.NewSecret("sample-api-secret")
	require.NoError(t, verify.ConsCentHash(secret, "9800000001", good))

	none := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`))
	for name, tt := range map[string]struct {
		secret      sign.Secret
		value, hash string
		want        error
	}{
		"another value":           {secret, "9800000002", good, verify.ErrNoMatch},
		"another secret":          {sign.NewSecret("sample-api-secret-2"), "9800000001", good, verify.ErrNoMatch},
		"empty":                   {secret, "9800000001", "", verify.ErrMissing},
		"algorithm none":          {secret, "9800000001", none + ".OTgwMDAwMDAwMQ.", verify.ErrNoMatch},
		"signature cut off":       {secret, "9800000001", good[:strings.LastIndex(good, ".")+1], verify.ErrNoMatch},
		"padding":                 {secret, "9800000001", good + "=", verify.ErrNoMatch},
		"a bit of the last digit": {secret, "9800000001", good[:len(good)-1] + "p", verify.ErrNoMatch},
		"no value":                {secret, "", good, verify.ErrMalformed},
		"no secret":               {sign.Secret{}, "9800000001", good, verify.ErrConfig},
	} {
		err := verify.ConsCentHash(tt.secret, tt.value, tt.hash)
		require.ErrorIs(t, err, tt.want, name)
		require.ErrorAs(t, err, new(*verify.Error))
		require.NotContains(t, err.Error(), "98000", name)
		require.NotContains(t, err.Error(), "6EXBX", name)
	}
}
