package verify_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"example.com/paperround/sign"
	"example.com/paperround/verify"
)

// receiver is a handler behind Middleware that remembers what it saw.
type receiver struct {
	http.Handler
	bodies   []string
	receipt  verify.Receipt
	refusals []*verify.Refusal
	log      bytes.Buffer
}

func newReceiver(t *testing.T, c verify.Checker, o verify.HandlerOptions) *receiver {
	t.Helper()
	r := new(receiver)
	o.OnRefused = func(_ context.Context, f *verify.Refusal) { r.refusals = append(r.refusals, f) }
	o.Logger = slog.New(slog.NewTextHandler(&r.log, nil))
	mw, err := verify.Middleware(c, &o)
	require.NoError(t, err)
	r.Handler = mw(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		rc, ok := verify.FromContext(req.Context())
		if err != nil || int64(len(body)) != req.ContentLength || !ok {
			panic("the request behind the check is not whole")
		}
		r.bodies, r.receipt = append(r.bodies, string(body)), rc
	}))
	return r
}

func inplayer(t *testing.T) *verify.Verifier {
	t.Helper()
	v, err := verify.New(sign.InPlayer(), ringOf(t, hexSecret), nil)
	require.NoError(t, err)
	return v
}

// request is an authentic InPlayer request.
func request(t *testing.T, body string) *http.Request {
	t.Helper()
	req := httptest.NewRequest(http.MethodPost, "/hook", strings.NewReader(body))
	req.Header = signed(t, sign.InPlayer(), ringOf(t, hexSecret), "", []byte(body))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	return req
}

func serve(h http.Handler, req *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	return w
}

func TestMiddlewareAccepts(t *testing.T) {
	t.Parallel()
	r := newReceiver(t, inplayer(t), verify.HandlerOptions{})
	req := request(t, hexBody)
	before := req.Body
	res := serve(r, req)
	require.Equal(t, http.StatusOK, res.Code)
	require.Equal(t, []string{hexBody}, r.bodies)
	require.Equal(t, "inplayer", r.receipt.Scheme)
	require.Equal(t, hexBody, string(r.receipt.Body))
	require.Empty(t, r.refusals)
	require.Empty(t, r.log.String())
	require.Equal(t, before, req.Body, "the caller's request is left alone")
	_, ok := verify.FromContext(t.Context())
	require.False(t, ok)
}

// One answer for all of these, so that a peer learns nothing.
func TestMiddlewareUnauthorized(t *testing.T) {
	t.Parallel()
	var answers []string
	for name, tc := range map[string]struct {
		change func(*http.Request)
		err    error
	}{
		"missing":   {func(r *http.Request) { r.Header.Del("X-InPlayer-Signature") }, verify.ErrMissing},
		"malformed": {func(r *http.Request) { r.Header.Set("X-InPlayer-Signature", "sha256=") }, verify.ErrMalformed},
		"too many":  {func(r *http.Request) { r.Header.Add("X-InPlayer-Signature", "sha256=") }, verify.ErrTooMany},
		"no match":  {func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader(strings.Repeat("x", len(hexBody)))) }, verify.ErrNoMatch},
	} {
		r := newReceiver(t, inplayer(t), verify.HandlerOptions{})
		req := request(t, hexBody)
		tc.change(req)
		res := serve(r, req)
		require.Equal(t, http.StatusUnauthorized, res.Code, name)
		require.Empty(t, res.Header().Get("WWW-Authenticate"))
		require.Empty(t, r.bodies, name)
		require.Len(t, r.refusals, 1)
		require.ErrorIs(t, r.refusals[0].Err, tc.err)
		require.Equal(t, http.StatusUnauthorized, r.refusals[0].Status)
		require.Equal(t, "/hook", r.refusals[0].Request.URL.Path)
		require.Contains(t, r.log.String(), "webhook refused")
		require.Contains(t, r.log.String(), "status=401")
		answers = append(answers, res.Body.String())
	}
	for _, v := range []struct {
		now int64
		err error
	}{{1614265631, verify.ErrTooOld}, {1614265029, verify.ErrTooNew}} {
		r := newReceiver(t, standard(t, &verify.Options{Now: clock(v.now)}), verify.HandlerOptions{})
		req := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(swBody))
		req.Header = swHeader()
		res := serve(r, req)
		require.Equal(t, http.StatusUnauthorized, res.Code)
		require.ErrorIs(t, r.refusals[0].Err, v.err)
		answers = append(answers, res.Body.String())
	}
	for _, answer := range answers {
		require.Equal(t, "Unauthorized\n", answer)
	}
}

