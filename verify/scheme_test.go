package verify_test

import (
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/paperround/sign"
	"example.com/paperround/verify"
)

// choices makes a scheme and a message out of bytes.
type choices []byte

func (c *choices) next() int {
	if len(*c) == 0 {
		return 0
	}
	b := (*c)[0]
	*c = (*c)[1:]
	return int(b)
}

func (c *choices) pick(from ...string) string { return from[c.next()%len(from)] }

// scheme returns one that may or may not validate.
func (c *choices) scheme() sign.Scheme {
	s := sign.Scheme{Name: "random", Encoding: sign.Hex, TimeUnit: sign.TimeUnit(c.next() % 2)}
	if c.next()%2 == 0 {
		s.Encoding = sign.Base64
	}
	for range c.next() % 6 {
		s.Cover = append(s.Cover, sign.Part(c.pick(
			string(sign.PartID), string(sign.PartTime), string(sign.PartID), string(sign.PartTime),
			".", ":", "a", "0", "v0:", "-1", "x9", "{id", "\n", ",", "", string(sign.PartBody),
		)))
	}
	s.Cover = append(s.Cover, sign.PartBody)
	field := func() sign.Field {
		return sign.Field{
			Header:    c.pick("X-A", "x-a", "X-B", "X-C", "!x"),
			Prefix:    c.pick("", "a=", "a", "b=", "v1,", "1", "id=", "=", ";"),
			Separator: c.pick("", "", " ", ",", ";"),
		}
	}
	s.Tag = field()
	for part, dst := range map[sign.Part]*sign.Field{sign.PartID: &s.ID, sign.PartTime: &s.Time} {
		if slices.Contains(s.Cover, part) {
			*dst = sign.Field{Header: "X-" + string(part[1:3])}
		}
	}
	// More often than not they stand where the tag does.
	for _, f := range []*sign.Field{&s.ID, &s.Time} {
		if odd := c.next() % 8; *f != (sign.Field{}) && odd != 0 {
			*f = field()
			if odd > 3 {
				f.Header, f.Separator = s.Tag.Header, s.Tag.Separator
			}
		}
	}
	return s
}

// text returns up to n bytes that mean something to some scheme.
func (c *choices) text(n int) string {
	var b strings.Builder
	for range c.next() % (n + 1) {
		b.WriteString(c.pick(".", ":", "a", "0", "1", "9", "-", "x", "{id}", "{time}", ",", ";", "=", "v1,", " ", "\n", "é", "b="))
	}
	return b.String()
}

func (c *choices) digits() string {
	return c.pick("0", "1", "9", "10", "19", "1614265330", "1614265330123", "253402300799", "01", "", "-1", "253402300800", "999999999999999999")
}

// signedText is what a scheme signs, by its documentation.
func signedText(s sign.Scheme, m sign.Message) string {
	var b strings.Builder
	for _, p := range s.Cover {
		switch p {
		case sign.PartID:
			b.WriteString(m.ID)
		case sign.PartTime:
			b.WriteString(m.Time)
		case sign.PartBody:
			b.Write(m.Body)
		default:
			b.WriteString(string(p))
		}
	}
	return b.String()
}

// readings calls f with every message that has this signed text.
func readings(cover []sign.Part, text string, m sign.Message, f func(sign.Message)) {
	switch p := cover[0]; p {
	case sign.PartBody:
		m.Body = []byte(text)
		f(m)
	case sign.PartID, sign.PartTime:
		for n := range len(text) + 1 {
			dst := &m.ID
			if p == sign.PartTime {
				dst = &m.Time
			}
			*dst = text[:n]
			readings(cover[1:], text[n:], m, f)
		}
	default:
		if rest, ok := strings.CutPrefix(text, string(p)); ok {
			readings(cover[1:], rest, m, f)
		}
	}
}

// oneReading checks a scheme that validates: what it signs has one reading, and
// its headers have one too. It returns what there was to check: "", "body",
// "apart" for an id or a time in a header of its own, "shared".
func oneReading(t *testing.T, data []byte) string {
	t.Helper()
	c := choices(data)
	s := c.scheme()
	ring := ringOf(t, "one secret", "another")
	compiled, err := sign.Compile(s, ring)
	if s.Validate() != nil {
		require.ErrorIs(t, err, sign.ErrConfig)
		return ""
	}
	require.NoError(t, err)
	at := time.Unix(1614265330, 0)
	m := sign.Message{ID: c.text(4), Time: c.digits(), Body: []byte(c.text(6))}
	hasID, hasTime := slices.Contains(s.Cover, sign.PartID), slices.Contains(s.Cover, sign.PartTime)
	if !hasID {
		m.ID = ""
	}
	if !hasTime {
		m.Time = ""
	}
	tag, err := compiled.Append(nil, m, at)
	if err != nil {
		require.ErrorIs(t, err, sign.ErrMalformed)
		return ""
	}
	same := 0
	readings(s.Cover, signedText(s, m), sign.Message{}, func(other sign.Message) {
		again, err := compiled.Append(nil, other, at)
		if err != nil {
			return
		}
		require.Equal(t, m.ID, other.ID, "%+v", s)
		require.Equal(t, m.Time, other.Time, "%+v", s)
		require.Equal(t, string(m.Body), string(other.Body), "%+v", s)
		require.Equal(t, string(tag), string(again))
		same++
	})
	require.Equal(t, 1, same)

	kind := "body"
	switch {
	case s.ID.Separator+s.Time.Separator != "":
		kind = "shared"
	case hasID || hasTime:
		kind = "apart"
	}
	now, err := s.TimeUnit.Parse(m.Time)
	if hasTime && err != nil {
		return kind // Canonical, and beyond the year 9999.
	}
	signer, err := sign.New(s, ring, nil)
	require.NoError(t, err)
	v, err := verify.New(s, ring, &verify.Options{Tolerance: -1})
	require.NoError(t, err)
	header := make(http.Header)
	require.NoError(t, signer.Sign(header, m.ID, now, m.Body))
	rc, err := v.Verify(header, m.Body)
	require.NoError(t, err, "%+v %q", s, header)
	require.Equal(t, m.ID, rc.ID)
	require.Equal(t, now, rc.Time)
	require.Equal(t, string(m.Body), string(rc.Body))
	return kind
}

// Random schemes that validate, with random messages: no two different messages
// have the same signed text, or the same headers.
func TestOneReading(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	checked := make(map[string]int)
	data := make([]byte, 64)
	for range 15000 {
		for i := range data {
			data[i] = byte(r.UintN(256))
		}
		checked[oneReading(t, data)]++
	}
	for _, kind := range []string{"body", "apart", "shared"} {
		require.Greater(t, checked[kind], 60, kind)
	}
	t.Log(checked)
}

func FuzzOneReading(f *testing.F) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 50 {
		data := make([]byte, 64)
		for i := range data {
			data[i] = byte(r.UintN(256))
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) { oneReading(t, data) })
}
