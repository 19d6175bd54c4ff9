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
