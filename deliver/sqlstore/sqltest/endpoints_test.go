package sqltest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/paperround/deliver"
	"example.com/paperround/deliver/sqlstore"
	"example.com/paperround/event"
	"example.com/paperround/topic"
)

// namedSigner is what signers find by tenant and name.
type namedSigner struct{ tenant, name string }

func (namedSigner) Sign(http.Header, string, time.Time, []byte) error { return nil }

var errNoSecret = errors.New("no such secret")

func findSigner(_ context.Context, tenant, name string) (deliver.Signer, error) {
	if name == "missing" {
		return nil, errNoSecret
	}
	return namedSigner{tenant, name}, nil
}

func definition(tenant, id string) *sqlstore.Definition {
	return &sqlstore.Definition{
		Endpoint: deliver.Endpoint{
			ID: id, Tenant: tenant, URL: "https://hooks.example.com/" + id, Topics: []topic.Pattern{"cleeng:*"},
			Header:  http.Header{"X-Source": {"pay-tv", "ppv"}},
			Filters: []deliver.Filter{{Path: "data.offerId", Values: []string{"S1", "\u0000<é>"}}},
			Ordered: true, Concurrency: 3, Rate: 2.5, Timeout: 7 * time.Second, ExactOK: true,
			Policy: &deliver.Policy{Schedule: []time.Duration{}, MaxAge: -1},
			Relief: &deliver.Relief{BreakerShare: -1},
		},
		Secret: "first",
	}
}

func newEndpoints(t *testing.T, db *sql.DB, dialect sqlstore.Dialect, opts *sqlstore.EndpointOptions) *sqlstore.Endpoints {
	t.Helper()
	e, err := sqlstore.NewEndpoints(open(t, db, dialect), findSigner, opts)
	require.NoError(t, err)
	return e
}

func ids(list []*deliver.Endpoint) []string {
	found := make([]string, len(list))
	for i, e := range list {
		found[i] = e.ID
	}
	return found
}

func TestEndpointsLiveInTheStore(t *testing.T) {
	t.Parallel()
	for _, d := range databases() {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			ctx := t.Context()
			e := newEndpoints(t, d.open(t), d.dialect, nil)

			_, err := e.Endpoint(ctx, "billing")
			require.ErrorIs(t, err, deliver.ErrNoEndpoint)
			none, err := e.Match(ctx, "t-7", topic.CleengPassCreated)
			require.NoError(t, err)
			require.Empty(t, none)

			def := definition("t-7", "billing")
			require.NoError(t, e.Create(ctx, def))
			require.Positive(t, def.Version)
			got, err := e.Get(ctx, "billing")
			require.NoError(t, err)
			require.Equal(t, def, got)

			// It is a directory at once, although nothing was there a moment ago.
			ep, err := e.Endpoint(ctx, "billing")
			require.NoError(t, err)
			require.Equal(t, namedSigner{"t-7", "first"}, ep.Signer)
			again, err := e.Endpoint(ctx, "billing")
			require.NoError(t, err)
			require.Same(t, ep, again, "one that did not change is the same one")
			matched, err := e.Match(ctx, "t-7", topic.CleengPassCreated)
			require.NoError(t, err)
			require.Equal(t, []string{"billing"}, ids(matched))
			want := def.Endpoint
			require.Equal(t, &want, matched[0])
			for tenant, of := range map[string]topic.Topic{"t-7": topic.InPlayerSubscribeSuccess, "t-8": topic.CleengPassCreated, "": topic.CleengPassCreated} {
				matched, err := e.Match(ctx, tenant, of)
				require.NoError(t, err)
				require.Empty(t, matched, tenant)
			}

			// A change counts at once here.
			def.URL, def.Topics = "https://hooks.example.com/new", []topic.Pattern{"inplayer:*"}
			first := def.Version
			require.NoError(t, e.Update(ctx, def))
			require.Greater(t, def.Version, first)
			ep, err = e.Endpoint(ctx, "billing")
			require.NoError(t, err)
			require.Equal(t, "https://hooks.example.com/new", ep.URL)
			matched, err = e.Match(ctx, "t-7", topic.CleengPassCreated)
			require.NoError(t, err)
			require.Empty(t, matched)

			// What was made from an older version changes nothing.
			stale := definition("t-7", "billing")
			stale.Version = first
			require.ErrorIs(t, e.Update(ctx, stale), sqlstore.ErrConflict)
			stale.Version, stale.Tenant = def.Version, "t-8"
			require.ErrorIs(t, e.Update(ctx, stale), deliver.ErrNoEndpoint, "of another tenant")
			require.ErrorIs(t, e.Update(ctx, definition("t-7", "other")), deliver.ErrNoEndpoint)
			require.ErrorIs(t, e.Create(ctx, definition("t-7", "billing")), sqlstore.ErrConflict)
			got, err = e.Get(ctx, "billing")
			require.NoError(t, err)
			require.Equal(t, def, got)

			// Another secret's name.
			require.NoError(t, e.Rotate(ctx, "billing", "second"))
			ep, err = e.Endpoint(ctx, "billing")
			require.NoError(t, err)
			require.Equal(t, namedSigner{"t-7", "second"}, ep.Signer)
			require.ErrorIs(t, e.Update(ctx, def), sqlstore.ErrConflict, "it would undo the rotation")
			require.ErrorIs(t, e.Rotate(ctx, "billing", "missing"), errNoSecret)
			require.ErrorIs(t, e.Rotate(ctx, "other", "second"), deliver.ErrNoEndpoint)
			require.True(t, deliver.Permanent(e.Rotate(ctx, "billing", "whsec_zzzz")))

			// Gone.
			require.NoError(t, e.Delete(ctx, "billing"))
			require.ErrorIs(t, e.Delete(ctx, "billing"), deliver.ErrNoEndpoint)
			require.ErrorIs(t, e.Update(ctx, def), deliver.ErrNoEndpoint)
			require.ErrorIs(t, e.Rotate(ctx, "billing", "second"), deliver.ErrNoEndpoint)
			_, err = e.Endpoint(ctx, "billing")
			require.ErrorIs(t, err, deliver.ErrNoEndpoint)
			_, err = e.Get(ctx, "billing")
			require.ErrorIs(t, err, deliver.ErrNoEndpoint)

			// Its id is its tenant's for ever, and its versions do not come again.
			require.ErrorIs(t, e.Create(ctx, definition("t-8", "billing")), sqlstore.ErrConflict)
			back := definition("t-7", "billing")
			require.NoError(t, e.Create(ctx, back))
			require.Greater(t, back.Version, def.Version)
			require.ErrorIs(t, e.Update(ctx, def), sqlstore.ErrConflict)
		})
	}
}

