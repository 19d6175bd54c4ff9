package verify_test

import (
	"context"
	"encoding/binary"
	"errors"
	"math"
	"math/rand/v2"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/paperround/verify"
)

// naive is a replay store as one would write it without a thought for speed.
type naive struct {
	capacity int
	now      time.Time
	keys     map[string]naiveKey
}

type naiveKey struct {
	fence    int64
	finished bool
	expires  time.Time
}

func (n *naive) expire() {
	for key, k := range n.keys {
		if !n.now.Before(k.expires) {
			delete(n.keys, key)
		}
	}
}

func (n *naive) put(key string, fence int64, finished bool, d time.Duration) error {
	if _, ok := n.keys[key]; !ok && len(n.keys) == n.capacity {
		return verify.ErrReplayFull
	}
	n.keys[key] = naiveKey{fence, finished, n.now.Add(d)}
	return nil
}

func (n *naive) reserve(key string, fence int64, d time.Duration) (verify.ReplayState, error) {
	n.expire()
	if k, ok := n.keys[key]; ok {
		if k.finished {
			return verify.ReplayFinished, nil
		}
		return verify.ReplayInFlight, nil
	}
	if err := n.put(key, fence, false, d); err != nil {
		return 0, err
	}
	return verify.ReplayReserved, nil
}

func (n *naive) commit(key string, fence int64, d time.Duration) error {
	n.expire()
	if k, ok := n.keys[key]; ok && (k.finished || k.fence != fence) {
		return verify.ErrReplayLost
	}
	return n.put(key, fence, true, d)
}

func (n *naive) release(key string, fence int64) error {
	n.expire()
	k, ok := n.keys[key]
	switch {
	case !ok:
		return nil
	case k.finished || k.fence != fence:
		return verify.ErrReplayLost
	}
	delete(n.keys, key)
	return nil
}

// compare runs a script of four-byte steps against the store and the naive one.
func compare(t *testing.T, capacity int, script []byte) {
	t.Helper()
	now := time.Unix(0, 0)
	n := &naive{capacity: capacity, now: now, keys: make(map[string]naiveKey)}
	m, err := verify.NewReplayMemory(&verify.ReplayMemoryOptions{Capacity: capacity, Now: func() time.Time { return now }})
	require.NoError(t, err)
	for ; len(script) >= 4; script = script[4:] {
		key, fence := strconv.Itoa(int(script[1]%16)), int64(script[2]%4)
		d := time.Duration(script[3]%8+1) * time.Second
		var got, want verify.ReplayState
		var err, naiveErr error
		switch script[0] % 8 {
		case 0, 1, 2:
			got, err = m.Reserve(t.Context(), key, fence, d)
			want, naiveErr = n.reserve(key, fence, d)
		case 3, 4:
			err, naiveErr = m.Commit(t.Context(), key, fence, d), n.commit(key, fence, d)
		case 5:
			err, naiveErr = m.Release(t.Context(), key, fence), n.release(key, fence)
		default:
			now = now.Add(d - time.Second)
			n.now = now
		}
		require.Equal(t, naiveErr, err)
		require.Equal(t, want, got)
		require.LessOrEqual(t, m.Len(), capacity)
		require.GreaterOrEqual(t, m.Len(), 0)
	}
}

func TestReplayMemoryAsNaive(t *testing.T) {
	t.Parallel()
	for _, capacity := range []int{1, 2, 5, 16, 100} {
		for seed := range uint64(50) {
			r := rand.New(rand.NewPCG(seed, uint64(capacity)))
			script := make([]byte, 4*400)
			for i := range script {
				script[i] = byte(r.Uint32())
			}
			compare(t, capacity, script)
		}
	}
}

func FuzzReplayMemory(f *testing.F) {
	f.Add(byte(2), []byte("\x00\x01\x01\x01\x03\x01\x01\x05\x07\x00\x00\x05\x05\x01\x02\x00"))
	f.Add(byte(1), []byte("\x00\x01\x01\x01\x00\x02\x01\x01\x07\x00\x00\x07\x00\x02\x01\x01"))
	f.Fuzz(func(t *testing.T, capacity byte, script []byte) {
		compare(t, int(capacity%20)+1, script)
	})
}

