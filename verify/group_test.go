package verify_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/paperround/sign"
	"example.com/paperround/verify"
)

// fixed is a checker of a host's own.
type fixed struct {
	receipt verify.Receipt
	err     error
}

func (fixed) Proves() verify.Proof { return verify.Proof{} }

func (f fixed) Verify(http.Header, []byte) (verify.Receipt, error) { return f.receipt, f.err }

func TestAllRequiresEveryOne(t *testing.T) {
	t.Parallel()
	credentials, err := sign.NewBasic("key", sign.NewSecret("secret"))
	require.NoError(t, err)
	ring := ringOf(t, hexSecret)
	hmac, err := sign.New(sign.ConsCent(), ring, nil)
	require.NoError(t, err)
	signer, err := sign.All(credentials, hmac)
	require.NoError(t, err)
	basic, err := verify.NewBasic(credential("app", "key", "secret"))
	require.NoError(t, err)
	v, err := verify.New(sign.ConsCent(), ring, &verify.Options{Now: clock(7)})
	require.NoError(t, err)
	both, err := verify.All(v, basic)
	require.NoError(t, err)
	require.Equal(t, basic.Proves().Challenge, both.Proves().Challenge)

	body := []byte("body")
	header := make(http.Header)
	require.NoError(t, signer.Sign(header, "", time.Now(), body))
	rc, err := both.Verify(header, body)
	require.NoError(t, err)
	require.Equal(t, verify.Receipt{
		Scheme: sign.ConsCent().Name, KeyID: "1", Credential: "app", Received: time.Unix(7, 0), Body: body,
	}, rc)

	for _, without := range []string{"Authorization", "X-Conscent-Signature"} {
		h := header.Clone()
		h.Del(without)
		rc, err := both.Verify(h, body)
		require.ErrorIs(t, err, verify.ErrMissing, without)
		require.Zero(t, rc)
	}
	_, err = both.Verify(header, []byte("another"))
	require.ErrorIs(t, err, verify.ErrNoMatch)
}

func TestAllMerges(t *testing.T) {
	t.Parallel()
	one := verify.Receipt{KeyID: "k1", KeyAge: time.Hour, ID: "id", Body: []byte("one")}
	two := verify.Receipt{Scheme: "s", KeyID: "k2", KeyAge: time.Minute, Superseded: true, Credential: "c", ID: "other", Time: time.Unix(1, 0), Received: time.Unix(2, 0), Body: []byte("two")}
	g, err := verify.All(fixed{receipt: one}, fixed{receipt: two})
	require.NoError(t, err)
	rc, err := g.Verify(nil, nil)
	require.NoError(t, err)
	require.Equal(t, verify.Receipt{
		Scheme: "s", KeyID: "k1", KeyAge: time.Hour, Credential: "c", ID: "id", Time: time.Unix(1, 0), Received: time.Unix(2, 0), Body: []byte("one"),
	}, rc)
	require.Empty(t, g.Proves().Challenge)

	g, err = verify.All(fixed{}, fixed{receipt: two})
	require.NoError(t, err)
	rc, err = g.Verify(nil, nil)
	require.NoError(t, err)
	require.Equal(t, two, rc, "what is known of a key stays together")

	broken := errors.New("broken")
	g, err = verify.All(fixed{receipt: one}, fixed{receipt: two, err: broken})
	require.NoError(t, err)
	rc, err = g.Verify(nil, nil)
	require.ErrorIs(t, err, broken)
	require.Zero(t, rc)
}

func TestAllRefuses(t *testing.T) {
	t.Parallel()
	_, err := verify.All()
	require.ErrorIs(t, err, verify.ErrConfig)
	_, err = verify.All(fixed{}, nil)
	require.ErrorIs(t, err, verify.ErrConfig)
	require.ErrorContains(t, err, "checker 2")
}
