package sign

// InPlayer is the scheme of InPlayer: X-InPlayer-Signature holds "sha256=" and
// the lower-case hex HMAC-SHA256 of the raw form body. The key is the account's
// API secret as text. The scheme signs no time; the id stands in the body.
func InPlayer() Scheme {
	return Scheme{
		Name:     "inplayer",
		Cover:    []Part{PartBody},
		Tag:      Field{Header: "X-InPlayer-Signature", Prefix: "sha256="},
		Encoding: Hex,
	}
}

// ConsCent is the scheme of ConsCent: X-Conscent-Signature holds the lower-case
// hex HMAC-SHA256 of the raw body. The key is the webhook secret as text, which
// is not the API secret. The scheme signs neither id nor time. ConsCent sends
// Basic credentials on every request too; see NewBasic and All.
func ConsCent() Scheme {
	return Scheme{
		Name:     "conscent",
		Cover:    []Part{PartBody},
		Tag:      Field{Header: "X-Conscent-Signature"},
		Encoding: Hex,
	}
}

// Cleeng is the scheme of Cleeng: the HMAC-SHA256 of the raw body, keyed with
// the shared secret of 16 to 64 bytes as text. No public text names the header
// or the encoding, so the caller does, from what it sees arrive. The scheme
// signs neither id nor time.
func Cleeng(header string, e Encoding) Scheme {
	return Scheme{
		Name:     "cleeng",
		Cover:    []Part{PartBody},
		Tag:      Field{Header: header},
		Encoding: e,
		MinKey:   16,
		MaxKey:   64,
	}
}

// StandardWebhooks is the symmetric scheme, v1, of the Standard Webhooks
// specification: id, time and body, joined by full stops, under Webhook-Id,
// Webhook-Timestamp and Webhook-Signature. Keys are base64, with or without
// "whsec_", of 16 bytes or more: the specification asks for 24, and shorter
// ones are in use. Values of other versions in the same header are passed over.
func StandardWebhooks() Scheme {
	return Scheme{
		Name:     "standard-webhooks",
		Cover:    []Part{PartID, ".", PartTime, ".", PartBody},
		Tag:      Field{Header: "Webhook-Signature", Prefix: "v1,", Separator: " "},
		ID:       Field{Header: "Webhook-Id"},
		Time:     Field{Header: "Webhook-Timestamp"},
		Encoding: Base64,
		KeyForm:  Whsec,
		MinKey:   16,
	}
}

// StandardWebhooksAsymmetric is the asymmetric scheme, v1a, of the Standard
// Webhooks specification: the same text and headers as StandardWebhooks, signed
// with Ed25519. The sending side's keys are private ones (whsk_), the receiving
// side's public ones (whpk_).
func StandardWebhooksAsymmetric() Scheme {
	s := StandardWebhooks()
	s.Name = "standard-webhooks-v1a"
	s.Tag.Prefix = "v1a,"
	s.Algorithm = Ed25519
	s.KeyForm = KeyPair
	s.MinKey = 0
	return s
}

// Svix is the scheme of Svix: StandardWebhooks under Svix-Id, Svix-Timestamp and
// Svix-Signature.
func Svix() Scheme {
	s := StandardWebhooks()
	s.Name = "svix"
	s.Tag.Header = "Svix-Signature"
	s.ID.Header = "Svix-Id"
	s.Time.Header = "Svix-Timestamp"
	return s
}

// GitHub is the scheme of GitHub: X-Hub-Signature-256 holds "sha256=" and the
// lower-case hex HMAC-SHA256 of the raw body. The key is the secret as text. The
// older X-Hub-Signature, made with SHA-1, is not looked at. The scheme signs
// neither id nor time: X-GitHub-Delivery is not covered.
func GitHub() Scheme {
	return Scheme{
		Name:     "github",
		Cover:    []Part{PartBody},
		Tag:      Field{Header: "X-Hub-Signature-256", Prefix: "sha256="},
		Encoding: Hex,
	}
}

// Stripe is the scheme of Stripe: Stripe-Signature holds the time as "t=" and the
// lower-case hex HMAC-SHA256 of time, full stop and body as "v1=", parted by
// commas. The key is the endpoint's secret as text, "whsec_" included: it is not
// base64. Test events carry "v0=" too, which is passed over. The scheme signs no
// id but that of the event in the body.
func Stripe() Scheme {
	return Scheme{
		Name:     "stripe",
		Cover:    []Part{PartTime, ".", PartBody},
		Tag:      Field{Header: "Stripe-Signature", Prefix: "v1=", Separator: ","},
		Time:     Field{Header: "Stripe-Signature", Prefix: "t=", Separator: ","},
		Encoding: Hex,
	}
}

// Slack is the scheme of Slack: X-Slack-Signature holds "v0=" and the lower-case
// hex HMAC-SHA256 of "v0", the time of X-Slack-Request-Timestamp and the body,
// joined by colons. The key is the signing secret as text. The scheme signs no
// id.
func Slack() Scheme {
	return Scheme{
		Name:     "slack",
		Cover:    []Part{"v0:", PartTime, ":", PartBody},
		Tag:      Field{Header: "X-Slack-Signature", Prefix: "v0="},
		Time:     Field{Header: "X-Slack-Request-Timestamp"},
		Encoding: Hex,
	}
}

// Shopify is the scheme of Shopify: X-Shopify-Hmac-Sha256 holds the HMAC-SHA256
// of the raw body in base64. The key is the app's client secret as text. The
// scheme signs neither id nor time: X-Shopify-Webhook-Id is not covered.
func Shopify() Scheme {
	return Scheme{
		Name:     "shopify",
		Cover:    []Part{PartBody},
		Tag:      Field{Header: "X-Shopify-Hmac-Sha256"},
		Encoding: Base64,
	}
}

// Paddle is the scheme of Paddle Billing: Paddle-Signature holds the time as
// "ts=" and the lower-case hex HMAC-SHA256 of time, colon and body as "h1=",
// parted by semicolons. The key is the endpoint's secret as text. Two valid keys
// make two "h1=", of which Paddle's own library for Node looks at the last only.
// The scheme signs no id but that of the event in the body.
func Paddle() Scheme {
	return Scheme{
		Name:     "paddle",
		Cover:    []Part{PartTime, ":", PartBody},
		Tag:      Field{Header: "Paddle-Signature", Prefix: "h1=", Separator: ";"},
		Time:     Field{Header: "Paddle-Signature", Prefix: "ts=", Separator: ";"},
		Encoding: Hex,
	}
}
