package cleeng

import (
	"encoding/json"

	"example.com/paperround/event"
)

// SubscriptionReadyForPaymentAuthorisation says that the payment of a renewal
// should be authorised now.
//
// Topic cleeng:subscriptionReadyForPaymentAuthorisation, evidence: whole.
// Source: https://developers.cleeng.com/docs/webhook-subscription-topics
type SubscriptionReadyForPaymentAuthorisation struct {
	Envelope `json:"-"`

	SubscriptionID     event.ID   `json:"subscriptionId,omitzero" doc:"always"` // a string here, a number on other topics
	OfferID            string     `json:"offerId"`
	CustomerID         event.ID   `json:"customerId,omitzero" doc:"always"`
	CustomerEmail      string     `json:"customerEmail"`
	PaymentDetailsID   event.ID   `json:"paymentDetailsId,omitzero" doc:"always"`
	Active             event.Flag `json:"active,omitzero" doc:"always"`
	DunningAttemptDate event.Time `json:"dunningAttemptDate,omitzero" doc:"always"`
	DunningStatus      string     `json:"dunningStatus"` // "authorize" in the example; no closed list
	ExpirationDate     event.Time `json:"expirationDate,omitzero" doc:"always"`
	Currency           string     `json:"currency"`       // ISO 4217 by example
	PaymentCountry     string     `json:"paymentCountry"` // ISO 3166-1 alpha-2 by example
	PaymentMethodID    event.ID   `json:"paymentMethodId,omitzero" doc:"always"`
	Token              string     `json:"token"`
	PaymentGateway     *string    `json:"paymentGateway,omitzero"`
}

// SubscriptionReadyForPaymentCapture says that the payment of a renewal should
// be captured now.
//
// The example breaks off in ExpirationDate; there may be other fields.
//
// Topic cleeng:subscriptionReadyForPaymentCapture, evidence: part.
// Source: https://developers.cleeng.com/docs/webhook-subscription-topics
type SubscriptionReadyForPaymentCapture struct {
	Envelope `json:"-"`

	SubscriptionID     event.ID   `json:"subscriptionId,omitzero" doc:"always"` // a number here, a string on other topics
	OfferID            string     `json:"offerId"`
	CustomerID         event.ID   `json:"customerId,omitzero" doc:"always"`
	CustomerEmail      string     `json:"customerEmail"`
	PaymentDetailsID   event.ID   `json:"paymentDetailsId,omitzero" doc:"always"`
	Active             event.Flag `json:"active,omitzero" doc:"always"`
	DunningAttemptDate event.Time `json:"dunningAttemptDate,omitzero" doc:"always"`
	DunningStatus      string     `json:"dunningStatus"` // "capture" in the example; no closed list
	ExpirationDate     event.Time `json:"expirationDate,omitzero" doc:"always"`
}

// SubscriptionReadyForTermination says that the party that runs the payments
// should end this subscription through the API.
//
// Topic cleeng:subscriptionReadyForTermination, evidence: name alone.
// Source: https://developers.cleeng.com/docs/termination
type SubscriptionReadyForTermination struct {
	Envelope `json:"-"`

	// Data is the payload as it came, since nobody published what is in it. When
	// encoding, nil is written as null.
	Data json.RawMessage `json:"-"`
}

// SubscriptionCreated says that a subscription began.
//
// Topic cleeng:subscriptionCreated, evidence: name alone.
// Source: https://developers.cleeng.com/docs/webhooks-in-app-purchase-validation
type SubscriptionCreated struct {
	Envelope `json:"-"`

	// Data is the payload as it came, since nobody published what is in it. When
	// encoding, nil is written as null.
	Data json.RawMessage `json:"-"`
}

// SubscriptionStopped says that a subscription will not renew; access lasts to
// the end of the period.
//
// Topic cleeng:subscriptionStopped, evidence: name alone.
// Source: https://developers.cleeng.com/docs/braze
type SubscriptionStopped struct {
	Envelope `json:"-"`

	// Data is the payload as it came, since nobody published what is in it. When
	// encoding, nil is written as null.
	Data json.RawMessage `json:"-"`
}

// SubscriptionTerminated says that a subscription ended and so did the access.
//
// Topic cleeng:subscriptionTerminated, evidence: name alone.
// Source: https://developers.cleeng.com/docs/webhooks-in-app-purchase-validation
type SubscriptionTerminated struct {
	Envelope `json:"-"`

	// Data is the payload as it came, since nobody published what is in it. When
	// encoding, nil is written as null.
	Data json.RawMessage `json:"-"`
}

// SubscriptionSwitchCancelled says that a pending change to another offer was
// called off.
//
// Topic cleeng:subscriptionSwitchCancelled, evidence: name alone.
// Source: https://developers.cleeng.com/reference/31-update-switch
type SubscriptionSwitchCancelled struct {
	Envelope `json:"-"`

	// Data is the payload as it came, since nobody published what is in it. When
	// encoding, nil is written as null.
	Data json.RawMessage `json:"-"`
}

// SubscriptionRenewed says that a subscription renewed, by its name.
//
// Topic cleeng:subscriptionRenewed, unmerged, evidence: name alone.
// Source: the name is used by a public web application; no Cleeng page lists it
type SubscriptionRenewed struct {
	Envelope `json:"-"`

	// Data is the payload as it came, since nobody published what is in it. When
	// encoding, nil is written as null.
	Data json.RawMessage `json:"-"`
}

// SubscriptionSwitched says that a subscription moved to another offer, by its
// name.
//
// Topic cleeng:subscriptionSwitched, unmerged, evidence: name alone.
// Source: the name is used by a public web application; no Cleeng page lists it
type SubscriptionSwitched struct {
	Envelope `json:"-"`

	// Data is the payload as it came, since nobody published what is in it. When
	// encoding, nil is written as null.
	Data json.RawMessage `json:"-"`
}

// SubscriptionCanceled says that a subscription was cancelled, by its name;
// the pages of Cleeng call that subscriptionStopped.
//
// Topic cleeng:subscriptionCanceled, unmerged, evidence: name alone.
// Source: the name is used by a public web application; no Cleeng page lists it
type SubscriptionCanceled struct {
	Envelope `json:"-"`

	// Data is the payload as it came, since nobody published what is in it. When
	// encoding, nil is written as null.
	Data json.RawMessage `json:"-"`
}
