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
		sign.StandardWebhooksAsymmetric(),
		sign.Svix(),
		sign.GitHub(),
		sign.Stripe(),
		sign.Slack(),
		sign.Shopify(),
		sign.Paddle(),
	} {
		require.NoError(t, s.Validate(), s.Name)
	}
}

func TestSchemeValidate(t *testing.T) {
	t.Parallel()
	id := sign.Field{Header: "X-Id"}
	at := sign.Field{Header: "X-Time"}
	shared := func(change func(*sign.Scheme)) func(*sign.Scheme) {
		return func(s *sign.Scheme) {
			s.Cover = []sign.Part{sign.PartTime, ".", sign.PartID, ".", sign.PartBody}
			s.Tag = sign.Field{Header: "X-Tag", Prefix: "v1=", Separator: ";"}
			s.Time = sign.Field{Header: "X-Tag", Prefix: "t=", Separator: ";"}
			s.ID = sign.Field{Header: "X-Tag", Prefix: "id=", Separator: ";"}
			change(s)
		}
	}
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
		"unknown algorithm":   {func(s *sign.Scheme) { s.Algorithm = 9 }, "Algorithm is unknown"},
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
		}, "without standing in the list of Tag"},
		"pair of times and ids in one header": {func(s *sign.Scheme) {
			s.Cover = []sign.Part{sign.PartTime, ".", sign.PartID, ".", sign.PartBody}
			s.Time, s.ID = sign.Field{Header: "X-Meta", Prefix: "t="}, sign.Field{Header: "x-meta", Prefix: "id="}
		}, "already taken"},
		"list of ids and times without the tag": {func(s *sign.Scheme) {
			s.Cover = []sign.Part{sign.PartTime, ".", sign.PartID, ".", sign.PartBody}
			s.Time = sign.Field{Header: "X-Meta", Prefix: "t=", Separator: ","}
			s.ID = sign.Field{Header: "X-Meta", Prefix: "id=", Separator: ","}
		}, "without standing in the list of Tag"},
		"shared":                        {shared(func(*sign.Scheme) {}), ""},
		"shared, headers in other case": {shared(func(s *sign.Scheme) { s.Time.Header, s.ID.Header = "x-tag", "X-TAG" }), ""},
		"shared, no separator in Tag":   {shared(func(s *sign.Scheme) { s.Tag.Separator = "" }), "without standing in the list of Tag"},
		"shared, no separator in Time":  {shared(func(s *sign.Scheme) { s.Time.Separator = "" }), "Time stands in a header that is already taken"},
		"shared, no separator in ID":    {shared(func(s *sign.Scheme) { s.ID.Separator = "" }), "ID stands in a header that is already taken"},
		"shared, another separator":     {shared(func(s *sign.Scheme) { s.Time.Separator = "," }), "Time has a separator without"},
		"shared, another header":        {shared(func(s *sign.Scheme) { s.ID.Header = "X-Id" }), "ID has a separator without"},
		"shared, same prefix":           {shared(func(s *sign.Scheme) { s.Time.Prefix = "v1=" }), "Time and Tag cannot be told apart"},
		"shared, one without a prefix":  {shared(func(s *sign.Scheme) { s.Time.Prefix = "" }), "Time and Tag cannot be told apart"},
		"shared, Tag without a prefix":  {shared(func(s *sign.Scheme) { s.Tag.Prefix = "" }), "ID and Tag cannot be told apart"},
		"shared, prefix of a prefix":    {shared(func(s *sign.Scheme) { s.Time.Prefix = "v" }), "Time and Tag cannot be told apart"},
		"shared, prefix and more":       {shared(func(s *sign.Scheme) { s.Time.Prefix = "v1=t" }), "Time and Tag cannot be told apart"},
		"shared, id and time alike":     {shared(func(s *sign.Scheme) { s.ID.Prefix = "t=i" }), "Time and ID cannot be told apart"},
		"shared, comma in a prefix":     {shared(func(s *sign.Scheme) { s.Time.Prefix = "t," }), "comma in a prefix"},
		"shared, comma in Tag's prefix": {shared(func(s *sign.Scheme) { s.Tag.Prefix = "v1," }), "comma in a prefix"},
		"shared, separator in a prefix": {shared(func(s *sign.Scheme) { s.Time.Prefix = "t;" }), "Time has its separator in its prefix"},

		"text key under Ed25519":        {func(s *sign.Scheme) { s.Algorithm = sign.Ed25519 }, "Algorithm and KeyForm disagree"},
		"base64 key under Ed25519":      {func(s *sign.Scheme) { s.Algorithm, s.KeyForm = sign.Ed25519, sign.Whsec }, "Algorithm and KeyForm disagree"},
		"key pair under HMAC":           {func(s *sign.Scheme) { s.KeyForm = sign.KeyPair }, "Algorithm and KeyForm disagree"},
		"least length of a key pair":    {func(s *sign.Scheme) { s.Algorithm, s.KeyForm, s.MinKey = sign.Ed25519, sign.KeyPair, 1 }, "length of a KeyPair is fixed"},
		"greatest length of a key pair": {func(s *sign.Scheme) { s.Algorithm, s.KeyForm, s.MaxKey = sign.Ed25519, sign.KeyPair, 99 }, "length of a KeyPair is fixed"},
		"least length alone":            {func(s *sign.Scheme) { s.MinKey = 16 }, ""},
		"one length":                    {func(s *sign.Scheme) { s.MinKey, s.MaxKey = 16, 16 }, ""},
		"id beside time": {func(s *sign.Scheme) {
			s.Cover, s.ID, s.Time = []sign.Part{sign.PartID, sign.PartTime, ".", sign.PartBody}, id, at
		}, "put a literal between"},
		"time beside id": {func(s *sign.Scheme) {
			s.Cover, s.ID, s.Time = []sign.Part{sign.PartTime, sign.PartID, ".", sign.PartBody}, id, at
		}, "put a literal between"},
		"time twice": {func(s *sign.Scheme) {
			s.Cover, s.Time = []sign.Part{sign.PartTime, ".", sign.PartTime, ".", sign.PartBody}, at
		}, "twice"},
		"name of an id without a header": {func(s *sign.Scheme) { s.ID.Prefix = "id=" }, "ID names a header that is no HTTP field name"},
		"prefix beyond ASCII":            {func(s *sign.Scheme) { s.Tag.Prefix = "v\u00e1=" }, "beyond ASCII"},
		"prefix with a DEL":              {func(s *sign.Scheme) { s.Tag.Prefix = "v\x7f" }, "beyond ASCII"},

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
