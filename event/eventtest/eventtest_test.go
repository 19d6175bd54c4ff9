package eventtest_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/paperround/event/cleeng"
	"example.com/paperround/event/eventtest"
	"example.com/paperround/topic"
)

func TestAssertShape(t *testing.T) {
	t.Parallel()
	body := string(eventtest.Sample(topic.CleengPassCreated))
	for name, tt := range map[string]struct {
		topic topic.Topic
		body  string
		allow []eventtest.Allowance
		want  string // of the only failure; "" for none
	}{
		"as documented": {topic.CleengPassCreated, body, nil, ""},
		"missing": {
			topic.CleengPassCreated, strings.Replace(body, `"active": true,`, "", 1), nil,
			"cleeng:passCreated: body is not as documented (https://developers.cleeng.com/docs/webhook-pass-topics):\n" +
				"\tdata.active is missing, want a flag (true, false, 1 or 0)",
		},
		"missing, allowed": {topic.CleengPassCreated, strings.Replace(body, `"active": true,`, "", 1), []eventtest.Allowance{eventtest.AllowMissing}, ""},
		"unknown and mistyped": {
			topic.CleengPassCreated, strings.Replace(body, `"active": true,`, `"active": "maybe", "x": 1,`, 1), nil,
			"cleeng:passCreated: body is not as documented (https://developers.cleeng.com/docs/webhook-pass-topics):\n" +
				"\tdata.active is mistyped, got a string, want a flag (true, false, 1 or 0)\n\tdata.x is unknown, got a number",
		},
		"unknown, allowed": {topic.CleengPassCreated, strings.Replace(body, `"active"`, `"x": 1, "active"`, 1), []eventtest.Allowance{eventtest.AllowUnknown}, ""},
		"mistyped is never allowed": {
			topic.CleengPassCreated, strings.Replace(body, `true`, `[]`, 1),
			[]eventtest.Allowance{eventtest.AllowUnknown, eventtest.AllowMissing, eventtest.AllowUndocumented},
			"cleeng:passCreated: body is not as documented (https://developers.cleeng.com/docs/webhook-pass-topics):\n" +
				"\tdata.active is mistyped, got an array, want a flag (true, false, 1 or 0)",
		},
		"malformed": {
			topic.CleengPassCreated, `{"topic":`, nil,
			`cleeng:passCreated: event: malformed body: field "topic" at offset 9: body ends where a value should be`,
		},
		"a form": {
			topic.InPlayerSubscribeFailed, "id=1&created=1&type=subscribe.failed&resource[account_id]=1&resource[code]=x&resource[explain]=&resource[extras]=&resource[message]=",
			nil, "inplayer:subscribe.failed: body is not as documented (https://developers.inplayer.com/docs/webhooks):\n" +
				"\tresource[code] is mistyped, got text, want a decimal (number, or string that holds one)",
		},
		"undocumented": {
			topic.CleengRefundPayment, string(eventtest.Sample(topic.CleengRefundPayment)), nil,
			"cleeng:refundPayment: nobody published the payload, so only the envelope can be compared; pass AllowUndocumented if that will do",
		},
		"undocumented, known": {
			topic.CleengRefundPayment, string(eventtest.Sample(topic.CleengRefundPayment)), []eventtest.Allowance{eventtest.AllowUndocumented}, "",
		},
		"not of the catalog": {"acme:invoice.paid", "{}", nil, `"acme:invoice.paid" is no topic of the catalog`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var r recorder
			require.Equal(t, tt.want == "", eventtest.AssertShape(&r, tt.topic, []byte(tt.body), tt.allow...))
			if tt.want == "" {
				require.Empty(t, r.failures)
			} else {
				require.Equal(t, []string{tt.want}, r.failures)
			}
		})
	}
}

func TestAssertRoundTrip(t *testing.T) {
	t.Parallel()
	body := string(eventtest.Sample(topic.CleengPassCreated))
	form := string(eventtest.Sample(topic.InPlayerPaymentCardFailed))
	for name, tt := range map[string]struct {
		topic topic.Topic
		body  string
		want  string
	}{
		"comes back":         {topic.CleengPassCreated, body, ""},
		"a form comes back":  {topic.InPlayerPaymentCardFailed, form, ""},
		"the last of two":    {topic.InPlayerPaymentCardFailed, form + "&resource[message]=again", ""},
		"a key is lost":      {topic.CleengPassCreated, strings.Replace(body, `"active"`, `"x": {"y": [1]}, "active"`, 1), "see data.x, data.x.y, data.x.y[0]"},
		"a semicolon":        {topic.InPlayerPaymentCardFailed, form + "&resource[message]=a;b", ""},
		"a dotted key":       {topic.CleengPassCreated, strings.Replace(body, `"data"`, `"data.offerId": "P440192736_PL", "data"`, 1), `see "data.offerId"`},
		"a form key is lost": {topic.InPlayerPaymentCardFailed, form + "&resource[x]=1", "see resource[x]"},
		"null for a string":  {topic.CleengPassCreated, strings.Replace(body, `"880017"`, `null`, 1), "see data.customerExternalId"},
		"something is added": {topic.CleengPassCreated, strings.Replace(body, `"offerId": "P440192736_PL",`, ``, 1), "see data.offerId"},
		"another topic":      {topic.CleengPassTerminated, body, "body is one of cleeng:passCreated, decoded as *cleeng.PassCreated"},
		"an unknown topic":   {"cleeng:neverSent", `{"topic":"neverSent"}`, "decoded as *event.Unknown"},
		"not decodable":      {topic.CleengPassCreated, `{"topic":"passCreated","data":7}`, "decoding: event: cleeng:passCreated: value of another type"},
		"not encodable":      {topic.CleengPassCreated, `{"topic":"passCreated","data":{}}`, "encoding: event: cleeng:passCreated: incomplete event"},
		"another provider":   {"acme:invoice.paid", `{}`, `"acme:invoice.paid" is no topic of the catalog`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var r recorder
			require.Equal(t, tt.want == "", eventtest.AssertRoundTrip(&r, tt.topic, []byte(tt.body)))
			if tt.want == "" {
				require.Empty(t, r.failures)
			} else {
				require.Len(t, r.failures, 1)
				require.Contains(t, r.failures[0], tt.want)
			}
		})
	}
}

func TestNew(t *testing.T) {
	t.Parallel()
	pass, ok := eventtest.New(topic.CleengPassCreated).(*cleeng.PassCreated)
	require.True(t, ok)
	require.Equal(t, "730055118", pass.PassID.Text())
	require.Nil(t, eventtest.New("acme:invoice.paid"))
}
