package sqltest

import (
	"database/sql"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/paperround/deliver"
	"example.com/paperround/deliver/delivertest"
)

// The whole suite, on each database. The slack is for the calls, which take real time.
func TestConformance(t *testing.T) {
	t.Parallel()
	for _, d := range databases() {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			for c := range delivertest.Cases() {
				t.Run(c.Name, func(t *testing.T) {
					t.Parallel()
					var wait shift
					require.NoError(t, c.Run(t.Context(), delivertest.Harness{
						Open: func(int) (deliver.Store, error) {
							var db *sql.DB
							db, wait = openShifted(t, d)
							return open(t, db, d.dialect), nil
						},
						Wait:      func(d time.Duration) { wait(d) },
						Unit:      10 * time.Second,
						Slack:     9 * time.Second,
						Scale:     200,
						Unbounded: true,
					}))
				})
			}
		})
	}
}
