package conscent

import (
	"encoding/json"

	"example.com/paperround/event"
)

// OldSignUp says that a user logged in for the first time.
//
// The body is that of [OldLogin]; see [Options.Old].
//
// Topic conscent:old.sign_up, evidence: whole.
// Source: https://docs.conscent.ai/old-webhooks/sign-up-webhook
type OldSignUp struct {
	UserName             string    `json:"userName"`
	UserID               string    `json:"userId"`
	FreeTrial            FreeTrial `json:"freeTrial,omitzero" doc:"always"`
	PhoneNumber          *string   `json:"phoneNumber,omitzero"` // national digits; absent for who signed in by e-mail
	Email                *string   `json:"email,omitzero"`       // absent for who signed in by phone
	Country              string    `json:"country"`              // ISO 3166-1 alpha-2
	HashedPhoneNumber    *string   `json:"hashedPhoneNumber,omitzero"`
	HashedEmail          *string   `json:"hashedEmail,omitzero"`
	Name                 string    `json:"name"`
	City                 string    `json:"city"` // in lower case, with a locality in brackets
	Location             *Location `json:"location,omitzero" doc:"always"`
	OS                   string    `json:"os"`
	Browser              string    `json:"browser"`
	UserAgent            string    `json:"userAgent"`
	Address              *Address  `json:"address,omitzero" doc:"always"`
	ClientTierID         *string   `json:"clientTierId,omitzero"`
	ClientSpecificUserID *string   `json:"clientSpecificUserId,omitzero"` // the publisher's own id
}

// OldLogin says that a user logged in.
//
// The body is that of [OldSignUp]; see [Options.Old].
//
// Topic conscent:old.login, evidence: whole.
// Source: https://docs.conscent.ai/old-webhooks/login-webhook
type OldLogin struct {
	UserName             string    `json:"userName"`
	PhoneNumber          *string   `json:"phoneNumber,omitzero"` // national digits; absent for who signed in by e-mail
	Email                *string   `json:"email,omitzero"`       // absent for who signed in by phone
	UserID               string    `json:"userId"`
	FreeTrial            FreeTrial `json:"freeTrial,omitzero" doc:"always"`
	Country              string    `json:"country"` // ISO 3166-1 alpha-2
	HashedPhoneNumber    *string   `json:"hashedPhoneNumber,omitzero"`
	HashedEmail          *string   `json:"hashedEmail,omitzero"`
	Name                 string    `json:"name"`
	City                 string    `json:"city"` // in lower case, with a locality in brackets
	Location             *Location `json:"location,omitzero" doc:"always"`
	OS                   string    `json:"os"`
	Browser              string    `json:"browser"`
	UserAgent            string    `json:"userAgent"`
	Address              *Address  `json:"address,omitzero" doc:"always"`
	ClientTierID         *string   `json:"clientTierId,omitzero"`
	ClientSpecificUserID *string   `json:"clientSpecificUserId,omitzero"` // the publisher's own id
}

