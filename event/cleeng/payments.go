package cleeng

import "encoding/json"

// RefundPayment says that the payment connector is asked to refund a payment.
//
// Topic cleeng:refundPayment, evidence: name alone.
// Source: https://developers.cleeng.com/docs/payments-pre-configuration
type RefundPayment struct {
	Envelope `json:"-"`

	// Data is the payload as it came, since nobody published what is in it. When
	// encoding, nil is written as null.
	Data json.RawMessage `json:"-"`
}
