package conscent

import (
	"encoding/json"
	"reflect"

	"example.com/paperround/event"
	"example.com/paperround/event/internal/rawjson"
)

// FreeTrial tells about a free trial. It is true, false or 0 in most examples,
// and an object in that of a whole plan, so it is either: Trial when that is not
// nil, Flag otherwise. The zero value is an absent field.
type FreeTrial struct {
	Flag  event.Flag
	Trial *Trial
}

// IsZero reports whether the field was absent.
func (f FreeTrial) IsZero() bool { return f.Trial == nil && f.Flag.IsZero() }

// MarshalJSON writes the trial, or the flag.
func (f FreeTrial) MarshalJSON() ([]byte, error) {
	if f.Trial != nil {
		return rawjson.Marshal(f.Trial)
	}
	return f.Flag.MarshalJSON()
}

// UnmarshalJSON reads an object or a flag.
func (f *FreeTrial) UnmarshalJSON(b []byte) error {
	*f = FreeTrial{}
	if b[0] == '{' {
		return json.Unmarshal(b, &f.Trial)
	}
	return f.Flag.UnmarshalJSON(b)
}

// Alternatives returns the types of which a value holds one, for tools that
// describe payloads.
func (FreeTrial) Alternatives() []reflect.Type {
	return []reflect.Type{reflect.TypeFor[event.Flag](), reflect.TypeFor[Trial]()}
}