// OldSubscriptionPayment says that a subscription was paid for.
//
// The examples of 2022 and 2024 differ in two dozen fields; that of 2024
// breaks off in OrderID. Type is "SUBSCRIPTION", which is the mark of this
// topic.
//
// Topic conscent:old.subscription_payment, evidence: part.
// Source: https://docs.conscent.ai/old-webhooks/subscription-payment-webhook
type OldSubscriptionPayment struct {
	GSTComponents                     *GST                 `json:"gstComponents,omitzero" doc:"always"`
	INRGSTComponents                  *GST                 `json:"inrGstComponents,omitzero" doc:"always"`
	CancelAccess                      event.Flag           `json:"cancelAccess,omitzero"`
	ContentType                       *ContentType         `json:"contentType,omitzero"`
	ManuallyRenewed                   event.Flag           `json:"manuallyRenewed,omitzero" doc:"always"`
	RenewSubscription                 event.Flag           `json:"renewSubscription,omitzero" doc:"always"`
	AvailedOffers                     []json.RawMessage    `json:"availedOffers,omitzero" doc:"always"` // empty where shown
	Promotional                       event.Flag           `json:"promotional,omitzero" doc:"always"`
	Categories                        []json.RawMessage    `json:"categories,omitzero"` // empty where shown
	Bundle                            event.Flag           `json:"bundle,omitzero" doc:"always"`
	BundleContentIDs                  []json.RawMessage    `json:"bundleContentIds,omitzero" doc:"always"` // empty where shown
	PaymentType                       []string             `json:"paymentType,omitzero" doc:"always"`      // "NEW", "REPEAT" and "NETWORK" are shown
	FreeTrial                         FreeTrial            `json:"freeTrial,omitzero" doc:"always"`
	Migrated                          event.Flag           `json:"migrated,omitzero" doc:"always"`
	PartialAccess                     event.Flag           `json:"partialAccess,omitzero"`
	SectionsInclude                   []string             `json:"sectionsInclude,omitzero"`
	AuthorsInclude                    []string             `json:"authorsInclude,omitzero"`
	SectionsExclude                   []json.RawMessage    `json:"sectionsExclude,omitzero"` // empty where shown
	AuthorsExclude                    []json.RawMessage    `json:"authorsExclude,omitzero"`  // empty where shown
	TagsInclude                       []string             `json:"tagsInclude,omitzero"`
	TagsExclude                       []json.RawMessage    `json:"tagsExclude,omitzero"`             // empty where shown
	ProRataAppliedPurchases           []json.RawMessage    `json:"proRataAppliedPurchases,omitzero"` // empty where shown
	ID                                string               `json:"_id"`
	UserAccount                       string               `json:"userAccount"`
	ClientID                          string               `json:"clientId"`
	PaywallID                         *string              `json:"paywallId,omitzero"`
	LandingPageID                     *string              `json:"landingPageId,omitzero"`
	ClientContentID                   *string              `json:"clientContentId,omitzero"` // the publisher's own id
	ContentID                         *string              `json:"contentId,omitzero"`
	BuyingPrice                       event.Decimal        `json:"buyingPrice,omitzero" doc:"always"` // in major units
	Price                             event.Decimal        `json:"price,omitzero" doc:"always"`       // in major units
	Country                           string               `json:"country"`                           // ISO 3166-1 alpha-2
	DiscountCouponUserID              event.ID             `json:"discountCouponUserId,omitzero" doc:"null"`
	DiscountCouponTemplateID          event.ID             `json:"discountCouponTemplateId,omitzero" doc:"null"`
	OriginalPriceDetails              *Price               `json:"originalPriceDetails,omitzero"`
	OriginalINRPrice                  event.Decimal        `json:"originalInrPrice,omitzero"`
	City                              string               `json:"city"` // in lower case, with a locality in brackets
	Location                          *Location            `json:"location,omitzero" doc:"always"`
	UserCountry                       string               `json:"userCountry"` // ISO 3166-1 alpha-2
	ExpiryDate                        event.Time           `json:"expiryDate,omitzero" doc:"always"`
	PriceDetails                      *Price               `json:"priceDetails,omitzero" doc:"always"`
	Type                              string               `json:"type" doc:"const=SUBSCRIPTION"`
	SubscriptionTitle                 string               `json:"subscriptionTitle"`
	OperatingSystem                   *string              `json:"operatingSystem,omitzero"`
	Device                            string               `json:"device"`
	SubscriptionType                  *SubscriptionType    `json:"subscriptionType,omitzero" doc:"always"`
	PreviouslyPurchasedSubscriptionID event.ID             `json:"previouslyPurchasedSubscriptionId,omitzero" doc:"null"`
	SubscriptionID                    string               `json:"subscriptionId"`
	TierID                            string               `json:"tierId"`
	SubscriptionDetails               *SubscriptionDetails `json:"subscriptionDetails,omitzero"`
	TransactionID                     *string              `json:"transactionId,omitzero"`
	BundleSubscriptions               []json.RawMessage    `json:"bundleSubscriptions,omitzero"` // empty where shown
	CreatedAt                         event.Time           `json:"createdAt,omitzero" doc:"always"`
	UpdatedAt                         event.Time           `json:"updatedAt,omitzero" doc:"always"`
	RecordVersion                     event.Decimal        `json:"__v,omitzero"` // of the database record
	PurchaseID                        string               `json:"purchaseId"`
	OrderID                           *string              `json:"orderId,omitzero"`
	UserID                            *string              `json:"userId,omitzero"`
	RenewalID                         *string              `json:"renewalId,omitzero"`
	RenewalDetails                    *Price               `json:"renewalDetails,omitzero"`
	Tags                              []json.RawMessage    `json:"tags,omitzero"` // empty where shown
	UserEmail                         *string              `json:"userEmail,omitzero"`
	UserPhoneNumber                   *string              `json:"userPhoneNumber,omitzero"`
	UserName                          *string              `json:"userName,omitzero"`
	ClientSpecificUserID              *string              `json:"clientSpecificUserId,omitzero"` // the publisher's own id
	ChosenTier                        *OldTier             `json:"chosenTier,omitzero"`
	UserAddress                       *Address             `json:"userAddress,omitzero"`
	RenewedSubscriptionDetails        *RenewedSubscription `json:"renewedSubscriptionDetails,omitzero"`
}

