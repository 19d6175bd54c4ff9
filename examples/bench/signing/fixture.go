package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"time"

	"example.com/paperround/sign"
)

const (
	messageID = "msg_p5jXN8AQM9LWM0D4loKWxJek"

	// keyText is 32 bytes, which every scheme takes for a key.
	keyText = "0123456789abcdef0123456789abcdef"
)

// fixture is one authentic message under one scheme, and what it takes to make
// and to verify it.
type fixture struct {
	scheme sign.Scheme
	secret string // As the peers take it.
	key    []byte // What the HMAC is keyed with.
	ring   *sign.Ring
	now    time.Time
	unix   string // now, as the schemes write it.
	head   string // What the scheme signs before the body.
	body   []byte
	header http.Header
}

// newFixture signs a body. Peers have no clock to set, so the message is of this
// moment, and good for five minutes.
func newFixture(s sign.Scheme, body []byte) (*fixture, error) {
	fx := &fixture{
		scheme: s,
		now:    time.Now(),
		body:   body,
		header: http.Header{"Content-Type": {"application/json"}},
	}
	err := fx.setKey(keyText)
	if err != nil {
		return nil, err
	}
	if fx.unix, err = s.TimeUnit.Format(fx.now); err != nil {
		return nil, err
	}
	for _, p := range s.Cover[:len(s.Cover)-1] {
		switch p {
		case sign.PartID:
			fx.head += messageID
		case sign.PartTime:
			fx.head += fx.unix
		default:
			fx.head += string(p)
		}
	}
	signer, err := sign.New(s, fx.ring, nil)
	if err != nil {
		return nil, err
	}
	return fx, signer.Sign(fx.header, messageID, fx.now, body)
}

// setKey gives the fixture another key, and leaves its tag as it is.
func (fx *fixture) setKey(key string) (err error) {
	fx.key, fx.secret = []byte(key), key
	if fx.scheme.KeyForm == sign.Whsec {
		fx.secret = "whsec_" + base64.StdEncoding.EncodeToString(fx.key)
	}
	fx.ring, err = sign.NewRing(sign.Key{Secret: sign.NewSecret(fx.secret)})
	return err
}

// message is what sign.Compiled takes.
func (fx *fixture) message() sign.Message {
	return sign.Message{ID: messageID, Time: fx.unix, Body: fx.body}
}

// jsonBody returns an object of exactly size bytes. It reads as a ping of
// GitHub's, for a peer that cannot verify without decoding.
func jsonBody(size int) []byte {
	const head, tail = `{"hook_id":109948940,"zen":"`, `"}`
	b := append([]byte(head), bytes.Repeat([]byte("x"), size-len(head)-len(tail))...)
	return append(b, tail...)
}

// exchange is one request that is served again and again, with a writer that
// keeps the status alone, so that the work between them is all there is.
type exchange struct {
	request *http.Request
	reader  *bytes.Reader
	body    []byte
	status  int
	header  http.Header
}

func newExchange(header http.Header, body []byte) *exchange {
	x := &exchange{reader: bytes.NewReader(body), body: body, header: make(http.Header)}
	x.request = httptest.NewRequestWithContext(context.Background(), http.MethodPost, "/", x.reader)
	x.request.Header = header
	return x
}

// again returns the request with its body unread.
func (x *exchange) again() *http.Request {
	x.reader.Reset(x.body)
	return x.request
}

// serve has h answer the request; any answer but 200 is an error.
func (x *exchange) serve(h http.Handler) error {
	x.status = 0
	h.ServeHTTP(x, x.again())
	if x.status != http.StatusOK {
		return fmt.Errorf("the answer is %d", x.status)
	}
	return nil
}

// Header, Write and WriteHeader make it the http.ResponseWriter of its request.
func (x *exchange) Header() http.Header { return x.header }

func (x *exchange) Write(p []byte) (int, error) {
	if x.status == 0 {
		x.status = http.StatusOK
	}
	return io.Discard.Write(p)
}

func (x *exchange) WriteHeader(status int) {
	if x.status == 0 {
		x.status = status
	}
}
