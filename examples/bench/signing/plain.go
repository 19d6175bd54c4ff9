package main

import "encoding/json"

// What one would write for encoding/json alone. Times stay text, amounts stay
// exact, and nothing tells an absent field from an empty one, which makes these
// cheaper to decode than the types of package event.

type plainTransactionCreated struct {
	OfferID            string       `json:"offerId"`
	TransactionID      string       `json:"transactionId"`
	CustomerID         int64        `json:"customerId"`
	PaymentID          int64        `json:"paymentId"`
	OfferPrice         json.Number  `json:"offerPrice"`
	OfferCurrency      string       `json:"offerCurrency"`
	DiscountRate       *json.Number `json:"discountRate"`
	SubscriptionPlanID *int64       `json:"subscriptionPlanId"`
	ExternalData       string       `json:"externalData"`
	CustomerEmail      string       `json:"customerEmail"`
	CustomerExternalID string       `json:"customerExternalId"`
	PaymentGateway     string       `json:"paymentGateway"`
}

type plainTransactionComplete struct {
	Transaction plainTransaction `json:"transaction"`
	User        plainUser        `json:"user"`
}

type plainTransaction struct {
	ID              string      `json:"_id"`
	Status          string      `json:"status"`
	RefundStatus    string      `json:"refundStatus"`
	OrderID         string      `json:"orderId"`
	Amount          json.Number `json:"amount"`
	Currency        string      `json:"currency"`
	PaymentGateway  string      `json:"paymentGateway"`
	PaymentID       string      `json:"paymentId"`
	PaymentMode     string      `json:"paymentMode"`
	CreatedAt       string      `json:"createdAt"`
	UpdatedAt       string      `json:"updatedAt"`
	PartialAccess   bool        `json:"partialAccess"`
	SectionsInclude []string    `json:"sectionsInclude"`
	AuthorsInclude  []string    `json:"authorsInclude"`
	SectionsExclude []string    `json:"sectionsExclude"`
	AuthorsExclude  []string    `json:"authorsExclude"`
	TagsInclude     []string    `json:"tagsInclude"`
	TagsExclude     []string    `json:"tagsExclude"`
}

type plainUser struct {
	PhoneNumber string        `json:"phoneNumber"`
	Email       string        `json:"email"`
	UserID      string        `json:"userId"`
	Country     string        `json:"country"`
	Address     plainAddress  `json:"address"`
	Name        string        `json:"name"`
	City        string        `json:"city"`
	Location    plainLocation `json:"location"`
	Username    string        `json:"username"`
}

type plainAddress struct {
	Apartment string `json:"apartment"`
	Area      string `json:"area"`
	Pincode   string `json:"pincode"`
	Landmark  string `json:"landmark"`
	City      string `json:"city"`
	State     string `json:"state"`
	Country   string `json:"country"`
}

type plainLocation struct {
	Latitude  float64 `json:"latitude"`
	Longitude float64 `json:"longitude"`
	Postcode  string  `json:"postcode"`
}

type plainClientInfo struct {
	UserAgent   string `json:"userAgent"`
	Country     string `json:"country"`
	CountryCode string `json:"countryCode"`
	DeviceType  string `json:"deviceType"`
}

// gitHubPush is a push of one commit, with what both peers require of one, and
// cut to some 1 KiB: GitHub's own are longer.
const gitHubPush = `{
	"ref": "refs/heads/main",
	"before": "6113728f27ae82c7b1a177c8d03f9e96e0adf246",
	"after": "59b20b8d5c6ff8d09518454d4dd8b7b30f095ab5",
	"created": false,
	"deleted": false,
	"forced": false,
	"compare": "https://example.com/ana/shop/compare/6113728f27ae...59b20b8d5c6f",
	"commits": [{
		"id": "59b20b8d5c6ff8d09518454d4dd8b7b30f095ab5",
		"distinct": true,
		"message": "shop: say what a pass costs",
		"timestamp": "2024-02-11T06:14:09Z",
		"url": "https://example.com/ana/shop/commit/59b20b8d5c6f",
		"author": {"name": "Ana", "email": "ana@example.com", "username": "ana"},
		"committer": {"name": "Ana", "email": "ana@example.com", "username": "ana"},
		"added": ["pass.go"],
		"removed": [],
		"modified": ["README.md", "shop.go"]
	}],
	"repository": {
		"id": 401882913,
		"name": "shop",
		"full_name": "ana/shop",
		"private": false,
		"default_branch": "main"
	},
	"pusher": {"name": "ana", "email": "ana@example.com"},
	"sender": {"login": "ana", "id": 700118254, "type": "User", "site_admin": false}
}`
