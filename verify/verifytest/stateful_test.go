package verifytest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/paperround/sign"
	"example.com/paperround/verify"
	"example.com/paperround/verify/verifytest"
)

// statefulAttacks are those whose broken handlers are here.
func statefulAttacks() []string {
	return []string{"58 the same bytes twice", "61 the same message, its header otherwise", "62 a forgery first"}
}

// remembering is a handler that remembers messages by what name returns: before or
// after they are verified.
func remembering(t *testing.T, s verifytest.Sender, before bool, name func(*http.Request) string) (http.Handler, func() int) {
	t.Helper()
	c := checker(t, s)
	var mu sync.Mutex
	seen, n := map[string]bool{}, 0
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
			key := name(r)
			if before && seen[key] && err == nil && r.Method == http.MethodPost {
				if _, err := c.Verify(r.Header, body); err == nil {
					return // acknowledged
				}
			}
			if before {
				seen[key] = true
			}
			if _, bad := c.Verify(r.Header, body); bad != nil || err != nil || r.Method != http.MethodPost {
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			if !before && seen[key] {
				return
			}
			seen[key] = true
			n++
		}), func() int {
			mu.Lock()
			defer mu.Unlock()
			return n
		}
}

func TestReplaysAreFound(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		before bool
		key    func(*http.Request) string
		want   kinds
	}{
		"by the id": {false, func(r *http.Request) string { return r.Header.Get("Webhook-Id") }, kinds{}},
		"by nothing": {false, func(*http.Request) string { return time.Now().String() }, kinds{
			"58 the same bytes twice": replayed, "61 the same message, its header otherwise": replayed,
		}},
		"by the header's text": {false, func(r *http.Request) string { return r.Header.Get("Webhook-Signature") }, kinds{
			"61 the same message, its header otherwise": replayed,
		}},
		"before the check": {true, func(r *http.Request) string { return r.Header.Get("Webhook-Id") }, kinds{
			"62 a forgery first": verifytest.Refused,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := senders()["Standard Webhooks"]
			h, runs := remembering(t, s.Sender, tt.before, tt.key)
			found, err := verifytest.Attack(h, s.Sender, []byte(s.body), &verifytest.AttackOptions{Runs: runs})
			require.NoError(t, err)
			got := kinds{}
			for _, f := range found {
				got[f.Attack] = f.Kind
			}
			require.Equal(t, tt.want, got, "%v", found)
		})
	}
}

// A host that drops repetitions of what has neither id nor time says so.
func TestDedupes(t *testing.T) {
	t.Parallel()
	s := senders()["GitHub"]
	h, runs := protected(t, checker(t, s.Sender), nil)
	found, err := verifytest.Attack(h, s.Sender, []byte(s.body), &verifytest.AttackOptions{Runs: runs, Dedupes: true})
	require.NoError(t, err)
	require.Equal(t, []verifytest.Finding{{
		Attack: "58 the same bytes twice", Kind: verifytest.Replayed, Sent: "a good request, and the same bytes again", Status: 200, Runs: 1,
	}}, found)
}

