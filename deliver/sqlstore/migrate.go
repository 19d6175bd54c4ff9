package sqlstore

import (
	"context"
	"fmt"
)

// migrations are the steps from an empty database to the tables of this release,
// each a list of statements. A step that was released is never changed.
var migrations = [][]string{ //nolint:gochecknoglobals // a constant table
	tables,
	definitionTables,
}

// tables is the first step.
//
// A message waits in queue until it is fanned out; its own row is written once. A
// queued message is pending (phase 0), put off or delayed (1), or claimed (2).
//
// A delivery is final (phase 0), ready (1), not yet due (2), blocked in its lane
// (3), or claimed (4). What happens to it next by itself happens at a time: it is
// due, or its lease ends; of a ready one that is since when it has been due. An
// endpoint's state is in the walk of Ready if it is active, which is to say that
// something may be ready, and not held, that is paused or disabled.
var tables = []string{ //nolint:gochecknoglobals // a constant table
	`CREATE TABLE {messages} (
		seq {serial},
		tenant {text} NOT NULL,
		id {text} NOT NULL,
		key {text} NOT NULL,
		topic {text} NOT NULL,
		content_type {text} NOT NULL,
		body {bytes},
		digest {bytes} NOT NULL,
		trace {text} NOT NULL,
		due bigint NOT NULL,
		ended bigint,
		ended_by bigint
	)`,
	`CREATE UNIQUE INDEX {messages_id} ON {messages} (id, tenant)`,
	`CREATE INDEX {messages_bodies} ON {messages} (due) WHERE body IS NOT NULL`,

	`CREATE TABLE {queue} (
		seq bigint PRIMARY KEY,
		tenant {text} NOT NULL,
		key {text} NOT NULL,
		due bigint NOT NULL,
		phase smallint NOT NULL,
		time bigint NOT NULL,
		token bigint NOT NULL DEFAULT 0,
		tries integer NOT NULL DEFAULT 0
	) {postgres WITH (fillfactor=70, autovacuum_vacuum_scale_factor=0.02)}`,
	`CREATE INDEX {queue_pending} ON {queue} (tenant, due, seq) WHERE phase = 0`,
	`CREATE INDEX {queue_timer} ON {queue} (time) WHERE phase > 0`,
	`CREATE INDEX {queue_key} ON {queue} (tenant, key, due, seq) WHERE key <> ''`,
	`CREATE INDEX {queue_held} ON {queue} (tenant, key, due, seq) WHERE key <> '' AND phase > 0`,
	`{sqlite CREATE TRIGGER {messages_queue} AFTER INSERT ON {messages} BEGIN
		INSERT INTO {queue} (seq, tenant, key, due, phase, time)
		VALUES (new.seq, new.tenant, new.key, new.due, new.due > {now}, new.due);
	END}`,

	`CREATE TABLE {deliveries} (
		id {serial},
		message bigint NOT NULL,
		endpoint {text} NOT NULL,
		lane {text},
		place bigint NOT NULL DEFAULT 0,
		fan bigint NOT NULL,
		state smallint NOT NULL,
		phase smallint NOT NULL,
		fresh boolean NOT NULL DEFAULT true,
		time bigint NOT NULL,
		token bigint NOT NULL DEFAULT 0,
		epoch bigint NOT NULL DEFAULT 0,
		attempts integer NOT NULL DEFAULT 0,
		rejected integer NOT NULL DEFAULT 0,
		own_faults integer NOT NULL DEFAULT 0,
		unknown integer NOT NULL DEFAULT 0,
		replays integer NOT NULL DEFAULT 0,
		records integer NOT NULL DEFAULT 0,
		since bigint NOT NULL,
		changed bigint NOT NULL
	) {postgres WITH (fillfactor=70, autovacuum_vacuum_scale_factor=0.02)}`,
	`CREATE INDEX {deliveries_message} ON {deliveries} (message)`,
	`CREATE INDEX {deliveries_endpoint} ON {deliveries} (endpoint, id)`,
	`CREATE INDEX {deliveries_open} ON {deliveries} (endpoint, phase, fresh, time, id) WHERE phase IN (1, 2, 3)`,
	`CREATE INDEX {deliveries_timer} ON {deliveries} (phase, time) WHERE phase IN (2, 4)`,
	`CREATE INDEX {deliveries_lane} ON {deliveries} (endpoint, lane, place, id) WHERE lane IS NOT NULL AND phase > 0`,

	`CREATE TABLE {attempts} (
		delivery bigint NOT NULL,
		number integer NOT NULL,
		attempt integer NOT NULL,
		replay integer NOT NULL,
		reason {text} NOT NULL,
		status integer NOT NULL,
		elapsed bigint NOT NULL,
		PRIMARY KEY (delivery, number)
	) {sqlite WITHOUT ROWID}`,

	`CREATE TABLE {states} (
		endpoint {text} PRIMARY KEY,
		tenant {text} NOT NULL DEFAULT '',
		slot smallint NOT NULL,
		active boolean NOT NULL DEFAULT false,
		held boolean NOT NULL DEFAULT false,
		paused bigint,
		disabled boolean NOT NULL DEFAULT false,
		clearing bigint,
		cause {text} NOT NULL DEFAULT '',
		since bigint,
		failing bigint,
		failed bigint,
		gone bigint,
		epoch bigint NOT NULL DEFAULT 0
	) {postgres WITH (fillfactor=70)}`,
	`CREATE INDEX {states_walk} ON {states} (slot, endpoint) WHERE active AND NOT held`,
	`CREATE INDEX {states_paused} ON {states} (paused) WHERE paused IS NOT NULL`,
	`CREATE INDEX {states_clearing} ON {states} (clearing) WHERE clearing IS NOT NULL`,

	`CREATE TABLE {totals} (
		endpoint {text} NOT NULL,
		open bigint NOT NULL,
		succeeded bigint NOT NULL,
		exhausted bigint NOT NULL,
		abandoned bigint NOT NULL,
		canceled bigint NOT NULL
	)`,
	`CREATE {sqlite UNIQUE} INDEX {totals_endpoint} ON {totals} (endpoint)`,

	`CREATE TABLE {slots} (
		slot smallint PRIMARY KEY,
		owner {text} NOT NULL DEFAULT '',
		leaving boolean NOT NULL DEFAULT false
	)`,
	`CREATE TABLE {owners} (
		owner {text} PRIMARY KEY,
		until bigint NOT NULL
	)`,
	`WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i+1 FROM n WHERE i < 255)
		INSERT INTO {slots} (slot) SELECT i FROM n`,
}

