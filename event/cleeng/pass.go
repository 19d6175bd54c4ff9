package cleeng

import "example.com/paperround/event"

// PassCreated says that a customer got a pass.
//
// Topic cleeng:passCreated, early access, evidence: whole.
// Source: https://developers.cleeng.com/docs/webhook-pass-topics
type PassCreated struct {
	Envelope `json:"-"`

	PassID             event.ID   `json:"passId,omitzero"` // a string of digits
	OfferID            string     `json:"offerId"`
	CustomerID         event.ID   `json:"customerId,omitzero"`
	CustomerEmail      string     `json:"customerEmail"`
	Active             event.Flag `json:"active,omitzero"`
	ExpirationDate     event.Time `json:"expirationDate,omitzero"`
	CustomerExternalID *string    `json:"customerExternalId,omitzero"` // the publisher's own id
}

// PassTerminated says that a pass ended.
//
// Topic cleeng:passTerminated, early access, evidence: whole.
// Source: https://developers.cleeng.com/docs/webhook-pass-topics
type PassTerminated struct {
	Envelope `json:"-"`

	PassID             event.ID `json:"passId,omitzero"` // a string of digits
	OfferID            string   `json:"offerId"`
	CustomerID         event.ID `json:"customerId,omitzero"`
	CustomerEmail      string   `json:"customerEmail"`
	CustomerExternalID *string  `json:"customerExternalId,omitzero"` // the publisher's own id
}
