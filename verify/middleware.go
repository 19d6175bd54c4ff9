package verify

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"mime"
	"net/http"
	"slices"
	"strings"
)

const (
	defaultMaxBody = 1 << 20

	// retryAfter is in seconds. It is short: handlers are, and a sender may
	// hold back all else for as long.
	retryAfter = "5"
)

// HandlerOptions are the choices of Middleware and Handler. Nil and the zero
// value mean the defaults.
type HandlerOptions struct {
	// MaxBody is the greatest length of a body, in bytes, that is accepted.
	// Zero: 1 MiB. Negative: no limit.
	MaxBody int64

	// ContentTypes are the media types accepted, without parameters. Empty:
	// any, and none at all.
	ContentTypes []string

	// AllowPlaintext accepts Basic credentials on connections without TLS.
	// Set it behind a proxy that ends TLS, and nowhere else.
	AllowPlaintext bool

	// Source says which addresses requests may come from. Nil: any.
	Source *Source

	// Replay says how a message is kept from being handled twice. Nil: with
	// the defaults, in memory, where the checker proves an id or a time, and
	// not at all where it proves neither. See Replay.
	Replay *Replay

	// OnRefused, if set, is called for each request that is refused before
	// it reaches a route, and for bodies nobody could decode. The reason is
	// for logs and metrics; the peer does not see it. Requests come at once,
	// so it must be safe for concurrent use, as must the functions below.
	OnRefused func(context.Context, *Refusal)

	// OnReplayed, if set, is called when a message that was handled before
	// came again. It was answered with 200. The receipt is the one of the new
	// request; it is only to be read.
	OnReplayed func(context.Context, *Receipt)

	// OnFailed, if set, is called when a route returned an error, and, with
	// an error wrapping ErrReplayStore, when the outcome of a message could
	// not be recorded in the replay store.
	OnFailed func(context.Context, *Failure)

	// Logger gets what the functions get: replays, of finished messages and of
	// those in flight, at level info, as they are part of at-least-once
	// delivery, other refusals at warn, and errors of a route or of the replay
	// store at error. Nil: silent.
	Logger *slog.Logger
}

// Refusal is a request that was refused.
type Refusal struct {
	Request *http.Request // Its body may be read already.
	Status  int           // What was answered.
	Err     error         // Why; an *Error unless a host's own Checker made it.
}

// Failure is an authentic message whose route returned an error, or whose outcome
// could not be recorded.
type Failure struct {
	Receipt Receipt
	Status  int   // What is answered; 0 when the handler panicked, or hijacked the connection.
	Err     error // What the route returned, or wraps ErrReplayStore.
}

// Middleware returns a function that puts a check in front of a handler, which
// must not be nil. The body is read once, within the limit, and verified; next
// then finds it unread in the request, and the receipt through FromContext.
// What is refused never reaches next.
//
// Answers: 403 for an address that is not allowed, 405 with Allow for a method
// other than POST, 415, 413, 400 for an unreadable body or one without its replay
// key, 401 with one and the same body whenever the message is not authentic, and
// 500 when the receiving side is set up wrongly (no key valid, a body that
// something in front has consumed), so that the sender tries again.
//
// Where there is protection from replay, a message that was handled before is
// answered with 200, one that is being handled at this moment with 503 and
// Retry-After, as is every message while the replay store fails or is full. A
// message counts as handled when next answers 2xx, or with nothing; after any
// other status, a panic or a hijacked connection it is free to come again. When
// it was handled and the store cannot record that, the answer stays what it is:
// a sender told otherwise would certainly send again, whereas a message in a
// reservation that was left behind can be handled again only once the lease has
// run out. The log and OnFailed are told.
//
// Only the body is proven: next reads r.PostForm and not r.Form, which mixes in the
// URL. An http.TimeoutHandler belongs in front, because inside it would let a
// message come again while its handler still runs.
//
// It returns an error wrapping ErrConfig for a nil checker, for content types
// that are none, and for a Source or a Replay that is not usable.
func Middleware(c Checker, o *HandlerOptions) (func(next http.Handler) http.Handler, error) {
	g, err := newGate(c, o)
	if err != nil {
		return nil, err
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { g.pass(w, r, next) })
	}, nil
}

