package verify

import (
	"context"
	"log/slog"
	"time"
)

// Receipt says what a verification has proven. Every field but Received was
// covered by the signature or the credentials; one that the scheme does not
// prove is left zero.
type Receipt struct {
	Scheme     string        // The name of the scheme; "" when Basic alone was checked.
	KeyID      string        // The id of the key that made the signature.
	KeyAge     time.Duration // How old that key is, by its Created or NotBefore; 0: not known.
	Superseded bool          // The ring has a newer key that is valid too: the sender still uses an old one.
	Credential string        // The id of the Basic credentials.
	Sender     string        // Who sent it, where a host's own Checker serves several senders; part of the replay key.
	ID         string        // The signed message id.
	Time       time.Time     // The signed time of sending.
	Received   time.Time     // When it was verified, by the receiver's clock.
	Body       []byte        // The verified bytes: the slice given to Verify, not a copy.
}

// merge fills the zero fields of r from s.
func (r *Receipt) merge(s Receipt) {
	r.Scheme = first(r.Scheme, s.Scheme)
	if r.KeyID == "" {
		r.KeyID, r.KeyAge, r.Superseded = s.KeyID, s.KeyAge, s.Superseded
	}
	r.Credential = first(r.Credential, s.Credential)
	r.Sender = first(r.Sender, s.Sender)
	r.ID = first(r.ID, s.ID)
	if r.Time.IsZero() {
		r.Time = s.Time
	}
	if r.Received.IsZero() || s.Scheme != "" { // a scheme's clock is one that a host can set
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

// LogValue returns the receipt without the body, which may hold personal data.
func (r Receipt) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("scheme", r.Scheme), slog.String("key_id", r.KeyID), slog.String("credential", r.Credential),
		slog.String("sender", r.Sender), slog.String("id", r.ID), slog.Time("time", r.Time),
		slog.Time("received", r.Received), slog.Int("bytes", len(r.Body)),
	)
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
