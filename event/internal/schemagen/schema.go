package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"example.com/paperround/event/internal/rawjson"
	"example.com/paperround/event/internal/shape"
	"example.com/paperround/topic"
)

// schema is the part of JSON Schema that the shapes need, its keywords in the
// order in which people read them. The zero value is the schema of anything.
type schema struct {
	Schema      string             `json:"$schema,omitzero"`
	ID          string             `json:"$id,omitzero"`
	Title       string             `json:"title,omitzero"`
	Description string             `json:"description,omitzero"`
	Ref         string             `json:"$ref,omitzero"`
	Type        any                `json:"type,omitzero"` // one name, or a list of them
	Const       string             `json:"const,omitzero"`
	Enum        []any              `json:"enum,omitzero"`
	Pattern     string             `json:"pattern,omitzero"` // of strings; other types pass it
	AnyOf       []*schema          `json:"anyOf,omitzero"`
	Items       *schema            `json:"items,omitzero"`
	Values      *schema            `json:"additionalProperties,omitzero"`
	Properties  properties         `json:"properties,omitzero"`
	Required    []string           `json:"required,omitzero"`
	Defs        map[string]*schema `json:"$defs,omitzero"`
}

// properties keeps the order of a struct's fields, which a map would not.
type properties []property

type property struct {
	name   string
	schema *schema
}

// MarshalJSON writes an object.
func (ps properties) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	for i, p := range ps {
		if i > 0 {
			b = append(b, ',')
		}
		name, err := rawjson.Marshal(p.name)
		if err != nil {
			return nil, err
		}
		value, err := rawjson.Marshal(p.schema)
		if err != nil {
			return nil, err
		}
		b = append(append(append(b, name...), ':'), value...)
	}
	return append(b, '}'), nil
}

// The texts of scalars. A pattern in a schema matches anywhere unless anchored.
const (
	decimal = `-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?`
	integer = `-?(0|[1-9][0-9]{0,17})`
	moment  = `[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])` +
		`T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]+)?` +
		`(Z|[+-]([01][0-9]|2[0-3]):?[0-5][0-9])`
)

// document writes the schema of a topic whose bodies have shape s.
func document(info topic.Info, s *shape.Shape) ([]byte, error) {
	w := writer{form: info.Topic.Provider() == topic.InPlayer, lax: info.Evidence != topic.WholePayload, defs: map[string]*schema{}}
	root := w.of(s)
	if w.lax {
		root.Required = envelope(info.Topic.Provider(), s)
	}
	if len(root.Required) == 0 {
		return nil, errors.New("a schema that requires nothing takes any object; name in envelope what these bodies always have")
	}
	root.Schema = "https://json-schema.org/draft/2020-12/schema"
	root.ID = "urn:paperround:schema:" + string(info.Topic.Provider()) + ":" + info.Topic.Name()
	root.Title = string(info.Topic)
	root.Description = w.describe(info, root.Required, s)
	root.Defs = w.defs
	b, err := rawjson.Marshal(root)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := json.Indent(&out, b, "", "  "); err != nil {
		return nil, err
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}

// envelope lists what a body has at its top whatever its payload is: the keys
// that no published example lacks, not even one of which the end is missing.
func envelope(p topic.Provider, s *shape.Shape) []string {
	var names []string
	switch p {
	case topic.Cleeng:
		names = []string{"broadcasterId", "topic", "data"}
	case topic.InPlayer:
		names = []string{"id", "created", "type", "resource"}
	case topic.ConsCent:
		// An old body has no envelope; at most type tells what it is.
		names = []string{"entity", "user_id", "event", "contains", "payload", "type"}
	}
	return slices.DeleteFunc(names, func(name string) bool {
		return !slices.ContainsFunc(s.Fields, func(f shape.Field) bool { return f.Name == name && f.Always })
	})
}

// describe says in words what the catalog knows of a topic, and what the schema
// makes of that.
func (w *writer) describe(info topic.Info, required []string, s *shape.Shape) string {
	d := []string{info.Summary, fmt.Sprintf("Status: %s.", info.Status)}
	switch info.Evidence {
	case topic.WholePayload:
		d = append(d, "A whole payload was published; what all whole examples of it have is required.")
	case topic.PartPayload:
		d = append(d, "A part of the payload was published, so only "+enumerate(required)+" must be there.")
	case topic.NameAlone:
		d = append(d, "The name was published and the payload was not, so only "+enumerate(required)+" must be there.")
	}
	if info.Wire == "" && slices.ContainsFunc(s.Fields, func(f shape.Field) bool { return f.Name == "event" }) {
		d = append(d, "The value of event was not published.")
	}
	if w.form {
		d = append(d, `A body is a form; this describes what it holds once its keys are split at their brackets,`+
			` where resource[email]=x is {"resource": {"email": "x"}}. Every leaf is a string.`)
	}
	return strings.Join(append(d, "Source: "+info.Source), " ")
}

func enumerate(names []string) string {
	if len(names) == 1 {
		return names[0]
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " and " + names[last]
}

// writer makes schemas of the shapes of one topic.
type writer struct {
	form bool               // every leaf is a string
	lax  bool               // nothing but the envelope is required
	defs map[string]*schema // the scalar types that have been used
}

func (w *writer) of(s *shape.Shape) *schema {
	switch s.Kind {
	case shape.Any:
	case shape.Object:
		o := &schema{Type: "object"}
		for _, f := range s.Fields {
			p := w.of(f.Shape)
			if f.Null {
				p = &schema{AnyOf: []*schema{p, {Type: "null"}}}
			}
			o.Properties = append(o.Properties, property{f.Name, p})
			if f.Always && !w.lax {
				o.Required = append(o.Required, f.Name)
			}
		}
		return o
	case shape.Map:
		return &schema{Type: "object", Values: &schema{Type: "string"}}
	case shape.Array:
		return &schema{Type: "array", Items: w.of(s.Elem)}
	case shape.Text:
		return &schema{Type: "string"}
	case shape.Constant:
		return &schema{Const: s.Const}
	case shape.OneOf:
		either := &schema{}
		for _, a := range s.Alternatives {
			either.AnyOf = append(either.AnyOf, w.of(a))
		}
		return either
	case shape.ID:
		return w.scalar("id", &schema{
			Description: "An id. Compare ids as text: the same one may be a number in one body and a string in another.",
			Type:        []string{"number", "string"},
		})
	case shape.Decimal:
		return w.scalar("decimal", &schema{
			Description: "An amount, a rate or a count; empty for none.",
			Type:        []string{"number", "string"}, Pattern: "^(" + decimal + ")?$",
		})
	case shape.Flag:
		return w.scalar("flag", &schema{
			Description: "Yes or no; empty for neither.",
			Enum:        []any{true, false, 1, 0, "true", "false", "1", "0", ""},
		})
	case shape.Time:
		return w.scalar("time", &schema{
			Description: "A moment: seconds since 1970, from 100000000000 on milliseconds; or RFC 3339, with or without a colon in the offset; empty for none.",
			Type:        []string{"integer", "string"}, Pattern: "^(" + integer + "|" + moment + ")?$",
		})
	}
	return &schema{}
}

// scalar refers to a scalar type by its name in $defs. In a form it is a string.
func (w *writer) scalar(name string, s *schema) *schema {
	if w.form {
		if s.Type != nil {
			s.Type = "string"
		}
		s.Enum = slices.DeleteFunc(s.Enum, func(v any) bool { _, isString := v.(string); return !isString })
	}
	w.defs[name] = s
	return &schema{Ref: "#/$defs/" + name}
}
