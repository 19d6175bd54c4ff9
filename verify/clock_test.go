package verify_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/paperround/sign"
	"example.com/paperround/verify"
)

// Without a clock in the options both sides use the real one.
func TestRealClock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		body := []byte("body")
		header := signed(t, sign.StandardWebhooks(), ringOf(t, swSecret), "id", body)
		v, err := verify.New(sign.StandardWebhooks(), ringOf(t, swSecret), nil)
		require.NoError(t, err)
		time.Sleep(300 * time.Second)
		rc, err := v.Verify(header, body)
		require.NoError(t, err)
		require.Equal(t, 300*time.Second, rc.Received.Sub(rc.Time))
		time.Sleep(time.Second)
		_, err = v.Verify(header, body)
		require.ErrorIs(t, err, verify.ErrTooOld)
	})
}

// A rotation that both sides have planned ahead happens by itself: the sender
// changes over at a moment, the receiver takes both for a day around it.
func TestPlannedRotation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		change := time.Now().Add(48 * time.Hour)
		before, after := sign.NewSecret("the old secret"), sign.NewSecret("the new secret")
		sender, err := sign.NewRing(
			sign.Key{ID: "old", Secret: before},
			sign.Key{ID: "new", Secret: after, NotBefore: change},
		)
		require.NoError(t, err)
		receiver, err := sign.NewRing(
			sign.Key{ID: "old", Secret: before, NotAfter: change.Add(12 * time.Hour)},
			sign.Key{ID: "new", Secret: after},
		)
		require.NoError(t, err)
		s, err := sign.New(sign.InPlayer(), sender, nil)
		require.NoError(t, err)
		v, err := verify.New(sign.InPlayer(), receiver, nil)
		require.NoError(t, err)
		var late http.Header
		for hour := range 96 {
			header := make(http.Header)
			require.NoError(t, s.Sign(header, "", time.Now(), nil))
			rc, err := v.Verify(header, nil)
			require.NoError(t, err)
			require.Equal(t, map[bool]string{true: "new", false: "old"}[hour >= 48], rc.KeyID, hour)
			if hour == 0 {
				late = header
			}
			time.Sleep(time.Hour)
		}
		_, err = v.Verify(late, nil)
		require.ErrorIs(t, err, verify.ErrNoMatch, "the old key has ended")
	})
}
