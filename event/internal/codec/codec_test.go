package codec_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/paperround/event"
	"example.com/paperround/event/internal/codec"
)

// encoding/json puts a number that does not fit into its error.
func TestErrorsRepeatNoNumber(t *testing.T) {
	t.Parallel()
	var v struct {
		Small int8 `json:"small"`
	}
	err := codec.Object("acme:x", codec.Body([]byte(` {"small":77001}`)), &v)
	require.EqualError(t, err,
		`event: acme:x: value of another type: field "small" at offset 10: got a number, want int8`)
	require.ErrorIs(t, err, event.ErrMistyped)
}

func TestText(t *testing.T) {
	t.Parallel()
	body := []byte(`{"plain":"abc","escaped":"a\u0062c"}`)
	members := []event.Member{{Name: "plain"}, {Name: "escaped"}}
	require.NoError(t, event.Scan(body, members))
	for _, m := range members {
		text, err := codec.Text(m)
		require.NoError(t, err)
		require.Equal(t, "abc", string(text))
	}
}
