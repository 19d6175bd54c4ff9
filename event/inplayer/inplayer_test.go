package inplayer_test

import (
	"bytes"
	"encoding/json"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/paperround/event"
	"example.com/paperround/event/eventtest"
	"example.com/paperround/event/inplayer"
	"example.com/paperround/topic"
)

func sample(t *testing.T, tp topic.Topic, variant string) []byte {
	t.Helper()
	for e := range eventtest.All() {
		if e.Topic == tp && e.Variant == variant {
			return e.Body
		}
	}
	require.FailNow(t, "no such sample")
	return nil
}

// One sender sorts the keys and writes true, Z and UUIDs.
func TestSortedSender(t *testing.T) {
	t.Parallel()
	ev, err := inplayer.Decode(sample(t, topic.InPlayerCustomerUpdated, "metadata"))
	require.NoError(t, err)
	require.Equal(t, &inplayer.CustomerUpdated{
		Envelope: inplayer.Envelope{
			EventID: "4caf4202-0743-4754-a8f2-d72ced3673b1",
			Created: event.NewTime(time.Unix(1679882312, 0), event.UnixSeconds),
			Style:   inplayer.Sorted,
		},
		Active:       event.NewFlag(true),
		Completed:    event.NewFlag(true),
		CreatedAt:    event.NewTime(time.Unix(1679882311, 0), event.UnixSeconds),
		DateOfBirth:  event.NewTime(time.Unix(1009843200, 0), event.UnixSeconds),
		Email:        "mira+tv47@example.org",
		FullName:     "Mira van Dijk",
		ID:           event.NewID(96629),
		MerchantID:   event.NewID(512),
		MerchantUUID: "0f2b6c1e-58d4-4d0a-9b57-3a6f1c2e7d90",
		Metadata: map[string]string{
			"clientId": "0f2b6c1e-58d4-4d0a-9b57-3a6f1c2e7d90", "fullname": "Mira van Dijk", "register_source": "inplayer",
		},
		Referrer:  "https://watch.example.org/live?asset=76073&utm_source=mail",
		UpdatedAt: event.NewTime(time.Unix(1679882311, 0), event.UnixSeconds),
		Username:  "mira+tv47@example.org",
		UUID:      "ad03b08e-742b-42f6-b8b3-4aa0b6beb4b9",
	}, ev)
}

// The other writes PHP's order and has a version.
func TestPHPSender(t *testing.T) {
	t.Parallel()
	body := eventtest.Sample(topic.InPlayerSubscribeSuccess)
	ev, err := inplayer.Decode(body)
	require.NoError(t, err)
	sub, ok := ev.(*inplayer.SubscribeSuccess)
	require.True(t, ok)
	require.Equal(t, inplayer.PHP, sub.Style)
	require.Equal(t, "2.4.2", *sub.Version)
	require.Equal(t, "7.99", sub.Amount.Text())
	got, _, err := sub.Encode()
	require.NoError(t, err)
	require.Equal(t, string(body), string(got))

	sub.Style, sub.Version = inplayer.Sorted, nil
	sub.Description = "~ü"
	got, _, err = sub.Encode()
	require.NoError(t, err)
	values, err := url.ParseQuery(string(got))
	require.NoError(t, err)
	require.Equal(t, values.Encode(), string(got), "sorted as net/url sorts and escapes")
	require.Contains(t, string(got), "=~%C3%BC&")

	sub.Style = inplayer.PHP
	got, _, err = sub.Encode()
	require.NoError(t, err)
	require.Contains(t, string(got), "=%7E%C3%BC&", "PHP escapes the tilde")
}

