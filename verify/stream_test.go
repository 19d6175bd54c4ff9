package verify_test

import (
	"bytes"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/paperround/sign"
	"example.com/paperround/verify"
)

// Bodies around the block size of the hash, whole and in random pieces.
func TestStreamEqualsVerify(t *testing.T) {
	t.Parallel()
	for _, p := range providers() {
		if p.asymmetric() {
			continue
		}
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			now := p.time(t, p.at)
			v := p.verifier(t, now.Add(time.Second), 0)
			for size := range 300 {
				body := strings.Repeat("b", size)
				for _, signer := range []int{0, 1, 2} {
					header := p.with(sampleID, p.at, p.value(signer, sampleID, p.at, body))
					want, wantErr := v.Verify(header, []byte(body))
					want.Body = nil
					got, err := stream(v, header, body)
					require.Equal(t, want, got)
					require.Equal(t, wantErr, err)
					require.Equal(t, signer == 2, err != nil)
				}
			}
		})
	}
}

func TestStreamOfManyMegabytes(t *testing.T) {
	t.Parallel()
	body := bytes.Repeat([]byte("0123456789abcdef"), 1<<18)
	ring := ringOf(t, hexSecret)
	header := signed(t, sign.GitHub(), ring, "", body)
	v, err := verify.New(sign.GitHub(), ring, nil)
	require.NoError(t, err)
	for _, cut := range []int{0, 1} {
		s, err := v.Stream(header)
		require.NoError(t, err)
		n, err := io.Copy(s, bytes.NewReader(body[cut:]))
		require.NoError(t, err)
		require.Equal(t, int64(len(body)-cut), n)
		rc, err := s.Close()
		if cut == 0 {
			require.NoError(t, err)
			require.Nil(t, rc.Body)
			continue
		}
		require.ErrorIs(t, err, verify.ErrNoMatch)
	}
}

func TestStreamAfterClose(t *testing.T) {
	t.Parallel()
	v := standard(t, nil)
	for body, want := range map[string]error{swBody: nil, "another": verify.ErrNoMatch} {
		s, err := v.Stream(swHeader())
		require.NoError(t, err)
		_, err = io.WriteString(s, body)
		require.NoError(t, err)
		first, firstErr := s.Close()
		require.ErrorIs(t, firstErr, want)
		n, err := s.Write([]byte(swBody))
		require.Zero(t, n)
		require.EqualError(t, err, "verify: written to a closed Stream")
		second, secondErr := s.Close()
		require.Equal(t, first, second)
		require.Equal(t, firstErr, secondErr)
	}
}

// One that breaks off proves nothing and does the next no harm.
func TestStreamAbandoned(t *testing.T) {
	t.Parallel()
	v := standard(t, nil)
	for i := range 100 {
		s, err := v.Stream(swHeader())
		require.NoError(t, err)
		_, err = io.WriteString(s, swBody[:i%len(swBody)])
		require.NoError(t, err)
		if i%3 == 0 {
			_, err = s.Close()
			require.ErrorIs(t, err, verify.ErrNoMatch)
		}
	}
	_, err := stream(v, swHeader(), swBody)
	require.NoError(t, err)
	_, err = v.Verify(swHeader(), []byte(swBody))
	require.NoError(t, err)
}

