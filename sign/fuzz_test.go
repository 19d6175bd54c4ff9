package sign_test

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/paperround/sign"
)

// FuzzTimeUnitParse: what is accepted has this one spelling.
func FuzzTimeUnitParse(f *testing.F) {
	for _, text := range []string{"", "0", "00", "1614265330", "+1", "-1", "1e9", " 1", "253402300799", "253402300800", "9223372036854775808"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, u := range []sign.TimeUnit{sign.Seconds, sign.Milliseconds} {
			at, err := u.Parse(text)
			if err != nil {
				require.ErrorIs(t, err, sign.ErrMalformed)
				require.Zero(t, at)
				continue
			}
			n, err := strconv.ParseUint(text, 10, 64)
			require.NoError(t, err)
			require.Equal(t, strconv.FormatUint(n, 10), text)
			back, err := u.Format(at)
			require.NoError(t, err)
			require.Equal(t, text, back)
		}
	})
}

// FuzzSign: any id, time and body is either signed, with clean headers, or
// refused with nothing written.
func FuzzSign(f *testing.F) {
	f.Add("msg_1", int64(1614265330), []byte("{}"))
	f.Add("msg.1", int64(-1), []byte(nil))
	f.Add("msg\r\nX: 1", int64(1)<<60, []byte("\x00"))
	s, err := sign.New(sign.StandardWebhooks(), ringOf(f, benchSecret), nil)
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, id string, at int64, body []byte) {
		header := make(http.Header)
		if err := s.Sign(header, id, time.Unix(at, 0), body); err != nil {
			require.ErrorIs(t, err, sign.ErrMalformed)
			require.Empty(t, header)
			return
		}
		require.Len(t, header, 3)
		for name, values := range header {
			require.Len(t, values, 1, name)
			for _, c := range []byte(values[0]) {
				require.True(t, c > ' ' && c < 0x7f, "%s: %q", name, values[0])
			}
		}
	})
}

// FuzzSecret: any secret is either refused or makes a working signer, under
// each form of key; nothing panics and no error repeats it.
func FuzzSecret(f *testing.F) {
	for _, s := range []string{"", " ", "whsec_", "v1,whsec_x", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "secret\n", "\x00\xff"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, secret []byte) {
		ring, err := sign.NewRing(sign.Key{Secret: sign.NewSecret(secret)})
		if err != nil {
			require.ErrorIs(t, err, sign.ErrConfig)
			return
		}
		for _, scheme := range []sign.Scheme{sign.InPlayer(), sign.StandardWebhooks()} {
			s, err := sign.New(scheme, ring, nil)
			if err != nil {
				require.ErrorIs(t, err, sign.ErrConfig)
				continue
			}
			require.NoError(t, s.Sign(make(http.Header), "id", time.Unix(1, 0), secret))
		}
	})
}
