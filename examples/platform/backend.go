package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"example.com/paperround/deliver"
	"example.com/paperround/deliver/sqlstore"
	"example.com/paperround/event"
	"example.com/paperround/event/inplayer"
	"example.com/paperround/topic"
)

// backend answers the requests of the platform's own frontend.
type backend struct {
	db         *sql.DB
	store      *sqlstore.Store
	endpoints  *sqlstore.Endpoints
	dispatcher *deliver.Dispatcher
	log        *slog.Logger
}

func (b *backend) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("PUT /endpoints/{id}", answer(b, b.register))
	mux.HandleFunc("PUT /subscriptions/{id}", answer(b, b.subscribe))
	return http.MaxBytesHandler(mux, 64<<10)
}

// errInvalid marks what the caller has to mend.
var errInvalid = errors.New("invalid request")

// answer makes a handler of a function that takes the path's id and the body, and
// returns the status to answer with.
func answer[T any](b *backend, do func(ctx context.Context, id string, body T) (int, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var body T
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			http.Error(w, "the body is no JSON of the right form", http.StatusBadRequest)
			return
		}
		status, err := do(r.Context(), r.PathValue("id"), body)
		switch {
		case err == nil:
			w.WriteHeader(status)
		case errors.Is(err, errInvalid) || deliver.Permanent(err):
			http.Error(w, err.Error(), http.StatusUnprocessableEntity)
		default:
			b.log.ErrorContext(r.Context(), "request failed", "path", r.URL.Path, "error", err)
			http.Error(w, "try again", http.StatusServiceUnavailable)
		}
	}
}

// subscription is the body of a request to subscribe.
type subscription struct {
	Tenant   string        `json:"tenant"`
	Customer int64         `json:"customer"`
	Email    string        `json:"email"`
	Item     int64         `json:"item"`
	Amount   event.Decimal `json:"amount"`
}

// subscribe creates a subscription and publishes that it began, both or neither.
func (b *backend) subscribe(ctx context.Context, id string, s subscription) (int, error) {
	if s.Customer <= 0 || s.Item <= 0 || s.Email == "" || s.Amount.IsZero() {
		return 0, fmt.Errorf("%w: customer, email, item and amount are required", errInvalid)
	}
	tx, err := b.db.BeginTx(ctx, nil)
	if err != nil {
		return 0, err
	}
	defer func() { _ = tx.Rollback() }() // does nothing after the commit
	res, err := tx.ExecContext(ctx, `INSERT INTO subscriptions (tenant, id, customer, item, amount)
		VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`, s.Tenant, id, s.Customer, s.Item, s.Amount.Text())
	if err != nil {
		return 0, err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return http.StatusOK, err // it is there already, and so is its event
	}
	_, err = b.dispatcher.Publish(ctx, s.began(id, time.Now()), &deliver.PublishOptions{
		ID:     "subscribed:" + id,
		Tenant: s.Tenant,
		Key:    strconv.FormatInt(s.Customer, 10),
		In:     b.store.Tx(tx),
	})
	if err != nil {
		return 0, err
	}
	if err := tx.Commit(); err != nil {
		return 0, err
	}
	b.dispatcher.Wake()
	return http.StatusCreated, nil
}

// began is the event that tells of a new subscription.
func (s *subscription) began(id string, at time.Time) event.Event {
	return &inplayer.SubscribeSuccess{
		Envelope:        inplayer.Envelope{EventID: "subscribed:" + id, Created: event.NewTime(at, event.UnixSeconds)},
		Transaction:     id,
		Description:     "Subscription",
		Email:           s.Email,
		CustomerID:      event.NewID(s.Customer),
		ItemID:          event.NewID(s.Item),
		FormattedAmount: "$" + s.Amount.Text(),
		Amount:          s.Amount,
		CurrencyISO:     new("USD"),
		Status:          "success",
		Timestamp:       event.NewTime(at, event.UnixSeconds),
		Code:            event.NewDecimal(http.StatusOK, 0),
		AccessFeeID:     event.NewID(s.Item),
	}
}

// registration is the body of a request to register an endpoint.
type registration struct {
	Tenant string          `json:"tenant"`
	URL    string          `json:"url"`
	Secret string          `json:"secret"` // its name
	Topics []topic.Pattern `json:"topics"` // none means all of InPlayer's
}

// register creates an endpoint, or changes the one of that id.
func (b *backend) register(ctx context.Context, id string, r registration) (int, error) {
	if len(r.Topics) == 0 {
		r.Topics = []topic.Pattern{topic.InPlayerAny}
	}
	def := &sqlstore.Definition{
		Endpoint: deliver.Endpoint{ID: id, Tenant: r.Tenant, URL: r.URL, Topics: r.Topics},
		Secret:   r.Secret,
	}
	old, err := b.endpoints.Get(ctx, id)
	if errors.Is(err, deliver.ErrNoEndpoint) {
		return http.StatusCreated, b.endpoints.Create(ctx, def)
	}
	if err != nil {
		return 0, err
	}
	def.Version = old.Version
	return http.StatusOK, b.endpoints.Update(ctx, def)
}
