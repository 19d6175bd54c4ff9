package conscent

import (
	"encoding/json"

	"example.com/paperround/event"
)

// User is the reader. The zero value has nothing.
type User struct {
	PhoneNumber    *string   `json:"phoneNumber,omitzero"` // national digits; absent for who signed in by e-mail
	UserID         *string   `json:"userId,omitzero" doc:"always"`
	Country        *string   `json:"country,omitzero"` // ISO 3166-1 alpha-2
	Address        *Address  `json:"address,omitzero" doc:"always"`
	Name           *string   `json:"name,omitzero"`
	City           *string   `json:"city,omitzero"` // in lower case, with a locality in brackets
	Location       *Location `json:"location,omitzero"`
	Username       *string   `json:"username,omitzero"`
	Email          *string   `json:"email,omitzero"`     // absent for who signed in by phone
	FreeTrial      FreeTrial `json:"freeTrial,omitzero"` // 0 where shown
	ExternalUserID *string   `json:"externalUserId,omitzero"`
	BillingAddress []Address `json:"billingAddress,omitzero"`
	ClientTierID   *string   `json:"clientTierId,omitzero"`
}

// Address is a postal address; "" stands for what is not set. The zero value
// has nothing.
type Address struct {
	Apartment *string `json:"apartment,omitzero"`
	Area      *string `json:"area,omitzero"`
	Pincode   *string `json:"pincode,omitzero" doc:"always"`
	Landmark  *string `json:"landmark,omitzero"`
	City      *string `json:"city,omitzero" doc:"always"` // in lower case, with a locality in brackets
	State     *string `json:"state,omitzero" doc:"always"`
	Country   *string `json:"country,omitzero"` // ISO 3166-1 alpha-2 in some examples, a name in others
	Name      *string `json:"name,omitzero"`
	ID        *string `json:"_id,omitzero"`
}

// Location is a place on the map, in degrees. The zero value has nothing.
type Location struct {
	Latitude  event.Decimal `json:"latitude,omitzero" doc:"always"`
	Longitude event.Decimal `json:"longitude,omitzero" doc:"always"`
	Postcode  event.ID      `json:"postcode,omitzero"` // a string in some examples, a number in others
}

// ClientInfo tells about the device that the event came from. The zero value
// has nothing.
type ClientInfo struct {
	UserAgent   *string `json:"userAgent,omitzero"`
	Country     *string `json:"country,omitzero"`                 // in English: "India"
	CountryCode *string `json:"countryCode,omitzero"`             // ISO 3166-1 alpha-2
	DeviceType  *string `json:"deviceType,omitzero" doc:"always"` // "desktop", in lower case
	DeviceModel *string `json:"deviceModel,omitzero"`
}

// Action is what a reader clicked. The zero value has nothing.
type Action struct {
	ClickAction *string       `json:"clickAction,omitzero" doc:"always"` // "SUBS" and "CONTENT" are shown
	PageURL     *string       `json:"pageUrl,omitzero" doc:"always"`     // holds another URL, escaped twice
	NumCTA      event.Decimal `json:"numCta,omitzero"`
	ContentID   *string       `json:"contentId,omitzero"`
}

// MeteringBanner is the banner that counts free articles. The zero value has
// nothing.
type MeteringBanner struct {
	ID         *string    `json:"_id,omitzero" doc:"always"`
	CreatedAt  event.Time `json:"createdAt,omitzero" doc:"always"`
	UpdatedAt  event.Time `json:"updatedAt,omitzero" doc:"always"`
	DeviceType *string    `json:"deviceType,omitzero" doc:"always"` // "DESKTOP", in upper case
	Name       *string    `json:"name,omitzero" doc:"always"`
}

// Paywall is the paywall that the reader met. The zero value has nothing.
type Paywall struct {
	ID            *string       `json:"_id,omitzero" doc:"always"`
	State         *string       `json:"state,omitzero" doc:"always"` // "SAVED" is shown
	Enable        event.Flag    `json:"enable,omitzero" doc:"always"`
	DeletedAt     event.Time    `json:"deletedAt,omitzero" doc:"always,null"` // shown as null only
	ClientID      *string       `json:"clientId,omitzero" doc:"always"`
	Name          *string       `json:"name,omitzero" doc:"always"`
	CreatedAt     event.Time    `json:"createdAt,omitzero" doc:"always"`
	UpdatedAt     event.Time    `json:"updatedAt,omitzero" doc:"always"`
	RecordVersion event.Decimal `json:"__v,omitzero" doc:"always"` // of the database record
	Version       *string       `json:"version,omitzero" doc:"always"`
}

