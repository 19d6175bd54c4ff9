package schematest_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"

	"example.com/paperround/event/drift"
	"example.com/paperround/event/eventtest"
	"example.com/paperround/event/schema"
	"example.com/paperround/topic"
)

// palette is what each value of an example is replaced with: something of every
// type, and texts and numbers at the edges of what the scalars take.
func palette() []any {
	n := func(s string) any { return json.Number(s) }
	return []any{
		nil, true, false,
		n("0"), n("1"), n("2"), n("-7"), n("1.5"), n("1724233622123"), n("99999999999999999999.5"),
		"", "0", "1", "2", "-7", "1.5", "1e5", "007", "10.00", "true", "false", "maybe", "event", "tomorrow",
		"2024-05-20T18:02:33Z", "2024-06-01T22:40:15+0000", "2024-05-20T18:02:33.123+05:30", "2024-05-20",
		[]any{},
		[]any{"x"},
		[]any{n("1")},
		[]any{map[string]any{}},
		map[string]any{},
		map[string]any{"x": "y"},
		map[string]any{"x": map[string]any{"y": "z"}},
	}
}

// place is where a body has a value.
type place struct {
	path   string
	value  any
	set    func(v any)
	remove func() // nil where nothing can be missing
}

// places lists where v has values, from the outside to the inside.
func places(path string, v any) []place {
	var all []place
	switch v := v.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			at := strings.TrimPrefix(path+"."+name, ".")
			set := func(value any) { v[name] = value }
			all = append(all, place{at, v[name], set, func() { delete(v, name) }})
			all = append(all, places(at, v[name])...)
		}
	case []any:
		for i := range v {
			at := path + "[" + strconv.Itoa(i) + "]"
			all = append(all, place{at, v[i], func(value any) { v[i] = value }, nil})
			all = append(all, places(at, v[i])...)
		}
	}
	return all
}

// judge compares two opinions of a body.
type judge struct {
	topic    topic.Topic
	schema   *jsonschema.Schema
	whole    bool
	required []string // at the top
	root     map[string]any
}

func newJudge(t *testing.T, e eventtest.Example) *judge {
	t.Helper()
	document, ok := schema.For(e.Topic)
	require.True(t, ok)
	var head struct {
		Required []string `json:"required"`
	}
	require.NoError(t, json.Unmarshal(document, &head))
	info, _ := e.Topic.Info()
	return &judge{e.Topic, compile(t, e.Topic), info.Evidence == topic.WholePayload, head.Required, parse(t, e)}
}

// refused reports whether the schema refuses the body, after comparing that with
// what package drift says of it.
func (j *judge) refused(t *testing.T, about string) bool {
	t.Helper()
	err := j.schema.Validate(j.root)
	body, ok := write(t, j.topic, j.root)
	if !ok {
		return err != nil // a body that drift cannot be asked about
	}
	found, driftErr := drift.Compare(j.topic, body)
	require.NoError(t, driftErr, about)
	wrong := slices.ContainsFunc(found, func(d drift.Difference) bool {
		return d.Kind == drift.Mistyped || d.Kind == drift.Missing && (j.whole || slices.Contains(j.required, d.Field))
	})
	require.Equal(t, wrong, err != nil, "%s: drift says %v, the schema %v", about, found, err)
	return err != nil
}

// counts is how many bodies were made, and how many of them were refused.
type counts struct{ replaced, replacedRefused, removed, removedRefused, added, addedRefused int }

func (c *counts) add(o counts) {
	c.replaced += o.replaced
	c.replacedRefused += o.replacedRefused
	c.removed += o.removed
	c.removedRefused += o.removedRefused
	c.added += o.added
	c.addedRefused += o.addedRefused
}

// replace puts every value of the palette at p. It reports whether the schema
// constrains what is there.
func (j *judge) replace(t *testing.T, p place, c *counts) (constrained bool) {
	t.Helper()
	defer p.set(p.value)
	takesOther := false
	for _, value := range palette() {
		p.set(value)
		c.replaced++
		if j.refused(t, p.path) {
			c.replacedRefused++
			constrained = true
		} else if !isText(value) {
			takesOther = true
		}
	}
	if constrained {
		require.False(t, isForm(j.topic) && takesOther, "%s: a form has text only", p.path)
		p.set(otherKind(p.value))
		require.True(t, j.refused(t, p.path), "%s: of another kind", p.path)
	}
	return constrained
}

// remove takes away what is at p.
func (j *judge) remove(t *testing.T, p place, c *counts) {
	t.Helper()
	defer p.set(p.value)
	p.remove()
	c.removed++
	if j.refused(t, p.path) {
		c.removedRefused++
	} else {
		require.NotContains(t, j.required, p.path)
	}
}

// extend gives an object a key that no type has.
func (j *judge) extend(t *testing.T, path string, o map[string]any, c *counts) {
	t.Helper()
	const name = "a_newer_key"
	defer delete(o, name)
	for _, value := range []any{"x", json.Number("1"), map[string]any{"y": "z"}} {
		o[name] = value
		c.added++
		if j.refused(t, path) {
			c.addedRefused++
		}
	}
}

