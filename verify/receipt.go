package verify

import (
	"context"
	"time"
)

// Receipt says what a verification has proven. Every field but Received was
// covered by the signature or the credentials; one that the scheme does not
// prove is left zero.
type Receipt struct {
	Scheme     string    // The name of the scheme; "" when Basic alone was checked.
	KeyID      string    // The id of the key that made the signature.
	Credential string    // The id of the Basic credentials.
	ID         string    // The signed message id.
	Time       time.Time // The signed time of sending.
	Received   time.Time // When it was verified, by the receiver's clock.
	Body       []byte    // The verified bytes: the slice given to Verify, not a copy.
}

// merge fills the zero fields of r from s.
func (r *Receipt) merge(s Receipt) {
	r.Scheme = first(r.Scheme, s.Scheme)
	r.KeyID = first(r.KeyID, s.KeyID)
	r.Credential = first(r.Credential, s.Credential)
	r.ID = first(r.ID, s.ID)
	if r.Time.IsZero() {
		r.Time = s.Time
	}
	if r.Received.IsZero() {
		r.Received = s.Received
	}
	if r.Body == nil {
		r.Body = s.Body
	}
}

func first(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

type receiptKey struct{}

// FromContext returns the receipt of the message being handled, in what stands
// behind Middleware and in the routes of Handler. Else it reports false.
func FromContext(ctx context.Context) (Receipt, bool) {
	rc, ok := ctx.Value(receiptKey{}).(*Receipt)
	if !ok {
		return Receipt{}, false
	}
	return *rc, true
}

func withReceipt(ctx context.Context, rc *Receipt) context.Context {
	return context.WithValue(ctx, receiptKey{}, rc)
}
