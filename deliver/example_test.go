package deliver_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"time"

	"example.com/paperround/deliver"
	"example.com/paperround/event"
	"example.com/paperround/topic"
)

// hmacSigner is the smallest Signer; package sign has those of the providers.
type hmacSigner struct{ secret []byte }

func (s hmacSigner) Sign(header http.Header, _ string, _ time.Time, body []byte) error {
	mac := hmac.New(sha256.New, s.secret)
	mac.Write(body)
	header.Set("X-Signature", hex.EncodeToString(mac.Sum(nil)))
	return nil
}

// receive stands for the app at the other end.
func receive() (server *httptest.Server, roots *x509.CertPool) {
	server = httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		fmt.Println("received", r.Header.Get("Webhook-Id"), string(body), err)
	}))
	roots = x509.NewCertPool()
	roots.AddCert(server.Certificate())
	return server, roots
}

// Publishing an event and delivering it, all in one process.
func Example() {
	server, roots := receive()
	defer server.Close()

	// The strictest client would reach neither loopback nor an unusual port.
	client, err := deliver.NewClient(&deliver.ClientOptions{
		Guard:   deliver.Guard{Allow: deliver.Loopback(), AnyPort: true},
		RootCAs: roots,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.CloseIdleConnections()
	endpoints, err := deliver.Static(&deliver.Endpoint{
		ID:     "billing",
		Tenant: "t-7",
		URL:    server.URL,
		Topics: []topic.Pattern{"acme:invoice.*"},
		Signer: hmacSigner{secret: []byte("a secret for this example only")},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	settled := make(chan deliver.SettledInfo)
	d, err := deliver.New(deliver.NewMemory(nil), endpoints, &deliver.Options{
		Client: client,
		Hooks:  deliver.Hooks{Settled: func(i deliver.SettledInfo) { settled <- i }},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- d.Run(ctx) }()

	ev := event.JSON("acme:invoice.paid", map[string]int{"amount": 12})
	if _, err := d.Publish(ctx, ev, &deliver.PublishOptions{ID: "inv-9", Tenant: "t-7"}); err != nil {
		fmt.Println(err)
	}
	i := <-settled
	fmt.Println(i.EndpointID, i.Settlement.State, i.Settlement.Record.Status)
	stop()
	fmt.Println("drained:", <-done)
	// Output:
	// received inv-9 {"amount":12} <nil>
	// billing succeeded 200
	// drained: <nil>
}

// One exchange without a queue, for a host that has one of its own.
func ExampleAttempt() {
	server, roots := receive()
	defer server.Close()
	client, err := deliver.NewClient(&deliver.ClientOptions{
		Guard:   deliver.Guard{Allow: deliver.Loopback(), AnyPort: true},
		RootCAs: roots,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.CloseIdleConnections()
	res := deliver.Attempt(context.Background(), client, &deliver.Endpoint{
		ID:     "billing",
		URL:    server.URL,
		Topics: []topic.Pattern{topic.Everything},
		Signer: hmacSigner{secret: []byte("a secret for this example only")},
	}, &deliver.Message{
		ID:          "inv-9",
		Topic:       "acme:invoice.paid",
		ContentType: "application/json",
		Body:        []byte(`{"amount":12}`),
	})
	fmt.Println(res.Reason, res.Status, "try again:", deliver.Retryable(res.Err))
	// Output:
	// received inv-9 {"amount":12} <nil>
	// succeeded 200 try again: false
}

// What a customer may not register.
func ExampleClient_Check() {
	client, err := deliver.NewClient(nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, url := range []string{
		"https://hooks.example.com/in",
		"https://169.254.169.254/latest/meta-data",
		"https://[64:ff9b::a00:1]/",
		"https://0x7f.1/",
		"https://me:secret@hooks.example.com/",
	} {
		err := client.Check(&deliver.Endpoint{
			ID:     "e1",
			URL:    url,
			Topics: []topic.Pattern{topic.Everything},
			Signer: hmacSigner{secret: []byte("a secret for this example only")},
		})
		fmt.Println(err)
		if e, ok := errors.AsType[*deliver.Error](err); ok && errors.Is(err, deliver.ErrRefused) {
			fmt.Println("  for the operator:", e.Detail)
		}
	}
	// Output:
	// <nil>
	// deliver: destination refused by policy
	//   for the operator: 169.254.169.254: link-local, cloud metadata
	// deliver: destination refused by policy
	//   for the operator: 64:ff9b::a00:1 contains 10.0.0.1: private
	// deliver: destination refused by policy
	//   for the operator: host is a number in an odd notation
	// deliver: URL must not hold userinfo; credentials are the signer's
}

// A policy is a pure function, so it can be asked what it would do.
func ExamplePolicy_Decide() {
	policy := &deliver.Policy{Schedule: []time.Duration{time.Minute, time.Hour}}
	failure := &deliver.Result{Reason: deliver.ReasonStatus, Fault: deliver.FaultReceiver}
	var h deliver.History
	for {
		d := policy.Decide(h, failure, 0.5)
		fmt.Println(d.State, d.After)
		if d.State.Final() {
			return
		}
		h = d.History
	}
	// Output:
	// scheduled 1m0s
	// scheduled 1h0m0s
	// exhausted 0s
}

// mailbox is a transport that stands for all receivers.
type mailbox func(req *http.Request) int

func (m mailbox) RoundTrip(req *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: m(req), Header: http.Header{}, Body: http.NoBody}, nil
}

// deliverAll runs a dispatcher until as many deliveries are final as it should make.
func deliverAll(d *deliver.Dispatcher, final <-chan deliver.SettledInfo, n int) {
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- d.Run(ctx) }()
	for range n {
		<-final
	}
	stop()
	if err := <-done; err != nil {
		fmt.Println(err)
	}
}

func newDispatcher(receive mailbox, endpoints ...*deliver.Endpoint) (*deliver.Dispatcher, <-chan deliver.SettledInfo) {
	for _, e := range endpoints {
		e.URL = "https://" + e.ID + ".example.com/"
		e.Signer = hmacSigner{secret: []byte("a secret for this example only")}
	}
	dir, err := deliver.Static(endpoints...)
	if err != nil {
		panic(err)
	}
	client, err := deliver.NewClient(&deliver.ClientOptions{UnguardedTransport: receive})
	if err != nil {
		panic(err)
	}
	final := make(chan deliver.SettledInfo, 100)
	d, err := deliver.New(deliver.NewMemory(nil), dir, &deliver.Options{
		Client: client,
		Hooks: deliver.Hooks{Settled: func(i deliver.SettledInfo) {
			if i.Settlement.State.Final() {
				final <- i
			}
		}},
	})
	if err != nil {
		panic(err)
	}
	return d, final
}

// Several events in one call to the store, and an endpoint that gets those of one
// customer in their order.
func ExampleDispatcher_PublishBatch() {
	d, final := newDispatcher(func(req *http.Request) int {
		fmt.Println("received", req.Header.Get("Webhook-Id"))
		return 200
	}, &deliver.Endpoint{ID: "crm", Topics: []topic.Pattern{topic.Everything}, Ordered: true})
	_, err := d.PublishBatch(context.Background(), []deliver.Publication{
		{Event: event.JSON("acme:customer.created", map[string]int{"customer": 7}), ID: "first", Key: "7"},
		{Event: event.JSON("acme:customer.moved", map[string]int{"customer": 7}), ID: "second", Key: "7"},
		{Event: event.JSON("acme:customer.left", map[string]int{"customer": 7}), ID: "third", Key: "7"},
	}, nil)
	fmt.Println(err)
	deliverAll(d, final, 3)
	// Output:
	// <nil>
	// received first
	// received second
	// received third
}

// An endpoint that wants the events of one payment method only.
func ExampleFilter() {
	d, final := newDispatcher(func(req *http.Request) int {
		fmt.Println("received", req.Header.Get("Webhook-Id"))
		return 200
	}, &deliver.Endpoint{
		ID:      "connector",
		Topics:  []topic.Pattern{"cleeng:subscription*"},
		Filters: []deliver.Filter{{Path: "data.paymentMethodId", Values: []string{"320113641"}}},
	})
	for id, method := range map[string]int{"mine": 320113641, "another": 7} {
		ev := event.JSON("cleeng:subscriptionReadyForPaymentAuthorisation", map[string]any{
			"data": map[string]int{"paymentMethodId": method},
		})
		if _, err := d.Publish(context.Background(), ev, &deliver.PublishOptions{ID: id}); err != nil {
			fmt.Println(err)
		}
	}
	deliverAll(d, final, 1)
	// Output:
	// received mine
}

// Sending again what an endpoint has rejected, after it was mended.
func ExampleDispatcher_Replay() {
	mended := false
	d, final := newDispatcher(func(req *http.Request) int {
		if !mended {
			return 404
		}
		fmt.Println("received", req.Header.Get("Webhook-Id"))
		return 200
	}, &deliver.Endpoint{
		ID:     "billing",
		Topics: []topic.Pattern{topic.Everything},
		Policy: &deliver.Policy{Schedule: []time.Duration{}}, // a single attempt
	})
	ctx := context.Background()
	if _, err := d.Publish(ctx, event.JSON("acme:invoice.paid", 12), &deliver.PublishOptions{ID: "inv-9"}); err != nil {
		fmt.Println(err)
	}
	deliverAll(d, final, 1)

	failed := deliver.Selection{EndpointID: "billing", States: []deliver.State{deliver.Exhausted}}
	list, _, err := d.Deliveries(ctx, failed, "", 10)
	if err != nil {
		fmt.Println(err)
	}
	for _, one := range list {
		log, err := d.Attempts(ctx, one.ID)
		fmt.Println(one.MessageID, one.State, log[0].Status, err)
	}
	mended = true
	fmt.Println(d.Replay(ctx, failed))
	deliverAll(d, final, 1)
	// Output:
	// inv-9 exhausted 404 <nil>
	// 1 <nil>
	// received inv-9
}

// An endpoint that says it wants no more is paused, the host is told, and may resume
// it.
func ExampleHooks() {
	told := deliver.Hooks{Endpoint: func(i deliver.EndpointInfo) {
		fmt.Println(i.EndpointID, i.Change, i.Cause, i.For)
	}}
	policy := &deliver.Policy{}
	decision := policy.Decide(deliver.History{}, &deliver.Result{Reason: deliver.ReasonSucceeded, Status: 200, Disable: true}, 0.5)
	told.Endpoint(deliver.EndpointInfo{
		EndpointID: "billing", Change: deliver.EndpointPaused,
		Cause: decision.Endpoint.Cause, For: decision.Endpoint.Pause,
	})
	// Output:
	// billing paused asked 120h0m0s
}
