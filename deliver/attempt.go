package deliver

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"net/url"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	headerID       = "Webhook-Id"
	headerDelivery = "Webhook-Delivery"
	headerAgent    = "User-Agent"
	headerType     = "Content-Type"

	headerCredentials = "Authorization"

	userAgent = "paperround/1"

	maxKeptBody = 4 << 10
	maxReadBody = 64 << 10
)

// Result is the outcome of one exchange. The caller owns it.
type Result struct {
	Reason     Reason
	Fault      Fault         // on whose side the failure lies
	Err        error         // an *Error; nil on success
	Status     int           // the endpoint's answer; 0 if there was none
	Body       []byte        // the first 4 KiB of the answer
	RetryAfter time.Duration // what 408, 425, 429 and 5xx asked for, up to 24 hours; 0 for nothing
	Disable    bool          // the answer has the header webhook-delivery: disable
	Elapsed    time.Duration
}

// Attempt makes one exchange: it signs the message for this moment, sends it to
// the endpoint through the client's guard, and reads the answer. It needs no
// queue and no dispatcher, so a job of any engine can call it; [Retryable] tells
// such a job what to make of the error.
//
// The request is a POST of the body as it is, with the endpoint's headers, the
// signer's on top. If the signer sets no Webhook-Id header, Attempt adds one
// with the message's id. That header is not signed: it lets a receiver of a
// provider without ids tell duplicates apart, and proves nothing. So are
// traceparent and tracestate, which are there if the message has a [Trace].
//
// One deadline, the endpoint's Timeout, covers everything, the end of the answer
// included. 4 KiB of the answer are kept and 64 KiB read. The status decides:
// an answer whose body breaks off counts as its status says. Attempt never
// panics; a signer's or transport's panic becomes a fault of our own side.
func Attempt(ctx context.Context, client *Client, ep *Endpoint, msg *Message) (res *Result) {
	return attempt(ctx, nil, client, ep, nil, msg)
}

// attempt is Attempt, within exchange if the caller has made that of ctx with the
// endpoint's deadline. An endpoint with a URL was found to be in order before.
func attempt(ctx, exchange context.Context, client *Client, ep *Endpoint, u *url.URL, msg *Message) (res *Result) {
	start := time.Now()
	defer func() {
		if p := recover(); p != nil {
			res = failed(FaultOurs, panicked(ReasonLocal, p))
		}
		res.Elapsed = time.Since(start)
	}()
	var err error
	if u == nil {
		u, err = client.check(ep)
	}
	if err == nil {
		err = msg.validate()
	}
	if err == nil && ep.Tenant != msg.Tenant {
		err = invalid("endpoint %s is not of the message's tenant", ep.ID)
	}
	if err != nil {
		return failed(FaultDestination, asError(err))
	}
	if exchange == nil {
		bounded, cancel := context.WithTimeout(ctx, ep.timeout())
		defer cancel()
		exchange = bounded
	}
	req, failure := newRequest(withTrip(exchange), client, u, ep, msg, start)
	if failure != nil {
		return failure
	}
	resp, err := client.transport.RoundTrip(req)
	if err != nil {
		return classify(ctx, err)
	}
	defer resp.Body.Close() //nolint:errcheck // nothing depends on it
	res = judgeStatus(resp, ep.ExactOK)
	res.Disable = strings.EqualFold(strings.TrimSpace(resp.Header.Get(headerDelivery)), "disable")
	if resp.StatusCode == http.StatusSwitchingProtocols || resp.Body == http.NoBody {
		return res
	}
	if _, minds := client.transport.(*pool); !minds {
		// Not every transport's body minds the context.
		defer context.AfterFunc(exchange, func() { _ = resp.Body.Close() })()
	}
	res.Body = readAnswer(resp.Body)
	return res
}