// A body that is not as its type says is refused: every value of every example
// is replaced with others, every key removed, and a key added to every object.
func TestMutations(t *testing.T) { //nolint:tparallel // the sum is looked at when the group is through
	t.Parallel()
	var mu sync.Mutex
	var total counts
	free := map[string]bool{}
	t.Run("examples", func(t *testing.T) {
		for e := range eventtest.All() {
			t.Run(string(e.Topic)+" "+e.Variant, func(t *testing.T) {
				t.Parallel()
				j := newJudge(t, e)
				var c counts
				var unconstrained []string
				j.extend(t, "", j.root, &c)
				for _, p := range places("", j.root) {
					if !j.replace(t, p, &c) {
						unconstrained = append(unconstrained, string(j.topic)+" "+p.path)
					}
					if p.remove != nil {
						j.remove(t, p, &c)
					}
					if o, ok := p.value.(map[string]any); ok {
						j.extend(t, p.path, o, &c)
					}
				}
				require.False(t, j.refused(t, "as it was"))
				mu.Lock()
				defer mu.Unlock()
				total.add(c)
				for _, path := range unconstrained {
					free[path] = true
				}
			})
		}
	})
	t.Logf("%+v", total)
	require.Greater(t, total.replacedRefused, 40_000)
	require.Greater(t, total.replaced, total.replacedRefused+20_000, "what is another notation is accepted")
	require.Greater(t, total.removedRefused, 1_000)
	require.Greater(t, total.removed, total.removedRefused)
	require.Positive(t, total.addedRefused, "a map of texts takes only texts")
	require.Greater(t, total.added, 10*total.addedRefused, "a newer key is accepted")

	// Only what nobody has described is unconstrained.
	maps.DeleteFunc(free, func(at string, _ bool) bool { return isUnpublished(at) })
	require.Equal(t, []string{
		"cleeng:inappPurchaseValidationSucceeded data.inAppSpecificData",
		"cleeng:inappPurchaseValidationSucceeded data.inAppSpecificData.receiptId",
		"cleeng:inappPurchaseValidationSucceeded data.inAppSpecificData.receiptUserId",
	}, slices.Sorted(maps.Keys(free)))
}

// isUnpublished reports whether a topic and path is inside of a payload that
// was not published.
func isUnpublished(at string) bool {
	name, path, _ := strings.Cut(at, " ")
	info, ok := topic.Topic(name).Info()
	top, _, _ := strings.Cut(path, ".")
	return ok && info.Evidence == topic.NameAlone && (top == "data" || top == "resource")
}

// Bodies judged by people.
func TestByHand(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		topic            topic.Topic
		old, replacement string
		valid            bool
	}{
		{topic.CleengPassCreated, ``, ``, true},
		{topic.CleengPassCreated, `"active": true`, `"active": "1"`, true},
		{topic.CleengPassCreated, `"active": true`, `"active": "yes"`, false},
		{topic.CleengPassCreated, `"active": true`, `"active": 2`, false},
		{topic.CleengPassCreated, `"active": true`, `"active": null`, false},
		{topic.CleengPassCreated, `"active": true,`, ``, false},
		{topic.CleengPassCreated, `"active": true`, `"active": true, "tier": 3`, true},
		{topic.CleengPassCreated, `700118254`, `"700118254"`, true},
		{topic.CleengPassCreated, `700118254`, `true`, false},
		{topic.CleengPassCreated, `"ana@example.com"`, `7`, false},
		{topic.CleengPassCreated, `2024-05-20T18:02:33Z`, `2024-05-20T18:02:33+0000`, true},
		{topic.CleengPassCreated, `2024-05-20T18:02:33Z`, `1716228153`, true},
		{topic.CleengPassCreated, `"2024-05-20T18:02:33Z"`, `1716228153`, true},
		{topic.CleengPassCreated, `"2024-05-20T18:02:33Z"`, `1716228153.5`, false},
		{topic.CleengPassCreated, `2024-05-20T18:02:33Z`, `20 May 2024`, false},
		{topic.CleengPassCreated, `"passCreated"`, `"passTerminated"`, false},
		{topic.CleengPassCreated, `"broadcasterId": 401882913,`, ``, false},
		{topic.CleengTransactionCreated, `"discountRate": null`, `"discountRate": "0.10"`, true},
		{topic.CleengTransactionCreated, `"discountRate": null`, `"discountRate": "10%"`, false},
		{topic.InPlayerSubscribeSuccess, ``, ``, true},
		{topic.InPlayerSubscribeSuccess, `&type=subscribe.success`, ``, false},
		{topic.InPlayerSubscribeSuccess, `%5Bamount%5D=7.99`, `%5Bamount%5D=`, true},
		{topic.InPlayerSubscribeSuccess, `%5Bamount%5D=7.99`, `%5Bamount%5D=7%2C99`, false},
		{topic.InPlayerSubscribeSuccess, `%5Bamount%5D=7.99`, `%5Bamount%5D%5Bvalue%5D=7.99`, false},
		{topic.InPlayerSubscribeSuccess, `&resource%5Bamount%5D=7.99`, ``, false},
		{topic.ConsCentPaywallExit, `"entity": "event"`, `"entity": "page"`, false},
		{topic.ConsCentPaywallClick, `"clickAction"`, `"action"`, true},
	} {
		body := string(eventtest.Sample(tt.topic))
		require.Contains(t, body, tt.old, tt.topic)
		changed := strings.Replace(body, tt.old, tt.replacement, 1)
		err := compile(t, tt.topic).Validate(parse(t, eventtest.Example{Topic: tt.topic, Body: []byte(changed)}))
		require.Equal(t, tt.valid, err == nil, "%s with %s: %v", tt.topic, tt.replacement, err)
	}
}

// isText reports whether a form can say v.
func isText(v any) bool {
	switch v.(type) {
	case string, map[string]any:
		return true
	}
	return false
}

// otherKind returns what cannot stand in v's place, whatever exactly v is.
func otherKind(v any) any {
	if _, ok := v.([]any); ok {
		return map[string]any{"x": map[string]any{"y": "z"}}
	}
	return []any{map[string]any{}}
}
