package verify_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/paperround/verify"
)

func TestHandlerAnswers(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	var (
		onCreated = func(err error) verify.Route {
			return verify.On(func(_ context.Context, d *verify.Delivery[*created]) error {
				if d.Event.id != "7" || string(d.Receipt.Body) != "created" || d.Receipt.KeyID != "1" {
					return errors.New("wrong delivery")
				}
				return err
			})
		}
		otherwise = func(err error) verify.Route {
			return verify.Otherwise(func(_ context.Context, d *verify.Delivery[any]) error {
				if d.Event == nil || d.Receipt.KeyID != "1" {
					return errors.New("wrong delivery")
				}
				return err
			})
		}
		undecodable = func(err error) verify.Route {
			return verify.Undecodable(func(_ context.Context, u *verify.Undecoded) error {
				if u.Err == nil || len(u.Receipt.Body) == 0 {
					return errors.New("wrong delivery")
				}
				return err
			})
		}
	)
	for name, tc := range map[string]struct {
		body    string
		routes  []verify.Route
		status  int
		failed  error
		refused error
	}{
		"taken":                            {"created", []verify.Route{onCreated(nil)}, 200, nil, nil},
		"failed":                           {"created", []verify.Route{onCreated(broken)}, 500, broken, nil},
		"permanent":                        {"created", []verify.Route{onCreated(verify.Permanent(broken))}, 200, broken, nil},
		"permanent, wrapped":               {"created", []verify.Route{onCreated(fmt.Errorf("route: %w", verify.Permanent(broken)))}, 200, broken, nil},
		"permanent of nothing":             {"created", []verify.Route{onCreated(verify.Permanent(nil))}, 200, nil, nil},
		"gone":                             {"created", []verify.Route{onCreated(verify.ErrGone)}, 410, verify.ErrGone, nil},
		"gone, wrapped":                    {"created", []verify.Route{onCreated(fmt.Errorf("tenant: %w", verify.ErrGone))}, 410, verify.ErrGone, nil},
		"gone for good":                    {"created", []verify.Route{onCreated(verify.Permanent(verify.ErrGone))}, 410, verify.ErrGone, nil},
		"canceled":                         {"created", []verify.Route{onCreated(context.Canceled)}, 500, context.Canceled, nil},
		"its own route before Otherwise":   {"created", []verify.Route{otherwise(broken), onCreated(nil)}, 200, nil, nil},
		"no route":                         {"deleted", []verify.Route{onCreated(broken)}, 200, nil, nil},
		"no route, Otherwise":              {"deleted", []verify.Route{onCreated(broken), otherwise(nil)}, 200, nil, nil},
		"no route, Otherwise fails":        {"deleted", []verify.Route{otherwise(broken)}, 500, broken, nil},
		"unknown topic":                    {"whatever", []verify.Route{onCreated(broken)}, 200, nil, nil},
		"unknown topic, Otherwise fails":   {"whatever", []verify.Route{otherwise(broken)}, 500, broken, nil},
		"unknown topic, a route for it":    {"whatever", []verify.Route{verify.On(func(context.Context, *verify.Delivery[*unknown]) error { return broken })}, 500, broken, nil},
		"value type":                       {"value", []verify.Route{verify.On(func(context.Context, *verify.Delivery[byValue]) error { return broken })}, 500, broken, nil},
		"undecodable":                      {"broken", []verify.Route{otherwise(nil)}, 400, nil, errBroken},
		"undecodable, taken":               {"broken", []verify.Route{otherwise(broken), undecodable(nil)}, 200, nil, nil},
		"undecodable, not taken":           {"broken", []verify.Route{otherwise(nil), undecodable(broken)}, 500, broken, nil},
		"undecodable, permanent":           {"broken", []verify.Route{otherwise(nil), undecodable(verify.Permanent(broken))}, 200, broken, nil},
		"undecodable, its own error again": {"broken", []verify.Route{otherwise(nil), undecodable(verify.ErrUndecodable)}, 500, verify.ErrUndecodable, nil},
		"codec returns nothing":            {"nothing", []verify.Route{otherwise(nil)}, 400, nil, verify.ErrUndecodable},
		"codec returns nothing, taken":     {"nothing", []verify.Route{otherwise(broken), undecodable(nil)}, 200, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := verify.NewRouter(codec{}, tc.routes...)
			require.NoError(t, err)
			var failures []*verify.Failure
			var refusals []*verify.Refusal
			var log bytes.Buffer
			h, err := verify.Handler(inplayer(t), r, &verify.HandlerOptions{
				OnFailed:  func(_ context.Context, f *verify.Failure) { failures = append(failures, f) },
				OnRefused: func(_ context.Context, f *verify.Refusal) { refusals = append(refusals, f) },
				Logger:    slog.New(slog.NewTextHandler(&log, nil)),
			})
			require.NoError(t, err)
			res := serve(h, request(t, tc.body))
			require.Equal(t, tc.status, res.Code)
			if tc.status == 200 {
				require.Empty(t, res.Body.String())
			} else {
				require.Equal(t, http.StatusText(tc.status)+"\n", res.Body.String())
			}
			if tc.failed == nil {
				require.Empty(t, failures)
			} else {
				require.Len(t, failures, 1)
				require.ErrorIs(t, failures[0].Err, tc.failed)
				require.Equal(t, tc.status, failures[0].Status)
				require.Equal(t, tc.body, string(failures[0].Receipt.Body))
				require.Contains(t, log.String(), "webhook failed")
			}
			unrouted := name == "no route" || name == "unknown topic"
			require.Equal(t, unrouted, strings.Contains(log.String(), "webhook has no route"), "a drop is told")
			if tc.refused == nil {
				require.Empty(t, refusals)
			} else {
				require.Len(t, refusals, 1)
				require.ErrorIs(t, refusals[0].Err, tc.refused)
				require.ErrorIs(t, refusals[0].Err, verify.ErrUndecodable)
			}
		})
	}
}