// OldSubscriptionCancelled says that a user cancelled a subscription that
// renewed itself.
//
// CancelledSubscriptionDetails is the mark of this topic.
//
// Topic conscent:old.subscription_cancelled, evidence: whole.
// Source: https://docs.conscent.ai/old-webhooks/subscription-cancelled-webhook
type OldSubscriptionCancelled struct {
	CancelledSubscriptionDetails *CancelledRenewal    `json:"cancelledSubscriptionDetails,omitzero" doc:"always"`
	UserEmail                    string               `json:"userEmail"`
	UserPhoneNumber              string               `json:"userPhoneNumber"`
	UserID                       string               `json:"userId"`
	UserName                     string               `json:"userName"`
	UserAddress                  *Address             `json:"userAddress,omitzero" doc:"always"`
	ClientSpecificUserID         string               `json:"clientSpecificUserId"` // the publisher's own id
	SubscriptionDetails          *SubscriptionDetails `json:"subscriptionDetails,omitzero" doc:"always"`
	LastPurchaseDetails          *LastPurchase        `json:"lastPurchaseDetails,omitzero" doc:"always"`
}

// OldPassPayment says that a pass was paid for.
//
// Type is "PASS", which is the mark of this topic.
//
// Topic conscent:old.pass_payment, evidence: whole.
// Source: https://docs.conscent.ai/old-webhooks/pass-payment-webhook
type OldPassPayment struct {
	GSTComponents     *GST              `json:"gstComponents,omitzero" doc:"always"`
	INRGSTComponents  *GST              `json:"inrGstComponents,omitzero" doc:"always"`
	ManuallyRenewed   event.Flag        `json:"manuallyRenewed,omitzero" doc:"always"`
	RenewSubscription event.Flag        `json:"renewSubscription,omitzero" doc:"always"`
	AvailedOffers     []json.RawMessage `json:"availedOffers,omitzero" doc:"always"` // empty where shown
	Promotional       event.Flag        `json:"promotional,omitzero" doc:"always"`
	Categories        []json.RawMessage `json:"categories,omitzero" doc:"always"` // empty where shown
	Bundle            event.Flag        `json:"bundle,omitzero" doc:"always"`
	BundleContentIDs  []json.RawMessage `json:"bundleContentIds,omitzero" doc:"always"` // empty where shown
	PaymentType       []string          `json:"paymentType,omitzero" doc:"always"`      // "NEW", "REPEAT" and "NETWORK" are shown
	FreeTrial         FreeTrial         `json:"freeTrial,omitzero" doc:"always"`
	Migrated          event.Flag        `json:"migrated,omitzero" doc:"always"`
	ID                string            `json:"_id"`
	UserAccount       string            `json:"userAccount"`
	ClientID          string            `json:"clientId"`
	ClientContentID   string            `json:"clientContentId"` // the publisher's own id
	ContentID         string            `json:"contentId"`
	BuyingPrice       event.Decimal     `json:"buyingPrice,omitzero" doc:"always"` // in major units
	Price             event.Decimal     `json:"price,omitzero" doc:"always"`       // in major units
	Country           string            `json:"country"`                           // ISO 3166-1 alpha-2
	City              string            `json:"city"`                              // in lower case, with a locality in brackets
	Location          *Location         `json:"location,omitzero" doc:"always"`
	UserCountry       string            `json:"userCountry"` // ISO 3166-1 alpha-2
	ExpiryDate        event.Time        `json:"expiryDate,omitzero" doc:"always"`
	PassTitle         string            `json:"passTitle"`
	PriceDetails      *Price            `json:"priceDetails,omitzero" doc:"always"`
	Type              string            `json:"type" doc:"const=PASS"`
	OperatingSystem   string            `json:"operatingSystem"`
	Device            string            `json:"device"`
	CreatedAt         event.Time        `json:"createdAt,omitzero" doc:"always"`
	UpdatedAt         event.Time        `json:"updatedAt,omitzero" doc:"always"`
	RecordVersion     event.Decimal     `json:"__v,omitzero" doc:"always"` // of the database record
	UserID            string            `json:"userId"`
	UserPhoneNumber   string            `json:"userPhoneNumber"`
	UserName          string            `json:"userName"`
	UserAddress       *Address          `json:"userAddress,omitzero" doc:"always"`
}