func TestReplayMemory(t *testing.T) {
	t.Parallel()
	now := time.Unix(1000, 0)
	m, err := verify.NewReplayMemory(&verify.ReplayMemoryOptions{Capacity: 2, Now: func() time.Time { return now }})
	require.NoError(t, err)
	ctx := t.Context()
	reserve := func(key string, fence int64) verify.ReplayState {
		t.Helper()
		s, err := m.Reserve(ctx, key, fence, time.Minute)
		require.NoError(t, err)
		return s
	}
	require.Equal(t, verify.ReplayReserved, reserve("a", 1))
	require.Equal(t, verify.ReplayInFlight, reserve("a", 2))
	require.ErrorIs(t, m.Commit(ctx, "a", 2, time.Hour), verify.ErrReplayLost)
	require.ErrorIs(t, m.Release(ctx, "a", 2), verify.ErrReplayLost)
	require.NoError(t, m.Commit(ctx, "a", 1, time.Hour))
	require.Equal(t, verify.ReplayFinished, reserve("a", 3))
	require.ErrorIs(t, m.Release(ctx, "a", 1), verify.ErrReplayLost, "what is finished is not released")

	require.Equal(t, verify.ReplayReserved, reserve("b", 4))
	require.NoError(t, m.Release(ctx, "b", 4))
	require.NoError(t, m.Release(ctx, "b", 4))
	require.Equal(t, verify.ReplayReserved, reserve("b", 5))

	// The lease runs out, and another takes over.
	now = now.Add(time.Minute - 1)
	require.Equal(t, verify.ReplayInFlight, reserve("b", 6))
	now = now.Add(1)
	require.Equal(t, verify.ReplayReserved, reserve("b", 6))
	require.ErrorIs(t, m.Commit(ctx, "b", 5, time.Hour), verify.ErrReplayLost)
	require.ErrorIs(t, m.Release(ctx, "b", 5), verify.ErrReplayLost)
	// It runs out, and nobody does.
	now = now.Add(time.Minute)
	require.NoError(t, m.Commit(ctx, "b", 6, time.Hour))
	require.Equal(t, verify.ReplayFinished, reserve("b", 7))

	_, err = m.Reserve(ctx, "c", 8, time.Minute)
	require.ErrorIs(t, err, verify.ErrReplayFull)
	require.ErrorIs(t, m.Commit(ctx, "c", 8, time.Minute), verify.ErrReplayFull)
	require.Equal(t, verify.ReplayFinished, reserve("a", 9), "nothing was forgotten to make room")

	now = now.Add(time.Hour)
	require.Equal(t, verify.ReplayReserved, reserve("c", 10))
	require.Equal(t, verify.ReplayReserved, reserve("a", 11))
	require.Equal(t, 2, m.Len())
}

// A clock that is set back stands still until it has caught up, so that nothing
// expires out of turn.
func TestReplayMemoryClockSetBack(t *testing.T) {
	t.Parallel()
	start := time.Unix(1000, 0)
	now := start
	m, err := verify.NewReplayMemory(&verify.ReplayMemoryOptions{Now: func() time.Time { return now }})
	require.NoError(t, err)
	reserve := func(key string) verify.ReplayState {
		s, err := m.Reserve(t.Context(), key, 1, time.Minute)
		require.NoError(t, err)
		return s
	}
	require.Equal(t, verify.ReplayReserved, reserve("a"))
	now = start.Add(-time.Hour)
	require.Equal(t, verify.ReplayReserved, reserve("b"))
	now = start.Add(-time.Minute)
	require.Equal(t, verify.ReplayInFlight, reserve("a"))
	require.Equal(t, verify.ReplayInFlight, reserve("b"))
	now = start.Add(time.Minute)
	require.Equal(t, verify.ReplayReserved, reserve("a"))
	require.Equal(t, verify.ReplayReserved, reserve("b"))
}

func TestReplayMemoryRefuses(t *testing.T) {
	t.Parallel()
	_, err := verify.NewReplayMemory(&verify.ReplayMemoryOptions{Capacity: -1})
	require.ErrorIs(t, err, verify.ErrConfig)
	m, err := verify.NewReplayMemory(nil)
	require.NoError(t, err)
	for _, m := range []*verify.ReplayMemory{nil, new(verify.ReplayMemory)} {
		_, err = m.Reserve(t.Context(), "a", 1, time.Minute)
		require.ErrorIs(t, err, verify.ErrConfig)
		require.ErrorIs(t, m.Commit(t.Context(), "a", 1, time.Minute), verify.ErrConfig)
		require.ErrorIs(t, m.Release(t.Context(), "a", 1), verify.ErrConfig)
		require.Zero(t, m.Len())
	}
	for _, d := range []time.Duration{0, -1} {
		_, err = m.Reserve(t.Context(), "a", 1, d)
		require.ErrorIs(t, err, verify.ErrConfig)
		require.ErrorIs(t, m.Commit(t.Context(), "a", 1, d), verify.ErrConfig)
	}
	require.Zero(t, m.Len())
	// A duration beyond the end of time lasts until then.
	state, err := m.Reserve(t.Context(), "a", 1, math.MaxInt64)
	require.NoError(t, err)
	require.Equal(t, verify.ReplayReserved, state)
	state, err = m.Reserve(t.Context(), "a", 2, math.MaxInt64)
	require.NoError(t, err)
	require.Equal(t, verify.ReplayInFlight, state)
}

