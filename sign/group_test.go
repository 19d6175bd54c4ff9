package sign_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/paperround/sign"
)

type failing struct{ err error }

func (f failing) Sign(h http.Header, _ string, _ time.Time, _ []byte) error {
	h.Set("X-Half-Done", "1")
	return f.err
}

func TestAll(t *testing.T) {
	t.Parallel()
	hmac, err := sign.New(sign.ConsCent(), ringOf(t, "secret"), nil)
	require.NoError(t, err)
	basic, err := sign.NewBasic("key", sign.NewSecret("secret"))
	require.NoError(t, err)
	both, err := sign.All(basic, hmac)
	require.NoError(t, err)
	header := http.Header{"Content-Type": {"application/json"}}
	require.NoError(t, both.Sign(header, "", at(), []byte("body")))
	require.Equal(t, http.Header{
		"Content-Type":         {"application/json"},
		"Authorization":        {"Basic a2V5OnNlY3JldA=="},
		"X-Conscent-Signature": {"dc46983557fea127b43af721467eb9b3fde2338fe3e14f51952aa8478c13d355"},
	}, header)
}

func TestAllRefuses(t *testing.T) {
	t.Parallel()
	basic, err := sign.NewBasic("key", sign.NewSecret("secret"))
	require.NoError(t, err)
	_, err = sign.All()
	require.ErrorIs(t, err, sign.ErrConfig)
	_, err = sign.All(basic, nil)
	require.ErrorIs(t, err, sign.ErrConfig)
	require.ErrorContains(t, err, "signer 2")

	twice, err := sign.All(basic, basic)
	require.NoError(t, err)
	header := headerOf()
	require.ErrorIs(t, twice.Sign(header, "", at(), nil), sign.ErrConfig)
	require.Empty(t, header)
	require.ErrorIs(t, twice.Sign(nil, "", at(), nil), sign.ErrConfig)

	broken := errors.New("broken")
	half, err := sign.All(basic, failing{broken})
	require.NoError(t, err)
	require.ErrorIs(t, half.Sign(header, "", at(), nil), broken)
	require.Empty(t, header, "nothing is left half signed")
}

// writes is a signer made of a function of the header.
type writes func(h http.Header)

func (f writes) Sign(h http.Header, _ string, _ time.Time, _ []byte) error {
	f(h)
	return nil
}

func TestGroupSeesTheHeader(t *testing.T) {
	t.Parallel()
	g, err := sign.All(
		writes(func(h http.Header) { h.Set("X-First", h.Get("Content-Type")) }),
		writes(func(h http.Header) { h.Set("X-Second", h.Get("Content-Type")+h.Get("X-First")) }),
	)
	require.NoError(t, err)
	h := http.Header{"Content-Type": {"application/json"}}
	require.NoError(t, g.Sign(h, "", time.Now(), nil))
	require.Equal(t, http.Header{
		"Content-Type": {"application/json"}, "X-First": {"application/json"}, "X-Second": {"application/json"},
	}, h)
}

func TestGroupRefusesOneHeaderInTwoCases(t *testing.T) {
	t.Parallel()
	g, err := sign.All(
		writes(func(h http.Header) { h["x-signature"] = []string{"1"} }),
		writes(func(h http.Header) { h.Set("X-Signature", "2") }),
	)
	require.NoError(t, err)
	h := http.Header{}
	require.ErrorIs(t, g.Sign(h, "", time.Now(), nil), sign.ErrConfig)
	require.Empty(t, h)
}
