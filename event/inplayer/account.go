package inplayer

import "example.com/paperround/event"

// CustomerRegistered says that somebody opened an account.
//
// Topic inplayer:customer.registered, evidence: whole.
// Source: https://developers.inplayer.com/docs/webhooks
type CustomerRegistered struct {
	Envelope `json:"-"`

	Active       event.Flag `json:"active,omitzero" doc:"always"`    // false in the only example
	Completed    event.Flag `json:"completed,omitzero" doc:"always"` // whether the profile is complete
	CreatedAt    event.Time `json:"created_at,omitzero" doc:"always"`
	Email        string     `json:"email"`
	FullName     string     `json:"full_name"`
	DateOfBirth  event.Time `json:"date_of_birth,omitzero"`   // seconds, negative before 1970; 0 is shown where there is none
	ID           event.ID   `json:"id,omitzero" doc:"always"` // the customer
	MerchantID   event.ID   `json:"merchant_id,omitzero" doc:"always"`
	MerchantUUID string     `json:"merchant_uuid"`
	Referrer     string     `json:"referrer"` // a URL with its query
	UpdatedAt    event.Time `json:"updated_at,omitzero" doc:"always"`
	Username     string     `json:"username"` // equals Email in the examples
	UUID         string     `json:"uuid"`
}

// CustomerUpdated says that a customer's data changed.
//
// Topic inplayer:customer.updated, evidence: whole.
// Source: https://developers.inplayer.com/docs/webhooks
type CustomerUpdated struct {
	Envelope `json:"-"`

	Active       event.Flag        `json:"active,omitzero" doc:"always"`    // false in the only example
	Completed    event.Flag        `json:"completed,omitzero" doc:"always"` // whether the profile is complete
	CreatedAt    event.Time        `json:"created_at,omitzero" doc:"always"`
	Email        string            `json:"email"`
	FullName     string            `json:"full_name"`
	DateOfBirth  event.Time        `json:"date_of_birth,omitzero"`   // seconds, negative before 1970; 0 is shown where there is none
	ID           event.ID          `json:"id,omitzero" doc:"always"` // the customer
	MerchantID   event.ID          `json:"merchant_id,omitzero" doc:"always"`
	MerchantUUID string            `json:"merchant_uuid"`
	Referrer     string            `json:"referrer"` // a URL with its query
	UpdatedAt    event.Time        `json:"updated_at,omitzero" doc:"always"`
	Username     string            `json:"username"` // equals Email in the examples
	UUID         string            `json:"uuid"`
	Metadata     map[string]string `json:"metadata,omitzero"` // clientId, fullname and register_source where shown
}

// CustomerPasswordUpdated says that a customer has a new password.
//
// Two payloads are documented: four fields, and for a day in 2021 the whole
// customer with metadata. A body of either kind decodes.
//
// Topic inplayer:customer.password.updated, evidence: whole.
// Source: https://developers.inplayer.com/docs/webhooks
type CustomerPasswordUpdated struct {
	Envelope `json:"-"`

	MerchantID   event.ID          `json:"merchant_id,omitzero" doc:"always"`
	CustomerID   event.ID          `json:"customer_id,omitzero"`
	Email        string            `json:"email"`
	Timestamp    event.Time        `json:"timestamp,omitzero"`
	Active       event.Flag        `json:"active,omitzero"`    // false in the only example
	Completed    event.Flag        `json:"completed,omitzero"` // whether the profile is complete
	CreatedAt    event.Time        `json:"created_at,omitzero"`
	DateOfBirth  event.Time        `json:"date_of_birth,omitzero"` // seconds, negative before 1970; 0 is shown where there is none
	FullName     *string           `json:"full_name,omitzero"`
	ID           event.ID          `json:"id,omitzero"` // the customer
	MerchantUUID *string           `json:"merchant_uuid,omitzero"`
	Referrer     *string           `json:"referrer,omitzero"` // a URL with its query
	UpdatedAt    event.Time        `json:"updated_at,omitzero"`
	Username     *string           `json:"username,omitzero"` // equals Email in the examples
	UUID         *string           `json:"uuid,omitzero"`
	Metadata     map[string]string `json:"metadata,omitzero"` // clientId, fullname and register_source where shown
}
