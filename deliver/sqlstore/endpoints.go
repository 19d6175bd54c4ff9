package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"example.com/paperround/deliver"
	"example.com/paperround/topic"
)

const defaultRefresh = time.Second

// ErrConflict says that an endpoint is not at the version that the change was made
// from, or that its id is taken. Nothing was changed; get it, and decide anew.
var ErrConflict = errors.New("sqlstore: endpoint was changed meanwhile, or its id is taken")

// errUncounted: somebody has emptied a table that Migrate fills.
var errUncounted = errors.New("the table of versions is empty; restore its row")

// Signers finds the signer for the secret of a name, among those of a tenant. It
// must never look into another tenant's. It is asked at each attempt, so a secret
// that changes behind its name takes effect at once; it should answer from memory
// where secrets are far away. It must be safe for concurrent use. An error is a
// fault of the sending side: the attempt is made later.
type Signers func(ctx context.Context, tenant, secret string) (deliver.Signer, error)

// EndpointOptions are the choices of [NewEndpoints]. The zero value is the
// defaults.
type EndpointOptions struct {
	// Check is asked before an endpoint is created or updated; an error is handed to
	// the caller. It is meant for the Check method of the dispatcher's
	// [deliver.Client]. nil means that only what every endpoint needs is judged.
	Check func(*deliver.Endpoint) error

	// Refresh is for how long what is known of endpoints counts before the store is
	// asked what has changed, and so the most by which another process's change is
	// seen late. 0 means one second, negative that the store is asked each time.
	Refresh time.Duration
}

// Endpoints are the endpoints that live in a store: a [deliver.Directory], and the
// means to change them. Make one with [NewEndpoints]. It is safe for concurrent
// use, by any number of processes.
//
// It knows what an endpoint is. Whether one is paused or disabled at the moment is
// the dispatcher's, with [deliver.Dispatcher.Pause], Disable, Resume and
// EndpointState.
//
// Endpoints that were asked for are remembered, up to 100,000. Once in Refresh, one
// question tells which tenants' have changed since.
type Endpoints struct {
	store   *Store
	signers Signers
	check   func(*deliver.Endpoint) error
	refresh time.Duration

	asking chan struct{} // held by whoever asks what has changed

	mu      sync.Mutex
	asked   time.Time // when it was asked last
	seen    int64     // the latest version of which is known
	tenants map[string][]*known
	loading map[string]*load // by tenant, unless it has changed since
	byID    map[string]*known
}

// known is an endpoint that is remembered.
type known struct {
	endpoint *deliver.Endpoint // without a signer
	secret   string

	// signed is the endpoint with the signer it had last, so that one that did not
	// change is the same pointer to its dispatcher, and not checked anew.
	signed atomic.Pointer[deliver.Endpoint]
}

var _ deliver.Directory = (*Endpoints)(nil)

// NewEndpoints makes a directory of the endpoints that live in the store; nil options
// are the defaults. [Store.Migrate] makes their table too.
func NewEndpoints(s *Store, signers Signers, opts *EndpointOptions) (*Endpoints, error) {
	switch {
	case s == nil:
		return nil, errors.New("sqlstore: store is nil")
	case signers == nil:
		return nil, errors.New("sqlstore: signers is nil, and nothing is sent unsigned")
	}
	if opts == nil {
		opts = &EndpointOptions{}
	}
	e := &Endpoints{
		store:   s,
		signers: signers,
		check:   opts.Check,
		refresh: opts.Refresh,
		asking:  make(chan struct{}, 1),
		tenants: make(map[string][]*known),
		loading: make(map[string]*load),
		byID:    make(map[string]*known),
	}
	if e.refresh == 0 {
		e.refresh = defaultRefresh
	}
	return e, nil
}

// Match implements [deliver.Directory]. The endpoints have no Signer: secrets are for
// attempts. Their order is that in which they were created.
func (e *Endpoints) Match(ctx context.Context, tenant string, t topic.Topic) ([]*deliver.Endpoint, error) {
	list, err := e.of(ctx, tenant)
	if err != nil {
		return nil, err
	}
	var found []*deliver.Endpoint
	for _, k := range list {
		for _, p := range k.endpoint.Topics {
			if p.Match(t) {
				found = append(found, k.endpoint)
				break
			}
		}
	}
	return found, nil
}

