package deliver

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/paperround/topic"
)

func TestDispatcherDelivers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rec := always(204)
		b := setup(t, rec, benchOptions{})
		id := b.publish(t, "")
		pass(time.Second)
		seen := rec.seen()
		require.Len(t, seen, 1)
		require.Equal(t, id, seen[0].id)
		require.JSONEq(t, `{"amount":12}`, seen[0].body)
		require.Equal(t, "application/json", seen[0].header.Get("Content-Type"))
		require.Less(t, seen[0].at, 5*time.Millisecond+time.Microsecond, "publishing wakes the dispatcher")

		d := b.only(t, id)
		require.Equal(t, Succeeded, d.State)
		require.Equal(t, []Record{{Attempt: 1, Reason: ReasonSucceeded, Status: 204}}, d.Records)
		require.NoError(t, b.err())
		require.Equal(t, Stats{Published: 1, FannedOut: 1, Attempts: 1, Succeeded: 1}, b.Stats())
		require.Len(t, b.journal.attempts(), 1)
		require.Len(t, b.journal.outcomes(), 1)
		require.NoError(t, b.journal.outcomes()[0].Err)
	})
}

func TestDispatcherFollowsTheWholeSchedule(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rec := always(500)
		b := setup(t, rec, benchOptions{options: Options{Poll: time.Minute}})
		id := b.publish(t, "m1")
		pass(80 * time.Hour)
		var want []time.Duration
		var at time.Duration
		for _, wait := range append([]time.Duration{0}, (*Policy)(nil).schedule()...) {
			at += wait
			want = append(want, at)
		}
		require.Len(t, want, 10)
		got := rec.times()
		begin := got[0] // the fan-out takes no time, but may have to wait for the slots
		require.LessOrEqual(t, begin, 5*time.Millisecond)
		for i := range got {
			got[i] -= begin
		}
		require.Equal(t, want, got)
		require.Equal(t, Exhausted, b.only(t, id).State)
		require.Len(t, b.only(t, id).Records, 10)

		stamps := map[string]bool{}
		for i, q := range rec.seen() {
			require.Equal(t, id, q.id)
			require.Equal(t, i+1, b.only(t, id).Records[i].Attempt)
			stamps[q.header.Get("X-Signature")] = true
		}
		require.Len(t, stamps, 10, "each attempt is signed anew")
		require.Equal(t, Stats{Published: 1, FannedOut: 1, Attempts: 10, Retried: 9, Exhausted: 1}, b.Stats())
	})
}

func TestDispatcherPausesTheEndpoint(t *testing.T) {
	t.Parallel()
	for name, header := range map[string]func() string{
		"seconds": func() string { return "600" },
		"date":    func() string { return time.Now().Add(10 * time.Minute).UTC().Format(http.TimeFormat) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				rec := newReceiver(func(req *http.Request, n int) (*http.Response, error) {
					if hostOf(req) == "e1" && n == 1 {
						return answer(429, "Retry-After", header()), nil
					}
					return answer(200), nil
				})
				b := setup(t, rec, benchOptions{endpoints: []*Endpoint{newEndpoint("e1"), newEndpoint("e2")}})
				b.publish(t, "m1")
				pass(time.Minute)
				b.publish(t, "m2")
				pass(8 * time.Minute)
				var e1, e2 []time.Duration
				for _, q := range rec.seen() {
					if q.endpoint == "e1" {
						e1 = append(e1, q.at)
					} else {
						e2 = append(e2, q.at)
					}
				}
				require.Len(t, e1, 1, "another message waits for the paused endpoint too")
				require.Len(t, e2, 2, "another endpoint does not")
				pass(2 * time.Minute)
				require.Equal(t, 3, rec.counts["e1"])
				for _, q := range rec.seen()[3:] {
					require.InDelta(t, (10 * time.Minute).Seconds(), (q.at - e1[0]).Seconds(), 0.001)
				}
			})
		})
	}
}

