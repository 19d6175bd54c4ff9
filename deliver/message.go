package deliver

import (
	"mime"
	"net/http"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"example.com/paperround/topic"
)

const (
	maxIDLen   = 128 // of message and endpoint ids
	maxNameLen = 256 // of tenants, keys and content types
)

// Message is one accepted event on its way to its endpoints. It and its Body
// are read-only once published.
type Message struct {
	ID          string      // the same on every attempt; letters, digits, '_', '-' and ':', up to 128
	Tenant      string      // whose endpoints it goes to; may be empty, which is a tenant too
	Key         string      // what it is about, such as a customer id; may be empty; ordered endpoints get messages of one key in order
	Topic       topic.Topic // selects the endpoints
	ContentType string      // of Body
	Body        []byte      // sent as it is
	Trace       Trace       // where it was published

	// Delay is for how long a store holds the message back from fan-out, by its own
	// clock; 0 or less means not at all.
	Delay time.Duration
}

// Trace is a trace context as W3C Trace Context writes it: the values of the
// headers traceparent and tracestate. The zero value is none. It is comparable.
type Trace struct {
	Parent string // version, trace id, span id and flags, in lower-case hex joined by '-'
	State  string // of vendors; up to 512 characters
}

const (
	headerTraceParent = "Traceparent"
	headerTraceState  = "Tracestate"
	maxTraceState     = 512
)

// valid returns the trace, or none if it is malformed: a flaw of telemetry is no
// reason to refuse a message.
func (t Trace) valid() Trace {
	p := t.Parent
	if len(p) != 55 || p[2] != '-' || p[35] != '-' || p[52] != '-' || p[:2] == "ff" ||
		strings.Trim(p[:2]+p[3:35]+p[36:52]+p[53:], "0123456789abcdef") != "" ||
		strings.Trim(p[3:35], "0") == "" || strings.Trim(p[36:52], "0") == "" {
		return Trace{}
	}
	if len(t.State) > maxTraceState || strings.ContainsFunc(t.State, func(r rune) bool { return r < ' ' || r > '~' }) {
		t.State = ""
	}
	return t
}

// set writes the headers, unless somebody else did.
func (t Trace) set(header http.Header) {
	t = t.valid()
	if t.Parent == "" || header.Get(headerTraceParent) != "" {
		return
	}
	header.Set(headerTraceParent, t.Parent)
	if t.State != "" {
		header.Set(headerTraceState, t.State)
	}
}

func (m *Message) validate() error {
	if m == nil {
		return invalid("message is nil")
	}
	if err := checkID("message id", m.ID); err != nil {
		return err
	}
	if err := checkName("tenant", m.Tenant); err != nil {
		return err
	}
	if err := checkName("key", m.Key); err != nil {
		return err
	}
	if _, err := topic.Parse(string(m.Topic)); err != nil {
		return &Error{Reason: ReasonInvalid, Detail: "message has no valid topic", Err: err}
	}
	if m.ContentType == "application/json" {
		return nil
	}
	if _, _, err := mime.ParseMediaType(m.ContentType); err != nil {
		return &Error{Reason: ReasonInvalid, Detail: "content type is not a media type; write one such as application/json", Err: err}
	}
	return checkName("content type", m.ContentType) // a quoted parameter may hold anything
}

func checkID(what, id string) error {
	switch {
	case id == "":
		return invalid("%s is empty", what)
	case len(id) > maxIDLen:
		return invalid("%s is longer than %d bytes", what, maxIDLen)
	case strings.IndexFunc(id, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_' && r != '-' && r != ':'
	}) >= 0:
		return invalid("%s may hold letters, digits, '_', '-' and ':' only", what)
	}
	return nil
}

func checkName(what, s string) error {
	switch {
	case len(s) > maxNameLen:
		return invalid("%s is longer than %d bytes", what, maxNameLen)
	case !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl):
		return invalid("%s must be UTF-8 without control characters", what)
	}
	return nil
}
