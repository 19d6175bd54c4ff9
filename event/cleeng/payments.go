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

// CapturePayment says that the payment connector is asked to capture a
// payment.
//
// Topic cleeng:capturePayment, evidence: name alone.
// Source: https://developers.cleeng.com/docs/payments-pre-configuration
type CapturePayment struct {
	Envelope `json:"-"`

	// Data is the payload as it came, since nobody published what is in it. When
	// encoding, nil is written as null.
	Data json.RawMessage `json:"-"`
}

// PaymentDetailsDeactivated says that stored payment details were replaced and
// are no longer used.
//
// Topic cleeng:paymentDetailsDeactivated, evidence: name alone.
// Source: https://developers.cleeng.com/docs/payments-pre-configuration
type PaymentDetailsDeactivated struct {
	Envelope `json:"-"`

	// Data is the payload as it came, since nobody published what is in it. When
	// encoding, nil is written as null.
	Data json.RawMessage `json:"-"`
}

// PaymentRejected says that a payment was turned down.
//
// Topic cleeng:paymentRejected, evidence: name alone.
// Source: https://developers.cleeng.com/docs/braze
type PaymentRejected struct {
	Envelope `json:"-"`

	// Data is the payload as it came, since nobody published what is in it. When
	// encoding, nil is written as null.
	Data json.RawMessage `json:"-"`
}
