package drift

import (
	"fmt"
	"slices"
	"strconv"

	"example.com/paperround/event"
	"example.com/paperround/event/internal/shape"
	"example.com/paperround/topic"
)

// Kind is how a body differs from its type. The zero value is no kind.
type Kind uint8

const (
	// Missing means that a field which every documented example has is not there.
	Missing Kind = iota + 1
	// Unknown means that no field has the name of a key of the body, letter for
	// letter. Decoding JSON is less strict: it takes a key in another case as well.
	Unknown
	// Mistyped means that a value is not of its field's type.
	Mistyped
)

// String returns the kind in a word.
func (k Kind) String() string {
	switch k {
	case Missing:
		return "missing"
	case Unknown:
		return "unknown"
	case Mistyped:
		return "mistyped"
	}
	return "no difference"
}

// Difference is one place where a body is not what its type says. It repeats no
// value of the body.
type Difference struct {
	Kind  Kind
	Field string // JSON path such as data.items[0].id, or form key such as resource[email]
	Want  string // what the documentation shows there; "" for an unknown key
	Got   string // the kind of value that is there; "" for a missing field
}

// String returns the difference as a sentence.
func (d Difference) String() string {
	switch d.Kind {
	case Missing:
		return fmt.Sprintf("%s is missing, want %s", d.Field, d.Want)
	case Unknown:
		return fmt.Sprintf("%s is unknown, got %s", d.Field, d.Got)
	case Mistyped:
		return fmt.Sprintf("%s is mistyped, got %s, want %s", d.Field, d.Got, d.Want)
	}
	return "no difference"
}

// Compare lists the differences between a body and the type of topic t, in the
// order of the type's fields, unknown keys after them. None is nil. It is an
// error when t has no type in the catalog, or when the body is malformed; then
// it is an [*event.Error].
//
// Of a topic whose payload nobody published, the envelope is compared.
func Compare(t topic.Topic, body []byte) ([]Difference, error) {
	s, ok := shape.Of(t)
	if !ok {
		return nil, fmt.Errorf("drift: %q is no topic of the catalog", t)
	}
	if t.Provider() == topic.InPlayer {
		n, err := parseForm(body)
		if err != nil {
			return nil, err
		}
		c := comparer{form: true}
		c.compare(s, n, "", false)
		return c.found, nil
	}
	n, err := parseJSON(body)
	if err != nil {
		return nil, err
	}
	var c comparer
	c.compare(s, n, "", false)
	return c.found, nil
}

type comparer struct {
	form  bool // whether paths are written as form keys
	found []Difference
}

func (c *comparer) child(path, name string) string {
	switch {
	case path == "":
		return name
	case c.form:
		return path + "[" + name + "]"
	}
	return path + "." + name
}

func (c *comparer) mistyped(s *shape.Shape, n *node, path string) {
	c.found = append(c.found, Difference{Kind: Mistyped, Field: path, Want: s.String(), Got: n.kind.String()})
}

func (c *comparer) compare(s *shape.Shape, n *node, path string, mayBeNull bool) {
	if n.kind == isNull {
		if !mayBeNull && s.Kind != shape.Any {
			c.mistyped(s, n, path)
		}
		return
	}
	switch s.Kind {
	case shape.Any:
	case shape.Object:
		c.object(s, n, path)
	case shape.Map:
		if n.kind != isObject {
			c.mistyped(s, n, path)
			return
		}
		text := &shape.Shape{Kind: shape.Text}
		for _, m := range n.members {
			c.compare(text, m.node, c.child(path, m.name), false)
		}
	case shape.Array:
		if n.kind != isArray {
			c.mistyped(s, n, path)
			return
		}
		for i, e := range n.elems {
			c.compare(s.Elem, e, path+"["+strconv.Itoa(i)+"]", false)
		}
	case shape.OneOf:
		c.oneOf(s, n, path)
	default:
		if !accepts(s, n) {
			c.mistyped(s, n, path)
		}
	}
}

func (c *comparer) object(s *shape.Shape, n *node, path string) {
	if n.kind != isObject {
		c.mistyped(s, n, path)
		return
	}
	for _, f := range s.Fields {
		m := n.member(f.Name)
		switch {
		case m != nil:
			c.compare(f.Shape, m, c.child(path, f.Name), f.Null)
		case f.Always:
			c.found = append(c.found, Difference{Kind: Missing, Field: c.child(path, f.Name), Want: f.Shape.String()})
		}
	}
	for _, m := range n.members {
		if !slices.ContainsFunc(s.Fields, func(f shape.Field) bool { return f.Name == m.name }) {
			c.found = append(c.found, Difference{Kind: Unknown, Field: c.child(path, m.name), Got: m.node.kind.String()})
		}
	}
}

// oneOf takes the first alternative without a difference. Of an object, the
// differences from the alternative that is one say more than that none fits.
func (c *comparer) oneOf(s *shape.Shape, n *node, path string) {
	var closest []Difference
	for _, a := range s.Alternatives {
		try := comparer{form: c.form}
		try.compare(a, n, path, false)
		if try.found == nil {
			return
		}
		if n.kind == isObject && (a.Kind == shape.Object || a.Kind == shape.Map) {
			closest = try.found
		}
	}
	if closest == nil {
		c.mistyped(s, n, path)
		return
	}
	c.found = append(c.found, closest...)
}

// accepts asks the scalar types themselves.
func accepts(s *shape.Shape, n *node) bool {
	if n.kind == isObject || n.kind == isArray {
		return false
	}
	var v interface {
		UnmarshalJSON(b []byte) error
		UnmarshalText(b []byte) error
	}
	switch s.Kind {
	case shape.Text:
		return n.kind == isString || n.kind == isText
	case shape.Constant:
		return (n.kind == isString || n.kind == isText) && n.text == s.Const
	case shape.ID:
		v = new(event.ID)
	case shape.Decimal:
		v = new(event.Decimal)
	case shape.Flag:
		v = new(event.Flag)
	case shape.Time:
		v = new(event.Time)
	default:
		return false
	}
	if n.kind == isText {
		return v.UnmarshalText([]byte(n.text)) == nil
	}
	return v.UnmarshalJSON(n.raw) == nil
}
