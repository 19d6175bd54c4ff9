package diagnose

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"example.com/paperround/sign"
	"example.com/paperround/verify"
)

// defaultTolerance is that of verify.Options.
const defaultTolerance = 5 * time.Minute

// Mismatch is a message that was refused, with what the developer knows. It holds
// secrets as they are; printing it shows none.
type Mismatch struct {
	// Scheme is the one the message was verified under. Required.
	Scheme sign.Scheme

	// Secrets are those it was verified with, as they stand in the
	// configuration, untrimmed.
	Secrets []string

	// Others are further secrets that may have been used by mistake, by a
	// name to call them in a finding: another environment's, the API secret
	// beside the webhook secret.
	Others map[string]string

	// Header and Body are the message as it came. Both are only read.
	Header http.Header
	Body   []byte

	// Received is when it came. Zero: now.
	Received time.Time

	// Tolerance is as in verify.Options.
	Tolerance time.Duration
}

// Format writes the name of the scheme, and nothing else for any verb.
func (m Mismatch) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, m.text()) }

// MarshalText returns what Format writes.
func (m Mismatch) MarshalText() ([]byte, error) { return []byte(m.text()), nil }

func (m Mismatch) text() string { return "{Scheme:" + m.Scheme.Name + " Secrets:[secret]}" }

// Finding is one answer. It holds no secret, no signature and no body.
type Finding struct {
	Cause  Cause  // What is wrong, as a stable code.
	Text   string // What is wrong and what to do about it.
	Proven bool   // The signature is right once this is changed. Else it is a hint.

	// With names the other causes that had to be changed as well for the
	// proof; each has a finding of its own.
	With []Cause
}

// String returns the finding in one line.
func (f Finding) String() string {
	text := "hint: "
	if f.Proven {
		text = "proven: "
	}
	text += string(f.Cause) + ": " + f.Text
	for i, c := range f.With {
		if i == 0 {
			text += " Together with "
		} else {
			text += ", "
		}
		text += string(c)
	}
	return text
}

// Explain says why a message does not verify: what is proven first, then hints. A
// message that verifies gives the one finding Matches, and one that nothing
// explains ends in Unexplained. Names of Mismatch.Others stand in the findings,
// unless they contain a secret.
//
// It tries each mistake alone, then pairs of them, within a bound of work: at
// most a second or so. It never fails and never panics.
func Explain(m Mismatch) []Finding {
	if err := m.Scheme.Validate(); err != nil {
		return []Finding{{Cause: Unusable, Text: "The scheme cannot be used: " + err.Error() + ".", Proven: true}}
	}
	if m.Received.IsZero() {
		m.Received = time.Now()
	}
	if m.Tolerance == 0 {
		m.Tolerance = defaultTolerance
	}
	refusal := m.verify()
	if refusal == nil {
		return []Finding{m.finding(change{cause: Matches}, nil)}
	}
	found, matched := m.prove(refusal)
	found = append(found, m.hints(refusal, found)...)
	if !matched {
		found = append(found, m.finding(change{cause: Unexplained}, nil))
		found[len(found)-1].Proven = false
	}
	return found
}

// verify returns nil when a secret makes the message verify, and else what was
// said of it; an error about the message goes before one about a secret.
func (m *Mismatch) verify() error {
	var refusal error
	for _, secret := range m.Secrets {
		ring, err := sign.NewRing(sign.Key{Secret: sign.NewSecret(secret)})
		if err == nil {
			var v *verify.Verifier
			if v, err = verify.New(m.Scheme, ring, &verify.Options{Tolerance: m.Tolerance}); err == nil {
				if _, err = v.VerifyAt(m.Header, m.Body, m.Received); err == nil {
					return nil
				}
			}
		}
		if refusal == nil || errors.Is(refusal, verify.ErrConfig) || errors.Is(refusal, sign.ErrConfig) {
			refusal = err
		}
	}
	if refusal == nil {
		return errNoSecret
	}
	return refusal
}

var errNoSecret = errors.New("no secret was given")

// prove searches for what makes the signature right.
func (m *Mismatch) prove(refusal error) (found []Finding, matched bool) {
	header, renamed := canonical(m.Header)
	causes, at, ok := m.search(header)
	if !ok {
		return nil, false
	}
	if renamed {
		causes = append(causes, change{cause: HeaderNames})
	}
	if skew := m.skew(at); skew.cause != "" {
		causes = append(causes, skew)
	}
	if len(causes) == 0 {
		// The signature is right; something about the message is not.
		switch {
		case m.folded(header):
			causes = append(causes, change{cause: HeaderFolded})
		case errors.Is(refusal, verify.ErrTooMany):
			causes = append(causes, change{cause: HeaderTwice})
		case errors.Is(refusal, verify.ErrMissing), errors.Is(refusal, verify.ErrMalformed):
			causes = append(causes, change{cause: HeaderMalformed, note: refusal.Error()})
		default:
			causes = append(causes, change{cause: Unusable, note: refusal.Error()})
		}
	}
	for i, c := range causes {
		var with []Cause
		for j, other := range causes {
			if i != j && other.cause != c.cause {
				with = append(with, other.cause)
			}
		}
		found = append(found, m.finding(c, with))
	}
	return found, true
}

// folded reports whether a list that has one time has several, with a comma and a
// space between them.
func (m *Mismatch) folded(h http.Header) bool {
	f := m.Scheme.Time
	line := h.Get(f.Header)
	return f.Separator != "" && strings.Contains(line, ", "+f.Prefix)
}

// canonical returns a header under canonical names, and whether it was otherwise.
func canonical(h http.Header) (http.Header, bool) {
	out, renamed := make(http.Header, len(h)), false
	for name, lines := range h {
		c := http.CanonicalHeaderKey(name)
		renamed = renamed || c != name
		out[c] = append(out[c], lines...)
	}
	return out, renamed
}

// skew judges a time text under the scheme's unit.
func (m *Mismatch) skew(text string) change {
	if m.Scheme.Time.Header == "" || m.Tolerance < 0 {
		return change{}
	}
	other := sign.Milliseconds
	if m.Scheme.TimeUnit == sign.Milliseconds {
		other = sign.Seconds
	}
	if at, err := other.Parse(text); err == nil && m.Received.Sub(at).Abs() <= m.Tolerance {
		return change{cause: TimeUnit}
	}
	at, err := m.Scheme.TimeUnit.Parse(text)
	if err != nil {
		return change{}
	}
	late := m.Received.Sub(at)
	switch {
	case late >= m.Tolerance+m.Scheme.TimeUnit.Duration():
		return change{cause: TooOld, note: rounded(late)}
	case late <= -m.Tolerance-m.Scheme.TimeUnit.Duration():
		return change{cause: TooNew, note: rounded(-late)}
	}
	return change{}
}

func rounded(d time.Duration) string {
	if d > 48*time.Hour {
		return strconv.Itoa(int(d/(24*time.Hour))) + " days"
	}
	return d.Round(time.Second).String()
}

// finding words a change. Notes are names and lengths; one that contains a secret
// is left out.
func (m *Mismatch) finding(c change, with []Cause) Finding {
	for _, secret := range m.secrets() {
		if secret != "" && strings.Contains(c.note, secret) {
			c.note = "(a name that holds a secret)"
		}
	}
	slices.Sort(with)
	return Finding{Cause: c.cause, Text: c.text(), Proven: true, With: with}
}

func (m *Mismatch) secrets() []string {
	all := slices.Clone(m.Secrets)
	for _, s := range m.Others {
		all = append(all, s)
	}
	for _, s := range all {
		all = append(all, strings.TrimSpace(s))
	}
	return all
}
