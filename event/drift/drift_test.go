package drift_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/paperround/event"
	"example.com/paperround/event/drift"
	"example.com/paperround/event/eventtest"
	"example.com/paperround/topic"
)

// No example has a key without a field or a value of another type, and a whole
// one misses nothing.
func TestExamples(t *testing.T) {
	t.Parallel()
	for e := range eventtest.All() {
		found, err := drift.Compare(e.Topic, e.Body)
		require.NoError(t, err)
		for _, d := range found {
			require.Equal(t, drift.Missing, d.Kind, "%s %s: %s", e.Topic, e.Variant, d)
			require.True(t, e.Partial, "%s %s: %s", e.Topic, e.Variant, d)
		}
	}
}

func TestCompareJSON(t *testing.T) {
	t.Parallel()
	body := string(eventtest.Sample(topic.CleengPassCreated))
	for name, tt := range map[string]struct {
		old, replacement string
		want             []string
	}{
		"nothing": {"", "", nil},
		"missing": {`"active": true,`, ``, []string{"data.active is missing, want a flag (true, false, 1 or 0)"}},
		"unknown": {`"active": true,`, `"active": true, "color": {"r": 1},`, []string{"data.color is unknown, got an object"}},
		"another case": {`"active"`, `"Active"`, []string{
			"data.active is missing, want a flag (true, false, 1 or 0)", "data.Active is unknown, got a bool",
		}},
		"mistyped":         {`true`, `"maybe77001"`, []string{"data.active is mistyped, got a string, want a flag (true, false, 1 or 0)"}},
		"null":             {`true`, `null`, []string{"data.active is mistyped, got null, want a flag (true, false, 1 or 0)"}},
		"an id as string":  {`700118254`, `"700118254"`, nil},
		"an id as object":  {`700118254`, `{}`, []string{"data.customerId is mistyped, got an object, want an id (number or string)"}},
		"a number as text": {`"ana@example.com"`, `77001`, []string{"data.customerEmail is mistyped, got a number, want a string"}},
		"no time":          {`2024-05-20T18:02:33Z`, `77001 tomorrow`, []string{"data.expirationDate is mistyped, got a string, want a time (RFC 3339, or seconds or milliseconds since 1970)"}},
		"another topic":    {`"passCreated"`, `"passTerminated"`, []string{`topic is mistyped, got a string, want the string "passCreated"`}},
		"no envelope":      {`"broadcasterId": 401882913,`, ``, []string{"broadcasterId is missing, want an id (number or string)"}},
		"unknown outside":  {`"broadcasterId"`, `"id": 1, "broadcasterId"`, []string{"id is unknown, got a number"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Contains(t, body, tt.old)
			found, err := drift.Compare(topic.CleengPassCreated, []byte(strings.Replace(body, tt.old, tt.replacement, 1)))
			require.NoError(t, err)
			var got []string
			for _, d := range found {
				got = append(got, d.String())
				require.NotContains(t, d.String(), "77001", "a difference repeats no value")
			}
			require.Equal(t, tt.want, got)
		})
	}
}

func TestCompareNested(t *testing.T) {
	t.Parallel()
	for body, want := range map[string][]string{
		`{"entity":"event","user_id":"u","event":"purchase.pass","contains":["user",7],"client_info":{"deviceType":"x"},"created_at":1,
			"payload":{"purchase":null,"user":{"userId":"u","address":{"pincode":"","city":"","state":""},
			"billingAddress":[{"pincode":"","city":"","state":""},{"city":1,"state":"","zip":""}],
			"freeTrial":{"enabled":true,"duration":"x"},"location":{"latitude":"1","longitude":[],"postcode":1}}}}`: {
			`contains[1] is mistyped, got a number, want a string`,
			`payload.user.location.longitude is mistyped, got an array, want a decimal (number, or string that holds one)`,
			`payload.user.freeTrial.duration is mistyped, got a string, want a decimal (number, or string that holds one)`,
			`payload.user.billingAddress[1].pincode is missing, want a string`,
			`payload.user.billingAddress[1].city is mistyped, got a number, want a string`,
			`payload.user.billingAddress[1].zip is unknown, got a string`,
			`payload.purchase is mistyped, got null, want an object`,
		},
		`{"entity":"event","user_id":"u","event":"purchase.pass","contains":"user","client_info":{"deviceType":"x"},"created_at":1,
			"payload":[]}`: {
			`contains is mistyped, got a string, want an array`,
			`payload is mistyped, got an array, want an object`,
		},
	} {
		found, err := drift.Compare(topic.ConsCentPurchasePass, []byte(body))
		require.NoError(t, err)
		var got []string
		for _, d := range found {
			got = append(got, d.String())
		}
		require.Equal(t, want, got)
	}
}

