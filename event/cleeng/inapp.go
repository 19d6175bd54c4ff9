package cleeng

import (
	"encoding/json"

	"example.com/paperround/event"
	"example.com/paperround/event/internal/codec"
)

// InappPurchaseSyncResult says that bringing an app-store purchase over has
// come to its final result.
//
// The documentation names these fields and shows neither their types nor
// whether they stand in objects of their own; that they stand flat is assumed.
//
// Topic cleeng:inappPurchaseSyncResult, evidence: part.
// Source: https://developers.cleeng.com/docs/webhooks-in-app-purchase-topics
type InappPurchaseSyncResult struct {
	Envelope `json:"-"`

	SynchronizationID     event.ID   `json:"synchronizationId,omitzero" doc:"always"`
	TransactionID         event.ID   `json:"transactionId,omitzero"`                 // Apple
	OriginalTransactionID event.ID   `json:"originalTransactionId,omitzero"`         // Apple
	PurchaseToken         *string    `json:"purchaseToken,omitzero"`                 // Google Play
	PackageName           *string    `json:"packageName,omitzero"`                   // Google Play
	CleengCustomerID      event.ID   `json:"cleengCustomerId,omitzero" doc:"always"` // customerId on other topics
	AccessGranted         event.Flag `json:"accessGranted,omitzero" doc:"always"`
	OfferID               *string    `json:"offerId,omitzero" doc:"always"`
	Result                *string    `json:"result,omitzero" doc:"always"` // RECEIVED_EXPIRED_PURCHASE and TRANSACTION_ID_NOT_FOUND are named; there are others
}

// InappPurchaseValidationSucceeded says that an app-store receipt was found
// good. Deprecated for Apple StoreKit 2 only.
//
// Topic cleeng:inappPurchaseValidationSucceeded, deprecated, evidence: whole.
// Source: https://developers.cleeng.com/docs/webhooks-in-app-purchase-topics
type InappPurchaseValidationSucceeded struct {
	Envelope `json:"-"`

	Result             string          `json:"result"`         // SubscriptionSynchronized, SubscriptionRevived, SubscriptionTransferred or SubscriptionCreated
	PaymentGateway     string          `json:"paymentGateway"` // the store, such as "amazon"
	OfferID            string          `json:"offerId"`
	InAppSpecificData  json.RawMessage `json:"inAppSpecificData,omitzero" doc:"always"` // an object whose keys depend on the store
	OfferType          string          `json:"offerType"`                               // "subscription" in the example; no closed list
	SubscriptionID     event.ID        `json:"subscriptionId,omitzero" doc:"always"`
	Active             event.Flag      `json:"active,omitzero" doc:"always"`
	InTrial            event.Flag      `json:"inTrial,omitzero" doc:"always"`
	ExpirationDate     event.Time      `json:"expirationDate,omitzero" doc:"always"`
	CustomerID         event.ID        `json:"customerId,omitzero" doc:"always"`
	PrevSubscriptionID event.ID        `json:"prevSubscriptionId,omitzero"` // when the purchase moved from another customer
	PrevCustomerID     event.ID        `json:"prevCustomerId,omitzero"`     // when the purchase moved from another customer
	CorrelationID      event.ID        `json:"correlationId,omitzero"`      // when the validation endpoint was called
}

// Amazon reads InAppSpecificData as a receipt of Amazon, the only store whose keys
// are documented. The data of another store gives a receipt that lacks what that
// store does not send. What is no JSON object is an [*event.Error].
func (e *InappPurchaseValidationSucceeded) Amazon() (AmazonReceipt, error) {
	var r AmazonReceipt
	if err := event.Scan(e.InAppSpecificData, nil); err != nil {
		return r, err
	}
	err := codec.Object(e.Topic(), codec.Body(e.InAppSpecificData), &r)
	return r, err
}

// AmazonReceipt is what Amazon says of a purchase. The zero value has nothing.
type AmazonReceipt struct {
	ReceiptUserID *string `json:"receiptUserId,omitzero"`
	ReceiptID     *string `json:"receiptId,omitzero"`
}

// InappPurchaseValidationFailed says that an app-store receipt was found bad.
// Deprecated for Apple StoreKit 2 only.
//
// Topic cleeng:inappPurchaseValidationFailed, deprecated, evidence: name
// alone.
// Source: https://developers.cleeng.com/docs/webhooks-in-app-purchase-topics
type InappPurchaseValidationFailed struct {
	Envelope `json:"-"`

	// Data is the payload as it came, since nobody published what is in it. When
	// encoding, nil is written as null.
	Data json.RawMessage `json:"-"`
}
