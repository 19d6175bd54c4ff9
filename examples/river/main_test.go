package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
	"github.com/stretchr/testify/require"

	"example.com/paperround/deliver"
)

// database returns a pool of the database that the program uses by itself.
func database(t *testing.T) *pgxpool.Pool {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), defaultDSN)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	if err := pool.Ping(t.Context()); err != nil && os.Getenv("CI") == "" {
		t.Skipf("no PostgreSQL: %v", err)
	} else {
		require.NoError(t, err)
	}
	return pool
}

func TestRun(t *testing.T) {
	t.Parallel()
	database(t)
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), &out, defaultDSN), "%s", out.String())
	for _, line := range []string{
		`billing +200 done +1 +\d\.\d s +completed +kofi@example\.org`,
		`crm +503 retry; 200 done +2 +2\.\d s +completed +kofi@example\.org`,
		`search +signer snooze; 200 done +1 +\d\.\d s +completed +kofi@example\.org`,
		`legacy +404 retry, in case somebody mends it; 404 cancel +2 +\d\.\d s +cancelled +`,
	} {
		require.Regexp(t, "(?m)^"+line+"$", out.String())
	}
}

func TestRunThatIsCutShort(t *testing.T) {
	t.Parallel()
	database(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second) // less than the receiver is down
	defer cancel()
	require.ErrorIs(t, run(ctx, &bytes.Buffer{}, defaultDSN), context.DeadlineExceeded)
}

func TestRunWithoutDatabase(t *testing.T) {
	t.Parallel()
	require.Error(t, run(t.Context(), &bytes.Buffer{}, "postgres://nobody@127.0.0.1:1/none"))
	require.Error(t, run(t.Context(), &bytes.Buffer{}, "not a database"))
}

// Nothing is left in a database that others use too, whatever went wrong.
func TestSchemaIsDropped(t *testing.T) {
	t.Parallel()
	pool := database(t)
	exists := func(schema string) (found bool) {
		err := pool.QueryRow(t.Context(), "SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)", schema).Scan(&found)
		require.NoError(t, err)
		return found
	}
	p, err := newPlatform(t.Context(), pool, nil, &worker{})
	require.NoError(t, err)
	require.True(t, exists(p.schema))
	require.NoError(t, p.close(t.Context()))
	require.False(t, exists(p.schema))
}

func TestHistory(t *testing.T) {
	t.Parallel()
	job := &river.Job[webhook]{JobRow: &rivertype.JobRow{
		Attempt:   4, // one of them by a process that died, so the metadata does not know of it
		CreatedAt: time.Now().Add(-time.Hour),
	}}
	var err error
	job.Metadata, err = json.Marshal(map[string]any{metadataHistory: deliver.History{Attempts: 2, Rejected: 1, OwnFaults: 5}})
	require.NoError(t, err)
	h, err := historyOf(job)
	require.NoError(t, err)
	require.GreaterOrEqual(t, h.Age, time.Hour)
	h.Age = 0
	require.Equal(t, deliver.History{Attempts: 3, Rejected: 1, OwnFaults: 5}, h)

	job.Metadata = []byte("{")
	_, err = historyOf(job)
	require.Error(t, err)
}

// What cannot be carried out is not tried for ever.
func TestWorkThatIsCanceled(t *testing.T) {
	t.Parallel()
	w := &worker{endpoints: &deliver.StaticDirectory{}}
	for name, metadata := range map[string]string{"no such endpoint": "{}", "no history": "{"} {
		job := &river.Job[webhook]{JobRow: &rivertype.JobRow{Attempt: 1, Metadata: []byte(metadata)}}
		require.ErrorIs(t, w.Work(t.Context(), job), &rivertype.JobCancelError{}, name)
	}
}

func TestNextRetry(t *testing.T) {
	t.Parallel()
	w := &worker{}
	require.Zero(t, w.NextRetry(&river.Job[webhook]{}))
	at := w.NextRetry(&river.Job[webhook]{Args: webhook{wait: time.Hour}})
	require.WithinDuration(t, time.Now().Add(time.Hour), at, time.Minute)
}

// Whatever went otherwise is told.
func TestCheck(t *testing.T) {
	t.Parallel()
	good := func() *account {
		a := newAccount()
		for _, l := range expected() {
			a.lines[l.endpoint] = &l
		}
		return a
	}
	require.NoError(t, good().check(expected()))
	for name, spoil := range map[string]func(a *account){
		"too quick":         func(a *account) { a.lines[crm].took = time.Millisecond },
		"another answer":    func(a *account) { a.lines[search].attempts = []string{"200 done"} },
		"received twice":    func(a *account) { a.lines[billing].received = append(a.lines[billing].received, "kofi@example.org") },
		"not received":      func(a *account) { a.lines[billing].received = nil },
		"another state":     func(a *account) { a.lines[legacy].state = rivertype.JobStateDiscarded },
		"a snooze counted":  func(a *account) { a.lines[search].counted = 2 },
		"one more":          func(a *account) { a.of("else") },
		"an endpoint fewer": func(a *account) { delete(a.lines, billing) },
	} {
		a := good()
		spoil(a)
		require.Error(t, a.check(expected()), name)
	}
}
