package event_test

import (
	"encoding/json"
	"math/big"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/paperround/event"
)

// doc has each scalar the way that payloads have them.
type doc struct {
	ID      event.ID      `json:"id,omitzero"`
	Decimal event.Decimal `json:"decimal,omitzero"`
	Flag    event.Flag    `json:"flag,omitzero"`
	Time    event.Time    `json:"time,omitzero"`
}

// What was written comes back as it was written.
func TestScalarsComeBackAsWritten(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{}`,
		`{"id":null,"decimal":null,"flag":null,"time":null}`,
		`{"id":"","decimal":"","flag":"","time":""}`,
		`{"id":518220946,"decimal":11.75,"flag":true,"time":"2024-05-20T18:02:33Z"}`,
		`{"id":"518220946","decimal":"27.0000","flag":"1","time":1712345678}`,
		`{"id":9007199254740993,"decimal":147.01999999999998,"flag":0,"time":"2024-09-01T12:30:00+02:00"}`,
		`{"id":"WHE-<&>","decimal":-0,"flag":"false","time":"2019-06-07T13:11:41+0000"}`,
		`{"id":123456789012345678901234567890,"decimal":1E+2,"flag":false,"time":1669043475000}`,
		`{"id":"a\"b\\c","decimal":"0.2300","flag":1,"time":"2025-01-10T13:16:01.787Z"}`,
		`{"time":-62135596800}`,
		`{"time":"1712345678"}`,
	} {
		var d doc
		require.NoError(t, json.Unmarshal([]byte(body), &d), body)
		got, _, err := event.JSON("acme:doc", d).Encode()
		require.NoError(t, err)
		require.Equal(t, body, string(got))
	}
}

func TestScalarsRefuseOtherTypes(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{"id":true}`, `{"id":{}}`, `{"id":[]}`,
		`{"decimal":"abc"}`, `{"decimal":true}`, `{"decimal":"1,5"}`, `{"decimal":" 1"}`, `{"decimal":"+1"}`, `{"decimal":"0x1"}`,
		`{"decimal":"1_000"}`, `{"decimal":{}}`,
		`{"flag":2}`, `{"flag":"yes"}`, `{"flag":[]}`, `{"flag":"TRUE"}`, `{"flag":1.0}`,
		`{"time":"yesterday"}`, `{"time":true}`, `{"time":1.5}`, `{"time":1e9}`, `{"time":"2024-05-20"}`, `{"time":99999999999999999999}`,
		`{"time":"+1712345678"}`,
	} {
		var d doc
		err := json.Unmarshal([]byte(body), &d)
		require.ErrorAs(t, err, new(*json.UnmarshalTypeError), body)
	}
}

func TestID(t *testing.T) {
	t.Parallel()
	require.Equal(t, "7", event.NewID(7).Text())
	require.Equal(t, "7", event.NewID(int64(7)).Text())
	require.Equal(t, "7", event.NewID("7").Text())
	require.NotEqual(t, event.NewID(7), event.NewID("7"), "encoding tells them apart")
	require.Equal(t, "x", event.NewID("x").String())
	require.True(t, event.ID{}.IsZero())
	require.False(t, event.ID{}.IsNull())
	null := event.Null[event.ID]()
	require.True(t, null.IsNull())
	require.False(t, null.IsZero())
	require.Empty(t, null.Text())
	require.False(t, event.NewID("").IsZero(), "an empty string is not an absent field")
}

func TestDecimal(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		digits int64
		scale  uint8
		want   string
	}{
		{1175, 2, "11.75"},
		{5, 2, "0.05"},
		{-5, 2, "-0.05"},
		{0, 2, "0.00"},
		{250000, 4, "25.0000"},
		{7, 0, "7"},
		{-7, 0, "-7"},
		{-9223372036854775808, 3, "-9223372036854775.808"},
	} {
		d := event.NewDecimal(tt.digits, tt.scale)
		require.Equal(t, tt.want, d.Text())
		b, err := json.Marshal(d)
		require.NoError(t, err)
		require.Equal(t, tt.want, string(b))
		rat, ok := d.Rat()
		require.True(t, ok)
		scale := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(tt.scale)), nil)
		require.Zero(t, rat.Cmp(new(big.Rat).SetFrac(big.NewInt(tt.digits), scale)))
	}
	quoted := event.NewDecimal(270000, 4).Quoted()
	b, err := json.Marshal(quoted)
	require.NoError(t, err)
	require.Equal(t, `"27.0000"`, string(b))
	require.Equal(t, event.Null[event.Decimal](), event.Null[event.Decimal]().Quoted())

	parsed, err := event.ParseDecimal("1e3")
	require.NoError(t, err)
	rat, ok := parsed.Rat()
	require.True(t, ok)
	require.Equal(t, "1000", rat.RatString())
	_, ok = parsed.Int64()
	require.False(t, ok)
	n, ok := event.NewDecimal(42, 0).Int64()
	require.True(t, ok)
	require.EqualValues(t, 42, n)

	for _, text := range []string{"", "x", "1 ", ".5", "1.", "٣"} {
		_, err := event.ParseDecimal(text)
		require.Error(t, err, text)
	}
}