// LandingPage is the page that presents the subscriptions. The zero value has
// nothing.
type LandingPage struct {
	ID                *string                   `json:"_id,omitzero" doc:"always"`
	Title             *string                   `json:"title,omitzero" doc:"always"`
	Description       *string                   `json:"description,omitzero" doc:"always"`
	HeaderRedirectURL *string                   `json:"headerRedirectUrl,omitzero" doc:"always"`
	DesktopBannerURL  *string                   `json:"desktopBannerUrl,omitzero" doc:"always"` // may hold spaces
	MobileBannerURL   *string                   `json:"mobileBannerUrl,omitzero" doc:"always"`  // may hold spaces
	BrandLogo         *string                   `json:"brandLogo,omitzero" doc:"always"`        // a URL, may hold spaces
	Template          *string                   `json:"template,omitzero" doc:"always"`
	Subscriptions     []LandingPageSubscription `json:"subscriptions,omitzero" doc:"always"`
	CreatedAt         event.Time                `json:"createdAt,omitzero" doc:"always"`
	UpdatedAt         event.Time                `json:"updatedAt,omitzero" doc:"always"`
}

// LandingPageSubscription is a subscription on a [LandingPage]. The zero value
// has nothing.
type LandingPageSubscription struct {
	ID          *string       `json:"_id,omitzero" doc:"always"`
	Priority    event.Decimal `json:"priority,omitzero" doc:"always"`
	Recommended event.Flag    `json:"recommended,omitzero" doc:"always"`
}

// Tier is a price of a [Subscription]. The zero value has nothing.
type Tier struct {
	ID             *string         `json:"_id,omitzero" doc:"always"`
	Currency       *string         `json:"currency,omitzero" doc:"always"`  // ISO 4217
	BasePrice      event.Decimal   `json:"basePrice,omitzero" doc:"always"` // in major units
	Price          event.Decimal   `json:"price,omitzero" doc:"always"`     // in major units
	DurationMonths event.Decimal   `json:"durationMonths,omitzero" doc:"always"`
	PriceOverrides *PriceOverrides `json:"priceOverrides,omitzero" doc:"always"`
	GSTComponents  *GST            `json:"gstComponents,omitzero"`
	RzpPlainID     *string         `json:"rzpPlainId,omitzero"` // spelled so
}

// PriceOverrides are prices of their own for some countries. The zero value
// has nothing.
type PriceOverrides struct {
	Country []json.RawMessage `json:"country,omitzero" doc:"always"` // empty where shown
}

// Subscription is a plan that readers subscribe to. The zero value has
// nothing.
type Subscription struct {
	ID              *string           `json:"_id,omitzero" doc:"always"`
	Benefits        *string           `json:"benefits,omitzero" doc:"always"`
	Physical        event.Flag        `json:"physical,omitzero" doc:"always"`
	Digital         event.Flag        `json:"digital,omitzero" doc:"always"`
	Title           *string           `json:"title,omitzero" doc:"always"`
	ClientID        *string           `json:"clientId,omitzero" doc:"always"`
	Tiers           []Tier            `json:"tiers,omitzero" doc:"always"`
	IconURL         *string           `json:"iconUrl,omitzero" doc:"always"` // may hold spaces
	CreatedAt       event.Time        `json:"createdAt,omitzero" doc:"always"`
	UpdatedAt       event.Time        `json:"updatedAt,omitzero" doc:"always"`
	PartialAccess   event.Flag        `json:"partialAccess,omitzero" doc:"always"`
	SectionsInclude []string          `json:"sectionsInclude,omitzero" doc:"always"`
	AuthorsInclude  []string          `json:"authorsInclude,omitzero" doc:"always"`
	SectionsExclude []json.RawMessage `json:"sectionsExclude,omitzero" doc:"always"` // empty where shown
	AuthorsExclude  []json.RawMessage `json:"authorsExclude,omitzero" doc:"always"`  // empty where shown
	TagsInclude     []string          `json:"tagsInclude,omitzero" doc:"always"`
}

// SubscriptionType tells what a subscription gives. The zero value has
// nothing.
type SubscriptionType struct {
	Physical event.Flag `json:"physical,omitzero" doc:"always"`
	Digital  event.Flag `json:"digital,omitzero" doc:"always"`
	AdFree   event.Flag `json:"adFree,omitzero"`
	Epaper   event.Flag `json:"epaper,omitzero"`
}