func TestMiddlewareMethod(t *testing.T) {
	t.Parallel()
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPut, http.MethodOptions, http.MethodDelete, "post"} {
		r := newReceiver(t, inplayer(t), verify.HandlerOptions{})
		req := request(t, hexBody)
		req.Method = method
		res := serve(r, req)
		require.Equal(t, http.StatusMethodNotAllowed, res.Code, method)
		require.Equal(t, "POST", res.Header().Get("Allow"))
		require.Empty(t, r.bodies)
		require.ErrorIs(t, r.refusals[0].Err, verify.ErrMethod)
	}
}

func TestMiddlewareContentType(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		allowed []string
		sent    []string
		status  int
	}{
		"any":             {nil, []string{"text/plain"}, 200},
		"any, none sent":  {nil, nil, 200},
		"exact":           {[]string{"application/json"}, []string{"application/json"}, 200},
		"with parameter":  {[]string{"application/json"}, []string{"application/json; charset=utf-8"}, 200},
		"in another case": {[]string{"Application/JSON"}, []string{"application/json"}, 200},
		"second of two":   {[]string{"application/json", "text/json"}, []string{"text/json"}, 200},
		"another":         {[]string{"application/json"}, []string{"text/plain"}, 415},
		"a longer one":    {[]string{"application/json"}, []string{"application/jsonx"}, 415},
		"none":            {[]string{"application/json"}, nil, 415},
		"two lines":       {[]string{"application/json"}, []string{"application/json", "application/json"}, 415},
		"broken":          {[]string{"application/json"}, []string{"application/json; charset"}, 415},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newReceiver(t, inplayer(t), verify.HandlerOptions{ContentTypes: tc.allowed})
			req := request(t, hexBody)
			req.Header["Content-Type"] = tc.sent
			require.Equal(t, tc.status, serve(r, req).Code)
			if tc.status != 200 {
				require.ErrorIs(t, r.refusals[0].Err, verify.ErrContentType)
			}
		})
	}
}

// unsized hides the length of a body, as chunked transfer does.
type unsized struct{ io.Reader }

func (unsized) Close() error { return nil }

func TestMiddlewareBody(t *testing.T) { // 67-69
	t.Parallel()
	const limit = 1000
	exact, over := strings.Repeat("x", limit), strings.Repeat("x", limit+1)
	for name, tc := range map[string]struct {
		sent   string // What is signed and declared.
		body   io.ReadCloser
		length int64
		max    int64
		status int
		err    error
	}{
		"67 at the limit":                {exact, unsized{strings.NewReader(exact)}, limit, limit, 200, nil},
		"67 at the limit, chunked":       {exact, unsized{strings.NewReader(exact)}, -1, limit, 200, nil},
		"67 byte by byte":                {exact, unsized{iotest.OneByteReader(strings.NewReader(exact))}, -1, limit, 200, nil},
		"67 the end with the last bytes": {exact, unsized{iotest.DataErrReader(strings.NewReader(exact))}, -1, limit, 200, nil},
		"67 over the limit":              {over, unsized{strings.NewReader(over)}, limit + 1, limit, 413, verify.ErrTooLarge},
		"67 over the limit, chunked":     {over, unsized{strings.NewReader(over)}, -1, limit, 413, verify.ErrTooLarge},
		"67 the length lies":             {over, unsized{strings.NewReader(over)}, 10, limit, 413, verify.ErrTooLarge},
		"67 only the length is over":     {exact, unsized{strings.NewReader(exact)}, limit + 1, limit, 413, verify.ErrTooLarge},
		"67 no limit":                    {over, unsized{strings.NewReader(over)}, -1, -1, 200, nil},
		"67 no limit, a huge length":     {over, unsized{strings.NewReader(over)}, 1 << 60, -1, 500, verify.ErrConsumed},
		"67 default limit":               {strings.Repeat("x", 1<<20), unsized{strings.NewReader(strings.Repeat("x", 1<<20))}, -1, 0, 200, nil},
		"67 over the default":            {"", unsized{strings.NewReader(strings.Repeat("x", 1<<20+1))}, -1, 0, 413, verify.ErrTooLarge},
		"68 consumed":                    {"", unsized{strings.NewReader("")}, limit, limit, 500, verify.ErrConsumed},
		"68 consumed in part":            {exact, unsized{strings.NewReader(exact[1:])}, limit, limit, 500, verify.ErrConsumed},
		"68 consumed and closed":         {"", unsized{iotest.ErrReader(http.ErrBodyReadAfterClose)}, limit, limit, 500, verify.ErrConsumed},
		"68 gone altogether":             {"", nil, limit, limit, 500, verify.ErrConsumed},
		"69 error in the middle":         {exact, unsized{io.MultiReader(strings.NewReader(exact[:500]), iotest.ErrReader(errors.New("reset")))}, limit, limit, 400, verify.ErrUnreadable},
		"69 broken off":                  {exact, unsized{iotest.ErrReader(io.ErrUnexpectedEOF)}, limit, limit, 400, verify.ErrUnreadable},
		"no body, signed as such":        {"", http.NoBody, 0, limit, 200, nil},
		"nil body, signed as such":       {"", nil, 0, limit, 200, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newReceiver(t, inplayer(t), verify.HandlerOptions{MaxBody: tc.max})
			req := request(t, tc.sent)
			req.Body, req.ContentLength = tc.body, tc.length
			res := serve(r, req)
			require.Equal(t, tc.status, res.Code)
			if tc.err != nil {
				require.Empty(t, r.bodies)
				require.ErrorIs(t, r.refusals[0].Err, tc.err)
				return
			}
			require.Equal(t, []string{tc.sent}, r.bodies)
		})
	}
}

