package verify

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"slices"
	"strings"
)

const defaultMaxBody = 1 << 20

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

	// OnRefused, if set, is called for each request that is refused before
	// it reaches a route, and for bodies nobody could decode. The reason is
	// for logs and metrics; the peer does not see it. Requests come at once,
	// so it must be safe for concurrent use, as must OnFailed.
	OnRefused func(context.Context, *Refusal)

	// OnFailed, if set, is called when a route returned an error.
	OnFailed func(context.Context, *Failure)

	// Logger gets what OnRefused and OnFailed get. Nil: silent.
	Logger *slog.Logger
}

// Refusal is a request that was refused.
type Refusal struct {
	Request *http.Request // Its body may be read already.
	Status  int           // What was answered.
	Err     error         // Why; an *Error unless a host's own Checker made it.
}

// Failure is an authentic message whose route returned an error.
type Failure struct {
	Receipt Receipt
	Status  int   // What was answered: 500, 410, or 200 after Permanent.
	Err     error // What the route returned.
}

// Middleware returns a function that puts a check in front of a handler, which
// must not be nil. The body is read once, within the limit, and verified; next
// then finds it unread in the request, and the receipt through FromContext.
// What is refused never reaches next.
//
// Answers: 405 with Allow for a method other than POST, 415, 413, 400 for an
// unreadable body, 401 with one and the same body whenever the message is not
// authentic, and 500 when the receiving side is set up wrongly (no key valid, a
// body that something in front has consumed), so that the sender tries again.
//
// It returns an error wrapping ErrConfig for a nil checker and for content types
// that are none.
func Middleware(c Checker, o *HandlerOptions) (func(next http.Handler) http.Handler, error) {
	g, err := newGate(c, o)
	if err != nil {
		return nil, err
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			rc, ok := g.admit(w, r)
			if !ok {
				return
			}
			r = r.WithContext(withReceipt(r.Context(), rc))
			r.Body = io.NopCloser(bytes.NewReader(rc.Body))
			r.ContentLength = int64(len(rc.Body))
			next.ServeHTTP(w, r)
		})
	}, nil
}

// gate is what Middleware and Handler have in common: everything up to the
// receipt.
type gate struct {
	checker   Checker
	challenge string
	opts      HandlerOptions
}

func newGate(c Checker, o *HandlerOptions) (*gate, error) {
	if c == nil {
		return nil, configError("the checker is nil")
	}
	g := &gate{checker: c, challenge: challengeOf(c)}
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
	return g, nil
}

// admit verifies a request, or answers it and reports false.
func (g *gate) admit(w http.ResponseWriter, r *http.Request) (*Receipt, bool) {
	rc, status, err := g.check(w, r)
	if err != nil {
		g.refuse(w, r, status, err)
		return nil, false
	}
	return rc, true
}

func (g *gate) check(w http.ResponseWriter, r *http.Request) (*Receipt, int, error) {
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
		return &rc, 0, nil
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
	}
	ctx := r.Context()
	g.opts.Logger.LogAttrs(ctx, slog.LevelWarn, "webhook refused",
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
