package verifytest_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"example.com/paperround/sign"
	"example.com/paperround/verify"
	"example.com/paperround/verify/verifytest"
)

// printT prints what would end a test, so that an example can show it.
type printT struct{}

func (printT) Helper() {}

func (printT) Fatalf(format string, args ...any) { fmt.Printf(format+"\n", args...) }

// newHook stands for the handler of a host.
func newHook(secret string) http.Handler {
	ring, err := sign.NewRing(sign.Key{Secret: sign.NewSecret(secret)})
	if err != nil {
		panic(err)
	}
	v, err := verify.New(sign.Stripe(), ring, nil)
	if err != nil {
		panic(err)
	}
	mw, err := verify.Middleware(v, nil)
	if err != nil {
		panic(err)
	}
	return mw(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }))
}

// In a test, pass the *testing.T.
func ExampleNewRequest() {
	stripe := verifytest.Sender{Scheme: sign.Stripe(), Secret: "whsec_test"}
	w := httptest.NewRecorder()
	newHook("whsec_test").ServeHTTP(w, verifytest.NewRequest(printT{}, stripe, []byte(`{"type":"payout.paid"}`), nil))
	fmt.Println(w.Code)
	// Output: 200
}

func ExampleAttack() {
	stripe := verifytest.Sender{Scheme: sign.Stripe(), Secret: "whsec_test"}
	body := []byte(`{"type":"payout.paid"}`)

	found, err := verifytest.Attack(newHook("whsec_test"), stripe, body, nil)
	fmt.Println(found, err)

	// A handler that reads the body, and takes an empty one for a reason to let
	// everything pass.
	hook := newHook("whsec_test")
	broken := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength == 0 {
			_, _ = io.WriteString(w, "ok")
			return
		}
		hook.ServeHTTP(w, r)
	})
	found, err = verifytest.Attack(broken, stripe, body, nil)
	for _, f := range found {
		fmt.Println(f)
	}
	fmt.Println(err)
	// Output:
	// [] <nil>
	// body: something cut off: a forgery got in: a right signature beside no body; answered 200
	// <nil>
}
