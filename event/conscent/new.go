package conscent

// MeterBannerClose says that a reader closed the banner that counts free
// articles.
//
// Topic conscent:meter_banner.close, evidence: whole.
// Source: https://docs.conscent.ai/new-webhooks/meter-banner-webhook
type MeterBannerClose struct {
	Envelope `json:"-"`

	MeteringBanner *MeteringBanner `json:"meteringBanner,omitzero" doc:"always"`
	User           *User           `json:"user,omitzero" doc:"always"`
}

// MeterBannerClick says that a reader pressed the button of the banner that
// counts free articles.
//
// Topic conscent:meter_banner.click, evidence: part.
// Source: https://docs.conscent.ai/new-webhooks/meter-banner-webhook
type MeterBannerClick struct {
	Envelope `json:"-"`

	Action         *Action         `json:"action,omitzero" doc:"always"`
	MeteringBanner *MeteringBanner `json:"meteringBanner,omitzero"`
	User           *User           `json:"user,omitzero"`
}

// PaywallExit says that a reader saw the paywall and left; some of these get
// lost, so they make no exact count.
//
// The example announces a paywall and has none.
//
// Topic conscent:paywall.exit, evidence: whole.
// Source: https://docs.conscent.ai/new-webhooks/paywall-webhook
type PaywallExit struct {
	Envelope `json:"-"`

	Paywall *Paywall `json:"paywall,omitzero"`
	User    *User    `json:"user,omitzero" doc:"always"`
}

// PaywallClick says that a reader pressed a button of the paywall.
//
// Topic conscent:paywall.click, evidence: part.
// Source: https://docs.conscent.ai/new-webhooks/paywall-webhook
type PaywallClick struct {
	Envelope `json:"-"`

	Action  *Action  `json:"action,omitzero" doc:"always"`
	Paywall *Paywall `json:"paywall,omitzero"`
	User    *User    `json:"user,omitzero"`
}

// RefundedPayPerUse says that a pay-per-use purchase was refunded.
//
// Topic conscent:refunded.pay_per_use, evidence: whole.
// Source: https://docs.conscent.ai/new-webhooks/refund-webhook
type RefundedPayPerUse struct {
	Envelope `json:"-"`

	Refund *Refund `json:"refund,omitzero" doc:"always"`
	User   *User   `json:"user,omitzero" doc:"always"`
}

// RefundedSubscription says that a subscription was refunded.
//
// Topic conscent:refunded.subscription, evidence: part.
// Source: https://docs.conscent.ai/new-webhooks/refund-webhook
type RefundedSubscription struct {
	Envelope `json:"-"`

	User   *User   `json:"user,omitzero" doc:"always"`
	Refund *Refund `json:"refund,omitzero"`
}

// PurchasePass says that a pass was bought and paid for.
//
// Topic conscent:purchase.pass, evidence: part.
// Source: https://docs.conscent.ai/new-webhooks/purchase-webhook
type PurchasePass struct {
	Envelope `json:"-"`

	User     *User     `json:"user,omitzero" doc:"always"`
	Purchase *Purchase `json:"purchase,omitzero" doc:"always"`
}

// PurchaseSubscription says that a subscription was bought and paid for.
//
// Topic conscent:purchase.subscription, evidence: part.
// Source: https://docs.conscent.ai/new-webhooks/purchase-webhook
type PurchaseSubscription struct {
	Envelope `json:"-"`

	Purchase *Purchase `json:"purchase,omitzero" doc:"always"`
	User     *User     `json:"user,omitzero" doc:"always"`
}

// SubLandingPageClick says that a reader clicked on the page that presents the
// subscriptions.
//
// Topic conscent:sub_landing_page.click, evidence: part.
// Source: https://docs.conscent.ai/new-webhooks/subscription-landing-page-webhook
type SubLandingPageClick struct {
	Envelope `json:"-"`

	LandingPage  *LandingPage  `json:"landingPage,omitzero" doc:"always"`
	Tier         *Tier         `json:"tier,omitzero" doc:"always"`
	Subscription *Subscription `json:"subscription,omitzero"`
	User         *User         `json:"user,omitzero"`
}

// SubscriptionReviewView says that a reader opened the page that sums up a
// subscription before payment.
//
// Topic conscent:subscription_review.view, evidence: part.
// Source: https://docs.conscent.ai/new-webhooks/review-page-webhook
type SubscriptionReviewView struct {
	Envelope `json:"-"`

	Paywall      *Paywall      `json:"paywall,omitzero" doc:"always"`
	User         *User         `json:"user,omitzero" doc:"always"`
	Subscription *Subscription `json:"subscription,omitzero" doc:"always"`
	Tier         *Tier         `json:"tier,omitzero"`
}

// TransactionComplete says that the payment gateway reported a transaction as
// complete.
//
// Topic conscent:transaction.complete, evidence: whole.
// Source: https://docs.conscent.ai/new-webhooks/transaction-webhook
type TransactionComplete struct {
	Envelope `json:"-"`

	Transaction *Transaction `json:"transaction,omitzero" doc:"always"`
	User        *User        `json:"user,omitzero" doc:"always"`
}

// TransactionFailed says that the payment gateway reported a transaction as
// failed.
//
// Topic conscent:transaction.failed, evidence: part.
// Source: https://docs.conscent.ai/new-webhooks/transaction-webhook
type TransactionFailed struct {
	Envelope `json:"-"`

	Transaction *Transaction `json:"transaction,omitzero" doc:"always"`
	User        *User        `json:"user,omitzero"`
}