// explain and extras are text in some listings and maps in others.
func TestDetail(t *testing.T) {
	t.Parallel()
	decode := func(variant string) *inplayer.PaymentCardFailed {
		ev, err := inplayer.Decode(sample(t, topic.InPlayerPaymentCardFailed, variant))
		require.NoError(t, err)
		failed, ok := ev.(*inplayer.PaymentCardFailed)
		require.True(t, ok)
		return failed
	}
	require.Equal(t, &inplayer.Detail{Text: `"error": "Card was declined by the issuer."`}, decode("").Explain)
	nested := decode("nested")
	require.Equal(t, &inplayer.Detail{Fields: map[string]string{"error": "Fee lookup failed."}}, nested.Explain)
	require.Equal(t, "access_fee: AccessFee 8801 missing", nested.Extras.String())

	body := []byte("id=1&created=1&type=payment.card.failed&resource[explain][card][code]=x&resource[explain][card][why]=y+z")
	ev, err := inplayer.Decode(body)
	require.NoError(t, err)
	deep, ok := ev.(*inplayer.PaymentCardFailed)
	require.True(t, ok)
	require.Equal(t, "card[code]: x; card[why]: y z", deep.Explain.String())
	deep.Message = "m"
	got, _, err := deep.Encode()
	require.NoError(t, err)
	plain, err := url.QueryUnescape(string(got))
	require.NoError(t, err)
	require.Equal(t, "id=1&created=1&type=payment.card.failed&resource[explain][card][code]=x&resource[explain][card][why]=y z&resource[message]=m", plain)

	for _, d := range []*inplayer.Detail{deep.Explain, {Text: "a"}, {}} {
		b, err := json.Marshal(d)
		require.NoError(t, err)
		var back inplayer.Detail
		require.NoError(t, json.Unmarshal(b, &back))
		require.Equal(t, *d, back)
	}
	require.Empty(t, (*inplayer.Detail)(nil).String())
}

func TestUnknownTopic(t *testing.T) {
	t.Parallel()
	body := []byte("id=1&created=1&type=freemium.grant.pending&resource[x]=1")
	ev, err := inplayer.Decode(body)
	require.NoError(t, err)
	want := &event.Unknown{
		Of: "inplayer:freemium.grant.pending", ContentType: "application/x-www-form-urlencoded", Body: bytes.Clone(body),
	}
	require.Equal(t, want, ev)
	clear(body)
	require.Equal(t, want, ev, "an event does not keep the body")
}

// One l is another spelling of a label on its way in.
func TestAlias(t *testing.T) {
	t.Parallel()
	ev, err := inplayer.Decode([]byte("id=1&created=1&type=subscribe.canceled.failed&resource[message]=m"))
	require.NoError(t, err)
	failed, ok := ev.(*inplayer.SubscribeCancelledFailed)
	require.True(t, ok)
	require.Equal(t, topic.InPlayerSubscribeCancelledFailed, failed.Topic())
	require.Equal(t, "m", failed.Message)
}

// A payload that nobody published stays as it came.
func TestUnpublishedPayloadStaysRaw(t *testing.T) {
	t.Parallel()
	body := "created=1&id=1&resource=x&resource%5Ba%5D=1&resource%5Ba%5D=2&resource%5Bm%5D%5Bn%5D=+&type=freemium.grant.success"
	ev, err := inplayer.Decode([]byte(body))
	require.NoError(t, err)
	granted, ok := ev.(*inplayer.FreemiumGrantSuccess)
	require.True(t, ok)
	require.Equal(t, inplayer.Resource{"": {"x"}, "[a]": {"1", "2"}, "[m][n]": {" "}}, granted.Resource)
	got, _, err := granted.Encode()
	require.NoError(t, err)
	require.Equal(t, body, string(got))
}

