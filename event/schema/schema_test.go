package schema_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/paperround/event/schema"
	"example.com/paperround/topic"
)

func TestEachTopicHasOne(t *testing.T) {
	t.Parallel()
	topics := 0
	for tp := range topic.All() {
		topics++
		document, ok := schema.For(tp)
		require.True(t, ok, tp)
		var head struct {
			Title string `json:"title"`
		}
		require.NoError(t, json.Unmarshal(document, &head), tp)
		require.Equal(t, string(tp), head.Title)
	}
	require.GreaterOrEqual(t, topics, 83)
}

func TestOtherTopicsHaveNone(t *testing.T) {
	t.Parallel()
	for _, tp := range []topic.Topic{
		"", "cleeng:", "cleeng", ":passCreated", "passCreated", "cleeng:neverSent", "acme:invoice.paid",
		"inplayer:*", "conscent:../cleeng/passCreated", "cleeng:./passCreated",
	} {
		document, ok := schema.For(tp)
		require.False(t, ok, tp)
		require.Nil(t, document, tp)
	}
}

func TestForIsTheCallersOwn(t *testing.T) {
	t.Parallel()
	document, ok := schema.For(topic.CleengPassCreated)
	require.True(t, ok)
	document[0] = 'x'
	again, ok := schema.For(topic.CleengPassCreated)
	require.True(t, ok)
	require.Equal(t, byte('{'), again[0])
}
