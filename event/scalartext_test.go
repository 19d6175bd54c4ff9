package event_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/paperround/event"
)

// A string that is taken over as it is written must be one that reads so.
func TestScalarStrings(t *testing.T) {
	t.Parallel()
	texts := []string{`"`, `""`, `"a`, `"a"b"`, `"a\"`, `"\""`, `"\u0041"`, `"é"`, "\"\xff\"", "\"\x7f\"", `"a" `}
	for c := range 128 {
		texts = append(texts, `"a`+string(rune(c))+`b"`)
	}
	for _, text := range texts {
		var want string
		wantErr := json.Unmarshal([]byte(text), &want)
		var id event.ID
		err := id.UnmarshalJSON([]byte(text))
		if wantErr != nil {
			require.Error(t, err, "%q", text)
			continue
		}
		require.NoError(t, err, "%q", text)
		require.Equal(t, want, id.Text(), "%q", text)
	}
}
