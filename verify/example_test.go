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
// sender used. When nothing is superseded any more, the old key can go.
func ExampleVerifier_rotation() {
	now := time.Date(2026, 11, 15, 0, 0, 0, 0, time.UTC)
	before := sign.Key{ID: "2026-10", Secret: sign.NewSecret("the old secret"), Created: now.AddDate(0, 0, -45)}
	after := sign.Key{ID: "2026-11", Secret: sign.NewSecret("the new secret"), Created: now.AddDate(0, 0, -14)}
	v := must(verify.New(sign.InPlayer(), must(sign.NewRing(before, after)), &verify.Options{
		Now: func() time.Time { return now },
	}))

	for _, key := range []sign.Key{before, after} {
		signer := must(sign.New(sign.InPlayer(), must(sign.NewRing(key)), nil))
		header := make(http.Header)
		_ = signer.Sign(header, "", time.Now(), []byte("id=1"))
		receipt, err := v.Verify(header, []byte("id=1"))
		fmt.Println(receipt.KeyID, receipt.KeyAge, receipt.Superseded, err)
	}
	// Output:
	// 2026-10 1080h0m0s true <nil>
	// 2026-11 336h0m0s false <nil>
}

// Stripe's header holds the time as well as the signatures.
func ExampleVerifier_stripe() {
	ring := must(sign.NewRing(sign.Key{Secret: sign.NewSecret("whsec_test_secret")}))
	header := http.Header{}
	header.Set("Stripe-Signature", "t=1533204620,v1=e329adeebf5c025cbd0e89a2f87fa6a6b120ba9766ccd9b1b68741799435c4fe,v0=6ffbb59b2300aae63f272406069a9788598b792a944a07aba816edb039989a39")
	body := []byte(`{"id":"evt_1"}`)

	for _, late := range []time.Duration{0, 5 * time.Minute, 5*time.Minute + time.Second} {
		v := must(verify.New(sign.Stripe(), ring, &verify.Options{
			Now: func() time.Time { return time.Unix(1533204620, 0).Add(late) },
		}))
		receipt, err := v.Verify(header, body)
		fmt.Println(receipt.KeyID, err)
	}
	// Output:
	// 1 <nil>
	// 1 <nil>
	//  verify: stripe: Stripe-Signature: timestamp too old
}

// With a key pair the receiver can verify and not sign.
func ExampleVerifier_asymmetric() {
	private := must(sign.NewRing(sign.Key{Secret: sign.NewSecret("whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==")}))
	public := must(sign.NewRing(sign.Key{Secret: sign.NewSecret("whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=")}))
	signer := must(sign.New(sign.StandardWebhooksAsymmetric(), private, nil))
	v := must(verify.New(sign.StandardWebhooksAsymmetric(), public, nil))

	header := make(http.Header)
	_ = signer.Sign(header, "msg_1", time.Now(), []byte("{}"))
	receipt, err := v.Verify(header, []byte("{}"))
	fmt.Println(receipt.ID, err)

	_, err = sign.New(sign.StandardWebhooksAsymmetric(), public, nil)
	fmt.Println(err)
	// Output:
	// msg_1 <nil>
	// sign: standard-webhooks-v1a: the ring has public keys only, which cannot sign
}

// A host's own scheme is a value, and serves both sides.
func ExampleVerifier_ownScheme() {
	scheme := sign.Scheme{
		Name:     "paywall",
		Cover:    []sign.Part{sign.PartTime, ".", sign.PartID, ".", sign.PartBody},
		Tag:      sign.Field{Header: "X-Paywall", Prefix: "mac=", Separator: ";"},
		Time:     sign.Field{Header: "X-Paywall", Prefix: "at=", Separator: ";"},
		ID:       sign.Field{Header: "X-Paywall", Prefix: "id=", Separator: ";"},
		Encoding: sign.Base64,
		TimeUnit: sign.Milliseconds,
		MinKey:   16,
	}
	ring := must(sign.NewRing(sign.Key{Secret: sign.NewSecret("sixteen bytes or more")}))
	signer := must(sign.New(scheme, ring, nil))
	at := time.UnixMilli(1614265330123)
	v := must(verify.New(scheme, ring, &verify.Options{Now: func() time.Time { return at }}))

	header := make(http.Header)
	_ = signer.Sign(header, "msg_1", at, []byte("{}"))
	fmt.Println(header.Get("X-Paywall"))
	receipt, err := v.Verify(header, []byte("{}"))
	fmt.Println(receipt.ID, receipt.Time.Format(time.RFC3339Nano), err)
	// Output:
	// id=msg_1;at=1614265330123;mac=UU1Gz/8ZIrGLt4nCpGvlS1JGULutsXDqbC5JAvmxJIY=
	// msg_1 2021-02-25T15:02:10.123Z <nil>
}

// A body that is too large to be held goes somewhere else while it is verified;
// nothing looks at it before Close has returned a receipt.
func ExampleVerifier_Stream() {
	ring := must(sign.NewRing(sign.Key{ID: "2026-11", Secret: sign.NewSecret("It's a Secret to Everybody")}))
	v := must(verify.New(sign.GitHub(), ring, nil))
	header := http.Header{}
	header.Set("X-Hub-Signature-256", "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17")

	for _, body := range []string{"Hello, World!", "Hello, World?"} {
		stream := must(v.Stream(header))
		var file strings.Builder
		_, err := io.Copy(io.MultiWriter(&file, stream), strings.NewReader(body))
		if err != nil {
			fmt.Println(err)
			return
		}
		receipt, err := stream.Close()
		fmt.Println(receipt.KeyID, file.Len(), err)
	}
	// Output:
	// 2026-11 13 <nil>
	//  13 verify: github: X-Hub-Signature-256: no match
}

// A message from a queue is judged as of the moment it was received.
func ExampleVerifier_VerifyAt() {
	ring := must(sign.NewRing(sign.Key{Secret: sign.NewSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")}))
	v := must(verify.New(sign.StandardWebhooks(), ring, nil))
	header := http.Header{}
	header.Set("Webhook-Id", "msg_p5jXN8AQM9LWM0D4loKWxJek")
	header.Set("Webhook-Timestamp", "1614265330")
	header.Set("Webhook-Signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
	body := []byte(`{"test": 2432232314}`)

	_, err := v.Verify(header, body)
	fmt.Println(err)
	receipt, err := v.VerifyAt(header, body, time.Unix(1614265345, 0))
	fmt.Println(receipt.Received.Sub(receipt.Time), err)
	// Output:
	// verify: standard-webhooks: Webhook-Timestamp: timestamp too old
	// 15s <nil>
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
