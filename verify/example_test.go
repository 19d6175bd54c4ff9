package verify_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"time"

	"example.com/paperround/sign"
	"example.com/paperround/verify"
)

// PassCreated and Unknown stand for the events of a provider's package.
type (
	PassCreated struct {
		PassID string `json:"passId"`
	}
	Unknown struct {
		Topic string
	}
)

// passCodec stands for the codec of a provider's package.
type passCodec struct{}

func (passCodec) Decode(body []byte) (any, error) {
	var envelope struct {
		Topic string          `json:"topic"`
		Data  json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal(body, &envelope); err != nil {
		return nil, err
	}
	if envelope.Topic != "passCreated" {
		return &Unknown{Topic: envelope.Topic}, nil
	}
	ev := new(PassCreated)
	return ev, json.Unmarshal(envelope.Data, ev)
}

func (passCodec) Yields(t reflect.Type) bool {
	return t == reflect.TypeFor[*PassCreated]() || t == reflect.TypeFor[*Unknown]()
}

// must keeps the examples short; a program handles its errors.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// Verify a request, knowing nothing but its headers and its body.
func Example() {
	ring := must(sign.NewRing(sign.Key{ID: "2026-11", Secret: sign.NewSecret("secret")}))
	v := must(verify.New(sign.InPlayer(), ring, nil))

	header := make(http.Header)
	header.Set("X-InPlayer-Signature", "sha256=f27f8ae41a0d60d823e8c296ec2e3e73c81843e3f9aedab2bdc030c4d6b0b0b8")
	body := []byte("created=15475835&id=2333&resource%5Bfoo%5D=bar&type=payment.success")

	receipt, err := v.Verify(header, body)
	fmt.Println(receipt.Scheme, receipt.KeyID, err)

	_, err = v.Verify(header, []byte("something else"))
	fmt.Println(errors.Is(err, verify.ErrNoMatch), err)
	// Output:
	// inplayer 2026-11 <nil>
	// true verify: inplayer: X-Inplayer-Signature: no match
}

// Put the check in front of a handler that reads the body itself.
func ExampleMiddleware() {
	ring := must(sign.NewRing(sign.Key{Secret: sign.NewSecret("secret")}))
	v := must(verify.New(sign.InPlayer(), ring, nil))
	check := must(verify.Middleware(v, &verify.HandlerOptions{
		ContentTypes: []string{"application/x-www-form-urlencoded"},
		OnRefused: func(_ context.Context, r *verify.Refusal) {
			fmt.Println("refused:", r.Err)
		},
	}))
	h := check(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		receipt, _ := verify.FromContext(r.Context())
		body, _ := io.ReadAll(r.Body)
		fmt.Printf("key %s signed %s\n", receipt.KeyID, body)
	}))

	signer := must(sign.New(sign.InPlayer(), ring, nil))
	for _, sent := range []string{"id=1", "id=2"} {
		req := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(sent))
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		_ = signer.Sign(req.Header, "", time.Now(), []byte("id=1"))
		h.ServeHTTP(httptest.NewRecorder(), req)
	}
	// Output:
	// key 1 signed id=1
	// refused: verify: inplayer: X-Inplayer-Signature: no match
}

// Handle typed events. What no route takes is acknowledged all the same.
func ExampleHandler() {
	r := must(verify.NewRouter(passCodec{},
		verify.On(func(_ context.Context, d *verify.Delivery[*PassCreated]) error {
			fmt.Println("pass", d.Event.PassID, "under key", d.Receipt.KeyID)
			return nil
		}),
		verify.On(func(_ context.Context, d *verify.Delivery[*Unknown]) error {
			fmt.Println("unknown topic", d.Event.Topic)
			return nil
		}),
		verify.Undecodable(func(_ context.Context, u *verify.Undecoded) error {
			fmt.Printf("kept for later: %s\n", u.Receipt.Body)
			return nil
		}),
	))
	ring := must(sign.NewRing(sign.Key{ID: "2026-11", Secret: sign.NewSecret("b/ds[]7+=43cnd54-12-95[sd^faas$e")}))
	scheme := sign.Cleeng("X-Signature", sign.Hex)
	h := must(verify.Handler(must(verify.New(scheme, ring, nil)), r, nil))

	signer := must(sign.New(scheme, ring, nil))
	for _, body := range []string{
		`{"topic":"passCreated","data":{"passId":"7"}}`,
		`{"topic":"passPainted"}`,
		`{"topic":`,
	} {
		req := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		_ = signer.Sign(req.Header, "", time.Now(), []byte(body))
		w := httptest.NewRecorder()
		h.ServeHTTP(w, req)
		fmt.Println(w.Code)
	}
	// Output:
	// pass 7 under key 2026-11
	// 200
	// unknown topic passPainted
	// 200
	// kept for later: {"topic":
	// 200
}

// While keys rotate, the receiver has both, and the receipt says which one the
// sender used.
func ExampleVerifier_rotation() {
	before := sign.Key{ID: "2026-10", Secret: sign.NewSecret("the old secret")}
	after := sign.Key{ID: "2026-11", Secret: sign.NewSecret("the new secret")}
	v := must(verify.New(sign.InPlayer(), must(sign.NewRing(before, after)), nil))

	for _, key := range []sign.Key{before, after} {
		signer := must(sign.New(sign.InPlayer(), must(sign.NewRing(key)), nil))
		header := make(http.Header)
		_ = signer.Sign(header, "", time.Now(), []byte("id=1"))
		receipt, err := v.Verify(header, []byte("id=1"))
		fmt.Println(receipt.KeyID, err)
	}
	// Output:
	// 2026-10 <nil>
	// 2026-11 <nil>
}

// ConsCent sends Basic credentials and an HMAC: require both.
func ExampleAll() {
	basic := must(verify.NewBasic(verify.Credential{
		ID: "app", User: "sample-api-key", Password: sign.NewSecret("sample-api-secret"),
	}))
	ring := must(sign.NewRing(sign.Key{ID: "2026-11", Secret: sign.NewSecret("sample-webhook-secret")}))
	both := must(verify.All(basic, must(verify.New(sign.ConsCent(), ring, nil))))

	signer := must(sign.All(
		must(sign.NewBasic("sample-api-key", sign.NewSecret("sample-api-secret"))),
		must(sign.New(sign.ConsCent(), ring, nil)),
	))
	header := make(http.Header)
	_ = signer.Sign(header, "", time.Now(), []byte("{}"))
	receipt, err := both.Verify(header, []byte("{}"))
	fmt.Println(receipt.Credential, receipt.KeyID, err)

	header.Del("Authorization")
	_, err = both.Verify(header, []byte("{}"))
	fmt.Println(err)
	// Output:
	// app 2026-11 <nil>
	// verify: basic: Authorization: header missing
}
