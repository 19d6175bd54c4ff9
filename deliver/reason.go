package deliver

// Reason names how an attempt ended. Stores keep it as text, so the values do
// not change. The zero value is no reason.
type Reason string

// How an attempt can end.
const (
	// ReasonSucceeded: the endpoint answered with success.
	ReasonSucceeded Reason = "succeeded"
	// ReasonStatus: it answered 408, 425, 429, 5xx, or another 2xx where only 200 counts.
	ReasonStatus Reason = "status"
	// ReasonRejected: it answered any other status, such as 404.
	ReasonRejected Reason = "rejected"
	// ReasonRedirect: it answered 3xx, which is never followed.
	ReasonRedirect Reason = "redirect"
	// ReasonTimeout: no connection or no answer within the time allowed.
	ReasonTimeout Reason = "timeout"
	// ReasonNetwork: the connection was refused or broke, or the answer was not HTTP.
	ReasonNetwork Reason = "network"
	// ReasonTLS: the endpoint's certificate or TLS parameters are not acceptable.
	ReasonTLS Reason = "tls"
	// ReasonDNS: the endpoint's host name does not exist.
	ReasonDNS Reason = "dns"
	// ReasonRefused: the egress guard refused the destination; nothing was sent.
	ReasonRefused Reason = "refused"
	// ReasonInvalid: the endpoint or the message is malformed; nothing was sent.
	ReasonInvalid Reason = "invalid"
	// ReasonSigner: the signer failed or panicked; nothing was sent.
	ReasonSigner Reason = "signer"
	// ReasonUnreachable: no DNS server answers for the endpoint's host name, or there
	// is no route to its address. Whether that is our network or the endpoint's cannot
	// be told, so it counts as a fault on the sending side until it has lasted.
	ReasonUnreachable Reason = "unreachable"
	// ReasonLocal: a fault on the sending side, such as no free socket.
	ReasonLocal Reason = "local"
	// ReasonCanceled: the sending side broke off, at shutdown for one. Whether
	// the endpoint has acted on the request is unknown.
	ReasonCanceled Reason = "canceled"
	// ReasonLeaseLost: the lease ran out during the exchange. Its outcome is unknown.
	ReasonLeaseLost Reason = "lease lost"
	// ReasonUnknown: a worker took the attempt and never recorded how it ended.
	ReasonUnknown Reason = "outcome unknown"
	// ReasonNoEndpoint: the endpoint is gone; nothing was sent.
	ReasonNoEndpoint Reason = "no endpoint"
	// ReasonDisabled: the endpoint is disabled; nothing was sent.
	ReasonDisabled Reason = "disabled"
)

// text is the reason as a sentence for people.
func (r Reason) text() string {
	switch r {
	case ReasonRedirect:
		return "endpoint redirects, which is not followed"
	case ReasonTimeout:
		return "endpoint did not answer in time"
	case ReasonNetwork:
		return "connection to the endpoint failed"
	case ReasonTLS:
		return "TLS with the endpoint failed"
	case ReasonDNS:
		return "endpoint's host name does not exist"
	case ReasonSigner:
		return "signer failed"
	case ReasonLocal:
		return "fault on the sending side"
	case ReasonCanceled:
		return "canceled by the sending side, outcome unknown"
	case ReasonLeaseLost:
		return "lease lost, outcome unknown"
	case ReasonNoEndpoint:
		return "endpoint is gone"
	case ReasonDisabled:
		return "endpoint is disabled"
	default:
		return string(r)
	}
}

// Fault says on whose side a failure lies, which decides whether it spends an
// attempt. The zero value is [FaultNone].
type Fault uint8

const (
	// FaultNone means that the attempt succeeded.
	FaultNone Fault = iota
	// FaultReceiver means that the endpoint or the way to it failed; an attempt is spent.
	FaultReceiver
	// FaultDestination means that the destination is not allowed or not valid; an attempt
	// is spent, of few.
	FaultDestination
	// FaultOurs means that the sending side failed; no attempt is spent.
	FaultOurs
)

// fault is the side on which a failure for this reason lies.
func (r Reason) fault() Fault {
	switch r {
	case ReasonSucceeded:
		return FaultNone
	case ReasonStatus, ReasonRejected, ReasonRedirect, ReasonTimeout, ReasonNetwork, ReasonTLS, ReasonDNS, ReasonUnknown:
		return FaultReceiver
	case ReasonRefused, ReasonInvalid, ReasonNoEndpoint, ReasonDisabled:
		return FaultDestination
	default:
		return FaultOurs
	}
}

// String returns the fault in a word.
func (f Fault) String() string {
	switch f {
	case FaultNone:
		return "none"
	case FaultReceiver:
		return "receiver"
	case FaultDestination:
		return "destination"
	case FaultOurs:
		return "ours"
	}
	return "unknown fault"
}