// slowSettle is a store that takes its time to record.
type slowSettle struct{ Store }

func (s slowSettle) Settle(ctx context.Context, settlements []Settlement) ([]Fence, error) {
	time.Sleep(5 * time.Second)
	return s.Store.Settle(ctx, settlements)
}

// The pause holds from the answer on, not from when it was recorded.
func TestDispatcherPausesTheEndpointAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rec := newReceiver(func(_ *http.Request, n int) (*http.Response, error) {
			if n == 1 {
				return answer(503, "Retry-After", "60"), nil
			}
			return answer(200), nil
		})
		e := newEndpoint("e1")
		e.Concurrency = 1 // none is under way beside the one that is told to wait
		b := setup(t, rec, benchOptions{
			endpoints: []*Endpoint{e},
			through:   func(s Store) Store { return slowSettle{s} },
		})
		for _, id := range names("m%d", 5) {
			b.publish(t, id)
		}
		pass(time.Minute - time.Second)
		require.Len(t, rec.seen(), 1)
		pass(time.Minute)
		require.Len(t, rec.seen(), 6)
	})
}

func TestDispatcherNeverExceedsConcurrency(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rec := newReceiver(func(*http.Request, int) (*http.Response, error) {
			time.Sleep(100 * time.Millisecond)
			return answer(200), nil
		})
		var endpoints []*Endpoint
		for i, id := range names("e%d", 10) {
			e := newEndpoint(id)
			e.Concurrency = i%4 + 1
			endpoints = append(endpoints, e)
		}
		b := setup(t, rec, benchOptions{endpoints: endpoints, options: Options{Concurrency: 12, TenantShare: -1}})
		for _, id := range names("m%d", 20) {
			b.publish(t, id)
		}
		pass(time.Minute)
		require.Len(t, rec.seen(), 200)
		require.Equal(t, 12, rec.peak[""], "all the room is used, and no more")
		for i, e := range endpoints {
			require.LessOrEqual(t, rec.peak[e.ID], e.Concurrency)
			require.Positive(t, rec.counts[e.ID], i)
		}
		require.Equal(t, uint64(200), b.Stats().Succeeded)
	})
}

func TestDispatcherLearnsTheEndpointsConcurrency(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rec := newReceiver(func(*http.Request, int) (*http.Response, error) {
			time.Sleep(time.Second)
			return answer(200), nil
		})
		b := setup(t, rec, benchOptions{idle: true})
		for _, id := range names("m%d", 16) {
			b.publish(t, id)
		}
		b.start(t)
		pass(3 * time.Second)
		require.Equal(t, 8, rec.peak["e1"])
		require.Len(t, rec.seen(), 16, "two rounds of eight, a second each")
	})
}

func TestEndpointsTakeTurns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rec := newReceiver(func(*http.Request, int) (*http.Response, error) {
			time.Sleep(10 * time.Millisecond)
			return answer(200), nil
		})
		var endpoints []*Endpoint
		for _, id := range names("e%03d", 150) { // more than a page
			endpoints = append(endpoints, newEndpoint(id))
		}
		b := setup(t, rec, benchOptions{endpoints: endpoints, options: Options{Concurrency: 5, TenantShare: -1}, idle: true})
		for _, id := range names("m%d", 20) {
			b.publish(t, id)
		}
		b.start(t)
		pass(2 * time.Second) // a third of the work
		require.Greater(t, len(rec.seen()), 900)
		least, most := len(rec.seen()), 0
		for _, e := range endpoints {
			least, most = min(least, rec.counts[e.ID]), max(most, rec.counts[e.ID])
		}
		require.LessOrEqual(t, most-least, 2, "no endpoint is served much more than another")
	})
}

func TestHungEndpointDoesNotSlowOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rec := hangFor("hung", warm)
		// More endpoints than a page of the walk, so that it goes round.
		endpoints := []*Endpoint{newEndpoint("hung")}
		endpoints[0].Relief = &Relief{BreakerShare: -1}
		for _, id := range names("e%03d", 300) {
			endpoints = append(endpoints, newEndpoint(id))
		}
		b := setup(t, rec, benchOptions{endpoints: endpoints, options: Options{Concurrency: 16}})
		b.warmUp(t)
		for _, id := range names("m%d", 20) {
			b.publish(t, id)
		}
		pass(time.Second)
		const succeeded = 300*20 + 301*warm
		require.Equal(t, 8, rec.peak["hung"], "its own share")
		require.Len(t, rec.seen(), succeeded+8, "everything else went out at once")
		require.Equal(t, uint64(succeeded), b.Stats().Succeeded)
		pass(15 * time.Second)
		require.Equal(t, warm+8+4, rec.counts["hung"], "and less of it after timeouts")
		require.Equal(t, ReasonTimeout, b.journal.attempts()[succeeded].Result.Reason)
	})
}

func TestManyHungEndpointsDoNotSpin(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rec := newReceiver(func(req *http.Request, _ int) (*http.Response, error) {
			<-req.Context().Done()
			return nil, req.Context().Err()
		})
		var endpoints []*Endpoint
		for _, id := range names("e%03d", 300) {
			e := newEndpoint(id)
			e.Concurrency = 1
			e.Topics = []topic.Pattern{topic.Pattern(paid)}
			endpoints = append(endpoints, e)
		}
		z := newEndpoint("z")
		z.Topics = []topic.Pattern{"acme:fine.*"}
		endpoints = append(endpoints, z)
		counted := &countingStore{}
		b := setup(t, rec, benchOptions{
			endpoints: endpoints,
			options:   Options{Concurrency: 1000},
			through:   func(s Store) Store { counted.Store = s; return counted },
		})
		b.publish(t, "m1")
		b.publish(t, "m2")
		pass(10 * time.Second)
		require.Len(t, rec.seen(), 300)
		before := counted.readies.Load()
		pass(2 * time.Second)
		require.Less(t, counted.readies.Load()-before, int64(20), "a walk of three pages a second, not a busy loop")

		rec.answerWith(200)
		fine := newEvent()
		fine.topic = "acme:fine.one"
		begin := time.Since(rec.begin)
		_, err := b.Publish(t.Context(), fine, nil)
		require.NoError(t, err)
		pass(100 * time.Millisecond)
		last := rec.seen()[300]
		require.Equal(t, "z", last.endpoint)
		require.Equal(t, begin, last.at, "no rest between the pages")
	})
}

func TestEndpointGoneIsAbandonedAloud(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rec := always(503)
		dir := &changingDirectory{}
		dir.set(newEndpoint("e1"))
		b := setup(t, rec, benchOptions{directory: dir})
		b.publish(t, "m1")
		pass(time.Second)
		dir.set()
		pass(10 * time.Second)
		require.Len(t, rec.seen(), 1)
		d := b.only(t, "m1")
		require.Equal(t, Abandoned, d.State)
		require.Equal(t, ReasonNoEndpoint, d.Records[1].Reason)
		last := b.journal.outcomes()[1]
		require.ErrorIs(t, last.Err, ErrNoEndpoint)
		require.Equal(t, Abandoned, last.Settlement.State)
		require.Len(t, b.journal.attempts(), 1, "there was no second exchange")
		require.Contains(t, b.log.String(), "delivery abandoned")
		require.Equal(t, uint64(1), b.Stats().Abandoned)
	})
}