func TestStreamRefuses(t *testing.T) {
	t.Parallel()
	for _, p := range providers() {
		if !p.asymmetric() {
			continue
		}
		_, err := p.verifier(t, p.time(t, p.at), 0).Stream(p.signed(sampleID, p.at, "body"))
		require.ErrorIs(t, err, verify.ErrConfig)
		require.ErrorContains(t, err, "in one piece")
	}
	// What the headers alone tell is told before the body.
	_, err := standard(t, nil).Stream(swHeader(set("Webhook-Timestamp", "0")))
	require.ErrorIs(t, err, verify.ErrTooOld)
	_, err = standard(t, nil).Stream(swHeader(set("Webhook-Id", "a.b")))
	require.ErrorIs(t, err, verify.ErrMalformed)
	_, err = standard(t, nil).Stream(nil)
	require.ErrorIs(t, err, verify.ErrMissing)

	for name, v := range map[string]*verify.Verifier{"zero": new(verify.Verifier), "nil": nil} {
		_, err = v.Stream(swHeader())
		require.ErrorIs(t, err, verify.ErrConfig, name)
	}
	for name, s := range map[string]*verify.Stream{"zero": new(verify.Stream), "nil": nil} {
		n, err := s.Write([]byte("body"))
		require.Zero(t, n, name)
		require.ErrorIs(t, err, verify.ErrConfig, name)
		rc, err := s.Close()
		require.Zero(t, rc, name)
		require.ErrorIs(t, err, verify.ErrConfig, name)
	}
}

// 13 ring swapped while a body is streamed
func TestReplaceWhileStreaming(t *testing.T) {
	t.Parallel()
	const one, two = "b25lb25lb25lb25lb25lb25l", "dHdvdHdvdHdvdHdvdHdvdHdv"
	ring := ringOf(t, one)
	v, err := verify.New(sign.StandardWebhooks(), ring, nil)
	require.NoError(t, err)
	header := signed(t, sign.StandardWebhooks(), ringOf(t, one, two), "id", []byte("body"))
	done := make(chan struct{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if rc, err := stream(v, header, "body"); err != nil || rc.KeyID != "1" {
					t.Errorf("stream: %q, %v", rc.KeyID, err)
					return
				}
			}
		})
	}
	for range 300 {
		require.NoError(t, ring.Replace(sign.Key{Secret: sign.NewSecret(two)}))
		require.NoError(t, ring.Replace(sign.Key{Secret: sign.NewSecret(one)}))
	}
	close(done)
	wg.Wait()
}

// Streams that run at once do not see each other's bodies.
func TestStreamsAtOnce(t *testing.T) {
	t.Parallel()
	ring := ringOf(t, hexSecret)
	v, err := verify.New(sign.GitHub(), ring, nil)
	require.NoError(t, err)
	type running struct {
		*verify.Stream
		rest []byte
	}
	var all []*running
	for i := range 50 {
		body := bytes.Repeat([]byte{byte(i)}, 100+i)
		s, err := v.Stream(signed(t, sign.GitHub(), ring, "", body))
		require.NoError(t, err)
		all = append(all, &running{s, body})
	}
	for len(all) > 0 {
		i := rand.IntN(len(all))
		s := all[i]
		n := rand.IntN(len(s.rest) + 1)
		_, err := s.Write(s.rest[:n])
		require.NoError(t, err)
		if s.rest = s.rest[n:]; len(s.rest) == 0 {
			_, err := s.Close()
			require.NoError(t, err)
			all = append(all[:i], all[i+1:]...)
		}
	}
}