// What has expired is removed little by little, and there is room all the same.
func TestReplayMemorySweeps(t *testing.T) {
	t.Parallel()
	now := time.Unix(0, 0)
	const capacity = 1000
	m, err := verify.NewReplayMemory(&verify.ReplayMemoryOptions{Capacity: capacity, Now: func() time.Time { return now }})
	require.NoError(t, err)
	fill := func(from, n int) {
		for i := range n {
			state, err := m.Reserve(t.Context(), strconv.Itoa(from+i), 1, time.Minute)
			require.NoError(t, err)
			require.Equal(t, verify.ReplayReserved, state)
		}
	}
	fill(0, capacity)
	now = now.Add(time.Minute)
	require.Equal(t, capacity, m.Len())
	fill(capacity, capacity/2)
	require.Equal(t, capacity/2, m.Len(), "two go for one that comes")
	fill(2*capacity, capacity/2)
	_, err = m.Reserve(t.Context(), "one more", 1, time.Minute)
	require.ErrorIs(t, err, verify.ErrReplayFull)
}

// Run with -race.
func TestReplayMemoryRace(t *testing.T) {
	t.Parallel()
	m, err := verify.NewReplayMemory(&verify.ReplayMemoryOptions{Capacity: 50})
	require.NoError(t, err)
	var group sync.WaitGroup
	var mu sync.Mutex
	committed := make(map[string]int)
	for worker := range 8 {
		group.Go(func() {
			for i := range 2000 {
				key, fence := strconv.Itoa(i%40), int64(worker*2000+i)
				state, err := m.Reserve(context.Background(), key, fence, time.Hour)
				if err != nil {
					t.Error(err)
				}
				if state != verify.ReplayReserved {
					continue
				}
				if i%3 == 0 {
					err = m.Release(context.Background(), key, fence)
				} else {
					err = m.Commit(context.Background(), key, fence, time.Hour)
					mu.Lock()
					committed[key]++
					mu.Unlock()
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	require.Len(t, committed, 40)
	for key, n := range committed {
		require.Equal(t, 1, n, key)
	}
}

// The documented size of a full store.
func TestReplayMemorySize(t *testing.T) { // not parallel: it measures the heap
	m, err := verify.NewReplayMemory(nil)
	require.NoError(t, err)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	n := 0
	for ; ; n++ {
		key := replayKey(n)
		_, err := m.Reserve(t.Context(), key, int64(n), time.Minute)
		if errors.Is(err, verify.ErrReplayFull) {
			break
		}
		require.NoError(t, err)
		require.NoError(t, m.Commit(t.Context(), key, int64(n), time.Hour))
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	require.Equal(t, 1<<18, n)
	size := after.HeapAlloc - before.HeapAlloc
	t.Logf("%d keys take %d bytes, %d each", n, size, size/uint64(n))
	require.Less(t, size, uint64(48<<20))
	runtime.KeepAlive(m)
}

// replayKey is a key of the length that a handler gives.
func replayKey(n int) string {
	var key [43]byte
	for i := range key {
		key[i] = 'A'
	}
	binary.LittleEndian.PutUint64(key[:], uint64(n))
	return string(key[:])
}

// One message: reserved and committed, in a store of a hundred thousand.
func BenchmarkReplayMemory(b *testing.B) {
	now := time.Unix(0, 0)
	m, err := verify.NewReplayMemory(&verify.ReplayMemoryOptions{Now: func() time.Time { return now }})
	require.NoError(b, err)
	ctx := b.Context()
	n := 0
	one := func(key string) {
		n++
		now = now.Add(time.Millisecond)
		state, err := m.Reserve(ctx, key, int64(n), time.Minute)
		if err != nil || state != verify.ReplayReserved {
			b.Fatal(state, err)
		}
		if err := m.Commit(ctx, key, int64(n), 100*time.Second); err != nil {
			b.Fatal(err)
		}
	}
	keys := make([]string, 200_000)
	for i := range keys {
		keys[i] = replayKey(i)
		one(keys[i])
	}
	b.ReportAllocs()
	for b.Loop() {
		one(keys[n%len(keys)])
	}
	b.ReportMetric(float64(m.Len()), "keys")
}

// A clock of the host's that panics does not take the store with it.
func TestReplayMemoryClockPanics(t *testing.T) {
	t.Parallel()
	calls := 0
	m, err := verify.NewReplayMemory(&verify.ReplayMemoryOptions{Now: func() time.Time {
		if calls++; calls == 2 {
			panic("no time")
		}
		return time.Unix(7, 0)
	}})
	require.NoError(t, err)
	require.Panics(t, func() { _, _ = m.Reserve(t.Context(), "key", 1, time.Minute) })
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = m.Reserve(t.Context(), "key", 1, time.Minute)
	}()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		require.Fail(t, "the store is locked for ever")
	}
}