// Migrate makes the tables, or brings those of an earlier release up to date. It
// only goes forward and removes nothing. Any number of processes may call it at
// once, while others work. A database that is one release ahead is fine, so that
// releases can be rolled out one process after the other; one that is further
// ahead is an error.
func (s *Store) Migrate(ctx context.Context) error {
	err := s.write(ctx, func(ctx context.Context, t *tx) error {
		return t.migrate(ctx, migrations)
	})
	if err != nil {
		return fmt.Errorf("sqlstore: migrating: %w", err)
	}
	return nil
}

func (t *tx) migrate(ctx context.Context, steps [][]string) error {
	if err := t.lock(ctx, "migrate", "true"); err != nil {
		return err
	}
	if err := t.exec(ctx, "CREATE TABLE IF NOT EXISTS {schema} (version integer NOT NULL)"); err != nil {
		return err
	}
	version := 0
	if err := t.query(ctx, one(&version), "SELECT COALESCE(max(version), 0) FROM {schema}"); err != nil {
		return err
	}
	if version > len(steps)+1 {
		return fmt.Errorf("the database is at version %d, and this release knows %d: update it first", version, len(steps))
	}
	for i := version; i < len(steps); i++ {
		for _, statement := range steps[i] {
			if t.s.text(statement, 0) == "" {
				continue // of the other dialect
			}
			if err := t.exec(ctx, statement); err != nil {
				return fmt.Errorf("to version %d: %w", i+1, err)
			}
		}
		if err := t.exec(ctx, "INSERT INTO {schema} (version) VALUES ($1)", i+1); err != nil {
			return err
		}
	}
	return nil
}

// one reads the columns of the only row.
func one(dest ...any) func(scan func(dest ...any) error) error {
	return func(scan func(dest ...any) error) error { return scan(dest...) }
}
