package verify

import (
	"errors"
	"net/http"
	"slices"

	"example.com/paperround/sign"
)

// Stream verifies a body that is too large to be held. What is written to it is
// hashed and not kept, so it is written somewhere else as well, to a temporary
// file for example, where nothing looks at it until Close has returned a receipt:
//
//	s, err := v.Stream(r.Header)
//	...
//	_, err = io.Copy(io.MultiWriter(file, s), http.MaxBytesReader(w, r.Body, limit))
//	...
//	receipt, err := s.Close()
//
// The zero value is not usable. It is not safe for concurrent use.
type Stream struct {
	verifier *Verifier
	digest   *sign.Digest
	receipt  Receipt
	tags     []string
	closed   bool
}

// Stream judges all that the headers alone can tell, and returns a Stream for the
// body. The errors are those of Verify, and ErrConfig for a scheme of Ed25519,
// which signs a message in one piece. Basic credentials are checked beside it, by
// Basic.Verify with a nil body. A stream has no protection from replay: the
// receipt's ID, if there is one, tells a repetition.
func (v *Verifier) Stream(header http.Header) (*Stream, error) {
	if v == nil || v.compiled == nil {
		return nil, configError("the zero Verifier is not usable: use New")
	}
	p := proof{receipt: Receipt{Scheme: v.name, Received: v.now()}}
	if err := v.read(header, &p); err != nil {
		return nil, err
	}
	d, err := v.compiled.Begin(p.message, p.receipt.Received)
	if err != nil {
		return nil, fromSign(err, v.name, v.tag.Header)
	}
	return &Stream{verifier: v, digest: d, receipt: p.receipt, tags: slices.Clone(p.tags[:p.n])}, nil
}

// Write adds p to the body. It fails only after Close.
func (s *Stream) Write(p []byte) (int, error) {
	if s == nil || s.digest == nil {
		return 0, configError("the zero Stream is not usable: use Verifier.Stream")
	}
	if s.closed {
		return 0, errors.New("verify: written to a closed Stream")
	}
	return s.digest.Write(p)
}

// Close ends the body and reports what the signature proves of it: a receipt
// without Body, or an *Error wrapping ErrNoMatch or ErrMalformed. The caller must
// have seen the body's end without a read error. A second call repeats the first.
func (s *Stream) Close() (Receipt, error) {
	if s == nil || s.digest == nil {
		return Receipt{}, configError("the zero Stream is not usable: use Verifier.Stream")
	}
	s.closed = true
	made, err := s.digest.Match(s.tags)
	if err != nil {
		return Receipt{}, fromSign(err, s.verifier.name, s.verifier.tag.Header)
	}
	rc := s.receipt
	rc.KeyID, rc.KeyAge, rc.Superseded = made.KeyID, made.KeyAge, made.Superseded
	return rc, nil
}