func TestTenantsAreStrictlyApart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rec := always(200)
		mine, theirs := newEndpoint("mine"), newEndpoint("theirs")
		mine.Tenant, theirs.Tenant = "a", "b"
		// A directory that takes no notice of tenants.
		dir := &changingDirectory{careless: true}
		dir.set(mine, theirs)
		b := setup(t, rec, benchOptions{directory: dir})
		_, err := b.Publish(t.Context(), newEvent(), &PublishOptions{ID: "m1", Tenant: "a"})
		require.NoError(t, err)
		pass(time.Second)
		require.Equal(t, map[string]int{"mine": 1}, rec.counts)
		require.Contains(t, b.log.String(), "another tenant")

		// An endpoint that changes hands between two attempts.
		rec.answerWith(500)
		_, err = b.Publish(t.Context(), newEvent(), &PublishOptions{ID: "m2", Tenant: "a"})
		require.NoError(t, err)
		pass(time.Second)
		sold := newEndpoint("mine")
		sold.Tenant = "c"
		dir.set(sold)
		pass(time.Minute)
		require.Equal(t, 2, rec.counts["mine"])
		require.Equal(t, Abandoned, b.deliveries(t, "a", "m2")[0].State)
	})
}

func TestDirectoryMayRepeatItself(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rec := always(200)
		dir := &changingDirectory{careless: true}
		dir.set(newEndpoint("e1"), nil, newEndpoint("e2"), newEndpoint("e1"))
		b := setup(t, rec, benchOptions{directory: dir})
		b.publish(t, "m1")
		pass(time.Second)
		require.Equal(t, map[string]int{"e1": 1, "e2": 1}, rec.counts)
	})
}

func TestUnmatchedMessageIsSettled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rec := always(200)
		e := newEndpoint("e1")
		e.Topics = []topic.Pattern{"other:*"}
		b := setup(t, rec, benchOptions{endpoints: []*Endpoint{e}})
		b.publish(t, "m1")
		pass(time.Second)
		require.Empty(t, rec.seen())
		require.Equal(t, Stats{Published: 1, FannedOut: 1, Unmatched: 1}, b.Stats())
		require.Zero(t, b.store.Counts().Open)
		require.Contains(t, b.log.String(), "message matches no endpoint")
	})
}

func TestFaultsOfOursSpendNoAttempt(t *testing.T) {
	t.Parallel()
	failing := func(err error) signerFunc {
		return func(http.Header, string, time.Time, []byte) error { return err }
	}
	for name, signer := range map[string]signerFunc{
		"signer error": failing(errInjected),
		"signer panic": func(http.Header, string, time.Time, []byte) error { panic("hunter2") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				rec := always(200)
				dir := &changingDirectory{}
				broken := newEndpoint("e1")
				broken.Signer = signer
				dir.set(broken)
				b := setup(t, rec, benchOptions{directory: dir})
				b.publish(t, "m1")
				pass(10 * time.Minute)
				require.Empty(t, rec.seen())
				d := b.only(t, "m1")
				require.Zero(t, d.History.Attempts)
				require.Equal(t, Scheduled, d.State)
				var at, wait time.Duration
				for _, r := range d.Records {
					require.Equal(t, Record{Attempt: 1, Reason: ReasonSigner}, r)
					at += wait
					wait = min(max(2*wait, time.Second), time.Minute)
				}
				require.InDelta(t, 14, len(d.Records), 2, "1, 2, 4 … seconds, then each minute")
				dir.set(newEndpoint("e1"))
				pass(time.Minute)
				require.Len(t, rec.seen(), 1)
				require.Equal(t, Succeeded, b.only(t, "m1").State)
				require.NotContains(t, b.log.String(), "hunter2", "a panic's value stays out of the log")
				require.Equal(t, uint64(len(d.Records)), b.Stats().GivenBack)
			})
		})
	}
}

func TestOwnFaultsAreBoundedByAge(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := newEndpoint("e1")
		e.Signer = signerFunc(func(http.Header, string, time.Time, []byte) error { return errInjected })
		e.Policy = &Policy{MaxAge: time.Hour}
		b := setup(t, always(200), benchOptions{endpoints: []*Endpoint{e}})
		b.publish(t, "m1")
		pass(5 * time.Hour)
		require.Equal(t, Scheduled, b.only(t, "m1").State, "it was never attempted")
		pass(2 * time.Hour)
		require.Equal(t, Exhausted, b.only(t, "m1").State)
		require.Zero(t, b.only(t, "m1").History.Attempts)
	})
}

