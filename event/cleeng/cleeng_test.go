package cleeng_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/paperround/event"
	"example.com/paperround/event/cleeng"
	"example.com/paperround/event/eventtest"
	"example.com/paperround/topic"
)

// value reads JSON with the numbers as they are written.
func value(t *testing.T, body []byte) any {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var v any
	require.NoError(t, d.Decode(&v))
	return v
}

func TestDecodePassCreated(t *testing.T) {
	t.Parallel()
	ev, err := cleeng.Decode(eventtest.Sample(topic.CleengPassCreated))
	require.NoError(t, err)
	require.Equal(t, &cleeng.PassCreated{
		Envelope:           cleeng.Envelope{BroadcasterID: event.NewID(401882913)},
		PassID:             event.NewID("730055118"),
		OfferID:            "P440192736_PL",
		CustomerID:         event.NewID(700118254),
		CustomerEmail:      "ana@example.com",
		Active:             event.NewFlag(true),
		ExpirationDate:     event.NewTime(time.Date(2024, 5, 20, 18, 2, 33, 0, time.UTC), event.RFC3339),
		CustomerExternalID: new("880017"),
	}, ev)
}

// Both payloads of transactionCreated decode, and absent is not null.
func TestTransactionCreatedOfBothKinds(t *testing.T) {
	t.Parallel()
	for e := range eventtest.All() {
		if e.Topic != topic.CleengTransactionCreated {
			continue
		}
		ev, err := cleeng.Decode(e.Body)
		require.NoError(t, err)
		tx, ok := ev.(*cleeng.TransactionCreated)
		require.True(t, ok)
		require.Equal(t, "T908117345", tx.TransactionID)
		switch e.Variant {
		case "":
			require.Equal(t, "11.75", tx.OfferPrice.Text())
			require.True(t, tx.DiscountRate.IsNull())
			require.True(t, tx.TaxRate.IsZero())
		case "new":
			require.Equal(t, "0.0800", tx.TaxRate.Text())
			require.True(t, tx.DiscountRate.IsZero())
			at, ok := tx.TransactionDate.Time()
			require.True(t, ok)
			require.EqualValues(t, 1712345678, at.Unix())
		}
	}
}

func TestUnpublishedPayloadStaysRaw(t *testing.T) {
	t.Parallel()
	for _, data := range []string{`{"a": [1, 2.50]}`, `null`, `"x"`, `7`} {
		body := []byte(`{"broadcasterId":"1","topic":"refundPayment","data":` + data + `}`)
		ev, err := cleeng.Decode(body)
		require.NoError(t, err)
		refund, ok := ev.(*cleeng.RefundPayment)
		require.True(t, ok)
		require.Equal(t, data, string(refund.Data))
		clear(body)
		require.Equal(t, data, string(refund.Data), "an event does not keep the body")
		got, _, err := refund.Encode()
		require.NoError(t, err)
		require.Equal(t, value(t, []byte(`{"broadcasterId":"1","topic":"refundPayment","data":`+data+`}`)), value(t, got))
	}
	_, _, err := (&cleeng.RefundPayment{
		Envelope: cleeng.Envelope{BroadcasterID: event.NewID(1)}, Data: []byte(`{"secret`),
	}).Encode()
	require.ErrorIs(t, err, event.ErrMalformed)
	require.NotContains(t, err.Error(), "secret")
}

func TestEncodeRefusesWhatDecodeWould(t *testing.T) {
	t.Parallel()
	for _, data := range []string{`{"a":1,"A":2}`, strings.Repeat("[", 200) + strings.Repeat("]", 200), `"\ud83d"`} {
		_, _, err := (&cleeng.RefundPayment{
			Envelope: cleeng.Envelope{BroadcasterID: event.NewID(1)}, Data: []byte(data),
		}).Encode()
		require.ErrorIs(t, err, event.ErrMalformed, data)
		require.ErrorContains(t, err, "cleeng:refundPayment")
	}
	_, _, err := (&cleeng.PassTerminated{
		Envelope: cleeng.Envelope{BroadcasterID: event.NewID(1)}, CustomerID: event.NewID("\xff"),
	}).Encode()
	require.ErrorIs(t, err, event.ErrMalformed)
}

func TestAmazon(t *testing.T) {
	t.Parallel()
	validated, ok := eventtest.New(topic.CleengInappPurchaseValidationSucceeded).(*cleeng.InappPurchaseValidationSucceeded)
	require.True(t, ok)
	receipt, err := validated.Amazon()
	require.NoError(t, err)
	require.Equal(t, cleeng.AmazonReceipt{ReceiptUserID: new("amzn-user-19"), ReceiptID: new("amzn-rcpt-4c2")}, receipt)
	for _, data := range []string{"", "{", `"x"`, "[]"} {
		validated.InAppSpecificData = []byte(data)
		_, err = validated.Amazon()
		require.ErrorIs(t, err, event.ErrMalformed, data)
	}
	validated.InAppSpecificData = []byte(`{"receiptId":7}`)
	_, err = validated.Amazon()
	require.ErrorIs(t, err, event.ErrMistyped)
}

