package drift

import (
	"bytes"
	"encoding/json"

	"example.com/paperround/event"
	"example.com/paperround/event/internal/form"
)

// node is a value of a body.
type node struct {
	kind    nodeKind
	raw     []byte // of a JSON scalar
	text    string // of a JSON string or a form's value
	members []member
	index   map[string]int // of the members, by name
	elems   []*node
}

type member struct {
	name string
	node *node
}

type nodeKind uint8

const (
	isNull nodeKind = iota
	isBool
	isNumber
	isString
	isText // a form's value
	isArray
	isObject
)

func (k nodeKind) String() string {
	return [...]string{"null", "a bool", "a number", "a string", "text", "an array", "an object"}[k]
}

func (n *node) member(name string) *node {
	if i, ok := n.index[name]; ok {
		return n.members[i].node
	}
	return nil
}

func (n *node) add(name string, m *node) {
	if n.index == nil {
		n.index = map[string]int{}
	}
	n.index[name] = len(n.members)
	n.members = append(n.members, member{name, m})
}

// parseJSON reads a body that is one strict JSON object.
func parseJSON(body []byte) (*node, error) {
	if err := event.Scan(body, nil); err != nil {
		return nil, err
	}
	return parseValue(body)
}

// parseValue reads a value of a body that Scan has accepted.
func parseValue(raw json.RawMessage) (*node, error) {
	for raw[0] == ' ' || raw[0] == '\t' || raw[0] == '\r' || raw[0] == '\n' {
		raw = raw[1:]
	}
	n := &node{raw: raw}
	switch raw[0] {
	case 'n':
		n.kind = isNull
	case 't', 'f':
		n.kind = isBool
	case '"':
		n.kind = isString
		return n, json.Unmarshal(raw, &n.text)
	case '[':
		n.kind = isArray
		var elems []json.RawMessage
		if err := json.Unmarshal(raw, &elems); err != nil {
			return nil, err
		}
		for _, raw := range elems {
			e, err := parseValue(raw)
			if err != nil {
				return nil, err
			}
			n.elems = append(n.elems, e)
		}
	case '{':
		n.kind = isObject
		return n, n.parseMembers(raw)
	default:
		n.kind = isNumber
	}
	return n, nil
}

func (n *node) parseMembers(raw []byte) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	if _, err := d.Token(); err != nil { // the brace
		return err
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return err
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return err
		}
		v, err := parseValue(value)
		if err != nil {
			return err
		}
		name, _ := key.(string)
		n.add(name, v)
	}
	return nil
}

// parseForm reads a form with nested keys; of a key given twice the last value
// counts. What decoding refuses is refused here: a key of the envelope twice, and
// a key that is both text and a map.
func parseForm(body []byte) (*node, error) {
	pairs, err := form.Parse(body)
	if err != nil {
		return nil, err
	}
	root := &node{kind: isObject}
	for _, p := range pairs {
		names, err := form.Names(p)
		if err != nil {
			return nil, err
		}
		n := root
		if names[0] != "resource" && n.member(names[0]) != nil {
			return nil, refused(p, "a key beside the resource may stand once only")
		}
		for _, name := range names {
			if n.kind == isText {
				return nil, refused(p, "the key is text and a map at once")
			}
			n.kind = isObject
			next := n.member(name)
			if next == nil {
				next = &node{}
				n.add(name, next)
			}
			n = next
		}
		if n.kind == isObject {
			return nil, refused(p, "the key is text and a map at once")
		}
		n.kind, n.text = isText, p.Value
	}
	return root, nil
}

func refused(p form.Pair, reason string) error {
	return &event.Error{Field: form.Label(p.Key), Offset: p.Offset, Reason: reason, Err: event.ErrMalformed}
}
