package inplayer

import "example.com/paperround/event"

// ExternalPaymentSuccess says that a single purchase through PayPal or another
// outside method succeeded.
//
// Topic inplayer:external.payment.success, evidence: whole.
// Source: https://developers.inplayer.com/docs/webhooks
type ExternalPaymentSuccess struct {
	Envelope `json:"-"`

	Transaction     string        `json:"transaction"` // the transaction's token
	Description     string        `json:"description"`
	Email           string        `json:"email"`
	CustomerID      event.ID      `json:"customer_id,omitzero" doc:"always"`
	ItemID          event.ID      `json:"item_id,omitzero"`
	PreviewTitle    string        `json:"previewTitle"`
	FormattedAmount string        `json:"formatted_amount"` // with a currency sign
	Amount          event.Decimal `json:"amount,omitzero" doc:"always"`
	CurrencyISO     string        `json:"currency_iso"` // ISO 4217
	Status          string        `json:"status"`       // "success" in the example
	Timestamp       event.Time    `json:"timestamp,omitzero" doc:"always"`
	Code            event.Decimal `json:"code,omitzero" doc:"always"` // 200 in the example
	AccessFeeID     event.ID      `json:"access_fee_id,omitzero" doc:"always"`
	PaymentMethod   *string       `json:"payment_method,omitzero"`
	NextRebillDate  event.Time    `json:"next_rebill_date,omitzero"`
}

// ExternalPaymentFailed says that a single purchase through an outside method
// failed.
//
// Topic inplayer:external.payment.failed, evidence: whole.
// Source: https://developers.inplayer.com/docs/webhooks
type ExternalPaymentFailed struct {
	Envelope `json:"-"`

	AccountID event.ID      `json:"account_id,omitzero" doc:"always"` // whose account is not documented
	Code      event.Decimal `json:"code,omitzero" doc:"always"`       // 422 in the example
	Explain   *Detail       `json:"explain,omitzero" doc:"always"`    // text in some listings, a map in others
	Extras    *Detail       `json:"extras,omitzero" doc:"always"`     // text in some listings, a map in others
	Message   string        `json:"message"`
}

// ExternalPaymentRefundSuccess says that a payment through an outside method
// was paid back.
//
// Topic inplayer:external.payment.refund.success, evidence: whole.
// Source: https://developers.inplayer.com/docs/webhooks
type ExternalPaymentRefundSuccess struct {
	Envelope `json:"-"`

	AccessFeeID     event.ID      `json:"access_fee_id,omitzero" doc:"always"`
	Amount          event.Decimal `json:"amount,omitzero" doc:"always"`
	Code            event.Decimal `json:"code,omitzero" doc:"always"` // 200 in the example
	CurrencyISO     string        `json:"currency_iso"`               // ISO 4217
	CustomerID      event.ID      `json:"customer_id,omitzero" doc:"always"`
	ItemID          event.ID      `json:"item_id,omitzero" doc:"always"`
	Description     string        `json:"description"`
	PreviewTitle    string        `json:"previewTitle"`
	Email           string        `json:"email"`
	FormattedAmount string        `json:"formatted_amount"` // with a currency sign
	Status          string        `json:"status"`           // "success" in the example
	Timestamp       event.Time    `json:"timestamp,omitzero" doc:"always"`
	Transaction     string        `json:"transaction"` // the transaction's token
}

// ExternalPaymentRefundFailed says that a payment through an outside method
// could not be paid back.
//
// Topic inplayer:external.payment.refund.failed, evidence: whole.
// Source: https://developers.inplayer.com/docs/webhooks
type ExternalPaymentRefundFailed struct {
	Envelope `json:"-"`

	AccountID event.ID      `json:"account_id,omitzero" doc:"always"` // whose account is not documented
	Code      event.Decimal `json:"code,omitzero" doc:"always"`       // 422 in the example
	Explain   *Detail       `json:"explain,omitzero" doc:"always"`    // text in some listings, a map in others
	Extras    *Detail       `json:"extras,omitzero" doc:"always"`     // text in some listings, a map in others
	Message   string        `json:"message"`
}

// ExternalSubscribeSuccess says that a subscription through an outside method
// began.
//
// Topic inplayer:external.subscribe.success, evidence: whole.
// Source: https://developers.inplayer.com/docs/webhooks
type ExternalSubscribeSuccess struct {
	Envelope `json:"-"`

	Transaction     string        `json:"transaction"` // the transaction's token
	Description     string        `json:"description"`
	Email           string        `json:"email"`
	CustomerID      event.ID      `json:"customer_id,omitzero" doc:"always"`
	ItemID          event.ID      `json:"item_id,omitzero"`
	PreviewTitle    string        `json:"previewTitle"`
	FormattedAmount string        `json:"formatted_amount"` // with a currency sign
	Amount          event.Decimal `json:"amount,omitzero" doc:"always"`
	CurrencyISO     string        `json:"currency_iso"` // ISO 4217
	Status          string        `json:"status"`       // "success" in the example
	Timestamp       event.Time    `json:"timestamp,omitzero" doc:"always"`
	Code            event.Decimal `json:"code,omitzero" doc:"always"` // 200 in the example
	AccessFeeID     event.ID      `json:"access_fee_id,omitzero" doc:"always"`
	PaymentMethod   *string       `json:"payment_method,omitzero"`
	NextRebillDate  event.Time    `json:"next_rebill_date,omitzero"`
}

