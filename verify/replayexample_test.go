package verify_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"time"

	"example.com/paperround/sign"
	"example.com/paperround/verify"
)

// Where the scheme signs an id or a time, a message that comes twice is handled
// once. Nothing has to be set.
func ExampleHandler_replay() {
	ring := must(sign.NewRing(sign.Key{Secret: sign.NewSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")}))
	router := must(verify.NewRouter(passCodec{},
		verify.On(func(_ context.Context, d *verify.Delivery[*PassCreated]) error {
			fmt.Println("pass", d.Event.PassID, "in message", d.Receipt.ID)
			return nil
		}),
	))
	h := must(verify.Handler(must(verify.New(sign.StandardWebhooks(), ring, nil)), router, &verify.HandlerOptions{
		OnReplayed: func(_ context.Context, rc *verify.Receipt) {
			fmt.Println("again:", rc.ID)
		},
	}))

	body := `{"topic":"passCreated","data":{"passId":"7"}}`
	header := make(http.Header)
	_ = must(sign.New(sign.StandardWebhooks(), ring, nil)).Sign(header, "msg_1", time.Now(), []byte(body))
	for range 2 {
		req := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		req.Header = header
		w := httptest.NewRecorder()
		h.ServeHTTP(w, req)
		fmt.Println(w.Code)
	}
	// Output:
	// pass 7 in message msg_1
	// 200
	// again: msg_1
	// 200
}

// InPlayer signs no header with an id, but has one in its form body. Several
// processes would share a store of their own in the place of the one in memory.
func ExampleFormKey() {
	ring := must(sign.NewRing(sign.Key{Secret: sign.NewSecret("secret")}))
	check := must(verify.Middleware(must(verify.New(sign.InPlayer(), ring, nil)), &verify.HandlerOptions{
		Replay: &verify.Replay{Key: verify.FormKey("id")},
	}))
	h := check(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		fmt.Println(r.PostForm.Get("id"), r.PostForm.Get("type"))
	}))

	signer := must(sign.New(sign.InPlayer(), ring, nil))
	for _, body := range []string{
		"id=WHE-1&type=customer.registered",
		"id=WHE-1&type=customer.registered",
		"id=WHE-2&type=customer.registered",
		"type=customer.registered",
	} {
		req := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		_ = signer.Sign(req.Header, "", time.Now(), []byte(body))
		w := httptest.NewRecorder()
		h.ServeHTTP(w, req)
		fmt.Println(w.Code)
	}
	// Output:
	// WHE-1 customer.registered
	// 200
	// 200
	// WHE-2 customer.registered
	// 200
	// 400
}

// Only the sender's addresses come through, as a proxy in front reports them.
func ExampleSource() {
	ring := must(sign.NewRing(sign.Key{Secret: sign.NewSecret("secret")}))
	check := must(verify.Middleware(must(verify.New(sign.InPlayer(), ring, nil)), &verify.HandlerOptions{
		Source: &verify.Source{
			Allow:   []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")},
			Proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")},
		},
	}))
	h := check(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))

	signer := must(sign.New(sign.InPlayer(), ring, nil))
	for _, forwarded := range []string{"203.0.113.7", "203.0.113.7, 198.51.100.9"} {
		req := httptest.NewRequest(http.MethodPost, "/", strings.NewReader("id=1"))
		req.RemoteAddr = "10.0.0.1:40000"
		req.Header.Set("X-Forwarded-For", forwarded)
		_ = signer.Sign(req.Header, "", time.Now(), []byte("id=1"))
		w := httptest.NewRecorder()
		h.ServeHTTP(w, req)
		fmt.Println(w.Code)
	}
	// Output:
	// 200
	// 403
}
