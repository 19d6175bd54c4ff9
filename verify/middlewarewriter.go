package verify

import (
	"bufio"
	"net"
	"net/http"
)

// hijacked stands for a status that nobody can see.
const hijacked = -1

// statusWriter is a ResponseWriter that remembers the status. What it does not
// do itself, http.ResponseController finds through Unwrap.
type statusWriter struct {
	http.ResponseWriter
	status int // 0: none yet.
}

func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *statusWriter) sent(status int) {
	if w.status == 0 {
		w.status = status
	}
}

// outcome is the status that the peer sees once the handler has returned.
func (w *statusWriter) outcome() int {
	w.sent(http.StatusOK)
	return w.status
}

// WriteHeader lets pass any number of informational statuses before the one that
// counts.
func (w *statusWriter) WriteHeader(status int) {
	if status >= 200 || status == http.StatusSwitchingProtocols {
		w.sent(status)
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Write(p []byte) (int, error) {
	w.sent(http.StatusOK)
	return w.ResponseWriter.Write(p)
}

// FlushError sends the header, and so the status.
func (w *statusWriter) FlushError() error {
	w.sent(http.StatusOK)
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// Flush is for handlers that ask for an http.Flusher.
func (w *statusWriter) Flush() { _ = w.FlushError() }

// Hijack hides from then on what the peer is told.
func (w *statusWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err == nil {
		w.status = hijacked
	}
	return conn, rw, err
}
