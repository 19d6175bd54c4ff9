package verifytest

import "errors"

var (
	// ErrConfig says that the sender or the options cannot be used as they
	// were given.
	ErrConfig = errors.New("unusable configuration")

	// ErrRefused says that the handler refused a good request, so that its
	// other refusals mean nothing.
	ErrRefused = errors.New("the handler refuses a good request")

	// ErrUnfinished says that the attack was broken off.
	ErrUnfinished = errors.New("attack not finished")
)

// Error is the error of this package. It never holds a secret, a signature or a
// body.
type Error struct {
	Reason string // What is wrong and what to do about it.
	Err    error  // One of the sentinel errors, possibly wrapping a cause.
}

// Error returns the message.
func (e *Error) Error() string {
	msg := "verifytest"
	if e.Err != nil {
		msg += ": " + e.Err.Error()
	}
	if e.Reason != "" {
		msg += ": " + e.Reason
	}
	return msg
}

// Unwrap returns the sentinel error, or what wraps it.
func (e *Error) Unwrap() error { return e.Err }

func configError(reason string) error { return &Error{Reason: reason, Err: ErrConfig} }