func TestUnknownTopic(t *testing.T) {
	t.Parallel()
	body := []byte(`{"broadcasterId":1,"topic":"neverSent","data":{}}`)
	ev, err := cleeng.Decode(body)
	require.NoError(t, err)
	want := &event.Unknown{Of: "cleeng:neverSent", ContentType: "application/json", Body: bytes.Clone(body)}
	require.Equal(t, want, ev)
	clear(body)
	require.Equal(t, want, ev, "an event does not keep the body")
}

// A key that a newer body brings, in another order, is no error.
func TestNewerBody(t *testing.T) {
	t.Parallel()
	ev, err := cleeng.Decode([]byte(
		`{"data":{"new":{"deep":[1]},"offerId":"S1","updatedAt":"2024-10-15T17:44:20+02:00"},"id":9,"topic":"offerPriceChanged"}`))
	require.NoError(t, err)
	changed, ok := ev.(*cleeng.OfferPriceChanged)
	require.True(t, ok)
	require.Equal(t, "S1", changed.OfferID)
	require.True(t, changed.BroadcasterID.IsZero())
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		body   string
		is     error
		field  string
		offset int
	}{
		"not JSON":              {`topic=passCreated`, event.ErrMalformed, "", 0},
		"two topics":            {`{"topic":"passCreated","TOPIC":"passTerminated","data":{}}`, event.ErrMalformed, "TOPIC", 23},
		"key twice in the data": {`{"topic":"passCreated","data":{"passId":"1","PassID":"2"}}`, event.ErrMalformed, "data.PassID", 44},
		"no topic":              {`{"broadcasterId":1,"data":{}}`, event.ErrNoTopic, "topic", -1},
		"another case":          {`{"broadcasterId":1,"Topic":"passCreated","data":{}}`, event.ErrNoTopic, "topic", -1},
		"empty topic":           {`{"topic":"","data":{}}`, event.ErrNoTopic, "topic", 9},
		"topic is a number":     {`{"topic":7,"data":{}}`, event.ErrMistyped, "topic", 9},
		"topic is null":         {`{"topic":null,"data":{}}`, event.ErrMistyped, "topic", 9},
		"no data":               {`{"topic":"passCreated"}`, event.ErrMalformed, "data", -1},
		"data is null":          {`{"topic":"passCreated","data":null}`, event.ErrMistyped, "data", 30},
		"data is an array":      {`{"topic":"passCreated","data":[]}`, event.ErrMistyped, "data", 30},
		"a mistyped id":         {`{"topic":"passCreated","data":{"passId":{}}}`, event.ErrMistyped, "data.passId", 40},
		"a mistyped string":     {`{"topic":"passCreated","data":{"offerId": 77001}}`, event.ErrMistyped, "data.offerId", 42},
		"a mistyped flag":       {`{"topic":"passCreated","data":{"active":"maybe"}}`, event.ErrMistyped, "data.active", 40},
		"a mistyped time":       {`{"topic":"passCreated","data":{"expirationDate":"77001"},"broadcasterId":{}}`, event.ErrMistyped, "broadcasterId", 73},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ev, err := cleeng.Decode([]byte(tt.body))
			require.ErrorIs(t, err, tt.is)
			require.Nil(t, ev)
			var e *event.Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, tt.field, e.Field)
			require.Equal(t, tt.offset, e.Offset)
			require.NotContains(t, err.Error(), "77001", "an error repeats no value")
			require.NotContains(t, err.Error(), "maybe", "an error repeats no value")
		})
	}
}

func TestEncodeRefuses(t *testing.T) {
	t.Parallel()
	for name, ev := range map[string]event.Event{
		"nil pointer":    (*cleeng.PassCreated)(nil),
		"no broadcaster": &cleeng.PassCreated{},
		"null broadcaster": &cleeng.PassCreated{
			Envelope: cleeng.Envelope{BroadcasterID: event.Null[event.ID]()},
		},
	} {
		_, _, err := ev.Encode()
		require.ErrorIs(t, err, event.ErrIncomplete, name)
		require.ErrorContains(t, err, "cleeng:passCreated", name)
	}
}

func TestCodecYields(t *testing.T) {
	t.Parallel()
	c := cleeng.Codec()
	require.True(t, c.Yields(reflect.TypeFor[*cleeng.PassCreated]()))
	require.True(t, c.Yields(reflect.TypeFor[*event.Unknown]()))
	require.False(t, c.Yields(reflect.TypeFor[cleeng.PassCreated]()))
	ev, err := c.Decode(eventtest.Sample(topic.CleengPassTerminated))
	require.NoError(t, err)
	require.IsType(t, (*cleeng.PassTerminated)(nil), ev)
}

func FuzzDecode(f *testing.F) {
	for e := range eventtest.All() {
		f.Add(e.Body)
	}
	f.Add([]byte(`{"topic":"passCreated","data":{"passId":null,"active":0}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		ev, err := cleeng.Decode(body)
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
		back, err := cleeng.Decode(again)
		require.NoError(t, err)
		bodyAgain, _, err := back.Encode()
		require.NoError(t, err)
		require.Equal(t, string(again), string(bodyAgain))
	})
}
