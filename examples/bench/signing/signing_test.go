package main

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"flag"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	playground "github.com/go-playground/webhooks/v6/github"
	"github.com/google/go-github/v89/github"
	"github.com/stretchr/testify/require"

	"example.com/paperround/event"
	"example.com/paperround/event/cleeng"
	"example.com/paperround/event/conscent"
	"example.com/paperround/sign"
	"example.com/paperround/verify"
)

// schemes are those with a peer that verifies; the first three have one that
// signs.
func schemes() []sign.Scheme {
	return []sign.Scheme{sign.StandardWebhooks(), sign.Svix(), sign.Stripe(), sign.GitHub(), sign.Slack()}
}

func fixtureOf(t *testing.T, s sign.Scheme, size int) *fixture {
	t.Helper()
	fx, err := newFixture(s, jsonBody(size))
	require.NoError(t, err)
	require.Len(t, fx.body, size)
	return fx
}

// What each of them signs, all of them verify.
func TestSignedIsVerified(t *testing.T) {
	t.Parallel()
	for _, s := range schemes()[:3] {
		for _, size := range []int{small, large} {
			fx := fixtureOf(t, s, size)
			cases, err := signCases(fx)
			require.NoError(t, err)
			require.Len(t, cases, 3)
			for _, c := range cases {
				require.NoError(t, c.Op(), c.Name)
				fx.header.Set(s.Tag.Header, c.made())
				verifiers, err := verifyCases(fx)
				require.NoError(t, err)
				for _, v := range verifiers {
					require.NoError(t, v.Op(), "%s of what %s signed", v.Name, c.Name)
				}
			}
		}
	}
}

// The floor makes the very MAC that stands in the header.
func TestFloorMakesTheMAC(t *testing.T) {
	t.Parallel()
	for _, s := range schemes() {
		fx := fixtureOf(t, s, small)
		f := newFloor(fx)
		for range 2 {
			require.NoError(t, f.op())
		}
		text := hex.EncodeToString(f.sum)
		if s.Encoding == sign.Base64 {
			text = base64.StdEncoding.EncodeToString(f.sum)
		}
		require.Contains(t, fx.header.Get(s.Tag.Header), s.Tag.Prefix+text)
	}
}

// Every verifier takes the message again and again, and refuses one whose body,
// tag, key or time is another.
func TestTamperedIsRefused(t *testing.T) {
	t.Parallel()
	for _, s := range schemes() {
		for _, tt := range []struct {
			name   string
			tamper func(*fixture)
		}{
			{"nothing", nil},
			{"body", func(fx *fixture) { fx.body[len(fx.body)/2] ^= 1 }},
			{"tag", func(fx *fixture) {
				tag := []byte(fx.header.Get(s.Tag.Header))
				digit := &tag[len(tag)-10]
				if *digit == '5' {
					*digit = '4'
				} else {
					*digit = '5'
				}
				fx.header.Set(s.Tag.Header, string(tag))
			}},
			{"key", func(fx *fixture) { require.NoError(t, fx.setKey(strings.Repeat("k", len(keyText)))) }},
			{"time", func(fx *fixture) {
				fx.header.Set(s.Time.Header, strings.Replace(fx.header.Get(s.Time.Header), fx.unix, "1", 1))
			}},
		} {
			if tt.name == "time" && s.Time.Header == "" {
				continue
			}
			t.Run(s.Name+"/"+tt.name, func(t *testing.T) {
				t.Parallel()
				fx := fixtureOf(t, s, small)
				if tt.tamper != nil {
					tt.tamper(fx)
				}
				cases, err := verifyCases(fx)
				require.NoError(t, err)
				require.GreaterOrEqual(t, len(cases), 4)
				for _, c := range cases {
					for range 3 {
						if tt.tamper == nil {
							require.NoError(t, c.Op(), c.Name)
						} else if tt.name != "time" || c.Name != oursMatch { // it reads no header
							require.Error(t, c.Op(), c.Name)
						}
					}
				}
			})
		}
	}
}