func TestDecodeTolerates(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"a resource key twice": "id=1&created=2&type=customer.updated&resource[email]=old&resource[email]=a@b",
		"%20 for a space":      "id=1&created=2&type=customer.updated&resource[email]=a@b&resource[full_name]=%20",
		"unknown keys":         "x=1&id=1&created=2&type=customer.updated&resource[email]=a@b&resource[new][deep]=1&resource2[a]=1",
		"empty pairs":          "&id=1&&created=2&type=customer.updated&resource[email]=a@b&",
		"lower-case escapes":   "id=1&created=2&type=customer.updated&resource%5bemail%5d=a%40b",
		"escaped envelope key": "%69d=1&created=2&type=customer.updated&resource[email]=a@b",
	} {
		ev, err := inplayer.Decode([]byte(body))
		require.NoError(t, err, name)
		updated, ok := ev.(*inplayer.CustomerUpdated)
		require.True(t, ok)
		require.Equal(t, "a@b", updated.Email, name)
		require.Equal(t, "1", updated.EventID, name)
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		body   string
		is     error
		field  string
		offset int
	}{
		"nothing":                      {"", event.ErrNoTopic, "type", -1},
		"JSON":                         {`{"type":"customer.updated"}`, event.ErrNoTopic, "type", -1},
		"empty type":                   {"id=1&type=", event.ErrNoTopic, "type", -1},
		"two types":                    {"type=customer.updated&type=customer.registered", event.ErrMalformed, "type", 22},
		"two types, escaped":           {"type=customer.updated&ty%70e=customer.registered", event.ErrMalformed, "type", 22},
		"type as an array":             {"type=customer.updated&type[]=customer.registered", event.ErrMalformed, "type[]", 22},
		"type as an array only":        {"id=1&type[]=customer.updated", event.ErrMalformed, "type[]", 5},
		"two ids":                      {"id=1&type=customer.updated&id=2", event.ErrMalformed, "id", 27},
		"bad escape in a value":        {"id=1&type=customer.updated&resource[email]=%4", event.ErrMalformed, "resource[email]", 27},
		"bad escape in a key":          {"id=1&%zz=customer.updated", event.ErrMalformed, "", 5},
		"invalid UTF-8":                {"id=1&type=customer.updated&resource[email]=%ff", event.ErrMalformed, "resource[email]", 27},
		"empty key":                    {"id=1&=x", event.ErrMalformed, "", 5},
		"brackets without end":         {"id=1&type=customer.updated&resource[email=x", event.ErrMalformed, "resource[email", 27},
		"brackets in brackets":         {"id=1&type=customer.updated&resource[a[b]]=x", event.ErrMalformed, "resource[a[b]]", 27},
		"text after brackets":          {"id=1&type=customer.updated&resource[a]b=x", event.ErrMalformed, "resource[a]b", 27},
		"brackets too deep":            {"id=1&type=customer.updated&resource" + strings.Repeat("[a]", 17) + "=x", event.ErrMalformed, "resource" + strings.Repeat("[a]", 17), 27},
		"resource as text":             {"id=1&type=customer.updated&resource=x", event.ErrMistyped, "resource", 27},
		"a mistyped created":           {"id=1&created=soon77001&type=customer.updated", event.ErrMistyped, "created", 5},
		"a mistyped flag":              {"type=customer.updated&resource[active]=soon77001", event.ErrMistyped, "resource[active]", 22},
		"a mistyped time":              {"type=customer.updated&resource[created_at]=soon77001", event.ErrMistyped, "resource[created_at]", 22},
		"a map for text":               {"type=customer.updated&resource[email][x]=soon77001", event.ErrMistyped, "resource[email][x]", 22},
		"text for a map":               {"type=customer.updated&resource[metadata]=soon77001", event.ErrMistyped, "resource[metadata]", 22},
		"a map of maps":                {"type=customer.updated&resource[metadata][a][b]=soon77001", event.ErrMistyped, "resource[metadata][a][b]", 22},
		"a map for an id":              {"type=customer.updated&resource[id][x]=soon77001", event.ErrMistyped, "resource[id][x]", 22},
		"a decimal that is none":       {"type=subscribe.success&resource[amount]=soon77001", event.ErrMistyped, "resource[amount]", 23},
		"a mistyped field of a detail": {"type=payment.card.failed&resource[code]=soon77001", event.ErrMistyped, "resource[code]", 25},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ev, err := inplayer.Decode([]byte(tt.body))
			require.ErrorIs(t, err, tt.is)
			require.Nil(t, ev)
			var e *event.Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, tt.field, e.Field)
			require.Equal(t, tt.offset, e.Offset)
			require.NotContains(t, err.Error(), "soon77001", "an error repeats no value")
		})
	}
}

