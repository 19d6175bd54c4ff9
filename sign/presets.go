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
// specification: id, time and body, joined by full stops, under webhook-id,
// webhook-timestamp and webhook-signature. Keys are base64, with or without
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
