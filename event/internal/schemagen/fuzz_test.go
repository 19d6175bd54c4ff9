package main

import (
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/paperround/event"
)

// What a pattern takes, its type takes, but for a day that its month lacks: the
// schema never promises more than a receiver accepts.
func FuzzPatterns(f *testing.F) {
	defs := definitions(true)
	decimals := regexp.MustCompile(defs["decimal"].Pattern)
	times := regexp.MustCompile(defs["time"].Pattern)
	lateDay := regexp.MustCompile(`^.{8}(29|30|31)T`)
	for _, seed := range []string{
		"", "-0", "12.5e-3", "1724233622123", "2024-05-20T18:02:33.123Z", "2024-06-01T22:40:15+0000", "2024-06-01T22:40:15,5-03:30",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if decimals.MatchString(text) {
			require.NoError(t, new(event.Decimal).UnmarshalText([]byte(text)))
		}
		if times.MatchString(text) && !lateDay.MatchString(text) {
			require.NoError(t, new(event.Time).UnmarshalText([]byte(text)))
		}
	})
}
