package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/paperround/deliver"
)

// sqlState is an error as the drivers of PostgreSQL have them.
type sqlState string

func (s sqlState) Error() string    { return "SQLSTATE " + string(s) }
func (s sqlState) SQLState() string { return string(s) }

// Where there is no server, each caller finding out for itself would take longer.
func TestErrorsThatMayBeOfOthers(t *testing.T) {
	t.Parallel()
	for err, want := range map[error]bool{
		sqlState("22021"):                      true,
		fmt.Errorf("x: %w", sqlState("23514")): true,
		sqlState("54000"):                      true,
		sqlState("40P01"):                      true,
		sqlState("55P03"):                      true,
		sqlState("57P01"):                      false,
		sqlState("08006"):                      false,
		sqlState("53300"):                      false,
		sqlState(""):                           false,
		errors.New("connection refused"):       false,
		context.DeadlineExceeded:               false,
		deliver.ErrConflict:                    false,
	} {
		require.Equal(t, want, (&Store{dialect: PostgreSQL}).mayBeOfOthers(err), err)
	}
	require.False(t, (&Store{dialect: PostgreSQL}).mayBeOfOthers(nil))
	lite := &Store{dialect: SQLite}
	require.True(t, lite.mayBeOfOthers(errors.New("string or blob too big"))) // it has no states
	require.False(t, lite.mayBeOfOthers(deliver.ErrConflict))
}
