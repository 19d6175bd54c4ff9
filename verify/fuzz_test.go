package verify_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/paperround/sign"
	"example.com/paperround/verify"
)

// hmacOf computes a tag without the code under test.
func hmacOf(key []byte, parts ...string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(strings.Join(parts, "")))
	return mac.Sum(nil)
}

// FuzzVerifyStandardWebhooks: no header makes it panic, and none is accepted
// unless the true tag for exactly these texts stands in it.
func FuzzVerifyStandardWebhooks(f *testing.F) {
	f.Add(swID, swTime, "v1,"+swTag, "", swBody)
	f.Add(swID, swTime, "v1,"+swOther+" v1,"+swTag, "v1a,x", swBody)
	f.Add(swID, swTime, "v1,"+swOther+", v1,"+swTag, "", swBody)
	f.Add(swID, swTime, "v1,"+swTag+",junk", "v1,"+swTag+" ", swBody)
	f.Add("msg.1", "01614265330", "v1,", " ", "")
	raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(swSecret, "whsec_"))
	require.NoError(f, err)
	ring := ringOf(f, swSecret)
	v, err := verify.New(sign.StandardWebhooks(), ring, &verify.Options{Now: clock(1614265330), Tolerance: -1})
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, id, at, tags, more, body string) {
		header := http.Header{"Webhook-Id": {id}, "Webhook-Timestamp": {at}, "Webhook-Signature": {tags}}
		if more != "" {
			header.Add("Webhook-Signature", more)
		}
		want := "v1," + base64.StdEncoding.EncodeToString(hmacOf(raw, id, ".", at, ".", body))
		rc, err := v.Verify(header, []byte(body))
		if err == nil {
			require.True(t, strings.Contains(tags, want) || strings.Contains(more, want))
			require.Equal(t, id, rc.ID)
			require.NotContains(t, id, ".")
		} else {
			require.NotContains(t, err.Error(), want[3:])
			require.Zero(t, rc)
		}
		// With the true tag alone, only the id and the time can be wrong.
		header["Webhook-Signature"] = []string{want}
		_, err = v.Verify(header, []byte(body))
		require.NotErrorIs(t, err, verify.ErrNoMatch)
	})
}

// FuzzVerifyHex covers the schemes with one hex value, with and without prefix.
func FuzzVerifyHex(f *testing.F) {
	f.Add("sha256="+hexTag, "", hexBody)
	f.Add(hexTag, "", hexBody)
	f.Add("sha256="+strings.ToUpper(hexTag), "sha256="+hexTag, hexBody)
	f.Add("sha256=", "", "")
	f.Add("sha256="+hexTag+", sha256="+hexTag, "", hexBody)
	schemes := []sign.Scheme{sign.InPlayer(), sign.ConsCent(), sign.Cleeng("X-Signature", sign.Hex)}
	f.Fuzz(func(t *testing.T, tag, more, body string) {
		want := hex.EncodeToString(hmacOf([]byte(benchSecret), body))
		for _, scheme := range schemes {
			v, err := verify.New(scheme, ringOf(t, benchSecret), nil)
			require.NoError(t, err)
			header := make(http.Header)
			header.Set(scheme.Tag.Header, tag)
			if more != "" {
				header.Add(scheme.Tag.Header, more)
			}
			_, err = v.Verify(header, []byte(body))
			accept := more == "" && tag == scheme.Tag.Prefix+want
			require.Equal(t, accept, err == nil)
			header.Set(scheme.Tag.Header, scheme.Tag.Prefix+want)
			_, err = v.Verify(header, []byte(body))
			require.NoError(t, err)
		}
	})
}

// FuzzVerifyBase64 is the same for one bare base64 value.
func FuzzVerifyBase64(f *testing.F) {
	f.Add("sDRMYdjbOFNcqK/OrwvxK4gdwgDJgz2nJuk3bC4yz/c=", "", "Hi There")
	f.Add("sDRMYdjbOFNcqK_OrwvxK4gdwgDJgz2nJuk3bC4yz_c", "", "Hi There")
	f.Add("sDRMYdjbOFNcqK/OrwvxK4gdwgDJgz2nJuk3bC4yz/d=", "\n", "")
	v, err := verify.New(sign.Cleeng("X-Signature", sign.Base64), ringOf(f, benchSecret), nil)
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, tag, more, body string) {
		want := base64.StdEncoding.EncodeToString(hmacOf([]byte(benchSecret), body))
		header := http.Header{"X-Signature": {tag}}
		if more != "" {
			header.Add("X-Signature", more)
		}
		_, err := v.Verify(header, []byte(body))
		require.Equal(t, more == "" && tag == want, err == nil)
		_, err = v.Verify(http.Header{"X-Signature": {want}}, []byte(body))
		require.NoError(t, err)
	})
}

// FuzzBasic: nothing but the one spelling of the credentials is accepted, the
// case of the scheme aside.
func FuzzBasic(f *testing.F) {
	const good = "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
	for _, value := range []string{good, "basic" + good[5:], good + " ", good[:len(good)-1], "Basic", "Basic ", "Bearer x", "Basic Og=="} {
		f.Add(value)
	}
	b, err := verify.NewBasic(credential("", "Aladdin", "open sesame"))
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, value string) {
		rc, err := b.Verify(http.Header{"Authorization": {value}}, nil)
		accept := len(value) == len(good) && strings.EqualFold(value[:5], "basic") && value[5:] == good[5:]
		require.Equal(t, accept, err == nil, "%q", value)
		if err != nil {
			require.Zero(t, rc)
		}
	})
}
