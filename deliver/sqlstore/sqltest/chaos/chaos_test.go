package main

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The test binary is its own worker.
func TestMain(m *testing.M) {
	if isWorker() {
		os.Exit(workerMain())
	}
	os.Exit(m.Run())
}

func testPlan(t *testing.T, p plan) {
	t.Helper()
	p.events, p.kills, p.pause, p.seed = 600, 10, 700*time.Millisecond, uint64(time.Now().UnixNano())
	t.Log("seed", p.seed)
	r, err := run(t.Context(), p, t.Output())
	if errors.Is(err, errNoPostgreSQL) && os.Getenv("CI") == "" {
		t.Skip(err)
	}
	require.NoError(t, err)
	require.Equal(t, 600, r.events)
	require.Equal(t, 1200, r.deliveries)
	require.GreaterOrEqual(t, r.kills, p.kills)
	require.Equal(t, p.restarts, r.restarts)
	var out strings.Builder
	require.NoError(t, table(&out, []*report{r}))
	require.Contains(t, out.String(), "| "+p.database+" | ")
	t.Log(out.String())
}

func TestPostgreSQL(t *testing.T) {
	t.Parallel()
	testPlan(t, plan{database: postgreSQL, processes: 2, restarts: 2})
}

func TestSQLite(t *testing.T) {
	t.Parallel()
	testPlan(t, plan{database: sqLite, processes: 1})
}

func TestCommandRefusesFlags(t *testing.T) {
	t.Parallel()
	require.Error(t, command(t.Context(), []string{"-kill", "3"}, t.Output(), t.Output()))
}

// The judge finds each kind of fault, and nothing where there is none.
func TestJudge(t *testing.T) {
	t.Parallel()
	start := time.Now()
	at := func(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }
	const ordered, free = "t0-ordered", "t0-free"
	take := func(endpoint string, n int, worker string, ms int) arrival {
		p := payload{Tenant: "t0", Key: "k0", N: n}
		return arrival{endpoint: endpoint, id: p.id(), payload: p, worker: worker, at: at(ms)}
	}
	clean := func() history {
		return history{
			published: map[lane]int{{"t0", "k0"}: 2},
			arrivals: []arrival{
				take(ordered, 1, "w1", 1), take(free, 2, "w1", 2), take(ordered, 2, "w1", 3), take(free, 1, "w1", 4),
			},
			deaths: map[string]time.Time{},
		}
	}
	again := func(h *history, worker string, ms int) {
		h.arrivals = append(h.arrivals, take(ordered, 2, worker, ms))
	}
	for name, c := range map[string]struct {
		change func(h *history)
		want   verdict
	}{
		"clean":     {func(*history) {}, verdict{}},
		"lost":      {func(h *history) { h.arrivals = h.arrivals[:3] }, verdict{lost: 1}},
		"all lost":  {func(h *history) { h.arrivals = nil }, verdict{lost: 4}},
		"phantom":   {func(h *history) { h.arrivals = append(h.arrivals, take(free, 3, "w1", 9)) }, verdict{phantoms: 1}},
		"no number": {func(h *history) { h.arrivals = append(h.arrivals, take(free, 0, "w1", 9)) }, verdict{phantoms: 1}},
		"twice":     {func(h *history) { again(h, "w2", 9) }, verdict{duplicates: 1, unexplained: 1}},
		"died": {func(h *history) {
			again(h, "w2", 2500)
			h.deaths["w1"] = at(5)
		}, verdict{duplicates: 1}},
		"died too late": {func(h *history) {
			again(h, "w2", 2500)
			h.deaths["w1"] = at(2600)
		}, verdict{duplicates: 1, unexplained: 1}},
		"died long after": {func(h *history) {
			again(h, "w2", 9500)
			h.deaths["w1"] = at(9000)
		}, verdict{duplicates: 1, unexplained: 1}},
		"the other died": {func(h *history) {
			again(h, "w2", 2500)
			h.deaths["w2"] = at(5)
		}, verdict{duplicates: 1, unexplained: 1}},
		"restarted": {func(h *history) {
			again(h, "w1", 2500)
			h.restarts = []span{{at(100), at(900)}}
		}, verdict{duplicates: 1}},
		"restarted before": {func(h *history) {
			again(h, "w1", 2500)
			h.restarts = []span{{at(-900), at(-100)}}
		}, verdict{duplicates: 1, unexplained: 1}},
		"restarted after": {func(h *history) {
			again(h, "w1", 2500)
			h.restarts = []span{{at(2600), at(2700)}}
		}, verdict{duplicates: 1, unexplained: 1}},
		"altered": {func(h *history) {
			again(h, "w2", 2500)
			h.arrivals[4].digest[0]++
			h.deaths["w1"] = at(5)
		}, verdict{duplicates: 1, altered: 1}},
		"out of order": {func(h *history) {
			h.arrivals[0], h.arrivals[2] = h.arrivals[2], h.arrivals[0]
		}, verdict{disordered: 1}},
		"back in the lane": {func(h *history) {
			h.arrivals = append(h.arrivals, take(ordered, 1, "w2", 9))
			h.deaths["w1"] = at(5)
		}, verdict{duplicates: 1, disordered: 1}},
	} {
		h := clean()
		c.change(&h)
		v := judge(h)
		if c.want.lost+c.want.phantoms+c.want.unexplained+c.want.altered+c.want.disordered == 0 {
			require.NoError(t, v.err(), name)
		} else {
			require.Error(t, v.err(), name)
			require.NotEmpty(t, v.examples, name)
		}
		v.examples = nil
		require.Equal(t, &c.want, v, name)
	}
}
