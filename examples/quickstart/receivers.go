package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync/atomic"

	"example.com/paperround/event"
	"example.com/paperround/event/cleeng"
	"example.com/paperround/event/conscent"
	"example.com/paperround/event/inplayer"
	"example.com/paperround/sign"
	"example.com/paperround/topic"
	"example.com/paperround/verify"
)

// secrets is what both sides share, made anew for each run.
type secrets struct {
	cleeng, inplayerOld, inplayerNew, consCent sign.Key

	consCentUser     string
	consCentPassword sign.Secret
}

func newSecrets() secrets {
	return secrets{
		cleeng:           sign.Key{ID: "shared", Secret: sign.NewSecret(rand.Text())},
		inplayerOld:      sign.Key{ID: "2025", Secret: sign.NewSecret(rand.Text())},
		inplayerNew:      sign.Key{ID: "2026", Secret: sign.NewSecret(rand.Text())},
		consCent:         sign.Key{ID: "webhook", Secret: sign.NewSecret(rand.Text())},
		consCentUser:     "api-key",
		consCentPassword: sign.NewSecret(rand.Text()),
	}
}

// cleengScheme names header and encoding, which no public text of Cleeng does.
func cleengScheme() sign.Scheme { return sign.Cleeng("X-Webhook-Signature", sign.Hex) }

// receivers are the servers of the receiving side.
type receivers struct {
	cleeng, inplayer, consCent *httptest.Server // where endpoints point to
	behind                     *httptest.Server // InPlayer's receiver, behind who tampers
	roots                      *x509.CertPool
}

func (r *receivers) close() {
	for _, s := range []*httptest.Server{r.cleeng, r.inplayer, r.consCent, r.behind} {
		s.Close()
	}
}

func startReceivers(secrets secrets, acc *account) (*receivers, error) {
	cleengHandler, err := cleengReceiver(secrets, acc)
	if err != nil {
		return nil, err
	}
	inplayerHandler, err := inplayerReceiver(secrets, acc)
	if err != nil {
		return nil, err
	}
	consCentHandler, err := consCentReceiver(secrets, acc)
	if err != nil {
		return nil, err
	}
	r := &receivers{
		cleeng:   newServer(downAtFirst(cleengHandler)),
		consCent: newServer(consCentHandler),
		behind:   newServer(inplayerHandler),
		roots:    x509.NewCertPool(),
	}
	tamperer, err := tamperOnce(r.behind)
	if err != nil {
		return nil, err
	}
	r.inplayer = newServer(tamperer)
	r.roots.AddCert(r.cleeng.Certificate()) // all servers of httptest share it
	return r, nil
}

// newServer starts a server that keeps to itself which connections broke off
// when the program ended.
func newServer(h http.Handler) *httptest.Server {
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	return s
}

func cleengReceiver(secrets secrets, acc *account) (http.Handler, error) {
	ring, err := sign.NewRing(secrets.cleeng)
	if err != nil {
		return nil, err
	}
	verifier, err := verify.New(cleengScheme(), ring, nil)
	if err != nil {
		return nil, err
	}
	router, err := verify.NewRouter(cleeng.Codec(),
		verify.On(func(_ context.Context, d *verify.Delivery[*cleeng.PassCreated]) error {
			acc.handled(d.Event, d.Receipt, "pass "+d.Event.PassID.Text())
			return nil
		}),
		verify.On(func(_ context.Context, d *verify.Delivery[*cleeng.TransactionCreated]) error {
			acc.handled(d.Event, d.Receipt, "transaction "+d.Event.TransactionID)
			return nil
		}),
		verify.On(func(_ context.Context, d *verify.Delivery[*event.Unknown]) error {
			acc.handled(d.Event, d.Receipt, fmt.Sprintf("%d bytes, kept as they are", len(d.Event.Body)))
			return nil
		}),
	)
	if err != nil {
		return nil, err
	}
	return verify.Handler(verifier, router, &verify.HandlerOptions{OnRefused: acc.refused})
}