func (g *gate) pass(w http.ResponseWriter, r *http.Request, next http.Handler) {
	a, ok := g.admit(w, r)
	if !ok {
		return
	}
	a.body.Reset(a.receipt.Body)
	r = r.WithContext(&a.ctx)
	r.Body = &a.body
	r.ContentLength = int64(len(a.receipt.Body))
	if a.held.key == "" {
		next.ServeHTTP(w, r)
		return
	}
	defer g.settle(a, 0, false) // a panic
	a.writer.ResponseWriter = w
	next.ServeHTTP(&a.writer, r)
	status := a.writer.outcome()
	g.settle(a, status, status >= 200 && status <= 299)
}

// gate is what Middleware and Handler have in common: everything up to the
// receipt.
type gate struct {
	checker   Checker
	challenge string
	source    *sources
	replay    *guard
	opts      HandlerOptions

	// takesFlawed: a message without its replay key is let through, with the
	// flaw in its admission.
	takesFlawed bool
}

// admission is a request that was let through. It is one allocation: its fields
// are handed out by their addresses.
type admission struct {
	ctx     receiptContext
	receipt Receipt
	body    bodyReader
	writer  statusWriter
	held    reservation
	flaw    error
}

// receiptContext is the context of a request with the receipt in it.
type receiptContext struct {
	context.Context //nolint:containedctx // it is a context itself
	receipt         *Receipt
}

func (c *receiptContext) Value(key any) any {
	if _, ok := key.(receiptKey); ok {
		return c.receipt
	}
	return c.Context.Value(key)
}

// bodyReader is the body of a request once more.
type bodyReader struct{ bytes.Reader }

func (*bodyReader) Close() error { return nil }

func newGate(c Checker, o *HandlerOptions) (*gate, error) {
	if c == nil {
		return nil, configError("the checker is nil")
	}
	g := &gate{checker: c, challenge: c.Proves().Challenge}
	if o != nil {
		g.opts = *o
	}
	if g.opts.MaxBody == 0 {
		g.opts.MaxBody = defaultMaxBody
	}
	if g.opts.Logger == nil {
		g.opts.Logger = slog.New(slog.DiscardHandler)
	}
	g.opts.ContentTypes = slices.Clone(g.opts.ContentTypes)
	for i, ct := range g.opts.ContentTypes {
		media, params, err := mime.ParseMediaType(ct)
		if err != nil || len(params) != 0 || !strings.Contains(media, "/") {
			return nil, configError("ContentTypes holds something that is no media type without parameters")
		}
		g.opts.ContentTypes[i] = media
	}
	var err error
	if g.source, err = newSources(g.opts.Source); err != nil {
		return nil, err
	}
	if g.replay, err = newGuard(c, g.opts.Replay); err != nil {
		return nil, err
	}
	return g, nil
}

// admit verifies a request and reserves its message, or answers it and reports
// false.
func (g *gate) admit(w http.ResponseWriter, r *http.Request) (*admission, bool) {
	a, status, err := g.check(w, r)
	if err == nil && g.replay != nil {
		a.held, err = g.replay.reserve(&a.ctx, &a.receipt)
		switch {
		case err == nil && a.held.key == "":
			g.replayed(a)
			answer(w, http.StatusOK)
			return nil, false
		case errors.Is(err, ErrUndecodable) && g.takesFlawed:
			a.flaw, err = err, nil
		case errors.Is(err, ErrUndecodable):
			status = http.StatusBadRequest
		case errors.Is(err, ErrInFlight), errors.Is(err, ErrReplayStore):
			status = http.StatusServiceUnavailable
		case err != nil:
			status = http.StatusInternalServerError
		}
	}
	if err != nil {
		g.refuse(w, r, status, err)
		return nil, false
	}
	return a, true
}

