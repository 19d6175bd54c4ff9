package eventtest_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/paperround/event"
	"example.com/paperround/event/eventtest"
	"example.com/paperround/topic"
)

// recorder is a T that keeps what would have failed a test.
type recorder struct{ failures []string }

func (r *recorder) Helper() {}

func (r *recorder) Errorf(format string, args ...any) {
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}

// Every topic has an example that comes back as it was and is as documented.
func TestEveryTopic(t *testing.T) {
	t.Parallel()
	for tp := range topic.All() {
		body := eventtest.Sample(tp)
		require.NotNil(t, body, "no example of %s", tp)
		ev := eventtest.New(tp)
		require.NotNil(t, ev, tp)
		require.Equal(t, tp, ev.Topic())
		require.NotSame(t, ev, eventtest.New(tp))
	}
	for e := range eventtest.All() {
		require.True(t, eventtest.AssertRoundTrip(t, e.Topic, e.Body), "%s %s", e.Topic, e.Variant)
		allow := []eventtest.Allowance{eventtest.AllowUndocumented}
		if e.Partial || e.Variant != "" {
			allow = append(allow, eventtest.AllowMissing)
		}
		require.True(t, eventtest.AssertShape(t, e.Topic, e.Body, allow...), "%s %s", e.Topic, e.Variant)
	}
}

// The examples of a topic together set every field of its struct, those of
// nested objects included, so that none is misspelled.
func TestExamplesSetEveryField(t *testing.T) {
	t.Parallel()
	// Fields that no example has, with the reason.
	unset := map[string]string{
		"conscent.OldMicroPayment.UserName":      "empty where shown",
		"conscent.OldPassPayment.UserName":       "empty where shown",
		"conscent.OldReviewSubscription.Name":    "empty where shown",
		"inplayer.SubscribeSuccess.Subscription": "shown in 2018 only, beside fields that are all gone",
	}
	for _, name := range []string{"SignUp", "Login", "UserUpdate", "Popup", "PaymentGateway"} {
		for _, object := range []string{
			"Action", "LandingPage", "MeteringBanner", "Paywall", "Purchase", "Refund", "Renewal", "Subscription", "Tier", "Transaction",
		} {
			unset["conscent."+name+"."+object] = "nobody published the payload; other events have this object"
		}
	}
	set := map[string]bool{}
	all := map[string]bool{}
	for e := range eventtest.All() {
		r := &recorder{}
		require.True(t, eventtest.AssertRoundTrip(r, e.Topic, e.Body), r.failures)
		ev := decodeExample(t, e)
		v := reflect.ValueOf(ev).Elem()
		fields(all, v.Type())
		mark(set, v)
	}
	for field := range all {
		if unset[field] == "" {
			require.True(t, set[field], "no example sets %s", field)
		} else {
			require.False(t, set[field], "an example sets %s, which is said to be in none: %s", field, unset[field])
		}
	}
	for field := range unset {
		require.True(t, all[field], "%s is no field", field)
	}
}

// decodeExample decodes one example by way of New's rules.
func decodeExample(t *testing.T, e eventtest.Example) event.Event {
	t.Helper()
	ev, err := eventtest.Decode(e.Topic, e.Body)
	require.NoError(t, err)
	return ev
}

// leaf reports whether fields of a type are no fields of the payload's.
func leaf(t reflect.Type) bool {
	return t.Kind() != reflect.Struct || t.PkgPath() != "" && strings.HasSuffix(t.PkgPath(), "/event")
}

// fields collects the fields of a struct and of the structs in it, by type:
// "conscent.User.Email".
func fields(all map[string]bool, t reflect.Type) {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Struct {
		t = t.Elem()
	}
	if leaf(t) {
		return
	}
	for f := range t.Fields() {
		all[t.String()+"."+f.Name] = true
		fields(all, f.Type)
	}
}

// mark collects the fields that are set, by type.
func mark(set map[string]bool, v reflect.Value) {
	switch {
	case v.Kind() == reflect.Pointer && !v.IsNil():
		mark(set, v.Elem())
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Struct:
		for i := range v.Len() {
			mark(set, v.Index(i))
		}
	case !leaf(v.Type()):
		for i := range v.NumField() {
			if !v.Field(i).IsZero() {
				set[v.Type().String()+"."+v.Type().Field(i).Name] = true
				mark(set, v.Field(i))
			}
		}
	}
}