func TestDirectoryFaultsLoseNothing(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]func(){
		"error": nil,
		"panic": func() { panic("directory") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				rec := always(200)
				dir := &changingDirectory{fault: fault}
				dir.set(newEndpoint("e1"))
				dir.fail(true)
				b := setup(t, rec, benchOptions{directory: dir})
				b.publish(t, "m1")
				pass(10 * time.Second)
				require.Empty(t, rec.seen())
				require.Equal(t, 1, b.store.Counts().Pending)
				require.Less(t, dir.calls.Load(), int64(10), "it is not asked without a pause")
				dir.fail(false)
				pass(time.Minute)
				require.Len(t, rec.seen(), 1)

				// And between fan-out and attempt.
				dir.failLookups(true)
				b.publish(t, "m2")
				pass(10 * time.Second)
				require.Len(t, rec.seen(), 1)
				require.Equal(t, ReasonLocal, b.only(t, "m2").Records[0].Reason)
				dir.failLookups(false)
				pass(time.Minute)
				require.Equal(t, Succeeded, b.only(t, "m2").State)
			})
		})
	}
}

func TestHookPanicsLoseNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rec := newReceiver(func(_ *http.Request, n int) (*http.Response, error) {
			if n == 1 {
				return answer(500), nil
			}
			return answer(200), nil
		})
		b := setup(t, rec, benchOptions{idle: true})
		b.hooks = Hooks{
			Attempted: func(AttemptInfo) { panic("hunter2") },
			Settled:   func(SettledInfo) { panic("hunter2") },
		}
		b.start(t)
		b.publish(t, "m1")
		pass(time.Minute)
		require.Equal(t, Succeeded, b.only(t, "m1").State)
		require.Equal(t, 4, strings.Count(b.log.String(), "hook panicked"))
		require.NotContains(t, b.log.String(), "hunter2")
		require.NoError(t, b.err())
	})
}

func TestTransportPanicIsOurFault(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rec := newReceiver(func(_ *http.Request, n int) (*http.Response, error) {
			if n == 1 {
				panic("hunter2")
			}
			return answer(200), nil
		})
		b := setup(t, rec, benchOptions{})
		b.publish(t, "m1")
		pass(time.Minute)
		d := b.only(t, "m1")
		require.Equal(t, Succeeded, d.State)
		require.Equal(t, 1, d.History.Attempts)
		require.Equal(t, ReasonLocal, d.Records[0].Reason)
		require.NotContains(t, b.log.String(), "hunter2")
	})
}

func TestRunTwiceIsAnError(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rec := always(200)
		b := setup(t, rec, benchOptions{})
		pass(time.Millisecond)
		require.ErrorIs(t, b.Run(t.Context()), ErrRunning)
		require.NoError(t, b.err())
		b.publish(t, "m1") // while no Run is going on
		b.start(t)
		pass(time.Second)
		require.Len(t, rec.seen(), 1)
		require.NoError(t, b.err())
	})
}

func TestWakeShortensTheWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rec := always(200)
		b := setup(t, rec, benchOptions{})
		pass(10*time.Second + 300*time.Millisecond)
		begin := time.Since(rec.begin)
		_, err := b.Publish(t.Context(), newEvent(), &PublishOptions{In: b.store})
		require.NoError(t, err)
		b.Wake()
		pass(0)
		require.Equal(t, []time.Duration{begin}, rec.times())
	})
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	store := NewMemory(nil)
	dir, err := Static()
	require.NoError(t, err)
	for name, tc := range map[string]struct {
		store Store
		dir   Directory
		opts  *Options
		want  string
	}{
		"no store":             {nil, dir, nil, "store is nil"},
		"no directory":         {store, nil, nil, "directory is nil"},
		"negative concurrency": {store, dir, &Options{Concurrency: -1}, "Concurrency"},
		"short lease":          {store, dir, &Options{Lease: time.Millisecond}, "Lease"},
		"negative lease":       {store, dir, &Options{Lease: -time.Second}, "Lease"},
		"short poll":           {store, dir, &Options{Poll: time.Millisecond}, "Poll"},
		"bad policy":           {store, dir, &Options{Policy: &Policy{Jitter: 2}}, "Jitter"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := New(tc.store, tc.dir, tc.opts)
			require.ErrorContains(t, err, tc.want)
			require.ErrorContains(t, err, "deliver: ")
			require.False(t, Retryable(err))
		})
	}
	_, err = New(store, dir, nil)
	require.NoError(t, err)
}

