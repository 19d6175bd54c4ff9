package verifytest

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"time"
)

// maxAnswer bounds how much of an answer is looked at, in bytes.
const maxAnswer = 64 << 10

// letIn is the outcome that has the kind of its attack.
const letIn Kind = 255

// outcome is what became of one request.
type outcome struct {
	status   int
	answer   string // Headers and body.
	runs     int
	panicked bool
	hung     bool
	late     bool // The context of the whole attack ended.
	unsent   bool // The client could not send it.
}

// kind judges the outcome; 0 is as it should be.
func (o *outcome) kind(w want, breaks, counted bool) Kind {
	switch {
	case o.late:
		return 0
	case o.hung:
		return Hung
	case w == acceptance:
		if !o.accepted() || counted && o.runs == 0 {
			return Refused
		}
		return 0
	case o.runs > 0, w != noRun && o.accepted():
		return letIn
	case o.panicked && !breaks:
		return Panicked
	case w != refusal || breaks:
		return 0
	case o.status/100 != 4, o.status == http.StatusRequestTimeout, o.status == http.StatusGone, o.status == http.StatusTooManyRequests:
		return Unclear
	}
	return 0
}

func (o *outcome) accepted() bool { return o.status/100 == 2 }

// refusedGood says why nothing else means anything.
func (o *outcome) refusedGood() error {
	reason := "it answered " + strconv.Itoa(o.status) + ": mend that first (secret, scheme, clock, URL, content type, headers)"
	switch {
	case o.unsent:
		reason = "it could not be sent: see the URL and the client"
	case o.panicked:
		reason = "it broke down"
	case o.hung, o.late:
		reason = "it did not answer in time"
	case o.accepted():
		reason = "it answered " + strconv.Itoa(o.status) + ", but Runs did not go up: count where the verified request is handled, and attack a handler that remembers no earlier attack"
	}
	return &Error{Reason: reason, Err: ErrRefused}
}

// serve gives a request to a handler in this process.
func serve(h http.Handler, d *draft, deadline time.Duration) outcome {
	r, err := d.request()
	if err != nil {
		return outcome{unsent: true}
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	w := httptest.NewRecorder()
	ended := make(chan bool, 1) // whether the handler returned
	go func() {
		returned := false
		defer func() {
			// Nil also after runtime.Goexit, which a failing assertion calls.
			_ = recover()
			ended <- returned
		}()
		h.ServeHTTP(w, r.WithContext(ctx))
		returned = true
	}()
	timer := time.NewTimer(deadline)
	defer timer.Stop()
	select {
	case returned := <-ended:
		if !returned {
			return outcome{panicked: true}
		}
	case <-timer.C:
		return outcome{hung: true}
	}
	return outcome{status: w.Code, answer: answerText(w.Header(), w.Body.String())}
}

// send sends a request to a server.
func send(ctx context.Context, c *http.Client, d *draft, deadline time.Duration) outcome {
	r, err := d.request()
	if err != nil {
		return outcome{unsent: true}
	}
	one, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	res, err := c.Do(r.WithContext(one))
	switch {
	case err == nil:
	case ctx.Err() != nil:
		return outcome{late: true}
	case one.Err() != nil:
		return outcome{hung: true}
	default:
		return outcome{panicked: true}
	}
	defer func() { _ = res.Body.Close() }()
	body, _ := io.ReadAll(io.LimitReader(res.Body, maxAnswer)) // what came is looked at
	return outcome{status: res.StatusCode, answer: answerText(res.Header, string(body))}
}

func answerText(h http.Header, body string) string {
	var text strings.Builder
	for _, lines := range h {
		for _, line := range lines {
			text.WriteString(line + "\n")
		}
	}
	return text.String() + body
}
