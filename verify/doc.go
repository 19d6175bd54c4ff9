// Package verify decides whether a webhook is authentic, and hands it to the
// function for its type.
//
// A [Verifier] takes the same [sign.Scheme] and [sign.Ring] as the sender's
// side does. It works on the raw bytes before anything is parsed, refuses what
// it does not understand, and returns a [Receipt] of what has been proven:
//
//	v, err := verify.New(sign.InPlayer(), ring, nil)
//	if err != nil {
//		return err
//	}
//	receipt, err := v.Verify(req.Header, body)
//
// [Basic] checks credentials, and [All] requires several checks at once.
//
// For net/http, [Middleware] puts a check in front of any handler, and [Handler]
// joins one to a [Router], whose routes take typed events:
//
//	r, err := verify.NewRouter(codec, verify.On(
//		func(ctx context.Context, d *verify.Delivery[*PassCreated]) error { ... }))
//	if err != nil {
//		return err
//	}
//	h, err := verify.Handler(v, r, nil)
//
// The peer gets the same 401 for every message that is not authentic. Why it
// was refused goes to [HandlerOptions].OnRefused and to the log, as an [Error]
// that holds no secret, no signature and no body.
//
// # Replay
//
// The handlers reserve a message when it has proven authentic, commit it when its
// handler has succeeded, and release it when it has not, so that one that comes
// again is acknowledged and not handled twice. That is freshness where a time is
// signed: for as long as a message is remembered it cannot come again, and after
// that it is too old (StandardWebhooks, Svix, Stripe, Slack, Paddle). It is
// deduplication, for a day unless a [Replay] says otherwise, where only an id is,
// as with [FormKey] for InPlayer.
//
// A scheme that signs neither an id nor a time (Cleeng, ConsCent, GitHub, Shopify)
// has no protection unless the host gives a key: two real events can be the same
// bytes there, as consent that is given, withdrawn and given again, and a message
// that was captured verifies for as long as its key is valid.
//
// # Large bodies, and late ones
//
// [Verifier.Stream] verifies a body that is too large to be held, and
// [Verifier.VerifyAt] a message that was received earlier, from a queue.
//
// When a signature does not match and nobody knows why, package verify/diagnose
// tries the usual mistakes. Package verify/verifytest makes signed requests for a
// host's tests, and attacks its handler.
package verify
