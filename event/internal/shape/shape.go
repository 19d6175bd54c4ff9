// Package shape describes the bodies of the catalog's topics as trees, derived
// from the event structs: what has which type, what is always there, what may
// be null. Comparing bodies and writing schemas both go by these trees.
package shape

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"example.com/paperround/event"
	"example.com/paperround/event/cleeng"
	"example.com/paperround/event/conscent"
	"example.com/paperround/event/inplayer"
	"example.com/paperround/topic"
)

// Kind is what a value must be.
type Kind uint8

// The kinds of values.
const (
	Any      Kind = iota // whatever it is
	Object               // has Fields
	Map                  // texts by name
	Array                // of Elem
	Text                 // a string
	ID                   // an event.ID
	Decimal              // an event.Decimal
	Flag                 // an event.Flag
	Time                 // an event.Time
	OneOf                // of Alternatives
	Constant             // the string Const
)

// Shape is a tree that describes a value.
type Shape struct {
	Kind         Kind
	Fields       []Field
	Elem         *Shape
	Alternatives []*Shape
	Const        string
}

// Field is a member of an object.
type Field struct {
	Name   string
	Shape  *Shape
	Always bool // every documented example has it
	Null   bool // it is documented as null
}

// String says what the shape wants, for people.
func (s *Shape) String() string {
	switch s.Kind {
	case Any:
		return "anything"
	case Object:
		return "an object"
	case Map:
		return "an object of strings"
	case Array:
		return "an array"
	case Text:
		return "a string"
	case ID:
		return "an id (number or string)"
	case Decimal:
		return "a decimal (number, or string that holds one)"
	case Flag:
		return "a flag (true, false, 1 or 0)"
	case Time:
		return "a time (RFC 3339, or seconds or milliseconds since 1970)"
	case OneOf:
		names := make([]string, len(s.Alternatives))
		for i, a := range s.Alternatives {
			names[i] = a.String()
		}
		return strings.Join(names, ", or ")
	case Constant:
		return fmt.Sprintf("the string %q", s.Const)
	}
	return "nothing"
}

// Type returns the struct that the events of t are pointers to.
func Type(t topic.Topic) (reflect.Type, bool) {
	var c *event.Codec
	switch t.Provider() {
	case topic.Cleeng:
		c = cleeng.Codec()
	case topic.InPlayer:
		c = inplayer.Codec()
	case topic.ConsCent:
		c = conscent.Codec()
	default:
		return nil, false
	}
	for typ := range c.Types() {
		if e, ok := reflect.TypeAssert[event.Event](reflect.New(typ.Elem())); ok && e.Topic() == t && t != "" {
			return typ.Elem(), true
		}
	}
	return nil, false
}

// Of returns the shape of a whole body of t, the envelope included.
func Of(t topic.Topic) (*Shape, bool) {
	typ, ok := Type(t)
	if !ok {
		return nil, false
	}
	info, _ := t.Info()
	name := &Shape{Kind: Constant, Const: info.Wire}
	if info.Wire == "" {
		name = &Shape{Kind: Text}
	}
	payload := payloadOf(typ)
	always := func(name string, s *Shape) Field { return Field{Name: name, Shape: s, Always: true} }
	switch {
	case t.Provider() == topic.Cleeng:
		return &Shape{Kind: Object, Fields: []Field{
			always("broadcasterId", &Shape{Kind: ID}),
			always("topic", name),
			always("data", payload),
		}}, true
	case t.Provider() == topic.InPlayer:
		return &Shape{Kind: Object, Fields: []Field{
			always("id", &Shape{Kind: Text}),
			always("created", &Shape{Kind: Time}),
			always("type", name),
			{Name: "version", Shape: &Shape{Kind: Text}},
			always("resource", payload),
		}}, true
	case hasField(typ, "Envelope"):
		return &Shape{Kind: Object, Fields: []Field{
			always("entity", &Shape{Kind: Constant, Const: "event"}),
			always("user_id", &Shape{Kind: Text}),
			always("event", name),
			always("contains", &Shape{Kind: Array, Elem: &Shape{Kind: Text}}),
			always("payload", payload),
			always("client_info", of(reflect.TypeFor[conscent.ClientInfo]())),
			always("created_at", &Shape{Kind: Time}),
		}}, true
	}
	return payload, true
}

func hasField(t reflect.Type, name string) bool {
	_, ok := t.FieldByName(name)
	return ok
}

// payloadOf returns the shape of what an event's struct holds. Where nobody
// published the payload, it is anything.
func payloadOf(t reflect.Type) *Shape {
	if hasField(t, "Data") || hasField(t, "Resource") {
		return &Shape{Kind: Any}
	}
	return of(t)
}

func of(t reflect.Type) *Shape {
	switch t {
	case reflect.TypeFor[event.ID]():
		return &Shape{Kind: ID}
	case reflect.TypeFor[event.Decimal]():
		return &Shape{Kind: Decimal}
	case reflect.TypeFor[event.Flag]():
		return &Shape{Kind: Flag}
	case reflect.TypeFor[event.Time]():
		return &Shape{Kind: Time}
	case reflect.TypeFor[json.RawMessage]():
		return &Shape{Kind: Any}
	}
	if either, ok := reflect.TypeAssert[interface{ Alternatives() []reflect.Type }](reflect.Zero(t)); ok {
		s := &Shape{Kind: OneOf}
		for _, a := range either.Alternatives() {
			s.Alternatives = append(s.Alternatives, of(a))
		}
		return s
	}
	switch t.Kind() { //nolint:exhaustive // event structs have no other kinds
	case reflect.Pointer:
		return of(t.Elem())
	case reflect.Slice:
		return &Shape{Kind: Array, Elem: of(t.Elem())}
	case reflect.Map:
		return &Shape{Kind: Map}
	case reflect.String:
		return &Shape{Kind: Text}
	case reflect.Struct:
		s := &Shape{Kind: Object}
		for f := range t.Fields() {
			if field, ok := fieldOf(f); ok {
				s.Fields = append(s.Fields, field)
			}
		}
		return s
	}
	return &Shape{Kind: Any}
}

// fieldOf reads a field's tags: json for its name, doc for what the
// documentation shows of it. What is written even when it is zero is always
// there.
func fieldOf(f reflect.StructField) (Field, bool) {
	name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
	if name == "" || name == "-" {
		return Field{}, false
	}
	field := Field{Name: name, Shape: of(f.Type), Always: options != "omitzero"}
	for doc := range strings.SplitSeq(f.Tag.Get("doc"), ",") {
		switch value, isConst := strings.CutPrefix(doc, "const="); {
		case isConst:
			field.Shape = &Shape{Kind: Constant, Const: value}
		case doc == "always":
			field.Always = true
		case doc == "null":
			field.Null = true
		}
	}
	return field, true
}
