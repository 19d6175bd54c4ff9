package sqlstore

import (
	"context"
	"encoding/json"
	"strconv"
)

// table is the rows that a statement with {rows} takes.
type table struct {
	width  int
	values []any // row by row
}

func newTable(width, rows int) *table { return &table{width, make([]any, 0, width*rows)} }

// add adds a row. Its first value is never nil.
func (x *table) add(values ...any) { x.values = append(x.values, values...) }

func (x *table) len() int { return len(x.values) / x.width }

// rowsAtOnce is how many rows one statement takes as single arguments, of which SQLite
// bears 32,766. There are few sizes of each statement, and rows of nothing fill the
// rest, so that the driver finds most statements prepared.
const rowsAtOnce = 256

func sizeOf(rows int) int {
	size := 1
	for size < rows {
		size *= 4
	}
	return size
}

// queryRows is query with {rows}. It does nothing if there are none.
func (t *tx) queryRows(ctx context.Context, each func(scan func(dest ...any) error) error, query string, x *table, args ...any) error {
	if t.s.dialect == SQLite {
		return t.queryValues(ctx, each, query, x, args...)
	}
	if x.len() == 0 {
		return nil
	}
	return t.query(ctx, each, query, x.arrays(args)...)
}

// queryValues is query with {values}.
func (t *tx) queryValues(ctx context.Context, each func(scan func(dest ...any) error) error, query string, x *table, args ...any) error {
	for rest := x.values; len(rest) > 0; {
		n := min(len(rest), rowsAtOnce*x.width)
		size := sizeOf(n / x.width)
		all := make([]any, len(args)+size*x.width)
		copy(all, args)
		copy(all[len(args):], rest[:n])
		if err := t.q.Query(ctx, each, t.s.text(query, size), all...); err != nil {
			return err
		}
		rest = rest[n:]
	}
	return nil
}

// execRows is exec with {rows}.
func (t *tx) execRows(ctx context.Context, query string, x *table, args ...any) error {
	return t.queryRows(ctx, nil, query, x, args...)
}

// arrays adds the columns to arguments.
func (x *table) arrays(args []any) []any {
	for column := range x.width {
		args = append(args, x.array(column))
	}
	return args
}

// array writes a column as PostgreSQL reads an array.
func (x *table) array(column int) string {
	b := make([]byte, 0, 2+8*x.len())
	b = append(b, '{')
	for i := column; i < len(x.values); i += x.width {
		if i > column {
			b = append(b, ',')
		}
		switch v := x.values[i].(type) {
		case int:
			b = strconv.AppendInt(b, int64(v), 10)
		case int64:
			b = strconv.AppendInt(b, v, 10)
		case bool:
			b = strconv.AppendBool(b, v)
		case string:
			b = appendQuoted(b, v)
		case *string:
			if v == nil {
				b = append(b, "NULL"...)
			} else {
				b = appendQuoted(b, *v)
			}
		case *int64:
			if v == nil {
				b = append(b, "NULL"...)
			} else {
				b = strconv.AppendInt(b, *v, 10)
			}
		}
	}
	return string(append(b, '}'))
}

func appendQuoted(b []byte, s string) []byte {
	b = append(b, '"')
	for i := range len(s) {
		if s[i] == '"' || s[i] == '\\' {
			b = append(b, '\\')
		}
		b = append(b, s[i])
	}
	return append(b, '"')
}

// ids writes ids as {ids} wants them.
func (s *Store) ids(list []int64) string {
	b := make([]byte, 0, 2+12*len(list))
	open, end := byte('{'), byte('}')
	if s.dialect == SQLite {
		open, end = '[', ']'
	}
	b = append(b, open)
	for i, id := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, id, 10)
	}
	return string(append(b, end))
}

// texts writes texts as {texts} wants them.
func texts(list []string) string {
	b, err := json.Marshal(list)
	if err != nil {
		return "[]" // texts do not fail
	}
	return string(b)
}
