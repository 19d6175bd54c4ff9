package sign_test

import (
	"crypto/fips140"
	"encoding/hex"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/paperround/sign"
)

func TestRFC4231(t *testing.T) {
	t.Parallel()
	file, err := os.ReadFile("testdata/rfc4231.json")
	require.NoError(t, err)
	var vectors []struct {
		Name    string
		Key     string `json:"key_hex"`
		Message string `json:"message_hex"`
		MAC     string `json:"mac_hex"`
	}
	require.NoError(t, json.Unmarshal(file, &vectors))
	require.Len(t, vectors, 7)
	for _, v := range vectors {
		t.Run(v.Name, func(t *testing.T) {
			t.Parallel()
			key, err := hex.DecodeString(v.Key)
			require.NoError(t, err)
			message, err := hex.DecodeString(v.Message)
			require.NoError(t, err)
			ring, err := sign.NewRing(sign.Key{Secret: sign.NewSecret(key)})
			require.NoError(t, err)
			got := tagOf(t, sign.ConsCent(), ring, string(message))
			require.Len(t, got, 64)
			require.Equal(t, v.MAC, got[:len(v.MAC)]) // Test case 5 is truncated.
		})
	}
}

func TestMatch(t *testing.T) {
	t.Parallel()
	ring, err := sign.NewRing(
		sign.Key{ID: "old", Secret: sign.NewSecret("one")},
		sign.Key{ID: "new", Secret: sign.NewSecret("two")},
	)
	require.NoError(t, err)
	c, err := sign.Compile(sign.ConsCent(), ring)
	require.NoError(t, err)
	m := sign.Message{Body: []byte("body")}
	byOld := tagOf(t, sign.ConsCent(), ringOf(t, "one"), "body")
	byNew := tagOf(t, sign.ConsCent(), ringOf(t, "two"), "body")
	byOther := tagOf(t, sign.ConsCent(), ringOf(t, "three"), "body")
	for name, tc := range map[string]struct {
		tags []string
		key  string
		err  error
	}{
		"old":               {[]string{byOld}, "old", nil},
		"new":               {[]string{byNew}, "new", nil},
		"both":              {[]string{byNew, byOld}, "old", nil},
		"other and new":     {[]string{byOther, "", byNew}, "new", nil},
		"other":             {[]string{byOther}, "", sign.ErrNoMatch},
		"other and broken":  {[]string{"zz", byOther}, "", sign.ErrNoMatch},
		"broken":            {[]string{"zz"}, "", sign.ErrMalformed},
		"none":              {nil, "", sign.ErrMalformed},
		"upper case":        {[]string{strings.ToUpper(byNew)}, "", sign.ErrMalformed},
		"one upper digit":   {[]string{strings.Replace(byNew, "a", "A", 1)}, "", sign.ErrMalformed},
		"prefix of another": {[]string{byNew[:32]}, "", sign.ErrMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			made, err := c.Match(m, tc.tags, at())
			require.Equal(t, sign.Matched{KeyID: tc.key, Superseded: tc.key == "old"}, made)
			require.ErrorIs(t, err, tc.err)
		})
	}
}

func TestMatchBase64(t *testing.T) {
	t.Parallel()
	c, err := sign.Compile(sign.Cleeng("X-Signature", sign.Base64), ringOf(t, strings.Repeat("\x0b", 20)))
	require.NoError(t, err)
	m := sign.Message{Body: []byte("Hi There")}
	_, err = c.Match(m, []string{"sDRMYdjbOFNcqK/OrwvxK4gdwgDJgz2nJuk3bC4yz/c="}, at()) // RFC 4231, test case 1.
	require.NoError(t, err)
	for _, tag := range []string{
		"", "sDRMYdjbOFNcqK/OrwvxK4gdwgDJgz2nJuk3bC4yz/c", "sDRMYdjbOFNcqK/OrwvxK4gdwgDJgz2nJuk3bC4yz/d=",
		"sDRMYdjbOFNcqK_OrwvxK4gdwgDJgz2nJuk3bC4yz_c=", "sDRMYdjbOFNcqK/OrwvxK4gdwgDJgz2nJuk3bC4yz/c=\n",
		"b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
	} {
		_, err = c.Match(m, []string{tag}, at())
		require.ErrorIs(t, err, sign.ErrMalformed, tag)
	}
}

