package sqlstore

import (
	"context"
	"fmt"
	"time"
)

const (
	// What is remembered is bounded: so many endpoints and tenants together.
	maxRemembered = 100_000

	// When more changed than this, everything is forgotten instead.
	maxChanges = 1000

	// An answer that takes longer is none.
	maxLoad = 30 * time.Second
)

// of returns the endpoints of a tenant.
func (e *Endpoints) of(ctx context.Context, tenant string) ([]*known, error) {
	if err := e.catchUp(ctx); err != nil {
		return nil, err
	}
	e.mu.Lock()
	list, ok := e.tenants[tenant]
	e.mu.Unlock()
	if ok {
		return list, nil
	}
	return e.load(ctx, tenant)
}

// find returns one endpoint, with the others of its tenant if none is remembered.
func (e *Endpoints) find(ctx context.Context, id string) (*known, error) {
	if err := e.catchUp(ctx); err != nil {
		return nil, err
	}
	e.mu.Lock()
	k := e.byID[id]
	e.mu.Unlock()
	if k != nil {
		return k, nil
	}
	def, err := e.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	list, err := e.load(ctx, def.Tenant)
	if err != nil {
		return nil, err
	}
	for _, k := range list {
		if k.endpoint.ID == id {
			return k, nil
		}
	}
	return &known{endpoint: &def.Endpoint, secret: def.Secret}, nil // the others are from before or after
}

// load is a question for the endpoints of a tenant.
type load struct {
	done chan struct{}
	list []*known
	err  error
}

// load asks for a tenant's endpoints and remembers them. Those who want to know at the
// same time ask once, and nobody's ctx ends it for the others.
func (e *Endpoints) load(ctx context.Context, tenant string) ([]*known, error) {
	e.mu.Lock()
	l := e.loading[tenant]
	if l == nil {
		l = &load{done: make(chan struct{})}
		e.loading[tenant] = l
		go e.ask(context.WithoutCancel(ctx), tenant, l)
	}
	e.mu.Unlock()
	select {
	case <-l.done:
		return l.list, l.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (e *Endpoints) ask(ctx context.Context, tenant string, l *load) {
	ctx, cancel := context.WithTimeout(ctx, maxLoad)
	defer cancel()
	defer close(l.done)
	defs, err := e.ofTenant(ctx, tenant)
	l.err = err
	for _, d := range defs {
		l.list = append(l.list, &known{endpoint: &d.Endpoint, secret: d.Secret})
	}
	e.remember(tenant, l)
}

// remember keeps a tenant's endpoints, unless they have changed while they were asked
// for: they may be from before.
func (e *Endpoints) remember(tenant string, l *load) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.loading[tenant] != l {
		return
	}
	delete(e.loading, tenant)
	if l.err != nil {
		return
	}
	e.forget(tenant) // what was deleted since is not in the list
	for other := range e.tenants {
		if len(e.tenants)+len(e.byID) < maxRemembered {
			break
		}
		e.forget(other)
	}
	e.tenants[tenant] = l.list
	for _, k := range l.list {
		e.byID[k.endpoint.ID] = k
	}
}

// forget drops what is remembered of a tenant. The caller holds the mutex.
func (e *Endpoints) forget(tenant string) {
	for _, k := range e.tenants[tenant] {
		delete(e.byID, k.endpoint.ID)
	}
	delete(e.tenants, tenant)
}

// forgetChanged drops what is remembered of tenants whose endpoints have changed. The
// caller does not hold the mutex.
func (e *Endpoints) forgetChanged(tenants ...string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(tenants) > maxChanges {
		clear(e.loading)
		clear(e.tenants)
		clear(e.byID)
	}
	for _, t := range tenants {
		delete(e.loading, t)
		e.forget(t)
	}
}

// fresh reports whether what is remembered counts without asking.
func (e *Endpoints) fresh() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return !e.asked.IsZero() && time.Since(e.asked) < e.refresh
}

// catchUp asks what has changed, if that was not asked lately. Versions follow the
// order of commits, so what is not seen now will have a later one than what is.
func (e *Endpoints) catchUp(ctx context.Context) error {
	if e.fresh() {
		return nil
	}
	select {
	case e.asking <- struct{}{}:
		defer func() { <-e.asking }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if e.fresh() {
		return nil // somebody else has asked
	}
	began := time.Now()
	var changed []string
	latest := e.seen
	err := e.store.query(ctx, func(scan func(dest ...any) error) error {
		var tenant string
		var version int64
		if err := scan(&tenant, &version); err != nil {
			return err
		}
		changed = append(changed, tenant)
		latest = max(latest, version)
		return nil
	}, `SELECT tenant, version FROM {definitions} WHERE version > $1 ORDER BY version DESC LIMIT $2`, e.seen, maxChanges+1)
	if err != nil {
		return fmt.Errorf("sqlstore: asking which endpoints have changed: %w", err)
	}
	if len(changed) > 0 {
		e.forgetChanged(changed...)
	}
	e.seen = latest
	e.mu.Lock()
	defer e.mu.Unlock()
	e.asked = began
	return nil
}
