package verifytest_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/paperround/verify/verifytest"
)

// BenchmarkAttack says how long a host's test takes.
func BenchmarkAttack(b *testing.B) {
	for _, name := range []string{"InPlayer", "Standard Webhooks", "Standard Webhooks, v1a"} {
		b.Run(name, func(b *testing.B) {
			s := senders()[name]
			b.ReportAllocs()
			for b.Loop() {
				h, runs := protected(b, checker(b, s.Sender), nil)
				found, err := verifytest.Attack(h, s.Sender, []byte(s.body), &verifytest.AttackOptions{Runs: runs})
				require.NoError(b, err)
				require.Empty(b, found)
			}
		})
	}
}
