package diagnose_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/paperround/sign"
	"example.com/paperround/verify/diagnose"
)

// What cannot be proven is a hint, or nothing; and at the end it says so.
func TestHints(t *testing.T) {
	t.Parallel()
	const wrong = "sha256=0000000000000000000000000000000000000000000000000000000000000000"
	inplayer, sw := sign.InPlayer(), sign.StandardWebhooks()
	std := signed(t, sw, "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD", jsonBody)
	with := func(h http.Header, name, value string) http.Header {
		h = h.Clone()
		h.Set(name, value)
		return h
	}
	bad := of("X-InPlayer-Signature", wrong)
	for name, tt := range map[string]struct {
		m    diagnose.Mismatch
		want []diagnose.Cause // Before Unexplained.
	}{
		"wrong secret":     {diagnose.Mismatch{Scheme: inplayer, Secrets: []string{text}, Header: bad, Body: []byte(formBody)}, nil},
		"no secret":        {diagnose.Mismatch{Scheme: inplayer, Header: bad, Body: []byte(formBody)}, []diagnose.Cause{diagnose.Unusable}},
		"no header":        {diagnose.Mismatch{Scheme: inplayer, Secrets: []string{text}, Body: []byte(formBody)}, []diagnose.Cause{diagnose.HeaderMissing}},
		"no time":          {diagnose.Mismatch{Scheme: sw, Secrets: []string{whsec}, Header: http.Header{"Webhook-Id": {"x"}, "Webhook-Signature": std["Webhook-Signature"]}, Body: []byte(jsonBody)}, []diagnose.Cause{diagnose.HeaderMissing}},
		"cut off":          {diagnose.Mismatch{Scheme: inplayer, Secrets: []string{text}, Header: of("X-InPlayer-Signature", wrong[:30]), Body: []byte(formBody)}, []diagnose.Cause{diagnose.TagLength}},
		"two lines":        {diagnose.Mismatch{Scheme: inplayer, Secrets: []string{text}, Header: http.Header{"X-Inplayer-Signature": {wrong, wrong}}, Body: []byte(formBody)}, []diagnose.Cause{diagnose.HeaderTwice}},
		"newline":          {diagnose.Mismatch{Scheme: inplayer, Secrets: []string{text + "\n"}, Header: bad, Body: []byte(formBody)}, []diagnose.Cause{diagnose.Unusable, diagnose.SecretSpace}},
		"quoted":           {diagnose.Mismatch{Scheme: inplayer, Secrets: []string{`"` + text + `"`}, Header: bad, Body: []byte(formBody)}, []diagnose.Cause{diagnose.SecretQuoted}},
		"base64":           {diagnose.Mismatch{Scheme: inplayer, Secrets: []string{whsec}, Header: bad, Body: []byte(formBody)}, []diagnose.Cause{diagnose.SecretBase64}},
		"padded":           {diagnose.Mismatch{Scheme: inplayer, Secrets: []string{"Zm9vYmFyZm9vYmFyZm9vYg=="}, Header: bad, Body: []byte(formBody)}, []diagnose.Cause{diagnose.SecretBase64}},
		"whsec of Stripe":  {diagnose.Mismatch{Scheme: sign.Stripe(), Secrets: []string{"whsec_abcdefgh"}, Header: signed(t, sign.Stripe(), "x", jsonBody), Body: []byte(jsonBody)}, nil},
		"old":              {diagnose.Mismatch{Scheme: sw, Secrets: []string{whsec}, Header: std, Body: []byte(jsonBody), Received: received().Add(time.Hour)}, []diagnose.Cause{diagnose.TooOld}},
		"new":              {diagnose.Mismatch{Scheme: sw, Secrets: []string{whsec}, Header: std, Body: []byte(jsonBody), Received: received().Add(-time.Hour)}, []diagnose.Cause{diagnose.TooNew}},
		"old, not judged":  {diagnose.Mismatch{Scheme: sw, Secrets: []string{whsec}, Header: std, Body: []byte(jsonBody), Received: received().Add(time.Hour), Tolerance: -1}, nil},
		"old, tolerated":   {diagnose.Mismatch{Scheme: sw, Secrets: []string{whsec}, Header: std, Body: []byte(jsonBody), Received: received().Add(time.Hour), Tolerance: time.Hour}, nil},
		"other unit":       {diagnose.Mismatch{Scheme: sw, Secrets: []string{whsec}, Header: with(std, "Webhook-Timestamp", "1795309323000"), Body: []byte(jsonBody)}, []diagnose.Cause{diagnose.TimeUnit}},
		"another length":   {diagnose.Mismatch{Scheme: inplayer, Secrets: []string{text}, Header: with(bad, "Content-Length", "3"), Body: []byte(formBody)}, []diagnose.Cause{diagnose.BodyLength}},
		"right length":     {diagnose.Mismatch{Scheme: inplayer, Secrets: []string{text}, Header: with(bad, "Content-Length", "3"), Body: []byte("a=b")}, nil},
		"no length":        {diagnose.Mismatch{Scheme: inplayer, Secrets: []string{text}, Header: with(bad, "Content-Length", "x"), Body: []byte("a=b")}, nil},
		"empty":            {diagnose.Mismatch{Scheme: inplayer, Secrets: []string{text}, Header: bad}, []diagnose.Cause{diagnose.BodyEmpty}},
		"Content-Encoding": {diagnose.Mismatch{Scheme: inplayer, Secrets: []string{text}, Header: with(bad, "Content-Encoding", "br"), Body: []byte("a=b")}, []diagnose.Cause{diagnose.BodyCompressed}},
		"identity":         {diagnose.Mismatch{Scheme: inplayer, Secrets: []string{text}, Header: with(bad, "Content-Encoding", "identity"), Body: []byte("a=b")}, nil},
		"gzip":             {diagnose.Mismatch{Scheme: inplayer, Secrets: []string{text}, Header: bad, Body: compressed(t, jsonBody)}, []diagnose.Cause{diagnose.BodyCompressed}},
		"BOM":              {diagnose.Mismatch{Scheme: inplayer, Secrets: []string{text}, Header: bad, Body: []byte("\ufeff{}")}, []diagnose.Cause{diagnose.BodyBOM}},
		"sorted keys":      {diagnose.Mismatch{Scheme: inplayer, Secrets: []string{text}, Header: bad, Body: []byte(`{"a":1,"b":2,"c":3}`)}, []diagnose.Cause{diagnose.BodyJSON}},
		"unsorted keys":    {diagnose.Mismatch{Scheme: inplayer, Secrets: []string{text}, Header: bad, Body: []byte(`{"a":1,"c":2,"b":3}`)}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := tt.m
			if m.Received.IsZero() {
				m.Received = received()
			}
			found := diagnose.Explain(m)
			var got []diagnose.Cause
			for _, f := range found {
				require.False(t, f.Proven, f)
				require.Empty(t, f.With)
				require.True(t, strings.HasPrefix(f.String(), "hint: "+string(f.Cause)+": "))
				got = append(got, f.Cause)
			}
			require.Equal(t, append(tt.want, diagnose.Unexplained), got)
			tellsNothing(t, m, found)
		})
	}
}

