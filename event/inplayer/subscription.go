package inplayer

import "example.com/paperround/event"

// SubscribeSuccess says that a subscription began.
//
// Topic inplayer:subscribe.success, evidence: whole.
// Source: https://developers.inplayer.com/docs/webhooks
type SubscribeSuccess struct {
	Envelope `json:"-"`

	Subscription    *string       `json:"subscription,omitzero"` // in the 2018 listing, instead of most others
	Transaction     string        `json:"transaction"`           // the transaction's token
	Description     string        `json:"description"`
	Email           string        `json:"email"`
	CustomerID      event.ID      `json:"customer_id,omitzero"`
	ConsumerID      event.ID      `json:"consumer_id,omitzero"` // the same person under another name
	ItemID          event.ID      `json:"item_id,omitzero"`
	PreviewTitle    string        `json:"previewTitle"`
	FormattedAmount string        `json:"formatted_amount"` // with a currency sign
	Amount          event.Decimal `json:"amount,omitzero"`
	FullAmount      event.Decimal `json:"full_amount,omitzero"`
	DiscountPercent event.Decimal `json:"discount_percent,omitzero"`
	CurrencyISO     *string       `json:"currency_iso,omitzero"` // ISO 4217
	Status          string        `json:"status"`                // "success" in the example
	Timestamp       event.Time    `json:"timestamp,omitzero"`
	Code            event.Decimal `json:"code,omitzero"` // 200 in the example
	AccessFeeID     event.ID      `json:"access_fee_id,omitzero"`
	PaymentMethod   *string       `json:"payment_method,omitzero"`
	NextRebillDate  event.Time    `json:"next_rebill_date,omitzero"`
	VoucherCode     *string       `json:"voucher_code,omitzero"` // empty or 0 for none
}
