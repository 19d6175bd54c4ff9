package eventtest_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/paperround/event/eventtest"
	"example.com/paperround/topic"
)

func TestExamplesAreOfTheCatalog(t *testing.T) {
	t.Parallel()
	for e := range eventtest.All() {
		info, ok := e.Topic.Info()
		require.True(t, ok, "%s is no topic of the catalog", e.Topic)
		require.NotEmpty(t, e.Body, e.Topic)
		if info.Evidence == topic.NameAlone {
			require.True(t, e.Partial, "%s is known by name alone and has a whole example", e.Topic)
		}
		if e.Variant == "" {
			require.Equal(t, e.Body, eventtest.Sample(e.Topic))
		}
	}
}

// A topic whose whole payload was published has a whole example.
func TestEvidenceHasItsExample(t *testing.T) {
	t.Parallel()
	whole := map[topic.Topic]bool{}
	for e := range eventtest.All() {
		if e.Variant == "" {
			whole[e.Topic] = !e.Partial
		}
	}
	for tp := range topic.All() {
		info, _ := tp.Info()
		if info.Evidence == topic.WholePayload {
			require.True(t, whole[tp], tp)
		}
	}
}

func TestSampleOfATopicWithoutOne(t *testing.T) {
	t.Parallel()
	require.Nil(t, eventtest.Sample("cleeng:neverSent"))
	require.Nil(t, eventtest.Sample("acme:invoice.paid"))
}

func TestSampleIsTheCallersOwn(t *testing.T) {
	t.Parallel()
	body := eventtest.Sample(topic.CleengPassCreated)
	body[0] = 'x'
	require.Equal(t, byte('{'), eventtest.Sample(topic.CleengPassCreated)[0])
}
