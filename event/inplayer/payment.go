package inplayer

import "example.com/paperround/event"

// PaymentCardFailed says that a single purchase by card failed.
//
// Topic inplayer:payment.card.failed, evidence: whole.
// Source: https://developers.inplayer.com/docs/webhooks
type PaymentCardFailed struct {
	Envelope `json:"-"`

	AccountID  event.ID      `json:"account_id,omitzero"` // whose account is not documented
	Code       event.Decimal `json:"code,omitzero"`       // 422 in the example
	ConsumerID event.ID      `json:"consumer_id,omitzero"`
	Explain    *Detail       `json:"explain,omitzero"` // text in some listings, a map in others
	Extras     *Detail       `json:"extras,omitzero"`  // text in some listings, a map in others
	Message    string        `json:"message"`
}
