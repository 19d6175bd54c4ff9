package verify

import (
	"errors"
	"log/slog"
	"net/http"
)

// Handler returns a handler that verifies a request as Middleware does, with the
// same protection from replay, and gives the event in it to the router.
//
// It answers 200 when a route has taken the event, when there is no route for
// it, when the Undecodable route has taken the body, and when a route returned
// Permanent; 400 when a body cannot be decoded and nothing takes it; 410 when a
// route returned ErrGone; and 500 for any other error of a route. A panic in a
// route is left to net/http. A message whose replay key cannot be found is one
// that cannot be decoded.
//
// It returns an error wrapping ErrConfig for a nil checker, for a router that
// was not made by NewRouter, and for options that Middleware refuses.
func Handler(c Checker, r *Router, o *HandlerOptions) (http.Handler, error) {
	g, err := newGate(c, o)
	if err != nil {
		return nil, err
	}
	if r == nil || r.decode == nil {
		return nil, configError("the router is not usable: use NewRouter")
	}
	g.takesFlawed = r.undecoded != nil
	return &handler{gate: g, router: r}, nil
}

type handler struct {
	gate   *gate
	router *Router
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a, ok := h.gate.admit(w, r)
	if !ok {
		return
	}
	defer h.gate.settle(a, 0, false) // a panic
	status, handled, refused := h.dispatch(a)
	// Before the answer, so that the sender cannot be faster.
	h.gate.settle(a, status, handled && status == http.StatusOK)
	if refused != nil {
		h.gate.refuse(w, r, status, refused)
		return
	}
	answer(w, status)
}

// dispatch says what to answer, whether anything looked at the message, and
// whether that is a refusal.
func (h *handler) dispatch(a *admission) (status int, handled bool, refused error) {
	rc := &a.receipt
	var failed error
	if a.flaw != nil {
		failed = h.router.undecoded(&a.ctx, &Undecoded{Receipt: *rc, Err: a.flaw})
	} else {
		failed, refused = h.router.dispatch(&a.ctx, *rc)
	}
	if refused != nil {
		return http.StatusBadRequest, false, refused
	}
	if failed == nil {
		return http.StatusOK, true, nil
	}
	if unrouted, ok := failed.(*noRoute); ok { //nolint:errorlint // a route's own error may not wrap it
		h.gate.opts.Logger.LogAttrs(&a.ctx, slog.LevelInfo, "webhook has no route",
			slog.String("key_id", rc.KeyID), slog.String("type", unrouted.typ.String()))
		return http.StatusOK, false, nil
	}
	status = statusOf(failed)
	h.gate.fail(&a.ctx, &Failure{Receipt: *rc, Status: status, Err: failed})
	return status, true, nil
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