func TestEncodeRefuses(t *testing.T) {
	t.Parallel()
	created := event.NewTime(time.Unix(1, 0), event.UnixSeconds)
	for name, tt := range map[string]struct {
		ev    event.Event
		is    error
		field string
	}{
		"nil pointer": {(*inplayer.CustomerUpdated)(nil), event.ErrIncomplete, ""},
		"no id":       {&inplayer.CustomerUpdated{Envelope: inplayer.Envelope{Created: created}}, event.ErrIncomplete, "id"},
		"no created":  {&inplayer.CustomerUpdated{Envelope: inplayer.Envelope{EventID: "1"}}, event.ErrIncomplete, "created"},
		"invalid UTF-8": {&inplayer.CustomerUpdated{
			Envelope: inplayer.Envelope{EventID: "1", Created: created}, Email: "\xff",
		}, event.ErrMalformed, "resource[email]"},
		"brackets in a key": {&inplayer.CustomerUpdated{
			Envelope: inplayer.Envelope{EventID: "1", Created: created}, Metadata: map[string]string{"a][b": "x"},
		}, event.ErrMalformed, "resource[metadata]"},
	} {
		_, _, err := tt.ev.Encode()
		require.ErrorIs(t, err, tt.is, name)
		var e *event.Error
		require.ErrorAs(t, err, &e)
		require.Equal(t, tt.field, e.Field, name)
		require.NotEmpty(t, e.Topic, name)
	}
}

// What decoding would refuse, or take for something else, is not written.
func TestEncodeRefusesKeysOfOthers(t *testing.T) {
	t.Parallel()
	env := inplayer.Envelope{EventID: "1", Created: event.NewTime(time.Unix(1, 0), event.UnixSeconds)}
	for _, name := range []string{"a[b", "a]b", "a[b]c", "a][b"} {
		_, _, err := (&inplayer.PaymentCardFailed{
			Envelope: env, Explain: &inplayer.Detail{Fields: map[string]string{name: "x"}},
		}).Encode()
		require.ErrorIs(t, err, event.ErrMalformed, name)
	}
	for _, path := range []string{"x", "[a", "]", "[a]b", strings.Repeat("[a]", 17)} {
		_, _, err := (&inplayer.FreemiumGrantFailed{Envelope: env, Resource: inplayer.Resource{path: {"x"}}}).Encode()
		require.ErrorIs(t, err, event.ErrMalformed, path)
	}
}

func TestErrorsAreBounded(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 100_000)
	for _, body := range []string{
		"type=secret%0Aline&created=soon", "type=customer.updated&resource[" + long + "=1",
		"type=customer.updated&resource[metadata][" + long + "][a]=1", "type=customer.updated&type[" + long + "]=1", long + "=%",
	} {
		_, err := inplayer.Decode([]byte(body))
		require.Error(t, err)
		require.Less(t, len(err.Error()), 500)
		require.NotContains(t, err.Error(), "secret")
	}
}

// An empty text stands for no map, as for no number.
func TestEmptyMap(t *testing.T) {
	t.Parallel()
	ev, err := inplayer.Decode([]byte("id=1&created=1&type=customer.updated&resource[metadata]="))
	require.NoError(t, err)
	updated, ok := ev.(*inplayer.CustomerUpdated)
	require.True(t, ok)
	require.Nil(t, updated.Metadata)
}

func TestCodecYields(t *testing.T) {
	t.Parallel()
	c := inplayer.Codec()
	require.True(t, c.Yields(reflect.TypeFor[*inplayer.SubscribeSuccess]()))
	require.False(t, c.Yields(reflect.TypeFor[inplayer.SubscribeSuccess]()))
}

func FuzzDecode(f *testing.F) {
	for e := range eventtest.All() {
		f.Add(e.Body)
	}
	f.Add([]byte("id=1&created=2&type=payment.card.failed&resource[explain][a][b]=%2B&resource[explain]=x&resource[code]="))
	f.Add([]byte("id=1&created=2&type=customer.updated&resource[metadata][]=x&resource[active]=1"))
	f.Fuzz(func(t *testing.T, body []byte) {
		ev, err := inplayer.Decode(body)
		if err != nil {
			require.Nil(t, ev)
			require.ErrorAs(t, err, new(*event.Error))
			return
		}
		again, _, err := ev.Encode()
		if err != nil {
			require.ErrorIs(t, err, event.ErrIncomplete)
			return
		}
		back, err := inplayer.Decode(again)
		require.NoError(t, err, "%s", again)
		bodyAgain, _, err := back.Encode()
		require.NoError(t, err)
		require.Equal(t, string(again), string(bodyAgain))
	})
}
