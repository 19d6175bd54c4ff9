package deliver

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/textproto"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var onlyDigits = regexp.MustCompile(`^[0-9]+$`)

// FuzzFilter checks filters against a reader of bodies that knows one field at a
// time and nothing of decoders for whole documents.
func FuzzFilter(f *testing.F) {
	for _, s := range []struct {
		form              bool
		path, value, body string
	}{
		{false, "data.paymentMethodId", "320113641", `{"data":{"paymentMethodId":320113641}}`},
		{false, "a.b.c", "x", `{"a":{"b":{"c":"x"}},"a":{"b":{}}}`},
		{false, "a", "1e2", ` {"a":1e2} `},
		{false, "a", "null", `{"a":null}{}`},
		{false, "é", "true", `{"\u00e9":true,"A":"\ud800"}`},
		{false, "a.0", "1", `{"a":[1]}`},
		{true, "resource.customer.id", "7", "resource%5Bcustomer%5D%5Bid%5D=7"},
		{true, "a", "b c", "a=1&a=b+c"},
		{true, "a", "", "a&b=%zz"},
		{true, "a[b].c", "=", "a[b][c]==&;"},
	} {
		f.Add(s.form, s.path, s.value, []byte(s.body))
	}
	f.Fuzz(func(t *testing.T, form bool, path, value string, body []byte) {
		e := newEndpoint("e1")
		e.Filters = []Filter{{Path: path, Values: []string{value}}}
		if _, err := e.check(); err != nil {
			return
		}
		m := &Message{ContentType: "application/json; charset=utf-8", Body: body}
		read := jsonOracle
		if form {
			m.ContentType, read = "application/x-www-form-urlencoded", formOracle
		}
		has, found := read(body, strings.Split(path, "."))
		if got, want := e.accepts(fieldsOf(m)), found && has == value; got != want {
			t.Errorf("%q = %q passes %q: %t", path, value, body, got)
		}
		e.Filters[0].Values = []string{value + has + "x", has}
		if got := e.accepts(fieldsOf(m)); got != found {
			t.Errorf("%q = %q, as it has, passes %q: %t", path, has, body, got)
		}
	})
}

// jsonOracle walks down key by key and reads the value as it is written.
func jsonOracle(body []byte, keys []string) (string, bool) {
	if !json.Valid(body) {
		return "", false
	}
	at := json.RawMessage(body)
	for _, key := range keys {
		var object map[string]json.RawMessage
		if json.Unmarshal(at, &object) != nil {
			return "", false
		}
		var ok bool
		if at, ok = object[key]; !ok {
			return "", false
		}
	}
	at = bytes.TrimSpace(at)
	switch at[0] {
	case '{', '[':
		return "", false
	case '"':
		var text string
		err := json.Unmarshal(at, &text)
		return text, err == nil
	default:
		return string(at), true
	}
}

// formOracle reads a form character by character.
func formOracle(body []byte, keys []string) (string, bool) {
	var want strings.Builder
	want.WriteString(keys[0])
	for _, key := range keys[1:] {
		want.WriteString("[" + key + "]")
	}
	value, found := "", false
	for field := range strings.SplitSeq(string(body), "&") {
		if field == "" {
			continue
		}
		key, val, _ := strings.Cut(field, "=")
		k, ok := unescaped(key)
		v, alsoOK := unescaped(val)
		if !ok || !alsoOK || strings.Contains(field, ";") {
			return "", false
		}
		if k == want.String() {
			value, found = v, true
		}
	}
	return value, found
}

func unescaped(s string) (string, bool) {
	var out []byte
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '+':
			out = append(out, ' ')
		case '%':
			if i+3 > len(s) {
				return "", false
			}
			b, err := strconv.ParseUint(s[i+1:i+3], 16, 8)
			if err != nil {
				return "", false
			}
			out = append(out, byte(b))
			i += 2
		default:
			out = append(out, s[i])
		}
	}
	return string(out), true
}

