package sign

import "errors"

var (
	// ErrConfig says that a scheme, a ring, a key or a credential cannot be
	// used as it was given. Constructors return it, and so do signing and
	// matching after a ring was replaced by keys that do not fit the scheme.
	ErrConfig = errors.New("unusable configuration")

	// ErrNoKey says that no key of the ring is valid at this moment.
	ErrNoKey = errors.New("no key is valid now")

	// ErrMalformed says that a message id, a timestamp or a tag is not
	// written as the scheme writes it.
	ErrMalformed = errors.New("malformed value")

	// ErrNoMatch says that well-formed tags were compared with every valid
	// key and none of them is right.
	ErrNoMatch = errors.New("no tag matches")
)

// Error is the error of this package. It never holds a secret, a tag or a
// body, so it is safe to log.
type Error struct {
	Scheme string // Scheme.Name, or "basic"; "" before a scheme is known.
	Key    string // The id of the key at fault; "" when it is no single key.
	Reason string // What is wrong and what to do about it; may be "".
	Err    error  // One of the sentinel errors of this package.
}

// Error returns the message, without Err's text where Reason says more.
func (e *Error) Error() string {
	msg := "sign: "
	if e.Scheme != "" {
		msg += e.Scheme + ": "
	}
	if e.Key != "" {
		msg += "key " + e.Key + ": "
	}
	switch {
	case e.Reason != "":
		msg += e.Reason
	case e.Err != nil:
		msg += e.Err.Error()
	}
	return msg
}

// Unwrap returns the sentinel error.
func (e *Error) Unwrap() error { return e.Err }

func configError(scheme, reason string) error {
	return &Error{Scheme: scheme, Reason: reason, Err: ErrConfig}
}
