package conscent_test

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/paperround/event"
	"example.com/paperround/event/conscent"
	"example.com/paperround/event/eventtest"
	"example.com/paperround/topic"
)

// decode reads a body on a route that knows sign-ups from logins.
func decode(t *testing.T, tp topic.Topic, body []byte) (event.Event, error) {
	t.Helper()
	o := &conscent.Options{}
	if tp == topic.ConsCentOldSignUp || tp == topic.ConsCentOldLogin {
		o.Old = tp
	}
	c, err := conscent.NewCodec(o)
	require.NoError(t, err)
	return c.Decode(body)
}

func TestDecodeNew(t *testing.T) {
	t.Parallel()
	ev, err := conscent.Decode(eventtest.Sample(topic.ConsCentCancelledSubscription))
	require.NoError(t, err)
	require.Equal(t, &conscent.CancelledSubscription{
		Envelope: conscent.Envelope{
			UserID:     "7a0000000000c0ffee000001",
			Contains:   []string{"user", "renewal"},
			ClientInfo: &conscent.ClientInfo{DeviceType: new("desktop")},
			CreatedAt:  event.NewTime(time.Unix(1743846101, 0), event.UnixSeconds),
		},
		User: &conscent.User{
			PhoneNumber: new("9800000001"),
			UserID:      new("7a0000000000c0ffee000001"),
			Country:     new("IN"),
			Address: &conscent.Address{
				Apartment: new(""), Area: new(""), Pincode: new(""), Landmark: new(""),
				City: new(""), State: new(""), Country: new(""),
			},
			Name: new(""),
			City: new("sampletown (north)"),
			Location: &conscent.Location{
				Latitude: event.NewDecimal(129716, 4), Longitude: event.NewDecimal(775946, 4), Postcode: event.NewID("560001"),
			},
			Username: new("9800000001"),
		},
		Renewal: &conscent.Renewal{
			ID:                           new("7a0000000000c0ffee000002"),
			Status:                       new("CANCELLED"),
			RenewalCount:                 event.NewDecimal(1, 0),
			PaymentGatewayPlanID:         new("P-SAMPLEPLAN000000000000001"),
			PaymentGatewaySubscriptionID: new("I-SAMPLESUB0001"),
			Price:                        event.NewDecimal(2451, 2),
			Currency:                     new("USD"),
		},
	}, ev)
}

// The old bodies are known by their marks, typed or not.
func TestOldBodiesAreRecognised(t *testing.T) {
	t.Parallel()
	for e := range eventtest.All() {
		info, _ := e.Topic.Info()
		if info.Group != "Old Webhooks" {
			continue
		}
		ev, err := conscent.Decode(e.Body)
		if e.Topic == topic.ConsCentOldSignUp || e.Topic == topic.ConsCentOldLogin {
			require.ErrorIs(t, err, event.ErrNoTopic)
			require.ErrorContains(t, err, "Options.Old")
			continue
		}
		require.NoError(t, err)
		require.Equal(t, e.Topic, ev.Topic())
	}
}

// A route for sign-ups takes what is surely something else for what it is.
func TestMarksWinOverTheRoute(t *testing.T) {
	t.Parallel()
	ev, err := decode(t, topic.ConsCentOldSignUp, eventtest.Sample(topic.ConsCentOldMicroPayment))
	require.NoError(t, err)
	require.IsType(t, (*conscent.OldMicroPayment)(nil), ev)
	ev, err = decode(t, topic.ConsCentOldSignUp, eventtest.Sample(topic.ConsCentMeterBannerClose))
	require.NoError(t, err)
	require.IsType(t, (*conscent.MeterBannerClose)(nil), ev)
}

func TestNewCodecRefuses(t *testing.T) {
	t.Parallel()
	for _, tp := range []topic.Topic{topic.ConsCentOldMicroPayment, topic.ConsCentSignUp, "old.sign_up"} {
		_, err := conscent.NewCodec(&conscent.Options{Old: tp})
		require.ErrorContains(t, err, "topic.ConsCentOldSignUp", tp)
	}
	for value, tp := range map[string]topic.Topic{
		"":             topic.ConsCentSignUp,
		"paywall.exit": topic.ConsCentSignUp,
		"user.signup":  topic.ConsCentPaywallExit,
		"user.sign_up": topic.ConsCentOldSignUp,
		"user.login":   "conscent:user.login",
		"user.pass":    topic.CleengPassCreated,
	} {
		_, err := conscent.NewCodec(&conscent.Options{Bind: map[string]topic.Topic{value: tp}})
		require.ErrorContains(t, err, "Options.Bind", tp)
	}
}