// What happens besides getting in has a kind of its own.
func TestKinds(t *testing.T) {
	t.Parallel()
	s := senders()["InPlayer"]
	truncated := func(r *http.Request) bool {
		return len(r.Header.Get("X-Inplayer-Signature")) == len("sha256=")+32
	}
	for name, tt := range map[string]struct {
		bad  http.HandlerFunc // Instead of the real one, for a truncated signature.
		want verifytest.Kind
		text string
	}{
		"accepted":       {func(http.ResponseWriter, *http.Request) {}, forged, "29 a truncated signature: a forgery got in: the first half of a right signature; answered 200"},
		"no content":     {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }, forged, "29 a truncated signature: a forgery got in: the first half of a right signature; answered 204"},
		"panic":          {func(http.ResponseWriter, *http.Request) { panic("index out of range") }, verifytest.Panicked, "29 a truncated signature: the handler broke down: the first half of a right signature; no answer"},
		"Goexit":         {func(http.ResponseWriter, *http.Request) { runtime.Goexit() }, verifytest.Panicked, "29 a truncated signature: the handler broke down: the first half of a right signature; no answer"},
		"server error":   {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }, verifytest.Unclear, "29 a truncated signature: the request was not refused clearly: the first half of a right signature; answered 500"},
		"redirect":       {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(302) }, verifytest.Unclear, "29 a truncated signature: the request was not refused clearly: the first half of a right signature; answered 302"},
		"gone":           {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(410) }, verifytest.Unclear, "29 a truncated signature: the request was not refused clearly: the first half of a right signature; answered 410"},
		"rate limited":   {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(429) }, verifytest.Unclear, "29 a truncated signature: the request was not refused clearly: the first half of a right signature; answered 429"},
		"timeout":        {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(408) }, verifytest.Unclear, "29 a truncated signature: the request was not refused clearly: the first half of a right signature; answered 408"},
		"not found":      {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(404) }, 0, ""},
		"forbidden":      {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(403) }, 0, ""},
		"hangs":          {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, verifytest.Hung, "29 a truncated signature: the handler did not answer in time: the first half of a right signature; no answer"},
		"tells a secret": {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "want "+s.Secret, http.StatusUnauthorized) }, verifytest.Leaked, "29 a truncated signature: the answer tells a secret: the first half of a right signature; answered 401"},
		"tells the signature": {func(w http.ResponseWriter, r *http.Request) {
			header := http.Header{}
			body, _ := io.ReadAll(r.Body)
			_ = s.Sign(header, "", time.Now(), body)
			w.Header().Set("X-Debug", header.Get("X-Inplayer-Signature"))
			w.WriteHeader(401)
		}, verifytest.Leaked, "29 a truncated signature: the answer tells a secret: the first half of a right signature; answered 401"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				real, _ := protected(t, checker(t, s.Sender), nil)
				h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if truncated(r) {
						tt.bad(w, r)
						return
					}
					real.ServeHTTP(w, r)
				})
				found, err := verifytest.Attack(h, s.Sender, []byte(s.body), nil)
				require.NoError(t, err)
				if tt.want == 0 {
					require.Empty(t, found)
					return
				}
				require.Len(t, found, 1)
				require.Equal(t, tt.want, found[0].Kind)
				require.Equal(t, tt.text, found[0].String())
			})
		})
	}
}

// The code behind the check ran, whatever was answered.
func TestRunsCount(t *testing.T) {
	t.Parallel()
	s := senders()["InPlayer"]
	real, runs := protected(t, checker(t, s.Sender), nil)
	var more atomic.Int64
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Inplayer-Signature") == "none" {
			more.Add(1)
		}
		real.ServeHTTP(w, r)
	})
	found, err := verifytest.Attack(h, s.Sender, []byte(s.body), &verifytest.AttackOptions{Runs: func() int { return runs() + int(more.Load()) }})
	require.NoError(t, err)
	require.Len(t, found, 1)
	require.Equal(t, "45 none: a forgery got in: the word none for a header; answered 401, ran 1 times", found[0].String())
}

// A handler that repeats what was sent tells nothing.
func TestEcho(t *testing.T) {
	t.Parallel()
	s := senders()["InPlayer"]
	real, _ := protected(t, checker(t, s.Sender), nil)
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header()["X-Echo"] = r.Header["X-Inplayer-Signature"]
		real.ServeHTTP(w, r)
	})
	found, err := verifytest.Attack(h, s.Sender, []byte(s.body), nil)
	require.NoError(t, err)
	require.Empty(t, found)
}

// A handler that says which signature it wanted signs for everybody.
func TestOracle(t *testing.T) {
	t.Parallel()
	s := senders()["Stripe"]
	c := checker(t, s.Sender)
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20))
		if _, err := c.Verify(r.Header, body); err == nil {
			return
		}
		at, _, _ := strings.Cut(strings.TrimPrefix(r.Header.Get("Stripe-Signature"), "t="), ",")
		seconds, err := strconv.ParseInt(at, 10, 64)
		want := http.Header{}
		if err == nil && s.Sign(want, "", time.Unix(seconds, 0), body) == nil {
			_, tag, _ := strings.Cut(want.Get("Stripe-Signature"), "v1=")
			http.Error(w, "want "+tag, http.StatusUnauthorized)
			return
		}
		w.WriteHeader(http.StatusUnauthorized)
	})
	found, err := verifytest.Attack(h, s.Sender, []byte(s.body), nil)
	require.NoError(t, err)
	leaked := map[string]int{}
	for _, f := range found {
		if f.Kind == verifytest.Leaked {
			leaked[f.Attack] = f.More + 1
		}
	}
	require.Equal(t, 256, leaked["38 one bit flipped"])
	require.Equal(t, 3, leaked["body: a byte changed"])
	require.Equal(t, 1, leaked["57 a fresh time beside an old signature"])
}

