package sign_test

import (
	"fmt"
	"net/http"
	"time"

	"example.com/paperround/sign"
)

// Sign a request as InPlayer does. The body is the bytes that go over the wire.
func Example() {
	ring, err := sign.NewRing(sign.Key{Secret: sign.NewSecret("secret")})
	if err != nil {
		fmt.Println(err)
		return
	}
	signer, err := sign.New(sign.InPlayer(), ring, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	body := []byte("created=15475835&id=2333&resource%5Bfoo%5D=bar&type=payment.success")
	header := make(http.Header)
	if err := signer.Sign(header, "", time.Now(), body); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(header.Get("X-InPlayer-Signature"))
	// Output: sha256=f27f8ae41a0d60d823e8c296ec2e3e73c81843e3f9aedab2bdc030c4d6b0b0b8
}

// While keys rotate, both sign where the header has room for both. The ring can
// be replaced at any time, without a restart.
func ExampleRing_Replace() {
	old := sign.Key{ID: "2026-10", Secret: sign.NewSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")}
	ring, err := sign.NewRing(old)
	if err != nil {
		fmt.Println(err)
		return
	}
	signer, err := sign.New(sign.StandardWebhooks(), ring, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	show := func() {
		header := make(http.Header)
		if err := signer.Sign(header, "msg_1", time.Unix(1614265330, 0), []byte("{}")); err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(header.Get("Webhook-Signature"))
	}
	show()
	err = ring.Replace(old, sign.Key{ID: "2026-11", Secret: sign.NewSecret("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD")})
	if err != nil {
		fmt.Println(err)
		return
	}
	show()
	// Output:
	// v1,ZztYR0IIDCBCUcYzh8ZE+qsQWpIgtHU7R1hpe8htaD4=
	// v1,ZztYR0IIDCBCUcYzh8ZE+qsQWpIgtHU7R1hpe8htaD4= v1,7x4b0NlBAXvf6A1S9ZdaACO1rGiQqSydBK3FJ5b4ZOI=
}

// ConsCent sends Basic credentials and, when a webhook secret is set, an HMAC.
func ExampleAll() {
	basic, err := sign.NewBasic("sample-api-key", sign.NewSecret("sample-api-secret"))
	if err != nil {
		fmt.Println(err)
		return
	}
	ring, err := sign.NewRing(sign.Key{Secret: sign.NewSecret("sample-webhook-secret")})
	if err != nil {
		fmt.Println(err)
		return
	}
	hmac, err := sign.New(sign.ConsCent(), ring, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	both, err := sign.All(basic, hmac)
	if err != nil {
		fmt.Println(err)
		return
	}
	header := make(http.Header)
	if err := both.Sign(header, "", time.Now(), []byte("{}")); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(header.Get("Authorization"))
	fmt.Println(header.Get("X-Conscent-Signature"))
	// Output:
	// Basic c2FtcGxlLWFwaS1rZXk6c2FtcGxlLWFwaS1zZWNyZXQ=
	// 3dc4ca8322ee53aa929d9d66fff2454472abe04eb9ef9bbf33b38d4bea1a9a43
}

// A host's own scheme is a value. One that could be misread is refused.
func ExampleScheme() {
	scheme := sign.Scheme{
		Name:     "paywall",
		Cover:    []sign.Part{sign.PartTime, sign.PartBody},
		Tag:      sign.Field{Header: "X-Paywall-Signature", Prefix: "v1="},
		Time:     sign.Field{Header: "X-Paywall-Time"},
		Encoding: sign.Hex,
	}
	fmt.Println(scheme.Validate())
	scheme.Cover = []sign.Part{sign.PartTime, ".", sign.PartBody}
	fmt.Println(scheme.Validate())
	// Output:
	// sign: paywall: Cover has {time} beside {body}: put a literal between them
	// <nil>
}

// A secret shows itself to nobody.
func ExampleSecret() {
	config := struct {
		Name   string
		Secret sign.Secret
	}{"inplayer", sign.NewSecret("hunter2")}
	fmt.Printf("%+v\n", config)
	// Output: {Name:inplayer Secret:[secret]}
}
