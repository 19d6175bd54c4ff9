//go:build goexperiment.jsonv2

package event_test

import (
	"bytes"
	"encoding/json/jsontext"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/paperround/event"
	"example.com/paperround/event/eventtest"
)

// What Scan accepts, the strict decoder of encoding/json/v2 accepts too, and what
// only Scan refuses is a matter of letter case, nesting, or not an object.
func FuzzScanAgainstV2(f *testing.F) {
	for e := range eventtest.All() {
		f.Add(e.Body)
	}
	for _, s := range []string{`{"a":1,"a":2}`, `{"a":1,"A":2}`, `{"a":"\ud83d"}`, "{\"a\":\"\xff\"}", `{} {}`, `[1]`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		err := event.Scan(body, nil)
		v2 := jsontext.Value(body).IsValid()
		if err == nil {
			require.True(t, v2, "%q", body)
			return
		}
		if v2 {
			object := bytes.HasPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte("{"))
			require.True(t, !object || !strict(body), "%q: %v", body, err)
		}
	})
}
