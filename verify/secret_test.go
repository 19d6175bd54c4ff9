package verify_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/paperround/sign"
	"example.com/paperround/verify"
)

// reachable collects all the texts and bytes that reflection finds behind v,
// through pointers, interfaces and unexported fields, as a dumper does.
func reachable(v any) [][]byte {
	var found [][]byte
	seen := make(map[any]bool)
	var walk func(reflect.Value)
	walk = func(v reflect.Value) {
		switch v.Kind() {
		case reflect.Pointer:
			key := [2]any{v.Pointer(), v.Type()}
			if !v.IsNil() && !seen[key] {
				seen[key] = true
				walk(v.Elem())
			}
		case reflect.Interface:
			if !v.IsNil() {
				walk(v.Elem())
			}
		case reflect.Struct:
			for _, field := range v.Fields() {
				walk(field)
			}
		case reflect.Map:
			for iter := v.MapRange(); iter.Next(); {
				walk(iter.Key())
				walk(iter.Value())
			}
		case reflect.String:
			found = append(found, []byte(v.String()))
		case reflect.Slice, reflect.Array:
			var all []byte
			for i := range v.Len() {
				switch e := v.Index(i); e.Kind() {
				case reflect.Uint8:
					all = append(all, byte(e.Uint()))
				case reflect.Uint32:
					all = binary.BigEndian.AppendUint32(all, uint32(e.Uint()))
				case reflect.Uint64:
					all = binary.BigEndian.AppendUint64(all, e.Uint())
				default:
					walk(e)
				}
			}
			found = append(found, all)
		default:
		}
	}
	walk(reflect.ValueOf(v))
	return found
}

// keyed returns the states of an HMAC's two hashes after the key: whoever has
// them can sign.
func keyed(t *testing.T, key []byte) [][]byte {
	t.Helper()
	var states [][]byte
	for _, pad := range []byte{0x36, 0x5c} {
		block := bytes.Repeat([]byte{pad}, sha256.BlockSize)
		for i := range key {
			block[i] ^= key[i]
		}
		h := sha256.New()
		h.Write(block)
		state, err := h.(encoding.BinaryMarshaler).MarshalBinary()
		require.NoError(t, err)
		states = append(states, state[4:4+sha256.Size], block)
	}
	return states
}

func TestWalkerFindsSecrets(t *testing.T) {
	t.Parallel()
	const key = "hunter2hunter2hunter2hunter2"
	mac := hmac.New(sha256.New, []byte(key))
	mac.Reset()
	states := keyed(t, []byte(key))
	for name, v := range map[string]any{
		"text":    struct{ p *struct{ s string } }{&struct{ s string }{key}},
		"bytes":   map[string]any{"a": []any{[]byte(key)}},
		"running": &struct{ h any }{mac},
	} {
		require.True(t, slices.ContainsFunc(reachable(v), func(b []byte) bool {
			return bytes.Contains(b, []byte(key)) || bytes.Contains(b, states[0])
		}), name)
	}
}

// 14 the secret never appears: in no way of printing, and to no dumper that
// follows pointers.
func TestNothingShowsTheSecret(t *testing.T) {
	t.Parallel()
	for _, p := range providers() {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			now := p.time(t, p.at)
			var hidden [][]byte
			for _, k := range p.keys[:2] {
				for _, secret := range []string{k.signing, k.checking} {
					if !strings.HasPrefix(secret, "whpk_") {
						hidden = append(hidden, []byte(secret))
					}
					secret = secret[strings.IndexByte(secret, '_')+1:]
					raw, err := base64.StdEncoding.DecodeString(secret)
					if err != nil || p.scheme.KeyForm == sign.Text {
						raw = []byte(secret)
					}
					if p.asymmetric() {
						hidden = append(hidden, raw[:len(raw)-32]) // The seed; nothing of a public key.
						continue
					}
					hidden = append(append(hidden, raw), keyed(t, raw)...)
				}
			}
			hidden = slices.DeleteFunc(hidden, func(b []byte) bool { return len(b) == 0 })

			values := make(map[string]any)
			secret := sign.NewSecret(p.keys[0].signing)
			values["secret"], values["key"] = secret, sign.Key{Secret: secret}
			ring := p.ring(t, true, 0, 1)
			values["ring"] = ring
			s, err := sign.New(p.scheme, ring, &sign.Options{Now: func() time.Time { return now }})
			require.NoError(t, err)
			header := p.signed(sampleID, p.at, "body")
			require.NoError(t, s.Sign(header, sampleID, now, []byte("body")))
			values["signer"] = s
			c, err := sign.Compile(p.scheme, ring)
			require.NoError(t, err)
			_, err = c.Append(nil, sign.Message{ID: sampleID, Time: p.at}, now)
			require.NoError(t, err)
			values["compiled"] = c
			v, err := verify.New(p.scheme, ring, &verify.Options{Now: func() time.Time { return now }})
			require.NoError(t, err)
			rc, err := v.Verify(header, []byte("body"))
			require.NoError(t, err)
			values["verifier"], values["receipt"] = v, rc
			all, err := verify.All(v)
			require.NoError(t, err)
			values["group"] = all
			_, err = v.Verify(header, []byte("other"))
			require.ErrorIs(t, err, verify.ErrNoMatch)
			values["error"] = err
			if !p.asymmetric() {
				d, err := c.Begin(sign.Message{ID: sampleID, Time: p.at}, now)
				require.NoError(t, err)
				_, _ = d.Write([]byte("body"))
				values["digest"] = d
				stream, err := v.Stream(header)
				require.NoError(t, err)
				_, _ = stream.Write([]byte("body"))
				values["stream"] = stream
			}
			basic, err := verify.NewBasic(verify.Credential{User: "user", Password: secret})
			require.NoError(t, err)
			values["basic"], values["credential"] = basic, verify.Credential{User: "user", Password: secret}

			for name, v := range values {
				for _, b := range reachable(v) {
					for _, h := range hidden {
						require.False(t, bytes.Contains(b, h), "reflection finds it in %s", name)
					}
				}
				for how, text := range printed(v) {
					for _, h := range hidden {
						for _, spelling := range []string{
							string(h), hex.EncodeToString(h), strings.ToUpper(hex.EncodeToString(h)),
							strings.Trim(fmt.Sprintf("%d", h), "[]"), base64.StdEncoding.EncodeToString(h),
						} {
							require.NotContains(t, text, spelling, "%s of %s", how, name)
						}
					}
				}
			}
		})
	}
}

// printed returns v in all the ways in which a careless host may print it.
func printed(v any) map[string]string {
	all := make(map[string]string)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		all[verb] = fmt.Sprintf(verb, v)
		if p := reflect.ValueOf(v); p.Kind() == reflect.Pointer && p.Elem().Kind() == reflect.Struct {
			all[verb+" of what it points to"] = fmt.Sprintf(verb, p.Elem())
		}
	}
	out, _ := json.Marshal(v)
	all["json"] = string(out)
	var buf bytes.Buffer
	slog.New(slog.NewTextHandler(&buf, nil)).Info("message", "value", v)
	slog.New(slog.NewJSONHandler(&buf, nil)).Info("message", "value", v)
	all["slog"] = buf.String()
	return all
}
