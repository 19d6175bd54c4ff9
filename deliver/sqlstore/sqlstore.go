package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/semaphore"

	"example.com/paperround/deliver"
)

// Dialect says which database it is. The zero value is none.
type Dialect uint8

const (
	// SQLite is version 3.42 or later, in a file.
	SQLite Dialect = iota + 1
	// PostgreSQL is version 13 or later.
	PostgreSQL
)

// String returns the name of the database.
func (d Dialect) String() string {
	switch d {
	case SQLite:
		return "SQLite"
	case PostgreSQL:
		return "PostgreSQL"
	}
	return "unknown dialect"
}

// Synchronous is when SQLite makes what was committed durable. The zero value is
// [Full].
type Synchronous uint8

const (
	// Full syncs each commit: what was committed survives a loss of power.
	Full Synchronous = iota
	// Normal syncs at checkpoints only. What was committed survives the end of the
	// process, but not always a loss of power: then the last commits may be undone
	// together. Messages that Publish accepted may be gone, and deliveries that were
	// recorded as made may be made again.
	Normal
)

// Options are the choices of [New]. The zero value is the defaults.
type Options struct {
	// Prefix begins the names of all tables and indexes: up to 32 lower-case letters,
	// digits and '_', not beginning with a digit. "" means "paperround_".
	Prefix string

	// Synchronous is how durable a commit is on SQLite. It is without effect on
	// PostgreSQL, where the server's or the database's synchronous_commit decides.
	Synchronous Synchronous
}

const (
	defaultPrefix = "paperround_"
	maxPrefix     = 32
)

// Store is a [deliver.Store] and a [deliver.Ledger] in a database. It is safe for
// concurrent use, by many processes too. The zero value is of no use; see [New].
type Store struct {
	db       *sql.DB
	dialect  Dialect
	prefix   string
	texts    sync.Map     // expanded statements by what they were expanded from
	owning   sync.RWMutex // held by Own, shared by Claim
	busy     atomic.Bool  // the last Pending found something
	share    atomic.Int64 // of each tenant in the next one
	writer   writer
	enqueue  group[*deliver.Message]
	unfolded atomic.Int64           // rows of totals since they were folded
	turn     atomic.Pointer[string] // the tenant that came last, if not all of them came
}

var (
	_ deliver.Store  = (*Store)(nil)
	_ deliver.Ledger = (*Store)(nil)
)

// New makes a store of a database whose tables [Store.Migrate] has made, or will
// make before the first other call. It starts nothing and calls nothing; nil
// options are the defaults. The db stays the host's.
//
// A SQLite pool that allows one connection only is an error: the store keeps one
// for itself, so everybody else would wait for ever.
func New(db *sql.DB, dialect Dialect, opts *Options) (*Store, error) {
	if opts == nil {
		opts = &Options{}
	}
	s := &Store{db: db, dialect: dialect, prefix: opts.Prefix}
	if s.prefix == "" {
		s.prefix = defaultPrefix
	}
	switch {
	case db == nil:
		return nil, errors.New("sqlstore: db is nil")
	case dialect != SQLite && dialect != PostgreSQL:
		return nil, errors.New("sqlstore: dialect must be SQLite or PostgreSQL")
	case !validPrefix(s.prefix):
		return nil, fmt.Errorf("sqlstore: prefix %q must be up to %d lower-case letters, digits and '_', not beginning with a digit", s.prefix, maxPrefix)
	case opts.Synchronous > Normal:
		return nil, errors.New("sqlstore: Synchronous must be Full or Normal")
	case dialect == SQLite && db.Stats().MaxOpenConnections == 1:
		return nil, errors.New("sqlstore: the pool allows one connection only, which the store needs for itself: raise it with SetMaxOpenConns")
	}
	s.writer.held = semaphore.NewWeighted(1)
	s.writer.synchronous = opts.Synchronous
	s.writer.group.run = s.runTasks
	s.enqueue.run = s.enqueueGroup
	s.share.Store(1)
	return s, nil
}

func validPrefix(p string) bool {
	for i, c := range p {
		if c != '_' && (c < 'a' || c > 'z') && (c < '0' || c > '9' || i == 0) {
			return false
		}
	}
	return len(p) <= maxPrefix
}

// Close gives back the connection that the store keeps for SQLite. Calls that come
// later fail. The db is not closed.
func (s *Store) Close() error {
	s.writer.close()
	return nil
}

// Querier runs a statement: a transaction of whatever driver, for [Store.In].
type Querier interface {
	// Query runs one statement with positional arguments, calls each for every row it
	// returns, and returns the first error. scan is that of the row.
	Query(ctx context.Context, each func(scan func(dest ...any) error) error, query string, args ...any) error
}

// rowsQuerier is what *sql.DB, *sql.Conn and *sql.Tx have in common.
type rowsQuerier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// querier adapts database/sql.
type querier struct{ rowsQuerier }

// Query implements [Querier].
func (q querier) Query(ctx context.Context, each func(scan func(dest ...any) error) error, query string, args ...any) error {
	rows, err := q.QueryContext(ctx, query, args...)
	return eachRow(rows, err, each)
}

// eachRow calls each for every row; nil each means that there are none to read.
func eachRow(rows *sql.Rows, err error, each func(scan func(dest ...any) error) error) error {
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // Err tells of what matters
	for rows.Next() {
		if each == nil {
			continue
		}
		if err := each(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}