func TestUnusableScheme(t *testing.T) {
	t.Parallel()
	found := diagnose.Explain(diagnose.Mismatch{})
	require.Len(t, found, 1)
	require.Equal(t, "proven: unusable: The scheme cannot be used: sign: Name is empty.", found[0].String())
}

// The length that Content-Length declares is told beside a proof.
func TestHintBesideProof(t *testing.T) {
	t.Parallel()
	h := signed(t, sign.InPlayer(), text, formBody)
	h.Set("Content-Length", "83")
	found := diagnose.Explain(diagnose.Mismatch{Scheme: sign.InPlayer(), Secrets: []string{text}, Header: h, Body: []byte(formBody + "\n"), Received: received()})
	require.Len(t, found, 2)
	require.Equal(t, diagnose.BodySpace, found[0].Cause)
	require.True(t, found[0].Proven)
	require.Equal(t, diagnose.BodyLength, found[1].Cause)
	require.False(t, found[1].Proven)
}

// Received is now where it is not said.
func TestReceivedNow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(received()))
		h := signed(t, sign.StandardWebhooks(), whsec, jsonBody)
		found := diagnose.Explain(diagnose.Mismatch{Scheme: sign.StandardWebhooks(), Secrets: []string{whsec}, Header: h, Body: []byte(jsonBody)})
		require.Equal(t, diagnose.Matches, found[0].Cause)
	})
}

// A name that holds a secret is not repeated.
func TestNameWithSecret(t *testing.T) {
	t.Parallel()
	m := diagnose.Mismatch{
		Scheme: sign.InPlayer(), Secrets: []string{"another secret"}, Header: signed(t, sign.InPlayer(), text, formBody), Body: []byte(formBody),
		Others: map[string]string{"production " + text: text}, Received: received(),
	}
	found := diagnose.Explain(m)
	require.Equal(t, diagnose.SecretOther, found[0].Cause)
	require.Contains(t, found[0].Text, "(a name that holds a secret)")
	tellsNothing(t, m, found)
}

// The work is bounded, whatever comes.
func TestBounded(t *testing.T) {
	t.Parallel()
	var long strings.Builder
	long.WriteString(`{"a":1`)
	for range 100_000 {
		long.WriteString(`,"k":"<caf` + "\u00e9" + `>"`)
	}
	long.WriteString("}")
	wrong := "t=1795309323," + strings.Repeat("v1=0000000000000000000000000000000000000000000000000000000000000000,", 1000)
	m := diagnose.Mismatch{
		Scheme: sign.Stripe(), Secrets: []string{"a-first-secret", "a-second-secret", "a-third-secret"}, Header: of("Stripe-Signature", wrong), Body: []byte(long.String()), Received: received(),
	}
	start := time.Now()
	found := diagnose.Explain(m)
	require.Equal(t, diagnose.Unexplained, found[len(found)-1].Cause)
	require.Less(t, time.Since(start), time.Minute, "a second or so on a machine that does nothing else")
}
