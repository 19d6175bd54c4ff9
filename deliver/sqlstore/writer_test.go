package sqlstore

import (
	"context"
	"database/sql"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Who waits for the connection that writes does so no longer than it can.
func TestWaitForTheWriter(t *testing.T) {
	t.Parallel()
	db := sql.OpenDB(nowhere{})
	defer func() { require.NoError(t, db.Close()) }()
	s, err := New(db, SQLite, nil)
	require.NoError(t, err)
	require.True(t, s.writer.held.TryAcquire(1))
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	require.ErrorIs(t, s.peek(ctx, nil, ""), context.DeadlineExceeded)
	require.Equal(t, []error{ctx.Err(), ctx.Err()}, s.runTasks(ctx, make([]task, 2)))
}
