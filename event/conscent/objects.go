package conscent

import "example.com/paperround/event"

// ClientInfo tells about the device that the event came from. The zero value
// has nothing.
type ClientInfo struct {
	UserAgent   *string `json:"userAgent,omitzero"`
	Country     *string `json:"country,omitzero"`     // in English: "India"
	CountryCode *string `json:"countryCode,omitzero"` // ISO 3166-1 alpha-2
	DeviceType  *string `json:"deviceType,omitzero"`  // "desktop", in lower case
	DeviceModel *string `json:"deviceModel,omitzero"`
}

// User is the reader. The zero value has nothing.
type User struct {
	PhoneNumber    *string    `json:"phoneNumber,omitzero"` // national digits; absent for who signed in by e-mail
	Email          *string    `json:"email,omitzero"`       // absent for who signed in by phone
	UserID         *string    `json:"userId,omitzero"`
	ExternalUserID *string    `json:"externalUserId,omitzero"`
	FreeTrial      event.Flag `json:"freeTrial,omitzero"` // 0 where shown
	Country        *string    `json:"country,omitzero"`   // ISO 3166-1 alpha-2
	Address        *Address   `json:"address,omitzero"`
	BillingAddress []Address  `json:"billingAddress,omitzero"`
	Name           *string    `json:"name,omitzero"`
	City           *string    `json:"city,omitzero"` // in lower case, with a locality in brackets
	Location       *Location  `json:"location,omitzero"`
	Username       *string    `json:"username,omitzero"`
	ClientTierID   *string    `json:"clientTierId,omitzero"`
}

// Address is a postal address; "" stands for what is not set. The zero value
// has nothing.
type Address struct {
	ID        *string `json:"_id,omitzero"`
	Name      *string `json:"name,omitzero"`
	Apartment *string `json:"apartment,omitzero"`
	Area      *string `json:"area,omitzero"`
	Pincode   *string `json:"pincode,omitzero"`
	Landmark  *string `json:"landmark,omitzero"`
	City      *string `json:"city,omitzero"`
	State     *string `json:"state,omitzero"`
	Country   *string `json:"country,omitzero"` // ISO 3166-1 alpha-2 in some examples, a name in others
}

// Location is a place on the map, in degrees. The zero value has nothing.
type Location struct {
	Latitude  event.Decimal `json:"latitude,omitzero"`
	Longitude event.Decimal `json:"longitude,omitzero"`
	Postcode  event.ID      `json:"postcode,omitzero"` // a string in some examples, a number in others
}

// MeteringBanner is the banner that counts free articles. The zero value has
// nothing.
type MeteringBanner struct {
	ID         *string    `json:"_id,omitzero"`
	CreatedAt  event.Time `json:"createdAt,omitzero"`
	UpdatedAt  event.Time `json:"updatedAt,omitzero"`
	DeviceType *string    `json:"deviceType,omitzero"` // "DESKTOP", in upper case
	Name       *string    `json:"name,omitzero"`
}

// Transaction is a payment at the gateway. The zero value has nothing.
type Transaction struct {
	ID             *string       `json:"_id,omitzero"`
	Status         *string       `json:"status,omitzero"`       // "COMPLETE" and "FAILED" are shown
	RefundStatus   *string       `json:"refundStatus,omitzero"` // "NOT_INITIATED" is shown
	OrderID        *string       `json:"orderId,omitzero"`      // "" when failed
	Amount         event.Decimal `json:"amount,omitzero"`       // in major units
	Currency       *string       `json:"currency,omitzero"`     // ISO 4217
	PaymentGateway *string       `json:"paymentGateway,omitzero"`
	PaymentID      *string       `json:"paymentId,omitzero"` // "" when failed
	PaymentMode    *string       `json:"paymentMode,omitzero"`
	CreatedAt      event.Time    `json:"createdAt,omitzero"`
	UpdatedAt      event.Time    `json:"updatedAt,omitzero"`

	// What the purchase gives access to, when that is not everything.
	PartialAccess   event.Flag `json:"partialAccess,omitzero"`
	SectionsInclude []string   `json:"sectionsInclude,omitzero"`
	AuthorsInclude  []string   `json:"authorsInclude,omitzero"`
	SectionsExclude []string   `json:"sectionsExclude,omitzero"`
	AuthorsExclude  []string   `json:"authorsExclude,omitzero"`
	TagsInclude     []string   `json:"tagsInclude,omitzero"`
	TagsExclude     []string   `json:"tagsExclude,omitzero"`
}

// Renewal is a subscription's renewal. The zero value has nothing.
type Renewal struct {
	ID                           *string       `json:"id,omitzero"`     // id here, _id elsewhere
	Status                       *string       `json:"status,omitzero"` // "CANCELLED" is shown
	RenewalCount                 event.Decimal `json:"renewalCount,omitzero"`
	PaymentGatewayPlanID         *string       `json:"paymentGatewayPlanId,omitzero"`
	PaymentGatewaySubscriptionID *string       `json:"paymentGatewaySubscriptionId,omitzero"`
	Price                        event.Decimal `json:"price,omitzero"`    // in major units
	Currency                     *string       `json:"currency,omitzero"` // ISO 4217
}

// GST is a tax split by kind of goods; an example has it empty. The zero value
// has nothing.
type GST struct {
	Physical event.Decimal `json:"physical,omitzero"`
	Digital  event.Decimal `json:"digital,omitzero"`
}

// ContentType tells what was bought. The zero value has nothing.
type ContentType struct {
	ID      *string    `json:"_id,omitzero"`
	Digital event.Flag `json:"digital,omitzero"`
	AdFree  event.Flag `json:"adFree,omitzero"`
}

// Price is an amount with its currency. The zero value has nothing.
type Price struct {
	ID       *string       `json:"_id,omitzero"`
	Price    event.Decimal `json:"price,omitzero"`    // in major units
	Currency *string       `json:"currency,omitzero"` // ISO 4217
}
