package inplayer

import "example.com/paperround/event"

// CustomerRegistered says that somebody opened an account.
//
// Topic inplayer:customer.registered, evidence: whole.
// Source: https://developers.inplayer.com/docs/webhooks
type CustomerRegistered struct {
	Envelope `json:"-"`

	Active       event.Flag        `json:"active,omitzero"`    // false in the only example
	Completed    event.Flag        `json:"completed,omitzero"` // whether the profile is complete
	CreatedAt    event.Time        `json:"created_at,omitzero"`
	DateOfBirth  event.Time        `json:"date_of_birth,omitzero"` // seconds, negative before 1970; 0 is shown where there is none
	Email        string            `json:"email"`
	FullName     string            `json:"full_name"`
	ID           event.ID          `json:"id,omitzero"` // the customer
	MerchantID   event.ID          `json:"merchant_id,omitzero"`
	MerchantUUID string            `json:"merchant_uuid"`
	Metadata     map[string]string `json:"metadata,omitzero"` // shown on sibling topics only
	Referrer     string            `json:"referrer"`          // a URL with its query
	UpdatedAt    event.Time        `json:"updated_at,omitzero"`
	Username     string            `json:"username"` // equals Email in the examples
	UUID         string            `json:"uuid"`
}

// CustomerUpdated says that a customer's data changed.
//
// Topic inplayer:customer.updated, evidence: whole.
// Source: https://developers.inplayer.com/docs/webhooks
type CustomerUpdated struct {
	Envelope `json:"-"`

	Active       event.Flag        `json:"active,omitzero"`    // false in the only example
	Completed    event.Flag        `json:"completed,omitzero"` // whether the profile is complete
	CreatedAt    event.Time        `json:"created_at,omitzero"`
	DateOfBirth  event.Time        `json:"date_of_birth,omitzero"` // seconds, negative before 1970; 0 is shown where there is none
	Email        string            `json:"email"`
	FullName     string            `json:"full_name"`
	ID           event.ID          `json:"id,omitzero"` // the customer
	MerchantID   event.ID          `json:"merchant_id,omitzero"`
	MerchantUUID string            `json:"merchant_uuid"`
	Metadata     map[string]string `json:"metadata,omitzero"` // clientId, fullname and register_source where shown
	Referrer     string            `json:"referrer"`          // a URL with its query
	UpdatedAt    event.Time        `json:"updated_at,omitzero"`
	Username     string            `json:"username"` // equals Email in the examples
	UUID         string            `json:"uuid"`
}