// Over a real connection: a body over the limit, with and without a length, and
// one that breaks off.
func TestMiddlewareOverHTTP(t *testing.T) {
	t.Parallel()
	mw, err := verify.Middleware(inplayer(t), &verify.HandlerOptions{MaxBody: 1 << 10})
	require.NoError(t, err)
	srv := httptest.NewServer(mw(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(w, r.Body)
	})))
	t.Cleanup(srv.Close)
	for name, tc := range map[string]struct {
		size    int
		chunked bool
		status  int
	}{
		"at the limit":          {1 << 10, false, 200},
		"at the limit, chunked": {1 << 10, true, 200},
		"over":                  {1<<10 + 1, false, 413},
		"over, chunked":         {1<<10 + 1, true, 413},
		"far over, chunked":     {1 << 20, true, 413},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body := strings.Repeat("x", tc.size)
			var src io.Reader = strings.NewReader(body)
			if tc.chunked {
				src = unsized{src}
			}
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.URL, src)
			require.NoError(t, err)
			req.Header = request(t, body).Header
			res, err := srv.Client().Do(req)
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, res.Body.Close()) })
			require.Equal(t, tc.status, res.StatusCode)
			if tc.status == 200 {
				got, err := io.ReadAll(res.Body)
				require.NoError(t, err)
				require.Equal(t, body, string(got))
			}
		})
	}
}

func TestMiddlewareBasic(t *testing.T) {
	t.Parallel()
	basic, err := verify.NewBasic(credential("", "key", "secret"))
	require.NoError(t, err)
	grouped, err := verify.All(inplayer(t), basic)
	require.NoError(t, err)
	nested, err := verify.All(grouped)
	require.NoError(t, err)
	for name, tc := range map[string]struct {
		checker  verify.Checker
		tls      bool
		allow    bool
		password string
		status   int
		err      error
	}{
		"over TLS":               {basic, true, false, "secret", 200, nil},
		"wrong, over TLS":        {basic, true, false, "wrong", 401, verify.ErrNoMatch},
		"plain":                  {basic, false, false, "secret", 401, verify.ErrPlaintext},
		"plain, wrong":           {basic, false, false, "wrong", 401, verify.ErrPlaintext},
		"plain, allowed":         {basic, false, true, "secret", 200, nil},
		"plain, allowed, wrong":  {basic, false, true, "wrong", 401, verify.ErrNoMatch},
		"in a group, plain":      {grouped, false, false, "secret", 401, verify.ErrPlaintext},
		"in a group, TLS":        {grouped, true, false, "secret", 200, nil},
		"in two groups, plain":   {nested, false, false, "secret", 401, verify.ErrPlaintext},
		"in two groups, allowed": {nested, false, true, "secret", 200, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newReceiver(t, tc.checker, verify.HandlerOptions{AllowPlaintext: tc.allow})
			req := request(t, hexBody)
			req.SetBasicAuth("key", tc.password)
			if tc.tls {
				req.TLS = new(tls.ConnectionState)
			}
			res := serve(r, req)
			require.Equal(t, tc.status, res.Code)
			if tc.err == nil {
				require.Equal(t, "1", r.receipt.Credential)
				return
			}
			require.ErrorIs(t, r.refusals[0].Err, tc.err)
			require.Equal(t, `Basic realm="webhooks", charset="UTF-8"`, res.Header().Get("WWW-Authenticate"))
			require.Equal(t, "Unauthorized\n", res.Body.String())
		})
	}
}

