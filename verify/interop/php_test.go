package interop

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/paperround/event/eventtest"
	"example.com/paperround/event/inplayer"
	"example.com/paperround/sign"
	"example.com/paperround/topic"
	"example.com/paperround/verify"
)

// TestPHP holds InPlayer's scheme, whose documentation is written in PHP, and
// ConsCent's against PHP's hash_hmac and hash_equals, its built-in server and its
// HTTP client.
func TestPHP(t *testing.T) {
	t.Parallel()
	needs(t, "php")
	require.FileExists(t, "php/receiver.php") // also tells the test cache that it is read
	s := &suite{
		receiver: startReceiver(t, "php", "php/serve.php"),
		sender:   start(t, "php", "php/sender.php"),
	}
	s.run(t,
		peer{name: "inplayer", scheme: sign.InPlayer(), secret: passphrase, bodies: formBodies()},
		peer{name: "conscent", scheme: sign.ConsCent(), secret: passphrase, bodies: binaryBodies()},
	)
	t.Run("a form that PHP wrote", s.phpForm)
	t.Run("a form that PHP parsed", s.phpParsed)
	t.Run("ConsCent's two proofs", s.phpBasic)
}

// phpForm has PHP itself write an event's form, and decodes it.
func (s *suite) phpForm(t *testing.T) {
	t.Parallel()
	v, err := verify.New(sign.InPlayer(), ring(t, "secret"), nil)
	require.NoError(t, err)
	got := make(chan *verify.Delivery[*inplayer.CustomerRegistered], 1)
	router, err := verify.NewRouter(inplayer.Codec(), verify.On(
		func(_ context.Context, d *verify.Delivery[*inplayer.CustomerRegistered]) error {
			got <- d
			return nil
		}))
	require.NoError(t, err)
	handler, err := verify.Handler(v, router, nil)
	require.NoError(t, err)
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)

	r := seeded(5)
	for range randomBodies {
		name := "Zoë " + randomText(r)
		var answer struct {
			Error  string
			Status int
			Sent   []byte
		}
		s.sender.ask(t, map[string]any{
			"peer": "inplayer", "url": server.URL, "secrets": []string{"secret"}, "check": "secret",
			"form": map[string]any{
				"id": "WHE-1", "created": 1547037128, "type": "customer.registered", "version": "2.4.2",
				"resource": map[string]any{"id": 7, "full_name": name, "active": true, "email": "zoe@example.com"},
			},
		}, &answer)
		require.Empty(t, answer.Error)
		require.Equal(t, http.StatusOK, answer.Status, "%q", name)
		require.Len(t, got, 1)
		d := <-got
		require.Equal(t, name, d.Event.FullName)
		require.Equal(t, answer.Sent, d.Receipt.Body)
	}
}

// phpParsed sends the examples of InPlayer's events to a receiver that signs what
// PHP parsed and wrote out again, as some of InPlayer's own receivers do.
func (s *suite) phpParsed(t *testing.T) {
	t.Parallel()
	signer, err := sign.New(sign.InPlayer(), ring(t, "secret"), nil)
	require.NoError(t, err)
	c := newClient(t)
	n := 0
	for e := range eventtest.All() {
		if e.Topic.Provider() != topic.InPlayer {
			continue
		}
		ev, err := inplayer.Decode(e.Body)
		require.NoError(t, err)
		body, contentType, err := ev.Encode()
		require.NoError(t, err)
		header := http.Header{"Content-Type": {contentType}}
		require.NoError(t, signer.Sign(header, "", time.Now(), body))
		status := c.post(t, s.receiver+"/inplayer-parsed?secret=secret", header, body, false)
		require.Equal(t, http.StatusOK, status, "%s %s: %.200q", e.Topic, e.Variant, body)
		n++
	}
	require.NotZero(t, n)
}

// phpBasic sends and receives Basic credentials beside the signature.
func (s *suite) phpBasic(t *testing.T) {
	t.Parallel()
	const key, password = "API-KEY-1", "Ge heim: ü" // a colon in the password is part of it
	basic, err := sign.NewBasic(key, sign.NewSecret(password))
	require.NoError(t, err)
	signer, err := sign.New(sign.ConsCent(), ring(t, "secret"), nil)
	require.NoError(t, err)
	both, err := sign.All(basic, signer)
	require.NoError(t, err)

	client := newClient(t)
	body := []byte(binaryBodies().plain)
	for _, c := range []struct {
		signer         sign.HeaderSigner
		user, password string
		status         int
	}{
		{both, key, password, http.StatusOK},
		{both, key, "geheim", http.StatusUnauthorized},
		{both, "API-KEY-2", password, http.StatusUnauthorized},
		{basic, key, password, http.StatusUnauthorized},
		{signer, key, password, http.StatusUnauthorized},
	} {
		header := make(http.Header)
		require.NoError(t, c.signer.Sign(header, "", time.Now(), body))
		q := url.Values{"secret": {"secret"}, "user": {c.user}, "password": {c.password}}
		status := client.post(t, s.receiver+"/conscent-basic?"+q.Encode(), header, body, false)
		require.Equal(t, c.status, status, "%s:%s", c.user, c.password)
	}

	v, err := verify.New(sign.ConsCent(), ring(t, "secret"), nil)
	require.NoError(t, err)
	credentials, err := verify.NewBasic(verify.Credential{User: key, Password: sign.NewSecret(password)})
	require.NoError(t, err)
	checker, err := verify.All(credentials, v)
	require.NoError(t, err)
	in := serve(t, checker, &verify.HandlerOptions{AllowPlaintext: true})
	for _, c := range []struct {
		user, password string
		status         int
	}{
		{key, password, http.StatusOK},
		{key, "geheim", http.StatusUnauthorized},
		{"", "", http.StatusUnauthorized},
	} {
		question := map[string]any{
			"peer": "conscent", "url": in.url + "/middleware", "secrets": []string{"secret"}, "check": "secret", "body": body,
		}
		if c.user != "" {
			question["user"], question["password"] = c.user, c.password
		}
		var answer struct {
			Error  string
			Status int
		}
		s.sender.ask(t, question, &answer)
		require.Empty(t, answer.Error)
		require.Equal(t, c.status, answer.Status)
		if c.status == http.StatusOK {
			in.accepted(t)
		} else {
			require.Error(t, in.refusal(t))
		}
	}
}
