package sign_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/paperround/sign"
)

func TestPresetsValidate(t *testing.T) {
	t.Parallel()
	for _, s := range []sign.Scheme{
		sign.InPlayer(),
		sign.ConsCent(),
		sign.Cleeng("X-Signature", sign.Hex),
		sign.Cleeng("X-Signature", sign.Base64),
		sign.StandardWebhooks(),
	} {
		require.NoError(t, s.Validate(), s.Name)
	}
}

func TestSchemeValidate(t *testing.T) {
	t.Parallel()
	id := sign.Field{Header: "X-Id"}
	at := sign.Field{Header: "X-Time"}
	for name, tc := range map[string]struct {
		change func(*sign.Scheme)
		reason string // Empty: the scheme is fine.
	}{
		"as it is": {func(*sign.Scheme) {}, ""},
		"literal in front": {func(s *sign.Scheme) {
			s.Cover, s.Time = []sign.Part{"v0:", sign.PartTime, ":", sign.PartBody}, at
		}, ""},
		"literals side by side": {func(s *sign.Scheme) { s.Cover = []sign.Part{"a", "b", sign.PartBody} }, ""},
		"list without prefix":   {func(s *sign.Scheme) { s.Tag = sign.Field{Header: "X-Tag", Separator: ";"} }, ""},
		"comma list":            {func(s *sign.Scheme) { s.Tag = sign.Field{Header: "X-Tag", Prefix: "v1=", Separator: ","} }, ""},

		"no name":             {func(s *sign.Scheme) { s.Name = "" }, "Name is empty"},
		"name with a newline": {func(s *sign.Scheme) { s.Name = "a\nb" }, "Name holds"},
		"no tag header":       {func(s *sign.Scheme) { s.Tag.Header = "" }, "Tag names no header"},
		"bad tag header":      {func(s *sign.Scheme) { s.Tag.Header = "X Tag" }, "no HTTP field name"},
		"header with newline": {func(s *sign.Scheme) { s.Tag.Header = "X-Tag\r\nX" }, "no HTTP field name"},
		"unknown hash":        {func(s *sign.Scheme) { s.Hash = 9 }, "Hash is unknown"},
		"no encoding":         {func(s *sign.Scheme) { s.Encoding = 0 }, "Encoding is not set"},
		"unknown encoding":    {func(s *sign.Scheme) { s.Encoding = 9 }, "Encoding is not set"},
		"unknown unit":        {func(s *sign.Scheme) { s.TimeUnit = 9 }, "TimeUnit is unknown"},
		"unknown key form":    {func(s *sign.Scheme) { s.KeyForm = 9 }, "KeyForm is unknown"},
		"negative minimum":    {func(s *sign.Scheme) { s.MinKey = -1 }, "negative"},
		"negative maximum":    {func(s *sign.Scheme) { s.MaxKey = -1 }, "negative"},
		"maximum too small":   {func(s *sign.Scheme) { s.MinKey, s.MaxKey = 32, 16 }, "MaxKey is less"},

		"no cover":      {func(s *sign.Scheme) { s.Cover = nil }, "body unsigned"},
		"no body":       {func(s *sign.Scheme) { s.Cover, s.ID = []sign.Part{sign.PartID, "."}, id }, "body unsigned"},
		"body not last": {func(s *sign.Scheme) { s.Cover = []sign.Part{sign.PartBody, "."} }, "after the body"},
		"body twice":    {func(s *sign.Scheme) { s.Cover = []sign.Part{sign.PartBody, ".", sign.PartBody} }, "twice"},
		"id twice": {func(s *sign.Scheme) {
			s.Cover, s.ID = []sign.Part{sign.PartID, ".", sign.PartID, ".", sign.PartBody}, id
		}, "twice"},
		"empty literal":   {func(s *sign.Scheme) { s.Cover = []sign.Part{"", sign.PartBody} }, "empty part"},
		"empty separator": {func(s *sign.Scheme) { s.Cover, s.ID = []sign.Part{sign.PartID, "", sign.PartBody}, id }, "empty part"},
		"id beside body":  {func(s *sign.Scheme) { s.Cover, s.ID = []sign.Part{sign.PartID, sign.PartBody}, id }, "put a literal between"},
		"time beside body": {func(s *sign.Scheme) {
			s.Cover, s.Time = []sign.Part{sign.PartTime, sign.PartBody}, at
		}, "put a literal between"},
		"time before a digit": {func(s *sign.Scheme) {
			s.Cover, s.Time = []sign.Part{sign.PartTime, "0", sign.PartBody}, at
		}, "digit after the time"},
		"id without a field":     {func(s *sign.Scheme) { s.Cover = []sign.Part{sign.PartID, ".", sign.PartBody} }, "Cover and ID disagree"},
		"time without a field":   {func(s *sign.Scheme) { s.Cover = []sign.Part{sign.PartTime, ".", sign.PartBody} }, "Cover and Time disagree"},
		"id that is not covered": {func(s *sign.Scheme) { s.ID = id }, "Cover and ID disagree"},
		"57 time that is not covered": {func(s *sign.Scheme) {
			s.Time = at
		}, "Cover and Time disagree"},

		"two in one header": {func(s *sign.Scheme) {
			s.Cover, s.Time = []sign.Part{sign.PartTime, ".", sign.PartBody}, sign.Field{Header: "x-tag"}
		}, "already taken"},
		"list of times": {func(s *sign.Scheme) {
			s.Cover, s.Time = []sign.Part{sign.PartTime, ".", sign.PartBody}, sign.Field{Header: "X-Time", Separator: ","}
		}, "only Tag may be a list"},
		"prefix with a space": {func(s *sign.Scheme) { s.Tag.Prefix = "v1 " }, "prefix with white space"},
		"unknown separator":   {func(s *sign.Scheme) { s.Tag.Separator = "a" }, "unknown separator"},
		"separator in prefix": {func(s *sign.Scheme) { s.Tag.Prefix, s.Tag.Separator = "v1,", "," }, "separator in its prefix"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := sign.Scheme{
				Name:     "test",
				Cover:    []sign.Part{sign.PartBody},
				Tag:      sign.Field{Header: "X-Tag"},
				Encoding: sign.Hex,
			}
			tc.change(&s)
			err := s.Validate()
			_, compileErr := sign.Compile(s, ringOf(t, "0123456789abcdef"))
			require.Equal(t, err, compileErr)
			if tc.reason == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, sign.ErrConfig)
			require.ErrorContains(t, err, tc.reason)
		})
	}
}

func TestZeroSchemeIsRefused(t *testing.T) {
	t.Parallel()
	require.ErrorIs(t, sign.Scheme{}.Validate(), sign.ErrConfig)
}

func TestCompileDetachesCover(t *testing.T) {
	t.Parallel()
	s := sign.StandardWebhooks()
	c, err := sign.Compile(s, ringOf(t, benchSecret))
	require.NoError(t, err)
	m := sign.Message{ID: "a", Time: "1", Body: []byte("b")}
	before, err := c.Append(nil, m, at())
	require.NoError(t, err)
	s.Cover[1] = "!"
	after, err := c.Append(nil, m, at())
	require.NoError(t, err)
	require.Equal(t, string(before), string(after))
}
