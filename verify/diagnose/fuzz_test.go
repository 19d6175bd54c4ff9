package diagnose_test

import (
	"net/http"
	"testing"

	"example.com/paperround/sign"
	"example.com/paperround/verify/diagnose"
)

// Nothing panics, nothing is proven of garbage, and nothing is told.
func FuzzExplain(f *testing.F) {
	f.Add(uint8(0), text, "X-Inplayer-Signature", "sha256=00", "1795309323", []byte(formBody))
	f.Add(uint8(1), whsec, "webhook-signature", "v1,AAAA v1,BBBB, v1,CCCC", "1795309323000", []byte(jsonBody))
	f.Add(uint8(2), "whpk_AAAA", "Webhook-Signature", "v1a,\"x\"", "", []byte("\ufeff{}"))
	f.Add(uint8(3), "\"quoted\"\n", "Stripe-Signature", "t=1,v1=00, t=2,v1=11", "1", []byte("\x1f\x8b\x08"))
	f.Add(uint8(4), "v1,whsec_", "X-Shopify-Hmac-Sha256", "====", "-1", []byte(`"{\"a\":1}"`))
	f.Fuzz(func(t *testing.T, which uint8, secret, name, value, at string, body []byte) {
		schemes := []sign.Scheme{
			sign.InPlayer(), sign.StandardWebhooks(), sign.StandardWebhooksAsymmetric(), sign.Stripe(), sign.Shopify(), sign.Slack(), sign.Paddle(),
		}
		m := diagnose.Mismatch{
			Scheme: schemes[int(which)%len(schemes)], Secrets: []string{"k8#" + secret}, Others: map[string]string{name: secret + "%7q"},
			Header: http.Header{
				name: {value, value}, "Webhook-Id": {value}, "Webhook-Timestamp": {at}, "Webhook-Signature": {value}, "X-Foo-Signature": {value},
				"Stripe-Signature": {value}, "X-Inplayer-Signature": {value}, "Content-Length": {at},
			},
			Body: body, Received: received(),
		}
		found := diagnose.Explain(m)
		if len(found) == 0 {
			t.Fatal("no finding")
		}
		for _, f := range found {
			if f.Proven {
				t.Fatalf("proven of garbage: %v", f)
			}
			if f.Text == "" || f.Text == string(f.Cause) {
				t.Fatalf("no text: %v", f)
			}
		}
		m.Body = nil // a body of garbage may well be a word of a finding
		if len(secret) >= 12 {
			tellsNothing(t, m, found)
		}
	})
}
