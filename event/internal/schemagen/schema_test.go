package main

import (
	"encoding/json"
	"path"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/paperround/event"
	"example.com/paperround/event/internal/rawjson"
	"example.com/paperround/event/internal/shape"
	"example.com/paperround/topic"
)

func TestShapes(t *testing.T) {
	t.Parallel()
	text := &shape.Shape{Kind: shape.Text}
	object := &shape.Shape{Kind: shape.Object, Fields: []shape.Field{
		{Name: "b", Shape: text, Always: true},
		{Name: "a", Shape: text, Null: true},
	}}
	for name, tt := range map[string]struct {
		shape *shape.Shape
		want  string
	}{
		"any":      {&shape.Shape{Kind: shape.Any}, `{}`},
		"text":     {text, `{"type":"string"}`},
		"constant": {&shape.Shape{Kind: shape.Constant, Const: "a<b"}, `{"const":"a<b"}`},
		"map":      {&shape.Shape{Kind: shape.Map}, `{"type":"object","additionalProperties":{"type":"string"}}`},
		"array":    {&shape.Shape{Kind: shape.Array, Elem: text}, `{"type":"array","items":{"type":"string"}}`},
		"one of": {
			&shape.Shape{Kind: shape.OneOf, Alternatives: []*shape.Shape{{Kind: shape.Flag}, {Kind: shape.Map}}},
			`{"anyOf":[{"$ref":"#/$defs/flag"},{"type":"object","additionalProperties":{"type":"string"}}]}`,
		},
		"object": {object, `{"type":"object","properties":{"b":{"type":"string"},` +
			`"a":{"anyOf":[{"type":"string"},{"type":"null"}]}},"required":["b"]}`},
		"id":      {&shape.Shape{Kind: shape.ID}, `{"$ref":"#/$defs/id"}`},
		"decimal": {&shape.Shape{Kind: shape.Decimal}, `{"$ref":"#/$defs/decimal"}`},
		"flag":    {&shape.Shape{Kind: shape.Flag}, `{"$ref":"#/$defs/flag"}`},
		"time":    {&shape.Shape{Kind: shape.Time}, `{"$ref":"#/$defs/time"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := writer{defs: map[string]*schema{}}
			got, err := rawjson.Marshal(w.of(tt.shape))
			require.NoError(t, err)
			require.Equal(t, tt.want, string(got))
			for def := range w.defs {
				require.Contains(t, tt.want, `"#/$defs/`+def+`"`)
			}
			require.Len(t, w.defs, strings.Count(tt.want, "$ref"), "what is referred to is defined, and nothing else")
		})
	}
}

// definitions returns $defs as a body or a form needs them.
func definitions(form bool) map[string]*schema {
	w := writer{form: form, defs: map[string]*schema{}}
	for _, k := range []shape.Kind{shape.ID, shape.Decimal, shape.Flag, shape.Time} {
		w.of(&shape.Shape{Kind: k})
	}
	return w.defs
}

func TestScalarTypes(t *testing.T) {
	t.Parallel()
	in, inForm := definitions(false), definitions(true)
	require.Equal(t, []string{"number", "string"}, in["id"].Type)
	require.Equal(t, []string{"number", "string"}, in["decimal"].Type)
	require.Equal(t, []any{true, false, 1, 0, "true", "false", "1", "0", ""}, in["flag"].Enum)
	require.Equal(t, []string{"integer", "string"}, in["time"].Type)
	for _, name := range []string{"id", "decimal", "time"} {
		require.Equal(t, "string", inForm[name].Type)
		require.Equal(t, in[name].Pattern, inForm[name].Pattern)
	}
	require.Equal(t, []any{"true", "false", "1", "0", ""}, inForm["flag"].Enum)
}

type text interface{ UnmarshalText(b []byte) error }

// The patterns say what the types say.
func TestPatterns(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		new          func() text
		good, refuse []string
	}{
		"decimal": {
			func() text { return new(event.Decimal) },
			[]string{"", "0", "-0", "7", "-7", "10.00", "0.1", "-0.1", "1e5", "1E+5", "12.5e-3", "99999999999999999999999"},
			[]string{" ", "1 ", "01", "+1", ".5", "1.", "1e", "1,5", "0x10", "NaN", "Infinity", "1 2", "--1", "$7.99", "1\n"},
		},
		"time": {
			func() text { return new(event.Time) },
			[]string{
				"", "0", "-86400000", "1724233622", "1724233622123", "2024-05-20T18:02:33Z", "2024-05-20T18:02:33.123Z",
				"2024-05-20T18:02:33.123456789+05:30", "2024-06-01T22:40:15+0000", "2024-06-01T22:40:15.5-0330", "2024-02-29T00:00:00Z",
			},
			[]string{
				" ", "tomorrow", "1.5", "1e9", "007", "99999999999999999999", "2024-05-20", "2024-05-20 18:02:33Z", "2024-05-20T18:02:33",
				"2024-05-20T18:02Z", "2024-13-20T18:02:33Z", "2024-05-32T18:02:33Z", "2024-05-00T18:02:33Z", "2024-05-20T24:02:33Z",
				"2024-05-20T18:60:33Z", "2024-05-20T18:02:60Z", "2024-05-20t18:02:33z", "2024-05-20T18:02:33+00", "x2024-05-20T18:02:33Z",
				"2024-05-20T18:02:33Z2024-05-20T18:02:33Z",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pattern := regexp.MustCompile(definitions(false)[name].Pattern)
			for _, good := range tt.good {
				require.True(t, pattern.MatchString(good), "%q", good)
				require.NoError(t, tt.new().UnmarshalText([]byte(good)), "%q", good)
			}
			for _, bad := range tt.refuse {
				require.False(t, pattern.MatchString(bad), "%q", bad)
				require.Error(t, tt.new().UnmarshalText([]byte(bad)), "%q", bad)
			}
		})
	}
}

// Flags are listed one by one.
func TestFlags(t *testing.T) {
	t.Parallel()
	for _, v := range definitions(false)["flag"].Enum {
		b, err := json.Marshal(v)
		require.NoError(t, err)
		require.NoError(t, new(event.Flag).UnmarshalJSON(b), "%s", b)
	}
}

// value is a schema as a reader of the file sees it.
type value = map[string]any

func parsed(t *testing.T) map[string]value {
	t.Helper()
	files, err := generate()
	require.NoError(t, err)
	all := map[string]value{}
	for _, f := range files {
		var v value
		require.NoError(t, json.Unmarshal(f.content, &v))
		all[strings.TrimSuffix(strings.TrimPrefix(f.path, folder+"/"), path.Ext(f.path))] = v
	}
	return all
}

// In a form there is text only.
func TestFormsHoldText(t *testing.T) {
	t.Parallel()
	forms := 0
	for name, v := range parsed(t) {
		if !strings.HasPrefix(name, "inplayer/") {
			continue
		}
		forms++
		var walk func(v any)
		walk = func(v any) {
			switch v := v.(type) {
			case value:
				if typ, ok := v["type"].(string); ok {
					require.Contains(t, []string{"object", "string"}, typ, name)
				}
				require.NotContains(t, v, "items", name)
				for key, v := range v {
					if key != "description" && key != "required" {
						walk(v)
					}
				}
			case []any:
				for _, v := range v {
					switch v.(type) {
					case value, string:
						walk(v)
					default:
						require.Fail(t, "not text", "%s: %v", name, v)
					}
				}
			}
		}
		walk(v)
	}
	require.Equal(t, 29, forms)
}

func TestRequired(t *testing.T) {
	t.Parallel()
	all := parsed(t)
	for name, want := range map[string][]any{
		"cleeng/passCreated":                {"broadcasterId", "topic", "data"}, // whole
		"cleeng/customerConsentUpdated":     {"broadcasterId", "topic", "data"},
		"cleeng/refundPayment":              {"broadcasterId", "topic", "data"},
		"inplayer/subscribe.success":        {"id", "created", "type", "resource"}, // whole
		"inplayer/freemium.grant.failed":    {"id", "created", "type", "resource"},
		"conscent/paywall.exit":             {"entity", "user_id", "event", "contains", "payload", "client_info", "created_at"}, // whole
		"conscent/paywall.click":            {"entity", "user_id", "event", "contains", "payload"},
		"conscent/new.login":                {"entity", "user_id", "event", "contains", "payload"},
		"conscent/old.subscription_payment": {"type"},
	} {
		require.Equal(t, want, all[name]["required"], name)
	}
	// Inside of the payload, what is whole requires and nothing else does.
	inside := map[bool]int{}
	for name, v := range all {
		provider, topicName, _ := strings.Cut(name, "/")
		info, ok := topic.Provider(provider).Topic(topicName).Info()
		require.True(t, ok)
		require.NotEmpty(t, v["required"], name)
		b, err := json.Marshal(v["properties"])
		require.NoError(t, err)
		inside[info.Evidence == topic.WholePayload] += strings.Count(string(b), `"required":`)
	}
	require.Zero(t, inside[false])
	require.Greater(t, inside[true], 49, "there are 49 whole topics, and some payloads are nested")
}

func TestHead(t *testing.T) {
	t.Parallel()
	all := parsed(t)
	for name, v := range all {
		require.Equal(t, "https://json-schema.org/draft/2020-12/schema", v["$schema"])
		require.Equal(t, "urn:paperround:schema:"+strings.Replace(name, "/", ":", 1), v["$id"])
		require.Equal(t, strings.Replace(name, "/", ":", 1), v["title"])
		require.Equal(t, "object", v["type"], name)
	}
	for name, want := range map[string]string{
		"cleeng/passTerminated": "A pass ended. Status: early access. " +
			"A whole payload was published; what all whole examples of it have is required. Source: " + source(t, topic.CleengPassTerminated),
		"conscent/old.subscription_payment": "A subscription was paid for. Status: stable. " +
			"A part of the payload was published, so only type must be there. Source: " + source(t, topic.ConsCentOldSubscriptionPayment),
		"inplayer/freemium.grant.failed": "Access to a free asset could not be given. Status: stable. " +
			"The name was published and the payload was not, so only id, created, type and resource must be there. " +
			`A body is a form; this describes what it holds once its keys are split at their brackets, where resource[email]=x is {"resource": {"email": "x"}}. ` +
			"Every leaf is a string. Source: " + source(t, topic.InPlayerFreemiumGrantFailed),
	} {
		require.Equal(t, want, all[name]["description"])
	}
	require.Contains(t, all["conscent/new.popup"]["description"], "The value of event was not published.")
	require.NotContains(t, all["conscent/old.login"]["description"], "The value of event")
	require.NotContains(t, all["conscent/paywall.exit"]["description"], "The value of event")
}

// A file stands alone.
func TestRefs(t *testing.T) {
	t.Parallel()
	files, err := generate()
	require.NoError(t, err)
	for _, f := range files {
		var v struct {
			Defs map[string]any `json:"$defs"`
		}
		require.NoError(t, json.Unmarshal(f.content, &v))
		used := map[string]bool{}
		for _, m := range regexp.MustCompile(`"\$ref": "#/\$defs/(\w+)"`).FindAllStringSubmatch(string(f.content), -1) {
			used[m[1]] = true
			require.Contains(t, v.Defs, m[1], f.path)
		}
		require.NotEmpty(t, used, f.path)
		require.Len(t, v.Defs, len(used), f.path)
		require.Equal(t, len(used), strings.Count(string(f.content), `"description": "`)-1, "%s: scalars are explained", f.path)
	}
}

// Text stands as people write it.
func TestText(t *testing.T) {
	t.Parallel()
	content, err := document(
		topic.Info{Topic: "acme:ratio", Wire: "ratio", Summary: "a < b & c > d.", Source: "x", Evidence: topic.WholePayload},
		&shape.Shape{Kind: shape.Object, Fields: []shape.Field{
			{Name: "a&b", Shape: &shape.Shape{Kind: shape.Constant, Const: "<"}, Always: true},
		}},
	)
	require.NoError(t, err)
	require.Contains(t, string(content), "a < b & c > d. ")
	require.Contains(t, string(content), "\"a&b\": {\n      \"const\": \"<\"\n    }")
}

func TestNothingRequired(t *testing.T) {
	t.Parallel()
	_, err := document(
		topic.Info{Topic: "acme:ratio", Evidence: topic.PartPayload},
		&shape.Shape{Kind: shape.Object, Fields: []shape.Field{{Name: "a", Shape: &shape.Shape{}, Always: true}}},
	)
	require.ErrorContains(t, err, "requires nothing")
}

func source(t *testing.T, tp topic.Topic) string {
	t.Helper()
	info, ok := tp.Info()
	require.True(t, ok)
	return info.Source
}
