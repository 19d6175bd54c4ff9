package deliver

import (
	"math/rand/v2"
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
					require.Empty(t, store.Deliveries("", id))
				}
				for _, id := range ids[10-tc.want:] {
					require.Len(t, store.Deliveries("", id), 1)
				}
				require.Len(t, store.messages, tc.want)
				require.Len(t, store.deliveries, tc.want)
				require.Empty(t, store.endpoints, "nothing is left of an endpoint without open deliveries")
				require.Empty(t, store.active)
			})
		})
	}
}

func TestMemoryDropsFinishedBodies(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, always(200), benchOptions{})
		b.publish(t, "m1")
		pass(time.Second)
		require.Nil(t, b.store.messages["/m1"].msg.Body)
		require.NotNil(t, b.journal.attempts()[0].Message.Body, "but not under the eyes of who still reads it")
	})
}

func TestMemoryCounts(t *testing.T) {
	t.Parallel()
	b := setup(t, nil, benchOptions{idle: true})
	require.Equal(t, Counts{Deliveries: map[State]int{}}, b.store.Counts())
	b.publish(t, "m1")
	require.Equal(t, Counts{Pending: 1, Open: 1, Deliveries: map[State]int{}}, b.store.Counts())
	require.Nil(t, b.store.Deliveries("", "unknown"))
	require.Empty(t, b.store.Deliveries("", "m1"))
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
		p := &storeProbe{t: t, store: NewMemory(nil), wait: time.Sleep}
		p.deliver([]string{"m1"}, []string{"e1"})
		c := p.claimOne("e1")
		require.Empty(t, p.settle(Settlement{Fence: c.Fence, State: Succeeded, Pause: time.Minute}))
		store, ok := p.store.(*Memory)
		require.True(t, ok)
		require.Len(t, store.endpoints, 1)
		p.wait(time.Minute)
		p.own("a")
		require.Empty(t, store.endpoints)
	})
}
