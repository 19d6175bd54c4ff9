package topic

import "fmt"

// Error says why a text is not a topic or a pattern.
type Error struct {
	Text   string // the refused text; empty when it was too long to repeat
	Reason string // what is wrong with it and what to write instead
}

// Error implements the error interface.
func (e *Error) Error() string {
	if e.Text == "" {
		return "topic: " + e.Reason
	}
	return fmt.Sprintf("topic: %q: %s", e.Text, e.Reason)
}