func TestHandlerRefusesFirst(t *testing.T) {
	t.Parallel()
	called := false
	r, err := verify.NewRouter(codec{},
		verify.Otherwise(func(context.Context, *verify.Delivery[any]) error { called = true; return nil }),
		verify.Undecodable(func(context.Context, *verify.Undecoded) error { called = true; return nil }))
	require.NoError(t, err)
	h, err := verify.Handler(inplayer(t), r, nil)
	require.NoError(t, err)
	for _, body := range []string{"created", "broken"} {
		req := request(t, body)
		req.Header.Del("X-InPlayer-Signature")
		require.Equal(t, http.StatusUnauthorized, serve(h, req).Code)
	}
	req := request(t, "created")
	req.Method = http.MethodGet
	require.Equal(t, http.StatusMethodNotAllowed, serve(h, req).Code)
	require.False(t, called)
}

func TestHandlerContext(t *testing.T) {
	t.Parallel()
	type key struct{}
	r, err := verify.NewRouter(codec{}, verify.On(func(ctx context.Context, d *verify.Delivery[*created]) error {
		rc, ok := verify.FromContext(ctx)
		if !ok || rc.KeyID != d.Receipt.KeyID || ctx.Value(key{}) != "value" {
			return errors.New("wrong context")
		}
		return nil
	}))
	require.NoError(t, err)
	h, err := verify.Handler(inplayer(t), r, nil)
	require.NoError(t, err)
	req := request(t, "created")
	req = req.WithContext(context.WithValue(req.Context(), key{}, "value"))
	require.Equal(t, http.StatusOK, serve(h, req).Code)
}

func TestHandlerLeavesPanicsAlone(t *testing.T) {
	t.Parallel()
	r, err := verify.NewRouter(codec{}, verify.On(func(context.Context, *verify.Delivery[*created]) error { panic("mine") }))
	require.NoError(t, err)
	h, err := verify.Handler(inplayer(t), r, nil)
	require.NoError(t, err)
	req := request(t, "created")
	require.PanicsWithValue(t, "mine", func() { serve(h, req) })
}

func TestNewHandlerRefuses(t *testing.T) {
	t.Parallel()
	r, err := verify.NewRouter(codec{}, verify.Otherwise(ignore[any]))
	require.NoError(t, err)
	_, err = verify.Handler(nil, r, nil)
	require.ErrorIs(t, err, verify.ErrConfig)
	_, err = verify.Handler(fixed{}, nil, nil)
	require.ErrorIs(t, err, verify.ErrConfig)
	_, err = verify.Handler(fixed{}, new(verify.Router), nil)
	require.ErrorIs(t, err, verify.ErrConfig)
	_, err = verify.Handler(fixed{}, r, &verify.HandlerOptions{ContentTypes: []string{"json"}})
	require.ErrorIs(t, err, verify.ErrConfig)
}

func TestPermanentKeepsItsCause(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	err := verify.Permanent(broken)
	require.ErrorIs(t, err, broken)
	require.EqualError(t, err, "broken")
}