// OldSubscriptionBundlePayment says that a bundle of subscriptions was paid
// for.
//
// SubscriptionsDetail is the mark of this topic. Of the two examples one has
// taxes and dates.
//
// Topic conscent:old.subscription_bundle_payment, evidence: whole.
// Source: https://docs.conscent.ai/old-webhooks/subscription-bundle-payment-webhook
type OldSubscriptionBundlePayment struct {
	PurchaseID             string         `json:"purchaseId"`
	UserID                 string         `json:"userId"`
	UserEmail              string         `json:"userEmail"`
	UserPhoneNumber        string         `json:"userPhoneNumber"`
	UserName               string         `json:"userName"`
	UserAddress            *Address       `json:"userAddress,omitzero" doc:"always"`
	UserGender             string         `json:"userGender"`
	UserEmploymentType     string         `json:"userEmploymentType"`
	UTMParameters          *UTMParameters `json:"utmParameters,omitzero" doc:"always"`
	BundleBuyingPrice      event.Decimal  `json:"bundleBuyingPrice,omitzero" doc:"always"`
	BundlePrice            event.Decimal  `json:"bundlePrice,omitzero" doc:"always"`
	BundlePriceDetails     *Price         `json:"bundlePriceDetails,omitzero" doc:"always"`
	SubscriptionsDetail    []BundleLine   `json:"subscriptionsDetail,omitzero" doc:"always"`
	BundleGSTComponents    *GST           `json:"bundleGstComponents,omitzero"`
	BundleINRGSTComponents *GST           `json:"bundleInrGstComponets,omitzero"`
	CreatedAt              event.Time     `json:"createdAt,omitzero"`
	UpdatedAt              event.Time     `json:"updatedAt,omitzero"`
}

// OldReviewSubscription says that a user is about to confirm the payment of a
// subscription.
//
// Username and SubscriptionDetails are the marks of this topic.
//
// Topic conscent:old.review_subscription, evidence: whole.
// Source: https://docs.conscent.ai/old-webhooks/review-subscription-webhook
type OldReviewSubscription struct {
	PhoneNumber         *string              `json:"phoneNumber,omitzero"` // national digits; absent for who signed in by e-mail
	UserID              string               `json:"userId"`
	Country             string               `json:"country"` // ISO 3166-1 alpha-2
	HashedPhoneNumber   *string              `json:"hashedPhoneNumber,omitzero"`
	Address             *Address             `json:"address,omitzero" doc:"always"`
	Name                string               `json:"name"`
	City                string               `json:"city"` // in lower case, with a locality in brackets
	Location            *Location            `json:"location,omitzero" doc:"always"`
	Browser             string               `json:"browser"`
	UserAgent           string               `json:"userAgent"`
	OS                  string               `json:"os"`
	Username            string               `json:"username"`
	SubscriptionDetails *SubscriptionDetails `json:"subscriptionDetails,omitzero" doc:"always"`
}

// OldMicroPayment says that a single article was paid for.
//
// Type is "CONTENT", which is the mark of this topic.
//
// Topic conscent:old.micro_payment, evidence: whole.
// Source: https://docs.conscent.ai/old-webhooks/micro-payment-webhook
type OldMicroPayment struct {
	GSTComponents    *GST              `json:"gstComponents,omitzero" doc:"always"`
	INRGSTComponents *GST              `json:"inrGstComponents,omitzero" doc:"always"`
	ContentType      *ContentType      `json:"contentType,omitzero" doc:"always"`
	Categories       []json.RawMessage `json:"categories,omitzero" doc:"always"` // empty where shown
	Bundle           event.Flag        `json:"bundle,omitzero" doc:"always"`
	BundleContentIDs []json.RawMessage `json:"bundleContentIds,omitzero" doc:"always"` // empty where shown
	PaymentType      []string          `json:"paymentType,omitzero" doc:"always"`      // "NEW", "REPEAT" and "NETWORK" are shown
	Migrated         event.Flag        `json:"migrated,omitzero" doc:"always"`
	ID               string            `json:"_id"`
	UserAccount      string            `json:"userAccount"`
	ClientID         string            `json:"clientId"`
	PaywallID        string            `json:"paywallId"`
	ClientContentID  string            `json:"clientContentId"` // the publisher's own id
	ContentID        string            `json:"contentId"`
	BuyingPrice      event.Decimal     `json:"buyingPrice,omitzero" doc:"always"` // in major units
	Price            event.Decimal     `json:"price,omitzero" doc:"always"`       // in major units
	Country          string            `json:"country"`                           // ISO 3166-1 alpha-2
	City             string            `json:"city"`                              // in lower case, with a locality in brackets
	Location         *Location         `json:"location,omitzero" doc:"always"`
	UserCountry      string            `json:"userCountry"` // ISO 3166-1 alpha-2
	ExpiryDate       event.Time        `json:"expiryDate,omitzero" doc:"always"`
	PriceDetails     *Price            `json:"priceDetails,omitzero" doc:"always"`
	Type             string            `json:"type" doc:"const=CONTENT"`
	OperatingSystem  string            `json:"operatingSystem"`
	Device           string            `json:"device"`
	CreatedAt        event.Time        `json:"createdAt,omitzero" doc:"always"`
	UpdatedAt        event.Time        `json:"updatedAt,omitzero" doc:"always"`
	RecordVersion    event.Decimal     `json:"__v,omitzero" doc:"always"` // of the database record
	UserID           string            `json:"userId"`
	UserPhoneNumber  string            `json:"userPhoneNumber"`
	UserName         string            `json:"userName"`
	UserAddress      *Address          `json:"userAddress,omitzero" doc:"always"`
}
