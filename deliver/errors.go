package deliver

import (
	"errors"
	"fmt"
)

// What the functions of this package and every [Store] and [Directory] report;
// compare with errors.Is.
var (
	// ErrConflict: the message id is taken by a message with another topic,
	// content type or body.
	ErrConflict = errors.New("deliver: message id is taken by another message")
	// ErrFull: the store holds as many open messages as it may. Nothing was
	// stored; publish again when some have been settled.
	ErrFull = errors.New("deliver: store is full")
	// ErrLeaseLost: the fence is stale, so the store changed nothing.
	ErrLeaseLost = errors.New("deliver: lease lost")
	// ErrNoEndpoint: the directory knows no endpoint of that id.
	ErrNoEndpoint = errors.New("deliver: no such endpoint")
	// ErrRefused: the egress guard refuses the destination. The [*Error] around
	// it holds the reason, for the operator.
	ErrRefused = errors.New("deliver: destination refused by policy")
	// ErrNoMessage: the store knows no message of that tenant and id.
	ErrNoMessage = errors.New("deliver: no such message")
	// ErrNoLedger: the store does not offer what people ask of a [Ledger].
	ErrNoLedger = errors.New("deliver: store keeps no ledger")
	// ErrRunning: Run was called while another Run of the dispatcher is going on.
	ErrRunning = errors.New("deliver: dispatcher is running already")
)

// Error says why an exchange failed, or why an option, a message or an endpoint
// is not accepted.
//
// Its text is fit for the endpoint's owner: it holds no secret, no header value,
// no body and no URL. What only an operator should see is in Detail and Err.
type Error struct {
	Reason Reason // what kind of failure it is
	Status int    // the endpoint's answer; 0 when there was none
	Detail string // the particulars, as safe as the text; those of a refused destination are for the operator only
	Err    error  // the cause, or nil; unlike the text it may quote what the endpoint sent
}

// Error implements the error interface.
func (e *Error) Error() string {
	switch {
	case e.Reason == ReasonRefused:
		return ErrRefused.Error()
	case e.Reason == ReasonInvalid:
		return "deliver: " + e.Detail
	case e.Status != 0:
		return fmt.Sprintf("deliver: endpoint answered %d", e.Status)
	case e.Detail != "":
		return "deliver: " + e.Reason.text() + ": " + e.Detail
	}
	return "deliver: " + e.Reason.text()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Retryable answers, for a host with a queue of its own, whether sending the
// same message again soon is likely to help: true for failures of the network,
// for 408, 425, 429 and 5xx, for faults on the sending side, and for [ErrFull].
// It is false for nil and for what a person has to mend first: other answers,
// redirects, refused destinations, invalid arguments. [Policy] gives those a
// few attempts too, and a host may.
func Retryable(err error) bool {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		return errors.Is(err, ErrFull)
	}
	switch e.Reason {
	case ReasonStatus, ReasonTimeout, ReasonNetwork, ReasonTLS, ReasonDNS, ReasonUnreachable,
		ReasonSigner, ReasonLocal, ReasonCanceled:
		return true
	default:
		return false
	}
}

// FaultOf tells on whose side an error of this package lies: the receiver's, when
// it or the way to it failed; the destination's, when it is refused by policy, not
// valid or gone, so that a person has to mend it; ours, for everything else, such
// as a signer or a store that fails. nil is [FaultNone].
func FaultOf(err error) Fault {
	if err == nil {
		return FaultNone
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Reason.fault()
	}
	if errors.Is(err, ErrNoEndpoint) || errors.Is(err, ErrRefused) {
		return FaultDestination
	}
	return FaultOurs
}

// Permanent answers whether sending the same message again is useless until a
// person has changed something: the message, the endpoint, or what is at its other
// end. It is false for nil. Every error of an exchange is either Retryable or
// Permanent, except one whose lease was lost: that one is for another worker.
func Permanent(err error) bool {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		return errors.Is(err, ErrNoEndpoint) || errors.Is(err, ErrRefused) || errors.Is(err, ErrConflict)
	}
	return !Retryable(err) && e.Reason != ReasonLeaseLost && e.Reason != ReasonUnknown
}

func invalid(format string, args ...any) *Error {
	return &Error{Reason: ReasonInvalid, Detail: fmt.Sprintf(format, args...)}
}

func refused(format string, args ...any) *Error {
	return &Error{Reason: ReasonRefused, Detail: fmt.Sprintf(format, args...), Err: ErrRefused}
}
