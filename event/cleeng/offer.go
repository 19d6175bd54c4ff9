package cleeng

import "example.com/paperround/event"

// OfferPriceChanged says that an offer has a new price.
//
// Topic cleeng:offerPriceChanged, evidence: whole.
// Source: https://developers.cleeng.com/docs/webhooks-offer-topics
type OfferPriceChanged struct {
	Envelope `json:"-"`

	OfferID   string     `json:"offerId"` // without the country that other topics append
	UpdatedAt event.Time `json:"updatedAt,omitzero"`
}
