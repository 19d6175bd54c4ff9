package sign_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/paperround/sign"
)

// The values were computed elsewhere.
func TestConsCentHash(t *testing.T) {
	t.Parallel()
	secret := sign.NewSecret("sample-api-secret")
	for value, want := range map[string]string{
		"9847598673":         "eyJhbGciOiJIUzI1NiJ9.OTg0NzU5ODY3Mw.rYH_wgrlH3gUh9qtW71liCMpCAgllRxq4qXgQVBkQFw",
		"9800000001":         "eyJhbGciOiJIUzI1NiJ9.OTgwMDAwMDAwMQ.6EXBXWNX_bWHeSiQIx-cqzMY0EhFafpdUCiG8WEbyqo",
		"reader@example.com": "eyJhbGciOiJIUzI1NiJ9.cmVhZGVyQGV4YW1wbGUuY29t.fxTY91jVhpmgXxtvt97G4pzrVyAYcRrBJsU4ru6LTuo",
	} {
		got, err := sign.ConsCentHash(secret, value)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	_, err := sign.ConsCentHash(sign.Secret{}, "9800000001")
	require.ErrorIs(t, err, sign.ErrConfig)
	_, err = sign.ConsCentHash(sign.NewSecret("sample-api-secret\n"), "9800000001")
	require.ErrorIs(t, err, sign.ErrConfig)
	_, err = sign.ConsCentHash(secret, "")
	require.ErrorIs(t, err, sign.ErrMalformed)
}

func ExampleConsCentHash() {
	hash, err := sign.ConsCentHash(sign.NewSecret("sample-api-secret"), "9800000001")
	fmt.Println(hash, err)

	// Output:
	// eyJhbGciOiJIUzI1NiJ9.OTgwMDAwMDAwMQ.6EXBXWNX_bWHeSiQIx-cqzMY0EhFafpdUCiG8WEbyqo <nil>
}
