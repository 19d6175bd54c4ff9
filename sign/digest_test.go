package sign_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/paperround/sign"
)

func TestDigest(t *testing.T) {
	t.Parallel()
	m := sign.Message{ID: "msg", Time: "1614265330", Body: []byte("ignored")}
	ring := ringOf(t, benchSecret)
	c, err := sign.Compile(sign.StandardWebhooks(), ring)
	require.NoError(t, err)
	tagsOf := func(body string) []string {
		out, err := c.Append(nil, sign.Message{ID: "msg", Time: "1614265330", Body: []byte(body)}, at())
		require.NoError(t, err)
		return []string{strings.TrimPrefix(string(out), "v1,")}
	}
	d, err := c.Begin(m, at())
	require.NoError(t, err)
	other, err := c.Begin(m, at())
	require.NoError(t, err)
	_, err = other.Write([]byte("another body at the same time"))
	require.NoError(t, err)

	made, err := d.Match(tagsOf(""))
	require.NoError(t, err)
	require.Equal(t, sign.Matched{KeyID: "1"}, made)
	for _, step := range []struct{ write, body string }{{"bo", "bo"}, {"", "bo"}, {"dy", "body"}} {
		n, err := d.Write([]byte(step.write))
		require.NoError(t, err)
		require.Len(t, step.write, n)
		for range 2 { // It can be asked again.
			_, err = d.Match(tagsOf(step.body))
			require.NoError(t, err)
		}
		_, err = d.Match(tagsOf(step.body + "x"))
		require.ErrorIs(t, err, sign.ErrNoMatch)
		_, err = d.Match([]string{"v1"})
		require.ErrorIs(t, err, sign.ErrMalformed)
		_, err = d.Match(nil)
		require.ErrorIs(t, err, sign.ErrMalformed)
	}

	// A replaced ring does not reach a message that has begun.
	require.NoError(t, ring.Replace(sign.Key{Secret: sign.NewSecret("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD")}))
	old := tagsOf("body")
	_, err = d.Match(old)
	require.ErrorIs(t, err, sign.ErrNoMatch)
}

func TestBeginRefuses(t *testing.T) {
	t.Parallel()
	private, _ := pairOf('a')
	c, err := sign.Compile(asymmetric(), ringOf(t, private))
	require.NoError(t, err)
	_, err = c.Begin(sign.Message{}, at())
	require.ErrorIs(t, err, sign.ErrConfig)
	require.ErrorContains(t, err, "in one piece")

	ring, err := sign.NewRing(sign.Key{Secret: sign.NewSecret(benchSecret), NotBefore: at().Add(time.Second)})
	require.NoError(t, err)
	c, err = sign.Compile(sign.StandardWebhooks(), ring)
	require.NoError(t, err)
	_, err = c.Begin(sign.Message{ID: "msg", Time: "1"}, at())
	require.ErrorIs(t, err, sign.ErrNoKey)
	_, err = c.Begin(sign.Message{ID: "msg.1", Time: "1"}, at().Add(time.Second))
	require.ErrorIs(t, err, sign.ErrMalformed)
	_, err = c.Begin(sign.Message{ID: "msg", Time: "01"}, at().Add(time.Second))
	require.ErrorIs(t, err, sign.ErrMalformed)
	require.NoError(t, ring.Replace(sign.Key{Secret: sign.NewSecret("no base64!!!")}))
	_, err = c.Begin(sign.Message{ID: "msg", Time: "1"}, at())
	require.ErrorIs(t, err, sign.ErrConfig)
	_, err = new(sign.Compiled).Begin(sign.Message{}, at())
	require.ErrorIs(t, err, sign.ErrConfig)
}

func TestZeroDigest(t *testing.T) {
	t.Parallel()
	for name, d := range map[string]*sign.Digest{"zero": new(sign.Digest), "nil": nil} {
		n, err := d.Write([]byte("body"))
		require.NoError(t, err, name)
		require.Equal(t, 4, n)
		_, err = d.Match([]string{strings.Repeat("0", 64)})
		require.ErrorIs(t, err, sign.ErrConfig, name)
	}
}
