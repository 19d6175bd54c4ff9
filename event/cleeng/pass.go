package cleeng

import "example.com/paperround/event"

// PassCreated says that a customer got a pass.
//
// Topic cleeng:passCreated, early access, evidence: whole.
// Source: https://developers.cleeng.com/docs/webhook-pass-topics
type PassCreated struct {
	Envelope `json:"-"`

	PassID             event.ID   `json:"passId,omitzero" doc:"always"` // a string of digits
	OfferID            string     `json:"offerId"`
	CustomerID         event.ID   `json:"customerId,omitzero" doc:"always"`
	CustomerEmail      string     `json:"customerEmail"`
	Active             event.Flag `json:"active,omitzero" doc:"always"`
	ExpirationDate     event.Time `json:"expirationDate,omitzero" doc:"always"`
	CustomerExternalID *string    `json:"customerExternalId,omitzero"` // the publisher's own id
}

// PassExpirationChanged says that a pass now ends on another date.
//
// Topic cleeng:passExpirationChanged, early access, evidence: whole.
// Source: https://developers.cleeng.com/docs/webhook-pass-topics
type PassExpirationChanged struct {
	Envelope `json:"-"`

	PassID                 event.ID   `json:"passId,omitzero" doc:"always"` // a string of digits
	OfferID                string     `json:"offerId"`
	CustomerID             event.ID   `json:"customerId,omitzero" doc:"always"`
	CustomerExternalID     *string    `json:"customerExternalId,omitzero"` // the publisher's own id
	CustomerEmail          string     `json:"customerEmail"`
	PreviousExpirationDate event.Time `json:"previousExpirationDate,omitzero" doc:"always"`
	ExpirationDate         event.Time `json:"expirationDate,omitzero" doc:"always"`
}

// PassTerminated says that a pass ended.
//
// Topic cleeng:passTerminated, early access, evidence: whole.
// Source: https://developers.cleeng.com/docs/webhook-pass-topics
type PassTerminated struct {
	Envelope `json:"-"`

	PassID             event.ID `json:"passId,omitzero" doc:"always"` // a string of digits
	OfferID            string   `json:"offerId"`
	CustomerID         event.ID `json:"customerId,omitzero" doc:"always"`
	CustomerEmail      string   `json:"customerEmail"`
	CustomerExternalID *string  `json:"customerExternalId,omitzero"` // the publisher's own id
}
