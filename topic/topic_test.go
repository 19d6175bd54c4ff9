package topic_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/paperround/topic"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for _, s := range []string{
		"cleeng:passCreated", "acme:invoice.paid", "my-app_2:a", "acme:a:b", "conscent:old.sign_up",
	} {
		got, err := topic.Parse(s)
		require.NoError(t, err)
		require.Equal(t, topic.Topic(s), got)
	}
	for s, why := range map[string]string{
		"":                                 "no provider",
		"passCreated":                      "no provider",
		":passCreated":                     "provider must be",
		"Cleeng:passCreated":               "provider must be",
		"cleeng:":                          "no name",
		"cleeng:*":                         "only a Pattern",
		"cleeng:pass created":              "printable ASCII",
		"cleeng:pass\nCreated":             "printable ASCII",
		"cleeng:päss":                      "printable ASCII",
		"acme:" + strings.Repeat("x", 300): "longer than 256 bytes",
	} {
		_, err := topic.Parse(s)
		require.ErrorContains(t, err, why, s)
		require.ErrorAs(t, err, new(*topic.Error))
	}
}

func TestParts(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		topic    topic.Topic
		provider topic.Provider
		name     string
	}{
		{topic.InPlayerSubscribeSuccess, topic.InPlayer, "subscribe.success"},
		{"acme:a:b", "acme", "a:b"},
		{"plain", "", "plain"},
		{"", "", ""},
	} {
		require.Equal(t, tt.provider, tt.topic.Provider())
		require.Equal(t, tt.name, tt.topic.Name())
	}
	require.Equal(t, topic.CleengPassCreated, topic.Cleeng.Topic("passCreated"))
}

func TestCatalogCounts(t *testing.T) {
	t.Parallel()
	count := func(p topic.Provider) int { return len(slices.Collect(topic.Of(p))) }
	require.GreaterOrEqual(t, count(topic.Cleeng), 28)
	require.GreaterOrEqual(t, count(topic.InPlayer), 29)
	require.GreaterOrEqual(t, count(topic.ConsCent), 13+5+8)
	require.Zero(t, count("acme"))
	require.Len(t, slices.Collect(topic.All()), count(topic.Cleeng)+count(topic.InPlayer)+count(topic.ConsCent))
}

func TestEveryRow(t *testing.T) {
	t.Parallel()
	seen := map[topic.Topic]bool{}
	for tp := range topic.All() {
		info, ok := tp.Info()
		require.True(t, ok)
		require.Equal(t, tp, info.Topic, "index and catalog disagree")
		require.False(t, seen[tp], tp)
		seen[tp] = true
		_, err := topic.Parse(string(tp))
		require.NoError(t, err)
		require.NotEmpty(t, info.GoName)
		require.NotEmpty(t, info.Group)
		require.NotEmpty(t, info.Summary)
		require.NotEmpty(t, info.Source)
		if info.Wire != "" {
			require.Equal(t, tp.Name(), info.Wire)
		}
		require.True(t, topic.Everything.Match(tp))
	}
	_, ok := topic.Topic("acme:invoice.paid").Info()
	require.False(t, ok)
}

// The catalog claims no more than was published.
func TestFactsOfTheCatalog(t *testing.T) {
	t.Parallel()
	for tp, want := range map[topic.Topic]topic.Info{
		topic.CleengPassCreated: {
			GoName: "PassCreated", Wire: "passCreated", Status: topic.EarlyAccess, Evidence: topic.WholePayload,
		},
		topic.CleengSubscriptionRenewed: {
			GoName: "SubscriptionRenewed", Wire: "subscriptionRenewed", Status: topic.Unmerged, Evidence: topic.NameAlone,
		},
		topic.CleengInappPurchaseValidationFailed: {
			GoName: "InappPurchaseValidationFailed", Wire: "inappPurchaseValidationFailed",
			Status: topic.Deprecated, Evidence: topic.NameAlone,
		},
		topic.InPlayerSubscribePending: {
			GoName: "SubscribePending", Wire: "subscribe.pending", Status: topic.Unmerged, Evidence: topic.WholePayload,
		},
		topic.InPlayerFreemiumGrantFailed: {
			GoName: "FreemiumGrantFailed", Wire: "freemium.grant.failed", Status: topic.Stable, Evidence: topic.NameAlone,
		},
		topic.ConsCentSignUp:           {GoName: "SignUp", Evidence: topic.NameAlone},
		topic.ConsCentOldMicroPayment:  {GoName: "OldMicroPayment", Evidence: topic.WholePayload},
		topic.ConsCentMeterBannerClick: {GoName: "MeterBannerClick", Wire: "meter_banner.click", Evidence: topic.PartPayload},
	} {
		got, ok := tp.Info()
		require.True(t, ok)
		want.Topic, want.Group, want.Summary, want.Source = tp, got.Group, got.Summary, got.Source
		require.Equal(t, want, got)
	}
}

func TestSequencesStopEarly(t *testing.T) {
	t.Parallel()
	for range topic.All() {
		break
	}
	for tp := range topic.Of(topic.InPlayer) {
		require.Equal(t, topic.InPlayerCustomerRegistered, tp)
		break
	}
}

func TestNamesOfStatusAndEvidence(t *testing.T) {
	t.Parallel()
	require.Equal(t, "stable", topic.Stable.String())
	require.Equal(t, "early access", topic.EarlyAccess.String())
	require.Equal(t, "deprecated", topic.Deprecated.String())
	require.Equal(t, "unmerged", topic.Unmerged.String())
	require.Equal(t, "unknown status", topic.Status(99).String())
	require.Equal(t, "name alone", topic.NameAlone.String())
	require.Equal(t, "part", topic.PartPayload.String())
	require.Equal(t, "whole", topic.WholePayload.String())
	require.Equal(t, "unknown evidence", topic.Evidence(99).String())
}
