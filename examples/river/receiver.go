package main

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"time"

	"example.com/paperround/deliver"
	"example.com/paperround/event/inplayer"
	"example.com/paperround/sign"
	"example.com/paperround/topic"
	"example.com/paperround/verify"
)

// The endpoints, each of them a path of the one receiver.
const (
	billing = "billing" // takes everything at once
	crm     = "crm"     // is down at first and asks for two seconds of peace
	search  = "search"  // works, but its key cannot be had at first
	legacy  = "legacy"  // is not there
)

func newRing() (*sign.Ring, error) {
	return sign.NewRing(sign.Key{ID: "2026", Secret: sign.NewSecret(rand.Text())})
}

func newClient(receiver *httptest.Server) (*deliver.Client, error) {
	roots := x509.NewCertPool()
	roots.AddCert(receiver.Certificate())
	return deliver.NewClient(&deliver.ClientOptions{
		Guard:   deliver.Guard{Allow: deliver.Loopback(), AnyPort: true}, // anything else stays refused
		RootCAs: roots,
	})
}

// newPolicy is the default one in a hurry.
func newPolicy() *deliver.Policy {
	return &deliver.Policy{
		Schedule:         []time.Duration{100 * time.Millisecond, time.Second, 10 * time.Second},
		RejectedAttempts: 2,
	}
}

func newEndpoints(ring *sign.Ring, url string) (*deliver.StaticDirectory, error) {
	signer, err := sign.New(sign.InPlayer(), ring, nil)
	if err != nil {
		return nil, err
	}
	endpoint := func(id string, s deliver.Signer) *deliver.Endpoint {
		return &deliver.Endpoint{ID: id, URL: url + "/" + id, Topics: []topic.Pattern{topic.InPlayerAny}, Signer: s}
	}
	return deliver.Static(
		endpoint(billing, signer),
		endpoint(crm, signer),
		endpoint(search, &lateSigner{Signer: signer}),
		endpoint(legacy, signer),
	)
}

// lateSigner stands for a key service that does not answer the first time.
type lateSigner struct {
	deliver.Signer
	up atomic.Bool
}

// Sign implements [deliver.Signer].
func (s *lateSigner) Sign(header http.Header, id string, at time.Time, body []byte) error {
	if !s.up.Swap(true) {
		return errors.New("the key service does not answer")
	}
	return s.Signer.Sign(header, id, at, body)
}

// startReceiver starts who receives, verifies and handles.
func startReceiver(ring *sign.Ring, acc *account) (*httptest.Server, error) {
	verifier, err := verify.New(sign.InPlayer(), ring, nil)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	for _, id := range []string{billing, crm, search} {
		router, err := verify.NewRouter(inplayer.Codec(),
			verify.On(func(_ context.Context, d *verify.Delivery[*inplayer.SubscribeSuccess]) error {
				acc.received(id, d.Event)
				return nil
			}))
		if err != nil {
			return nil, err
		}
		handler, err := verify.Handler(verifier, router, &verify.HandlerOptions{ContentTypes: []string{inplayer.ContentType}})
		if err != nil {
			return nil, err
		}
		if id == crm {
			handler = downAtFirst(handler)
		}
		mux.Handle("/"+id, handler)
	}
	server := httptest.NewUnstartedServer(mux)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	return server, nil
}

func downAtFirst(next http.Handler) http.Handler {
	var up atomic.Bool
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if up.Swap(true) {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Retry-After", "2")
		http.Error(w, "down for a moment", http.StatusServiceUnavailable)
	})
}