// What is documented as null may be.
func TestCompareNull(t *testing.T) {
	t.Parallel()
	body := eventtest.Sample(topic.CleengTransactionCreated)
	require.Contains(t, string(body), `"discountRate": null`)
	found, err := drift.Compare(topic.CleengTransactionCreated, body)
	require.NoError(t, err)
	require.Empty(t, found)
}

func TestCompareForm(t *testing.T) {
	t.Parallel()
	const head = "id=1&created=1&type=payment.card.failed&"
	for body, want := range map[string][]string{
		head + "resource[account_id]=1&resource[code]=422&resource[explain]=x&resource[extras][a]=y&resource[message]=m": nil,
		head + "resource[account_id]=1&resource[code]=no&resource[explain][a][b]=x&resource[extras]=&resource[msg]=m&version[x]=1": {
			`version is mistyped, got an object, want a string`,
			`resource[code] is mistyped, got text, want a decimal (number, or string that holds one)`,
			`resource[explain][a] is mistyped, got an object, want a string`,
			`resource[message] is missing, want a string`,
			`resource[msg] is unknown, got text`,
		},
		"id=1&type=subscribe.failed&resource=x": {
			`created is missing, want a time (RFC 3339, or seconds or milliseconds since 1970)`,
			`type is mistyped, got text, want the string "payment.card.failed"`,
			`resource is mistyped, got text, want an object`,
		},
	} {
		found, err := drift.Compare(topic.InPlayerPaymentCardFailed, []byte(body))
		require.NoError(t, err)
		var got []string
		for _, d := range found {
			got = append(got, d.String())
		}
		require.Equal(t, want, got)
	}
}

// Of what nobody published, the envelope is compared.
func TestCompareUnpublished(t *testing.T) {
	t.Parallel()
	found, err := drift.Compare(topic.CleengRefundPayment, []byte(`{"broadcasterId":1,"topic":"refundPayment","data":[{"x":null}]}`))
	require.NoError(t, err)
	require.Empty(t, found)
	found, err = drift.Compare(topic.CleengRefundPayment, []byte(`{"topic":"refundPayment"}`))
	require.NoError(t, err)
	require.Len(t, found, 2)
	found, err = drift.Compare(topic.InPlayerFreemiumGrantFailed, []byte("id=1&created=1&type=freemium.grant.failed&resource[x][y]=1"))
	require.NoError(t, err)
	require.Empty(t, found)
}

func TestCompareRefuses(t *testing.T) {
	t.Parallel()
	_, err := drift.Compare("acme:invoice.paid", []byte(`{}`))
	require.ErrorContains(t, err, "no topic of the catalog")
	_, err = drift.Compare(topic.CleengPassCreated, []byte(`{"topic":1,"TOPIC":2}`))
	require.ErrorIs(t, err, event.ErrMalformed)
	_, err = drift.Compare(topic.InPlayerSubscribeFailed, []byte(`%`))
	require.ErrorIs(t, err, event.ErrMalformed)
	_, err = drift.Compare(topic.InPlayerSubscribeFailed, []byte(`resource[`))
	require.ErrorIs(t, err, event.ErrMalformed)
	for _, more := range []string{
		"&id=2", "&type=customer.updated", "&resource=x", "&resource[metadata][a]=1&resource[metadata]=x",
		"&resource[metadata]=x&resource[metadata][a]=1", "&type[x]=1",
	} {
		_, err = drift.Compare(topic.InPlayerCustomerUpdated, append(eventtest.Sample(topic.InPlayerCustomerUpdated), more...))
		require.ErrorIs(t, err, event.ErrMalformed, more)
	}
}

func TestKinds(t *testing.T) {
	t.Parallel()
	require.Equal(t, "missing unknown mistyped", drift.Missing.String()+" "+drift.Unknown.String()+" "+drift.Mistyped.String())
	require.Equal(t, "no difference", drift.Kind(0).String())
	require.Equal(t, "no difference", drift.Difference{}.String())
}

func FuzzCompare(f *testing.F) {
	for e := range eventtest.All() {
		f.Add(string(e.Topic), e.Body)
	}
	f.Fuzz(func(t *testing.T, tp string, body []byte) {
		found, err := drift.Compare(topic.Topic(tp), body)
		if err != nil {
			require.Nil(t, found)
		}
	})
}