// ExternalSubscribeFailed says that a subscription through an outside method
// could not begin.
//
// Topic inplayer:external.subscribe.failed, evidence: whole.
// Source: https://developers.inplayer.com/docs/webhooks
type ExternalSubscribeFailed struct {
	Envelope `json:"-"`

	AccountID event.ID      `json:"account_id,omitzero" doc:"always"` // whose account is not documented
	Code      event.Decimal `json:"code,omitzero" doc:"always"`       // 422 in the example
	Explain   *Detail       `json:"explain,omitzero" doc:"always"`    // text in some listings, a map in others
	Extras    *Detail       `json:"extras,omitzero" doc:"always"`     // text in some listings, a map in others
	Message   string        `json:"message"`
}

// ExternalSubscribeCancelSuccess says that a subscription through an outside
// method was cancelled.
//
// Topic inplayer:external.subscribe.cancel.success, evidence: whole.
// Source: https://developers.inplayer.com/docs/webhooks
type ExternalSubscribeCancelSuccess struct {
	Envelope `json:"-"`

	Transaction     string        `json:"transaction"` // the transaction's token
	Description     string        `json:"description"`
	Email           string        `json:"email"`
	CustomerID      event.ID      `json:"customer_id,omitzero" doc:"always"`
	ItemID          event.ID      `json:"item_id,omitzero"`
	PreviewTitle    string        `json:"previewTitle"`
	FormattedAmount string        `json:"formatted_amount"` // with a currency sign
	Amount          event.Decimal `json:"amount,omitzero" doc:"always"`
	CurrencyISO     string        `json:"currency_iso"` // ISO 4217
	Status          string        `json:"status"`       // "success" in the example
	Timestamp       event.Time    `json:"timestamp,omitzero" doc:"always"`
	Code            event.Decimal `json:"code,omitzero" doc:"always"` // 200 in the example
	AccessFeeID     event.ID      `json:"access_fee_id,omitzero" doc:"always"`
}

// ExternalSubscribeCancelFailed says that a subscription through an outside
// method could not be cancelled.
//
// Topic inplayer:external.subscribe.cancel.failed, evidence: whole.
// Source: https://developers.inplayer.com/docs/webhooks
type ExternalSubscribeCancelFailed struct {
	Envelope `json:"-"`

	AccountID event.ID      `json:"account_id,omitzero" doc:"always"` // whose account is not documented
	Code      event.Decimal `json:"code,omitzero" doc:"always"`       // 422 in the example
	Explain   *Detail       `json:"explain,omitzero" doc:"always"`    // text in some listings, a map in others
	Extras    *Detail       `json:"extras,omitzero" doc:"always"`     // text in some listings, a map in others
	Message   string        `json:"message"`
}

// ExternalSubscribeUpdateSuccess says that the billing agreement of a
// subscription through an outside method changed.
//
// Topic inplayer:external.subscribe.update.success, evidence: whole.
// Source: https://developers.inplayer.com/docs/webhooks
type ExternalSubscribeUpdateSuccess struct {
	Envelope `json:"-"`

	AccessFeeID     event.ID      `json:"access_fee_id,omitzero" doc:"always"`
	Amount          event.Decimal `json:"amount,omitzero" doc:"always"`
	Code            event.Decimal `json:"code,omitzero" doc:"always"` // 200 in the example
	CurrencyISO     string        `json:"currency_iso"`               // ISO 4217
	CustomerID      event.ID      `json:"customer_id,omitzero" doc:"always"`
	ItemID          event.ID      `json:"item_id,omitzero" doc:"always"`
	Description     string        `json:"description"`
	PreviewTitle    string        `json:"previewTitle"`
	Email           string        `json:"email"`
	FormattedAmount string        `json:"formatted_amount"` // with a currency sign
	Status          string        `json:"status"`           // "success" in the example
	Timestamp       event.Time    `json:"timestamp,omitzero" doc:"always"`
	Transaction     string        `json:"transaction"` // the transaction's token
	PaymentMethod   string        `json:"payment_method"`
	NextRebillDate  event.Time    `json:"next_rebill_date,omitzero" doc:"always"`
}

// ExternalSubscribeUpdateFailed says that the billing agreement of a
// subscription through an outside method could not be changed.
//
// Topic inplayer:external.subscribe.update.failed, evidence: whole.
// Source: https://developers.inplayer.com/docs/webhooks
type ExternalSubscribeUpdateFailed struct {
	Envelope `json:"-"`

	AccountID event.ID      `json:"account_id,omitzero" doc:"always"` // whose account is not documented
	Code      event.Decimal `json:"code,omitzero" doc:"always"`       // 422 in the example
	Explain   *Detail       `json:"explain,omitzero" doc:"always"`    // text in some listings, a map in others
	Extras    *Detail       `json:"extras,omitzero" doc:"always"`     // text in some listings, a map in others
	Message   string        `json:"message"`
}