// A handler that shuts the door after some refusals is found at the end.
func TestGoodRequestAfterAll(t *testing.T) {
	t.Parallel()
	s := senders()["InPlayer"]
	real, _ := protected(t, checker(t, s.Sender), nil)
	n := 0
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n++; n > 100 {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		real.ServeHTTP(w, r)
	})
	found, err := verifytest.Attack(h, s.Sender, []byte(s.body), nil)
	require.NoError(t, err)
	require.Equal(t, []verifytest.Finding{{Attack: "a good request after all", Kind: verifytest.Refused, Sent: "a good request once more", Status: 403}}, found)
}

func TestHangsEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := senders()["InPlayer"]
		real, _ := protected(t, checker(t, s.Sender), nil)
		h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if len(r.Header.Get("X-Inplayer-Signature")) < 60 {
				<-r.Context().Done()
			}
			real.ServeHTTP(w, r)
		})
		start := time.Now()
		found, err := verifytest.Attack(h, s.Sender, []byte(s.body), nil)
		require.ErrorIs(t, err, verifytest.ErrUnfinished)
		require.Len(t, found, 2)
		require.Equal(t, 20*time.Second, time.Since(start))
		synctest.Wait()
	})
}

func TestErrors(t *testing.T) {
	t.Parallel()
	good := senders()["InPlayer"]
	status := func(code int) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) })
	}
	for name, tt := range map[string]struct {
		h    http.Handler
		s    verifytest.Sender
		body string
		o    *verifytest.AttackOptions
		want error
		text string
	}{
		"nil handler":  {nil, good.Sender, good.body, nil, verifytest.ErrConfig, "verifytest: unusable configuration: the handler is nil"},
		"zero sender":  {status(200), verifytest.Sender{}, good.body, nil, verifytest.ErrConfig, "verifytest: unusable configuration: the sender has neither a scheme nor Basic credentials: give it one of them"},
		"empty secret": {status(200), verifytest.Sender{Scheme: sign.InPlayer()}, good.body, nil, sign.ErrConfig, "verifytest: unusable configuration: sign: key 1: the secret is empty: the sender"},
		"no password":  {status(200), verifytest.Sender{User: "u"}, good.body, nil, verifytest.ErrConfig, "verifytest: unusable configuration: sign: basic: the password is empty: the sender"},
		"no user":      {status(200), verifytest.Sender{Password: "p"}, good.body, nil, sign.ErrConfig, "verifytest: unusable configuration: sign: basic: the user name is empty: the sender"},
		"public key": {
			status(200),
			verifytest.Sender{Scheme: sign.StandardWebhooksAsymmetric(), Secret: "whpk_" + strings.TrimPrefix(privateKey(), "whsk_")[:43] + "="},
			good.body, nil,
			sign.ErrConfig, "",
		},
		"secret without scheme": {status(200), verifytest.Sender{Secret: "x"}, good.body, nil, sign.ErrConfig, "verifytest: unusable configuration: sign: Name is empty: the sender"},
		"short body":            {status(200), good.Sender, "x", nil, verifytest.ErrConfig, "verifytest: unusable configuration: the body is too short to be tampered with: give one that the handler accepts"},
		"relative URL":          {status(200), good.Sender, good.body, &verifytest.AttackOptions{URL: "/hook"}, verifytest.ErrConfig, "verifytest: unusable configuration: the URL is no absolute http or https URL"},
		"negative deadline":     {status(200), good.Sender, good.body, &verifytest.AttackOptions{Deadline: -1}, verifytest.ErrConfig, "verifytest: unusable configuration: Deadline is negative"},
		"unknown skip":          {status(200), good.Sender, good.body, &verifytest.AttackOptions{Skip: []string{"21"}}, verifytest.ErrConfig, `verifytest: unusable configuration: Skip holds "21", which is no attack: see Attacks`},
		"refuses all":           {status(401), good.Sender, good.body, nil, verifytest.ErrRefused, "verifytest: the handler refuses a good request: it answered 401: mend that first (secret, scheme, clock, URL, content type, headers)"},
		"breaks down":           {http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(1) }), good.Sender, good.body, nil, verifytest.ErrRefused, "verifytest: the handler refuses a good request: it broke down"},
		"nothing runs": {
			status(200), good.Sender, good.body, &verifytest.AttackOptions{Runs: func() int { return 0 }}, verifytest.ErrRefused,
			"verifytest: the handler refuses a good request: it answered 200, but Runs did not go up: count where the verified request is handled, and attack a handler that remembers no earlier attack",
		},
		"hangs": {
			http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }), good.Sender, good.body, &verifytest.AttackOptions{Deadline: time.Millisecond},
			verifytest.ErrRefused, "verifytest: the handler refuses a good request: it did not answer in time",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found, err := verifytest.Attack(tt.h, tt.s, []byte(tt.body), tt.o)
			require.ErrorIs(t, err, tt.want)
			if tt.text != "" {
				require.EqualError(t, err, tt.text)
			}
			require.Empty(t, found)
			structured, ok := errors.AsType[*verifytest.Error](err)
			require.True(t, ok)
			require.Error(t, structured.Err)
		})
	}
}

