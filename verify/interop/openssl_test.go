package interop

import (
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/paperround/sign"
	"example.com/paperround/verify"
)

// TestOpenSSL holds ConsCent's scheme against OpenSSL's HMAC.
func TestOpenSSL(t *testing.T) {
	t.Parallel()
	needs(t, "openssl")
	const key = "webhook-secret-1"
	client := newClient(t)
	bodies := binaryBodies().all()

	// We sign: what arrives is written down, and OpenSSL signs it once more.
	signer, err := sign.New(sign.ConsCent(), ring(t, key), nil)
	require.NoError(t, err)
	record := newRecorder(t)
	for _, body := range bodies {
		header := make(http.Header)
		require.NoError(t, signer.Sign(header, "", time.Now(), body))
		require.Equal(t, http.StatusOK, client.post(t, record.url, header, body, false))
	}
	require.Len(t, record.files, len(bodies))
	tags := digests(t, key, record.files)
	for i, header := range record.headers {
		require.Equal(t, tags[i], header.Get("X-Conscent-Signature"), "%.200q", bodies[i])
	}
	require.NotEqual(t, tags, digests(t, key+"0", record.files))

	// They sign: we take each tag with its body, and with no other.
	v, err := verify.New(sign.ConsCent(), ring(t, key), nil)
	require.NoError(t, err)
	in := serve(t, v, nil)
	for i, body := range bodies {
		header := http.Header{"X-Conscent-Signature": {tags[i]}}
		require.Equal(t, http.StatusOK, client.post(t, in.url+"/middleware", header, body, false), "%.200q", body)
		require.Equal(t, body, in.accepted(t).Body)
		next := bodies[(i+1)%len(bodies)]
		if !bytes.Equal(next, body) {
			require.Equal(t, http.StatusUnauthorized, client.post(t, in.url+"/handler", header, next, false), "%.200q", body)
			require.ErrorIs(t, in.refusal(t), verify.ErrNoMatch)
		}
	}

	// The newer command writes upper case, which no provider does.
	for i, file := range record.files[:5] {
		out := run(t, "openssl", "mac", "-digest", "SHA256", "-macopt", "key:"+key, "-in", file, "HMAC")
		upper := strings.TrimSpace(string(out))
		require.Equal(t, tags[i], strings.ToLower(upper))
		header := http.Header{"X-Conscent-Signature": {upper}}
		require.Equal(t, http.StatusUnauthorized, client.post(t, in.url+"/handler", header, bodies[i], false))
		require.ErrorIs(t, in.refusal(t), verify.ErrMalformed)
	}
}

// digests returns the HMACs of files, in lower-case hex.
func digests(t *testing.T, key string, files []string) []string {
	t.Helper()
	out := run(t, "openssl", append([]string{"dgst", "-sha256", "-hmac", key, "-r"}, files...)...)
	var tags []string
	for line := range strings.Lines(string(out)) {
		tag, file, ok := strings.Cut(strings.TrimSpace(line), " *")
		require.True(t, ok, line)
		require.Equal(t, files[len(tags)], file)
		tags = append(tags, tag)
	}
	require.Len(t, tags, len(files))
	return tags
}

