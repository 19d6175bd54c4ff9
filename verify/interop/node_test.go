package interop

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/paperround/sign"
	"example.com/paperround/verify"
)

// TestNode holds the presets against the official npm packages of the providers.
func TestNode(t *testing.T) {
	t.Parallel()
	needs(t, "node", "npm")
	npmInstall(t)
	s := &suite{
		receiver: startReceiver(t, "node", "node/receiver.mjs"),
		sender:   start(t, "node", "node/sender.mjs"),
		chunked:  true,
	}
	require.FileExists(t, "node/peers.mjs") // also tells the test cache that it is read

	const fiveMinutes = 5 * time.Minute
	binary := binaryBodies()
	text := jsonBodies()
	s.run(t,
		peer{name: "standard-webhooks", scheme: sign.StandardWebhooks(), secret: whsec, bodies: text, tolerance: fiveMinutes},
		peer{name: "standard-webhooks-v1a", scheme: sign.StandardWebhooksAsymmetric(), secret: keyPair, bodies: binary},
		peer{name: "svix", scheme: sign.Svix(), secret: whsec, bodies: text, tolerance: fiveMinutes},
		peer{name: "stripe", scheme: sign.Stripe(), secret: whsec, bodies: text, tolerance: fiveMinutes, ahead: true, noEmpty: true},
		peer{name: "github", scheme: sign.GitHub(), secret: passphrase, bodies: text, noEmpty: true},
		peer{name: "slack", scheme: sign.Slack(), secret: hexKey, bodies: text, tolerance: fiveMinutes, ahead: true},
		peer{name: "shopify", scheme: sign.Shopify(), secret: hexKey, bodies: text, noEmpty: true, header: http.Header{
			"X-Shopify-Topic":       {"orders/create"},
			"X-Shopify-Shop-Domain": {"news.myshopify.com"},
			"X-Shopify-Api-Version": {"2026-01"},
			"X-Shopify-Webhook-Id":  {"b54557e4-bdd9-4b37-8a5f-bf7d70bcd043"},
		}},
		peer{name: "paddle", scheme: sign.Paddle(), secret: passphrase, bodies: text, tolerance: 5 * time.Second, ahead: true, lastTag: true},
	)

	t.Run("conscent hash", func(t *testing.T) {
		t.Parallel()
		type token struct {
			Value  string `json:"value,omitempty"`
			Token  string `json:"token,omitempty"`
			Secret string `json:"secret"`
		}
		r := seeded(4)
		values := []string{"9847598673", "zoe@example.com", "zoë@example.com"}
		for range randomBodies {
			values = append(values, "+"+randomText(r))
		}
		for _, value := range values {
			key := hexKey(r).sign
			var made struct{ Token, Error string }
			s.sender.ask(t, map[string]token{"jwt": {Value: value, Secret: key}}, &made)
			require.Empty(t, made.Error)
			ours, err := sign.ConsCentHash(sign.NewSecret(key), value)
			require.NoError(t, err)
			require.Equal(t, made.Token, ours, "%q", value)
			require.NoError(t, verify.ConsCentHash(sign.NewSecret(key), value, made.Token), "%q", value)

			var read struct{ Value, Error string }
			s.sender.ask(t, map[string]token{"jwt": {Token: ours, Secret: key}}, &read)
			require.Empty(t, read.Error)
			require.Equal(t, value, read.Value)

			s.sender.ask(t, map[string]token{"jwt": {Token: ours, Secret: key + "0"}}, &read)
			require.Contains(t, read.Error, "invalid signature")
			require.ErrorIs(t, verify.ConsCentHash(sign.NewSecret(key+"0"), value, made.Token), verify.ErrNoMatch)
		}
	})
}

func randomBytes(r *rand.Rand, n int) []byte {
	out := make([]byte, n)
	for i := range out {
		out[i] = byte(r.Uint32())
	}
	return out
}

func shared(text string) secret { return secret{sign: text, verify: text} }

// whsec is a key of Standard Webhooks, which is base64, and of Stripe, which is
// text of the same looks.
func whsec(r *rand.Rand) secret {
	return shared("whsec_" + base64.StdEncoding.EncodeToString(randomBytes(r, 24+r.IntN(41))))
}

func hexKey(r *rand.Rand) secret { return shared(hex.EncodeToString(randomBytes(r, 16))) }

// passphrase is a key as people make them up.
func passphrase(r *rand.Rand) secret {
	return shared(fmt.Sprintf("Schlüssel & 鍵 = %d+%%", r.Uint64()))
}

func keyPair(r *rand.Rand) secret {
	private := ed25519.NewKeyFromSeed(randomBytes(r, ed25519.SeedSize))
	return secret{
		sign:   "whsk_" + base64.StdEncoding.EncodeToString(private),
		verify: "whpk_" + base64.StdEncoding.EncodeToString(private[ed25519.SeedSize:]),
	}
}
