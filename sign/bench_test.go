package sign_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/paperround/sign"
)

const benchSecret = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

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

// BenchmarkAppend measures each scheme beside its floor, a reused HMAC over the
// same signed bytes.
func BenchmarkAppend(b *testing.B) {
	m := sign.Message{ID: "msg_p5jXN8AQM9LWM0D4loKWxJek", Time: "1614265330"}
	for _, bench := range []struct {
		scheme sign.Scheme
		head   string
	}{
		{sign.InPlayer(), ""},
		{sign.StandardWebhooks(), m.ID + "." + m.Time + "."},
	} {
		for _, size := range []int{1 << 10, 64 << 10} {
			m.Body = make([]byte, size)
			b.Run(fmt.Sprintf("%s/%dKiB/floor", bench.scheme.Name, size>>10), func(b *testing.B) {
				mac := hmac.New(sha256.New, []byte(benchSecret))
				head := []byte(bench.head)
				sum := make([]byte, 0, sha256.Size)
				b.SetBytes(int64(size))
				b.ReportAllocs()
				for b.Loop() {
					mac.Reset()
					mac.Write(head)
					mac.Write(m.Body)
					sum = mac.Sum(sum[:0])
				}
			})
			b.Run(fmt.Sprintf("%s/%dKiB/append", bench.scheme.Name, size>>10), func(b *testing.B) {
				c, err := sign.Compile(bench.scheme, ringOf(b, benchSecret))
				require.NoError(b, err)
				now := time.Now()
				dst := make([]byte, 0, 128)
				b.SetBytes(int64(size))
				b.ReportAllocs()
				for b.Loop() {
					dst, err = c.Append(dst[:0], m, now)
				}
				require.NoError(b, err)
			})
		}
	}
}

// BenchmarkSign measures what a caller of net/http pays, the header's strings
// included.
func BenchmarkSign(b *testing.B) {
	body := make([]byte, 1<<10)
	for _, scheme := range []sign.Scheme{sign.InPlayer(), sign.StandardWebhooks()} {
		b.Run(scheme.Name, func(b *testing.B) {
			s, err := sign.New(scheme, ringOf(b, benchSecret), nil)
			require.NoError(b, err)
			header := make(http.Header)
			b.ReportAllocs()
			for b.Loop() {
				err = s.Sign(header, "msg_p5jXN8AQM9LWM0D4loKWxJek", time.Now(), body)
			}
			require.NoError(b, err)
		})
	}
}
