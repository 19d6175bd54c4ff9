package deliver

import (
	"math/rand/v2"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestMemoryForgetsTheOldestFinished(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ keep, want int }{"some": {3, 3}, "none": {-1, 0}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				store := NewMemory(&MemoryOptions{KeepFinished: tc.keep})
				b := setup(t, always(200), benchOptions{store: store})
				ids := names("m%d", 10)
				for _, id := range ids {
					b.publish(t, id)
					pass(time.Second)
				}
				require.Zero(t, store.Counts().Open)
				require.Equal(t, tc.want, store.Counts().Deliveries[Succeeded])
				for _, id := range ids[:10-tc.want] {
					require.Empty(t, b.deliveries(t, "", id))
				}
				for _, id := range ids[10-tc.want:] {
					require.Len(t, b.deliveries(t, "", id), 1)
				}
				require.Len(t, store.messages, tc.want)
				require.Len(t, store.deliveries, tc.want)
				require.Equal(t, tc.want, store.bodies.len(), "nothing holds on to what is forgotten")
				require.Empty(t, store.endpoints, "nothing is left of an endpoint without open deliveries")
				for _, slot := range store.slots {
					require.Empty(t, slot.active)
				}
			})
		})
	}
}

func TestMemoryPurgesNotUnderTheEyesOfReaders(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, always(200), benchOptions{})
		b.publish(t, "m1")
		pass(time.Second)
		n, err := b.Purge(t.Context(), 0)
		require.NoError(t, err)
		require.Equal(t, 1, n)
		msg, err := b.Message(t.Context(), "", "m1")
		require.NoError(t, err)
		require.Nil(t, msg.Body)
		require.NotNil(t, b.journal.attempts()[0].Message.Body)
	})
}

func TestMemoryCounts(t *testing.T) {
	t.Parallel()
	b := setup(t, nil, benchOptions{idle: true})
	require.Equal(t, Counts{Deliveries: map[State]int{}}, b.store.Counts())
	b.publish(t, "m1")
	require.Equal(t, Counts{Pending: 1, Open: 1, Deliveries: map[State]int{}}, b.store.Counts())
	require.Empty(t, b.deliveries(t, "", "unknown"))
	require.Empty(t, b.deliveries(t, "", "m1"))
}

func TestFIFO(t *testing.T) {
	t.Parallel()
	var q fifo[int]
	var want []int
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range 10_000 {
		if rng.IntN(100) < 48 && len(want) > 0 {
			require.Equal(t, want[0], q.pop())
			want = want[1:]
		} else {
			q.push(i)
			want = append(want, i)
		}
		require.Equal(t, len(want), q.len())
	}
	require.Equal(t, want, slices.Clone(q.items[q.head:]))
}

func TestSlots(t *testing.T) {
	t.Parallel()
	var s Slots
	require.Zero(t, s.Len())
	s.Add(0)
	s.Add(255)
	s.Add(255)
	s.Add(256)
	s.Add(-1)
	require.Equal(t, 2, s.Len())
	require.True(t, s.Has(0))
	require.True(t, s.Has(255))
	require.False(t, s.Has(256))
	require.False(t, s.Has(-1))
	// Stores keep these; they must never change.
	require.Equal(t, 0xc5, Slot(""))
	require.Equal(t, 0x2c, Slot("a"))
	require.Equal(t, 0x68, Slot("foobar"))
}

// An endpoint without open deliveries is forgotten when its pause has ended.
func TestMemoryForgetsAPausedEndpoint(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rec := newReceiver(func(*http.Request, int) (*http.Response, error) {
			return answer(200, "Webhook-Delivery", "disable"), nil
		})
		b := setup(t, rec, benchOptions{options: Options{Poll: time.Minute}})
		b.publish(t, "m1")
		pass(time.Minute)
		known := func() []EndpointState {
			list, err := b.EndpointStates(t.Context(), Selection{}, "", 10)
			require.NoError(t, err)
			return list
		}
		require.Len(t, known(), 1)
		pass(120 * time.Hour)
		require.Empty(t, known())
	})
}

// Bodies of finished messages are kept up to a bound, the latest ones.
func TestMemoryKeepsBodiesUpToABound(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := NewMemory(&MemoryOptions{KeepBytes: 30}) // two bodies of 13 bytes
		b := setup(t, always(200), benchOptions{store: store})
		for i, id := range names("m%d", 5) {
			b.publish(t, id)
			pass(time.Second)
			require.Equal(t, min(i+1, 2)*13, heldBytes(store))
		}
		n, err := b.Replay(t.Context(), Selection{Since: time.Hour})
		require.NoError(t, err)
		require.Equal(t, 2, n, "what is purged cannot be replayed")
		pass(time.Second)
		n, err = b.Purge(t.Context(), 0)
		require.NoError(t, err)
		require.Equal(t, 2, n)
		require.Zero(t, heldBytes(store))
		require.Len(t, b.deliveries(t, "", "m4"), 1, "the record stays")
		_, err = b.Publish(t.Context(), newEvent(), &PublishOptions{ID: "m4"})
		require.NoError(t, err, "and so does idempotence")
		other := newEvent()
		other.body = "{}"
		_, err = b.Publish(t.Context(), other, &PublishOptions{ID: "m4"})
		require.ErrorIs(t, err, ErrConflict)
	})
}

func heldBytes(m *Memory) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.bodyBytes
}

// What is replayed over and over does not pile up.
func TestMemoryReplaysWithoutEnd(t *testing.T) {
	t.Parallel()
	m := NewMemory(nil)
	ctx := t.Context()
	slots, err := m.Own(ctx, "a", time.Hour)
	require.NoError(t, err)
	for _, id := range []string{"m1", "m2"} {
		require.NoError(t, m.Enqueue(ctx, &Message{ID: id, Topic: paid, ContentType: "text/plain", Body: []byte("b")}))
	}
	batch, _, err := m.Pending(ctx, 2, time.Hour)
	require.NoError(t, err)
	for _, p := range batch {
		_, err = m.FanOut(ctx, []Plan{{Fence: p.Fence, Targets: targets("e1")}})
		require.NoError(t, err)
	}
	for range 1000 {
		claims, err := m.Claim(ctx, slots, []Want{{EndpointID: "e1", First: 2, Retries: 2}}, time.Hour)
		require.NoError(t, err)
		require.NotEmpty(t, claims)
		for _, c := range claims {
			_, err = m.Settle(ctx, []Settlement{{Fence: c.Fence, State: Succeeded, History: c.History}})
			require.NoError(t, err)
		}
		n, _, err := m.Replay(ctx, Selection{MessageID: "m2"}, "", 10)
		require.NoError(t, err)
		require.Equal(t, 1, n)
	}
	require.Less(t, m.finished.len(), 2*maxStale)
	require.Less(t, m.bodies.len(), 2*maxStale)
	require.Equal(t, 1, m.bodyBytes, "that of m1")
	n, err := m.Purge(ctx, 0, 10)
	require.NoError(t, err)
	require.Equal(t, 1, n, "m1, which is finished")
}
