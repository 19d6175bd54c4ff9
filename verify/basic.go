package verify

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"example.com/paperround/sign"
)

// challenge is the value of WWW-Authenticate after RFC 7617.
const challenge = `Basic realm="webhooks", charset="UTF-8"`

// maxPair bounds the decoded credentials, in bytes.
const maxPair = 768

// Credential is one pair of user name and password.
type Credential struct {
	// ID names the pair in receipts and logs; it is no secret. Empty: the
	// pair's position, from "1".
	ID string

	// User and Password are as in sign.NewBasic. Required.
	User     string
	Password sign.Secret
}

// Basic checks Basic credentials as RFC 7617 describes, in UTF-8. They prove
// who sent a request and nothing about its body: anyone who can read or change
// the connection can send any body under them. The zero value is not usable:
// Verify then returns ErrConfig. It is safe for concurrent use.
type Basic struct {
	pairs  []pair
	strict *base64.Encoding
}

type pair struct {
	id string
	*sign.Basic
}

// NewBasic returns a checker that accepts any one of creds; give it two while a
// password is rotated. It returns an error wrapping ErrConfig when there is
// none, when one is unusable for the reasons of sign.NewBasic, or when an id or
// a pair stands there twice.
func NewBasic(creds ...Credential) (*Basic, error) {
	if len(creds) == 0 {
		return nil, configError("NewBasic has no credentials: give it at least one pair")
	}
	b := &Basic{strict: base64.StdEncoding.Strict()}
	for i, c := range creds {
		if c.ID == "" {
			c.ID = strconv.Itoa(i + 1)
		}
		s, err := sign.NewBasic(c.User, c.Password)
		if err != nil {
			return nil, &Error{Scheme: "basic", Reason: "credential " + c.ID, Err: fmt.Errorf("%w: %w", ErrConfig, err)}
		}
		for _, p := range b.pairs {
			switch {
			case p.id == c.ID:
				return nil, configError("two credentials have the id " + c.ID)
			case p.Equal(s):
				return nil, configError("credentials " + p.id + " and " + c.ID + " are the same")
			}
		}
		b.pairs = append(b.pairs, pair{c.ID, s})
	}
	return b, nil
}

// Proves says that credentials are asked for, and that they prove nothing of the
// message.
func (b *Basic) Proves() Proof { return Proof{Challenge: challenge} }

// Verify reports whose credentials are in header, or an *Error wrapping
// ErrMissing, ErrMalformed, ErrTooMany or ErrNoMatch. The body is not looked
// at; it goes into the receipt. All pairs are compared, each in constant time,
// and a wrong user takes the same time as a wrong password. It allocates
// nothing when the credentials are accepted.
func (b *Basic) Verify(header http.Header, body []byte) (Receipt, error) {
	if b == nil || len(b.pairs) == 0 {
		return Receipt{}, configError("the zero Basic is not usable: use NewBasic")
	}
	lines := header["Authorization"]
	switch {
	case len(lines) == 0 || len(lines) == 1 && lines[0] == "":
		return Receipt{}, refuseBasic(ErrMissing, "")
	case len(lines) > 1:
		return Receipt{}, refuseBasic(ErrTooMany, "the header stands on more than one line")
	}
	var decoded [maxPair]byte
	sent, err := b.parse(lines[0], decoded[:])
	if err != nil {
		return Receipt{}, err
	}
	match := ""
	for i := range b.pairs {
		if b.pairs[i].Match(sent) {
			match = b.pairs[i].id
		}
	}
	if match == "" {
		return Receipt{}, refuseBasic(ErrNoMatch, "")
	}
	return Receipt{Credential: match, Received: time.Now(), Body: body}, nil
}

// parse reads an Authorization header into dst.
func (b *Basic) parse(value string, dst []byte) ([]byte, error) {
	scheme, text, ok := strings.Cut(value, " ")
	if !ok || len(scheme) != len("basic") || !strings.EqualFold(scheme, "basic") { // a long s folds too
		return nil, refuseBasic(ErrMalformed, "it holds no Basic credentials")
	}
	const most = maxPair / 3 * 4
	if len(text) > most {
		return nil, refuseBasic(ErrMalformed, "the credentials are too long")
	}
	var src [most]byte
	copy(src[:], text)
	// The decoder skips line breaks; they have no place in a header.
	n, err := b.strict.Decode(dst, src[:len(text)])
	if err != nil || strings.ContainsAny(text, "\r\n") {
		return nil, refuseBasic(ErrMalformed, "the credentials are not standard base64 with padding")
	}
	return dst[:n], nil
}

func refuseBasic(err error, reason string) error {
	return &Error{Scheme: "basic", Header: "Authorization", Reason: reason, Err: err}
}
