package sign_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/paperround/sign"
)

func TestBasicSign(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ user, password, want string }{
		"RFC 7617":       {"Aladdin", "open sesame", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="},
		"RFC 7617 UTF-8": {"test", "123£", "Basic dGVzdDoxMjPCow=="},
		"colons":         {"key", "pa:ss:word", "Basic a2V5OnBhOnNzOndvcmQ="},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, err := sign.NewBasic(tc.user, sign.NewSecret(tc.password))
			require.NoError(t, err)
			header := headerOf()
			header["Authorization"] = []string{"stale", "values"}
			require.NoError(t, b.Sign(header, "", at(), nil))
			require.Equal(t, []string{tc.want}, header["Authorization"])
			require.ErrorIs(t, b.Sign(nil, "", at(), nil), sign.ErrConfig)
		})
	}
}

func TestBasicMatch(t *testing.T) {
	t.Parallel()
	b, err := sign.NewBasic("key", sign.NewSecret("pa:ss"))
	require.NoError(t, err)
	require.True(t, b.Match([]byte("key:pa:ss")))
	for _, pair := range []string{"", ":", "key", "key:", "key:pa", "key:pa:ss:", "Key:pa:ss", "key :pa:ss", "key:pa:ss\n", ":pa:ss"} {
		require.False(t, b.Match([]byte(pair)), pair)
	}
	same, err := sign.NewBasic("key", sign.NewSecret("pa:ss"))
	require.NoError(t, err)
	other, err := sign.NewBasic("key", sign.NewSecret("other"))
	require.NoError(t, err)
	require.True(t, b.Equal(same))
	require.False(t, b.Equal(other))
	require.False(t, b.Equal(nil))
}

func TestNewBasicRefuses(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ user, password, reason string }{
		"empty user":                  {"", "hunter2", "user name is empty"},
		"colon in user":               {"a:b", "hunter2", "colon"},
		"user framed by spaces":       {"user\n", "hunter2", "white space"},
		"control character in user":   {"us\x00er", "hunter2", "control characters"},
		"user not UTF-8":              {"us\xffer", "hunter2", "not UTF-8"},
		"empty password":              {"user", "", "password is empty"},
		"blank password":              {"user", " \n", "password is blank"},
		"password with a newline":     {"user", "hunter2\n", "the password ends in a newline"},
		"control character in passwd": {"user", "hunter2\x7fx", "control characters"},
		"password not UTF-8":          {"user", "hunter2\xff", "not UTF-8"},
		"newline inside":              {"user", "hunter2\nhunter2", "control characters"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := sign.NewBasic(tc.user, sign.NewSecret(tc.password))
			require.ErrorIs(t, err, sign.ErrConfig)
			require.ErrorContains(t, err, tc.reason)
			require.NotContains(t, err.Error(), "hunter2")
		})
	}
}
