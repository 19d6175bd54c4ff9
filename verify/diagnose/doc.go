// Package diagnose answers why a signature does not match. It tries the mistakes
// that are made again and again (a secret in the wrong form, a body that was
// encoded again, another environment's key, a time in the wrong unit) and proves
// the one that explains the message by computing the signature anew:
//
//	for _, f := range diagnose.Explain(diagnose.Mismatch{
//		Scheme:  sign.InPlayer(),
//		Secrets: []string{secret},
//		Header:  r.Header,
//		Body:    body,
//	}) {
//		fmt.Println(f)
//	}
//
// It is for development only. Its findings hold no secret, no signature and no
// body, but they tell what would be right, and an attacker learns from that; and
// one call costs as much as thousands of verifications. Never call it while a
// request is answered. Package verify does not import it.
package diagnose
