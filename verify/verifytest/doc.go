// Package verifytest helps the tests of programs that receive webhooks. It makes
// requests as a provider sends them, and it attacks a handler:
//
//	stripe := verifytest.Sender{Scheme: sign.Stripe(), Secret: "whsec_test"}
//
//	// One good request.
//	h.ServeHTTP(w, verifytest.NewRequest(t, stripe, body, nil))
//
//	// Hundreds of bad ones. None may get in.
//	findings, err := verifytest.Attack(h, stripe, body, nil)
//
// The handler may be made of anything: of package verify, of a provider's own
// library, or of code of the host's. [Attack] finds forgeries, replays, loose
// parsing, panics and hangs.
//
// It imports the standard library and package sign only.
package verifytest