func TestBind(t *testing.T) {
	t.Parallel()
	bind := map[string]topic.Topic{"user.signup": topic.ConsCentSignUp, "user.register": topic.ConsCentSignUp}
	c, err := conscent.NewCodec(&conscent.Options{Bind: bind})
	require.NoError(t, err)
	clear(bind) // the codec has its own
	for _, value := range []string{"user.signup", "user.register"} {
		body := `{"entity":"event","user_id":"u","event":"` + value + `","contains":["user"],"payload":{"user":{"userId":"u"}}}`
		ev, err := c.Decode([]byte(body))
		require.NoError(t, err)
		signUp, ok := ev.(*conscent.SignUp)
		require.True(t, ok)
		require.Equal(t, "u", *signUp.User.UserID)
		require.Equal(t, value, signUp.Event)
		got, _, err := signUp.Encode()
		require.NoError(t, err)
		require.Equal(t, body, string(got))
	}
	_, _, err = (&conscent.SignUp{Envelope: conscent.Envelope{UserID: "u"}}).Encode()
	require.ErrorIs(t, err, event.ErrIncomplete)
	require.ErrorContains(t, err, "set Envelope.Event")
}

// Marks are strings, however they are escaped.
func TestEscapedMarks(t *testing.T) {
	t.Parallel()
	ev, err := conscent.Decode([]byte(`{"entity":"\u0065vent","event":"paywall.exit","payload":{}}`))
	require.NoError(t, err)
	require.IsType(t, (*conscent.PaywallExit)(nil), ev)
	ev, err = conscent.Decode([]byte(`{"type":"\u0050ASS"}`))
	require.NoError(t, err)
	require.IsType(t, (*conscent.OldPassPayment)(nil), ev)
}

func TestEncodeRefusesWhatDecodeWould(t *testing.T) {
	t.Parallel()
	for name, ev := range map[string]event.Event{
		"invalid UTF-8": &conscent.PaywallExit{Envelope: conscent.Envelope{UserID: "\xff"}},
		"nested invalid UTF-8": &conscent.PaywallExit{
			Envelope: conscent.Envelope{UserID: "u", Contains: []string{"\xff"}},
		},
		"a key twice": &conscent.PurchasePass{
			Envelope: conscent.Envelope{UserID: "u"},
			Purchase: &conscent.Purchase{Categories: []json.RawMessage{[]byte(`{"a":1,"A":2}`)}},
		},
	} {
		_, _, err := ev.Encode()
		require.ErrorIs(t, err, event.ErrMalformed, name)
	}
}

func TestFreeTrial(t *testing.T) {
	t.Parallel()
	for _, value := range []string{`true`, `0`, `null`, `{"enabled":true,"duration":15}`} {
		body := `{"entity":"event","user_id":"u","event":"paywall.exit","contains":[],"payload":{"user":{"freeTrial":` + value + `}}}`
		ev, err := conscent.Decode([]byte(body))
		require.NoError(t, err)
		got, _, err := ev.Encode()
		require.NoError(t, err)
		require.Equal(t, body, string(got))
	}
	_, err := conscent.Decode([]byte(`{"entity":"event","event":"paywall.exit","payload":{"user":{"freeTrial":"maybe"}}}`))
	require.ErrorIs(t, err, event.ErrMistyped)
	require.ErrorContains(t, err, "got a string, want a flag (true, false, 1 or 0), or an object")
	_, err = conscent.Decode([]byte(`{"entity":"event","event":"paywall.exit","payload":{"user":{"freeTrial":{"enabled":"x"}}}}`))
	require.ErrorContains(t, err, `field "payload.user.freeTrial.enabled"`)
	require.ErrorContains(t, err, "got a string, want a flag")
}

func TestUnknownTopic(t *testing.T) {
	t.Parallel()
	for body, tp := range map[string]topic.Topic{
		`{"entity":"event","event":"user.signup","payload":{}}`:           "conscent:user.signup",
		`{"entity":"event","event":"old.micro_payment","type":"CONTENT"}`: "conscent:old.micro_payment",
		`{"entity":"event","event":"new.sign_up","payload":{}}`:           "conscent:new.sign_up",
	} {
		raw := []byte(body)
		ev, err := conscent.Decode(raw)
		require.NoError(t, err)
		clear(raw)
		require.Equal(t, &event.Unknown{Of: tp, ContentType: "application/json", Body: []byte(body)}, ev)
	}
}

