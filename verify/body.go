package verify

import (
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
		return nil, http.StatusRequestEntityTooLarge, &Error{Err: ErrTooLarge}
	}
	var src io.Reader = http.NoBody
	if r.Body != nil {
		src = r.Body
	}
	if limit >= 0 && r.Body != nil {
		// This one also tells the server to close the connection.
		src = http.MaxBytesReader(w, r.Body, limit)
	}
	body, err := readAll(src, declared)
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

// readAll is io.ReadAll with a hint: a body of the hinted size is read into one
// allocation without a copy.
func readAll(src io.Reader, hint int64) ([]byte, error) {
	// One byte more, so that the end is seen without growing.
	buf := make([]byte, 0, min(max(hint, 511), maxHint)+1)
	for {
		n, err := src.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		switch {
		case err == io.EOF:
			return buf, nil
		case err != nil:
			return nil, err
		}
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
	}
}
