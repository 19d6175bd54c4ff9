package deliver

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/paperround/topic"
)

func TestStaticDirectory(t *testing.T) {
	t.Parallel()
	a, b := newEndpoint("a"), newEndpoint("b")
	a.Topics = []topic.Pattern{"acme:invoice.*", "other:*"}
	b.Tenant = "t"
	dir, err := Static(a, b)
	require.NoError(t, err)
	for _, tc := range []struct {
		tenant string
		topic  topic.Topic
		want   []*Endpoint
	}{
		{"", paid, []*Endpoint{a}},
		{"", "other:x", []*Endpoint{a}},
		{"", "acme:refund.made", nil},
		{"t", "acme:refund.made", []*Endpoint{b}},
		{"T", paid, nil},
	} {
		got, err := dir.Match(t.Context(), tc.tenant, tc.topic)
		require.NoError(t, err)
		require.Equal(t, tc.want, got)
	}
	got, err := dir.Endpoint(t.Context(), "a")
	require.NoError(t, err)
	require.Same(t, a, got)
	_, err = dir.Endpoint(t.Context(), "c")
	require.ErrorIs(t, err, ErrNoEndpoint)
}

// Whatever an endpoint's patterns are, it comes once, and in the order of the call.
func TestStaticDirectoryKeepsItsOrder(t *testing.T) {
	t.Parallel()
	var list []*Endpoint
	for i, topics := range [][]topic.Pattern{
		{"acme:*"},
		{topic.Pattern(paid), "acme:refund.made", topic.Pattern(paid)},
		{"*.paid", topic.Pattern(paid), "acme:*"},
		{"acme:refund.made"},
		{topic.Pattern(paid)},
		{"acme:refund.*"},
		{topic.Pattern(paid), "acme:refund.*"},
		{topic.Pattern(paid)},
	} {
		e := newEndpoint(names("e%d", 8)[i])
		e.Topics = topics
		list = append(list, e)
	}
	dir, err := Static(list...)
	require.NoError(t, err)
	for name, want := range map[topic.Topic][]*Endpoint{
		paid:               {list[0], list[1], list[2], list[4], list[6], list[7]},
		"acme:refund.made": {list[0], list[1], list[2], list[3], list[5], list[6]},
		"acme:refund.lost": {list[0], list[2], list[5], list[6]},
		"other:x.paid":     {list[2]},
		"other:x":          nil,
	} {
		got, err := dir.Match(t.Context(), "", name)
		require.NoError(t, err)
		require.Equal(t, want, got, name)
	}
	got, err := (&StaticDirectory{}).Match(t.Context(), "", paid)
	require.NoError(t, err)
	require.Empty(t, got)
}

// What is named in full costs nothing at another topic.
func TestStaticDirectoryIsIndexed(t *testing.T) {
	t.Parallel()
	in := ofOneTopicEach(t, 100).byTenant[""]
	require.Empty(t, in.others)
	require.Len(t, in.byTopic["acme:e7"], 1)
}

func ofOneTopicEach(tb testing.TB, n int) *StaticDirectory {
	tb.Helper()
	list := make([]*Endpoint, n)
	for i, id := range names("e%d", n) {
		list[i] = newEndpoint(id)
		list[i].Topics = []topic.Pattern{topic.Pattern("acme:" + id)}
	}
	dir, err := Static(list...)
	require.NoError(tb, err)
	return dir
}

// BenchmarkStaticMatch finds one endpoint among those of a tenant that ask for a
// topic each, and says how many times as long that takes as among a hundred.
func BenchmarkStaticMatch(b *testing.B) {
	const few, many = 100, 10_000
	ctx := b.Context()
	match := func(dir *StaticDirectory, n int) time.Duration {
		begin := time.Now()
		for range n {
			if found, _ := dir.Match(ctx, "", "acme:e99"); len(found) != 1 {
				b.Fatal(len(found))
			}
		}
		return time.Since(begin)
	}
	small, large := ofOneTopicEach(b, few), ofOneTopicEach(b, many)
	b.ReportAllocs()
	var ofSmall, ofLarge time.Duration
	for b.Loop() {
		ofSmall += match(small, 1000)
		ofLarge += match(large, 1000)
	}
	b.ReportMetric(float64(ofLarge)/float64(ofSmall), "times-100")
	b.ReportMetric(float64(ofLarge.Nanoseconds())/float64(1000*b.N), "ns/match")
}
