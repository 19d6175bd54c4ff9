package cleeng

import "example.com/paperround/event"

// SubscriptionReadyForPaymentAuthorisation says that the payment of a renewal should be
// authorised now.
//
// Topic cleeng:subscriptionReadyForPaymentAuthorisation, evidence: whole.
// Source: https://developers.cleeng.com/docs/webhook-subscription-topics
type SubscriptionReadyForPaymentAuthorisation struct {
	Envelope `json:"-"`

	SubscriptionID     event.ID   `json:"subscriptionId,omitzero"` // a string here, a number on other topics
	OfferID            string     `json:"offerId"`
	CustomerID         event.ID   `json:"customerId,omitzero"`
	CustomerEmail      string     `json:"customerEmail"`
	PaymentDetailsID   event.ID   `json:"paymentDetailsId,omitzero"`
	Active             event.Flag `json:"active,omitzero"`
	DunningAttemptDate event.Time `json:"dunningAttemptDate,omitzero"`
	DunningStatus      string     `json:"dunningStatus"` // "authorize" in the example; no closed list
	ExpirationDate     event.Time `json:"expirationDate,omitzero"`
	Currency           string     `json:"currency"`       // ISO 4217 by example
	PaymentCountry     string     `json:"paymentCountry"` // ISO 3166-1 alpha-2 by example
	PaymentMethodID    event.ID   `json:"paymentMethodId,omitzero"`
	Token              string     `json:"token"`
	PaymentGateway     *string    `json:"paymentGateway,omitzero"`
}
