package verifytest_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/paperround/sign"
	"example.com/paperround/verify"
	"example.com/paperround/verify/verifytest"
)

// A request of each preset is accepted by a handler and by a server.
func TestNewRequest(t *testing.T) {
	t.Parallel()
	for name, s := range senders() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, runs := protected(t, checker(t, s.Sender), &verify.HandlerOptions{AllowPlaintext: true})
			for range 2 {
				w := httptest.NewRecorder()
				o := &verifytest.Options{Time: time.Now().Add(-time.Duration(runs()) * time.Second)}
				h.ServeHTTP(w, verifytest.NewRequest(t, s.Sender, []byte(s.body), o))
				require.Equal(t, 200, w.Code)
			}
			require.Equal(t, 2, runs(), "each request has an id of its own")

			server := httptest.NewServer(h)
			defer server.Close()
			res, err := server.Client().Do(verifytest.NewRequest(t, s.Sender, []byte(s.body), &verifytest.Options{URL: server.URL, Time: time.Now().Add(-5 * time.Second)}))
			require.NoError(t, err)
			require.NoError(t, res.Body.Close())
			require.Equal(t, 200, res.StatusCode)
			require.Equal(t, 3, runs())
		})
	}
}

func TestNewRequestOptions(t *testing.T) {
	t.Parallel()
	s := senders()["Standard Webhooks"]
	body := []byte(s.body)
	r := verifytest.NewRequest(t, s.Sender, body, nil)
	require.Equal(t, http.MethodPost, r.Method)
	require.Equal(t, "https://receiver.test/webhooks", r.URL.String())
	require.NotNil(t, r.TLS)
	require.Equal(t, "application/json", r.Header.Get("Content-Type"))
	require.Equal(t, int64(len(body)), r.ContentLength)
	require.NotEmpty(t, r.Header.Get("Webhook-Id"))
	body[0] = 'x'
	got, err := io.ReadAll(r.Body)
	require.NoError(t, err)
	require.Equal(t, s.body, string(got), "the body is a copy")

	header := http.Header{"x-topic": {"a", "b"}}
	r = verifytest.NewRequest(t, s.Sender, []byte("a=b"), &verifytest.Options{
		URL: "http://127.0.0.1:1/hook", ID: "msg_1", Time: time.Unix(1614265330, 0), Header: header,
	})
	require.Equal(t, "http://127.0.0.1:1/hook", r.URL.String())
	require.Nil(t, r.TLS)
	require.Equal(t, http.Header{
		"Content-Type": {"application/x-www-form-urlencoded"}, "X-Topic": {"a", "b"}, "Webhook-Id": {"msg_1"}, "Webhook-Timestamp": {"1614265330"},
		"Webhook-Signature": r.Header["Webhook-Signature"],
	}, r.Header)
	require.Equal(t, http.Header{"x-topic": {"a", "b"}}, header)
	r = verifytest.NewRequest(t, s.Sender, []byte("a=b"), &verifytest.Options{ContentType: "text/plain"})
	require.Equal(t, "text/plain", r.Header.Get("Content-Type"))
}

// failing is a T that keeps what would have ended a test.
type failing struct{ text string }

func (f *failing) Helper() {}

func (f *failing) Fatalf(format string, args ...any) { f.text = fmt.Sprintf(format, args...) }

func TestNewRequestFails(t *testing.T) {
	t.Parallel()
	s := senders()["InPlayer"].Sender
	for name, tt := range map[string]struct {
		s    sign.HeaderSigner
		o    *verifytest.Options
		want string
	}{
		"nil signer":   {nil, nil, "verifytest: making a request: verifytest: unusable configuration: the signer is nil"},
		"zero sender":  {verifytest.Sender{}, nil, "verifytest: making a request: verifytest: unusable configuration: the sender has neither a scheme nor Basic credentials: give it one of them"},
		"relative URL": {s, &verifytest.Options{URL: "/hook"}, "verifytest: making a request: verifytest: unusable configuration: the URL is no absolute http or https URL"},
		"another URL":  {s, &verifytest.Options{URL: "ftp://receiver.test/"}, "verifytest: making a request: verifytest: unusable configuration: the URL is no absolute http or https URL"},
		"bad id": {
			verifytest.Sender{Scheme: sign.Svix(), Secret: "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"},
			&verifytest.Options{ID: "a b"},
			"verifytest: making a request: sign: svix: the message id holds ",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &failing{}
			require.Nil(t, verifytest.NewRequest(f, tt.s, []byte("{}"), tt.o))
			require.True(t, strings.HasPrefix(f.text, tt.want), f.text)
		})
	}
}

// A sender is a signer like any other.
func TestSenderSigns(t *testing.T) {
	t.Parallel()
	header := http.Header{}
	s := verifytest.Sender{Scheme: sign.InPlayer(), Secret: "secret", User: "u", Password: "p"}
	var signer sign.HeaderSigner = s
	require.NoError(t, signer.Sign(header, "", time.Now(), []byte("created=15475835&id=2333&resource%5Bfoo%5D=bar&type=payment.success")))
	require.Equal(t, http.Header{
		"X-Inplayer-Signature": {"sha256=f27f8ae41a0d60d823e8c296ec2e3e73c81843e3f9aedab2bdc030c4d6b0b0b8"},
		"Authorization":        {"Basic dTpw"},
	}, header)
	text, err := s.MarshalText()
	require.NoError(t, err)
	require.Equal(t, "{Scheme:inplayer User:u Secret:[secret]}", string(text))
	require.NotContains(t, fmt.Sprintf("%#v", s), `"secret"`)
}
