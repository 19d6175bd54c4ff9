package schematest_test

import (
	"bytes"
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"

	"example.com/paperround/event/eventtest"
	"example.com/paperround/event/schema"
	"example.com/paperround/topic"
)

// compile makes a validator of a topic's schema, which it checks against the
// schema of schemas.
func compile(t *testing.T, tp topic.Topic) *jsonschema.Schema {
	t.Helper()
	document, ok := schema.For(tp)
	require.True(t, ok, tp)
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(document))
	require.NoError(t, err, tp)
	id := object(t, v)["$id"].(string)
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft4) // so that a schema has to say which draft it is of
	require.NoError(t, c.AddResource(id, v))
	s, err := c.Compile(id)
	require.NoError(t, err, tp)
	require.Equal(t, 2020, s.DraftVersion, tp)
	return s
}

func object(t *testing.T, v any) map[string]any {
	t.Helper()
	o, ok := v.(map[string]any)
	require.True(t, ok)
	return o
}

func TestEverySchemaCompiles(t *testing.T) {
	t.Parallel()
	compiled := 0
	for tp := range topic.All() {
		s := compile(t, tp)
		require.Error(t, s.Validate(map[string]any{}), "%s: nothing is required", tp)
		require.Error(t, s.Validate([]any{}), tp)
		compiled++
	}
	require.GreaterOrEqual(t, compiled, 83)
}

// parse reads an example as its schema sees it.
func parse(t *testing.T, e eventtest.Example) map[string]any {
	t.Helper()
	if isForm(e.Topic) {
		return parseForm(t, string(e.Body))
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(e.Body))
	require.NoError(t, err)
	return object(t, v)
}

func isForm(tp topic.Topic) bool { return tp.Provider() == topic.InPlayer }

// parseForm splits the keys of a form at their brackets.
func parseForm(t *testing.T, body string) map[string]any {
	t.Helper()
	values, err := url.ParseQuery(body)
	require.NoError(t, err)
	root := map[string]any{}
	for key, all := range values {
		parts := strings.Split(strings.ReplaceAll(key, "]", ""), "[")
		at := root
		for _, part := range parts[:len(parts)-1] {
			if at[part] == nil {
				at[part] = map[string]any{}
			}
			at = object(t, at[part])
		}
		at[parts[len(parts)-1]] = all[len(all)-1]
	}
	return root
}

// write is the opposite of parse. It is false for a form that would have other
// leaves than strings, or an object without any, which no form can say.
func write(t *testing.T, tp topic.Topic, root map[string]any) ([]byte, bool) {
	t.Helper()
	if !isForm(tp) {
		b, err := json.Marshal(root)
		require.NoError(t, err)
		return b, true
	}
	values := url.Values{}
	var add func(key string, v any) bool
	add = func(key string, v any) bool {
		switch v := v.(type) {
		case string:
			values.Add(key, v)
			return true
		case map[string]any:
			for name, v := range v {
				if !add(key+"["+name+"]", v) {
					return false
				}
			}
			return len(v) > 0
		}
		return false
	}
	for name, v := range root {
		if !add(name, v) {
			return nil, false
		}
	}
	return []byte(values.Encode()), true
}

func TestParseForm(t *testing.T) {
	t.Parallel()
	got := parseForm(t, "id=1&resource[email]=a%40b&resource%5Bm%5D%5Bx%5D=1&resource[m][y]=2&resource[m][y]=3")
	require.Equal(t, map[string]any{
		"id":       "1",
		"resource": map[string]any{"email": "a@b", "m": map[string]any{"x": "1", "y": "3"}},
	}, got)
	body, ok := write(t, topic.InPlayerSubscribeSuccess, got)
	require.True(t, ok)
	require.Equal(t, got, parseForm(t, string(body)))
	_, ok = write(t, topic.InPlayerSubscribeSuccess, map[string]any{"id": json.Number("1")})
	require.False(t, ok)
}

func TestExamplesAreValid(t *testing.T) {
	t.Parallel()
	valid := 0
	for e := range eventtest.All() {
		require.NoError(t, compile(t, e.Topic).Validate(parse(t, e)), "%s %s", e.Topic, e.Variant)
		valid++
	}
	require.GreaterOrEqual(t, valid, 76)
}

// An example of one topic is not one of another.
func TestExamplesOfOtherTopics(t *testing.T) {
	t.Parallel()
	schemas := map[topic.Topic]*jsonschema.Schema{}
	for tp := range topic.All() {
		schemas[tp] = compile(t, tp)
	}
	refused := 0
	for e := range eventtest.All() {
		body := parse(t, e)
		for tp, s := range schemas {
			info, _ := tp.Info()
			if tp == e.Topic || info.Wire == "" {
				continue // nothing in these bodies says what they are
			}
			require.Error(t, s.Validate(body), "%s as %s", e.Topic, tp)
			refused++
		}
	}
	t.Logf("%d refused", refused)
	require.Greater(t, refused, 4000)
}
