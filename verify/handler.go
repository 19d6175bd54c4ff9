package verify

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
)

// Handler returns a handler that verifies a request as Middleware does and gives
// the event in it to the router.
//
// It answers 200 when a route has taken the event, when there is no route for
// it, when the Undecodable route has taken the body, and when a route returned
// Permanent; 400 when a body cannot be decoded and nothing takes it; 410 when a
// route returned ErrGone; and 500 for any other error of a route. A panic in a
// route is left to net/http.
//
// It returns an error wrapping ErrConfig for a nil checker, for a router that
// was not made by NewRouter, and for content types that are none.
func Handler(c Checker, r *Router, o *HandlerOptions) (http.Handler, error) {
	g, err := newGate(c, o)
	if err != nil {
		return nil, err
	}
	if r == nil || r.decode == nil {
		return nil, configError("the router is not usable: use NewRouter")
	}
	return &handler{gate: g, router: r}, nil
}

type handler struct {
	gate   *gate
	router *Router
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rc, ok := h.gate.admit(w, r)
	if !ok {
		return
	}
	ctx := withReceipt(r.Context(), rc)
	failed, refused := h.router.dispatch(ctx, *rc)
	if refused != nil {
		h.gate.refuse(w, r, http.StatusBadRequest, refused)
		return
	}
	status := http.StatusOK
	if unrouted, ok := failed.(*noRoute); ok { //nolint:errorlint // a route's own error may not wrap it
		h.gate.opts.Logger.LogAttrs(ctx, slog.LevelInfo, "webhook has no route",
			slog.String("key_id", rc.KeyID), slog.String("type", unrouted.typ.String()))
	} else if failed != nil {
		status = statusOf(failed)
		h.fail(ctx, &Failure{Receipt: *rc, Status: status, Err: failed})
	}
	answer(w, status)
}

func (h *handler) fail(ctx context.Context, f *Failure) {
	o := &h.gate.opts
	o.Logger.LogAttrs(ctx, slog.LevelError, "webhook failed",
		slog.Int("status", f.Status), slog.String("key_id", f.Receipt.KeyID), slog.Any("error", f.Err))
	if o.OnFailed != nil {
		o.OnFailed(ctx, f)
	}
}

// statusOf says what to answer when a route failed.
func statusOf(err error) int {
	if errors.Is(err, ErrGone) {
		return http.StatusGone
	}
	if _, ok := errors.AsType[*permanentError](err); ok {
		return http.StatusOK
	}
	return http.StatusInternalServerError
}
