package inplayer

import "example.com/paperround/event"

// AssetAccessGranted says that a customer may now use an asset.
//
// Topic inplayer:asset.access.granted, evidence: whole.
// Source: https://developers.inplayer.com/docs/webhooks
type AssetAccessGranted struct {
	Envelope `json:"-"`

	ItemType                      *string       `json:"ItemType,omitzero"` // empty where shown
	AccessFeeID                   event.ID      `json:"access_fee_id,omitzero"`
	ConsumerEmail                 string        `json:"consumer_email"`
	ConsumerID                    event.ID      `json:"consumer_id,omitzero"` // the customer
	CreatedAt                     event.Time    `json:"created_at,omitzero"`
	Date                          event.Time    `json:"date,omitzero"` // RFC 3339, with Z or +0000
	ExpiresAt                     event.Time    `json:"expires_at,omitzero"`
	Extended                      event.Decimal `json:"extended,omitzero"` // 0 in the example; a flag or a count
	IsTrial                       event.Flag    `json:"is_trial,omitzero"`
	ItemAccessID                  event.ID      `json:"item_access_id,omitzero"`
	ItemID                        event.ID      `json:"item_id,omitzero"`
	ItemTitle                     string        `json:"item_title"`
	MerchantID                    event.ID      `json:"merchant_id,omitzero"`
	OriginalExpiresAt             event.Time    `json:"original_expires_at,omitzero"`
	ParentResourceID              string        `json:"parent_resource_id"` // the transaction's token
	PaymentMethod                 string        `json:"payment_method"`     // "Card" and "card" are shown
	PaymentTool                   string        `json:"payment_tool"`       // brand and last four digits
	PurchasedAccessFeeDescription string        `json:"purchased_access_fee_description"`
	PurchasedAccessFeeID          event.ID      `json:"purchased_access_fee_id,omitzero"`
	PurchasedAccessFeeType        string        `json:"purchased_access_fee_type"` // "ppv" in the example; no closed list
	PurchasedAmount               event.Decimal `json:"purchased_amount,omitzero"` // without fixed decimals
	PurchasedCurrencyISO          string        `json:"purchased_currency_iso"`    // ISO 4217
	Revoked                       event.Flag    `json:"revoked,omitzero"`
	StartsAt                      event.Time    `json:"starts_at,omitzero"`
	Type                          string        `json:"type"`                  // "purchased" in the example; no closed list
	VoucherCode                   *string       `json:"voucher_code,omitzero"` // empty or 0 for none
}
