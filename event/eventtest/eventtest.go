package eventtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"example.com/paperround/event"
	"example.com/paperround/event/cleeng"
	"example.com/paperround/event/conscent"
	"example.com/paperround/event/drift"
	"example.com/paperround/event/inplayer"
	"example.com/paperround/event/internal/form"
	"example.com/paperround/topic"
)

// T is what the assertions need of [*testing.T].
type T interface {
	Helper()
	Errorf(format string, args ...any)
}

// New returns the usual example of a topic as an event, a new one for each call,
// for tests that need one with its fields filled in. It is nil when the catalog
// does not list the topic.
func New(t topic.Topic) event.Event {
	body := Sample(t)
	if body == nil {
		return nil
	}
	ev, err := Decode(t, body)
	if err != nil {
		return nil
	}
	return ev
}

// Decode reads a body as one of topic t, also where bodies do not tell theirs: an
// old sign-up or login of ConsCent, and its webhooks whose event value nobody
// published. What a body says of itself wins: ask the event for its topic.
func Decode(t topic.Topic, body []byte) (event.Event, error) {
	switch t.Provider() {
	case topic.Cleeng:
		return cleeng.Decode(body)
	case topic.InPlayer:
		return inplayer.Decode(body)
	case topic.ConsCent:
		o := &conscent.Options{}
		switch info, _ := t.Info(); {
		case t == topic.ConsCentOldSignUp || t == topic.ConsCentOldLogin:
			o.Old = t
		case info.Wire == "" && !strings.HasPrefix(t.Name(), "old."):
			o.Bind = map[string]topic.Topic{eventValue(body): t}
		}
		c, err := conscent.NewCodec(o)
		if err != nil {
			return nil, err
		}
		return c.Decode(body)
	}
	return nil, fmt.Errorf("eventtest: %q is no topic of the catalog", t)
}

// eventValue returns the event value of a new ConsCent webhook.
func eventValue(body []byte) string {
	var v struct {
		Event string `json:"event"`
	}
	if json.Unmarshal(body, &v) != nil {
		return ""
	}
	return v.Event
}

// Allowance is something that [AssertShape] is told to let pass.
type Allowance uint8

const (
	// AllowUndocumented lets topics pass whose payload nobody published: the test
	// says that it knows that the envelope alone is compared.
	AllowUndocumented Allowance = iota + 1
	// AllowMissing lets bodies pass that lack documented fields.
	AllowMissing
	// AllowUnknown lets bodies pass that have keys of their own.
	AllowUnknown
)

// AssertShape fails the test unless body is one of topic tp as the public
// documentation shows it. It reports every missing, unknown and mistyped field
// with its JSON path or form key and with what was expected, and whether it
// passed. An object that several topics share is checked as loosely as the
// loosest of its examples.
func AssertShape(t T, tp topic.Topic, body []byte, allow ...Allowance) bool {
	t.Helper()
	info, ok := tp.Info()
	if !ok {
		t.Errorf("%q is no topic of the catalog", tp)
		return false
	}
	if info.Evidence == topic.NameAlone && !slices.Contains(allow, AllowUndocumented) {
		t.Errorf("%s: nobody published the payload, so only the envelope can be compared; pass AllowUndocumented if that will do", tp)
		return false
	}
	found, err := drift.Compare(tp, body)
	if err != nil {
		t.Errorf("%s: %v", tp, err)
		return false
	}
	found = slices.DeleteFunc(found, func(d drift.Difference) bool {
		return d.Kind == drift.Missing && slices.Contains(allow, AllowMissing) ||
			d.Kind == drift.Unknown && slices.Contains(allow, AllowUnknown)
	})
	if len(found) == 0 {
		return true
	}
	lines := make([]string, len(found))
	for i, d := range found {
		lines[i] = "\n\t" + d.String()
	}
	t.Errorf("%s: body is not as documented (%s):%s", tp, info.Source, strings.Join(lines, ""))
	return false
}

// AssertRoundTrip fails the test unless body decodes into the typed event of
// topic tp and encodes back to the same JSON value, numbers as written, or to
// the same form. It reports whether it passed.
func AssertRoundTrip(t T, tp topic.Topic, body []byte) bool {
	t.Helper()
	ev, err := Decode(tp, body)
	if err != nil {
		t.Errorf("%s: decoding: %v", tp, err)
		return false
	}
	if _, unknown := ev.(*event.Unknown); unknown || ev.Topic() != tp {
		t.Errorf("%s: body is one of %s, decoded as %T", tp, ev.Topic(), ev)
		return false
	}
	again, _, err := ev.Encode()
	if err != nil {
		t.Errorf("%s: encoding: %v", tp, err)
		return false
	}
	if lost := unequal(tp.Provider() == topic.InPlayer, body, again); lost != nil {
		t.Errorf("%s: body does not come back as it was, see %s", tp, strings.Join(lost, ", "))
		return false
	}
	return true
}

// unequal names the fields in which two bodies differ; none is nil.
func unequal(isForm bool, a, b []byte) []string {
	flatA, errA := flatten(isForm, a)
	flatB, errB := flatten(isForm, b)
	if errA != nil || errB != nil {
		return []string{"the whole body"}
	}
	var names []string
	for name := range maps.Keys(flatA) {
		if flatA[name] != flatB[name] {
			names = append(names, name)
		}
	}
	for name := range flatB {
		if _, ok := flatA[name]; !ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// flatten returns the scalars of a body by their path.
func flatten(isForm bool, body []byte) (map[string]string, error) {
	flat := map[string]string{}
	if isForm {
		pairs, err := form.Parse(body)
		for _, p := range pairs {
			flat[p.Key] = p.Value // of a key given twice the last counts
		}
		return flat, err
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	flattenValue(flat, "", v)
	return flat, nil
}

func flattenValue(flat map[string]string, path string, v any) {
	switch value := v.(type) {
	case map[string]any:
		flat[path] = "an object"
		for name, member := range value {
			if strings.ContainsAny(name, ".[") { // not to be taken for a path
				name = strconv.Quote(name)
			}
			flattenValue(flat, strings.TrimPrefix(path+"."+name, "."), member)
		}
	case []any:
		flat[path] = fmt.Sprintf("an array of %d", len(value))
		for i, elem := range value {
			flattenValue(flat, fmt.Sprintf("%s[%d]", path, i), elem)
		}
	case string:
		flat[path] = "string " + value
	default:
		flat[path] = fmt.Sprintf("%T %v", value, value)
	}
}
