package diagnose

import (
	"encoding/base64"
	"encoding/hex"
	"maps"
	"slices"
	"strconv"
	"strings"

	"example.com/paperround/sign"
)

// key is one reading of a secret.
type key struct {
	bytes   []byte
	pair    string // Instead of bytes, under Ed25519.
	changes []change
}

// keys returns the readings of all secrets, those with fewer changes first.
func (m *Mismatch) keys(s sign.Scheme) []key {
	var out []key
	seen := map[string]bool{}
	add := func(k key) {
		if id := string(k.bytes) + "\x00" + k.pair; (len(k.bytes) > 0 || k.pair != "") && !seen[id] && len(k.changes) <= maxChanges {
			seen[id] = true
			out = append(out, k)
		}
	}
	var all []key
	for _, secret := range m.Secrets {
		all = append(all, read(s, secret, nil)...)
	}
	for _, name := range slices.Sorted(maps.Keys(m.Others)) {
		all = append(all, read(s, m.Others[name], []change{{cause: SecretOther, note: strconv.Quote(name)}})...)
	}
	if s.Algorithm == sign.HMACSHA256 {
		// HMAC pads an empty key with zeros.
		all = append(all, key{bytes: make([]byte, 64), changes: []change{{cause: SecretEmpty}}})
	}
	slices.SortStableFunc(all, func(a, b key) int { return len(a.changes) - len(b.changes) })
	for _, k := range all {
		add(k)
	}
	return out
}

// read returns the ways to read one secret.
func read(s sign.Scheme, secret string, changes []change) []key {
	out := readAs(s, secret, changes)
	with := func(c Cause) []change { return append(slices.Clone(changes), change{cause: c}) }
	bare := strings.Trim(secret, " \t\r\n")
	if bare != secret {
		out = append(out, readAs(s, bare, with(SecretSpace))...)
	}
	if n := len(bare); n > 2 && bare[0] == bare[n-1] && strings.ContainsRune("\"'`", rune(bare[0])) {
		out = append(out, readAs(s, bare[1:n-1], with(SecretQuoted))...)
	}
	for _, prefix := range []string{"v1,", "v1=", "Bearer ", "secret="} {
		if rest, ok := strings.CutPrefix(bare, prefix); ok {
			out = append(out, readAs(s, rest, with(SecretPrefixKept))...)
		}
	}
	return out
}

// readAs returns the ways to make a key of a secret's text.
func readAs(s sign.Scheme, secret string, changes []change) []key {
	if s.Algorithm == sign.Ed25519 {
		out := []key{{pair: secret, changes: changes}}
		if !strings.HasPrefix(secret, "whpk_") && !strings.HasPrefix(secret, "whsk_") {
			out = append(out, key{pair: "whpk_" + secret, changes: append(slices.Clone(changes), change{cause: SecretPrefixMissing})})
		}
		return out
	}
	var out []key
	add := func(b []byte, c Cause) {
		k := key{bytes: b, changes: slices.Clone(changes)}
		if c != "" {
			k.changes = append(k.changes, change{cause: c})
		}
		out = append(out, k)
	}
	rest, prefixed := strings.CutPrefix(secret, "whsec_")
	decoded, strict := decodeKey(rest)
	if s.KeyForm == sign.Whsec {
		if strict {
			add(decoded, "")
		} else if decoded != nil {
			add(decoded, SecretAlphabet)
		}
		add([]byte(secret), SecretText)
		add([]byte(rest), SecretText)
	} else {
		add([]byte(secret), "")
		add([]byte(secret+"\n"), SecretSpaceThere)
		if prefixed {
			add([]byte(rest), SecretPrefixKept)
		} else {
			add([]byte("whsec_"+secret), SecretPrefixMissing)
		}
		add(decoded, SecretBase64)
	}
	if b, err := hex.DecodeString(rest); err == nil {
		add(b, SecretHex)
	}
	return out
}

// decodeKey reads base64 of any kind, and reports whether it is of the usual one.
func decodeKey(text string) (key []byte, strict bool) {
	if strings.ContainsAny(text, "\r\n") { // which the decoder passes over
		return nil, false
	}
	if key, err := base64.StdEncoding.Strict().DecodeString(text); err == nil {
		return key, true
	}
	plain := strings.TrimRight(strings.NewReplacer("-", "+", "_", "/").Replace(text), "=")
	key, err := base64.RawStdEncoding.DecodeString(plain)
	if err != nil {
		return nil, false
	}
	return key, false
}