// Endpoint implements [deliver.Directory]. Its signer is asked for each time.
func (e *Endpoints) Endpoint(ctx context.Context, id string) (*deliver.Endpoint, error) {
	k, err := e.find(ctx, id)
	if err != nil {
		return nil, err
	}
	signer, err := e.signer(ctx, k.endpoint, k.secret)
	if err != nil {
		return nil, err
	}
	if last := k.signed.Load(); last != nil && same(last.Signer, signer) {
		return last, nil
	}
	signed := *k.endpoint
	signed.Signer = signer
	k.signed.Store(&signed)
	return &signed, nil
}

// signer asks for an endpoint's signer. The name of the secret is not in the error:
// somebody may have put the secret itself there.
func (e *Endpoints) signer(ctx context.Context, ep *deliver.Endpoint, secret string) (deliver.Signer, error) {
	signer, err := e.signers(ctx, ep.Tenant, secret)
	if err != nil {
		return nil, fmt.Errorf("sqlstore: finding the secret of endpoint %s: %w", ep.ID, err)
	}
	if signer == nil {
		return nil, fmt.Errorf("sqlstore: endpoint %s has no signer, nor was there an error", ep.ID)
	}
	return signer, nil
}

// same reports whether two signers are one.
func same(a, b deliver.Signer) bool {
	return reflect.TypeOf(a) == reflect.TypeOf(b) && reflect.ValueOf(a).Comparable() && a == b
}

// Create stores a new endpoint and sets the definition's Version. Its secret must be
// there. Nobody but the same tenant can use the id of a deleted one again; if that was
// paused or disabled, so is the new one until it is resumed. The error is [ErrConflict]
// if the id is taken, a [*deliver.Error] that says what to mend, or that of Check or of
// the signers.
func (e *Endpoints) Create(ctx context.Context, d *Definition) error {
	data, err := e.judge(ctx, d)
	if err != nil {
		return err
	}
	row := *d // the transaction may outlive the call, if ctx ends
	version, err := e.change(ctx, func(ctx context.Context, t *tx, version int64) (string, error) {
		return only[string](ctx, t, `INSERT INTO {definitions} (id, tenant, made, version, secret, data) VALUES ($1, $2, $3, $3, $4, $5)
			ON CONFLICT (id) DO UPDATE SET made = excluded.made, version = excluded.version, secret = excluded.secret, data = excluded.data
			WHERE {definitions}.data IS NULL AND {definitions}.tenant = excluded.tenant
			RETURNING tenant`, ErrConflict, row.ID, row.Tenant, version, row.Secret, data)
	})
	if err != nil {
		return fmt.Errorf("sqlstore: creating endpoint %s: %w", d.ID, err)
	}
	d.Version = version
	return nil
}

// Update puts a definition in the place of the one that has its id, tenant and
// Version, and sets its Version to the new one. Attempts that have begun go on as
// they were; the next ones go by the new definition, in this process at once and in
// others within their Refresh. The error is [ErrConflict] if the endpoint has
// another version by now, [deliver.ErrNoEndpoint] if the tenant has none of that id,
// or as of Create.
func (e *Endpoints) Update(ctx context.Context, d *Definition) error {
	data, err := e.judge(ctx, d)
	if err != nil {
		return err
	}
	row := *d // the transaction may outlive the call, if ctx ends
	version, err := e.change(ctx, func(ctx context.Context, t *tx, version int64) (string, error) {
		// The row is locked, so that what is found stays so.
		before, err := only[int64](ctx, t, `SELECT version FROM {definitions} WHERE id = $1 AND tenant = $2 AND data IS NOT NULL {lock UPDATE}`,
			deliver.ErrNoEndpoint, row.ID, row.Tenant)
		if err != nil {
			return "", err
		}
		if before != row.Version {
			return "", ErrConflict
		}
		return row.Tenant, t.exec(ctx, `UPDATE {definitions} SET version = $1, secret = $2, data = $3 WHERE id = $4`, version, row.Secret, data, row.ID)
	})
	if err != nil {
		return fmt.Errorf("sqlstore: updating endpoint %s: %w", d.ID, err)
	}
	d.Version = version
	return nil
}

