package inplayer

import "example.com/paperround/event"

// SubscribeSuccess says that a subscription began.
//
// Topic inplayer:subscribe.success, evidence: whole.
// Source: https://developers.inplayer.com/docs/webhooks
type SubscribeSuccess struct {
	Envelope `json:"-"`

	Transaction     string        `json:"transaction"` // the transaction's token
	Description     string        `json:"description"`
	Email           string        `json:"email"`
	CustomerID      event.ID      `json:"customer_id,omitzero"`
	ItemID          event.ID      `json:"item_id,omitzero"`
	PreviewTitle    string        `json:"previewTitle"`
	FormattedAmount string        `json:"formatted_amount"` // with a currency sign
	Amount          event.Decimal `json:"amount,omitzero" doc:"always"`
	CurrencyISO     *string       `json:"currency_iso,omitzero"` // ISO 4217
	Status          string        `json:"status"`                // "success" in the example
	Timestamp       event.Time    `json:"timestamp,omitzero" doc:"always"`
	Code            event.Decimal `json:"code,omitzero" doc:"always"` // 200 in the example
	AccessFeeID     event.ID      `json:"access_fee_id,omitzero" doc:"always"`
	PaymentMethod   *string       `json:"payment_method,omitzero"`
	NextRebillDate  event.Time    `json:"next_rebill_date,omitzero"`
	ConsumerID      event.ID      `json:"consumer_id,omitzero"` // the same person under another name
	DiscountPercent event.Decimal `json:"discount_percent,omitzero"`
	FullAmount      event.Decimal `json:"full_amount,omitzero"`
	VoucherCode     *string       `json:"voucher_code,omitzero"` // empty or 0 for none
	Subscription    *string       `json:"subscription,omitzero"` // in the listing of 2018, instead of most others
}

// SubscribeFailed says that a subscription could not begin.
//
// Topic inplayer:subscribe.failed, evidence: whole.
// Source: https://developers.inplayer.com/docs/webhooks
type SubscribeFailed struct {
	Envelope `json:"-"`

	AccountID  event.ID      `json:"account_id,omitzero" doc:"always"` // whose account is not documented
	Code       event.Decimal `json:"code,omitzero" doc:"always"`       // 422 in the example
	Explain    *Detail       `json:"explain,omitzero" doc:"always"`    // text in some listings, a map in others
	Extras     *Detail       `json:"extras,omitzero" doc:"always"`     // text in some listings, a map in others
	Message    string        `json:"message"`
	ConsumerID event.ID      `json:"consumer_id,omitzero"` // the customer
}

// SubscribeCancelledSuccess says that a subscription was cancelled.
//
// Topic inplayer:subscribe.cancelled.success, evidence: whole.
// Source: https://developers.inplayer.com/docs/webhooks
type SubscribeCancelledSuccess struct {
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
	Status          string        `json:"status"`           // "canceled" in the example
	Timestamp       event.Time    `json:"timestamp,omitzero" doc:"always"`
	Transaction     string        `json:"transaction"`          // the transaction's token
	ConsumerID      event.ID      `json:"consumer_id,omitzero"` // the same person under another name
	DiscountPercent event.Decimal `json:"discount_percent,omitzero"`
	FullAmount      event.Decimal `json:"full_amount,omitzero"`
	NextRebillDate  event.Time    `json:"next_rebill_date,omitzero"`
	PaymentMethod   *string       `json:"payment_method,omitzero"`
	VoucherCode     *string       `json:"voucher_code,omitzero"` // empty or 0 for none
}

// SubscribeCancelledFailed says that a subscription could not be cancelled.
//
// Topic inplayer:subscribe.cancelled.failed, evidence: whole.
// Source: https://developers.inplayer.com/docs/webhooks
type SubscribeCancelledFailed struct {
	Envelope `json:"-"`

	AccountID event.ID      `json:"account_id,omitzero" doc:"always"` // whose account is not documented
	Code      event.Decimal `json:"code,omitzero" doc:"always"`       // 422 in the example
	Explain   *Detail       `json:"explain,omitzero" doc:"always"`    // text in some listings, a map in others
	Extras    *Detail       `json:"extras,omitzero" doc:"always"`     // text in some listings, a map in others
	Message   string        `json:"message"`
}

// SubscribeUpdated says that the billing agreement of a subscription changed.
//
// Topic inplayer:subscribe.updated, evidence: whole.
// Source: https://developers.inplayer.com/docs/webhooks
type SubscribeUpdated struct {
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

// SubscribeExpired says that a subscription came to its last day.
//
// Topic inplayer:subscribe.expired, evidence: whole.
// Source: https://developers.inplayer.com/docs/webhooks
type SubscribeExpired struct {
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

// SubscribePending says that a customer began to pay for a subscription.
//
// Topic inplayer:subscribe.pending, unmerged, evidence: whole.
// Source: https://github.com/inplayer-org/docs/pull/127
type SubscribePending struct {
	Envelope `json:"-"`

	Transaction     string        `json:"transaction"` // the transaction's token
	Description     string        `json:"description"`
	Email           string        `json:"email"`
	CustomerID      event.ID      `json:"customer_id,omitzero" doc:"always"`
	ItemID          event.ID      `json:"item_id,omitzero" doc:"always"`
	PreviewTitle    string        `json:"previewTitle"`
	FormattedAmount string        `json:"formatted_amount"` // with a currency sign
	Amount          event.Decimal `json:"amount,omitzero" doc:"always"`
	CurrencyISO     string        `json:"currency_iso"` // ISO 4217
	Status          string        `json:"status"`       // "pending" in the example
	Timestamp       event.Time    `json:"timestamp,omitzero" doc:"always"`
	Code            event.Decimal `json:"code,omitzero" doc:"always"` // 200 in the example
	AccessFeeID     event.ID      `json:"access_fee_id,omitzero" doc:"always"`
	PaymentMethod   string        `json:"payment_method"`
}

// SubscriptionRebillFailed says that the renewal of a PayPal subscription
// could not be charged.
//
// Topic inplayer:subscription.rebill.failed, unmerged, evidence: whole.
// Source: https://github.com/inplayer-org/docs/pull/171
type SubscriptionRebillFailed struct {
	Envelope `json:"-"`

	AttemptedChargeAmount event.Decimal `json:"attempted_charge_amount,omitzero" doc:"always"`
	Code                  event.Decimal `json:"code,omitzero" doc:"always"`        // 402 in the example
	ConsumerID            event.ID      `json:"consumer_id,omitzero" doc:"always"` // the customer
	CurrencyISO           string        `json:"currency_iso"`                      // ISO 4217
	FullAmount            event.Decimal `json:"full_amount,omitzero" doc:"always"`
	ItemID                event.ID      `json:"item_id,omitzero" doc:"always"`
	MerchantID            event.ID      `json:"merchant_id,omitzero" doc:"always"`
	Message               string        `json:"message"`
	PaymentMethod         string        `json:"payment_method"`
	SubscriptionToken     string        `json:"subscription_token"`              // the subscription's token
	Timestamp             event.Time    `json:"timestamp,omitzero" doc:"always"` // in milliseconds, unlike everywhere else
}