// FuzzTrace checks that no trace context breaks a publication or a request, gets
// another header in, or reaches the endpoint unless it is well-formed.
func FuzzTrace(f *testing.F) {
	const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	for _, s := range [][2]string{
		{parent, "a=1,b=2"},
		{parent, "a=1\r\nX-Evil: 1"},
		{parent + "\n", "a=1"},
		{parent[:53] + "\r\n", " "},
		{parent[:2] + "\x00" + parent[3:], ""},
		{"ff" + parent[2:], "a=1"},
		{"00-00000000000000000000000000000000-b7ad6b7169203331-01", "a=1"},
		{"", "a=é"},
	} {
		f.Add(s[0], s[1])
	}
	wellFormed := regexp.MustCompile(`^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$`)
	printable := regexp.MustCompile(`^[ -~]{0,512}$`)
	directory, err := Static(newEndpoint("e1"))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, parent, state string) {
		trace, want := Trace{parent, state}, Trace{parent, state}
		switch {
		case !wellFormed.MatchString(parent), strings.HasPrefix(parent, "ff"),
			parent[3:35] == strings.Repeat("0", 32), parent[36:52] == strings.Repeat("0", 16):
			want = Trace{}
		case !printable.MatchString(state):
			want.State = ""
		}
		store := NewMemory(nil)
		d, err := New(store, directory, &Options{Trace: func(context.Context) Trace { return trace }})
		if err != nil {
			t.Fatal(err)
		}
		id, err := d.Publish(t.Context(), newEvent(), nil)
		if err != nil {
			t.Fatal(err)
		}
		published, err := store.Message(t.Context(), "", id)
		if err != nil {
			t.Fatal(err)
		}
		if published.Trace != want {
			t.Errorf("published with %+v, not %+v", published.Trace, want)
		}
		unpublished := newMessage() // as a caller of Attempt makes it
		unpublished.Trace = trace
		for _, msg := range []*Message{published, unpublished} {
			header := wire(t, msg)
			var sent []string
			if want.Parent != "" {
				sent = []string{want.Parent}
			}
			if got := header[headerTraceParent]; !slices.Equal(got, sent) {
				t.Errorf("%q was sent as %q", parent, got)
			}
			sent = nil // white space around a value is not part of it
			if want.State != "" {
				sent = []string{textproto.TrimString(want.State)}
			}
			if got := header[headerTraceState]; !slices.Equal(got, sent) {
				t.Errorf("%q was sent as %q", state, got)
			}
			for name := range header {
				switch name {
				case "Content-Length", "Content-Type", "User-Agent", "X-Signature", headerID, headerTraceParent, headerTraceState:
				default:
					t.Errorf("%+v made a header %q", trace, name)
				}
			}
		}
	})
}

// wire sends a message and returns the header as a server reads it.
func wire(t *testing.T, msg *Message) http.Header {
	t.Helper()
	var header http.Header
	client, err := NewClient(&ClientOptions{UnguardedTransport: transport(func(req *http.Request) (*http.Response, error) {
		for name, values := range req.Header {
			if !isToken(name) || !areValues(values) {
				t.Errorf("%q: %q is no header", name, values)
			}
		}
		var raw bytes.Buffer
		if err := req.Write(&raw); err != nil {
			return nil, err
		}
		got, err := http.ReadRequest(bufio.NewReader(&raw))
		if err != nil {
			return nil, err
		}
		body, err := io.ReadAll(got.Body)
		if err != nil || !bytes.Equal(body, msg.Body) {
			t.Errorf("the body is %q: %v", body, err)
		}
		header = got.Header
		return answer(200), nil
	})})
	if err != nil {
		t.Fatal(err)
	}
	if res := Attempt(t.Context(), client, newEndpoint("e1"), msg); res.Err != nil {
		t.Errorf("the attempt failed: %v", res.Err)
	}
	return header
}
