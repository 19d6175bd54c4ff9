package deliver

import (
	"context"
	"fmt"

	"example.com/paperround/topic"
)

// Directory knows the endpoints. A host with endpoints in a table of its own
// implements it; [Static] is one for endpoints known at start. It must be safe
// for concurrent use.
type Directory interface {
	// Match returns the endpoints of the tenant that ask for the topic; none is
	// no error. It is called once per message, when a worker fans it out.
	Match(ctx context.Context, tenant string, t topic.Topic) ([]*Endpoint, error)

	// Endpoint returns one endpoint by id, or ErrNoEndpoint. It is called at
	// each attempt, so that a changed URL or secret takes effect at once and
	// no secret is ever stored with a delivery.
	Endpoint(ctx context.Context, id string) (*Endpoint, error)
}

// StaticDirectory is a fixed set of endpoints. Make one with [Static]; the zero
// value has none. It is immutable and safe for concurrent use.
type StaticDirectory struct {
	byTenant map[string][]*Endpoint
	byID     map[string]*Endpoint
}

// Static makes a directory of these endpoints, which must not be changed
// afterwards. The error is an [*Error] and names the endpoint that is malformed
// or whose id another one has. Whether a client would let requests go to their
// URLs is for [Client.Check] to say.
func Static(endpoints ...*Endpoint) (*StaticDirectory, error) {
	s := &StaticDirectory{byTenant: make(map[string][]*Endpoint), byID: make(map[string]*Endpoint, len(endpoints))}
	for _, e := range endpoints {
		if _, err := e.check(); err != nil {
			return nil, err
		}
		if s.byID[e.ID] != nil {
			return nil, invalid("endpoint %s is there twice; give each its own id", e.ID)
		}
		s.byTenant[e.Tenant] = append(s.byTenant[e.Tenant], e)
		s.byID[e.ID] = e
	}
	return s, nil
}

// Match implements [Directory]; the order is that of the call to Static.
func (s *StaticDirectory) Match(_ context.Context, tenant string, t topic.Topic) ([]*Endpoint, error) {
	var found []*Endpoint
	for _, e := range s.byTenant[tenant] {
		if e.wants(tenant, t) {
			found = append(found, e)
		}
	}
	return found, nil
}

// Endpoint implements [Directory].
func (s *StaticDirectory) Endpoint(_ context.Context, id string) (*Endpoint, error) {
	if e := s.byID[id]; e != nil {
		return e, nil
	}
	return nil, fmt.Errorf("%w: %q", ErrNoEndpoint, id)
}