// TestOpenSSLEd25519 holds the asymmetric scheme of Standard Webhooks against
// OpenSSL's Ed25519, with a key of OpenSSL's own.
func TestOpenSSLEd25519(t *testing.T) {
	t.Parallel()
	needs(t, "openssl")
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	write := func(name string, data []byte) string {
		require.NoError(t, os.WriteFile(file(name), data, 0o600))
		return file(name)
	}
	if !bytes.Contains(run(t, "openssl", "pkeyutl", "-help"), []byte("-rawin")) {
		unavailable(t, "this openssl cannot sign with Ed25519: version 3 can")
	}
	for _, name := range []string{"key", "stranger"} {
		run(t, "openssl", "genpkey", "-algorithm", "ed25519", "-out", file(name))
		run(t, "openssl", "pkey", "-in", file(name), "-pubout", "-out", file(name+".pub"))
	}
	text, err := os.ReadFile(file("key"))
	require.NoError(t, err)
	block, _ := pem.Decode(text)
	require.NotNil(t, block)
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	require.NoError(t, err)
	private, ok := parsed.(ed25519.PrivateKey)
	require.True(t, ok)
	encode := base64.StdEncoding.EncodeToString

	scheme := sign.StandardWebhooksAsymmetric()
	signer, err := sign.New(scheme, ring(t, "whsk_"+encode(private)), nil)
	require.NoError(t, err)
	v, err := verify.New(scheme, ring(t, "whpk_"+encode(private[ed25519.SeedSize:])), nil)
	require.NoError(t, err)
	record, in, client := newRecorder(t), serve(t, v, nil), newClient(t)

	for i, body := range binaryBodies().all()[:20] {
		// We sign, and OpenSSL verifies what has arrived.
		header := make(http.Header)
		require.NoError(t, signer.Sign(header, fmt.Sprintf("msg_%d", i), time.Now(), body))
		require.Equal(t, http.StatusOK, client.post(t, record.url, header, body, false))
		got := record.headers[i]
		arrived, err := os.ReadFile(record.files[i])
		require.NoError(t, err)
		covered := got.Get("Webhook-Id") + "." + got.Get("Webhook-Timestamp") + "."
		message := write("message", append([]byte(covered), arrived...))
		tag, ok := strings.CutPrefix(got.Get("Webhook-Signature"), "v1a,")
		require.True(t, ok)
		signature, err := base64.StdEncoding.DecodeString(tag)
		require.NoError(t, err)
		check := []string{"pkeyutl", "-verify", "-rawin", "-pubin", "-sigfile", write("signature", signature), "-in", message}
		out := run(t, "openssl", append(check, "-inkey", file("key.pub"))...)
		require.Contains(t, string(out), "Verified Successfully")
		if i == 0 {
			requireFails(t, "openssl", append(check, "-inkey", file("stranger.pub"))...)
			write("message", append([]byte(covered+" "), arrived...))
			requireFails(t, "openssl", append(check, "-inkey", file("key.pub"))...)
			write("message", append([]byte(covered), arrived...))
		}

		// They sign the same message, and we verify.
		for name, status := range map[string]int{"key": http.StatusOK, "stranger": http.StatusUnauthorized} {
			run(t, "openssl", "pkeyutl", "-sign", "-rawin", "-inkey", file(name), "-in", message, "-out", file("made"))
			made, err := os.ReadFile(file("made"))
			require.NoError(t, err)
			header.Set("Webhook-Signature", "v1a,"+encode(made))
			require.Equal(t, status, client.post(t, in.url+"/middleware", header, body, false))
			if status == http.StatusOK {
				in.accepted(t)
			} else {
				require.ErrorIs(t, in.refusal(t), verify.ErrNoMatch)
			}
		}
	}
}

// requireFails runs a program that has to say no.
func requireFails(t *testing.T, name string, args ...string) {
	t.Helper()
	out, err := program(t, name, args...)
	require.Error(t, err, "%s", out)
	require.Contains(t, string(out), "Verification Failure")
}

// recorder is a receiver that writes down what arrives. One request at a time is
// sent to it.
type recorder struct {
	url     string
	headers []http.Header
	files   []string // with the bodies
}

func newRecorder(t *testing.T) *recorder {
	t.Helper()
	dir, rec := t.TempDir(), new(recorder)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := filepath.Join(dir, fmt.Sprintf("%03d", len(rec.files)))
		body, err := io.ReadAll(r.Body)
		if err == nil {
			err = os.WriteFile(name, body, 0o600)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		rec.headers, rec.files = append(rec.headers, r.Header), append(rec.files, name)
	}))
	t.Cleanup(server.Close)
	rec.url = server.URL
	return rec
}
