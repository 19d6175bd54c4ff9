package topic_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/paperround/topic"
)

func TestPatternMatch(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		pattern topic.Pattern
		topic   topic.Topic
		want    bool
	}{
		{"*", "inplayer:subscribe.success", true},
		{"", "inplayer:subscribe.success", false},
		{"", "", false},
		{"inplayer:subscribe.success", "inplayer:subscribe.success", true},
		{"inplayer:subscribe.success", "inplayer:subscribe.success2", false},
		{"inplayer:subscribe.*", "inplayer:subscribe.success", true},
		{"inplayer:subscribe.*", "inplayer:subscribe.cancelled.success", true},
		{"inplayer:subscribe.*", "inplayer:subscribe", false},
		{"inplayer:subscribe.*", "inplayer:subscription.rebill.failed", false},
		{"*.failed", "inplayer:payment.card.failed", true},
		{"*.failed", "conscent:transaction.failed", true},
		{"*.failed", "inplayer:payment.card.failed.x", false},
		{"cleeng:subscription*", "cleeng:subscriptionCreated", true},
		{"cleeng:subscription*", "cleeng:subscription", true},
		{"cleeng:*Created", "cleeng:passCreated", true},
		{"cleeng:*Created", "cleeng:passcreated", false},
		{"*a*b*c", "x:aXbXbc", true},
		{"*a*b*c", "x:aXcXb", false},
		{"**", "x:y", true},
		{"x:**y", "x:y", true},
		{topic.InPlayerAny, topic.InPlayerFreemiumGrantSuccess, true},
		{topic.InPlayerAny, topic.CleengPassCreated, false},
	} {
		require.Equal(t, tt.want, tt.pattern.Match(tt.topic), "%s on %s", tt.pattern, tt.topic)
	}
}

func TestParsePattern(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"*", "*.failed", "inplayer:subscribe.*", "cleeng:passCreated"} {
		got, err := topic.ParsePattern(s)
		require.NoError(t, err)
		require.Equal(t, topic.Pattern(s), got)
	}
	for s, why := range map[string]string{
		"":                       `write "*"`,
		"passCreated":            "neither a provider nor",
		"cleeng: *":              "printable ASCII",
		strings.Repeat("*", 300): "too long",
	} {
		_, err := topic.ParsePattern(s)
		require.ErrorContains(t, err, why)
	}
}

// A pattern of many stars costs at worst the product of the lengths.
func TestPatternOfManyStars(t *testing.T) {
	t.Parallel()
	p := topic.Pattern(strings.Repeat("*a", 120) + "b")
	require.False(t, p.Match(topic.Topic("x:"+strings.Repeat("a", 250))))
}

func FuzzPatternMatch(f *testing.F) {
	f.Add("inplayer:*.failed", "inplayer:payment.card.failed")
	f.Add("*a*b*", "x:ab")
	f.Fuzz(func(t *testing.T, pattern, name string) {
		if pattern == "" || len(pattern) > 64 || len(name) > 64 {
			return
		}
		quoted := strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, "(?s:.*)")
		want, err := regexp.Compile(`\A(?:` + quoted + `)\z`)
		if err != nil {
			return // a pattern that is no valid UTF-8
		}
		require.Equal(t, want.MatchString(name), topic.Pattern(pattern).Match(topic.Topic(name)))
	})
}