// An exponent cannot make a receiver allocate without bound.
func TestDecimalWithAHugeExponent(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"1e1001", "1e-1001", "1e999999999", "1E-999999999", "1e99999999999999999999"} {
		d, err := event.ParseDecimal(text)
		require.NoError(t, err)
		require.Equal(t, text, d.Text())
		_, ok := d.Rat()
		require.False(t, ok)
	}
	_, ok := event.Decimal{}.Rat()
	require.False(t, ok)
}

func TestFlag(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		flag      event.Flag
		yes, set  bool
		json, txt string
	}{
		{event.NewFlag(true), true, true, "true", "true"},
		{event.NewFlag(false), false, true, "false", "false"},
		{event.NewBit(true), true, true, "1", "1"},
		{event.NewBit(false), false, true, "0", "0"},
		{event.Null[event.Flag](), false, false, "null", ""},
		{event.Flag{}, false, false, "null", ""},
	} {
		require.Equal(t, tt.yes, tt.flag.Bool())
		require.Equal(t, tt.set, tt.flag.Set())
		require.Equal(t, tt.txt, tt.flag.String())
		b, err := json.Marshal(tt.flag)
		require.NoError(t, err)
		require.Equal(t, tt.json, string(b))
	}
}

func TestTime(t *testing.T) {
	t.Parallel()
	moment := time.Date(2026, 11, 21, 9, 30, 0, 787e6, time.UTC)
	warsaw := moment.In(time.FixedZone("", 3600))
	for _, tt := range []struct {
		time event.Time
		json string
		back time.Time
	}{
		{event.NewTime(moment, event.RFC3339), `"2026-11-21T09:30:00Z"`, moment.Truncate(time.Second)},
		{event.NewTime(warsaw, event.RFC3339), `"2026-11-21T10:30:00+01:00"`, moment.Truncate(time.Second)},
		{event.NewTime(warsaw, event.RFC3339Milli), `"2026-11-21T09:30:00.787Z"`, moment},
		{event.NewTime(moment, event.ISO8601), `"2026-11-21T09:30:00+0000"`, moment.Truncate(time.Second)},
		{event.NewTime(warsaw, event.UnixSeconds), `1795253400`, moment.Truncate(time.Second)},
		{event.NewTime(warsaw, event.UnixMilli), `1795253400787`, moment},
	} {
		b, err := json.Marshal(tt.time)
		require.NoError(t, err)
		require.Equal(t, tt.json, string(b))
		var back event.Time
		require.NoError(t, json.Unmarshal(b, &back))
		require.Equal(t, tt.time, back)
		got, ok := back.Time()
		require.True(t, ok)
		require.True(t, tt.back.Equal(got), got)
	}
	for _, none := range []event.Time{{}, event.Null[event.Time]()} {
		_, ok := none.Time()
		require.False(t, ok)
	}
}

// Seconds and milliseconds are told apart by size, on both sides of 1970.
func TestTimeUnits(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"0":              "1970-01-01T00:00:00Z",
		"-86400000":      "1967-04-07T00:00:00Z",
		"1669043475000":  "2022-11-21T15:11:15Z",
		"99999999999":    "5138-11-16T09:46:39Z",
		"100000000000":   "1973-03-03T09:46:40Z",
		"-100000000000":  "1966-10-31T14:13:20Z",
		"-62135596800":   "0001-01-01T00:00:00Z",
		"-1669043475000": "1917-02-10T08:48:45Z",
	} {
		var tm event.Time
		require.NoError(t, tm.UnmarshalText([]byte(text)))
		got, ok := tm.Time()
		require.True(t, ok)
		require.Equal(t, want, got.Format(time.RFC3339), text)
	}
}

// Forms have text only; what comes out of a form equals what was made.
func TestScalarsInForms(t *testing.T) {
	t.Parallel()
	var d doc
	require.NoError(t, d.ID.UnmarshalText([]byte("56160")))
	require.NoError(t, d.Decimal.UnmarshalText([]byte("10.00")))
	require.NoError(t, d.Flag.UnmarshalText([]byte("true")))
	require.NoError(t, d.Time.UnmarshalText([]byte("2019-06-07T13:11:41+0000")))
	require.Equal(t, doc{
		ID: event.NewID(56160), Decimal: event.NewDecimal(1000, 2), Flag: event.NewFlag(true),
		Time: event.NewTime(time.Date(2019, 6, 7, 13, 11, 41, 0, time.UTC), event.ISO8601),
	}, d)
	for _, m := range []interface{ MarshalText() ([]byte, error) }{d.ID, d.Decimal, d.Flag, d.Time} {
		text, err := m.MarshalText()
		require.NoError(t, err)
		require.Contains(t, []string{"56160", "10.00", "true", "2019-06-07T13:11:41+0000"}, string(text))
	}
	require.NoError(t, d.ID.UnmarshalText([]byte("007")))
	require.Equal(t, event.NewID("007"), d.ID)
	require.Error(t, d.Decimal.UnmarshalText([]byte("ten")))
	require.Error(t, d.Flag.UnmarshalText([]byte("maybe")))
	require.Error(t, d.Time.UnmarshalText([]byte("soon")))
	for _, u := range []interface{ UnmarshalText([]byte) error }{&d.ID, &d.Decimal, &d.Flag, &d.Time} {
		require.NoError(t, u.UnmarshalText(nil), "an empty value stands for none")
	}
}
