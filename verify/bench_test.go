package verify_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/paperround/sign"
	"example.com/paperround/verify"
)

const benchSecret = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

func signed(tb testing.TB, scheme sign.Scheme, ring *sign.Ring, id string, body []byte) http.Header {
	tb.Helper()
	s, err := sign.New(scheme, ring, nil)
	require.NoError(tb, err)
	header := make(http.Header)
	require.NoError(tb, s.Sign(header, id, time.Now(), body))
	return header
}

func ringOf(tb testing.TB, secrets ...string) *sign.Ring {
	tb.Helper()
	keys := make([]sign.Key, len(secrets))
	for i, s := range secrets {
		keys[i].Secret = sign.NewSecret(s)
	}
	r, err := sign.NewRing(keys...)
	require.NoError(tb, err)
	return r
}

// BenchmarkVerify measures each scheme beside its floor, a reused HMAC over the
// same signed bytes.
func BenchmarkVerify(b *testing.B) {
	const id = "msg_p5jXN8AQM9LWM0D4loKWxJek"
	for _, bench := range []struct {
		scheme sign.Scheme
		head   string
	}{
		{sign.InPlayer(), ""},
		{sign.StandardWebhooks(), id + ".1614265330."},
	} {
		for _, size := range []int{1 << 10, 64 << 10} {
			body := make([]byte, size)
			b.Run(fmt.Sprintf("%s/%dKiB/floor", bench.scheme.Name, size>>10), func(b *testing.B) {
				mac := hmac.New(sha256.New, []byte(benchSecret))
				head := []byte(bench.head)
				sum := make([]byte, 0, sha256.Size)
				b.SetBytes(int64(size))
				b.ReportAllocs()
				for b.Loop() {
					mac.Reset()
					mac.Write(head)
					mac.Write(body)
					sum = mac.Sum(sum[:0])
				}
			})
			b.Run(fmt.Sprintf("%s/%dKiB/verify", bench.scheme.Name, size>>10), func(b *testing.B) {
				ring := ringOf(b, benchSecret)
				header := signed(b, bench.scheme, ring, id, body)
				v, err := verify.New(bench.scheme, ring, nil)
				require.NoError(b, err)
				b.SetBytes(int64(size))
				b.ReportAllocs()
				for b.Loop() {
					_, err = v.Verify(header, body)
				}
				require.NoError(b, err)
			})
		}
	}
}

func BenchmarkBasic(b *testing.B) {
	check, err := verify.NewBasic(verify.Credential{User: "key", Password: sign.NewSecret("secret")})
	require.NoError(b, err)
	req := httptest.NewRequest(http.MethodPost, "/", http.NoBody)
	req.SetBasicAuth("key", "secret")
	b.ReportAllocs()
	for b.Loop() {
		_, err = check.Verify(req.Header, nil)
	}
	require.NoError(b, err)
}

// The floor is the verification alone; reading the body and passing it on come
// on top, and then the reservation of a new message and its record.
func BenchmarkMiddleware(b *testing.B) {
	body := make([]byte, 1<<10)
	ring := ringOf(b, benchSecret)
	v, err := verify.New(sign.InPlayer(), ring, nil)
	require.NoError(b, err)
	header := signed(b, sign.InPlayer(), ring, "", body)
	b.Run("floor", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, err = v.Verify(header, body)
		}
		require.NoError(b, err)
	})
	n := 0
	key := func(*verify.Receipt) (string, error) {
		n++
		return strconv.Itoa(n), nil
	}
	for name, replay := range map[string]*verify.Replay{"plain": nil, "replay": {Key: key, TTL: time.Millisecond}} {
		b.Run(name, func(b *testing.B) {
			mw, err := verify.Middleware(v, &verify.HandlerOptions{Replay: replay})
			require.NoError(b, err)
			status := 0
			h := mw(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				if _, ok := verify.FromContext(r.Context()); ok {
					status = http.StatusOK
				}
			}))
			reader := bytes.NewReader(body)
			req := httptest.NewRequest(http.MethodPost, "/", reader)
			req.Header = header
			w := httptest.NewRecorder()
			b.ReportAllocs()
			for b.Loop() {
				reader.Reset(body)
				h.ServeHTTP(w, req)
			}
			require.Equal(b, http.StatusOK, status)
			require.Equal(b, http.StatusOK, w.Code)
		})
	}
}