// SubscriptionDetails tells about a subscription. The documentation shows
// three shapes of it: price and duration in payments, a whole plan in
// [OldSubscriptionCancelled], and what is about to be bought in
// [OldReviewSubscription]. The zero value has nothing.
type SubscriptionDetails struct {
	INRPrice          event.Decimal   `json:"inrPrice,omitzero"`
	Duration          event.Decimal   `json:"duration,omitzero"` // in months
	FreeTrial         FreeTrial       `json:"freeTrial,omitzero"`
	Recommended       event.Flag      `json:"recommended,omitzero"`
	Benefits          *string         `json:"benefits,omitzero"`
	Physical          event.Flag      `json:"physical,omitzero"`
	Digital           event.Flag      `json:"digital,omitzero"`
	Enabled           event.Flag      `json:"enabled,omitzero"`
	Migrated          event.Flag      `json:"migrated,omitzero"`
	CouponsEnabled    event.Flag      `json:"couponsEnabled,omitzero"`
	AdminCoupon       *string         `json:"adminCoupon,omitzero"`
	UsedCouponNumbers []event.Decimal `json:"usedCouponNumbers,omitzero"`
	ID                *string         `json:"_id,omitzero"`
	ClientID          *string         `json:"clientId,omitzero"`
	Title             *string         `json:"title,omitzero"`
	IconURL           *string         `json:"iconUrl,omitzero"`
	Tiers             []OldTier       `json:"tiers,omitzero"`
	CouponCount       event.Decimal   `json:"couponCount,omitzero"`
	CreatedAt         event.Time      `json:"createdAt,omitzero"`
	UpdatedAt         event.Time      `json:"updatedAt,omitzero"`
	RecordVersion     event.Decimal   `json:"__v,omitzero"` // of the database record
	SubscriptionID    *string         `json:"subscriptionId,omitzero"`
	TierID            *string         `json:"tierId,omitzero"`
	Price             event.Decimal   `json:"price,omitzero"`    // in major units
	Currency          *string         `json:"currency,omitzero"` // ISO 4217
}

// Transaction is a payment at the gateway. The zero value has nothing.
type Transaction struct {
	ID              *string           `json:"_id,omitzero" doc:"always"`
	Status          *string           `json:"status,omitzero" doc:"always"`         // "COMPLETE" and "FAILED" are shown
	RefundStatus    *string           `json:"refundStatus,omitzero" doc:"always"`   // "NOT_INITIATED" is shown
	OrderID         *string           `json:"orderId,omitzero" doc:"always"`        // "" when failed
	Amount          event.Decimal     `json:"amount,omitzero" doc:"always"`         // in major units
	Currency        *string           `json:"currency,omitzero" doc:"always"`       // ISO 4217
	PaymentGateway  *string           `json:"paymentGateway,omitzero" doc:"always"` // "RAZORPAY" is shown
	PaymentID       *string           `json:"paymentId,omitzero" doc:"always"`      // "" when failed
	PaymentMode     *string           `json:"paymentMode,omitzero" doc:"always"`    // "NETBANKING" is shown
	CreatedAt       event.Time        `json:"createdAt,omitzero" doc:"always"`
	UpdatedAt       event.Time        `json:"updatedAt,omitzero" doc:"always"`
	PartialAccess   event.Flag        `json:"partialAccess,omitzero" doc:"always"`
	SectionsInclude []string          `json:"sectionsInclude,omitzero" doc:"always"`
	AuthorsInclude  []string          `json:"authorsInclude,omitzero" doc:"always"`
	SectionsExclude []json.RawMessage `json:"sectionsExclude,omitzero" doc:"always"` // empty where shown
	AuthorsExclude  []json.RawMessage `json:"authorsExclude,omitzero" doc:"always"`  // empty where shown
	TagsInclude     []string          `json:"tagsInclude,omitzero" doc:"always"`
	TagsExclude     []json.RawMessage `json:"tagsExclude,omitzero" doc:"always"` // empty where shown
}

