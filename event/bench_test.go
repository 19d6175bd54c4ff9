package event_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"example.com/paperround/event"
	"example.com/paperround/event/cleeng"
	"example.com/paperround/event/conscent"
	"example.com/paperround/event/eventtest"
	"example.com/paperround/topic"
)

// bodies are some 1 KiB each: one of long strings, and a compact one of many
// short values.
func bodies(b *testing.B) (stringHeavy, compact []byte) {
	b.Helper()
	ev, ok := eventtest.New(topic.CleengTransactionCreated).(*cleeng.TransactionCreated)
	if !ok {
		b.Fatal("no example")
	}
	ev.ExternalData = strings.Repeat("cart 77, gift for a friend; ", 24)
	stringHeavy, _, err := ev.Encode()
	if err != nil {
		b.Fatal(err)
	}
	var buf bytes.Buffer
	if err := json.Compact(&buf, eventtest.Sample(topic.ConsCentTransactionComplete)); err != nil {
		b.Fatal(err)
	}
	return stringHeavy, buf.Bytes()
}

func measure(b *testing.B, name string, body []byte, f func() error) {
	b.Helper()
	b.Run(name, func(b *testing.B) {
		b.SetBytes(int64(len(body)))
		b.ReportAllocs()
		for b.Loop() {
			if err := f(); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// The scan beside its floor, a check of the syntax alone.
func BenchmarkScan(b *testing.B) {
	stringHeavy, compact := bodies(b)
	for _, body := range []struct {
		name  string
		bytes []byte
	}{{"string-heavy", stringHeavy}, {"compact", compact}} {
		measure(b, body.name+"/Scan", body.bytes, func() error {
			members := [...]event.Member{{Name: "topic"}, {Name: "data"}, {Name: "event"}, {Name: "payload"}}
			return event.Scan(body.bytes, members[:])
		})
		measure(b, body.name+"/json.Valid", body.bytes, func() error {
			if !json.Valid(body.bytes) {
				return event.ErrMalformed
			}
			return nil
		})
	}
}

// plainTransaction is what one would write for encoding/json alone, with the
// numbers kept as text as well.
type plainTransaction struct {
	OfferID            string       `json:"offerId"`
	TransactionID      string       `json:"transactionId"`
	CustomerID         json.Number  `json:"customerId"`
	PaymentID          json.Number  `json:"paymentId"`
	OfferPrice         json.Number  `json:"offerPrice"`
	OfferCurrency      string       `json:"offerCurrency"`
	DiscountRate       *json.Number `json:"discountRate"`
	SubscriptionPlanID *json.Number `json:"subscriptionPlanId"`
	ExternalData       string       `json:"externalData"`
	CustomerEmail      string       `json:"customerEmail"`
	CustomerExternalID string       `json:"customerExternalId"`
	PaymentGateway     string       `json:"paymentGateway"`
}

type plainUser struct {
	PhoneNumber string            `json:"phoneNumber"`
	Email       string            `json:"email"`
	UserID      string            `json:"userId"`
	Country     string            `json:"country"`
	Address     map[string]string `json:"address"`
	Name        string            `json:"name"`
	City        string            `json:"city"`
	Location    struct {
		Latitude  json.Number `json:"latitude"`
		Longitude json.Number `json:"longitude"`
		Postcode  string      `json:"postcode"`
	} `json:"location"`
	Username string `json:"username"`
}

type plainPayload struct {
	User        plainUser `json:"user"`
	Transaction struct {
		ID              string      `json:"_id"`
		Status          string      `json:"status"`
		RefundStatus    string      `json:"refundStatus"`
		OrderID         string      `json:"orderId"`
		Amount          json.Number `json:"amount"`
		Currency        string      `json:"currency"`
		PaymentGateway  string      `json:"paymentGateway"`
		PaymentID       string      `json:"paymentId"`
		PaymentMode     string      `json:"paymentMode"`
		CreatedAt       string      `json:"createdAt"`
		UpdatedAt       string      `json:"updatedAt"`
		PartialAccess   bool        `json:"partialAccess"`
		SectionsInclude []string    `json:"sectionsInclude"`
		AuthorsInclude  []string    `json:"authorsInclude"`
		SectionsExclude []string    `json:"sectionsExclude"`
		AuthorsExclude  []string    `json:"authorsExclude"`
		TagsInclude     []string    `json:"tagsInclude"`
		TagsExclude     []string    `json:"tagsExclude"`
	} `json:"transaction"`
}

// Decoding beside the usual recipe: the envelope with its payload raw, then the
// payload.
func BenchmarkDecode(b *testing.B) {
	stringHeavy, compact := bodies(b)
	measure(b, "string-heavy/Decode", stringHeavy, func() error {
		_, err := cleeng.Decode(stringHeavy)
		return err
	})
	measure(b, "string-heavy/two passes", stringHeavy, func() error {
		var envelope struct {
			BroadcasterID json.Number     `json:"broadcasterId"`
			Topic         string          `json:"topic"`
			Data          json.RawMessage `json:"data"`
		}
		if err := json.Unmarshal(stringHeavy, &envelope); err != nil {
			return err
		}
		return json.Unmarshal(envelope.Data, new(plainTransaction))
	})
	measure(b, "compact/Decode", compact, func() error {
		_, err := conscent.Decode(compact)
		return err
	})
	measure(b, "compact/two passes", compact, func() error {
		var envelope struct {
			Entity     string            `json:"entity"`
			UserID     string            `json:"user_id"`
			Event      string            `json:"event"`
			Contains   []string          `json:"contains"`
			Payload    json.RawMessage   `json:"payload"`
			ClientInfo map[string]string `json:"client_info"`
			CreatedAt  int64             `json:"created_at"`
		}
		if err := json.Unmarshal(compact, &envelope); err != nil {
			return err
		}
		return json.Unmarshal(envelope.Payload, new(plainPayload))
	})
}
