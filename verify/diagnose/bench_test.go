package diagnose_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/paperround/sign"
	"example.com/paperround/verify/diagnose"
)

// BenchmarkExplain is the worst case: nothing explains it.
func BenchmarkExplain(b *testing.B) {
	header := signed(b, sign.Stripe(), "a secret that nobody has", jsonBody)
	maps.Copy(header, signed(b, sign.StandardWebhooks(), whsec, "x"))
	for name, body := range map[string]string{"small": jsonBody, "1 MiB": `"` + strings.Repeat("x", 1<<20) + `"`} {
		b.Run(name, func(b *testing.B) {
			m := diagnose.Mismatch{Scheme: sign.Stripe(), Secrets: []string{text, "another"}, Header: header, Body: []byte(body), Received: received()}
			b.ReportAllocs()
			for b.Loop() {
				require.NotEmpty(b, diagnose.Explain(m))
			}
		})
	}
}