// newRequest makes the signed request, or says why it cannot be made.
func newRequest(ctx context.Context, client *Client, u *url.URL, ep *Endpoint, msg *Message, at time.Time) (*http.Request, *Result) {
	header := http.Header{headerType: {msg.ContentType}}
	set, failure := sign(ep.Signer, header, msg, at)
	if failure != nil {
		return nil, failed(FaultOurs, failure)
	}
	// What the signer set stays as it was written: some receivers care for the case.
	for name, values := range unsigned(ep, msg) {
		if !has(header, name) {
			header[name] = values
		}
	}
	if !set.agent && header[headerAgent] == nil {
		header[headerAgent] = []string{userAgent}
	}
	if !set.id {
		header[headerID] = []string{msg.ID}
	}
	if u.Scheme == "http" && !client.plaintextCredentials && (set.credentials || header[headerCredentials] != nil) {
		return nil, failed(FaultDestination, refused("credentials over plain http are not allowed"))
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "", bytes.NewReader(msg.Body))
	if err != nil {
		return nil, failed(FaultDestination, asError(err))
	}
	*req.URL, req.Host, req.Header = *u, u.Host, header // a URL of its own: not every transport leaves it alone
	return req, nil
}

// unsigned returns the headers that are not the signer's, in canonical form.
func unsigned(ep *Endpoint, msg *Message) http.Header {
	if len(ep.Header) == 0 && msg.Trace.Parent == "" {
		return nil
	}
	header := make(http.Header, len(ep.Header)+2)
	for name, values := range ep.Header {
		for _, v := range values {
			header.Add(name, v)
		}
	}
	if header.Get(headerAgent) == "" {
		header.Del(headerAgent)
	}
	msg.Trace.set(header)
	return header
}

// signedHeaders says which headers a signer set, in whatever case.
type signedHeaders struct{ agent, id, credentials bool }

// sign lets the signer work on a header of its own, and judges what it set.
func sign(s Signer, header http.Header, msg *Message, at time.Time) (set signedHeaders, failure *Error) {
	defer func() {
		if p := recover(); p != nil {
			failure = panicked(ReasonSigner, p)
		}
	}()
	if err := s.Sign(header, msg.ID, at, msg.Body); err != nil {
		// Its text may hold what it signed with, so it stays in Err.
		return set, &Error{Reason: ReasonSigner, Detail: fmt.Sprintf("a %T, see Hooks.Settled", err), Err: err}
	}
	for name, values := range header {
		switch canonical := textproto.CanonicalMIMEHeaderKey(name); {
		case !isToken(name):
			return set, &Error{Reason: ReasonSigner, Detail: "it set a header whose name is not a token"}
		case !areValues(values):
			return set, &Error{Reason: ReasonSigner, Detail: "it set " + canonical + " to a value with control characters"}
		case canonical == headerID:
			set.id = true
		case canonical == headerAgent:
			set.agent = true
		case canonical == headerCredentials:
			set.credentials = true
		case canonical == headerType:
			if got := header[name]; name != canonical || len(got) != 1 || got[0] != msg.ContentType {
				return set, &Error{Reason: ReasonSigner, Detail: "it changed the content type"}
			}
		case isReserved(name):
			return set, &Error{Reason: ReasonSigner, Detail: "it may not set " + canonical}
		}
	}
	return set, nil
}

// has looks for a header in whatever case a signer wrote it.
func has(header http.Header, name string) bool {
	for h := range header {
		if strings.EqualFold(h, name) {
			return true
		}
	}
	return false
}

// judgeStatus turns a status into an outcome.
func judgeStatus(resp *http.Response, exactOK bool) *Result {
	status := resp.StatusCode
	var reason Reason
	switch {
	case status == http.StatusOK || status/100 == 2 && !exactOK:
		return &Result{Reason: ReasonSucceeded, Status: status}
	case status/100 == 2, status/100 == 5, status == http.StatusRequestTimeout,
		status == http.StatusTooEarly, status == http.StatusTooManyRequests:
		reason = ReasonStatus
	case status/100 == 3:
		reason = ReasonRedirect
	default:
		reason = ReasonRejected
	}
	res := failed(FaultReceiver, &Error{Reason: reason, Status: status})
	if reason == ReasonStatus {
		res.RetryAfter = parseRetryAfter(resp.Header.Get("Retry-After"), time.Now())
	}
	return res
}

