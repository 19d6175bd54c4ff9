//go:build !race

package sign_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/paperround/sign"
)

// Not parallel, because allocations are counted for the whole process; not
// under the race detector, because pools then forget on purpose.
func TestNoAllocations(t *testing.T) {
	for _, scheme := range []sign.Scheme{
		sign.InPlayer(), sign.StandardWebhooks(), sign.GitHub(), sign.Stripe(), sign.Slack(), sign.Shopify(), sign.Paddle(),
	} {
		c, err := sign.Compile(scheme, ringOf(t, benchSecret))
		require.NoError(t, err)
		m := sign.Message{ID: "msg", Time: "1614265330", Body: make([]byte, 1<<10)}
		dst := make([]byte, 0, 128)
		require.Zero(t, testing.AllocsPerRun(1000, func() { dst, err = c.Append(dst[:0], m, at()) }), scheme.Name)
		require.NoError(t, err)
		text := string(dst)
		tags := []string{text[strings.LastIndex(text, scheme.Tag.Prefix)+len(scheme.Tag.Prefix):]}
		if scheme.Tag.Prefix == "" {
			tags[0] = text
		}
		require.Zero(t, testing.AllocsPerRun(1000, func() { _, err = c.Match(m, tags, at()) }), scheme.Name)
		require.NoError(t, err)
	}
}
