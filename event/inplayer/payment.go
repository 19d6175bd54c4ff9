package inplayer

import "example.com/paperround/event"

// PaymentCardSuccess says that a single purchase by card succeeded.
//
// Topic inplayer:payment.card.success, evidence: whole.
// Source: https://developers.inplayer.com/docs/webhooks
type PaymentCardSuccess struct {
	Envelope `json:"-"`

	AccessFeeID     event.ID      `json:"access_fee_id,omitzero" doc:"always"`
	Amount          event.Decimal `json:"amount,omitzero" doc:"always"`
	Code            event.Decimal `json:"code,omitzero" doc:"always"` // 200 in the example
	CurrencyISO     string        `json:"currency_iso"`               // ISO 4217
	CustomerID      event.ID      `json:"customer_id,omitzero" doc:"always"`
	ItemID          event.ID      `json:"item_id,omitzero"`
	Description     string        `json:"description"`
	PreviewTitle    *string       `json:"previewTitle,omitzero"`
	Email           string        `json:"email"`
	FormattedAmount string        `json:"formatted_amount"` // with a currency sign
	Status          string        `json:"status"`           // "success" in the example
	Timestamp       event.Time    `json:"timestamp,omitzero" doc:"always"`
	Transaction     string        `json:"transaction"`          // the transaction's token
	Referrer        *string       `json:"referrer,omitzero"`    // a URL with its query
	ConsumerID      event.ID      `json:"consumer_id,omitzero"` // the same person under another name
	DiscountPercent event.Decimal `json:"discount_percent,omitzero"`
	FullAmount      event.Decimal `json:"full_amount,omitzero"`
	PaymentMethod   *string       `json:"payment_method,omitzero"`
	VoucherCode     *string       `json:"voucher_code,omitzero"` // empty or 0 for none
}

// PaymentCardFailed says that a single purchase by card failed.
//
// Topic inplayer:payment.card.failed, evidence: whole.
// Source: https://developers.inplayer.com/docs/webhooks
type PaymentCardFailed struct {
	Envelope `json:"-"`

	AccountID  event.ID      `json:"account_id,omitzero" doc:"always"` // whose account is not documented
	Code       event.Decimal `json:"code,omitzero" doc:"always"`       // 422 in the example
	Explain    *Detail       `json:"explain,omitzero" doc:"always"`    // text in some listings, a map in others
	Extras     *Detail       `json:"extras,omitzero" doc:"always"`     // text in some listings, a map in others
	Message    string        `json:"message"`
	ConsumerID event.ID      `json:"consumer_id,omitzero"` // the customer
}

// PaymentRefundSuccess says that money was paid back.
//
// Topic inplayer:payment.refund.success, evidence: whole.
// Source: https://developers.inplayer.com/docs/webhooks
type PaymentRefundSuccess struct {
	Envelope `json:"-"`

	Amount          event.Decimal `json:"amount,omitzero" doc:"always"`
	Code            event.Decimal `json:"code,omitzero" doc:"always"` // 200 in the example
	CurrencyISO     string        `json:"currency_iso"`               // ISO 4217
	CustomerID      event.ID      `json:"customer_id,omitzero" doc:"always"`
	Description     string        `json:"description"`
	Email           string        `json:"email"`
	FormattedAmount string        `json:"formatted_amount"` // with a currency sign
	IsPartial       event.Flag    `json:"is_partial,omitzero" doc:"always"`
	Note            string        `json:"note"`   // may be empty
	Status          string        `json:"status"` // "success" in the example
	Timestamp       event.Time    `json:"timestamp,omitzero" doc:"always"`
	Transaction     string        `json:"transaction"` // the transaction's token
}

// PaymentRefundFailed says that money could not be paid back.
//
// Topic inplayer:payment.refund.failed, evidence: whole.
// Source: https://developers.inplayer.com/docs/webhooks
type PaymentRefundFailed struct {
	Envelope `json:"-"`

	AccountID event.ID      `json:"account_id,omitzero" doc:"always"` // whose account is not documented
	Code      event.Decimal `json:"code,omitzero" doc:"always"`       // 422 in the example
	Explain   *Detail       `json:"explain,omitzero" doc:"always"`    // text in some listings, a map in others
	Extras    *Detail       `json:"extras,omitzero" doc:"always"`     // text in some listings, a map in others
	Message   string        `json:"message"`
}