// scratch is what answers are read into.
//
//nolint:gochecknoglobals // a pool is shared by its nature
var scratch = sync.Pool{New: func() any { return new([maxKeptBody]byte) }}

// readAnswer keeps the beginning of an answer and reads on for a while, so that
// the connection can be used again. An answer that breaks off is as long as it is:
// the status has decided.
func readAnswer(body io.Reader) []byte {
	buf := scratch.Get().(*[maxKeptBody]byte)
	defer scratch.Put(buf)
	n, err := io.ReadFull(body, buf[:])
	kept := bytes.Clone(buf[:n])
	for read := n; err == nil && read < maxReadBody; read += n {
		n, err = body.Read(buf[:])
	}
	return kept
}

// classify tells whose fault an exchange without an answer was. parent is the
// context without the endpoint's own deadline.
func classify(parent context.Context, err error) *Result {
	e := &Error{Err: err}
	fault := FaultReceiver
	own, isOwn := errors.AsType[*Error](err)
	dns, isDNS := errors.AsType[*net.DNSError](err)
	errno, isErrno := errors.AsType[syscall.Errno](err)
	timeout, isNet := errors.AsType[net.Error](err)
	switch {
	case isOwn && own.Reason == ReasonRefused:
		return failed(FaultDestination, own)
	case parent.Err() != nil:
		e.Reason, fault = ReasonCanceled, FaultOurs
	case isDNS && dns.IsNotFound:
		e.Reason = ReasonDNS
	case isOwn:
		return failed(FaultOurs, own)
	case isDNS:
		e.Reason, e.Detail, fault = ReasonUnreachable, "DNS does not answer", FaultOurs
	case errno == syscall.ENETUNREACH:
		e.Reason, e.Detail, fault = ReasonUnreachable, errno.Error(), FaultOurs
	case isErrno && isLocal(errno):
		e.Reason, e.Detail, fault = ReasonLocal, errno.Error(), FaultOurs
	case errors.Is(err, context.DeadlineExceeded), isNet && timeout.Timeout():
		e.Reason = ReasonTimeout
	case isTLS(err):
		e.Reason, e.Detail = ReasonTLS, certificateFlaw(err)
	case isErrno:
		e.Reason, e.Detail = ReasonNetwork, errno.Error()
	default:
		e.Reason = ReasonNetwork
	}
	return failed(fault, e)
}

// isLocal reports whether an error of the system says that this machine is the
// one in trouble: no sockets, no ports, no memory, no network, no permission.
func isLocal(errno syscall.Errno) bool {
	switch errno {
	case syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.EADDRNOTAVAIL,
		syscall.ENETDOWN, syscall.EACCES, syscall.EPERM:
		return true
	default:
		return false
	}
}

func isTLS(err error) bool {
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return true
	}
	// What else a handshake fails with has no type in common.
	return strings.Contains(err.Error(), "tls: ")
}

// certificateFlaw says what is wrong with the endpoint's certificate, "" for
// other failures of a handshake.
func certificateFlaw(err error) string {
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return "the certificate is signed by an unknown authority"
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return "the certificate is for another name"
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok && invalid.Reason == x509.Expired {
		return "the certificate has expired or is not valid yet"
	}
	return ""
}

func failed(fault Fault, err *Error) *Result {
	return &Result{Reason: err.Reason, Fault: fault, Err: err, Status: err.Status}
}

func asError(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return &Error{Reason: ReasonInvalid, Detail: "cannot be sent", Err: err}
}

// panicError keeps where a caller's code panicked. The value stays out: nobody
// knows what it holds.
type panicError struct{ stack []byte }

func (*panicError) Error() string { return "panic" }

func panicked(reason Reason, value any) *Error {
	return &Error{Reason: reason, Detail: fmt.Sprintf("panic with a %T", value), Err: &panicError{stack: debug.Stack()}}
}