// Refund is money paid back. The zero value has nothing.
type Refund struct {
	ID                     *string       `json:"_id,omitzero" doc:"always"`
	PaymentGatewayRefundID *string       `json:"paymentGatewayRefundId,omitzero" doc:"always"`
	Amount                 event.Decimal `json:"amount,omitzero" doc:"always"`   // in major units
	Currency               *string       `json:"currency,omitzero" doc:"always"` // ISO 4217
	CancelAccess           event.Flag    `json:"cancelAccess,omitzero" doc:"always"`
	UserID                 *string       `json:"userId,omitzero" doc:"always"`
	ClientID               *string       `json:"clientId,omitzero" doc:"always"`
	CreatedAt              event.Time    `json:"createdAt,omitzero" doc:"always"`
	TransactionID          *string       `json:"transactionId,omitzero" doc:"always"`
	UpdatedAt              event.Time    `json:"updatedAt,omitzero" doc:"always"`
}

// Renewal is a subscription's renewal. The zero value has nothing.
type Renewal struct {
	ID                           *string       `json:"id,omitzero" doc:"always"`     // id here, _id elsewhere
	Status                       *string       `json:"status,omitzero" doc:"always"` // "CANCELLED" is shown
	RenewalCount                 event.Decimal `json:"renewalCount,omitzero" doc:"always"`
	PaymentGatewayPlanID         *string       `json:"paymentGatewayPlanId,omitzero" doc:"always"`
	PaymentGatewaySubscriptionID *string       `json:"paymentGatewaySubscriptionId,omitzero" doc:"always"`
	Price                        event.Decimal `json:"price,omitzero" doc:"always"`    // in major units
	Currency                     *string       `json:"currency,omitzero" doc:"always"` // ISO 4217
}

// Purchase is what was bought. The examples of passes and of subscriptions
// differ in a dozen fields. The zero value has nothing.
type Purchase struct {
	Location                *Location            `json:"location,omitzero" doc:"always"`
	GSTComponents           *GST                 `json:"gstComponents,omitzero" doc:"always"`
	INRGSTComponents        *GST                 `json:"inrGstComponents,omitzero" doc:"always"`
	ID                      *string              `json:"_id,omitzero" doc:"always"`
	CancelAccess            event.Flag           `json:"cancelAccess,omitzero" doc:"always"`
	ContentType             *ContentType         `json:"contentType,omitzero" doc:"always"`
	Categories              []json.RawMessage    `json:"categories,omitzero"` // empty where shown
	Bundle                  event.Flag           `json:"bundle,omitzero"`
	BundleContentIDs        []json.RawMessage    `json:"bundleContentIds,omitzero"` // empty where shown
	PaymentType             []string             `json:"paymentType,omitzero"`      // "NEW", "REPEAT" and "NETWORK" are shown
	Migrated                event.Flag           `json:"migrated,omitzero" doc:"always"`
	PartialAccess           event.Flag           `json:"partialAccess,omitzero" doc:"always"`
	SectionsInclude         []string             `json:"sectionsInclude,omitzero" doc:"always"`
	AuthorsInclude          []string             `json:"authorsInclude,omitzero" doc:"always"`
	SectionsExclude         []json.RawMessage    `json:"sectionsExclude,omitzero" doc:"always"` // empty where shown
	AuthorsExclude          []json.RawMessage    `json:"authorsExclude,omitzero" doc:"always"`  // empty where shown
	TagsInclude             []string             `json:"tagsInclude,omitzero" doc:"always"`
	TagsExclude             []json.RawMessage    `json:"tagsExclude,omitzero" doc:"always"` // empty where shown
	ProRataAppliedPurchases []json.RawMessage    `json:"proRataAppliedPurchases,omitzero"`  // empty where shown
	UserAccount             *string              `json:"userAccount,omitzero" doc:"always"`
	ClientID                *string              `json:"clientId,omitzero" doc:"always"`
	PaywallID               *string              `json:"paywallId,omitzero"`
	ClientContentID         *string              `json:"clientContentId,omitzero"` // the publisher's own id
	ContentID               *string              `json:"contentId,omitzero"`
	BuyingPrice             event.Decimal        `json:"buyingPrice,omitzero" doc:"always"` // in major units
	Price                   event.Decimal        `json:"price,omitzero" doc:"always"`       // in major units
	Country                 *string              `json:"country,omitzero" doc:"always"`     // ISO 3166-1 alpha-2
	City                    *string              `json:"city,omitzero" doc:"always"`        // in lower case, with a locality in brackets
	UserCountry             *string              `json:"userCountry,omitzero"`              // ISO 3166-1 alpha-2
	ExpiryDate              event.Time           `json:"expiryDate,omitzero" doc:"always"`
	PassTitle               *string              `json:"passTitle,omitzero"`
	PriceDetails            *Price               `json:"priceDetails,omitzero" doc:"always"`
	Type                    *string              `json:"type,omitzero" doc:"always"`
	OperatingSystem         *string              `json:"operatingSystem,omitzero"`
	Device                  *string              `json:"device,omitzero"`
	TransactionID           *string              `json:"transactionId,omitzero" doc:"always"`
	BundleSubscriptions     []json.RawMessage    `json:"bundleSubscriptions,omitzero"` // empty where shown
	CreatedAt               event.Time           `json:"createdAt,omitzero" doc:"always"`
	ClientReferenceID       *string              `json:"clientReferenceId,omitzero"` // the text "undefined" in the example
	SubscriptionType        *SubscriptionType    `json:"subscriptionType,omitzero"`
	SubscriptionTitle       *string              `json:"subscriptionTitle,omitzero"`
	SubscriptionDetails     *SubscriptionDetails `json:"subscriptionDetails,omitzero"`
	UpdatedAt               event.Time           `json:"updatedAt,omitzero"`
}

