package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"hash"
	"net/http"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stripe/stripe-go/v85/webhook"
	svix "github.com/svix/svix-webhooks/go"

	"example.com/paperround/examples/bench/ratio"
	"example.com/paperround/sign"
)

// floor is an HMAC that is made once and reused over the same signed bytes:
// nothing that signs or verifies can take less.
type floor struct {
	mac             hash.Hash
	head, body, sum []byte
}

func newFloor(fx *fixture) *floor {
	return &floor{mac: hmac.New(sha256.New, fx.key), head: []byte(fx.head), body: fx.body, sum: make([]byte, 0, sha256.Size)}
}

func (f *floor) op() error {
	f.mac.Reset()
	if len(f.head) > 0 {
		f.mac.Write(f.head)
	}
	f.mac.Write(f.body)
	f.sum = f.mac.Sum(f.sum[:0])
	return nil
}

func floorCase(fx *fixture) ratio.Case {
	return ratio.Case{Name: "floor: HMAC, reused", Op: newFloor(fx).op}
}

// signing is a case with the tag header that it made last.
type signing struct {
	ratio.Case
	made func() string
}

const oursAppend, oursSign = "paperround Compiled.Append", "paperround Signer.Sign"

// signCases are our two ways of signing a message, and the peers' under the same
// scheme. Ours with headers formats the time and makes the headers' strings; what
// the peers return is said at each.
func signCases(fx *fixture) ([]signing, error) {
	compiled, err := sign.Compile(fx.scheme, fx.ring)
	if err != nil {
		return nil, err
	}
	signer, err := sign.New(fx.scheme, fx.ring, nil)
	if err != nil {
		return nil, err
	}
	m := fx.message()
	tag := make([]byte, 0, 128)
	header := make(http.Header)
	cases := []signing{
		{ratio.Case{Name: oursAppend, Op: func() (err error) {
			tag, err = compiled.Append(tag[:0], m, time.Now())
			return err
		}}, func() string { return string(tag) }},
		{ratio.Case{Name: oursSign, Op: func() error {
			return signer.Sign(header, messageID, time.Now(), fx.body)
		}}, func() string { return header.Get(fx.scheme.Tag.Header) }},
	}
	// The peers are given a time as they take it. Theirs is that of the fixture,
	// which spares them a call of time.Now.
	var text string
	made := func() string { return text }
	switch fx.scheme.Name {
	case "standard-webhooks":
		// Returns the tag as a string; the headers are left to the caller.
		wh, err := standardwebhooks.NewWebhook(fx.secret)
		if err != nil {
			return nil, err
		}
		cases = append(cases, signing{ratio.Case{Name: "standard-webhooks Sign", Op: func() (err error) {
			text, err = wh.Sign(messageID, fx.now, fx.body)
			return err
		}}, made})
	case "svix":
		// As above.
		wh, err := svix.NewWebhook(fx.secret)
		if err != nil {
			return nil, err
		}
		cases = append(cases, signing{ratio.Case{Name: "svix Sign", Op: func() (err error) {
			text, err = wh.Sign(messageID, fx.now, fx.body)
			return err
		}}, made})
	case "stripe":
		// Returns the whole header as a string. It is meant for tests: Stripe
		// signs with something else.
		cases = append(cases, signing{ratio.Case{Name: "stripe-go GenerateTestSignedPayload", Op: func() error {
			text = webhook.GenerateTestSignedPayload(&webhook.UnsignedPayload{
				Payload: fx.body, Secret: fx.secret, Timestamp: fx.now,
			}).Header
			return nil
		}}, made})
	}
	return cases, nil
}