func (g *gate) replayed(a *admission) {
	g.opts.Logger.LogAttrs(&a.ctx, slog.LevelInfo, "webhook replayed", slog.String("key_id", a.receipt.KeyID))
	if g.opts.OnReplayed != nil {
		g.opts.OnReplayed(&a.ctx, &a.receipt)
	}
}

// settle records the outcome of a message that was reserved, the first time that
// it is called.
func (g *gate) settle(a *admission, status int, finished bool) {
	held := a.held
	if held.key == "" {
		return
	}
	a.held = reservation{}
	if err := g.replay.settle(&a.ctx, held, &a.receipt, finished); err != nil {
		g.fail(&a.ctx, &Failure{Receipt: a.receipt, Status: max(status, 0), Err: err})
	}
}

func (g *gate) fail(ctx context.Context, f *Failure) {
	g.opts.Logger.LogAttrs(ctx, slog.LevelError, "webhook failed",
		slog.Int("status", f.Status), slog.String("key_id", f.Receipt.KeyID), slog.Any("error", f.Err))
	if g.opts.OnFailed != nil {
		g.opts.OnFailed(ctx, f)
	}
}

func (g *gate) check(w http.ResponseWriter, r *http.Request) (*admission, int, error) {
	if g.source != nil {
		if err := g.source.admit(r); err != nil {
			return nil, http.StatusForbidden, err
		}
	}
	switch {
	case r.Method != http.MethodPost:
		return nil, http.StatusMethodNotAllowed, &Error{Err: ErrMethod}
	case !g.takes(r.Header["Content-Type"]):
		return nil, http.StatusUnsupportedMediaType, &Error{Header: "Content-Type", Err: ErrContentType}
	case g.challenge != "" && r.TLS == nil && !g.opts.AllowPlaintext:
		return nil, http.StatusUnauthorized, &Error{
			Header: "Authorization",
			Reason: "behind a proxy that ends TLS, set AllowPlaintext",
			Err:    ErrPlaintext,
		}
	}
	body, status, err := readBody(w, r, g.opts.MaxBody)
	if err != nil {
		return nil, status, err
	}
	rc, err := g.checker.Verify(r.Header, body)
	switch {
	case err == nil:
		if rc.Body == nil { // a host's own checker may leave it out
			rc.Body = body
		}
		a := &admission{receipt: rc}
		a.ctx = receiptContext{Context: r.Context(), receipt: &a.receipt}
		return a, 0, nil
	case errors.Is(err, ErrConfig):
		return nil, http.StatusInternalServerError, err
	}
	return nil, http.StatusUnauthorized, err
}

func (g *gate) takes(lines []string) bool {
	if len(g.opts.ContentTypes) == 0 {
		return true
	}
	if len(lines) != 1 {
		return false
	}
	media, _, err := mime.ParseMediaType(lines[0])
	return err == nil && slices.Contains(g.opts.ContentTypes, media)
}

func (g *gate) refuse(w http.ResponseWriter, r *http.Request, status int, err error) {
	switch status {
	case http.StatusMethodNotAllowed:
		w.Header().Set("Allow", http.MethodPost)
	case http.StatusUnauthorized:
		if g.challenge != "" {
			w.Header().Set("WWW-Authenticate", g.challenge)
		}
	case http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", retryAfter)
	}
	ctx, level := r.Context(), slog.LevelWarn
	switch {
	case errors.Is(err, ErrInFlight):
		level = slog.LevelInfo
	case errors.Is(err, ErrReplayStore):
		level = slog.LevelError
	}
	g.opts.Logger.LogAttrs(ctx, level, "webhook refused",
		slog.Int("status", status), slog.Any("error", err))
	if g.opts.OnRefused != nil {
		g.opts.OnRefused(ctx, &Refusal{Request: r, Status: status, Err: err})
	}
	answer(w, status)
}

// answer writes a status with a body that says no more than the status does.
func answer(w http.ResponseWriter, status int) {
	if status == http.StatusOK {
		w.WriteHeader(status)
		return
	}
	http.Error(w, http.StatusText(status), status)
}
