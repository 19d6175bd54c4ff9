package interop

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/paperround/event/eventtest"
	"example.com/paperround/topic"
)

const (
	randomBodies = 200
	large        = 64 << 10
)

// bodies are what a peer is tried with.
type bodies struct {
	contentType string
	plain       string // an ordinary one
	all         func() [][]byte
	rewrite     func(*testing.T, []byte) []byte // the same value in other bytes
}

func seeded(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0x7061706572)) }

// jsonBodies are JSON throughout, because some packages parse what they have
// verified, and UTF-8, because all of them take text.
func jsonBodies() bodies {
	return bodies{
		contentType: "application/json",
		plain:       `{"event":"transaction.complete","user":"Zoë","amount":1999,"note":"<b>&amp;</b>"}`,
		all: func() [][]byte {
			out := [][]byte{
				[]byte(`{}`), []byte(`[]`), []byte(`0`), []byte(`""`), []byte(`null`),
				[]byte("{}\n"), []byte("\r\n {\r\n\t\"a\" : 1.0 }\r\n"),
				[]byte(`{"b":1,"a":2,"b":3}`),
				[]byte(`{"name":"Zoë – 新聞 📰 🇸🇪 e` + "\u0301" + `","sep":"` + "\u2028\ufeff\u007f" + `","escaped":"\u00e9\ud83d\ude00\u0000\/"}`),
				sized(large, `{"padding":"`, `é`, `"}`),
				sized(large, `{"padding":"`, `x`, "\"}\n"),
			}
			r := seeded(1)
			for range randomBodies {
				var b bytes.Buffer
				randomJSON(r, &b, 4)
				out = append(out, b.Bytes())
			}
			return out
		},
		rewrite: func(t *testing.T, body []byte) []byte {
			t.Helper()
			var out bytes.Buffer
			require.NoError(t, json.Indent(&out, body, "", " "))
			return out.Bytes()
		},
	}
}

// formBodies are the examples of InPlayer's events and forms at random.
func formBodies() bodies {
	return bodies{
		contentType: "application/x-www-form-urlencoded",
		plain:       "id=WHE-1&created=1547037128&type=customer.registered&resource%5Bfull_name%5D=Zo%C3%AB+Q",
		all: func() [][]byte {
			out := [][]byte{
				[]byte("a="), []byte("="), []byte("&"), []byte("a"), []byte("%"), []byte("a=1&a=2&"), []byte("a=%20+%2B"),
				[]byte("name=Zoë&text=新聞📰"), sized(large, "padding=", "x", ""), sized(large, "padding=", "%C3%A9", "&"),
			}
			for e := range eventtest.All() {
				if e.Topic.Provider() == topic.InPlayer {
					out = append(out, e.Body)
				}
			}
			r := seeded(2)
			for range randomBodies {
				form := make(url.Values)
				for range 1 + r.IntN(12) {
					form.Add(randomText(r), randomText(r))
				}
				body := form.Encode()
				if r.IntN(2) == 0 {
					body = strings.ReplaceAll(body, "+", "%20")
				}
				out = append(out, []byte(body))
			}
			return out
		},
		rewrite: func(t *testing.T, body []byte) []byte {
			t.Helper()
			form, err := url.ParseQuery(string(body))
			require.NoError(t, err)
			return []byte(form.Encode())
		},
	}
}

// binaryBodies are jsonBodies and bytes of any kind, for peers that take them.
func binaryBodies() bodies {
	b := jsonBodies()
	text := b.all
	b.all = func() [][]byte {
		out := append(text(), []byte{0}, []byte("\xff\xfe\x00"), []byte("\ufeff{}"), []byte(" "), []byte("\n"))
		r := seeded(3)
		for range 20 {
			body := make([]byte, 1+r.IntN(2000))
			for i := range body {
				body[i] = byte(r.Uint32())
			}
			out = append(out, body)
		}
		return out
	}
	return b
}

// sized repeats middle until the whole has n bytes or just fewer, and adds white
// space or, in a form, nothing that changes its meaning.
func sized(n int, head, middle, tail string) []byte {
	room := n - len(head) - len(tail)
	text := head + strings.Repeat(middle, room/len(middle)) + tail
	return append([]byte(text), bytes.Repeat([]byte("\n"), n-len(text))...)
}

func randomJSON(r *rand.Rand, b *bytes.Buffer, depth int) {
	space := func() { b.WriteString([]string{"", "", "", " ", "\n", "\t ", "\r\n"}[r.IntN(7)]) }
	space()
	kind := r.IntN(6)
	switch depth {
	case 4:
		kind = r.IntN(2) // an object or a list, as webhooks have
	case 0:
		kind = 2 + r.IntN(4)
	}
	switch kind {
	case 0, 1:
		brackets := [2]string{"[]", "{}"}[kind]
		b.WriteByte(brackets[0])
		space()
		for i := range r.IntN(6) {
			if i > 0 {
				b.WriteByte(',')
			}
			if kind == 1 {
				randomString(r, b)
				space()
				b.WriteByte(':')
			}
			randomJSON(r, b, depth-1)
		}
		b.WriteByte(brackets[1])
	case 2:
		b.WriteString([]string{"true", "false", "null", "-0", "1e400", "9007199254740993", "0.10"}[r.IntN(7)])
	case 3:
		fmt.Fprint(b, r.Int64())
	default:
		randomString(r, b)
	}
	space()
}

// randomString writes a JSON string, with some of its characters escaped.
func randomString(r *rand.Rand, b *bytes.Buffer) {
	b.WriteByte('"')
	for _, c := range randomText(r) {
		if c < ' ' || c == '"' || c == '\\' || c < 0x10000 && r.IntN(8) == 0 {
			fmt.Fprintf(b, `\u%04x`, c)
		} else {
			b.WriteRune(c)
		}
	}
	b.WriteByte('"')
}

// randomText is text in which no kind of character is rare.
func randomText(r *rand.Rand) string {
	var b strings.Builder
	for range r.IntN(24) {
		switch r.IntN(6) {
		case 0:
			b.WriteRune(rune(r.IntN(0x80)))
		case 1:
			b.WriteString([]string{"é", "ß", "ſ", "新", "📰", "\u2028", "\ufeff", "\ufffd", "e\u0301"}[r.IntN(9)])
		case 2:
			b.WriteRune(rune(0x1f300 + r.IntN(0x200)))
		default:
			b.WriteByte("abcXYZ012 .,:;=&+%<>'-_[]"[r.IntN(25)])
		}
	}
	return b.String()
}
