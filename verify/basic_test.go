package verify_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/paperround/sign"
	"example.com/paperround/verify"
)

func credential(id, user, password string) verify.Credential {
	return verify.Credential{ID: id, User: user, Password: sign.NewSecret(password)}
}

func TestBasicVerify(t *testing.T) {
	t.Parallel()
	b, err := verify.NewBasic(
		credential("", "Aladdin", "open sesame"),
		credential("colons", "key", "pa:ss:word"),
		credential("utf-8", "test", "123£"),
	)
	require.NoError(t, err)
	require.Equal(t, `Basic realm="webhooks", charset="UTF-8"`, b.Proves().Challenge)
	const good = "QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
	for name, tc := range map[string]struct {
		lines []string
		who   string
		want  string
	}{
		"RFC 7617":                 {[]string{"Basic " + good}, "1", ""},
		"lower case":               {[]string{"basic " + good}, "1", ""},
		"upper case":               {[]string{"BASIC " + good}, "1", ""},
		"long s, which folds too":  {[]string{"ba\u017fic " + good}, "", "malformed"},
		"colons in the password":   {[]string{"Basic a2V5OnBhOnNzOndvcmQ="}, "colons", ""},
		"UTF-8":                    {[]string{"Basic dGVzdDoxMjPCow=="}, "utf-8", ""},
		"ISO-8859-1":               {[]string{"Basic dGVzdDoxMjOj"}, "", "no match"},
		"missing":                  {nil, "", "missing"},
		"empty":                    {[]string{""}, "", "missing"},
		"two lines":                {[]string{"Basic " + good, "Basic " + good}, "", "too many"},
		"two lines, one of Bearer": {[]string{"Bearer x", "Basic " + good}, "", "too many"},
		"folded":                   {[]string{"Basic " + good + ", Basic " + good}, "", "malformed"},
		"missing padding":          {[]string{"Basic " + strings.TrimRight(good, "=")}, "", "malformed"},
		"half the padding":         {[]string{"Basic " + good[:len(good)-1]}, "", "malformed"},
		"non-zero trailing bits":   {[]string{"Basic QWxhZGRpbjpvcGVuIHNlc2FtZR=="}, "", "malformed"},
		"base64url":                {[]string{"Basic QWxhZGRpbjpvcGVuIHNlc2Ft-_=="}, "", "malformed"},
		"newline inside":           {[]string{"Basic QWxhZGRp\nbjpvcGVuIHNlc2FtZQ=="}, "", "malformed"},
		"newline at the end":       {[]string{"Basic " + good + "\n"}, "", "malformed"},
		"no space":                 {[]string{"Basic" + good}, "", "malformed"},
		"two spaces":               {[]string{"Basic  " + good}, "", "malformed"},
		"a tab":                    {[]string{"Basic\t" + good}, "", "malformed"},
		"space in front":           {[]string{" Basic " + good}, "", "malformed"},
		"space behind":             {[]string{"Basic " + good + " "}, "", "malformed"},
		"scheme alone":             {[]string{"Basic"}, "", "malformed"},
		"nothing after the scheme": {[]string{"Basic "}, "", "no match"},
		"another scheme":           {[]string{"Bearer " + good}, "", "malformed"},
		"credentials alone":        {[]string{good}, "", "malformed"},
		"wrong password":           {[]string{"Basic QWxhZGRpbjpvcGVuIHNlc2FtZTI="}, "", "no match"},
		"wrong user":               {[]string{"Basic YWxhZGRpbjpvcGVuIHNlc2FtZQ=="}, "", "no match"},
		"user of one, password of another": {
			[]string{"Basic a2V5Om9wZW4gc2VzYW1l"}, "", "no match",
		},
		"no colon":     {[]string{"Basic QWxhZGRpbg=="}, "", "no match"},
		"colon alone":  {[]string{"Basic Og=="}, "", "no match"},
		"1024 digits":  {[]string{"Basic " + strings.Repeat("QUFB", 256)}, "", "no match"},
		"1028 digits":  {[]string{"Basic " + strings.Repeat("QUFB", 257)}, "", "malformed"},
		"1 MiB":        {[]string{"Basic " + strings.Repeat("QUFB", 1<<18)}, "", "malformed"},
		"NUL at start": {[]string{"\x00Basic " + good}, "", "malformed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body := []byte("body")
			rc, err := b.Verify(http.Header{"Authorization": tc.lines}, body)
			require.ErrorIs(t, err, reason(t, tc.want))
			require.Equal(t, tc.who, rc.Credential)
			if tc.want != "" {
				require.Zero(t, rc)
				require.NotContains(t, err.Error(), good)
				return
			}
			require.Equal(t, "body", string(rc.Body))
			require.Empty(t, rc.Scheme)
			require.False(t, rc.Received.IsZero())
		})
	}
}

func TestNewBasicRefuses(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		creds  []verify.Credential
		reason string
	}{
		"none":           {nil, "at least one"},
		"empty user":     {[]verify.Credential{credential("", "", "hunter2")}, "user name is empty"},
		"empty password": {[]verify.Credential{credential("", "user", "")}, "password is empty"},
		"one among two":  {[]verify.Credential{credential("", "user", "hunter2"), {User: "user"}}, "password is empty"},
		"colon":          {[]verify.Credential{credential("", "a:b", "hunter2")}, "colon"},
		"same id":        {[]verify.Credential{credential("a", "user", "hunter2"), credential("a", "user", "hunter3")}, "have the id a"},
		"same pair":      {[]verify.Credential{credential("a", "user", "hunter2"), credential("b", "user", "hunter2")}, "a and b are the same"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := verify.NewBasic(tc.creds...)
			require.ErrorIs(t, err, verify.ErrConfig)
			require.ErrorContains(t, err, tc.reason)
			require.NotContains(t, err.Error(), "hunter2")
		})
	}
}

func TestBasicRotation(t *testing.T) {
	t.Parallel()
	b, err := verify.NewBasic(credential("old", "key", "one"), credential("new", "key", "two"))
	require.NoError(t, err)
	for id, password := range map[string]string{"old": "one", "new": "two"} {
		s, err := sign.NewBasic("key", sign.NewSecret(password))
		require.NoError(t, err)
		header := make(http.Header)
		require.NoError(t, s.Sign(header, "", clock(0)(), nil))
		rc, err := b.Verify(header, nil)
		require.NoError(t, err)
		require.Equal(t, id, rc.Credential)
	}
}

func TestBasicNamesTheCredential(t *testing.T) {
	t.Parallel()
	_, err := verify.NewBasic(
		verify.Credential{ID: "old", User: "u", Password: sign.NewSecret("pw")},
		verify.Credential{ID: "new", User: "u", Password: sign.NewSecret("")},
	)
	require.ErrorIs(t, err, verify.ErrConfig)
	require.ErrorContains(t, err, "credential new")
}

// What construction accepts can be verified, up to the longest pair.
func TestLongestBasic(t *testing.T) {
	t.Parallel()
	password := sign.NewSecret(strings.Repeat("p", 766))
	s, err := sign.NewBasic("u", password)
	require.NoError(t, err)
	b, err := verify.NewBasic(verify.Credential{User: "u", Password: password})
	require.NoError(t, err)
	h := http.Header{}
	require.NoError(t, s.Sign(h, "", time.Now(), nil))
	_, err = b.Verify(h, nil)
	require.NoError(t, err)
	_, err = sign.NewBasic("u", sign.NewSecret(strings.Repeat("p", 767)))
	require.ErrorIs(t, err, sign.ErrConfig)
}
