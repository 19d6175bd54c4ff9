package deliver

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestBounded(t *testing.T) {
	t.Parallel()
	type key struct{}
	for _, tt := range []struct {
		name string
		do   func(b *bounded, cancel context.CancelFunc)
		want error
	}{
		{"nothing happened", func(*bounded, context.CancelFunc) {}, nil},
		{"its time is over", func(*bounded, context.CancelFunc) { time.Sleep(time.Second) }, context.DeadlineExceeded},
		{"its end", func(b *bounded, _ context.CancelFunc) { b.end() }, context.Canceled},
		{"its end comes before its time", func(b *bounded, _ context.CancelFunc) {
			b.end()
			_ = b.Err()
			time.Sleep(time.Hour)
		}, context.Canceled},
		{"its parent ended", func(_ *bounded, cancel context.CancelFunc) { cancel() }, context.Canceled},
	} {
		for _, waited := range []bool{false, true} {
			t.Run(tt.name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					parent, cancel := context.WithCancel(context.WithValue(t.Context(), key{}, 7))
					defer cancel()
					b := newBounded(parent, time.Second)
					defer b.end()
					if waited {
						select {
						case <-b.Done():
							require.Fail(t, "done at once")
						default:
						}
					}
					tt.do(b, cancel)
					synctest.Wait()
					require.Equal(t, 7, b.Value(key{}))
					require.Equal(t, tt.want, b.Err())
					select {
					case <-b.Done():
						require.Error(t, tt.want)
					default:
						require.NoError(t, tt.want)
					}
					require.Equal(t, tt.want, b.Err(), "it stays")
				})
			})
		}
	}
}

func TestBoundedDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		at, ok := newBounded(t.Context(), time.Minute).Deadline()
		require.True(t, ok)
		require.Equal(t, now.Add(time.Minute), at)

		parent, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		b := newBounded(parent, time.Minute)
		defer b.end()
		at, ok = b.Deadline()
		require.True(t, ok)
		require.Equal(t, now.Add(time.Second), at)
		<-b.Done()
		require.Equal(t, now.Add(time.Second), time.Now())
	})
}

// What is derived from it ends with it, and leaves nothing behind.
func TestBoundedChildren(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBounded(t.Context(), time.Second)
		child, cancel := context.WithCancel(b)
		defer cancel()
		called := 0
		stop := b.AfterFunc(func() { called++ })
		never := b.AfterFunc(func() { called += 10 })
		require.True(t, never())
		<-child.Done()
		synctest.Wait()
		require.Equal(t, context.DeadlineExceeded, child.Err())
		require.Equal(t, 1, called)
		require.False(t, stop())
		b.end()
		require.Equal(t, context.DeadlineExceeded, b.Err())
	})
}
