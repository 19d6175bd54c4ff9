// Package sign signs webhooks the way their providers do.
//
// A [Scheme] describes a way of signing as data: what is covered, where the
// signature stands, how it is written. [InPlayer], [ConsCent], [Cleeng],
// [StandardWebhooks] and other dialects are such values, and a host can write
// its own. A [Ring] holds the keys of one peer and can be replaced while it is in
// use. A [Signer] joins the two, and package verify takes the same two on the
// receiving side:
//
//	ring, err := sign.NewRing(sign.Key{ID: "2026-11", Secret: sign.NewSecret(os.Getenv("SECRET"))})
//	if err != nil {
//		return err
//	}
//	signer, err := sign.New(sign.InPlayer(), ring, nil)
//	if err != nil {
//		return err
//	}
//	err = signer.Sign(req.Header, "", time.Now(), body)
//
// The body is signed as the bytes that go over the wire; it must not be encoded
// again afterwards. [Basic] sends credentials instead of a signature, and [All]
// does both at once.
//
// To rotate, put the new key beside the old one on the receiving side, then on
// the sending side, then drop the old one on the sending side, then on the
// receiving side, when no receipt says Superseded any more. NotBefore and NotAfter
// let each side do its half in advance.
//
// What a scheme signs decides what a receiver can know:
//
//	InPlayer                    body, which has an id in it
//	ConsCent, Cleeng            body
//	StandardWebhooks, Svix      id, time, body
//	StandardWebhooksAsymmetric  id, time, body
//	Stripe, Paddle, Slack       time, body
//	GitHub, Shopify             body
//
// A signed time makes an old message stale; a signed id tells a repetition from
// another message; a body alone does neither.
//
// A [Secret] cannot be printed, and no error of this package holds one.
package sign
