// Package sign signs webhooks the way their providers do.
//
// A [Scheme] describes a way of signing as data: what is covered, where the
// signature stands, how it is written. [InPlayer], [ConsCent], [Cleeng] and
// [StandardWebhooks] are such values, and a host can write another one. A
// [Ring] holds the keys of one peer and can be replaced while it is in use. A
// [Signer] joins the two, and package verify takes the same two on the
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
// receiving side. NotBefore and NotAfter let each side do its half in advance.
//
// A [Secret] cannot be printed, and no error of this package holds one.
package sign
