package inplayer

import "example.com/paperround/event"

// AssetAccessGranted says that a customer may now use an asset.
//
// Topic inplayer:asset.access.granted, evidence: whole.
// Source: https://developers.inplayer.com/docs/webhooks
type AssetAccessGranted struct {
	Envelope `json:"-"`

	AccessFeeID                   event.ID      `json:"access_fee_id,omitzero" doc:"always"`
	ConsumerEmail                 string        `json:"consumer_email"`
	ConsumerID                    event.ID      `json:"consumer_id,omitzero" doc:"always"` // the customer
	CreatedAt                     event.Time    `json:"created_at,omitzero" doc:"always"`
	Date                          event.Time    `json:"date,omitzero" doc:"always"` // RFC 3339, with Z or +0000
	ExpiresAt                     event.Time    `json:"expires_at,omitzero" doc:"always"`
	Extended                      event.Decimal `json:"extended,omitzero" doc:"always"` // 0 in the example; a flag or a count
	IsTrial                       event.Flag    `json:"is_trial,omitzero" doc:"always"`
	ItemAccessID                  event.ID      `json:"item_access_id,omitzero" doc:"always"`
	ItemID                        event.ID      `json:"item_id,omitzero" doc:"always"`
	ItemTitle                     string        `json:"item_title"`
	MerchantID                    event.ID      `json:"merchant_id,omitzero" doc:"always"`
	OriginalExpiresAt             event.Time    `json:"original_expires_at,omitzero" doc:"always"`
	ParentResourceID              string        `json:"parent_resource_id"` // the transaction's token
	PaymentMethod                 string        `json:"payment_method"`     // "Card" and "card" are shown
	PaymentTool                   string        `json:"payment_tool"`       // brand and last four digits
	PurchasedAccessFeeDescription string        `json:"purchased_access_fee_description"`
	PurchasedAccessFeeID          event.ID      `json:"purchased_access_fee_id,omitzero" doc:"always"`
	PurchasedAccessFeeType        string        `json:"purchased_access_fee_type"`              // "ppv" in the example; no closed list
	PurchasedAmount               event.Decimal `json:"purchased_amount,omitzero" doc:"always"` // without fixed decimals
	PurchasedCurrencyISO          string        `json:"purchased_currency_iso"`                 // ISO 4217
	VoucherCode                   *string       `json:"voucher_code,omitzero"`                  // empty or 0 for none
	Revoked                       event.Flag    `json:"revoked,omitzero" doc:"always"`
	StartsAt                      event.Time    `json:"starts_at,omitzero" doc:"always"`
	Type                          string        `json:"type"`              // "purchased" and "revoked" are shown; no closed list
	ItemType                      *string       `json:"ItemType,omitzero"` // empty where shown
}

// AssetAccessRevoked says that a customer may no longer use an asset.
//
// Two payloads are documented: a short one, and that of a grant with Revoked
// set. A body of either kind decodes.
//
// Topic inplayer:asset.access.revoked, evidence: whole.
// Source: https://developers.inplayer.com/docs/webhooks
type AssetAccessRevoked struct {
	Envelope `json:"-"`

	Type                          string        `json:"type"` // "purchased" and "revoked" are shown; no closed list
	MerchantID                    event.ID      `json:"merchant_id,omitzero" doc:"always"`
	ConsumerID                    event.ID      `json:"consumer_id,omitzero" doc:"always"` // the customer
	ConsumerEmail                 string        `json:"consumer_email"`
	ItemID                        event.ID      `json:"item_id,omitzero" doc:"always"`
	ItemTitle                     string        `json:"item_title"`
	ItemAccessID                  event.ID      `json:"item_access_id,omitzero" doc:"always"`
	VoucherCode                   *string       `json:"voucher_code,omitzero"` // empty or 0 for none
	CreatedAt                     event.Time    `json:"created_at,omitzero" doc:"always"`
	Date                          event.Time    `json:"date,omitzero" doc:"always"` // RFC 3339, with Z or +0000
	StartsAt                      event.Time    `json:"starts_at,omitzero" doc:"always"`
	ExpiresAt                     event.Time    `json:"expires_at,omitzero" doc:"always"`
	Revoked                       event.Flag    `json:"revoked,omitzero" doc:"always"`
	AccessFeeID                   event.ID      `json:"access_fee_id,omitzero"`
	Extended                      event.Decimal `json:"extended,omitzero"` // 0 in the example; a flag or a count
	IsTrial                       event.Flag    `json:"is_trial,omitzero"`
	OriginalExpiresAt             event.Time    `json:"original_expires_at,omitzero"`
	ParentResourceID              *string       `json:"parent_resource_id,omitzero"` // the transaction's token
	PaymentMethod                 *string       `json:"payment_method,omitzero"`     // "Card" and "card" are shown
	PaymentTool                   *string       `json:"payment_tool,omitzero"`       // brand and last four digits
	PurchasedAccessFeeDescription *string       `json:"purchased_access_fee_description,omitzero"`
	PurchasedAccessFeeID          event.ID      `json:"purchased_access_fee_id,omitzero"`
	PurchasedAccessFeeType        *string       `json:"purchased_access_fee_type,omitzero"` // "ppv" in the example; no closed list
	PurchasedAmount               event.Decimal `json:"purchased_amount,omitzero"`          // without fixed decimals
	PurchasedCurrencyISO          *string       `json:"purchased_currency_iso,omitzero"`    // ISO 4217
}
