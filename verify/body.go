package verify

import (
	"bytes"
	"errors"
	"io"
	"net/http"
)

// maxHint bounds how much memory is set aside on the word of a Content-Length.
const maxHint = 1 << 20

// readBody reads a request's body of at most limit bytes; a negative limit is
// none. On an error it returns the status to answer.
func readBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, int, error) {
	declared := r.ContentLength
	if limit >= 0 && declared > limit {
		hangUp(w)
		return nil, http.StatusRequestEntityTooLarge, &Error{Err: ErrTooLarge}
	}
	var src io.Reader = http.NoBody
	if r.Body != nil {
		src = r.Body
	}
	body, over, err := readAll(src, declared, limit)
	if over {
		hangUp(w)
		return nil, http.StatusRequestEntityTooLarge, &Error{Err: ErrTooLarge}
	}
	// Something in front may have a limit of its own.
	_, tooLarge := errors.AsType[*http.MaxBytesError](err)
	switch {
	case tooLarge:
		return nil, http.StatusRequestEntityTooLarge, &Error{Err: ErrTooLarge}
	case errors.Is(err, http.ErrBodyReadAfterClose),
		err == nil && int64(len(body)) < declared,
		err == nil && len(body) == 0 && declared < 0: // chunked: no sender does so for nothing
		return nil, http.StatusInternalServerError, &Error{
			Reason: "something in front of the check has read the body: let the check come first",
			Err:    ErrConsumed,
		}
	case err != nil:
		return nil, http.StatusBadRequest, &Error{Err: ErrUnreadable}
	}
	return body, 0, nil
}

// readAll is io.ReadAll with a hint and a limit: a body of the hinted size is
// read into one allocation without a copy, and over reports that there is more
// than the limit, which is none when it is negative.
func readAll(src io.Reader, hint, limit int64) (body []byte, over bool, err error) {
	// One byte more, so that the end is seen without growing.
	buf := make([]byte, 0, min(max(hint, 511), maxHint)+1)
	for {
		n, err := src.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		switch {
		case limit >= 0 && int64(len(buf)) > limit:
			return nil, true, nil
		case err == io.EOF:
			return buf, false, nil
		case err != nil:
			return nil, false, err
		}
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
	}
}

// hangUp makes the server close the connection after the answer and not read
// the rest of the body. Only an exceeded MaxBytesReader can tell it so, and only
// the server's own ResponseWriter.
func hangUp(w http.ResponseWriter) {
	for {
		u, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			break
		}
		w = u.Unwrap()
	}
	var one [1]byte
	_, _ = http.MaxBytesReader(w, io.NopCloser(bytes.NewReader(one[:])), 0).Read(one[:])
}
