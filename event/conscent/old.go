package conscent

import (
	"encoding/json"

	"example.com/paperround/event"
)

// OldSignUp says that a user logged in for the first time. The body is that of
// [OldLogin]; see [Options.Old].
//
// Topic conscent:old.sign_up, evidence: whole.
// Source: https://docs.conscent.ai/old-webhooks/sign-up-webhook
type OldSignUp struct {
	UserName             string     `json:"userName"` // the phone number
	UserID               string     `json:"userId"`
	FreeTrial            event.Flag `json:"freeTrial,omitzero"`
	PhoneNumber          *string    `json:"phoneNumber,omitzero"` // for who signed in by phone
	Email                *string    `json:"email,omitzero"`       // for who signed in by e-mail
	Country              string     `json:"country"`              // ISO 3166-1 alpha-2
	HashedPhoneNumber    *string    `json:"hashedPhoneNumber,omitzero"`
	HashedEmail          *string    `json:"hashedEmail,omitzero"`
	Name                 string     `json:"name"`
	City                 string     `json:"city"`
	Location             *Location  `json:"location,omitzero"`
	OS                   string     `json:"os"`
	Browser              string     `json:"browser"`
	UserAgent            string     `json:"userAgent"`
	Address              *Address   `json:"address,omitzero"`
	ClientTierID         *string    `json:"clientTierId,omitzero"`
	ClientSpecificUserID *string    `json:"clientSpecificUserId,omitzero"` // the publisher's own id
}

// OldLogin says that a user logged in. The body is that of [OldSignUp]; see
// [Options.Old].
//
// Topic conscent:old.login, evidence: whole.
// Source: https://docs.conscent.ai/old-webhooks/login-webhook
type OldLogin struct {
	UserName             string     `json:"userName"` // the phone number
	UserID               string     `json:"userId"`
	FreeTrial            event.Flag `json:"freeTrial,omitzero"`
	PhoneNumber          *string    `json:"phoneNumber,omitzero"` // for who signed in by phone
	Email                *string    `json:"email,omitzero"`       // for who signed in by e-mail
	Country              string     `json:"country"`              // ISO 3166-1 alpha-2
	HashedPhoneNumber    *string    `json:"hashedPhoneNumber,omitzero"`
	HashedEmail          *string    `json:"hashedEmail,omitzero"`
	Name                 string     `json:"name"`
	City                 string     `json:"city"`
	Location             *Location  `json:"location,omitzero"`
	OS                   string     `json:"os"`
	Browser              string     `json:"browser"`
	UserAgent            string     `json:"userAgent"`
	Address              *Address   `json:"address,omitzero"`
	ClientTierID         *string    `json:"clientTierId,omitzero"`
	ClientSpecificUserID *string    `json:"clientSpecificUserId,omitzero"` // the publisher's own id
}

// OldMicroPayment says that a single article was paid for.
//
// Topic conscent:old.micro_payment, evidence: whole.
// Source: https://docs.conscent.ai/old-webhooks/micro-payment-webhook
type OldMicroPayment struct {
	Type             string            `json:"type"` // "CONTENT", which is the mark of this topic
	ID               string            `json:"_id"`
	UserID           string            `json:"userId"`
	UserPhoneNumber  string            `json:"userPhoneNumber"`
	UserName         string            `json:"userName"`
	UserAddress      *Address          `json:"userAddress,omitzero"`
	UserAccount      string            `json:"userAccount"`
	UserCountry      string            `json:"userCountry"` // ISO 3166-1 alpha-2
	ClientID         string            `json:"clientId"`
	PaywallID        string            `json:"paywallId"`
	ClientContentID  string            `json:"clientContentId"` // the publisher's own id
	ContentID        string            `json:"contentId"`
	ContentType      *ContentType      `json:"contentType,omitzero"`
	Categories       []json.RawMessage `json:"categories,omitzero"` // empty where shown
	Bundle           event.Flag        `json:"bundle,omitzero"`
	BundleContentIDs []json.RawMessage `json:"bundleContentIds,omitzero"` // empty where shown
	PaymentType      []string          `json:"paymentType,omitzero"`      // "NEW", "REPEAT" and "NETWORK" are shown
	Migrated         event.Flag        `json:"migrated,omitzero"`
	BuyingPrice      event.Decimal     `json:"buyingPrice,omitzero"` // in major units
	Price            event.Decimal     `json:"price,omitzero"`       // in major units
	PriceDetails     *Price            `json:"priceDetails,omitzero"`
	GSTComponents    *GST              `json:"gstComponents,omitzero"`
	INRGSTComponents *GST              `json:"inrGstComponents,omitzero"`
	Country          string            `json:"country"` // ISO 3166-1 alpha-2
	City             string            `json:"city"`
	Location         *Location         `json:"location,omitzero"`
	OperatingSystem  string            `json:"operatingSystem"`
	Device           string            `json:"device"`
	ExpiryDate       event.Time        `json:"expiryDate,omitzero"`
	CreatedAt        event.Time        `json:"createdAt,omitzero"`
	UpdatedAt        event.Time        `json:"updatedAt,omitzero"`
	Version          event.Decimal     `json:"__v,omitzero"` // of the database record
}