// ContentType tells what was bought. The zero value has nothing.
type ContentType struct {
	Digital event.Flag `json:"digital,omitzero" doc:"always"`
	AdFree  event.Flag `json:"adFree,omitzero" doc:"always"`
	ID      *string    `json:"_id,omitzero"`
}

// Price is an amount with its currency. The zero value has nothing.
type Price struct {
	Price    event.Decimal `json:"price,omitzero"`                 // in major units
	Currency *string       `json:"currency,omitzero" doc:"always"` // ISO 4217
	ID       *string       `json:"_id,omitzero"`
}

// GST is a tax split by kind of goods; an example has it empty. The zero value
// has nothing.
type GST struct {
	Physical event.Decimal `json:"physical,omitzero"`
	Digital  event.Decimal `json:"digital,omitzero"`
}

// OldTier is a price of a plan in old webhooks. The zero value has nothing.
type OldTier struct {
	ClientTierID   *string           `json:"clientTierId,omitzero"`
	ID             *string           `json:"_id,omitzero" doc:"always"`
	Price          event.Decimal     `json:"price,omitzero" doc:"always"`    // in major units
	Duration       event.Decimal     `json:"duration,omitzero" doc:"always"` // in months
	PriceOverrides *PriceOverrides   `json:"priceOverrides,omitzero" doc:"always"`
	Currency       *string           `json:"currency,omitzero" doc:"always"`  // ISO 4217
	BasePrice      event.Decimal     `json:"basePrice,omitzero" doc:"always"` // in major units
	Offers         []json.RawMessage `json:"offers,omitzero" doc:"always"`    // empty where shown
}

// RenewedSubscription tells how a subscription renews. The zero value has
// nothing.
type RenewedSubscription struct {
	RenewalCount      event.Decimal `json:"renewalCount,omitzero" doc:"always"`
	RzpSubscriptionID *string       `json:"rzpSubscriptionId,omitzero" doc:"always"`
	NextRenewalDate   event.Time    `json:"nextRenewalDate,omitzero" doc:"always"`
	AutoRenew         *string       `json:"autoRenew,omitzero" doc:"always"` // "ACTIVE" is shown
	Price             event.Decimal `json:"price,omitzero" doc:"always"`     // in major units
	Currency          *string       `json:"currency,omitzero" doc:"always"`  // ISO 4217
}

// CancelledRenewal is the renewal that was called off. The zero value has
// nothing.
type CancelledRenewal struct {
	RenewalCount      event.Decimal `json:"renewalCount,omitzero" doc:"always"`
	RzpSubscriptionID *string       `json:"rzpSubscriptionId,omitzero" doc:"always"`
	Status            *string       `json:"status,omitzero" doc:"always"`   // "CANCELLED" is shown
	Price             event.Decimal `json:"price,omitzero" doc:"always"`    // in major units
	Currency          *string       `json:"currency,omitzero" doc:"always"` // ISO 4217
}

