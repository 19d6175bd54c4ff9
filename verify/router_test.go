package verify_test

import (
	"context"
	"errors"
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/paperround/verify"
)

// A codec as a provider's package has one: events behind an interface, one type
// for each topic and one for those it does not know.
type (
	event interface{ topic() string }

	created struct{ id string }
	deleted struct{ id string }
	byValue struct{}
	unknown struct{ name string }
	foreign struct{}

	codec struct{}
)

func (*created) topic() string { return "created" }
func (*deleted) topic() string { return "deleted" }
func (byValue) topic() string  { return "value" }
func (*unknown) topic() string { return "unknown" }

var errBroken = errors.New("broken body")

func (codec) Decode(body []byte) (event, error) {
	switch string(body) {
	case "created":
		return &created{"7"}, nil
	case "deleted":
		return &deleted{"8"}, nil
	case "value":
		return byValue{}, nil
	case "broken":
		return nil, errBroken
	case "nothing":
		return nil, nil
	}
	return &unknown{string(body)}, nil
}

func (codec) Yields(t reflect.Type) bool {
	switch t {
	case reflect.TypeFor[*created](), reflect.TypeFor[*deleted](), reflect.TypeFor[byValue](), reflect.TypeFor[*unknown]():
		return true
	}
	return false
}

func ignore[T any](context.Context, *verify.Delivery[T]) error { return nil }

func TestNewRouterRefuses(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		routes []verify.Route
		reason string
	}{
		"no routes":        {nil, "no route takes events"},
		"only undecodable": {[]verify.Route{verify.Undecodable(func(context.Context, *verify.Undecoded) error { return nil })}, "no route takes events"},
		"zero route":       {[]verify.Route{{}}, "route 1: the zero Route"},
		"nil On":           {[]verify.Route{verify.On[*created](nil)}, "the function of On[*verify_test.created] is nil"},
		"nil Otherwise":    {[]verify.Route{verify.Otherwise(nil)}, "the function of Otherwise is nil"},
		"nil Undecodable":  {[]verify.Route{verify.Undecodable(nil)}, "the function of Undecodable is nil"},
		"one type twice":   {[]verify.Route{verify.On(ignore[*created]), verify.On(ignore[*created])}, "route 2: there is an On[*verify_test.created] already"},
		"two Otherwise":    {[]verify.Route{verify.Otherwise(ignore[any]), verify.Otherwise(ignore[any])}, "an Otherwise already"},
		"two Undecodable": {[]verify.Route{
			verify.Undecodable(func(context.Context, *verify.Undecoded) error { return nil }),
			verify.Undecodable(func(context.Context, *verify.Undecoded) error { return nil }),
		}, "an Undecodable already"},
		"value for a pointer": {[]verify.Route{verify.On(ignore[created])}, "write On[*verify_test.created]"},
		"pointer for a value": {[]verify.Route{verify.On(ignore[*byValue])}, "write On[verify_test.byValue]"},
		"another's event":     {[]verify.Route{verify.On(ignore[*foreign])}, "On[*verify_test.foreign] is never called"},
		"an interface":        {[]verify.Route{verify.On(ignore[event])}, "name a concrete type, or use Otherwise"},
		"any":                 {[]verify.Route{verify.On(ignore[any])}, "name a concrete type, or use Otherwise"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := verify.NewRouter(codec{}, tc.routes...)
			require.Nil(t, r)
			require.ErrorIs(t, err, verify.ErrConfig)
			require.ErrorContains(t, err, tc.reason)
		})
	}
	_, err := verify.NewRouter[event](nil, verify.Otherwise(ignore[any]))
	require.ErrorIs(t, err, verify.ErrConfig)
	require.ErrorContains(t, err, "codec is nil")
}
