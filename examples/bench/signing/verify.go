package main

import (
	"errors"
	"net/http"
	"strings"
	"time"

	playground "github.com/go-playground/webhooks/v6/github"
	"github.com/google/go-github/v89/github"
	"github.com/slack-go/slack"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stripe/stripe-go/v85/webhook"
	svix "github.com/svix/svix-webhooks/go"

	"example.com/paperround/examples/bench/ratio"
	"example.com/paperround/sign"
	"example.com/paperround/verify"
)

const (
	oursMatch      = "paperround Compiled.Match"
	oursVerify     = "paperround Verifier.Verify"
	oursMiddleware = "paperround Middleware"
	oursReplayed   = "paperround Middleware, a message seen before"
)

// verifyCases are our ways of verifying a message, and the peers' under the same
// scheme. Each is an error when the message is refused.
func verifyCases(fx *fixture) ([]ratio.Case, error) {
	ours, err := ourVerifyCases(fx)
	if err != nil {
		return nil, err
	}
	peers, err := peerVerifyCases(fx)
	return append(ours, peers...), err
}

func ourVerifyCases(fx *fixture) ([]ratio.Case, error) {
	compiled, err := sign.Compile(fx.scheme, fx.ring)
	if err != nil {
		return nil, err
	}
	verifier, err := verify.New(fx.scheme, fx.ring, nil)
	if err != nil {
		return nil, err
	}
	m := fx.message()
	line := fx.header.Get(fx.scheme.Tag.Header)
	tags := []string{line[strings.LastIndex(line, fx.scheme.Tag.Prefix)+len(fx.scheme.Tag.Prefix):]}
	// No peer remembers messages, and a message that comes again and again would
	// not reach the handler, so protection from replay is off.
	admitted, err := behindMiddleware(verifier, fx, &verify.HandlerOptions{Replay: &verify.Replay{TTL: -1}})
	if err != nil {
		return nil, err
	}
	cases := []ratio.Case{
		// The id, the time and the tag are at hand: no header is read and no time
		// judged.
		{Name: oursMatch, Op: func() error {
			_, err := compiled.Match(m, tags, time.Now())
			return err
		}},
		// From the headers, with the time judged.
		{Name: oursVerify, Op: func() error {
			_, err := verifier.Verify(fx.header, fx.body)
			return err
		}},
		// From a request: the body is read within a limit and left unread for the
		// handler behind, which finds the receipt in the context.
		{Name: oursMiddleware, Op: admitted},
	}
	if p := verifier.Proves(); !p.ID && !p.Time {
		return cases, nil
	}
	replayed, err := behindMiddleware(verifier, fx, nil)
	if err != nil {
		return nil, err
	}
	// With the protection that is on by default, from the second time on: the
	// message is verified, found in memory, and acknowledged.
	seen := false
	return append(cases, ratio.Case{Name: oursReplayed, Op: func() error {
		err := replayed()
		if seen && err == nil {
			return errors.New("the message was handled twice")
		}
		seen = true
		return wantReplayed(err)
	}}), nil
}

// errReplayed is what serving a message returns that did not reach the handler
// and was acknowledged all the same.
var errReplayed = errors.New("acknowledged and not handled")

// wantReplayed turns that into success.
func wantReplayed(err error) error {
	if errors.Is(err, errReplayed) {
		return nil
	}
	return err
}

// behindMiddleware returns what serves the fixture's message to a handler behind
// Middleware. It is an error when the handler has not seen it, with its receipt.
func behindMiddleware(v *verify.Verifier, fx *fixture, o *verify.HandlerOptions) (func() error, error) {
	middleware, err := verify.Middleware(v, o)
	if err != nil {
		return nil, err
	}
	x := newExchange(fx.header, fx.body)
	reached := false
	h := middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, reached = verify.FromContext(r.Context())
		w.WriteHeader(http.StatusOK)
	}))
	return func() error {
		reached = false
		err := x.serve(h)
		if err == nil && !reached {
			return errReplayed
		}
		return err
	}, nil
}

func peerVerifyCases(fx *fixture) ([]ratio.Case, error) {
	switch fx.scheme.Name {
	case "standard-webhooks":
		// From the headers, with the time judged.
		wh, err := standardwebhooks.NewWebhook(fx.secret)
		return []ratio.Case{{Name: "standard-webhooks Verify", Op: func() error {
			return wh.Verify(fx.body, fx.header)
		}}}, err
	case "svix":
		// From the headers, with the time judged.
		wh, err := svix.NewWebhook(fx.secret)
		return []ratio.Case{{Name: "svix Verify", Op: func() error {
			return wh.Verify(fx.body, fx.header)
		}}}, err
	case "stripe":
		// From the header's text, with the time judged; no event is decoded. There
		// is nothing to construct.
		return []ratio.Case{{Name: "stripe-go ValidatePayload", Op: func() error {
			return webhook.ValidatePayload(fx.body, fx.header.Get("Stripe-Signature"), fx.secret)
		}}}, nil
	case "github":
		return gitHubPeers(fx)
	case "slack":
		// From the headers, with the time judged. A verifier is of one request by
		// its design, so it is made in the loop.
		return []ratio.Case{{Name: "slack-go SecretsVerifier", Op: func() error {
			sv, err := slack.NewSecretsVerifier(fx.header, fx.secret)
			if err != nil {
				return err
			}
			if _, err := sv.Write(fx.body); err != nil {
				return err
			}
			return sv.Ensure()
		}}}, nil
	}
	return nil, errors.New("no peer for " + fx.scheme.Name)
}

// gitHubPeers are set against Match and Verify (ValidateSignature) and against
// Middleware (the others, which read the request).
func gitHubPeers(fx *fixture) ([]ratio.Case, error) {
	x := newExchange(fx.header, fx.body)
	// It takes no message without the name of its event. Decoding cannot be had
	// apart, so the body is one that costs little to decode: one long string.
	pinged := fx.header.Clone()
	pinged.Set("X-GitHub-Event", "ping")
	y := newExchange(pinged, fx.body)
	hook, err := playground.New(playground.Options.Secret(fx.secret))
	return []ratio.Case{
		// From the header's text; nothing is read.
		{Name: "go-github ValidateSignature", Op: func() error {
			return github.ValidateSignature(fx.header.Get(github.SHA256SignatureHeader), fx.body, fx.key)
		}},
		// From a request: it reads the body within a limit of 25 MB.
		{Name: "go-github ValidatePayload", Op: func() error {
			_, err := github.ValidatePayload(x.again(), fx.key)
			return err
		}},
		// From a request, without a limit, and decodes.
		{Name: "go-playground Parse, decodes too", Op: func() error {
			_, err := hook.Parse(y.again(), playground.PingEvent)
			return err
		}},
	}, err
}
