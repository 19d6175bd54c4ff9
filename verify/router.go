package verify

import (
	"context"
	"errors"
	"fmt"
	"reflect"
)

// Codec turns a body into an event. It must be safe for concurrent use. E is whatever type the codec's events have
// in common; the router tells them apart by their concrete type.
type Codec[E any] interface {
	// Decode decodes one body. A topic that the codec does not know is no
	// error but a value of a type of its own. Errors are logged: they must
	// not quote the body.
	Decode(body []byte) (E, error)

	// Yields reports whether Decode may return a value of type t.
	Yields(t reflect.Type) bool
}

// Delivery is one event with the proof of where it came from.
type Delivery[T any] struct {
	Event   T
	Receipt Receipt
}

// Undecoded is an authentic message whose body could not be decoded. The body
// is in the receipt.
type Undecoded struct {
	Receipt Receipt
	Err     error // What the codec said.
}

// Route is one entry of a Router, made by On, Otherwise or Undecodable. The zero
// value is refused by NewRouter.
type Route struct {
	kind routeKind
	typ  reflect.Type // For on.
	// Nil when the function given was nil.
	event     func(context.Context, any, Receipt) error // For on and otherwise.
	undecoded func(context.Context, *Undecoded) error
}

type routeKind uint8

const (
	none routeKind = iota
	on
	otherwise
	undecodable
)

// On routes events of type T, exactly as the codec returns them, to f, which must
// be safe for concurrent use, as that of every route.
func On[T any](f func(context.Context, *Delivery[T]) error) Route {
	r := Route{kind: on, typ: reflect.TypeFor[T]()}
	if f != nil {
		r.event = func(ctx context.Context, ev any, rc Receipt) error {
			return f(ctx, &Delivery[T]{Event: ev.(T), Receipt: rc})
		}
	}
	return r
}

// Otherwise routes the events that no On route takes to f, unknown topics among
// them. Without it they are acknowledged, logged at level info, and dropped.
func Otherwise(f func(context.Context, *Delivery[any]) error) Route {
	r := Route{kind: otherwise}
	if f != nil {
		r.event = func(ctx context.Context, ev any, rc Receipt) error {
			return f(ctx, &Delivery[any]{Event: ev, Receipt: rc})
		}
	}
	return r
}

// Undecodable routes authentic messages that could not be decoded to f, which
// should keep the body. Without it they are answered with 400.
func Undecodable(f func(context.Context, *Undecoded) error) Route {
	return Route{kind: undecodable, undecoded: f}
}

// Router decodes verified messages and calls the function for their type. It is
// immutable and safe for concurrent use. The zero value is refused by Handler.
type Router struct {
	decode    func([]byte) (any, error)
	on        map[reflect.Type]func(context.Context, any, Receipt) error
	otherwise func(context.Context, any, Receipt) error
	undecoded func(context.Context, *Undecoded) error
}

// NewRouter returns a router over a codec. It returns an error wrapping
// ErrConfig for anything that would leave a route silently dead: a nil codec, a
// nil function, two routes for one type, a type that the codec never yields, or
// no route for events at all.
func NewRouter[E any](c Codec[E], routes ...Route) (*Router, error) {
	if c == nil {
		return nil, configError("the codec is nil")
	}
	r := &Router{
		decode: func(body []byte) (any, error) { return c.Decode(body) },
		on:     make(map[reflect.Type]func(context.Context, any, Receipt) error),
	}
	for i := range routes {
		if flaw := r.add(&routes[i], c.Yields); flaw != "" {
			return nil, configError(fmt.Sprintf("route %d: %s", i+1, flaw))
		}
	}
	if len(r.on) == 0 && r.otherwise == nil {
		return nil, configError("no route takes events: give On or Otherwise")
	}
	return r, nil
}

func (r *Router) add(route *Route, yields func(reflect.Type) bool) (flaw string) {
	switch route.kind {
	case on:
		t := route.typ
		switch {
		case route.event == nil:
			return fmt.Sprintf("the function of On[%v] is nil", t)
		case r.on[t] != nil:
			return fmt.Sprintf("there is an On[%v] already", t)
		}
		if flaw := typeFlaw(t, yields); flaw != "" {
			return flaw
		}
		r.on[t] = route.event
	case otherwise:
		switch {
		case route.event == nil:
			return "the function of Otherwise is nil"
		case r.otherwise != nil:
			return "there is an Otherwise already"
		}
		r.otherwise = route.event
	case undecodable:
		switch {
		case route.undecoded == nil:
			return "the function of Undecodable is nil"
		case r.undecoded != nil:
			return "there is an Undecodable already"
		}
		r.undecoded = route.undecoded
	default:
		return "the zero Route is not usable: use On, Otherwise or Undecodable"
	}
	return ""
}

func typeFlaw(t reflect.Type, yields func(reflect.Type) bool) string {
	switch {
	case t.Kind() == reflect.Interface:
		return fmt.Sprintf("On[%v] takes an interface: name a concrete type, or use Otherwise", t)
	case yields(t):
		return ""
	case yields(reflect.PointerTo(t)):
		return fmt.Sprintf("On[%v] takes a value, and the codec yields pointers: write On[*%v]", t, t)
	case t.Kind() == reflect.Pointer && yields(t.Elem()):
		return fmt.Sprintf("On[%v] takes a pointer, and the codec yields values: write On[%v]", t, t.Elem())
	}
	return fmt.Sprintf("On[%v] is never called, because the codec yields no such type: use one of its own event types", t)
}

// noRoute is the failure of an event that no route takes.
type noRoute struct{ typ reflect.Type }

func (e *noRoute) Error() string { return fmt.Sprintf("verify: no route for %v", e.typ) }

// dispatch handles one verified message. What a route returned is failed, as is
// [*noRoute]; a body that could not be decoded and that no route takes is
// refused.
func (r *Router) dispatch(ctx context.Context, rc Receipt) (failed, refused error) {
	ev, err := r.decode(rc.Body)
	if err == nil && ev == nil {
		err = errors.New("verify: the codec returned neither an event nor an error")
	}
	if err != nil {
		if r.undecoded == nil {
			return nil, &Error{Scheme: rc.Scheme, Err: fmt.Errorf("%w: %w", ErrUndecodable, err)}
		}
		return r.undecoded(ctx, &Undecoded{Receipt: rc, Err: err}), nil
	}
	f := r.on[reflect.TypeOf(ev)]
	if f == nil {
		f = r.otherwise
	}
	if f == nil {
		return &noRoute{reflect.TypeOf(ev)}, nil
	}
	return f(ctx, ev, rc), nil
}
