package shape_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/paperround/event/inplayer"
	"example.com/paperround/event/internal/shape"
	"example.com/paperround/topic"
)

// Every row of the catalog has a struct, and its shape a known kind everywhere.
func TestEveryTopicHasAShape(t *testing.T) {
	t.Parallel()
	for tp := range topic.All() {
		info, _ := tp.Info()
		typ, ok := shape.Type(tp)
		require.True(t, ok, tp)
		require.Equal(t, info.GoName, typ.Name())
		s, ok := shape.Of(tp)
		require.True(t, ok)
		require.Equal(t, shape.Object, s.Kind)
		require.NotEmpty(t, s.Fields)
	}
	_, ok := shape.Of("acme:invoice.paid")
	require.False(t, ok)
	_, ok = shape.Of("cleeng:neverSent")
	require.False(t, ok)
	_, ok = shape.Of("")
	require.False(t, ok)
}

// Tags are spelled as they are understood.
func TestTags(t *testing.T) {
	t.Parallel()
	var walk func(typ reflect.Type)
	walk = func(typ reflect.Type) {
		switch typ.Kind() {
		case reflect.Pointer, reflect.Slice:
			walk(typ.Elem())
			return
		case reflect.Struct:
		default:
			return
		}
		if !strings.Contains(typ.PkgPath(), "/event/") {
			return
		}
		for f := range typ.Fields() {
			_, options, _ := strings.Cut(f.Tag.Get("json"), ",")
			require.Contains(t, []string{"", "omitzero"}, options, "%s.%s", typ, f.Name)
			for doc := range strings.SplitSeq(f.Tag.Get("doc"), ",") {
				value, isConst := strings.CutPrefix(doc, "const=")
				require.True(t, isConst && value != "" || doc == "" || doc == "always" || doc == "null", "%s.%s", typ, f.Name)
			}
			walk(f.Type)
		}
	}
	for tp := range topic.All() {
		typ, ok := shape.Type(tp)
		require.True(t, ok)
		walk(typ)
	}
}

func TestStrings(t *testing.T) {
	t.Parallel()
	s, ok := shape.Of(topic.InPlayerPaymentCardFailed)
	require.True(t, ok)
	require.Equal(t, "an object", s.String())
	require.Equal(t, `the string "payment.card.failed"`, s.Fields[2].Shape.String())
	resource := s.Fields[4].Shape
	require.Equal(t, "a string, or an object of strings", resource.Fields[2].Shape.String())
	require.Len(t, resource.Fields, reflect.TypeFor[inplayer.PaymentCardFailed]().NumField()-1)
}
