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
	for _, scheme := range []sign.Scheme{
		sign.InPlayer(), sign.ConsCent(), sign.StandardWebhooks(), sign.Svix(), sign.GitHub(),
		sign.Stripe(), sign.Slack(), sign.Shopify(), sign.Paddle(),
	} {
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

// 35 bounded work: 10,000 values leave no more behind than 16 do. What is
// allocated is the error, and what it takes to see that a value is malformed.
func TestManyValuesAllocateNoMore(t *testing.T) {
	for _, p := range providers() {
		v, few, many := p.manyValues(t)
		count := func(header http.Header) float64 {
			return testing.AllocsPerRun(20, func() { _, _ = v.Verify(header, nil) })
		}
		require.LessOrEqual(t, count(many), max(count(few), 2), p.name)
		require.LessOrEqual(t, count(many), 4.0, p.name)
	}
}

// A stream costs a few allocations, whatever the length of the body.
func TestStreamAllocations(t *testing.T) {
	v, err := verify.New(sign.GitHub(), ringOf(t, benchSecret), nil)
	require.NoError(t, err)
	count := func(size int) float64 {
		body := make([]byte, size)
		header := signed(t, sign.GitHub(), ringOf(t, benchSecret), "", body)
		return testing.AllocsPerRun(20, func() {
			s, err := v.Stream(header)
			if err != nil {
				t.Error(err)
				return
			}
			for rest := body; len(rest) > 0; {
				n := min(len(rest), 512)
				_, _ = s.Write(rest[:n])
				rest = rest[n:]
			}
			if _, err = s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	require.LessOrEqual(t, count(1<<17), count(1<<10)+1)
}
