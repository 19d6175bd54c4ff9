package form

import (
	"encoding"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"

	"example.com/paperround/event"
)

// Nested is a value with a form of its own below its key, such as one that is
// text in some bodies and a map in others. Paths are bracketed: "" or "[a][b]".
type Nested interface {
	SetForm(path, value string) error
	AppendForm(add func(path, value string))
}

// Decode stores a value into the field of the struct that v points to which the
// path names. A later value replaces an earlier one. A path that the struct has
// no field for is passed over. The error is an [*event.Error] about the pair.
func Decode(v any, path string, p Pair) error {
	ok, want := set(reflect.ValueOf(v).Elem(), path, p.Value)
	if ok {
		return nil
	}
	return &event.Error{Field: Label(p.Key), Offset: p.Offset, Reason: "want " + want, Err: event.ErrMistyped}
}

// set reports whether value could be stored in v, and what would have been.
func set(v reflect.Value, path, value string) (ok bool, want string) {
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			// Stored only when it can be set, so that an error leaves no trace.
			p := reflect.New(v.Type().Elem())
			if ok, want := set(p.Elem(), path, value); !ok {
				return false, want
			}
			v.Set(p)
			return true, ""
		}
		return set(v.Elem(), path, value)
	}
	switch a := v.Addr().Interface().(type) {
	case Nested:
		return a.SetForm(path, value) == nil, "text, or a map of texts"
	case encoding.TextUnmarshaler:
		return path == "" && a.UnmarshalText([]byte(value)) == nil, textName(a)
	}
	switch v.Kind() { //nolint:exhaustive // the other kinds have no form
	case reflect.String:
		if path != "" {
			return false, "text"
		}
		v.SetString(value)
		return true, ""
	case reflect.Map:
		if path == "" && value == "" { // stands for none
			return true, ""
		}
		name, rest, ok := cut(path)
		if !ok || rest != "" {
			return false, "a map of texts"
		}
		if v.IsNil() {
			v.Set(reflect.MakeMap(v.Type()))
		}
		v.SetMapIndex(reflect.ValueOf(name), reflect.ValueOf(value))
		return true, ""
	case reflect.Struct:
		name, rest, ok := cut(path)
		if !ok {
			return false, "a map"
		}
		if i, ok := planOf(v.Type()).index[name]; ok {
			return set(v.Field(i), rest, value)
		}
		return true, ""
	}
	return false, "nothing: forms do not hold a " + v.Type().String()
}

func textName(a encoding.TextUnmarshaler) string {
	switch a.(type) {
	case *event.ID:
		return "an id"
	case *event.Decimal:
		return "a decimal"
	case *event.Flag:
		return "a flag (true, false, 1 or 0)"
	case *event.Time:
		return "a time (RFC 3339, or seconds or milliseconds since 1970)"
	}
	return "text"
}

// plan is what a struct type's tags say.
type plan struct {
	fields []field
	index  map[string]int // from a field's name in forms to its number in the struct
}

type field struct {
	number   int
	name     string
	omitZero bool
}

// plans keeps the plan of each type, since reading tags costs more than all the
// rest of decoding.
var plans sync.Map //nolint:gochecknoglobals // a cache, of as many entries as there are event types

func planOf(t reflect.Type) *plan {
	if p, ok := plans.Load(t); ok {
		return p.(*plan) //nolint:forcetypeassert // nothing else is stored
	}
	p := &plan{index: map[string]int{}}
	for i := range t.NumField() {
		name, options, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		if name != "" && name != "-" {
			p.fields = append(p.fields, field{i, name, options == "omitzero"})
			p.index[name] = i
		}
	}
	plans.Store(t, p)
	return p
}

// Encode calls add for every value in the struct that v points to, in the order
// of its fields, with the key of each: root and the bracketed path. Zero fields
// tagged omitzero are left out. The error is an [*event.Error] about a key.
func Encode(root string, v any, add func(key, value string)) error {
	return encode(reflect.ValueOf(v).Elem(), root, add)
}

func encode(v reflect.Value, path string, add func(key, value string)) error {
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			add(path, "")
			return nil
		}
		v = v.Elem()
	}
	if v.CanAddr() {
		if n, ok := reflect.TypeAssert[Nested](v.Addr()); ok {
			n.AppendForm(func(sub, value string) { add(path+sub, value) })
			return nil
		}
	}
	if m, ok := reflect.TypeAssert[encoding.TextMarshaler](v); ok {
		text, err := m.MarshalText()
		if err != nil {
			return err
		}
		add(path, string(text))
		return nil
	}
	switch v.Kind() {
	case reflect.String:
		add(path, v.String())
	case reflect.Map:
		m, _ := reflect.TypeAssert[map[string]string](v)
		for _, name := range slices.Sorted(maps.Keys(m)) {
			if strings.ContainsAny(name, "[]") {
				return &event.Error{Field: path, Offset: -1, Reason: "a key of the map has brackets", Err: event.ErrMalformed}
			}
			add(path+"["+name+"]", m[name])
		}
	case reflect.Struct:
		for _, f := range planOf(v.Type()).fields {
			value := v.Field(f.number)
			if f.omitZero && isZero(value) {
				continue
			}
			if err := encode(value, path+"["+f.name+"]", add); err != nil {
				return err
			}
		}
	default:
		return &event.Error{Field: path, Offset: -1, Reason: "forms do not hold a " + v.Type().String(), Err: event.ErrIncomplete}
	}
	return nil
}

func isZero(v reflect.Value) bool {
	if z, ok := reflect.TypeAssert[interface{ IsZero() bool }](v); ok {
		return z.IsZero()
	}
	return v.IsZero()
}