func TestMiddlewareAnswersItsOwnFaults(t *testing.T) {
	t.Parallel()
	ring := ringOf(t, strings.Repeat("k", 16))
	v, err := verify.New(sign.Cleeng("X-InPlayer-Signature", sign.Hex), ring, nil)
	require.NoError(t, err)
	require.NoError(t, ring.Replace(sign.Key{Secret: sign.NewSecret("short")}))
	r := newReceiver(t, v, verify.HandlerOptions{})
	res := serve(r, request(t, hexBody))
	require.Equal(t, http.StatusInternalServerError, res.Code)
	require.Equal(t, "Internal Server Error\n", res.Body.String())
	require.ErrorIs(t, r.refusals[0].Err, verify.ErrConfig)
	require.Empty(t, r.bodies)
}

func TestMiddlewareForeignChecker(t *testing.T) {
	t.Parallel()
	r := newReceiver(t, fixed{err: errors.New("no")}, verify.HandlerOptions{})
	require.Equal(t, http.StatusUnauthorized, serve(r, request(t, hexBody)).Code)
	r = newReceiver(t, fixed{receipt: verify.Receipt{ID: "x", Body: []byte("rest")}}, verify.HandlerOptions{})
	require.Equal(t, http.StatusOK, serve(r, request(t, hexBody)).Code)
	require.Equal(t, "x", r.receipt.ID)
}

func TestMiddlewareRefuses(t *testing.T) {
	t.Parallel()
	_, err := verify.Middleware(nil, nil)
	require.ErrorIs(t, err, verify.ErrConfig)
	for _, ct := range []string{"", "json", "application/json; charset=utf-8", "application/", "a/b/c"} {
		_, err = verify.Middleware(fixed{}, &verify.HandlerOptions{ContentTypes: []string{ct}})
		require.ErrorIs(t, err, verify.ErrConfig, ct)
	}
	given := []string{"Application/JSON"}
	_, err = verify.Middleware(fixed{}, &verify.HandlerOptions{ContentTypes: given})
	require.NoError(t, err)
	require.Equal(t, "Application/JSON", given[0], "the caller's slice is left alone")
}

// Nothing of a request's secrets reaches the log or the answer.
func TestMiddlewareKeepsSecrets(t *testing.T) {
	t.Parallel()
	basic, err := verify.NewBasic(credential("", "key", "hunter2"))
	require.NoError(t, err)
	both, err := verify.All(inplayer(t), basic)
	require.NoError(t, err)
	r := newReceiver(t, both, verify.HandlerOptions{AllowPlaintext: true})
	req := request(t, hexBody)
	req.SetBasicAuth("key", "hunter3")
	res := serve(r, req)
	out := r.log.String() + res.Body.String() + r.refusals[0].Err.Error()
	for _, secret := range []string{"hunter", hexSecret + "\n", hexTag, hexBody, req.Header.Get("Authorization")[6:]} {
		require.NotContains(t, out, secret)
	}
}

// anyone is a host's own checker that fills in nothing.
type anyone struct{}

func (anyone) Proves() verify.Proof { return verify.Proof{} }

func (anyone) Verify(http.Header, []byte) (verify.Receipt, error) { return verify.Receipt{}, nil }

func TestMiddlewareKeepsTheBodyForAnyChecker(t *testing.T) {
	t.Parallel()
	mw, err := verify.Middleware(anyone{}, nil)
	require.NoError(t, err)
	var got []byte
	h := mw(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got, _ = io.ReadAll(r.Body) }))
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/", strings.NewReader("hello")))
	require.Equal(t, "hello", string(got))
}

// A body without a declared length that something in front has read is missed
// also where no signature would tell.
func TestMiddlewareMissesAChunkedBody(t *testing.T) {
	t.Parallel()
	var refused []error
	mw, err := verify.Middleware(anyone{}, &verify.HandlerOptions{
		OnRefused: func(_ context.Context, r *verify.Refusal) { refused = append(refused, r.Err) },
	})
	require.NoError(t, err)
	h := mw(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("reached the handler") }))
	req := httptest.NewRequest(http.MethodPost, "/", io.NopCloser(strings.NewReader("")))
	req.ContentLength = -1
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	require.Equal(t, http.StatusInternalServerError, w.Code)
	require.Len(t, refused, 1)
	require.ErrorIs(t, refused[0], verify.ErrConsumed)
}