func TestSkip(t *testing.T) {
	t.Parallel()
	s := senders()["ConsCent HMAC"]
	b := bugs()["takes upper case"]
	found, err := verifytest.Attack(lab(t, s.Sender, b.accept), s.Sender, []byte(s.body), &verifytest.AttackOptions{Skip: []string{"21 upper-case digits"}})
	require.NoError(t, err)
	require.Empty(t, found)
}

// A handler with a clock, a tolerance and a limit of its own.
func TestOwnSettings(t *testing.T) {
	t.Parallel()
	s := senders()["Stripe"]
	now := func() time.Time { return time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC) }
	ring, err := sign.NewRing(sign.Key{Secret: sign.NewSecret(s.Secret)})
	require.NoError(t, err)
	for name, tt := range map[string]struct {
		verifier *verify.Options
		handler  *verify.HandlerOptions
		o        *verifytest.AttackOptions
	}{
		"clock":        {&verify.Options{Now: now}, nil, &verifytest.AttackOptions{Now: now}},
		"tolerance":    {&verify.Options{Tolerance: time.Minute}, nil, &verifytest.AttackOptions{Tolerance: time.Minute}},
		"no tolerance": {&verify.Options{Tolerance: -1}, &verify.HandlerOptions{Replay: &verify.Replay{TTL: time.Hour}}, &verifytest.AttackOptions{Tolerance: -1}},
		"limit":        {nil, &verify.HandlerOptions{MaxBody: 200}, &verifytest.AttackOptions{MaxBody: 200}},
		"no limit":     {nil, &verify.HandlerOptions{MaxBody: -1}, &verifytest.AttackOptions{MaxBody: -1}},
		"a URL":        {nil, nil, &verifytest.AttackOptions{URL: "http://localhost:8080/hooks?x=1"}},
		"a type":       {nil, &verify.HandlerOptions{ContentTypes: []string{"application/vnd.x+json"}}, &verifytest.AttackOptions{ContentType: "application/vnd.x+json", Header: http.Header{"x-topic": {"t"}}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v, err := verify.New(s.Scheme, ring, tt.verifier)
			require.NoError(t, err)
			h, runs := protected(t, v, tt.handler)
			o := *tt.o
			o.Runs = runs
			var one *http.Request
			checked := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				one = r
				h.ServeHTTP(w, r)
			})
			found, err := verifytest.Attack(checked, s.Sender, []byte(s.body), &o)
			require.NoError(t, err)
			require.Empty(t, found)
			if o.Header != nil {
				require.Equal(t, "t", one.Header.Get("X-Topic"))
			}
			if o.URL != "" {
				require.Equal(t, o.URL, one.URL.String())
				require.Nil(t, one.TLS)
			}
		})
	}
}