// Among many values the peers find the right one; ours refuses them as too many
// and for nothing else. With no right one all refuse.
func TestCrowded(t *testing.T) {
	t.Parallel()
	all, err := crowdedCases(jsonBody(small))
	require.NoError(t, err)
	require.Len(t, all, 4)
	for _, c := range all {
		require.Len(t, c.cases, 2)
		for _, one := range c.cases {
			require.NoError(t, one.Op(), c.name)
		}
	}
	require.NoError(t, wantTooMany(&verify.Error{Err: verify.ErrTooMany}))
	require.Error(t, wantTooMany(nil))
	require.ErrorIs(t, wantTooMany(verify.ErrNoMatch), verify.ErrNoMatch)

	for _, s := range []sign.Scheme{sign.StandardWebhooks(), sign.Stripe()} {
		fx := fixtureOf(t, s, small)
		fx.crowd(few)
		line := fx.header.Get(s.Tag.Header)
		require.Len(t, strings.Split(line, s.Tag.Separator), few)
		fx.header.Set(s.Tag.Header, line[:strings.LastIndex(line, s.Tag.Separator)])
		cases, err := verifyCases(fx)
		require.NoError(t, err)
		for _, c := range cases {
			if c.Name != oursMatch { // it is given the last value, which is wrong now too
				require.Error(t, c.Op(), c.Name)
			}
		}
	}
}

// Every handler answers 200 to the event and not to one that was tampered with.
func TestHandlers(t *testing.T) {
	t.Parallel()
	all, err := handledCases()
	require.NoError(t, err)
	require.Len(t, all, 3)
	for _, h := range all {
		require.Len(t, h.cases, 3)
		require.InDelta(t, small, len(h.fx.body), 250, h.name)
		for _, c := range h.cases {
			for range 3 {
				require.NoError(t, c.Op(), c.Name)
			}
		}
		h.fx.body[len(h.fx.body)-5] ^= 1
		for _, c := range h.cases[1:] {
			require.Error(t, c.Op(), c.Name)
		}
	}
}

// The recipe's types hold what ours hold, so that neither is spared work.
func TestRecipesDecode(t *testing.T) {
	t.Parallel()
	all, err := handledCases()
	require.NoError(t, err)

	e, err := cleeng.Decode(all[0].fx.body)
	require.NoError(t, err)
	ours, ok := e.(*cleeng.TransactionCreated)
	require.True(t, ok)
	d, err := decodeCleeng(all[0].fx.body)
	require.NoError(t, err)
	plain, ok := d.(*plainTransactionCreated)
	require.True(t, ok)
	require.Equal(t, ours.ExternalData, plain.ExternalData)
	require.Equal(t, ours.OfferPrice.String(), plain.OfferPrice.String())
	require.Equal(t, *ours.PaymentGateway, plain.PaymentGateway)

	e, err = conscent.Decode(all[1].fx.body)
	require.NoError(t, err)
	complete, ok := e.(*conscent.TransactionComplete)
	require.True(t, ok)
	d, err = decodeConsCent(all[1].fx.body)
	require.NoError(t, err)
	plainComplete, ok := d.(*plainTransactionComplete)
	require.True(t, ok)
	require.Equal(t, *complete.Transaction.OrderID, plainComplete.Transaction.OrderID)
	require.Equal(t, complete.Transaction.TagsInclude, plainComplete.Transaction.TagsInclude)
	require.Equal(t, *complete.User.Username, plainComplete.User.Username)

	_, err = decodeCleeng([]byte(`{"topic":"offerCreated"}`))
	require.Error(t, err)
	_, err = decodeConsCent([]byte(`{"event":"other"}`))
	require.Error(t, err)

	push, err := github.ParseWebHook("push", all[2].fx.body)
	require.NoError(t, err)
	pushed, ok := push.(*github.PushEvent)
	require.True(t, ok)
	require.Len(t, pushed.Commits, 1)
	require.Equal(t, "ana/shop", pushed.GetRepo().GetFullName())
	hook, err := playground.New(playground.Options.Secret(all[2].fx.secret))
	require.NoError(t, err)
	parsed, err := hook.Parse(newExchange(all[2].fx.header, all[2].fx.body).again(), playground.PushEvent)
	require.NoError(t, err)
	payload, ok := parsed.(playground.PushPayload)
	require.True(t, ok)
	require.Len(t, payload.Commits, 1)
	require.Equal(t, "ana/shop", payload.Repository.FullName)
}