// LastPurchase is the last payment of a cancelled subscription. The zero value
// has nothing.
type LastPurchase struct {
	Location          *Location         `json:"location,omitzero" doc:"always"`
	GSTComponents     *GST              `json:"gstComponents,omitzero" doc:"always"`
	INRGSTComponents  *GST              `json:"inrGstComponents,omitzero" doc:"always"`
	ManuallyRenewed   event.Flag        `json:"manuallyRenewed,omitzero" doc:"always"`
	RenewSubscription event.Flag        `json:"renewSubscription,omitzero" doc:"always"`
	AvailedOffers     []json.RawMessage `json:"availedOffers,omitzero" doc:"always"` // empty where shown
	Promotional       event.Flag        `json:"promotional,omitzero" doc:"always"`
	Tags              []json.RawMessage `json:"tags,omitzero" doc:"always"` // empty where shown
	Bundle            event.Flag        `json:"bundle,omitzero" doc:"always"`
	BundleContentIDs  []json.RawMessage `json:"bundleContentIds,omitzero" doc:"always"` // empty where shown
	PaymentType       []string          `json:"paymentType,omitzero" doc:"always"`      // "NEW", "REPEAT" and "NETWORK" are shown
	FreeTrial         FreeTrial         `json:"freeTrial,omitzero" doc:"always"`
	Migrated          event.Flag        `json:"migrated,omitzero" doc:"always"`
	ClientID          *string           `json:"clientId,omitzero" doc:"always"`
	BuyingPrice       event.Decimal     `json:"buyingPrice,omitzero" doc:"always"` // in major units
	Price             event.Decimal     `json:"price,omitzero" doc:"always"`       // in major units
	Country           *string           `json:"country,omitzero" doc:"always"`     // ISO 3166-1 alpha-2
	City              *string           `json:"city,omitzero" doc:"always"`        // in lower case, with a locality in brackets
	UserCountry       *string           `json:"userCountry,omitzero" doc:"always"` // ISO 3166-1 alpha-2
	ExpiryDate        event.Time        `json:"expiryDate,omitzero" doc:"always"`
	PriceDetails      *Price            `json:"priceDetails,omitzero" doc:"always"`
	Type              *string           `json:"type,omitzero" doc:"always"`
	SubscriptionTitle *string           `json:"subscriptionTitle,omitzero" doc:"always"`
	OperatingSystem   *string           `json:"operatingSystem,omitzero" doc:"always"`
	Device            *string           `json:"device,omitzero" doc:"always"`
	SubscriptionType  *SubscriptionType `json:"subscriptionType,omitzero" doc:"always"`
	SubscriptionID    *string           `json:"subscriptionId,omitzero" doc:"always"`
	TierID            *string           `json:"tierId,omitzero" doc:"always"`
	RenewalID         *string           `json:"renewalId,omitzero" doc:"always"`
	RenewalDetails    *Price            `json:"renewalDetails,omitzero" doc:"always"`
}

// BundleLine is one subscription of a bundle. The zero value has nothing.
type BundleLine struct {
	Title            *string       `json:"title,omitzero" doc:"always"`
	Duration         event.Decimal `json:"duration,omitzero" doc:"always"` // in months
	CurrencySymbol   *string       `json:"currencySymbol,omitzero" doc:"always"`
	BuyingPrice      event.Decimal `json:"buyingPrice,omitzero" doc:"always"` // in major units
	Price            event.Decimal `json:"price,omitzero" doc:"always"`       // a string here, a number everywhere else
	ClientName       *string       `json:"clientName,omitzero" doc:"always"`
	Currency         *string       `json:"currency,omitzero" doc:"always"` // ISO 4217
	Physical         event.Flag    `json:"physical,omitzero"`
	Digital          event.Flag    `json:"digital,omitzero"`
	AdFree           event.Flag    `json:"adFree,omitzero"`
	ExpiryDate       event.Time    `json:"expiryDate,omitzero"`
	PurchaseDate     event.Time    `json:"purchaseDate,omitzero"`
	GSTComponents    *GST          `json:"gstComponents,omitzero"`
	INRGSTComponents *GST          `json:"inrGstComponents,omitzero"`
}

// UTMParameters tell which campaign brought the user. The zero value has
// nothing.
type UTMParameters struct {
	UTMSource *string `json:"utm_source,omitzero" doc:"always"`
	UTMMedium *string `json:"utm_medium,omitzero"`
	UTMName   *string `json:"utm_name,omitzero"`
}

// Trial is a free trial. The zero value has nothing.
type Trial struct {
	Enabled  event.Flag    `json:"enabled,omitzero" doc:"always"`
	Duration event.Decimal `json:"duration,omitzero" doc:"always"` // in months
}
