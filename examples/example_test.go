package examples_test

import (
	"context"
	"crypto/x509"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"example.com/paperround/deliver"
	"example.com/paperround/event"
	"example.com/paperround/event/cleeng"
	"example.com/paperround/event/eventtest"
	"example.com/paperround/event/inplayer"
	"example.com/paperround/sign"
	"example.com/paperround/topic"
	"example.com/paperround/verify"
)

// must stands for the error handling of a real program.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func Example_emitting() {
	// The receiver prints what it gets, on a loopback address, which the guard
	// of a real client refuses.
	got := make(chan string, 1)
	receiver := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		signature := r.Header.Get("X-InPlayer-Signature")
		got <- fmt.Sprintln(r.Method, r.Header.Get("Content-Type"), signature[:len("sha256=")], len(signature))
	}))
	defer receiver.Close()
	roots := x509.NewCertPool()
	roots.AddCert(receiver.Certificate())
	client := must(deliver.NewClient(&deliver.ClientOptions{
		Guard: deliver.Guard{Allow: deliver.Loopback(), AnyPort: true}, RootCAs: roots,
	}))
	secret, url := "the account's API secret", receiver.URL
	created := event.NewTime(time.Unix(1724233622, 0), event.UnixSeconds)
	ctx, stop := context.WithCancel(context.Background())

	ring := must(sign.NewRing(sign.Key{ID: "2026", Secret: sign.NewSecret(secret)}))
	endpoints := must(deliver.Static(&deliver.Endpoint{
		ID: "app", URL: url, Topics: []topic.Pattern{"inplayer:*"}, Signer: must(sign.New(sign.InPlayer(), ring, nil)),
	}))
	d := must(deliver.New(deliver.NewMemory(nil), endpoints, &deliver.Options{Client: client}))
	stopped := make(chan error, 1)
	go func() { stopped <- d.Run(ctx) }() // until ctx ends; then it drains
	id, err := d.Publish(ctx, &inplayer.SubscribeSuccess{
		Envelope: inplayer.Envelope{EventID: "WHE-1", Created: created},
		Email:    "kofi@example.org", Amount: event.NewDecimal(799, 2), Status: "success",
	}, nil)

	fmt.Println(strings.HasPrefix(id, "msg_"), err)
	fmt.Print(<-got)
	stop()
	fmt.Println(<-stopped)

	// Output:
	// true <nil>
	// POST application/x-www-form-urlencoded sha256= 71
	// <nil>
}

func Example_receiving() {
	secret := "the account's API secret"

	ring := must(sign.NewRing(sign.Key{ID: "2026", Secret: sign.NewSecret(secret)}))
	verifier := must(verify.New(sign.InPlayer(), ring, nil))
	router := must(verify.NewRouter(inplayer.Codec(),
		verify.On(func(_ context.Context, d *verify.Delivery[*inplayer.SubscribeSuccess]) error {
			fmt.Println(d.Event.Email, "paid", d.Event.Amount, "signed with key", d.Receipt.KeyID)
			return nil // answers 200; an error answers 500 and the sender tries again
		}),
	))
	handler := must(verify.Handler(verifier, router, nil))

	// A request as InPlayer sends it, and one that somebody changed.
	body := eventtest.Sample(topic.InPlayerSubscribeSuccess)
	signer := must(sign.New(sign.InPlayer(), ring, nil))
	for _, sent := range []string{string(body), strings.Replace(string(body), "7.99", "9.99", 1)} {
		r := httptest.NewRequest(http.MethodPost, "/webhooks/inplayer", strings.NewReader(sent))
		if err := signer.Sign(r.Header, "", time.Now(), body); err != nil {
			panic(err)
		}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		fmt.Println(w.Code)
	}

	// Output:
	// kofi+tv71@example.org paid 7.99 signed with key 2026
	// 200
	// 401
}

// printT stands for the *testing.T of a unit test, and prints what fails it.
type printT struct{}

func (printT) Helper() {}

func (printT) Errorf(format string, args ...any) { fmt.Printf(format+"\n", args...) }

func Example_unitTesting() {
	var t printT

	emitted := &cleeng.PassTerminated{
		Envelope: cleeng.Envelope{BroadcasterID: event.NewID(401882913)},
		PassID:   event.NewID("730055118"), OfferID: "P440192736_PL", CustomerID: event.NewID(700118254),
	}
	body, _, err := emitted.Encode()
	eventtest.AssertShape(t, topic.CleengPassTerminated, body)     // fails with what is missing, unknown or mistyped
	eventtest.AssertRoundTrip(t, topic.CleengPassTerminated, body) // fails when a field gets lost
	sample := eventtest.New(topic.CleengPassTerminated)            // an example, to feed to your own handler

	fmt.Println(sample.Topic(), err)
	body = []byte(strings.Replace(string(body), `"730055118"`, "true", 1))
	eventtest.AssertShape(t, topic.CleengPassTerminated, body)

	// Output:
	// cleeng:passTerminated <nil>
	// cleeng:passTerminated: body is not as documented (https://developers.cleeng.com/docs/webhook-pass-topics):
	// 	data.passId is mistyped, got a bool, want an id (number or string)
}
