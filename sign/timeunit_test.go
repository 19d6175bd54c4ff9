package sign_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/paperround/sign"
)

func TestTimeUnitParse(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{
		"0":            0,
		"1":            1,
		"1614265330":   1614265330,
		"253402300799": 253402300799,
	} {
		got, err := sign.Seconds.Parse(text)
		require.NoError(t, err)
		require.Equal(t, time.Unix(want, 0).UTC(), got)
		back, err := sign.Seconds.Format(got)
		require.NoError(t, err)
		require.Equal(t, text, back)
	}
	got, err := sign.Milliseconds.Parse("1614265330123")
	require.NoError(t, err)
	require.Equal(t, time.UnixMilli(1614265330123).UTC(), got)
	back, err := sign.Milliseconds.Format(got)
	require.NoError(t, err)
	require.Equal(t, "1614265330123", back)
}

func TestTimeUnitParseRefuses(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"empty": "", "51 plus": "+1614265330", "51 leading zeros": "0001614265330", "51 two zeros": "00",
		"51 minus": "-1", "51 exponent": "1e9", "51 space in front": " 1614265330", "space after": "1614265330 ",
		"fraction": "1614265330.0", "hex": "0x10", "underscore": "1_000", "other digits": "１６１４",
		"year 10000": "253402300800", "18 digits": "999999999999999999", "19 digits": "9223372036854775807",
		"52 beyond int64": "9223372036854775808", "52 far beyond int64": "99999999999999999999999999",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := sign.Seconds.Parse(text)
			require.ErrorIs(t, err, sign.ErrMalformed)
		})
	}
}

func TestTimeUnitFormatRefuses(t *testing.T) {
	t.Parallel()
	for _, at := range []time.Time{{}, time.Unix(-1, 0), time.Unix(253402300800, 0)} {
		for _, u := range []sign.TimeUnit{sign.Seconds, sign.Milliseconds} {
			_, err := u.Format(at)
			require.ErrorIs(t, err, sign.ErrMalformed)
		}
	}
}

func TestTimeUnitDuration(t *testing.T) {
	t.Parallel()
	require.Equal(t, time.Second, sign.Seconds.Duration())
	require.Equal(t, time.Millisecond, sign.Milliseconds.Duration())
}
