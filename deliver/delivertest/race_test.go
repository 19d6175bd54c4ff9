//go:build race

package delivertest_test

// underRace says that the race detector is on. It makes pools drop what they are
// given, at random, so that a flood allocates some ten times as much.
const underRace = true