func TestListEndpoints(t *testing.T) {
	t.Parallel()
	for _, d := range databases() {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			ctx := t.Context()
			e := newEndpoints(t, d.open(t), d.dialect, nil)
			for _, id := range []string{"e", "c", "a", "Z", "b", "d"} {
				require.NoError(t, e.Create(ctx, definition("t-7", id)))
				require.NoError(t, e.Create(ctx, definition("", "x"+id)))
			}
			require.NoError(t, e.Delete(ctx, "b"))
			var pages [][]string
			for after, more := "", true; more; {
				list, err := e.List(ctx, "t-7", after, 2)
				require.NoError(t, err)
				var page []string
				for _, def := range list {
					require.Equal(t, "t-7", def.Tenant)
					page = append(page, def.ID)
					after = def.ID
				}
				pages, more = append(pages, page), len(list) == 2
			}
			require.Equal(t, [][]string{{"Z", "a"}, {"c", "d"}, {"e"}}, pages)
			list, err := e.List(ctx, "", "", 0)
			require.NoError(t, err)
			require.Len(t, list, 1)

			matched, err := e.Match(ctx, "t-7", topic.CleengPassCreated)
			require.NoError(t, err)
			require.Equal(t, []string{"e", "c", "a", "Z", "d"}, ids(matched), "in the order in which they were created")
		})
	}
}

