package topic

// Info is a topic's row in the catalog: what it is called, and what the public
// documentation shows of it.
type Info struct {
	Topic    Topic    // the topic itself
	GoName   string   // its type in the provider's event package, such as "PassCreated"
	Wire     string   // the name as it stands in the body; "" where the body has none or nobody published it
	Group    string   // the provider's own grouping
	Summary  string   // what it tells, in one sentence
	Source   string   // the page that documents it
	Status   Status   // how settled it is
	Evidence Evidence // how much of its payload was published
}

// Status tells how settled a topic is. The zero value is [Stable].
type Status uint8

const (
	// Stable topics are documented and current.
	Stable Status = iota
	// EarlyAccess topics are announced by the provider as not final.
	EarlyAccess
	// Deprecated topics are documented as on their way out, in part or whole.
	Deprecated
	// Unmerged topics stand in a proposed change of the documentation that was
	// never merged, or in other people's code only.
	Unmerged
)

// String returns the status as the catalog files spell it.
func (s Status) String() string {
	switch s {
	case Stable:
		return "stable"
	case EarlyAccess:
		return "early access"
	case Deprecated:
		return "deprecated"
	case Unmerged:
		return "unmerged"
	}
	return "unknown status"
}

// Evidence tells how much of a topic's payload was published. The zero value
// is [NameAlone].
type Evidence uint8

const (
	// NameAlone means that the topic is known by name; its payload is not.
	NameAlone Evidence = iota
	// PartPayload means that some of the payload's fields were published.
	PartPayload
	// WholePayload means that a complete example was published.
	WholePayload
)

// String returns the evidence as the catalog files spell it.
func (e Evidence) String() string {
	switch e {
	case NameAlone:
		return "name alone"
	case PartPayload:
		return "part"
	case WholePayload:
		return "whole"
	}
	return "unknown evidence"
}
