package verify_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/paperround/sign"
	"example.com/paperround/verify"
)

// What next does with its ResponseWriter decides whether the message is finished.
func TestReplayOutcome(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		next     func(w http.ResponseWriter)
		finished bool
	}{
		"nothing":                  {func(http.ResponseWriter) {}, true},
		"200":                      {func(w http.ResponseWriter) { w.WriteHeader(200) }, true},
		"204":                      {func(w http.ResponseWriter) { w.WriteHeader(204) }, true},
		"299":                      {func(w http.ResponseWriter) { w.WriteHeader(299) }, true},
		"300":                      {func(w http.ResponseWriter) { w.WriteHeader(300) }, false},
		"400":                      {func(w http.ResponseWriter) { http.Error(w, "no", 400) }, false},
		"500":                      {func(w http.ResponseWriter) { w.WriteHeader(500) }, false},
		"a body":                   {func(w http.ResponseWriter) { _, _ = w.Write([]byte("ok")) }, true},
		"an empty body":            {func(w http.ResponseWriter) { _, _ = w.Write(nil) }, true},
		"a body, then 500":         {func(w http.ResponseWriter) { _, _ = w.Write([]byte("ok")); w.WriteHeader(500) }, true},
		"500, then 200":            {func(w http.ResponseWriter) { w.WriteHeader(500); w.WriteHeader(200) }, false},
		"informational, then 500":  {func(w http.ResponseWriter) { w.WriteHeader(103); w.WriteHeader(500) }, false},
		"informational, then none": {func(w http.ResponseWriter) { w.WriteHeader(102); w.WriteHeader(103) }, true},
		"switching protocols":      {func(w http.ResponseWriter) { w.WriteHeader(101) }, false},
		"flushed, then 500":        {func(w http.ResponseWriter) { w.(http.Flusher).Flush(); w.WriteHeader(500) }, true},
		"flushed otherwise":        {func(w http.ResponseWriter) { _ = http.NewResponseController(w).Flush(); w.WriteHeader(500) }, true},
		"copied":                   {func(w http.ResponseWriter) { _, _ = io.Copy(w, unsized{strings.NewReader("ok")}); w.WriteHeader(500) }, true},
		"copied from nothing":      {func(w http.ResponseWriter) { _, _ = io.Copy(w, unsized{strings.NewReader("")}); w.WriteHeader(500) }, false},
		"hijacked": {func(w http.ResponseWriter) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				panic(err)
			}
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
			_ = conn.Close()
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStore(t)
			settled := make(chan struct{}, 1)
			mw, err := verify.Middleware(verifier(t, sign.StandardWebhooks(), swSecret),
				&verify.HandlerOptions{Replay: &verify.Replay{Store: s, Scope: "test"}})
			require.NoError(t, err)
			h := mw(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { tc.next(w) }))
			srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				h.ServeHTTP(w, r)
				settled <- struct{}{}
			}))
			srv.Config.ErrorLog = silence()
			srv.Start()
			t.Cleanup(srv.Close)
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.URL, strings.NewReader("one"))
			require.NoError(t, err)
			req.Header = sent(t, sign.StandardWebhooks(), swSecret, "msg_1", "one").Header
			res, err := srv.Client().Do(req)
			require.NoError(t, err)
			require.NoError(t, res.Body.Close())
			<-settled
			want := "release"
			if tc.finished {
				want = "commit 11m0s"
			}
			require.Equal(t, []string{"reserve 1m0s", want}, s.calls)
		})
	}
}

// plainWriter can do nothing but write.
type plainWriter struct{ http.ResponseWriter }

// richWriter records what reaches the server's own.
type richWriter struct {
	*httptest.ResponseRecorder
	calls []string
}

func (w *richWriter) FlushError() error { w.calls = append(w.calls, "flush"); return nil }
func (w *richWriter) SetWriteDeadline(time.Time) error {
	w.calls = append(w.calls, "deadline")
	return nil
}

func (w *richWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	w.calls = append(w.calls, "hijack")
	return nil, nil, errors.New("not today")
}