// Another process's changes count within Refresh.
func TestEndpointsChangedElsewhere(t *testing.T) {
	t.Parallel()
	for _, d := range databases() {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			ctx := t.Context()
			db := d.open(t)
			const refresh = 200 * time.Millisecond
			here := newEndpoints(t, db, d.dialect, &sqlstore.EndpointOptions{Refresh: refresh})
			always := newEndpoints(t, db, d.dialect, &sqlstore.EndpointOptions{Refresh: -1})
			there := newEndpoints(t, db, d.dialect, nil)
			// eventually asks until the answer is right, and no longer than it may take.
			eventually := func(want ...string) {
				matched, err := always.Match(ctx, "t-7", topic.CleengPassCreated)
				require.NoError(t, err)
				require.ElementsMatch(t, want, ids(matched))
				for deadline := time.Now().Add(refresh + 5*time.Second); ; {
					matched, err := here.Match(ctx, "t-7", topic.CleengPassCreated)
					require.NoError(t, err)
					if fmt.Sprint(ids(matched)) == fmt.Sprint(want) {
						return
					}
					require.True(t, time.Now().Before(deadline), "still %v and not %v", ids(matched), want)
					time.Sleep(5 * time.Millisecond)
				}
			}
			a, b := definition("t-7", "a"), definition("t-7", "b")
			require.NoError(t, there.Create(ctx, a))
			eventually("a")
			require.NoError(t, there.Create(ctx, b))
			eventually("a", "b")
			require.NoError(t, there.Delete(ctx, "a"))
			eventually("b")
			_, err := here.Endpoint(ctx, "a")
			require.ErrorIs(t, err, deliver.ErrNoEndpoint)
			require.NoError(t, there.Rotate(ctx, "b", "second"))
			require.Eventually(t, func() bool {
				ep, err := here.Endpoint(ctx, "b")
				return err == nil && ep.Signer == namedSigner{"t-7", "second"}
			}, 5*time.Second, 5*time.Millisecond)
			got, err := there.Get(ctx, "b")
			require.NoError(t, err)
			got.Topics = []topic.Pattern{"inplayer:*"}
			require.NoError(t, there.Update(ctx, got))
			eventually()
		})
	}
}

// More may change at once than a process wants to hear of.
func TestManyEndpointsChangedElsewhere(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	d := databases()[0]
	db := d.open(t)
	here := newEndpoints(t, db, d.dialect, &sqlstore.EndpointOptions{Refresh: -1})
	there := newEndpoints(t, db, d.dialect, nil)
	first := definition("t-7", "first")
	require.NoError(t, there.Create(ctx, first))
	matched, err := here.Match(ctx, "t-7", topic.CleengPassCreated)
	require.NoError(t, err)
	require.Len(t, matched, 1)
	require.NoError(t, there.Delete(ctx, "first"))
	var creating sync.WaitGroup
	for w := range 10 {
		creating.Go(func() {
			for i := range 110 {
				if err := there.Create(ctx, definition("t-8", fmt.Sprintf("e-%d-%d", w, i))); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	creating.Wait()
	matched, err = here.Match(ctx, "t-7", topic.CleengPassCreated)
	require.NoError(t, err)
	require.Empty(t, matched)
	matched, err = here.Match(ctx, "t-8", topic.CleengPassCreated)
	require.NoError(t, err)
	require.Len(t, matched, 1100)
}

// Whatever changes while endpoints are read is not remembered as it was before.
func TestEndpointsUnderConcurrentChange(t *testing.T) {
	t.Parallel()
	for _, d := range databases() {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			ctx := t.Context()
			db := d.open(t)
			here := newEndpoints(t, db, d.dialect, &sqlstore.EndpointOptions{Refresh: time.Millisecond})
			require.NoError(t, here.Create(ctx, definition("t-7", "a")))
			var wg sync.WaitGroup
			for w := range 4 {
				there := newEndpoints(t, db, d.dialect, nil)
				wg.Go(func() {
					for i := range 25 {
						if err := there.Rotate(ctx, "a", fmt.Sprintf("s-%d-%d", w, i)); err != nil {
							t.Error(err)
						}
					}
				})
			}
			done := make(chan struct{})
			go func() { wg.Wait(); close(done) }()
			for running := true; running; {
				select {
				case <-done:
					running = false
				default:
				}
				_, err := here.Endpoint(ctx, "a")
				require.NoError(t, err)
			}
			last, err := here.Get(ctx, "a")
			require.NoError(t, err)
			time.Sleep(2 * time.Millisecond)
			ep, err := here.Endpoint(ctx, "a")
			require.NoError(t, err)
			require.Equal(t, namedSigner{"t-7", last.Secret}, ep.Signer)
			require.Equal(t, int64(101), last.Version, "each change has a version of its own")
		})
	}
}

// A message must not cost a question.
func TestEndpointsAreRemembered(t *testing.T) {
	t.Parallel()
	for _, d := range databases() {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			ctx := t.Context()
			db := d.open(t)
			e := newEndpoints(t, db, d.dialect, &sqlstore.EndpointOptions{Refresh: time.Hour})
			require.NoError(t, e.Create(ctx, definition("t-7", "a")))
			for _, tenant := range []string{"t-7", "t-8"} {
				_, err := e.Match(ctx, tenant, topic.CleengPassCreated)
				require.NoError(t, err)
			}
			// Behind its back, so that it shows what is asked anew.
			_, err := db.ExecContext(ctx, "DROP TABLE paperround_definitions")
			require.NoError(t, err)
			for _, tenant := range []string{"t-7", "t-8"} {
				_, err := e.Match(ctx, tenant, topic.CleengPassCreated)
				require.NoError(t, err)
			}
			_, err = e.Endpoint(ctx, "a")
			require.NoError(t, err)
			// A store that fails is an error, and not an endpoint that is gone.
			_, err = e.Match(ctx, "t-9", topic.CleengPassCreated)
			require.Error(t, err)
			_, err = e.Endpoint(ctx, "b")
			require.Error(t, err)
			require.NotErrorIs(t, err, deliver.ErrNoEndpoint)
			require.Error(t, e.Create(ctx, definition("t-7", "b")))

			asks := newEndpoints(t, db, d.dialect, nil)
			_, err = asks.Match(ctx, "t-7", topic.CleengPassCreated)
			require.ErrorContains(t, err, "have changed")
			canceled, cancel := context.WithCancel(ctx)
			cancel()
			_, err = asks.Match(canceled, "t-7", topic.CleengPassCreated)
			require.ErrorIs(t, err, context.Canceled)
		})
	}
}

