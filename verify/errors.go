package verify

import (
	"errors"
	"fmt"

	"example.com/paperround/sign"
)

// Why a message was not accepted. None of this goes over the wire: the peer
// sees the same answer for all of the first group.
var (
	// ErrMissing: a header that the scheme needs is absent or empty.
	ErrMissing = errors.New("header missing")
	// ErrMalformed: a header is not written as the scheme writes it.
	ErrMalformed = errors.New("header malformed")
	// ErrTooMany: a header has more lines or values than are judged.
	ErrTooMany = errors.New("too many values")
	// ErrNoMatch: everything is well formed, and no valid key made the
	// signature, or no credentials are the ones sent.
	ErrNoMatch = errors.New("no match")
	// ErrTooOld: the signed time lies further back than the tolerance.
	ErrTooOld = errors.New("timestamp too old")
	// ErrTooNew: the signed time lies further ahead than the tolerance.
	ErrTooNew = errors.New("timestamp too new")
	// ErrPlaintext: credentials came over plain http.
	ErrPlaintext = errors.New("credentials over plain http")
)

// What else a handler refuses.
var (
	// ErrMethod: the method is not POST.
	ErrMethod = errors.New("method not allowed")
	// ErrContentType: the content type is not one of those allowed.
	ErrContentType = errors.New("content type not allowed")
	// ErrTooLarge: the body is longer than the limit.
	ErrTooLarge = errors.New("body too large")
	// ErrUnreadable: the body broke off or could not be read.
	ErrUnreadable = errors.New("body unreadable")
	// ErrConsumed: something in front has read the body already.
	ErrConsumed = errors.New("body already consumed")
	// ErrUndecodable: the message is authentic, its body could not be
	// decoded, and no Undecodable route took it.
	ErrUndecodable = errors.New("body undecodable")
)

// ErrConfig says that the receiving side itself is set up wrongly: a
// constructor was given something unusable, or at this moment no key of the
// ring is valid or fits its scheme.
var ErrConfig = errors.New("unusable configuration")

// ErrGone tells the sender to stop sending: a route that returns it, or an error
// that wraps it, is answered with 410.
var ErrGone = errors.New("endpoint gone")

// Error is the error of this package. It never holds a secret, a signature, a
// header's value or a body, so it is safe to log. Do not send it to the peer.
type Error struct {
	Scheme string // The scheme's name, or "basic"; "" when it is none's matter.
	Header string // The header at fault; "" when it is none.
	Reason string // What is wrong in this case; may be "".
	Err    error  // One of the sentinel errors, possibly wrapping a cause.
}

// Error returns the message.
func (e *Error) Error() string {
	msg := "verify: "
	if e.Scheme != "" {
		msg += e.Scheme + ": "
	}
	if e.Header != "" {
		msg += e.Header + ": "
	}
	if e.Err != nil {
		msg += e.Err.Error()
		if e.Reason != "" {
			msg += ": "
		}
	}
	return msg + e.Reason
}

// Unwrap returns the sentinel error, or what wraps it.
func (e *Error) Unwrap() error { return e.Err }

func configError(reason string) error { return &Error{Reason: reason, Err: ErrConfig} }

// Permanent marks a route's error as one that a retry cannot mend. The sender
// is answered with 200, and HandlerOptions.OnFailed is told. A nil err stays
// nil.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return &permanentError{err}
}

type permanentError struct{ err error }

func (e *permanentError) Error() string { return e.err.Error() }
func (e *permanentError) Unwrap() error { return e.err }

// fromSign turns an error of package sign into one of this package. The header
// is the one to name when the values in it are at fault.
func fromSign(err error, scheme, header string) error {
	out := &Error{Scheme: scheme, Header: header}
	if e, ok := errors.AsType[*sign.Error](err); ok {
		out.Reason = e.Reason
	}
	switch {
	case errors.Is(err, sign.ErrNoMatch):
		out.Err = ErrNoMatch
	case errors.Is(err, sign.ErrMalformed):
		out.Err = ErrMalformed
	default:
		return &Error{Scheme: scheme, Err: fmt.Errorf("%w: %w", ErrConfig, err)}
	}
	return out
}

// What stands between an authentic message and its handler.
var (
	// ErrSource: the request comes from an address that is not allowed.
	ErrSource = errors.New("source address not allowed")
	// ErrInFlight: the same message is being handled at this moment.
	ErrInFlight = errors.New("message in flight")
	// ErrReplayStore: the replay store failed, so that nobody knows whether
	// the message was handled before, or nobody will. It wraps what the store
	// said.
	ErrReplayStore = errors.New("replay store failed")
	// ErrReplayFull: a replay store has no room, and nothing in it has expired.
	ErrReplayFull = errors.New("replay store full")
	// ErrReplayLost: a reservation no longer stands, because its lease ran out
	// and the same message was taken up again: it is handled twice.
	ErrReplayLost = errors.New("reservation lost")
)
