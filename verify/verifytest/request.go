package verifytest

import (
	"bytes"
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"example.com/paperround/sign"
)

// defaultURL is where requests go that are told nothing else.
const defaultURL = "https://receiver.test/webhooks"

// T is what NewRequest needs of [*testing.T], [*testing.B] and [*testing.F].
type T interface {
	Helper()
	Fatalf(format string, args ...any)
}

// Sender is the provider's side: how it signs, and with which secret. It is a
// [sign.HeaderSigner]. The zero value is not usable: Sign then returns an error
// wrapping ErrConfig. It is a plain value, safe for concurrent use, and printing it shows no
// secret.
type Sender struct {
	// Scheme and Secret are how requests are signed. A zero Scheme signs
	// nothing; then User is required. Under Ed25519 the secret is the private
	// key, "whsk_" and base64.
	Scheme sign.Scheme
	Secret string

	// User and Password are Basic credentials that come along, or stand
	// alone. Empty: none.
	User, Password string
}

// Sign signs a message as the provider does. It is made for tests: it reads the
// secret anew at each call. The errors are those of package sign, and an *Error
// wrapping ErrConfig when the sender has nothing to sign with.
func (s Sender) Sign(header http.Header, id string, at time.Time, body []byte) error {
	signer, err := s.signer()
	if err != nil {
		return err
	}
	return signer.Sign(header, id, at, body)
}

// Format writes the names in the sender, and its secrets for no verb.
func (s Sender) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "{Scheme:"+s.Scheme.Name+" User:"+s.User+" Secret:[secret]}")
}

// MarshalText returns what Format writes.
func (s Sender) MarshalText() ([]byte, error) { return fmt.Append(nil, s), nil }

func (s Sender) signer() (sign.HeaderSigner, error) {
	var signers []sign.HeaderSigner
	if s.signs() || s.Secret != "" {
		ring, err := sign.NewRing(sign.Key{Secret: sign.NewSecret(s.Secret)})
		if err != nil {
			return nil, err
		}
		signer, err := sign.New(s.Scheme, ring, nil)
		if err != nil {
			return nil, err
		}
		signers = append(signers, signer)
	}
	if s.User != "" || s.Password != "" {
		basic, err := sign.NewBasic(s.User, sign.NewSecret(s.Password))
		if err != nil {
			return nil, err
		}
		signers = append(signers, basic)
	}
	if len(signers) == 0 {
		return nil, configError("the sender has neither a scheme nor Basic credentials: give it one of them")
	}
	return sign.All(signers...)
}

// signs reports whether the sender has a scheme.
func (s Sender) signs() bool { return s.Scheme.Tag.Header != "" }

// Options are the choices of NewRequest. Nil and the zero value mean the
// defaults.
type Options struct {
	// URL is where the request goes. Empty: a path of https://receiver.test,
	// which a handler sees as a request over TLS.
	URL string

	// ID is the message id. Empty: a new one for each request. Schemes that
	// sign none ignore it.
	ID string

	// Time is the time of sending. Zero: now. Schemes that sign none ignore it.
	Time time.Time

	// ContentType is the header of that name. Empty: application/json when the
	// body is JSON, else application/x-www-form-urlencoded.
	ContentType string

	// Header holds further headers, which nobody signs. It is only read.
	Header http.Header
}

// NewRequest returns a POST request as the provider would send it, signed by s: a
// [Sender], or any other signer. It is fit for a handler's ServeHTTP as well as
// for an http.Client. The body is copied. It fails the test when the request
// cannot be made, and returns nil where t goes on after that. A nil o means the
// defaults.
func NewRequest(t T, s sign.HeaderSigner, body []byte, o *Options) *http.Request {
	t.Helper()
	r, err := newRequest(s, bytes.Clone(body), o)
	if err != nil {
		t.Fatalf("verifytest: making a request: %v", err)
		return nil
	}
	return r
}

func newRequest(s sign.HeaderSigner, body []byte, o *Options) (*http.Request, error) {
	if s == nil {
		return nil, configError("the signer is nil")
	}
	var opts Options
	if o != nil {
		opts = *o
	}
	d := &draft{
		method: http.MethodPost,
		url:    or(opts.URL, defaultURL),
		header: baseHeader(opts.Header, or(opts.ContentType, contentType(body))),
		body:   body,
	}
	at := opts.Time
	if at.IsZero() {
		at = time.Now()
	}
	if err := s.Sign(d.header, or(opts.ID, "msg_"+rand.Text()), at, body); err != nil {
		return nil, err
	}
	return d.request()
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

func baseHeader(more http.Header, contentType string) http.Header {
	h := http.Header{"Content-Type": {contentType}}
	for name, lines := range more {
		h[http.CanonicalHeaderKey(name)] = append([]string(nil), lines...)
	}
	return h
}

func contentType(body []byte) string {
	if json.Valid(body) {
		return "application/json"
	}
	return "application/x-www-form-urlencoded"
}

// draft is a request that can be made any number of times.
type draft struct {
	method, url string
	header      http.Header
	body        []byte
	chunked     bool // The length is not declared.
	breaksOff   bool // Reading fails where the body ends, which is before the declared length.
	id, at      string
}

// request makes the request. It has what a server adds, which a client ignores.
func (d *draft) request() (*http.Request, error) {
	target, err := url.Parse(d.url)
	if err != nil || target.Host == "" || target.Scheme != "http" && target.Scheme != "https" {
		return nil, configError("the URL is no absolute http or https URL")
	}
	var body io.Reader = bytes.NewReader(d.body)
	if d.chunked || d.breaksOff {
		body = struct{ io.Reader }{body}
	}
	if d.breaksOff {
		body = io.MultiReader(body, brokenReader{})
	}
	r, err := http.NewRequest(d.method, d.url, body) //nolint:noctx // whoever sends it gives it one
	if err != nil {
		return nil, &Error{Reason: "the request cannot be made", Err: ErrConfig}
	}
	if d.breaksOff {
		r.ContentLength = int64(len(d.body)) + 1
	} else if d.chunked {
		r.ContentLength = -1
	}
	r.Header = d.header.Clone()
	r.RemoteAddr = "192.0.2.1:1234" // of those set aside for documentation
	if target.Scheme == "https" {
		r.TLS = &tls.ConnectionState{Version: tls.VersionTLS13, HandshakeComplete: true, ServerName: target.Hostname()}
	}
	return r, nil
}

// brokenReader is a connection that breaks off.
type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
