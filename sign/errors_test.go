package sign_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/paperround/sign"
)

func TestErrorText(t *testing.T) {
	t.Parallel()
	for want, err := range map[string]*sign.Error{
		"sign: no key is valid now":               {Err: sign.ErrNoKey},
		"sign: inplayer: no tag matches":          {Scheme: "inplayer", Err: sign.ErrNoMatch},
		"sign: inplayer: key 1: secret too short": {Scheme: "inplayer", Key: "1", Reason: "secret too short", Err: sign.ErrConfig},
	} {
		require.EqualError(t, err, want)
		require.ErrorIs(t, err, err.Err)
	}
}
