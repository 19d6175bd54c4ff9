package sqlstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"example.com/paperround/deliver"
	"example.com/paperround/topic"
)

const maxSecretName = 128

// Definition is an endpoint as it lives in a store: all of a [deliver.Endpoint] that
// is data, and the name of a secret.
type Definition struct {
	deliver.Endpoint // its Signer is nil: the secret's name leads to one at each attempt

	// Secret is the name of the secret that requests are signed with, and never the
	// secret: letters, digits, '_', '-', '.', ':' and '/', up to 128.
	Secret string

	// Version is another, larger one after each change. The store sets it.
	Version int64
}

// judge returns the form in which a definition is stored, or an error if it may not
// be: a [*deliver.Error] that says what to mend, or what the signers or Check said.
func (e *Endpoints) judge(ctx context.Context, d *Definition) (data string, err error) {
	switch {
	case d == nil:
		return "", invalid("definition is nil")
	case d.Signer != nil:
		return "", invalid("endpoint %s: a Signer cannot be stored; name a Secret", d.ID)
	}
	// Static has the rules that every endpoint keeps. It may not be handed what
	// is the caller's to change.
	signed := d.Endpoint
	signed.Signer = unsigned{}
	if _, err := deliver.Static(&signed); err != nil {
		return "", err
	}
	if err := judgeSecret(d.ID, d.Secret); err != nil {
		return "", err
	}
	if !d.isText() {
		return "", invalid("endpoint %s: URL, Header or Filters are not UTF-8, so they could not be stored as they are", d.ID)
	}
	for name, values := range d.Header {
		if isCredential(name, values) {
			return "", invalid("endpoint %s: Header %s looks like a credential, which is not stored; let the signer set it", d.ID, name)
		}
	}
	if signed.Signer, err = e.signer(ctx, &signed, d.Secret); err != nil {
		return "", err
	}
	if e.check != nil {
		if err := e.check(&signed); err != nil {
			return "", err
		}
	}
	return d.encode()
}

// isText reports whether all that is stored is UTF-8. IDs, tenants and topics are, or
// they would not have passed.
func (d *Definition) isText() bool {
	texts := []string{d.URL}
	for _, values := range d.Header {
		texts = append(texts, values...)
	}
	for _, f := range d.Filters {
		texts = append(append(texts, f.Path), f.Values...)
	}
	return !slices.ContainsFunc(texts, func(s string) bool { return !utf8.ValidString(s) })
}

// unsigned stands in for the signer until it is known that all else is in order.
type unsigned struct{}

func (unsigned) Sign(http.Header, string, time.Time, []byte) error {
	return errors.New("sqlstore: not a signer")
}

// judgeSecret refuses what is no name, and what looks like the secret itself. The
// error does not quote it.
func judgeSecret(id, name string) error {
	isName := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_-.:/", r)
	}
	switch {
	case name == "":
		return invalid("endpoint %s: Secret is empty; name one, nothing is sent unsigned", id)
	case len(name) > maxSecretName || strings.ContainsFunc(name, func(r rune) bool { return !isName(r) }):
		return invalid("endpoint %s: Secret is a name of letters, digits, '_', '-', '.', ':' and '/', up to %d", id, maxSecretName)
	case strings.HasPrefix(name, "whsec_") || strings.HasPrefix(name, "whsk_"):
		return invalid("endpoint %s: Secret looks like a secret; it is the name of one", id)
	}
	return nil
}

// isCredential reports whether a header looks as if it proved who sends it.
func isCredential(name string, values []string) bool {
	name = strings.ToLower(name)
	for _, part := range []string{"authoriz", "authent", "cookie", "credential", "token", "secret", "passw", "apikey", "signature"} {
		if strings.Contains(name, part) {
			return true
		}
	}
	for _, word := range strings.FieldsFunc(name, func(r rune) bool { return r == '-' || r == '_' || r == '.' }) {
		switch word {
		case "auth", "bearer", "jwt", "key", "pwd", "session":
			return true
		}
	}
	for _, v := range values {
		scheme, _, ok := strings.Cut(strings.TrimSpace(v), " ")
		if ok && (strings.EqualFold(scheme, "bearer") || strings.EqualFold(scheme, "basic")) {
			return true
		}
	}
	return false
}