// Our handler runs the route, with the event in its type.
func TestOurHandlerRoutes(t *testing.T) {
	t.Parallel()
	all, err := handledCases()
	require.NoError(t, err)
	taken := 0
	router, err := verify.NewRouter[event.Event](cleeng.Codec(),
		verify.On(func(_ context.Context, d *verify.Delivery[*cleeng.TransactionCreated]) error {
			taken++
			return take(d.Event)
		}))
	require.NoError(t, err)
	v, err := verify.New(all[0].fx.scheme, all[0].fx.ring, nil)
	require.NoError(t, err)
	h, err := verify.Handler(v, router, nil)
	require.NoError(t, err)
	require.NoError(t, newExchange(all[0].fx.header, all[0].fx.body).serve(h))
	require.Equal(t, 1, taken)
	require.Error(t, take(nil))
}

// The exchange hands out the same request with its body unread, and keeps the
// first status.
func TestExchange(t *testing.T) {
	t.Parallel()
	x := newExchange(http.Header{}, []byte("body"))
	for range 2 {
		b, err := io.ReadAll(x.again().Body)
		require.NoError(t, err)
		require.Equal(t, "body", string(b))
	}
	require.NoError(t, x.serve(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "ok")
		w.WriteHeader(http.StatusTeapot)
	})))
	require.Error(t, x.serve(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
	require.EqualError(t, x.serve(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "no", http.StatusUnauthorized)
	})), "the answer is 401")
}

// A case that fails, and a figure that is too high, are seen.
func TestJudge(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		check  bool
		target target
		want   string
	}{
		{"met", true, target{what: "x", got: 1, most: 1, time: true}, ""},
		{"time missed", true, target{what: "x", got: 1.2, most: 1.1, time: true}, "1 of 1 targets are missed"},
		{"time not judged", false, target{what: "x", got: 1.2, most: 1.1, time: true}, ""},
		{"allocations missed", false, target{what: "x", got: 1, most: 0}, "1 of 1 targets are missed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := &report{w: io.Discard, settings: settings{check: tt.check}, judged: []target{tt.target}}
			err := r.judge()
			if tt.want == "" {
				require.NoError(t, err)
				return
			}
			require.EqualError(t, err, tt.want)
		})
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestRunRefuses(t *testing.T) { //nolint:paralleltest // it measures, and sets flags of the process
	require.ErrorIs(t, run(brokenWriter{}, []string{"-rounds=1", "-time=1us"}), io.ErrClosedPipe)
	require.ErrorIs(t, run(io.Discard, []string{"-h"}), flag.ErrHelp)
	require.Error(t, run(io.Discard, []string{"more"}))
	require.Error(t, run(io.Discard, []string{"-rounds=0"}))
}

// The heading names every peer with its version.
func TestPeers(t *testing.T) {
	t.Parallel()
	all := peers()
	require.Len(t, all, 6)
	require.True(t, slices.ContainsFunc(all, func(s string) bool { return strings.HasPrefix(s, "stripe/stripe-go/v85 v85.") }), all)
}

// A message that comes again is counted as a replay, and as nothing else.
func TestReplayed(t *testing.T) {
	t.Parallel()
	fx := fixtureOf(t, sign.Slack(), small)
	v, err := verify.New(fx.scheme, fx.ring, nil)
	require.NoError(t, err)
	serve, err := behindMiddleware(v, fx, nil)
	require.NoError(t, err)
	require.NoError(t, serve())
	require.ErrorIs(t, serve(), errReplayed)
	require.NoError(t, wantReplayed(serve()))
	require.ErrorIs(t, wantReplayed(io.EOF), io.EOF)

	unprotected, err := behindMiddleware(v, fx, &verify.HandlerOptions{Replay: &verify.Replay{TTL: -1}})
	require.NoError(t, err)
	require.NoError(t, unprotected())
	require.NoError(t, unprotected())
}

// A peer is missing for a scheme nobody else has.
func TestNoPeer(t *testing.T) {
	t.Parallel()
	fx := fixtureOf(t, sign.ConsCent(), small)
	_, err := verifyCases(fx)
	require.EqualError(t, err, "no peer for conscent")
}
