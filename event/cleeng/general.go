package cleeng

import "example.com/paperround/event"

// TransactionCreated says that a customer paid for an offer, for the first
// time or at a renewal.
//
// Two payloads are documented. The earlier one has the customer, the payment
// and OfferPrice as a number; the newer one has the country and the taxes as
// decimal strings, and its example breaks off after AppliedExchangeRate. A
// body of either kind decodes; fields of the other stay absent.
//
// Topic cleeng:transactionCreated, evidence: part.
// Source: https://developers.cleeng.com/docs/webhook-topics
type TransactionCreated struct {
	Envelope `json:"-"`

	OfferID       string `json:"offerId"`
	TransactionID string `json:"transactionId"` // letter T and digits
	ExternalData  string `json:"externalData"`  // what the publisher attached

	// The earlier payload.
	CustomerID         event.ID      `json:"customerId,omitzero"`
	PaymentID          event.ID      `json:"paymentId,omitzero"`
	OfferPrice         event.Decimal `json:"offerPrice,omitzero"`
	OfferCurrency      *string       `json:"offerCurrency,omitzero"`                 // ISO 4217 by example
	DiscountRate       event.Decimal `json:"discountRate,omitzero" doc:"null"`       // shown as null only
	SubscriptionPlanID event.ID      `json:"subscriptionPlanId,omitzero" doc:"null"` // null for a purchase of content
	CustomerEmail      *string       `json:"customerEmail,omitzero"`
	CustomerExternalID *string       `json:"customerExternalId,omitzero"` // the publisher's own id
	PaymentGateway     *string       `json:"paymentGateway,omitzero"`     // such as "adyen"

	// The newer payload.
	TransactionCountry      *string       `json:"transactionCountry,omitzero"` // ISO 3166-1 alpha-2 by example
	TaxRate                 event.Decimal `json:"taxRate,omitzero"`
	TransactionCurrency     *string       `json:"transactionCurrency,omitzero"` // ISO 4217 by example
	TransactionDate         event.Time    `json:"transactionDate,omitzero"`     // seconds since 1970
	TransactionPriceExclTax event.Decimal `json:"transactionPriceExclTax,omitzero"`
	TransactionPriceInclTax event.Decimal `json:"transactionPriceInclTax,omitzero"`
	ApplicableTax           event.Decimal `json:"applicableTax,omitzero"`
	AppliedExchangeRate     event.Decimal `json:"appliedExchangeRate,omitzero"`
}

// CustomerRegistered says that a customer signed up, or one who had a Cleeng
// account bought from this publisher for the first time.
//
// Topic cleeng:customerRegistered, evidence: whole.
// Source: https://developers.cleeng.com/docs/webhook-topics
type CustomerRegistered struct {
	Envelope `json:"-"`

	CustomerID         event.ID `json:"customerId,omitzero" doc:"always"`
	CustomerEmail      string   `json:"customerEmail"`
	CustomerExternalID *string  `json:"customerExternalId,omitzero"` // the publisher's own id
}

// CustomerRequestedPasswordReset says that a customer wants a new password.
//
// Of the payload the documentation names one field; there may be others.
//
// Topic cleeng:customerRequestedPasswordReset, evidence: part.
// Source: https://developers.cleeng.com/docs/webhook-topics
type CustomerRequestedPasswordReset struct {
	Envelope `json:"-"`

	PasswordResetURL *string `json:"passwordResetUrl,omitzero" doc:"always"`
}

// CustomerConsentUpdated says that a customer gave or withdrew a consent.
//
// The example breaks off in ConsentName; there may be other fields.
//
// Topic cleeng:customerConsentUpdated, evidence: part.
// Source: https://developers.cleeng.com/docs/webhook-topics
type CustomerConsentUpdated struct {
	Envelope `json:"-"`

	CustomerID    event.ID `json:"customerId,omitzero" doc:"always"`
	CustomerEmail string   `json:"customerEmail"`
	ConsentName   *string  `json:"consentName,omitzero" doc:"always"` // terms, privacy, broadcaster_terms and broadcaster_marketing are consents elsewhere
}
