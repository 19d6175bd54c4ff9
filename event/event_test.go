package event_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/paperround/event"
)

func TestUnknownPassesThrough(t *testing.T) {
	t.Parallel()
	u := &event.Unknown{Of: "cleeng:neverSent", ContentType: "application/json", Body: []byte(`{ "topic": "neverSent" }`)}
	body, contentType, err := u.Encode()
	require.NoError(t, err)
	require.Equal(t, `{ "topic": "neverSent" }`, string(body))
	require.Equal(t, "application/json", contentType)
	body[0] = 'x'
	require.Equal(t, byte('{'), u.Body[0], "the caller owns what Encode returns")
}

func TestUnknownIncomplete(t *testing.T) {
	t.Parallel()
	for _, u := range []*event.Unknown{nil, {}, {Of: "acme:x"}, {ContentType: "text/plain"}} {
		_, _, err := u.Encode()
		require.ErrorIs(t, err, event.ErrIncomplete)
	}
	require.Empty(t, (*event.Unknown)(nil).Topic())
}

func TestJSON(t *testing.T) {
	t.Parallel()
	ev := event.JSON("acme:invoice.paid", map[string]any{"note": "<a&b>"})
	require.EqualValues(t, "acme:invoice.paid", ev.Topic())
	body, contentType, err := ev.Encode()
	require.NoError(t, err)
	require.Equal(t, `{"note":"<a&b>"}`, string(body))
	require.Equal(t, event.ContentTypeJSON, contentType)

	_, _, err = event.JSON("acme:x", make(chan int)).Encode()
	require.ErrorContains(t, err, "acme:x")
	require.ErrorContains(t, err, "chan int")
	require.ErrorAs(t, err, new(*event.Error))

	_, _, err = event.JSON("acme:x", json.Number("secret")).Encode()
	require.Error(t, err)
	require.NotContains(t, err.Error(), "secret", "a host's text may hold anything")
	require.ErrorContains(t, errors.Unwrap(err), "secret")
}

type invoice struct{ event.Unknown }

func TestCodec(t *testing.T) {
	t.Parallel()
	want := errors.New("no")
	c, err := event.NewCodec(func([]byte) (event.Event, error) { return nil, want }, (*invoice)(nil))
	require.NoError(t, err)
	_, err = c.Decode(nil)
	require.ErrorIs(t, err, want)
	require.True(t, c.Yields(reflect.TypeFor[*invoice]()))
	require.True(t, c.Yields(reflect.TypeFor[*event.Unknown]()))
	require.False(t, c.Yields(reflect.TypeFor[invoice]()))
	require.ElementsMatch(t, []reflect.Type{reflect.TypeFor[*invoice](), reflect.TypeFor[*event.Unknown]()},
		slices.Collect(c.Types()))

	_, err = event.NewCodec(nil)
	require.ErrorContains(t, err, "needs a function")
	_, err = event.NewCodec(c.Decode, nil)
	require.ErrorContains(t, err, "(*T)(nil)")
}

func TestErrorText(t *testing.T) {
	t.Parallel()
	err := &event.Error{
		Topic: "cleeng:passCreated", Field: "data.active", Offset: 17, Reason: "want a flag", Err: event.ErrMistyped,
	}
	require.EqualError(t, err, `event: cleeng:passCreated: value of another type: field "data.active" at offset 17: want a flag`)
	require.EqualError(t, &event.Error{Offset: -1, Err: event.ErrNoTopic}, "event: no topic in body")
}
