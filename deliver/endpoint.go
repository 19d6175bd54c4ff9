package deliver

import (
	"math"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"
	"time"

	"example.com/paperround/topic"
)

const (
	defaultEndpointConcurrency = 8
	defaultTimeout             = 15 * time.Second
)

// Signer adds what proves the origin of a request: a signature, credentials, or
// both. The types of package sign are Signers.
//
// Sign sets its headers in header, which holds nothing but the content type.
// It is called anew for every attempt with the message's id, the time of the
// attempt and the body, which it must not change. It must be safe for
// concurrent use and must return promptly. An error or a panic is a fault of
// the sending side: the attempt is not spent, and nothing is sent.
type Signer interface {
	Sign(header http.Header, id string, at time.Time, body []byte) error
}

// Endpoint is where messages go: a URL of a tenant, the topics it asked for,
// and how to talk to it. It is read-only once handed to a directory.
type Endpoint struct {
	ID     string          // of the same characters as a message id; unique over all tenants
	Tenant string          // gets the messages of exactly this tenant
	URL    string          // absolute, https unless the client allows more, without userinfo and fragment
	Topics []topic.Pattern // at least one; topic.Everything for all
	Signer Signer          // required: nothing is sent unsigned

	// Header is sent with every request. What the signer sets wins over it, and
	// it may not set what frames the request, its content type or Webhook-Id.
	Header http.Header

	// Filters narrow down which messages of these topics it gets: those that pass
	// all of them.
	Filters []Filter

	// Ordered endpoints get the messages of one key in the order in which they were
	// published: the next one goes out when the one before has succeeded, or was
	// given up. Messages without a key, and those of different keys, do not wait for
	// each other. Messages that were published at the same time have no order. What
	// was fanned out before this was changed stays what it was then: ordered deliveries
	// wait for each other, and none waits for one that is not, nor the other way round.
	Ordered bool

	// Concurrency is how many exchanges may be under way at a time; 0 means what
	// Options.EndpointConcurrency says, which is 8 unless set.
	Concurrency int

	// Rate is how many exchanges may begin in a second, evenly spread but for what a
	// tenth of a second allows; 0 means what Options.EndpointRate says, negative no
	// bound.
	Rate float64

	// Relief is this endpoint's own; nil means the dispatcher's.
	Relief *Relief

	// Timeout is for the whole exchange, from signing to the end of the answer;
	// 0 means 15 seconds.
	Timeout time.Duration

	// Policy is this endpoint's own; nil means the dispatcher's.
	Policy *Policy

	// ExactOK makes 200 the only success; otherwise every 2xx is.
	ExactOK bool
}

func (e *Endpoint) timeout() time.Duration {
	if e.Timeout == 0 {
		return defaultTimeout
	}
	return e.Timeout
}

// wants reports whether the endpoint asked for messages like m.
func (e *Endpoint) wants(tenant string, t topic.Topic) bool {
	if e.Tenant != tenant {
		return false
	}
	for _, p := range e.Topics {
		if p.Match(t) {
			return true
		}
	}
	return false
}

// check judges all of the endpoint but where its URL may lead, which only a
// client can tell, and returns the URL.
func (e *Endpoint) check() (*url.URL, error) {
	if e == nil {
		return nil, invalid("endpoint is nil")
	}
	if err := checkID("endpoint id", e.ID); err != nil {
		return nil, err
	}
	fail := func(what string) error { return invalid("endpoint %s: %s", e.ID, what) }
	if err := checkName("tenant", e.Tenant); err != nil {
		return nil, err
	}
	if e.Signer == nil {
		return nil, fail("Signer is nil; give it one, nothing is sent unsigned")
	}
	if len(e.Topics) == 0 {
		return nil, fail("Topics is empty; write topic.Everything for all")
	}
	for _, p := range e.Topics {
		if _, err := topic.ParsePattern(string(p)); err != nil {
			return nil, &Error{Reason: ReasonInvalid, Detail: "endpoint " + e.ID + ": not a topic pattern", Err: err}
		}
	}
	if e.Concurrency < 0 || e.Timeout < 0 {
		return nil, fail("Concurrency and Timeout cannot be negative; 0 means the default")
	}
	if math.IsNaN(e.Rate) || math.IsInf(e.Rate, 0) {
		return nil, fail("Rate is no number; 0 means the default, negative no bound")
	}
	if err := e.Policy.validate(); err != nil {
		return nil, err
	}
	if err := e.Relief.validate(); err != nil {
		return nil, err
	}
	for _, f := range e.Filters {
		if err := f.validate(); err != nil {
			return nil, &Error{Reason: ReasonInvalid, Detail: "endpoint " + e.ID + ": " + err.Error(), Err: err}
		}
	}
	for name, values := range e.Header {
		if !isToken(name) {
			return nil, fail("Header has a name that is not a token")
		}
		if isReserved(name) {
			return nil, fail("Header may not set " + textproto.CanonicalMIMEHeaderKey(name))
		}
		if !areValues(values) {
			return nil, fail("Header has a control character in " + textproto.CanonicalMIMEHeaderKey(name))
		}
	}
	u, err := parseURL(e.URL)
	if err != nil {
		return nil, err
	}
	return u, nil
}

// isReserved reports whether a header is the exchange's own: what frames the
// request or describes the message.
func isReserved(name string) bool {
	switch textproto.CanonicalMIMEHeaderKey(name) {
	case "Host", "Content-Length", "Transfer-Encoding", "Connection", "Content-Type", "Content-Encoding",
		"Trailer", "Te", "Upgrade", "Keep-Alive", "Expect", "Proxy-Connection", "Proxy-Authorization",
		"Http2-Settings", headerID:
		return true
	}
	return false
}

// areValues reports whether a header may have these values.
func areValues(values []string) bool {
	for _, v := range values {
		for i := range len(v) {
			if c := v[i]; c < ' ' && c != '\t' || c == 0x7f {
				return false
			}
		}
	}
	return true
}

func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`"(),/:;<=>?@[\]{}`, c) >= 0 {
			return false
		}
	}
	return s != ""
}
