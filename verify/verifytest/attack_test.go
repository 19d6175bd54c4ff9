package verifytest_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/paperround/sign"
	"example.com/paperround/verify"
	"example.com/paperround/verify/verifytest"
)

// privateKey returns a private key made for these tests.
func privateKey() string {
	return "whsk_" + base64.StdEncoding.EncodeToString(ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)))
}

const (
	jsonBody = `{"id": "evt_1", "type": "payment.success", "note": "<b>caf\u00e9 & more</b>", "amount": 12.50}`
	formBody = "created=15475835&id=2333&resource%5Bname%5D=For+Paywall+%C3%A9&type=payment.success"
)

// entry is a sender with a body that suits it.
type entry struct {
	verifytest.Sender
	body string
}

// senders returns a sender of each preset.
func senders() map[string]entry {
	signed := func(s sign.Scheme, secret string) verifytest.Sender {
		return verifytest.Sender{Scheme: s, Secret: secret}
	}
	both := signed(sign.ConsCent(), "webhook-secret")
	both.User, both.Password = "api-key", "api-secrets"
	const whsec = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	return map[string]entry{
		"InPlayer":               {signed(sign.InPlayer(), "api-secret"), formBody},
		"ConsCent HMAC":          {signed(sign.ConsCent(), "webhook-secret"), jsonBody},
		"ConsCent Basic":         {verifytest.Sender{User: "api-key", Password: "api-secrets"}, jsonBody},
		"ConsCent both":          {both, jsonBody},
		"Cleeng hex":             {signed(sign.Cleeng("X-Signature", sign.Hex), "0123456789abcdef"), jsonBody},
		"Cleeng base64":          {signed(sign.Cleeng("X-Signature", sign.Base64), "0123456789abcdef"), jsonBody},
		"Standard Webhooks":      {signed(sign.StandardWebhooks(), whsec), jsonBody},
		"Standard Webhooks, v1a": {signed(sign.StandardWebhooksAsymmetric(), privateKey()), jsonBody},
		"Svix":                   {signed(sign.Svix(), whsec), jsonBody},
		"GitHub":                 {signed(sign.GitHub(), "It's a Secret to Everybody"), jsonBody},
		"Stripe":                 {signed(sign.Stripe(), "whsec_test_secret"), jsonBody},
		"Slack":                  {signed(sign.Slack(), "8f742231b10e8888abcd99yyyzzz85a5"), formBody},
		"Shopify":                {signed(sign.Shopify(), "hush-hush"), jsonBody},
		"Paddle":                 {signed(sign.Paddle(), "pdl_ntfset_secret"), jsonBody},
	}
}

// checker returns what checks a sender's requests.
func checker(tb testing.TB, s verifytest.Sender) verify.Checker {
	tb.Helper()
	var checkers []verify.Checker
	if s.User != "" {
		basic, err := verify.NewBasic(verify.Credential{User: s.User, Password: sign.NewSecret(s.Password)})
		require.NoError(tb, err)
		checkers = append(checkers, basic)
	}
	if s.Secret != "" {
		ring, err := sign.NewRing(sign.Key{Secret: sign.NewSecret(s.Secret)})
		require.NoError(tb, err)
		v, err := verify.New(s.Scheme, ring, nil)
		require.NoError(tb, err)
		checkers = append(checkers, v)
	}
	all, err := verify.All(checkers...)
	require.NoError(tb, err)
	return all
}

// protected puts the middleware in front of a handler that counts.
func protected(tb testing.TB, c verify.Checker, o *verify.HandlerOptions) (http.Handler, func() int) {
	tb.Helper()
	mw, err := verify.Middleware(c, o)
	require.NoError(tb, err)
	var n atomic.Int64
	return mw(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { n.Add(1) })), func() int { return int(n.Load()) }
}

func TestPresetsStand(t *testing.T) {
	t.Parallel()
	for name, s := range senders() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, runs := protected(t, checker(t, s.Sender), &verify.HandlerOptions{ContentTypes: []string{"application/json", "application/x-www-form-urlencoded"}})
			found, err := verifytest.Attack(h, s.Sender, []byte(s.body), &verifytest.AttackOptions{Runs: runs, WrongContentType: "text/plain"})
			require.NoError(t, err)
			require.Empty(t, found)
		})
	}
}