// stored is what of an endpoint is neither a column of its own nor looked up: the
// form in which it is kept. Durations are nanoseconds.
type stored struct {
	URL         string          `json:"url"`
	Topics      []topic.Pattern `json:"topics"`
	Header      http.Header     `json:"header,omitempty"`
	Filters     []storedFilter  `json:"filters,omitempty"`
	Ordered     bool            `json:"ordered,omitzero"`
	Concurrency int             `json:"concurrency,omitzero"`
	Rate        float64         `json:"rate,omitzero"`
	Relief      *storedRelief   `json:"relief,omitempty"`
	Timeout     time.Duration   `json:"timeout,omitzero"`
	Policy      *storedPolicy   `json:"policy,omitempty"`
	ExactOK     bool            `json:"exact_ok,omitzero"`
}

// These are converted to and from the types of package deliver, so one that gains a
// field there does not compile until it has one here.
type (
	storedFilter struct {
		Path   string   `json:"path"`
		Values []string `json:"values"`
	}
	storedRelief struct {
		Shrink        float64       `json:"shrink,omitzero"`
		BreakerShare  float64       `json:"breaker_share,omitzero"`
		BreakerLeast  int           `json:"breaker_least,omitzero"`
		BreakerWindow time.Duration `json:"breaker_window,omitzero"`
		BreakerPause  time.Duration `json:"breaker_pause,omitzero"`
	}
	storedPolicy struct {
		Schedule         []time.Duration `json:"schedule,omitzero"` // empty is another than none
		Jitter           float64         `json:"jitter,omitzero"`
		MaxAge           time.Duration   `json:"max_age,omitzero"`
		RejectedAttempts int             `json:"rejected_attempts,omitzero"`
		MaxRetryAfter    time.Duration   `json:"max_retry_after,omitzero"`
		GoneApart        time.Duration   `json:"gone_apart,omitzero"`
		GonePause        time.Duration   `json:"gone_pause,omitzero"`
		DisableAfter     time.Duration   `json:"disable_after,omitzero"`
		DisableSpread    time.Duration   `json:"disable_spread,omitzero"`
	}
)

func (d *Definition) encode() (string, error) {
	s := stored{
		URL: d.URL, Topics: d.Topics, Header: d.Header, Ordered: d.Ordered, Concurrency: d.Concurrency, Rate: d.Rate,
		Relief: (*storedRelief)(d.Relief), Timeout: d.Timeout, Policy: (*storedPolicy)(d.Policy), ExactOK: d.ExactOK,
	}
	for _, f := range d.Filters {
		s.Filters = append(s.Filters, storedFilter(f))
	}
	text, err := json.Marshal(s)
	return string(text), err
}

func (d *Definition) decode(text string) error {
	var s stored
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return fmt.Errorf("sqlstore: endpoint %s is not stored in a form that can be read: %w", d.ID, err)
	}
	d.Endpoint = deliver.Endpoint{
		ID: d.ID, Tenant: d.Tenant, URL: s.URL, Topics: s.Topics, Header: s.Header, Ordered: s.Ordered, Concurrency: s.Concurrency, Rate: s.Rate,
		Relief: (*deliver.Relief)(s.Relief), Timeout: s.Timeout, Policy: (*deliver.Policy)(s.Policy), ExactOK: s.ExactOK,
	}
	for _, f := range s.Filters {
		d.Filters = append(d.Filters, deliver.Filter(f))
	}
	return nil
}

// definitionTables is what Endpoints need. Of an endpoint that was deleted the row
// stays, without data. made is the version it was created with.
var definitionTables = []string{ //nolint:gochecknoglobals // a constant table
	`CREATE TABLE {definitions} (
		id {text} PRIMARY KEY,
		tenant {text} NOT NULL,
		made bigint NOT NULL,
		version bigint NOT NULL,
		secret {text} NOT NULL,
		data {text}
	)`,
	`CREATE INDEX {definitions_tenant} ON {definitions} (tenant, id) WHERE data IS NOT NULL`,
	`CREATE UNIQUE INDEX {definitions_version} ON {definitions} (version)`,
	`CREATE TABLE {definition_versions} (last bigint NOT NULL)`,
	`INSERT INTO {definition_versions} (last) VALUES (0)`,
}
