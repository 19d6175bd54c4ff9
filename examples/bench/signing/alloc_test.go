//go:build !race

// Not under the race detector, because pools then forget on purpose.

package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/paperround/examples/bench/ratio"
)

// Not parallel, because allocations are counted for the whole process.
func TestAllocations(t *testing.T) {
	for _, s := range schemes() {
		fx := fixtureOf(t, s, small)
		signers, err := signCases(fx)
		require.NoError(t, err)
		verifiers, err := ourVerifyCases(fx)
		require.NoError(t, err)
		for _, tt := range []struct {
			ratio.Case
			most float64
		}{{signers[0].Case, 0}, {verifiers[0], 0}, {verifiers[1], 0}, {verifiers[2], mostMiddleware}} {
			got := testing.AllocsPerRun(200, func() { err = tt.Op() })
			require.NoError(t, err)
			require.LessOrEqual(t, got, tt.most, "%s, %s", s.Name, tt.Name)
		}
	}
}

// The command as CI runs it. Not parallel, because it sets flags of the process.
func TestRun(t *testing.T) {
	var out strings.Builder
	require.NoError(t, run(&out, []string{"-rounds=1", "-time=1ms"}))
	for _, want := range []string{
		"standard-webhooks Verify", "svix Verify", "stripe-go ValidatePayload", "go-github ValidatePayload",
		"go-playground Parse", "slack-go SecretsVerifier", "standard-webhooks Sign", "svix Sign",
		"stripe-go GenerateTestSignedPayload", oursAppend, oursSign, oursMatch, oursVerify, oursMiddleware,
		oursHandler, usualRecipe,
	} {
		require.Contains(t, out.String(), want)
	}
	require.Contains(t, out.String(), " of 64\n", "targets")
}
