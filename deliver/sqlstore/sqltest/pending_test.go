package sqltest

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/paperround/deliver"
)

// What has become due comes although there is always something else too.
func TestPendingUnderBacklog(t *testing.T) {
	t.Parallel()
	for _, d := range databases() {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			db, shift := openShifted(t, d)
			s := open(t, db, d.dialect)
			const lease = time.Minute
			require.NoError(t, s.Enqueue(t.Context(), message("claimed"), message("again")))
			batch, _, err := s.Pending(t.Context(), 2, lease)
			require.NoError(t, err)
			require.Len(t, batch, 2)
			lost, err := s.FanOut(t.Context(), []deliver.Plan{{Fence: batch[1].Fence, Again: lease}})
			require.NoError(t, err)
			require.Empty(t, lost)
			delayed := message("delayed")
			delayed.Delay = lease
			require.NoError(t, s.Enqueue(t.Context(), delayed))
			shift(lease)
			var backlog []*deliver.Message
			const calls = 20
			for i := range calls {
				backlog = append(backlog, message(fmt.Sprint("backlog", i)))
			}
			require.NoError(t, s.Enqueue(t.Context(), backlog...))
			came := make(map[string]bool)
			for range calls {
				batch, _, err := s.Pending(t.Context(), 1, time.Hour)
				require.NoError(t, err)
				require.Len(t, batch, 1)
				came[batch[0].Message.ID] = true
			}
			for _, id := range []string{"claimed", "again", "delayed"} {
				require.True(t, came[id], id)
			}
		})
	}
}

// What waits behind an earlier message of its key is not looked for again and again.
func TestPendingBehindItsKey(t *testing.T) {
	t.Parallel()
	for _, d := range databases() {
		for name, again := range map[string]time.Duration{"claimed": 0, "put off": time.Hour} {
			t.Run(d.name+"/"+name, func(t *testing.T) {
				t.Parallel()
				s := open(t, d.open(t), d.dialect)
				first, second := message("first"), message("second")
				first.Key, second.Key = "k", "k"
				require.NoError(t, s.Enqueue(t.Context(), first))
				batch, _, err := s.Pending(t.Context(), 10, time.Hour)
				require.NoError(t, err)
				require.Len(t, batch, 1)
				if again > 0 {
					lost, err := s.FanOut(t.Context(), []deliver.Plan{{Fence: batch[0].Fence, Again: again}})
					require.NoError(t, err)
					require.Empty(t, lost)
				}
				require.NoError(t, s.Enqueue(t.Context(), second))
				for range 3 {
					batch, next, err := s.Pending(t.Context(), 10, time.Hour)
					require.NoError(t, err)
					require.Empty(t, batch)
					require.Greater(t, next, 59*time.Minute)
				}
			})
		}
	}
}

// The longest pause there is is one.
func TestPausedForever(t *testing.T) {
	t.Parallel()
	for _, d := range databases() {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			s := open(t, d.open(t), d.dialect)
			for range 20 { // some of them within the millisecond
				require.NoError(t, s.Change(t.Context(), "e", deliver.Effect{Pause: math.MaxInt64}))
				list, err := s.Endpoints(t.Context(), deliver.Selection{}, "", 10)
				require.NoError(t, err)
				require.Len(t, list, 1)
				require.Greater(t, list[0].Paused, time.Duration(math.MaxInt64)-time.Hour)
			}
		})
	}
}
