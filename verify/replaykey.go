package verify

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"net/url"
)

// keyOf returns the key of a message. It is a hash, so that it has one length and
// one alphabet whatever the sender writes, and so that a store holds no ids.
func (g *guard) keyOf(rc *Receipt) (string, error) {
	var space [256]byte
	b := appendText(space[:0], g.scope)
	b = appendText(b, rc.Scheme)
	b = appendText(b, rc.Sender)
	switch {
	case g.key != nil:
		text, err := g.key(rc)
		switch {
		case errors.Is(err, ErrConfig):
			return "", err
		case err == nil && text == "":
			err = errors.New("the key is empty")
		}
		if err != nil {
			return "", &Error{Scheme: rc.Scheme, Reason: "replay key", Err: fmt.Errorf("%w: %w", ErrUndecodable, err)}
		}
		b = append(append(b, 'k'), text...)
	case g.proves.ID && rc.ID != "":
		b = append(append(b, 'i'), rc.ID...)
	case g.proves.Time && !rc.Time.IsZero():
		body := sha256.Sum256(rc.Body)
		b = binary.AppendVarint(append(b, 't'), rc.Time.Unix())
		b = binary.AppendVarint(b, int64(rc.Time.Nanosecond()))
		b = append(b, body[:]...)
	default:
		return "", configError("the checker says that it proves an id or a time, and its receipt has neither")
	}
	sum := sha256.Sum256(b)
	var text [43]byte
	base64.RawURLEncoding.Encode(text[:], sum[:])
	return string(text[:]), nil
}

// appendText appends s so that nothing after it can be taken for a part of it.
func appendText(b []byte, s string) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

// FormKey returns a function for Replay.Key that takes a field of a form body,
// as "id" of InPlayer's. The field must be there exactly once, under any
// percent-encoding of its name, and not be empty.
func FormKey(field string) func(*Receipt) (string, error) {
	return func(rc *Receipt) (string, error) {
		if field == "" {
			return "", configError("FormKey has no field: name one")
		}
		found := ""
		for pair := range bytes.SplitSeq(rc.Body, []byte("&")) {
			name, value, _ := bytes.Cut(pair, []byte("="))
			switch text, err := url.QueryUnescape(string(name)); {
			case err != nil:
				return "", errors.New("a field's name is not percent-encoded as it should be")
			case text != field:
				continue
			case found != "":
				return "", errors.New("the form has the field twice")
			}
			text, err := url.QueryUnescape(string(value))
			switch {
			case err != nil:
				return "", errors.New("the field is not percent-encoded as it should be")
			case text == "":
				return "", errors.New("the field is empty")
			}
			found = text
		}
		if found == "" {
			return "", errors.New("the form does not have the field")
		}
		return found, nil
	}
}
