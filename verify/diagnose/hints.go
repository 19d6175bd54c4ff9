package diagnose

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"example.com/paperround/sign"
	"example.com/paperround/verify"
)

// hints returns what looks wrong and is not proven.
func (m *Mismatch) hints(refusal error, found []Finding) []Finding {
	h, _ := canonical(m.Header)
	var out []Finding
	add := func(c change) {
		known := func(f Finding) bool { return f.Cause == c.cause }
		if c.cause != "" && !slices.ContainsFunc(found, known) && !slices.ContainsFunc(out, known) {
			f := m.finding(c, nil)
			f.Proven = false
			out = append(out, f)
		}
	}
	proven := len(found) > 0
	if !proven && (errors.Is(refusal, errNoSecret) || errors.Is(refusal, verify.ErrConfig) || errors.Is(refusal, sign.ErrConfig)) {
		add(change{Unusable, refusal.Error()})
	}
	for _, secret := range m.Secrets {
		if !proven {
			add(m.secretHint(secret))
		}
	}
	switch {
	case errors.Is(refusal, verify.ErrMissing):
		add(change{HeaderMissing, refusal.Error()})
	case errors.Is(refusal, verify.ErrTooMany):
		add(change{cause: HeaderTwice})
	case !proven && len(readTags(m.Scheme, h)) == 0:
		add(change{cause: TagLength})
	}
	if text := readField(m.Scheme, m.Scheme.Time, h); !proven {
		add(m.skew(text))
	}
	if declared := h.Get("Content-Length"); declared != "" {
		if n, err := strconv.ParseInt(declared, 10, 64); err == nil && n != int64(len(m.Body)) {
			add(change{BodyLength, strconv.FormatInt(n, 10) + " and not " + strconv.Itoa(len(m.Body))})
		}
	}
	if !proven {
		add(bodyHint(h, m.Body))
	}
	return out
}

func (m *Mismatch) secretHint(secret string) change {
	bare := strings.TrimSpace(secret)
	_, base := decodeKey(bare)
	switch {
	case bare != secret:
		return change{cause: SecretSpace}
	case len(bare) > 2 && bare[0] == '"' && bare[len(bare)-1] == '"':
		return change{cause: SecretQuoted}
	case m.Scheme.KeyForm == sign.Text && m.Scheme.Name != "stripe" && strings.HasPrefix(bare, "whsec_"),
		m.Scheme.KeyForm == sign.Text && base && strings.HasSuffix(bare, "="):
		return change{cause: SecretBase64}
	}
	return change{}
}

func bodyHint(h http.Header, body []byte) change {
	switch {
	case len(body) == 0:
		return change{cause: BodyEmpty}
	case h.Get("Content-Encoding") != "" && h.Get("Content-Encoding") != "identity" || bytes.HasPrefix(body, []byte{0x1f, 0x8b}):
		return change{cause: BodyCompressed}
	case bytes.HasPrefix(body, []byte("\ufeff")):
		return change{cause: BodyBOM}
	case json.Valid(body):
		var compact bytes.Buffer
		_ = json.Compact(&compact, body)
		var names []string
		for _, member := range objectMembers(compact.Bytes()) {
			name, _, _ := strings.Cut(member, ":")
			names = append(names, name)
		}
		if len(names) > 2 && slices.IsSorted(names) {
			return change{BodyJSON, "its keys are sorted"}
		}
	}
	return change{}
}
