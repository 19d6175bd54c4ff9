package deliver

import (
	"context"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/paperround/topic"
)

// matcher is a directory that answers Match in its own way.
type matcher struct {
	Directory
	match func(ctx context.Context, tenant string) error
}

func (m matcher) Match(ctx context.Context, tenant string, t topic.Topic) ([]*Endpoint, error) {
	if err := m.match(ctx, tenant); err != nil {
		return nil, err
	}
	return m.Directory.Match(ctx, tenant, t)
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Even if a batch takes longer than its lease, fan-out gets on.
func TestSlowDirectory(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ match, lease time.Duration }{
		"short lease":   {100 * time.Millisecond, time.Second},
		"default lease": {7 * time.Second, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				inner, err := Static(newEndpoint("e1"))
				require.NoError(t, err)
				rec := always(200)
				b := setup(t, rec, benchOptions{
					directory: matcher{inner, func(ctx context.Context, _ string) error { return sleep(ctx, tc.match) }},
					options:   Options{Lease: tc.lease},
					idle:      true,
				})
				for _, id := range names("m%d", 100) {
					b.publish(t, id)
				}
				b.start(t)
				pass(10 * time.Minute)
				require.Len(t, rec.seen(), 100)
				require.Zero(t, b.Stats().LeaseLost)
			})
		})
	}
}

// A directory that hangs for one tenant keeps no other one waiting for ever.
func TestDirectoryThatHangsForOneTenant(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := newEndpoint("e1")
		e.Tenant = "good"
		inner, err := Static(e)
		require.NoError(t, err)
		rec := always(200)
		b := setup(t, rec, benchOptions{
			directory: matcher{inner, func(ctx context.Context, tenant string) error {
				if tenant == "bad" {
					<-ctx.Done()
				}
				return ctx.Err()
			}},
			idle: true,
		})
		for range 100 {
			_, err = b.Publish(t.Context(), newEvent(), &PublishOptions{Tenant: "bad"})
			require.NoError(t, err)
		}
		_, err = b.Publish(t.Context(), newEvent(), &PublishOptions{Tenant: "good"})
		require.NoError(t, err)
		b.start(t)
		pass(5 * time.Minute)
		require.Len(t, rec.seen(), 1)
	})
}

func TestDirectoryThatMatchesAnEndpointWithoutID(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := newEndpoint("e1")
		e.ID = ""
		b := setup(t, always(200), benchOptions{directory: nameless{e}})
		b.publish(t, "m1")
		pass(time.Minute)
		require.Equal(t, uint64(1), b.Stats().Unmatched)
		require.Contains(t, b.log.String(), "directory matched an endpoint without a valid id")
	})
}

type nameless struct{ endpoint *Endpoint }

func (d nameless) Match(context.Context, string, topic.Topic) ([]*Endpoint, error) {
	return []*Endpoint{d.endpoint}, nil
}

func (d nameless) Endpoint(context.Context, string) (*Endpoint, error) { return d.endpoint, nil }

// lossyClaim is a store whose first claims take effect and return an error.
type lossyClaim struct {
	Store
	lossy, calls int64
}

func (s *lossyClaim) Claim(ctx context.Context, slots Slots, wants []Want, lease time.Duration) ([]Claim, error) {
	claims, err := s.Store.Claim(ctx, slots, wants, lease)
	if len(claims) > 0 && atomic.AddInt64(&s.calls, 1) <= s.lossy {
		return nil, errInjected
	}
	return claims, err
}

// The attempt of a worker that died may never have been made, so another one is,
// also when the policy has a single one; but not without end.
func TestInterruptedSingleAttempt(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		lossy int64
		sent  int
		state State
	}{
		"once":  {1, 1, Succeeded},
		"twice": {2, 0, Exhausted},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				e := newEndpoint("e1")
				e.Policy = &Policy{Schedule: []time.Duration{}}
				rec := always(200)
				b := setup(t, rec, benchOptions{
					endpoints: []*Endpoint{e},
					through:   func(s Store) Store { return &lossyClaim{Store: s, lossy: tc.lossy} },
				})
				b.publish(t, "m1")
				pass(10 * time.Minute)
				require.Len(t, rec.seen(), tc.sent)
				require.Equal(t, tc.state, b.only(t, "m1").State)
			})
		})
	}
}

// A name whose servers do not answer is believed to be our trouble for a while
// only, and its log does not grow without bound.
func TestLameDNS(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rec := newReceiver(func(*http.Request, int) (*http.Response, error) {
			return nil, &net.DNSError{Err: "server misbehaving", Name: "x", IsTemporary: true}
		})
		b := setup(t, rec, benchOptions{options: Options{Poll: time.Minute}})
		b.publish(t, "m1")
		pass(130 * time.Hour)
		d := b.only(t, "m1")
		require.Equal(t, Exhausted, d.State)
		require.Equal(t, 10, d.History.Attempts)
		require.Len(t, rec.seen(), 70)
	})
}

func TestRecordsAreBounded(t *testing.T) {
	t.Parallel()
	d := &memDelivery{}
	for i := range 3 * maxRecords {
		d.record(Record{Attempt: i})
	}
	require.Len(t, d.records, maxRecords)
	require.Equal(t, 2*maxRecords, d.records[0].Attempt)
}
