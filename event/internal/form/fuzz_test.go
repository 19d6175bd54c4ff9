package form_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/paperround/event/eventtest"
	"example.com/paperround/event/internal/form"
	"example.com/paperround/topic"
)

// Where net/url accepts a form, Parse sees the same pairs, unless it refuses the
// form for what net/url lets pass: invalid UTF-8 and empty keys. A semicolon,
// which net/url refuses, is an ordinary character.
func FuzzParse(f *testing.F) {
	for e := range eventtest.All() {
		if e.Topic.Provider() == topic.InPlayer {
			f.Add(string(e.Body))
		}
	}
	for _, s := range []string{"a=1&a=2", "a", "=", "&&", "a=%zz", "a=%ff", "a=b=c", "%61=+", "a;b=1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body string) {
		pairs, err := form.Parse([]byte(body))
		want, urlErr := url.ParseQuery(body)
		if urlErr != nil {
			if !strings.Contains(body, ";") {
				require.Error(t, err)
			}
			return
		}
		if err != nil {
			return
		}
		got := url.Values{}
		last := -1
		for _, p := range pairs {
			got.Add(p.Key, p.Value)
			require.Greater(t, p.Offset, last)
			last = p.Offset
		}
		require.Equal(t, want, got)
		written, err := form.Write(pairs, false)
		require.NoError(t, err)
		again, err := form.Parse(written)
		require.NoError(t, err)
		require.Len(t, again, len(pairs))
		for i := range again {
			require.Equal(t, pairs[i].Key, again[i].Key)
			require.Equal(t, pairs[i].Value, again[i].Value)
		}
	})
}
