package deliver

import (
	"mime"
	"strings"
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
	Key         string      // what it is about, such as a customer id; may be empty; it does not order deliveries
	Topic       topic.Topic // selects the endpoints
	ContentType string      // of Body
	Body        []byte      // sent as it is
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
	if len(m.ContentType) > maxNameLen {
		return invalid("content type is longer than %d bytes", maxNameLen)
	}
	if _, _, err := mime.ParseMediaType(m.ContentType); err != nil {
		return &Error{Reason: ReasonInvalid, Detail: "content type is not a media type; write one such as application/json", Err: err}
	}
	return nil
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