func TestAttackURL(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"InPlayer", "ConsCent both", "Standard Webhooks", "Stripe"} {
		s := senders()[name]
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, runs := protected(t, checker(t, s.Sender), &verify.HandlerOptions{AllowPlaintext: true})
			server := httptest.NewServer(h)
			defer server.Close()
			found, err := verifytest.AttackURL(t.Context(), server.Client(), server.URL+"/hook", s.Sender, []byte(s.body), &verifytest.AttackOptions{Runs: runs})
			require.NoError(t, err)
			require.Empty(t, found)
		})
	}
	t.Run("broken", func(t *testing.T) {
		t.Parallel()
		s, b := senders()["GitHub"], bugs()["needs no prefix"]
		server := httptest.NewServer(lab(t, s.Sender, func(t *testing.T, c *call) bool {
			t.Helper()
			if c.value() == "sha256=none" {
				panic(http.ErrAbortHandler)
			}
			return b.accept(t, c)
		}))
		defer server.Close()
		found, err := verifytest.AttackURL(t.Context(), nil, server.URL, s.Sender, []byte(s.body), nil)
		require.NoError(t, err)
		require.Len(t, found, 2)
		require.Equal(t, "27 no prefix: a malformed request got in: a right signature without the prefix; answered 200", found[0].String())
		require.Equal(t, "45 none: the handler broke down: the word none for a signature; no answer", found[1].String())
	})
	t.Run("nobody there", func(t *testing.T) {
		t.Parallel()
		s := senders()["GitHub"]
		server := httptest.NewServer(http.NotFoundHandler())
		server.Close()
		_, err := verifytest.AttackURL(t.Context(), nil, server.URL, s.Sender, []byte(s.body), nil)
		require.ErrorIs(t, err, verifytest.ErrRefused)
	})
	t.Run("redirects", func(t *testing.T) {
		t.Parallel()
		s := senders()["GitHub"]
		server := httptest.NewServer(http.RedirectHandler("/elsewhere", http.StatusSeeOther))
		defer server.Close()
		_, err := verifytest.AttackURL(t.Context(), nil, server.URL, s.Sender, []byte(s.body), nil)
		require.ErrorContains(t, err, "it answered 303")
	})
	t.Run("context", func(t *testing.T) {
		t.Parallel()
		s := senders()["GitHub"]
		h, runs := protected(t, checker(t, s.Sender), nil)
		ctx, cancel := context.WithCancel(t.Context())
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			h.ServeHTTP(w, r)
			if runs() == 1 {
				cancel()
			}
		}))
		defer server.Close()
		defer cancel()
		found, err := verifytest.AttackURL(ctx, nil, server.URL, s.Sender, []byte(s.body), nil)
		require.Error(t, err)
		require.Empty(t, found)
	})
}

// What is tried does not depend on chance.
func TestDeterministic(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := senders()["Stripe"]
		var runs [2][]string
		for i := range runs {
			_, err := verifytest.Attack(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				runs[i] = append(runs[i], fmt.Sprint(r.Method, r.Header, string(body)))
			}), s.Sender, []byte(s.body), nil)
			require.NoError(t, err)
		}
		require.Equal(t, runs[0], runs[1])
		require.Greater(t, len(runs[0]), 300)
	})
}

// Neither a finding nor an error nor the sender itself prints a secret.
func TestNothingTold(t *testing.T) {
	t.Parallel()
	for name, s := range senders() {
		found, err := verifytest.Attack(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), s.Sender, []byte(s.body), nil)
		require.NoError(t, err)
		require.NotEmpty(t, found)
		header := http.Header{}
		require.NoError(t, s.Sign(header, "id", time.Now(), []byte(s.body)))
		text := fmt.Sprintf("%v %+v %#v %v %+v %#v %s", found, found, found, s.Sender, s.Sender, s.Sender, s.Sender)
		for _, secret := range []string{s.Secret, s.Password, s.body} {
			require.True(t, secret == "" || !strings.Contains(text, secret), "%s: %s", name, text)
		}
	}
}
