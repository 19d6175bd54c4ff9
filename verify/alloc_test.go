//go:build !race

package verify_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/paperround/sign"
	"example.com/paperround/verify"
)

// Not parallel, because allocations are counted for the whole process; not
// under the race detector, because pools then forget on purpose.
func TestNoAllocations(t *testing.T) {
	basic, err := verify.NewBasic(verify.Credential{User: "key", Password: sign.NewSecret("secret")})
	require.NoError(t, err)
	credentials, err := sign.NewBasic("key", sign.NewSecret("secret"))
	require.NoError(t, err)
	for _, scheme := range []sign.Scheme{sign.InPlayer(), sign.ConsCent(), sign.StandardWebhooks()} {
		body := make([]byte, 1<<10)
		ring := ringOf(t, benchSecret, "b25lb25lb25lb25lb25lb25l")
		header := signed(t, scheme, ring, "msg", body)
		require.NoError(t, credentials.Sign(header, "", time.Now(), nil))
		v, err := verify.New(scheme, ring, nil)
		require.NoError(t, err)
		both, err := verify.All(basic, v)
		require.NoError(t, err)
		for _, c := range []verify.Checker{v, basic, both} {
			require.Zero(t, allocs(t, c, header, body), "%T under %s", c, scheme.Name)
		}
	}
}

func allocs(t *testing.T, c verify.Checker, header http.Header, body []byte) float64 {
	t.Helper()
	var err error
	n := testing.AllocsPerRun(1000, func() { _, err = c.Verify(header, body) })
	require.NoError(t, err)
	return n
}