func inplayerReceiver(secrets secrets, acc *account) (http.Handler, error) {
	ring, err := sign.NewRing(secrets.inplayerOld, secrets.inplayerNew) // both, so that rotation loses nothing
	if err != nil {
		return nil, err
	}
	verifier, err := verify.New(sign.InPlayer(), ring, nil)
	if err != nil {
		return nil, err
	}
	router, err := verify.NewRouter(inplayer.Codec(),
		verify.On(func(_ context.Context, d *verify.Delivery[*inplayer.CustomerRegistered]) error {
			acc.handled(d.Event, d.Receipt, "welcome, "+d.Event.FullName)
			return nil
		}),
		verify.On(func(_ context.Context, d *verify.Delivery[*inplayer.SubscribeSuccess]) error {
			acc.handled(d.Event, d.Receipt, fmt.Sprintf("%s paid by %s", d.Event.FormattedAmount, d.Event.Email))
			return nil
		}),
		verify.On(func(_ context.Context, d *verify.Delivery[*inplayer.AssetAccessGranted]) error {
			acc.handled(d.Event, d.Receipt, "may watch "+d.Event.ItemTitle)
			return nil
		}),
		verify.On(func(_ context.Context, d *verify.Delivery[*inplayer.PaymentCardFailed]) error {
			acc.handled(d.Event, d.Receipt, fmt.Sprintf("code %s: %s", d.Event.Code, d.Event.Message))
			return nil
		}),
	)
	if err != nil {
		return nil, err
	}
	return verify.Handler(verifier, router, &verify.HandlerOptions{
		ContentTypes: []string{inplayer.ContentType},
		OnRefused:    acc.refused,
	})
}

func consCentReceiver(secrets secrets, acc *account) (http.Handler, error) {
	ring, err := sign.NewRing(secrets.consCent)
	if err != nil {
		return nil, err
	}
	hmac, err := verify.New(sign.ConsCent(), ring, nil)
	if err != nil {
		return nil, err
	}
	basic, err := verify.NewBasic(verify.Credential{
		ID: "basic", User: secrets.consCentUser, Password: secrets.consCentPassword,
	})
	if err != nil {
		return nil, err
	}
	both, err := verify.All(basic, hmac)
	if err != nil {
		return nil, err
	}
	router, err := verify.NewRouter(conscent.Codec(),
		verify.On(func(_ context.Context, d *verify.Delivery[*conscent.TransactionComplete]) error {
			tx := d.Event.Transaction
			if tx == nil { // everything is optional in ConsCent's bodies
				return verify.Permanent(errors.New("no transaction in the body"))
			}
			acc.handled(d.Event, d.Receipt, "amount "+tx.Amount.Text())
			return nil
		}),
		verify.On(func(_ context.Context, d *verify.Delivery[*conscent.OldMicroPayment]) error {
			acc.handled(d.Event, d.Receipt, "price "+d.Event.Price.Text())
			return nil
		}),
	)
	if err != nil {
		return nil, err
	}
	return verify.Handler(both, router, &verify.HandlerOptions{OnRefused: acc.refused})
}

// downAtFirst answers the first request with 503, and asks for a second's peace.
func downAtFirst(next http.Handler) http.Handler {
	var up atomic.Bool
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if up.Swap(true) {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Retry-After", "1")
		http.Error(w, "down for a moment", http.StatusServiceUnavailable)
	})
}

// tamperOnce stands between sender and receiver and forges one body: it makes
// the first subscription it sees dearer.
func tamperOnce(receiver *httptest.Server) (http.Handler, error) {
	target, err := url.Parse(receiver.URL)
	if err != nil {
		return nil, err
	}
	proxy := &httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport: receiver.Client().Transport,
	}
	var done atomic.Bool
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		if err != nil {
			http.Error(w, "cannot read", http.StatusBadRequest)
			return
		}
		if bytes.Contains(body, []byte(topic.InPlayerSubscribeSuccess.Name())) && !done.Swap(true) {
			body = bytes.ReplaceAll(body, []byte("7.99"), []byte("9.99"))
		}
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		proxy.ServeHTTP(w, r)
	}), nil
}
