package sign

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Group signs with several signers at once, as ConsCent does with Basic
// credentials and an HMAC. The zero value is not usable: Sign then returns
// ErrConfig. It is as safe for concurrent use as its signers are.
type Group struct {
	signers []HeaderSigner
}

// All returns a signer that applies every one of signers. It returns an *Error
// wrapping ErrConfig when there is none or when one is nil.
func All(signers ...HeaderSigner) (*Group, error) {
	if len(signers) == 0 {
		return nil, configError("", "All has no signer: give it at least one")
	}
	for i, s := range signers {
		if s == nil {
			return nil, configError("", "signer "+strconv.Itoa(i+1)+" of All is nil")
		}
	}
	return &Group{signers: slices.Clone(signers)}, nil
}

// Sign applies the signers in order; each sees the header as it was given and not
// what the others write. The first error is returned as it is, and an *Error
// wrapping ErrConfig when two signers write the same header, which would leave
// one of them without effect. On an error header is unchanged.
func (g *Group) Sign(header http.Header, id string, at time.Time, body []byte) error {
	switch {
	case g == nil || len(g.signers) == 0:
		return configError("", "the zero Group is not usable: use All")
	case header == nil:
		return configError("", "the header is nil: make one")
	}
	all := make(http.Header)
	for _, s := range g.signers {
		one := header.Clone()
		if err := s.Sign(one, id, at, body); err != nil {
			return err
		}
		for name, values := range one {
			if slices.Equal(values, header[name]) {
				continue // as it was
			}
			for taken := range all {
				if strings.EqualFold(taken, name) {
					return configError("", "two signers write the header "+name)
				}
			}
			all[name] = values
		}
	}
	maps.Copy(header, all)
	return nil
}