func TestMatchWithoutValidKey(t *testing.T) {
	t.Parallel()
	ring, err := sign.NewRing(sign.Key{Secret: sign.NewSecret("one"), NotBefore: at().Add(time.Second)})
	require.NoError(t, err)
	c, err := sign.Compile(sign.ConsCent(), ring)
	require.NoError(t, err)
	_, err = c.Match(sign.Message{}, nil, at())
	require.ErrorIs(t, err, sign.ErrNoKey)
}

// crypto/hmac panics on a short key when only approved algorithms are allowed;
// that is decided when a process starts, so this test starts one.
func TestShortKeyUnderFIPS(t *testing.T) {
	t.Parallel()
	if !fips140.Enforced() {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestShortKeyUnderFIPS$", "-test.v")
		cmd.Env = append(os.Environ(), "GODEBUG=fips140=only")
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, string(out))
		require.Contains(t, string(out), "--- PASS")
		return
	}
	_, err := sign.Compile(sign.ConsCent(), ringOf(t, strings.Repeat("k", 13)))
	require.ErrorIs(t, err, sign.ErrConfig)
	require.ErrorContains(t, err, "FIPS")
	tagOf(t, sign.ConsCent(), ringOf(t, strings.Repeat("k", 14)), "body")
	_, err = sign.ConsCentHash(sign.NewSecret(strings.Repeat("k", 13)), "value")
	require.ErrorIs(t, err, sign.ErrConfig)
	require.ErrorContains(t, err, "FIPS")
	_, err = sign.ConsCentHash(sign.NewSecret(strings.Repeat("k", 14)), "value")
	require.NoError(t, err)
}

// The signed text must have one reading only: with a full stop in the id, two
// messages would share a signature.
func TestMatchRefusesAmbiguity(t *testing.T) {
	t.Parallel()
	c, err := sign.Compile(sign.StandardWebhooks(), ringOf(t, benchSecret))
	require.NoError(t, err)
	tag, err := c.Append(nil, sign.Message{ID: "a", Time: "1", Body: []byte("2.body")}, at())
	require.NoError(t, err)
	tags := []string{strings.TrimPrefix(string(tag), "v1,")}
	_, err = c.Match(sign.Message{ID: "a", Time: "1", Body: []byte("2.body")}, tags, at())
	require.NoError(t, err)
	for name, m := range map[string]sign.Message{
		"id":   {ID: "a.1", Time: "2", Body: []byte("body")},
		"time": {ID: "a", Time: "1.2", Body: []byte("body")},
	} {
		_, err = c.Match(m, tags, at())
		require.ErrorIs(t, err, sign.ErrMalformed, name)
		_, err = c.Append(nil, m, at())
		require.ErrorIs(t, err, sign.ErrMalformed, name)
	}
}

func TestAppendKeepsWhatIsThere(t *testing.T) {
	t.Parallel()
	c, err := sign.Compile(sign.StandardWebhooks(), ringOf(t, benchSecret))
	require.NoError(t, err)
	require.Equal(t, "standard-webhooks", c.Scheme().Name)
	m := sign.Message{ID: "a", Time: "1"}
	alone, err := c.Append(nil, m, at())
	require.NoError(t, err)
	out, err := c.Append([]byte("x "), m, at())
	require.NoError(t, err)
	require.Equal(t, "x "+string(alone), string(out))
}

// 13 ring swapped while a request is verified
func TestReplaceWhileInUse(t *testing.T) {
	t.Parallel()
	ring := ringOf(t, "one")
	c, err := sign.Compile(sign.ConsCent(), ring)
	require.NoError(t, err)
	m := sign.Message{Body: []byte("body")}
	tags := []string{
		tagOf(t, sign.ConsCent(), ringOf(t, "one"), "body"),
		tagOf(t, sign.ConsCent(), ringOf(t, "two"), "body"),
	}
	done := make(chan struct{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			var dst []byte
			for {
				select {
				case <-done:
					return
				default:
				}
				key, err := c.Match(m, tags, at())
				if err != nil || (key.KeyID != "1" && key.KeyID != "two") {
					t.Errorf("match: %q, %v", key.KeyID, err)
					return
				}
				dst, err = c.Append(dst[:0], m, at())
				if err != nil || (string(dst) != tags[0] && string(dst) != tags[1]) {
					t.Errorf("append: %q, %v", dst, err)
					return
				}
			}
		})
	}
	for range 500 {
		require.NoError(t, ring.Replace(sign.Key{ID: "two", Secret: sign.NewSecret("two")}))
		require.NoError(t, ring.Replace(sign.Key{Secret: sign.NewSecret("one")}))
	}
	close(done)
	wg.Wait()
}
