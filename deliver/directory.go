package deliver

import (
	"context"
	"fmt"
	"strings"

	"example.com/paperround/topic"
)

// Directory knows the endpoints. A host with endpoints in a table of its own
// implements it; [Static] is one for endpoints known at start. It must be safe
// for concurrent use.
type Directory interface {
	// Match returns the endpoints of the tenant that ask for the topic; none is
	// no error. It is called once per message, when a worker fans it out. Other
	// messages of the tenant wait while an answer takes longer than 50 milliseconds;
	// other tenants do not. The context ends after two seconds, or an eighth of
	// Options.Lease; then the message comes again, ever later.
	Match(ctx context.Context, tenant string, t topic.Topic) ([]*Endpoint, error)

	// Endpoint returns one endpoint by id, or ErrNoEndpoint. It is called at
	// each attempt, so that a changed URL or secret takes effect at once and
	// no secret is ever stored with a delivery.
	Endpoint(ctx context.Context, id string) (*Endpoint, error)
}

// StaticDirectory is a fixed set of endpoints. Make one with [Static]; the zero
// value has none. It is immutable and safe for concurrent use.
type StaticDirectory struct {
	byTenant map[string]*interests
	byID     map[string]*Endpoint
}

// interests are what the endpoints of a tenant ask for: one that names all its topics
// is found by those, and any other is looked at for each message. Both are in order.
type interests struct {
	byTopic map[topic.Topic][]ranked
	others  []ranked
}

// ranked is an endpoint and its place in the call to Static.
type ranked struct {
	endpoint *Endpoint
	rank     int
}

// Static makes a directory of these endpoints, which must not be changed
// afterwards. The error is an [*Error] and names the endpoint that is malformed
// or whose id another one has. Whether a client would let requests go to their
// URLs is for [Client.Check] to say.
func Static(endpoints ...*Endpoint) (*StaticDirectory, error) {
	s := &StaticDirectory{byTenant: make(map[string]*interests), byID: make(map[string]*Endpoint, len(endpoints))}
	for i, e := range endpoints {
		if _, err := e.check(); err != nil {
			return nil, err
		}
		if s.byID[e.ID] != nil {
			return nil, invalid("endpoint %s is there twice; give each its own id", e.ID)
		}
		s.byID[e.ID] = e
		if s.byTenant[e.Tenant] == nil {
			s.byTenant[e.Tenant] = &interests{byTopic: make(map[topic.Topic][]ranked)}
		}
		s.byTenant[e.Tenant].add(ranked{e, i})
	}
	return s, nil
}

// add notes an endpoint that comes after those that were added before.
func (in *interests) add(r ranked) {
	named := make(map[topic.Topic]bool, len(r.endpoint.Topics))
	for _, p := range r.endpoint.Topics {
		if strings.Contains(string(p), "*") {
			in.others = append(in.others, r)
			return
		}
		named[topic.Topic(p)] = true
	}
	for t := range named {
		in.byTopic[t] = append(in.byTopic[t], r)
	}
}

// Match implements [Directory]; the order is that of the call to Static. It costs as
// much as the tenant has endpoints that match, or whose Topics hold a '*'.
func (s *StaticDirectory) Match(_ context.Context, tenant string, t topic.Topic) ([]*Endpoint, error) {
	in := s.byTenant[tenant]
	if in == nil {
		return nil, nil
	}
	var found []*Endpoint
	named := in.byTopic[t]
	for _, other := range in.others {
		if !other.endpoint.wants(tenant, t) {
			continue
		}
		for len(named) > 0 && named[0].rank < other.rank {
			found, named = append(found, named[0].endpoint), named[1:]
		}
		found = append(found, other.endpoint)
	}
	for _, r := range named {
		found = append(found, r.endpoint)
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
