package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/paperround/deliver"
)

var errNowhere = errors.New("there is no database")

// nowhere is a driver of a database that is not there.
type nowhere struct{}

// Connect implements driver.Connector.
func (nowhere) Connect(context.Context) (driver.Conn, error) { return nil, errNowhere }

// Driver implements driver.Connector.
func (nowhere) Driver() driver.Driver { return nil }

func setup(t *testing.T, dialect Dialect) *Store {
	t.Helper()
	db := sql.OpenDB(nowhere{})
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	s, err := New(db, dialect, nil)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

func TestNew(t *testing.T) {
	t.Parallel()
	db := sql.OpenDB(nowhere{})
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	for name, c := range map[string]struct {
		db      *sql.DB
		dialect Dialect
		opts    *Options
		want    string
	}{
		"no db":            {nil, SQLite, nil, "db is nil"},
		"no dialect":       {db, 0, nil, "dialect"},
		"another dialect":  {db, PostgreSQL + 1, nil, "dialect"},
		"digit first":      {db, SQLite, &Options{Prefix: "1a"}, "prefix"},
		"upper case":       {db, SQLite, &Options{Prefix: "A"}, "prefix"},
		"quotes":           {db, SQLite, &Options{Prefix: `a"b`}, "prefix"},
		"long":             {db, SQLite, &Options{Prefix: strings.Repeat("a", 33)}, "prefix"},
		"synchronous":      {db, SQLite, &Options{Synchronous: Normal + 1}, "Synchronous"},
		"defaults":         {db, SQLite, nil, ""},
		"others":           {db, PostgreSQL, &Options{Prefix: "a_1", Synchronous: Normal}, ""},
		"longest prefix":   {db, SQLite, &Options{Prefix: strings.Repeat("a", 32)}, ""},
		"only underscores": {db, SQLite, &Options{Prefix: "_"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := New(c.db, c.dialect, c.opts)
			if c.want == "" {
				require.NoError(t, err)
				require.NoError(t, s.Close())
				return
			}
			require.ErrorContains(t, err, c.want)
		})
	}
	require.Equal(t, "SQLite PostgreSQL unknown dialect", SQLite.String()+" "+PostgreSQL.String()+" "+Dialect(0).String())
}

// A database that does not answer is an error of every call, and none hangs.
func TestNoDatabase(t *testing.T) {
	t.Parallel()
	for _, dialect := range []Dialect{SQLite, PostgreSQL} {
		t.Run(dialect.String(), func(t *testing.T) {
			t.Parallel()
			s := setup(t, dialect)
			ctx := t.Context()
			var slots deliver.Slots
			slots.Add(deliver.Slot("e1"))
			fence := deliver.Fence{ID: "dlv_1", Token: 1}
			var errs []error
			add := func(err error) { errs = append(errs, err) }
			add(s.Migrate(ctx))
			add(s.Enqueue(ctx, &deliver.Message{}))
			add(s.Enqueue(ctx, &deliver.Message{ID: "a"}, &deliver.Message{ID: "b"}))
			_, err := s.Own(ctx, "a", time.Second)
			add(err)
			_, _, err = s.Pending(ctx, 1, time.Second)
			add(err)
			_, err = s.FanOut(ctx, []deliver.Plan{{Fence: deliver.Fence{ID: "msg_1", Token: 1}}})
			add(err)
			_, _, err = s.Ready(ctx, slots, "", 1)
			add(err)
			_, err = s.Claim(ctx, slots, []deliver.Want{{EndpointID: "e1", First: 1}}, time.Second)
			add(err)
			_, err = s.Extend(ctx, []deliver.Fence{fence}, time.Second)
			add(err)
			_, err = s.Settle(ctx, []deliver.Settlement{{Fence: fence}})
			add(err)
			for _, err := range errs {
				require.ErrorIs(t, err, errNowhere)
			}
		})
	}
}

func TestNilMessages(t *testing.T) {
	t.Parallel()
	s := setup(t, PostgreSQL)
	require.ErrorContains(t, s.Enqueue(t.Context(), nil), "nil")
	require.ErrorContains(t, s.In(querier{}).Enqueue(t.Context(), nil), "nil")
	require.ErrorContains(t, s.In(nil).Enqueue(t.Context()), "nil")
	require.NoError(t, s.Enqueue(t.Context()))
}

func TestText(t *testing.T) {
	t.Parallel()
	const query = "{sqlite a {b}}{postgres c {d}} {lock UPDATE} {limit 1} {ids 2} {rows 3 x text, y bigint}"
	require.Equal(t, `a paperround_b  LIMIT CAST(?1 AS bigint) IN (SELECT value FROM json_each(?2)) `+
		`(SELECT column1 AS x, column2 AS y FROM (VALUES (?3, ?), (?, ?)) WHERE column1 IS NOT NULL) AS j`, setup(t, SQLite).text(query, 2))
	require.Equal(t, `c paperround_d FOR UPDATE LIMIT CAST($1 AS bigint) = ANY($2::text::bigint[]) `+
		`unnest($3::text::text[], $4::text::bigint[]) AS j(x, y)`, setup(t, PostgreSQL).text(query, 2))
	require.Equal(t, "(SELECT * FROM (VALUES ($1::text, $2::bytea), ($3, $4)) AS v(x, y) WHERE x IS NOT NULL) AS j",
		setup(t, PostgreSQL).text("{values 1 x text, y bytea}", 2))
}

func TestArrays(t *testing.T) {
	t.Parallel()
	x := newTable(3, 2)
	text := `a"b\c,{}` + "\n"
	number := int64(-7)
	x.add(1, &text, true)
	x.add(int64(2), (*string)(nil), false)
	x.add(3, "NULL", (*int64)(nil))
	x.add(4, "", &number)
	require.Equal(t, []any{
		"before", "{1,2,3,4}", `{"a\"b\\c,{}` + "\n" + `",NULL,"NULL",""}`, "{true,false,NULL,-7}",
	}, x.arrays([]any{"before"}))
	require.Equal(t, "{1,2}", setup(t, PostgreSQL).ids([]int64{1, 2}))
	require.Equal(t, "[1,2]", setup(t, SQLite).ids([]int64{1, 2}))
	for rows, size := range map[int]int{1: 1, 2: 4, 4: 4, 5: 16, 17: 64, 256: 256} {
		require.Equal(t, size, sizeOf(rows))
	}
	numbers, err := numbers("1,22")
	require.NoError(t, err)
	require.Equal(t, []int64{1, 22}, numbers)
}

func TestTimes(t *testing.T) {
	t.Parallel()
	require.EqualValues(t, 0, millis(-time.Second))
	require.EqualValues(t, 1, millis(1))
	require.EqualValues(t, 1, millis(time.Millisecond))
	require.EqualValues(t, 2, millis(time.Millisecond+1))
	require.Equal(t, time.Second, soonest(0, time.Second))
	require.Equal(t, time.Second, soonest(time.Second, 0))
	require.Equal(t, time.Second, soonest(time.Second, time.Minute))
	require.Zero(t, until(sql.NullInt64{}, 5))
	require.Equal(t, dueNow, until(sql.NullInt64{Int64: 3, Valid: true}, 5))
	require.Equal(t, 2*time.Millisecond, until(sql.NullInt64{Int64: 7, Valid: true}, 5))
}

// What is asked for during a run is done by the next one, together.
func TestGroup(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var runs [][]int
		g := group[int]{run: func(_ context.Context, items []int) []error {
			runs = append(runs, items)
			time.Sleep(time.Second)
			errs := make([]error, len(items))
			for i, x := range items {
				if x < 0 {
					errs[i] = errNowhere
				}
			}
			return errs
		}}
		var wg sync.WaitGroup
		for _, x := range []int{1, -2, 3} {
			wg.Go(func() {
				err := g.do(t.Context(), x)
				if (err != nil) != (x < 0) {
					t.Error(x, err)
				}
			})
			synctest.Wait()
		}
		wg.Wait()
		require.Equal(t, [][]int{{1}, {-2, 3}}, runs)

		// Who leaves before the run is not done, and who leaves during it does not wait.
		runs = nil
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		wg.Go(func() {
			if g.do(t.Context(), 1) != nil {
				t.Error("the one that stays")
			}
		})
		synctest.Wait()
		require.ErrorIs(t, g.do(ctx, 2), context.DeadlineExceeded)
		require.ErrorIs(t, g.do(ctx, 3), context.DeadlineExceeded)
		wg.Wait()
		time.Sleep(time.Second)
		require.Equal(t, [][]int{{1}}, runs)
	})
}

// A run for nobody is broken off.
func TestGroupIsLeft(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		broken := 0
		g := group[int]{run: func(ctx context.Context, items []int) []error {
			select {
			case <-ctx.Done():
				broken++
			case <-time.After(time.Second):
			}
			return make([]error, len(items))
		}}
		first, cancelFirst := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancelFirst()
		require.ErrorIs(t, g.do(first, 1), context.DeadlineExceeded)
		synctest.Wait()
		require.Equal(t, 1, broken)

		var wg sync.WaitGroup
		wg.Go(func() { _ = g.do(t.Context(), 0) }) // the next two share a run
		synctest.Wait()
		second, cancelSecond := context.WithTimeout(t.Context(), 1500*time.Millisecond)
		defer cancelSecond()
		wg.Go(func() { _ = g.do(second, 1) })
		wg.Go(func() {
			if g.do(t.Context(), 2) != nil {
				t.Error("the one that stays")
			}
		})
		wg.Wait()
		require.Equal(t, 1, broken)
	})
}
