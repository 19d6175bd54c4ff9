package inplayer

import (
	"encoding/json"
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"

	"example.com/paperround/event/internal/rawjson"
)

// Detail is what failed events say in explain and extras. The documentation
// shows it as text on some topics and as a map on others, so it is either:
// Fields when that is not nil, Text otherwise. Keys of deeper maps are written
// with brackets, "stripe_card[code]". In JSON a Detail is a string or an object.
type Detail struct {
	Text   string
	Fields map[string]string
}

// String returns the text, or the fields in order as "key: value; key: value".
func (d *Detail) String() string {
	if d == nil {
		return ""
	}
	if d.Fields == nil {
		return d.Text
	}
	parts := make([]string, 0, len(d.Fields))
	for _, name := range slices.Sorted(maps.Keys(d.Fields)) {
		parts = append(parts, name+": "+d.Fields[name])
	}
	return strings.Join(parts, "; ")
}

// MarshalJSON writes an object of the fields, or a string.
func (d *Detail) MarshalJSON() ([]byte, error) {
	if d.Fields != nil {
		return rawjson.Marshal(d.Fields)
	}
	return rawjson.Marshal(d.Text)
}

// UnmarshalJSON reads a string or an object of strings.
func (d *Detail) UnmarshalJSON(b []byte) error {
	*d = Detail{}
	if b[0] == '"' {
		return json.Unmarshal(b, &d.Text)
	}
	return json.Unmarshal(b, &d.Fields)
}

// Alternatives returns the types of which a value holds one, for tools that
// describe payloads.
func (*Detail) Alternatives() []reflect.Type {
	return []reflect.Type{reflect.TypeFor[string](), reflect.TypeFor[map[string]string]()}
}

// SetForm takes the value that a form has at path, which is empty or in
// brackets.
func (d *Detail) SetForm(path, value string) error {
	if path == "" {
		*d = Detail{Text: value}
		return nil
	}
	end := strings.IndexByte(path, ']')
	if path[0] != '[' || end < 0 {
		return errors.New("inplayer: a path of a form is in brackets")
	}
	if d.Fields == nil {
		*d = Detail{Fields: map[string]string{}}
	}
	d.Fields[path[1:end]+path[end+1:]] = value
	return nil
}

// AppendForm calls add with each path and value that a form has for the detail.
func (d *Detail) AppendForm(add func(path, value string)) {
	if d.Fields == nil {
		add("", d.Text)
		return
	}
	for _, name := range slices.Sorted(maps.Keys(d.Fields)) {
		first, rest, deeper := strings.Cut(name, "[")
		if deeper {
			rest = "[" + rest
		}
		add("["+first+"]"+rest, d.Fields[name])
	}
}