func TestReplayWriterPassesOn(t *testing.T) {
	t.Parallel()
	run := func(w http.ResponseWriter, next func(w http.ResponseWriter)) {
		s := newStore(t)
		mw, err := verify.Middleware(verifier(t, sign.StandardWebhooks(), swSecret),
			&verify.HandlerOptions{Replay: &verify.Replay{Store: s, Scope: "test"}})
		require.NoError(t, err)
		defer func() { require.Equal(t, []string{"reserve 1m0s", "commit 11m0s"}, s.calls) }()
		mw(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { next(w) })).
			ServeHTTP(w, sent(t, sign.StandardWebhooks(), swSecret, "msg_1", "one"))
	}
	rich := &richWriter{ResponseRecorder: httptest.NewRecorder()}
	run(rich, func(w http.ResponseWriter) {
		c := http.NewResponseController(w)
		require.NoError(t, c.SetWriteDeadline(time.Now()))
		_, _, err := c.Hijack()
		require.ErrorContains(t, err, "not today")
		n, err := io.Copy(w, unsized{strings.NewReader("copied")})
		require.NoError(t, err)
		require.EqualValues(t, 6, n)
		require.NoError(t, c.Flush())
		w.(http.Flusher).Flush()
	})
	require.Equal(t, []string{"deadline", "hijack", "flush", "flush"}, rich.calls)
	require.Equal(t, "copied", rich.Body.String())
	run(plainWriter{httptest.NewRecorder()}, func(w http.ResponseWriter) {
		require.ErrorIs(t, http.NewResponseController(w).Flush(), http.ErrNotSupported)
		_, _, err := http.NewResponseController(w).Hijack()
		require.ErrorIs(t, err, http.ErrNotSupported)
	})
	// Without protection nothing stands between.
	mw, err := verify.Middleware(inplayer(t), nil)
	require.NoError(t, err)
	var own, got http.ResponseWriter = httptest.NewRecorder(), nil
	mw(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { got = w })).
		ServeHTTP(own, request(t, "one"))
	require.Equal(t, own, got)
}

// hijackable gives its connection away.
type hijackable struct{ http.ResponseWriter }

func (hijackable) Hijack() (net.Conn, *bufio.ReadWriter, error) { return nil, nil, nil }

// Nobody knows what a hijacked connection was answered.
func TestReplayHijacked(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	s.release = errors.New("down")
	var failures []*verify.Failure
	mw, err := verify.Middleware(verifier(t, sign.StandardWebhooks(), swSecret), &verify.HandlerOptions{
		Replay:   &verify.Replay{Store: s, Scope: "test"},
		OnFailed: func(_ context.Context, f *verify.Failure) { failures = append(failures, f) },
	})
	require.NoError(t, err)
	mw(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _, _ = http.NewResponseController(w).Hijack() })).
		ServeHTTP(hijackable{httptest.NewRecorder()}, sent(t, sign.StandardWebhooks(), swSecret, "msg_1", "one"))
	require.Len(t, failures, 1)
	require.Zero(t, failures[0].Status)
	require.ErrorIs(t, failures[0].Err, s.release)
}

// The context and the body that next finds behave like the request's own.
func TestMiddlewareRequest(t *testing.T) {
	t.Parallel()
	type key struct{}
	mw, err := verify.Middleware(inplayer(t), nil)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.WithValue(t.Context(), key{}, "value"))
	var r *http.Request
	h := mw(http.HandlerFunc(func(_ http.ResponseWriter, got *http.Request) { r = got }))
	require.Equal(t, http.StatusOK, serve(h, request(t, "one").WithContext(ctx)).Code)
	c := r.Context()
	require.Equal(t, "value", c.Value(key{}))
	child, stop := context.WithCancel(c)
	defer stop()
	for _, c := range []context.Context{c, child} {
		rc, ok := verify.FromContext(c)
		require.True(t, ok)
		require.Equal(t, "one", string(rc.Body))
	}
	_, ok := c.Deadline()
	require.False(t, ok)
	require.NoError(t, c.Err())
	cancel()
	<-child.Done()
	<-c.Done()
	require.ErrorIs(t, c.Err(), context.Canceled)
	require.NoError(t, r.Body.Close())
	var out strings.Builder
	n, err := io.Copy(&out, r.Body)
	require.NoError(t, err)
	require.EqualValues(t, 3, n)
	require.Equal(t, "one", out.String())
}