func TestNewEndpoints(t *testing.T) {
	t.Parallel()
	_, err := sqlstore.NewEndpoints(nil, findSigner, nil)
	require.Error(t, err)
	d := databases()[0]
	_, err = sqlstore.NewEndpoints(open(t, d.open(t), d.dialect), nil, nil)
	require.Error(t, err)
}

func BenchmarkEndpoints(b *testing.B) {
	d := databases()[0]
	db := d.open(b)
	store := open(b, db, d.dialect)
	e, err := sqlstore.NewEndpoints(store, findSigner, nil)
	require.NoError(b, err)
	require.NoError(b, e.Create(b.Context(), definition("t-7", "a")))
	b.Run("match", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = e.Match(b.Context(), "t-7", topic.CleengPassCreated)
		}
	})
	b.Run("endpoint", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = e.Endpoint(b.Context(), "a")
		}
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// What is open to an endpoint that was deleted is abandoned, and what is published
// afterwards goes nowhere.
func TestDeletedEndpointIsAbandoned(t *testing.T) {
	t.Parallel()
	for _, d := range databases() {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			ctx := t.Context()
			store := open(t, d.open(t), d.dialect)
			e, err := sqlstore.NewEndpoints(store, findSigner, nil)
			require.NoError(t, err)
			def := definition("t-7", "billing")
			def.Filters, def.Topics = nil, []topic.Pattern{topic.Everything}
			def.Policy = &deliver.Policy{Schedule: []time.Duration{time.Second, time.Second, time.Second}}
			require.NoError(t, e.Create(ctx, def))

			attempts := make(chan string, 10)
			client, err := deliver.NewClient(&deliver.ClientOptions{UnguardedTransport: roundTripper(func(r *http.Request) (*http.Response, error) {
				attempts <- r.URL.String()
				return &http.Response{StatusCode: http.StatusInternalServerError, Body: http.NoBody}, nil
			})})
			require.NoError(t, err)
			settled := make(chan deliver.Settlement, 10)
			disp, err := deliver.New(store, e, &deliver.Options{Client: client, Hooks: deliver.Hooks{
				Settled: func(i deliver.SettledInfo) { settled <- i.Settlement },
			}})
			require.NoError(t, err)
			running, stop := context.WithCancel(ctx)
			ended := make(chan error, 1)
			go func() { ended <- disp.Run(running) }()

			_, err = disp.Publish(ctx, event.JSON("acme:thing.made", 1), &deliver.PublishOptions{Tenant: "t-7"})
			require.NoError(t, err)
			require.Equal(t, def.URL, <-attempts)
			require.Equal(t, deliver.Scheduled, (<-settled).State)
			require.NoError(t, e.Delete(ctx, "billing"))
			s := <-settled
			require.Equal(t, deliver.Abandoned, s.State)
			require.Equal(t, deliver.ReasonNoEndpoint, s.Record.Reason)

			_, err = disp.Publish(ctx, event.JSON("acme:thing.made", 2), &deliver.PublishOptions{Tenant: "t-7"})
			require.NoError(t, err)
			require.Eventually(t, func() bool { return disp.Stats().Unmatched == 1 }, 10*time.Second, time.Millisecond)
			stop()
			require.NoError(t, <-ended)
			require.Empty(t, attempts)
		})
	}
}
