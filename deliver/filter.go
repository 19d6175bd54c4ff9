package deliver

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/url"
	"slices"
	"strings"
)

const maxFilterPath = 256

// Filter passes messages by the value of one field of their body. Cleeng's filter
// for a payment method, as an example, is
//
//	deliver.Filter{Path: "data.paymentMethodId", Values: []string{"320113641"}}
//
// A message whose body does not have the field, or is neither JSON nor a form, does
// not pass.
type Filter struct {
	// Path names the field by the keys that lead to it, joined by dots. In a form,
	// "resource.customer.id" is the field resource[customer][id].
	Path string

	// Values are those that pass, any of them: a number as it is written, a text as it
	// reads, true, false or null.
	Values []string
}

func (f Filter) validate() error {
	switch {
	case f.Path == "" || len(f.Path) > maxFilterPath || slices.Contains(strings.Split(f.Path, "."), ""):
		return errors.New("a filter's Path is empty or too long, or has an empty key")
	case len(f.Values) == 0:
		return errors.New("a filter has no Values, so nothing would pass")
	}
	return nil
}

// accepts reports whether a message with these fields passes all filters.
func (e *Endpoint) accepts(fields func(path string) (string, bool)) bool {
	for _, f := range e.Filters {
		if v, ok := fields(f.Path); !ok || !slices.Contains(f.Values, v) {
			return false
		}
	}
	return true
}

// fieldsOf returns a function that finds the value of a field in a message's body,
// which is read when the function is called first.
func fieldsOf(m *Message) func(path string) (string, bool) {
	var find func(path string) (string, bool)
	return func(path string) (string, bool) {
		if find == nil {
			find = readFields(m)
		}
		return find(path)
	}
}

func readFields(m *Message) func(path string) (string, bool) {
	mediaType, _, _ := mime.ParseMediaType(m.ContentType) // it was judged when the message was published
	if mediaType == "application/x-www-form-urlencoded" {
		form, err := url.ParseQuery(string(m.Body))
		return func(path string) (string, bool) {
			values := form[formKey(path)]
			if err != nil || len(values) == 0 {
				return "", false
			}
			return values[len(values)-1], true
		}
	}
	var body any
	d := json.NewDecoder(bytes.NewReader(m.Body))
	d.UseNumber()
	if err := d.Decode(&body); err != nil || !errors.Is(atEnd(d), io.EOF) {
		body = nil
	}
	return func(path string) (string, bool) { return jsonField(body, path) }
}

func atEnd(d *json.Decoder) error {
	_, err := d.Token()
	return err
}

func formKey(path string) string {
	first, rest, nested := strings.Cut(path, ".")
	if !nested {
		return first
	}
	return first + "[" + strings.ReplaceAll(rest, ".", "][") + "]"
}

func jsonField(v any, path string) (string, bool) {
	for key := range strings.SplitSeq(path, ".") {
		object, ok := v.(map[string]any)
		if !ok {
			return "", false
		}
		if v, ok = object[key]; !ok {
			return "", false
		}
	}
	switch v := v.(type) {
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	case bool:
		if v {
			return "true", true
		}
		return "false", true
	case nil:
		return "null", true
	default:
		return "", false
	}
}
