package sign_test

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/paperround/sign"
)

// dumpers are all the ways in which a careless host may print a value.
func dumpers() map[string]func(v any) string {
	logged := func(h func(*bytes.Buffer) slog.Handler) func(any) string {
		return func(v any) string {
			var buf bytes.Buffer
			slog.New(h(&buf)).Info("message", "value", v)
			return buf.String()
		}
	}
	all := map[string]func(v any) string{
		"json": func(v any) string { out, _ := json.Marshal(v); return string(out) },
		"xml":  func(v any) string { out, _ := xml.Marshal(v); return string(out) },
		"gob": func(v any) string {
			var buf bytes.Buffer
			_ = gob.NewEncoder(&buf).Encode(v)
			return buf.String()
		},
		"slog text": logged(func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) }),
		"slog json": logged(func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) }),
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "% x", "%d", "%T", "%p", "%b", "%c", "%U", "%t", "%e"} {
		all[verb] = func(v any) string { return fmt.Sprintf(verb, v) }
	}
	return all
}

func TestSecretShowsNothing(t *testing.T) { // 14 the secret never appears
	t.Parallel()
	const hidden = "hunter2hunter2hunter2"
	secret := sign.NewSecret(hidden)
	ring, err := sign.NewRing(sign.Key{Secret: secret})
	require.NoError(t, err)
	signer, err := sign.New(sign.InPlayer(), ring, nil)
	require.NoError(t, err)
	compiled, err := sign.Compile(sign.InPlayer(), ring)
	require.NoError(t, err)
	basic, err := sign.NewBasic("user", secret)
	require.NoError(t, err)
	group, err := sign.All(signer, basic)
	require.NoError(t, err)

	type unexported struct{ secret sign.Secret }
	type exported struct{ Secret sign.Secret }
	type pointer struct{ secret *sign.Secret }
	values := map[string]any{
		"secret":       secret,
		"pointer":      &secret,
		"slice":        []sign.Secret{secret},
		"map":          map[string]sign.Secret{"a": secret},
		"map key":      map[sign.Secret]string{secret: "a"},
		"exported":     exported{secret},
		"unexported":   unexported{secret},
		"of unexp.":    &unexported{secret},
		"pointer in":   pointer{&secret},
		"key":          sign.Key{Secret: secret},
		"ring":         ring,
		"signer":       signer,
		"compiled":     compiled,
		"basic":        basic,
		"basic, value": *basic,
		"group":        group,
	}
	// What a leak would look like, in every spelling the verbs produce.
	leaks := []string{
		hidden, hidden[:8], fmt.Sprintf("%x", hidden), fmt.Sprintf("%X", hidden), fmt.Sprintf("% x", hidden),
		strings.Trim(fmt.Sprintf("%d", []byte(hidden)), "[]"), "dXNlcjpodW50ZXIy", // base64 of user:hunter2
	}
	for how, dump := range dumpers() {
		for what, v := range values {
			out := dump(v)
			for _, leak := range leaks {
				require.NotContains(t, out, leak, "%s of %s", how, what)
			}
		}
	}
}

func TestSecretPlaceholder(t *testing.T) {
	t.Parallel()
	secret := sign.NewSecret("hunter2")
	require.Equal(t, "[secret]", secret.String())
	require.Equal(t, "[secret]", fmt.Sprintf("%x", secret))
	require.Equal(t, "[secret]", secret.LogValue().String())
	out, err := json.Marshal(map[string]any{"s": secret})
	require.NoError(t, err)
	require.JSONEq(t, `{"s":"[secret]"}`, string(out))
}

func TestSecretIdentity(t *testing.T) {
	t.Parallel()
	one := sign.NewSecret("hunter2")
	copied := one
	seen := map[sign.Secret]bool{one: true}
	require.True(t, seen[copied])
	require.False(t, seen[sign.NewSecret("hunter2")])
	require.Equal(t, one, copied, "a struct that holds one can be compared in tests")
}

func TestNewSecretCopies(t *testing.T) {
	t.Parallel()
	type bytesLike []byte
	given := bytesLike("hunter2hunter2")
	ring, err := sign.NewRing(sign.Key{Secret: sign.NewSecret(given)})
	require.NoError(t, err)
	clear(given)
	want := tagOf(t, sign.InPlayer(), ringOf(t, "hunter2hunter2"), "body")
	require.Equal(t, want, tagOf(t, sign.InPlayer(), ring, "body"))
}