func TestVerifyAt(t *testing.T) {
	t.Parallel()
	received := time.Unix(1614265340, 0)
	day := 24 * time.Hour
	next := sign.Key{ID: "next", Secret: sign.NewSecret("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD")}
	for name, tc := range map[string]struct {
		key      sign.Key
		received time.Time
		want     string
	}{
		"expired since":                     {sign.Key{NotAfter: received.Add(day)}, received, ""},
		"expired at that moment":            {sign.Key{NotAfter: received}, received, ""},
		"expired before":                    {sign.Key{NotAfter: received.Add(-1)}, received, "no match"},
		"made since":                        {sign.Key{NotBefore: received.Add(1)}, received, "no match"},
		"made before":                       {sign.Key{NotBefore: received}, received, ""},
		"too old already when received":     {sign.Key{}, received.Add(day), "too old"},
		"too new when it was received":      {sign.Key{}, received.Add(-day), "too new"},
		"fresh now, and not when received":  {sign.Key{}, time.Unix(2e9, 0), "too old"},
		"received at the zero of all times": {sign.Key{}, time.Time{}, "too new"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tc.key.ID, tc.key.Secret = "then", sign.NewSecret(swSecret)
			ring, err := sign.NewRing(tc.key, next)
			require.NoError(t, err)
			v, err := verify.New(sign.StandardWebhooks(), ring, &verify.Options{Now: func() time.Time {
				t.Error("the clock was asked")
				return time.Time{}
			}})
			require.NoError(t, err)
			rc, err := v.VerifyAt(swHeader(), []byte(swBody), tc.received)
			require.ErrorIs(t, err, reason(t, tc.want))
			if tc.want == "" {
				require.Equal(t, "then", rc.KeyID)
				require.Equal(t, tc.received, rc.Received)
				return
			}
			require.Zero(t, rc)
		})
	}
	for name, v := range map[string]*verify.Verifier{"zero": new(verify.Verifier), "nil": nil} {
		_, err := v.VerifyAt(swHeader(), nil, received)
		require.ErrorIs(t, err, verify.ErrConfig, name)
	}
}

// What the replay protection builds on.
func TestProves(t *testing.T) {
	t.Parallel()
	for _, p := range providers() {
		v := p.verifier(t, time.Unix(0, 0), 0)
		require.Equal(t, [2]bool{p.signsID, p.signsAt}, [2]bool{v.Proves().ID, v.Proves().Time}, p.name)
		require.Empty(t, v.Proves().Challenge)
		for given, want := range map[time.Duration]time.Duration{0: 5 * time.Minute, time.Hour: time.Hour, -7: -7} {
			require.Equal(t, want, p.verifier(t, time.Unix(0, 0), given).Proves().Tolerance, p.name)
		}
	}
	require.Zero(t, (*verify.Verifier)(nil).Proves())

	byName := make(map[string]*verify.Verifier)
	for _, p := range providers() {
		byName[p.name] = p.verifier(t, time.Unix(0, 0), time.Minute)
	}
	byName["wide"] = standard(t, &verify.Options{Tolerance: time.Hour})
	byName["unjudged"] = standard(t, &verify.Options{Tolerance: -1})
	basic, err := verify.NewBasic(credential("", "user", "password"))
	require.NoError(t, err)
	for name, tc := range map[string]struct {
		of        []verify.Checker
		id, at    bool
		tolerance time.Duration
	}{
		"nothing but Basic":      {[]verify.Checker{basic}, false, false, -1},
		"Basic and an HMAC":      {[]verify.Checker{basic, byName["conscent"]}, false, false, -1},
		"a time":                 {[]verify.Checker{byName["stripe"], basic}, false, true, time.Minute},
		"an id and a time":       {[]verify.Checker{byName["conscent"], byName["svix"]}, true, true, time.Minute},
		"the least of two":       {[]verify.Checker{byName["wide"], byName["stripe"]}, true, true, time.Minute},
		"the least, other order": {[]verify.Checker{byName["stripe"], byName["wide"]}, true, true, time.Minute},
		"one that is not judged": {[]verify.Checker{byName["unjudged"], byName["wide"]}, true, true, time.Hour},
		"none that is judged":    {[]verify.Checker{byName["unjudged"], fixed{}}, true, true, -1},
		"a checker of a host's":  {[]verify.Checker{fixed{}}, false, false, -1},
	} {
		g, err := verify.All(tc.of...)
		require.NoError(t, err)
		require.Equal(t, [2]bool{tc.id, tc.at}, [2]bool{g.Proves().ID, g.Proves().Time}, name)
		require.Equal(t, tc.tolerance, g.Proves().Tolerance, name)
	}
	for name, g := range map[string]*verify.Group{"zero": new(verify.Group), "nil": nil} {
		require.Equal(t, verify.Proof{Tolerance: -1}, g.Proves(), name)
	}
}