// An object that contains announces may be missing, and keys may be new.
func TestDecodeTolerates(t *testing.T) {
	t.Parallel()
	ev, err := conscent.Decode([]byte(
		`{"event":"meter_banner.close","new":1,"contains":["user"],"payload":{"x":{}},"user_id":"u","entity":"event"}`))
	require.NoError(t, err)
	closed, ok := ev.(*conscent.MeterBannerClose)
	require.True(t, ok)
	require.Nil(t, closed.User)
	require.Equal(t, []string{"user"}, closed.Contains)
	require.True(t, closed.CreatedAt.IsZero())
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		body   string
		is     error
		field  string
		offset int
	}{
		"not JSON":              {`x`, event.ErrMalformed, "", 0},
		"empty object":          {`{}`, event.ErrNoTopic, "", -1},
		"another entity":        {`{"entity":"order","event":"paywall.exit"}`, event.ErrNoTopic, "", -1},
		"details of what":       {`{"subscriptionDetails":{"subscriptionId":"1"}}`, event.ErrNoTopic, "", -1},
		"no event":              {`{"entity":"event","payload":{}}`, event.ErrNoTopic, "event", -1},
		"event is a number":     {`{"entity":"event","event":7,"payload":{}}`, event.ErrMistyped, "event", 26},
		"two events":            {`{"entity":"event","event":"paywall.exit","EVENT":"transaction.complete"}`, event.ErrMalformed, "EVENT", 41},
		"no payload":            {`{"entity":"event","event":"meter_banner.close"}`, event.ErrMalformed, "payload", -1},
		"payload is a list":     {`{"entity":"event","event":"meter_banner.close","payload":[]}`, event.ErrMistyped, "payload", 57},
		"a mistyped object":     {`{"entity":"event","event":"meter_banner.close","payload":{"user":"77001"}}`, event.ErrMistyped, "payload.user", 65},
		"a mistyped field":      {`{"entity":"event","event":"meter_banner.close","payload":{"user":{"location":{"latitude":"x77001"}}}}`, event.ErrMistyped, "payload.user.location.latitude", 89},
		"mistyped contains":     {`{"entity":"event","event":"meter_banner.close","payload":{},"contains":"user"}`, event.ErrMistyped, "contains", 71},
		"mistyped time":         {`{"entity":"event","event":"meter_banner.close","payload":{},"created_at":"77001x"}`, event.ErrMistyped, "created_at", 73},
		"an unknown type":       {`{"type":"GIFT"}`, event.ErrNoTopic, "type", 8},
		"type is no string":     {`{"type":7}`, event.ErrNoTopic, "type", 8},
		"old, a mistyped field": {` {"type":"CONTENT","price":"77001 INR"}`, event.ErrMistyped, "price", 27},
		"old, an element":       {`{"type":"CONTENT","paymentType":["NEW",77001]}`, event.ErrMistyped, "paymentType[1]", 39},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ev, err := conscent.Decode([]byte(tt.body))
			require.ErrorIs(t, err, tt.is)
			require.Nil(t, ev)
			var e *event.Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, tt.field, e.Field)
			require.Equal(t, tt.offset, e.Offset)
			require.NotContains(t, err.Error(), "77001", "an error repeats no value")
		})
	}
}

// What is left out of a literal is left out of the body, and contains lists
// what is there.
func TestEncodeNew(t *testing.T) {
	t.Parallel()
	ev := &conscent.TransactionComplete{
		Envelope:    conscent.Envelope{UserID: "u1", CreatedAt: event.NewTime(time.Unix(1743841268, 0), event.UnixSeconds)},
		Transaction: &conscent.Transaction{Status: new("COMPLETE"), Amount: event.NewDecimal(18, 0), TagsInclude: []string{}},
	}
	body, _, err := ev.Encode()
	require.NoError(t, err)
	require.Equal(t, `{"entity":"event","user_id":"u1","event":"transaction.complete","contains":["transaction"],`+
		`"payload":{"transaction":{"status":"COMPLETE","amount":18,"tagsInclude":[]}},"created_at":1743841268}`, string(body))
	require.Nil(t, ev.Contains, "encoding changes nothing")

	body, _, err = (&conscent.MeterBannerClose{Envelope: conscent.Envelope{UserID: "u1"}}).Encode()
	require.NoError(t, err)
	require.Equal(t, `{"entity":"event","user_id":"u1","event":"meter_banner.close","contains":[],"payload":{}}`, string(body))
}

func TestEncodeRefuses(t *testing.T) {
	t.Parallel()
	for name, ev := range map[string]event.Event{
		"nil pointer":              (*conscent.MeterBannerClose)(nil),
		"no user":                  &conscent.MeterBannerClose{},
		"old, no mark":             &conscent.OldMicroPayment{},
		"old, no mark but a user":  &conscent.OldSubscriptionCancelled{UserID: "u", UserName: "n"},
		"old, no mark of a bundle": &conscent.OldSubscriptionBundlePayment{PurchaseID: "p", UserID: "u"},
		"the event of another topic": &conscent.SignUp{
			Envelope: conscent.Envelope{UserID: "u", Event: "paywall.exit"},
		},
		"old, the mark of another": &conscent.OldMicroPayment{Type: "PASS"},
	} {
		_, _, err := ev.Encode()
		require.ErrorIs(t, err, event.ErrIncomplete, name)
	}
	_, _, err := (&conscent.OldLogin{}).Encode()
	require.NoError(t, err, "a login is known by its keys alone")
}

func TestCodecYields(t *testing.T) {
	t.Parallel()
	c := conscent.Codec()
	require.True(t, c.Yields(reflect.TypeFor[*conscent.OldLogin]()))
	require.True(t, c.Yields(reflect.TypeFor[*conscent.MeterBannerClose]()))
	require.False(t, c.Yields(reflect.TypeFor[conscent.MeterBannerClose]()))
}

func FuzzDecode(f *testing.F) {
	for e := range eventtest.All() {
		f.Add(e.Body)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		c, err := conscent.NewCodec(&conscent.Options{Old: topic.ConsCentOldLogin})
		require.NoError(t, err)
		ev, err := c.Decode(body)
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
		back, err := c.Decode(again)
		require.NoError(t, err, "%s", again)
		bodyAgain, _, err := back.Encode()
		require.NoError(t, err)
		require.Equal(t, string(again), string(bodyAgain))
	})
}