// wrapped is what another middleware puts around the server's ResponseWriter.
type wrapped struct{ http.ResponseWriter }

func (w wrapped) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// A server that goes on reading a body that is too long serves the sender of it.
func TestTooLargeCloses(t *testing.T) {
	t.Parallel()
	mw, err := verify.Middleware(inplayer(t), &verify.HandlerOptions{MaxBody: 1 << 10})
	require.NoError(t, err)
	h := mw(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("reached the handler") }))
	for name, front := range map[string]http.Handler{
		"plain":   h,
		"wrapped": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.ServeHTTP(wrapped{wrapped{w}}, r) }),
	} {
		srv := httptest.NewServer(front)
		t.Cleanup(srv.Close)
		for length, head := range map[string]string{
			"declared": "Content-Length: 2000\r\n\r\n" + strings.Repeat("x", 2000),
			"promised": "Content-Length: 2000\r\n\r\n",
			"chunked":  "Transfer-Encoding: chunked\r\n\r\n7d0\r\n" + strings.Repeat("x", 2000) + "\r\n0\r\n\r\n",
		} {
			t.Run(name+"/"+length, func(t *testing.T) {
				t.Parallel()
				var d net.Dialer
				conn, err := d.DialContext(t.Context(), "tcp", srv.Listener.Addr().String())
				require.NoError(t, err)
				t.Cleanup(func() { _ = conn.Close() })
				require.NoError(t, conn.SetDeadline(time.Now().Add(10*time.Second)))
				_, err = io.WriteString(conn, "POST / HTTP/1.1\r\nHost: example.org\r\n"+head)
				require.NoError(t, err)
				r := bufio.NewReader(conn)
				res, err := http.ReadResponse(r, nil)
				require.NoError(t, err)
				require.Equal(t, http.StatusRequestEntityTooLarge, res.StatusCode)
				require.True(t, res.Close, "it says so")
				body, err := io.ReadAll(res.Body)
				require.NoError(t, err)
				require.NoError(t, res.Body.Close())
				require.Equal(t, "Request Entity Too Large\n", string(body))
				if length == "promised" {
					return // the server waits a while for what was promised
				}
				_, err = r.ReadByte()
				require.ErrorIs(t, err, io.EOF, "and does so")
			})
		}
	}
}

// Nothing is read beyond what shows that a body is too long, and no memory is
// taken on the word of a length.
func TestBodyIsReadOnce(t *testing.T) {
	t.Parallel()
	counted := &counter{left: 1 << 30}
	r := newReceiver(t, inplayer(t), verify.HandlerOptions{MaxBody: 1 << 10})
	req := request(t, hexBody)
	req.Body, req.ContentLength = counted, -1
	require.Equal(t, http.StatusRequestEntityTooLarge, serve(r, req).Code)
	require.LessOrEqual(t, counted.read, 4<<10)

	counted = &counter{left: 1 << 10}
	req = request(t, hexBody)
	req.Body, req.ContentLength = counted, 1<<10
	require.Equal(t, http.StatusUnauthorized, serve(r, req).Code)
	require.Equal(t, 1<<10, counted.read)
	require.Equal(t, []int{1<<10 + 1, 1}, counted.asked, "one buffer of the declared size and a byte")

	counted = &counter{left: 10}
	r = newReceiver(t, inplayer(t), verify.HandlerOptions{MaxBody: -1})
	req.Body, req.ContentLength = counted, 1<<40
	require.Equal(t, http.StatusInternalServerError, serve(r, req).Code)
	require.LessOrEqual(t, slices.Max(counted.asked), 1<<20+1)
}

// counter is a body of so many zeros.
type counter struct {
	left, read int
	asked      []int
}

func (c *counter) Read(p []byte) (int, error) {
	c.asked = append(c.asked, len(p))
	if c.left == 0 {
		return 0, io.EOF
	}
	n := min(len(p), c.left)
	c.left -= n
	c.read += n
	return n, nil
}

func (*counter) Close() error { return nil }
