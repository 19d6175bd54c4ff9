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
// A signature without a signed time, as those of Cleeng, ConsCent and InPlayer,
// says nothing about when a message was sent: one that was captured verifies
// for as long as its key is valid.
package verify
