package cleeng

import "example.com/paperround/event"

// OfferCreated says that the publisher made an offer, of whatever kind.
//
// Topic cleeng:offerCreated, evidence: whole.
// Source: https://developers.cleeng.com/docs/webhooks-offer-topics
type OfferCreated struct {
	Envelope `json:"-"`

	OfferID   string     `json:"offerId"` // without the country that other topics append
	CreatedAt event.Time `json:"createdAt,omitzero" doc:"always"`
}

// OfferUpdated says that the publisher edited an offer.
//
// Topic cleeng:offerUpdated, evidence: whole.
// Source: https://developers.cleeng.com/docs/webhooks-offer-topics
type OfferUpdated struct {
	Envelope `json:"-"`

	OfferID   string     `json:"offerId"` // without the country that other topics append
	UpdatedAt event.Time `json:"updatedAt,omitzero" doc:"always"`
}

// OfferDeactivated says that the publisher took an offer off sale.
//
// Topic cleeng:offerDeactivated, evidence: whole.
// Source: https://developers.cleeng.com/docs/webhooks-offer-topics
type OfferDeactivated struct {
	Envelope `json:"-"`

	OfferID       string     `json:"offerId"` // without the country that other topics append
	DeactivatedAt event.Time `json:"deactivatedAt,omitzero" doc:"always"`
}

// OfferPriceChanged says that an offer has a new price.
//
// Topic cleeng:offerPriceChanged, evidence: whole.
// Source: https://developers.cleeng.com/docs/webhooks-offer-topics
type OfferPriceChanged struct {
	Envelope `json:"-"`

	OfferID   string     `json:"offerId"` // without the country that other topics append
	UpdatedAt event.Time `json:"updatedAt,omitzero" doc:"always"`
}
