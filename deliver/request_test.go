package deliver

import (
	"errors"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// A URL that was judged once serves many requests, and transports have been seen
// that write into it.
func TestRequestHasItsOwnURL(t *testing.T) {
	t.Parallel()
	var seen []string
	client, err := NewClient(&ClientOptions{UnguardedTransport: transport(func(req *http.Request) (*http.Response, error) {
		seen = append(seen, req.URL.String()+" "+req.Host)
		req.URL.Host, req.URL.Path = "gateway.example.com", "/"
		return nil, errors.New("no")
	})})
	require.NoError(t, err)
	ep := newEndpoint("e1")
	u, err := client.check(ep)
	require.NoError(t, err)
	for range 2 {
		attempt(t.Context(), nil, client, ep, u, newMessage())
	}
	want := "https://e1.example.com/in e1.example.com"
	require.Equal(t, []string{want, want}, seen)
}

func TestEmptyPortIsNone(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"https://a.example.com:/in": "a.example.com",
		"https://[2001:db8::1]:/in": "[2001:db8::1]",
		"https://a.example.com:443": "a.example.com:443",
		"https://[2001:db8::1]/in":  "[2001:db8::1]",
	} {
		u, err := parseURL(raw)
		require.NoError(t, err)
		require.Equal(t, want, u.Host)
	}
}