func TestStoreFaultsLoseNothing(t *testing.T) {
	t.Parallel()
	for name, every := range map[string]int{"every third call": 3, "every second call": 2} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				rec := newReceiver(func(req *http.Request, _ int) (*http.Response, error) {
					time.Sleep(50 * time.Millisecond)
					if hostOf(req) == "e3" && strings.HasSuffix(req.Header.Get(headerID), "7") {
						return answer(503), nil
					}
					return answer(200), nil
				})
				var endpoints []*Endpoint
				for _, id := range names("e%d", 5) {
					e := newEndpoint(id)
					e.Policy = &Policy{Schedule: slices.Repeat([]time.Duration{time.Second, time.Minute}, 5)}
					endpoints = append(endpoints, e)
				}
				faults := &faultyStore{every: every}
				b := setup(t, rec, benchOptions{
					endpoints: endpoints, through: faults.over,
					options: Options{Relief: &Relief{BreakerShare: -1}}, // which would make it take longer
				})
				ids := names("m%d", 60)
				for _, id := range ids {
					for { // as a publisher does: the same id until it is accepted
						if _, err := b.Publish(t.Context(), newEvent(), &PublishOptions{ID: id}); err == nil {
							break
						}
						time.Sleep(time.Millisecond)
					}
					time.Sleep(10 * time.Millisecond) // each is fanned out by itself
				}
				pass(2 * time.Hour)
				for _, kind := range []string{"Enqueue", "Own", "Pending", "FanOut", "Ready", "Claim", "Settle"} {
					require.Greater(t, faults.failed[kind], 1, "%s failed both before and after it took effect", kind)
				}
				sent := map[string]int{}
				for _, q := range rec.seen() {
					sent[q.endpoint+" "+q.id]++
				}
				for _, id := range ids {
					list := b.deliveries(t, "", id)
					require.Len(t, list, 5)
					for _, d := range list {
						require.True(t, d.State.Final(), "%s to %s is %s", id, d.EndpointID, d.State)
						require.Positive(t, sent[d.EndpointID+" "+id])
						if d.State == Succeeded {
							require.LessOrEqual(t, sent[d.EndpointID+" "+id], len(d.Records), "no exchange without a record")
						}
					}
				}
				require.Zero(t, b.store.Counts().Open)
				require.Positive(t, b.Stats().StoreErrors)
			})
		})
	}
}

// eagerStore gives deliveries that nobody wanted.
type eagerStore struct{ Store }

func (s eagerStore) Claim(ctx context.Context, slots Slots, _ []Want, lease time.Duration) ([]Claim, error) {
	return s.Store.Claim(ctx, slots, []Want{{"e1", 3, 3}, {"e2", 3, 3}}, lease)
}

func TestStoreThatGivesMoreThanWanted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rec := always(200)
		one, two := newEndpoint("e1"), newEndpoint("e2")
		two.Concurrency = 1
		b := setup(t, rec, benchOptions{
			endpoints: []*Endpoint{one, two},
			options:   Options{Concurrency: 1},
			through:   func(s Store) Store { return eagerStore{s} },
		})
		for _, id := range names("m%d", 20) {
			b.publish(t, id)
		}
		pass(time.Minute)
		require.Equal(t, map[State]int{Succeeded: 40}, b.store.Counts().Deliveries, "served all the same")
	})
}
