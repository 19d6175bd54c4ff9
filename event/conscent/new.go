package conscent

// MeterBannerClose says that a reader closed the banner that counts free articles.
//
// Topic conscent:meter_banner.close, evidence: whole.
// Source: https://docs.conscent.ai/new-webhooks/meter-banner-webhook
type MeterBannerClose struct {
	Envelope `json:"-"`

	MeteringBanner *MeteringBanner `json:"meteringBanner,omitzero"`
	User           *User           `json:"user,omitzero"`
}

// TransactionComplete says that the payment gateway reported a transaction as complete.
//
// Topic conscent:transaction.complete, evidence: whole.
// Source: https://docs.conscent.ai/new-webhooks/transaction-webhook
type TransactionComplete struct {
	Envelope `json:"-"`

	Transaction *Transaction `json:"transaction,omitzero"`
	User        *User        `json:"user,omitzero"`
}

// CancelledSubscription says that a user stopped the renewal of a subscription.
//
// Topic conscent:cancelled.subscription, evidence: whole.
// Source: https://docs.conscent.ai/new-webhooks/cancel-subscription-webhook
type CancelledSubscription struct {
	Envelope `json:"-"`

	User    *User    `json:"user,omitzero"`
	Renewal *Renewal `json:"renewal,omitzero"`
}