// Rotate lets another secret sign what goes to an endpoint: the one of that name,
// which must be there. Whether the secret before that still signs too is up to the
// [Signers]. The error is [deliver.ErrNoEndpoint], or as of Create.
func (e *Endpoints) Rotate(ctx context.Context, id, secret string) error {
	if err := judgeSecret(id, secret); err != nil {
		return err
	}
	d, err := e.Get(ctx, id)
	if err != nil {
		return err
	}
	if _, err := e.signer(ctx, &d.Endpoint, secret); err != nil {
		return err
	}
	_, err = e.change(ctx, func(ctx context.Context, t *tx, version int64) (string, error) {
		return only[string](ctx, t, `UPDATE {definitions} SET version = $1, secret = $2 WHERE id = $3 AND data IS NOT NULL RETURNING tenant`,
			deliver.ErrNoEndpoint, version, secret, id)
	})
	if err != nil {
		return fmt.Errorf("sqlstore: rotating the secret of endpoint %s: %w", id, err)
	}
	return nil
}

// Delete removes an endpoint. Deliveries that are open are abandoned when their turn
// comes; what became of the others stays on record. The error is
// [deliver.ErrNoEndpoint] if there is none.
func (e *Endpoints) Delete(ctx context.Context, id string) error {
	_, err := e.change(ctx, func(ctx context.Context, t *tx, version int64) (string, error) {
		// The row stays, so that others find out that the endpoint is gone.
		return only[string](ctx, t, `UPDATE {definitions} SET version = $1, secret = '', data = NULL WHERE id = $2 AND data IS NOT NULL RETURNING tenant`,
			deliver.ErrNoEndpoint, version, id)
	})
	if err != nil {
		return fmt.Errorf("sqlstore: deleting endpoint %s: %w", id, err)
	}
	return nil
}

// Get returns an endpoint as it is stored now, or [deliver.ErrNoEndpoint]. The
// caller owns it.
func (e *Endpoints) Get(ctx context.Context, id string) (*Definition, error) {
	list, err := e.read(ctx, `WHERE id = $1 AND data IS NOT NULL`, id)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, noEndpoint(id)
	}
	return list[0], nil
}

// List returns endpoints of a tenant as they are stored now, by id, from after on and
// up to limit. Less than limit are the last ones. The caller owns them.
func (e *Endpoints) List(ctx context.Context, tenant, after string, limit int) ([]*Definition, error) {
	return e.read(ctx, `WHERE tenant = $1 AND id > $2 AND data IS NOT NULL ORDER BY id LIMIT $3`, tenant, after, max(limit, 1))
}

// ofTenant returns all endpoints of a tenant in the order in which they were created.
func (e *Endpoints) ofTenant(ctx context.Context, tenant string) ([]*Definition, error) {
	return e.read(ctx, `WHERE tenant = $1 AND data IS NOT NULL ORDER BY made`, tenant)
}

func (e *Endpoints) read(ctx context.Context, where string, args ...any) (list []*Definition, err error) {
	err = e.store.query(ctx, func(scan func(dest ...any) error) error {
		d := &Definition{}
		var data string
		if err := scan(&d.ID, &d.Tenant, &d.Version, &d.Secret, &data); err != nil {
			return err
		}
		list = append(list, d)
		return d.decode(data)
	}, `SELECT id, tenant, version, secret, data FROM {definitions} `+where, args...)
	if err != nil {
		return nil, fmt.Errorf("sqlstore: reading endpoints: %w", err)
	}
	return list, nil
}

// change changes one endpoint of the tenant that do returns, under the next version.
// Versions are handed out to one transaction at a time, so they follow the order of
// commits.
func (e *Endpoints) change(ctx context.Context, do func(ctx context.Context, t *tx, version int64) (tenant string, err error)) (int64, error) {
	var version int64
	var tenant string
	err := e.store.write(ctx, func(ctx context.Context, t *tx) (err error) {
		if version, err = only[int64](ctx, t, `UPDATE {definition_versions} SET last = last + 1 RETURNING last`, errUncounted); err != nil {
			return err
		}
		tenant, err = do(ctx, t, version)
		return err
	})
	if err != nil {
		return 0, err // the transaction may be under way still, so nothing of it is read
	}
	e.forgetChanged(tenant)
	return version, nil
}

// only returns the only column of the only row of a statement, or none if there is no
// row.
func only[T any](ctx context.Context, t *tx, query string, none error, args ...any) (value T, err error) {
	found := false
	err = t.query(ctx, func(scan func(dest ...any) error) error {
		found = true
		return scan(&value)
	}, query, args...)
	if err == nil && !found {
		err = none
	}
	return value, err
}

func noEndpoint(id string) error { return fmt.Errorf("%w: %q", deliver.ErrNoEndpoint, id) }

func invalid(format string, args ...any) error {
	return &deliver.Error{Reason: deliver.ReasonInvalid, Detail: fmt.Sprintf(format, args...)}
}