// CancelledSubscription says that a user stopped the renewal of a
// subscription.
//
// Topic conscent:cancelled.subscription, evidence: whole.
// Source: https://docs.conscent.ai/new-webhooks/cancel-subscription-webhook
type CancelledSubscription struct {
	Envelope `json:"-"`

	User    *User    `json:"user,omitzero" doc:"always"`
	Renewal *Renewal `json:"renewal,omitzero" doc:"always"`
}

// SignUp says that a user signed up.
//
// Nobody published its event value or its payload: the host binds the value
// that it sees with [Options.Bind], and every object known from other events
// is optional.
//
// Topic conscent:new.sign_up, evidence: name alone.
// Source: https://docs.conscent.ai/new-webhooks/signup-webhook
type SignUp struct {
	Envelope `json:"-"`

	Action         *Action         `json:"action,omitzero"`
	LandingPage    *LandingPage    `json:"landingPage,omitzero"`
	MeteringBanner *MeteringBanner `json:"meteringBanner,omitzero"`
	Paywall        *Paywall        `json:"paywall,omitzero"`
	Purchase       *Purchase       `json:"purchase,omitzero"`
	Refund         *Refund         `json:"refund,omitzero"`
	Renewal        *Renewal        `json:"renewal,omitzero"`
	Subscription   *Subscription   `json:"subscription,omitzero"`
	Tier           *Tier           `json:"tier,omitzero"`
	Transaction    *Transaction    `json:"transaction,omitzero"`
	User           *User           `json:"user,omitzero"`
}

// Login says that a user logged in.
//
// Nobody published its event value or its payload: the host binds the value
// that it sees with [Options.Bind], and every object known from other events
// is optional.
//
// Topic conscent:new.login, evidence: name alone.
// Source: https://docs.conscent.ai/new-webhooks/login-webhook
type Login struct {
	Envelope `json:"-"`

	Action         *Action         `json:"action,omitzero"`
	LandingPage    *LandingPage    `json:"landingPage,omitzero"`
	MeteringBanner *MeteringBanner `json:"meteringBanner,omitzero"`
	Paywall        *Paywall        `json:"paywall,omitzero"`
	Purchase       *Purchase       `json:"purchase,omitzero"`
	Refund         *Refund         `json:"refund,omitzero"`
	Renewal        *Renewal        `json:"renewal,omitzero"`
	Subscription   *Subscription   `json:"subscription,omitzero"`
	Tier           *Tier           `json:"tier,omitzero"`
	Transaction    *Transaction    `json:"transaction,omitzero"`
	User           *User           `json:"user,omitzero"`
}

// UserUpdate says that a user's data changed.
//
// Nobody published its event value or its payload: the host binds the value
// that it sees with [Options.Bind], and every object known from other events
// is optional.
//
// Topic conscent:new.user_update, evidence: name alone.
// Source: https://docs.conscent.ai/new-webhooks/user-update-webhook
type UserUpdate struct {
	Envelope `json:"-"`

	Action         *Action         `json:"action,omitzero"`
	LandingPage    *LandingPage    `json:"landingPage,omitzero"`
	MeteringBanner *MeteringBanner `json:"meteringBanner,omitzero"`
	Paywall        *Paywall        `json:"paywall,omitzero"`
	Purchase       *Purchase       `json:"purchase,omitzero"`
	Refund         *Refund         `json:"refund,omitzero"`
	Renewal        *Renewal        `json:"renewal,omitzero"`
	Subscription   *Subscription   `json:"subscription,omitzero"`
	Tier           *Tier           `json:"tier,omitzero"`
	Transaction    *Transaction    `json:"transaction,omitzero"`
	User           *User           `json:"user,omitzero"`
}

// Popup says that something happened on a popup.
//
// Nobody published its event value or its payload: the host binds the value
// that it sees with [Options.Bind], and every object known from other events
// is optional.
//
// Topic conscent:new.popup, evidence: name alone.
// Source: https://docs.conscent.ai/new-webhooks/popup-webhook
type Popup struct {
	Envelope `json:"-"`

	Action         *Action         `json:"action,omitzero"`
	LandingPage    *LandingPage    `json:"landingPage,omitzero"`
	MeteringBanner *MeteringBanner `json:"meteringBanner,omitzero"`
	Paywall        *Paywall        `json:"paywall,omitzero"`
	Purchase       *Purchase       `json:"purchase,omitzero"`
	Refund         *Refund         `json:"refund,omitzero"`
	Renewal        *Renewal        `json:"renewal,omitzero"`
	Subscription   *Subscription   `json:"subscription,omitzero"`
	Tier           *Tier           `json:"tier,omitzero"`
	Transaction    *Transaction    `json:"transaction,omitzero"`
	User           *User           `json:"user,omitzero"`
}

// PaymentGateway says that something happened at the payment gateway.
//
// Nobody published its event value or its payload: the host binds the value
// that it sees with [Options.Bind], and every object known from other events
// is optional.
//
// Topic conscent:new.payment_gateway, evidence: name alone.
// Source: https://docs.conscent.ai/new-webhooks/payment-gateway-webhook
type PaymentGateway struct {
	Envelope `json:"-"`

	Action         *Action         `json:"action,omitzero"`
	LandingPage    *LandingPage    `json:"landingPage,omitzero"`
	MeteringBanner *MeteringBanner `json:"meteringBanner,omitzero"`
	Paywall        *Paywall        `json:"paywall,omitzero"`
	Purchase       *Purchase       `json:"purchase,omitzero"`
	Refund         *Refund         `json:"refund,omitzero"`
	Renewal        *Renewal        `json:"renewal,omitzero"`
	Subscription   *Subscription   `json:"subscription,omitzero"`
	Tier           *Tier           `json:"tier,omitzero"`
	Transaction    *Transaction    `json:"transaction,omitzero"`
	User           *User           `json:"user,omitzero"`
}
