package deliver

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestErrorText(t *testing.T) {
	t.Parallel()
	for want, e := range map[string]*Error{
		"deliver: destination refused by policy":                         refused("10.0.0.1: private"),
		"deliver: store is nil":                                          invalid("store is nil"),
		"deliver: endpoint answered 503":                                 {Reason: ReasonStatus, Status: 503},
		"deliver: endpoint redirects, which is not followed":             {Reason: ReasonRedirect},
		"deliver: connection to the endpoint failed: connection refused": {Reason: ReasonNetwork, Detail: "connection refused", Err: errors.New("hunter2")},
		"deliver: connection to the endpoint failed":                     {Reason: ReasonNetwork, Err: errors.New("hunter2")},
		"deliver: signer failed":                                         {Reason: ReasonSigner, Err: errors.New("hunter2")},
		"deliver: endpoint did not answer in time":                       {Reason: ReasonTimeout},
		"deliver: TLS with the endpoint failed":                          {Reason: ReasonTLS},
		"deliver: endpoint's host name does not exist":                   {Reason: ReasonDNS},
		"deliver: fault on the sending side: too many open files":        {Reason: ReasonLocal, Detail: "too many open files"},
		"deliver: canceled by the sending side, outcome unknown":         {Reason: ReasonCanceled},
		"deliver: lease lost, outcome unknown":                           {Reason: ReasonLeaseLost},
		"deliver: endpoint is gone":                                      {Reason: ReasonNoEndpoint},
		"deliver: endpoint is disabled":                                  {Reason: ReasonDisabled},
		"deliver: outcome unknown":                                       {Reason: ReasonUnknown},
	} {
		require.EqualError(t, e, want)
	}
	require.Equal(t, []string{"none", "receiver", "destination", "ours", "unknown fault"},
		[]string{FaultNone.String(), FaultReceiver.String(), FaultDestination.String(), FaultOurs.String(), Fault(9).String()})
	require.Equal(t, []string{"scheduled", "claimed", "succeeded", "exhausted", "abandoned", "canceled", "unknown state"},
		[]string{Scheduled.String(), Claimed.String(), Succeeded.String(), Exhausted.String(), Abandoned.String(), Canceled.String(), State(9).String()})
}

func TestRetryable(t *testing.T) {
	t.Parallel()
	for reason, want := range map[Reason]bool{
		ReasonStatus: true, ReasonTimeout: true, ReasonNetwork: true, ReasonTLS: true, ReasonDNS: true,
		ReasonSigner: true, ReasonLocal: true, ReasonCanceled: true,
		ReasonRejected: false, ReasonRedirect: false, ReasonRefused: false, ReasonInvalid: false,
		ReasonNoEndpoint: false, ReasonUnknown: false, ReasonLeaseLost: false, "": false,
	} {
		require.Equal(t, want, Retryable(&Error{Reason: reason}), reason)
		require.Equal(t, want, Retryable(fmt.Errorf("job: %w", &Error{Reason: reason})), reason)
	}
	require.False(t, Retryable(nil))
	require.False(t, Retryable(errInjected))
	require.False(t, Retryable(ErrConflict))
	require.True(t, Retryable(fmt.Errorf("job: %w", ErrFull)))
}

func TestFaultOf(t *testing.T) {
	t.Parallel()
	for reason, want := range map[Reason]Fault{
		ReasonStatus: FaultReceiver, ReasonRejected: FaultReceiver, ReasonRedirect: FaultReceiver, ReasonTimeout: FaultReceiver,
		ReasonNetwork: FaultReceiver, ReasonTLS: FaultReceiver, ReasonDNS: FaultReceiver, ReasonUnknown: FaultReceiver,
		ReasonRefused: FaultDestination, ReasonInvalid: FaultDestination, ReasonNoEndpoint: FaultDestination, ReasonDisabled: FaultDestination,
		ReasonSigner: FaultOurs, ReasonLocal: FaultOurs, ReasonUnreachable: FaultOurs, ReasonCanceled: FaultOurs, ReasonLeaseLost: FaultOurs,
	} {
		require.Equal(t, want, FaultOf(fmt.Errorf("job: %w", &Error{Reason: reason})), reason)
	}
	require.Equal(t, FaultNone, FaultOf(nil))
	require.Equal(t, FaultNone, FaultOf(&Error{Reason: ReasonSucceeded}))
	require.Equal(t, FaultDestination, FaultOf(ErrNoEndpoint))
	require.Equal(t, FaultDestination, FaultOf(ErrRefused))
	require.Equal(t, FaultOurs, FaultOf(ErrFull))
	require.Equal(t, FaultOurs, FaultOf(errInjected))
}

func TestPermanent(t *testing.T) {
	t.Parallel()
	for reason, want := range map[Reason]bool{
		ReasonRejected: true, ReasonRedirect: true, ReasonRefused: true, ReasonInvalid: true, ReasonNoEndpoint: true, ReasonDisabled: true,
		ReasonStatus: false, ReasonTimeout: false, ReasonNetwork: false, ReasonTLS: false, ReasonDNS: false, ReasonUnreachable: false,
		ReasonSigner: false, ReasonLocal: false, ReasonCanceled: false, ReasonLeaseLost: false, ReasonUnknown: false,
	} {
		require.Equal(t, want, Permanent(fmt.Errorf("job: %w", &Error{Reason: reason})), reason)
	}
	require.False(t, Permanent(nil))
	require.False(t, Permanent(ErrFull))
	require.True(t, Permanent(ErrConflict))
	require.True(t, Permanent(ErrNoEndpoint))
	require.True(t, Permanent(ErrRefused))
}

// Whatever goes wrong, no secret, no body and no URL reaches a log or an error.
func TestNothingSecretIsTold(t *testing.T) {
	t.Parallel()
	const secret = "hunter2"
	leaky := errors.New("it was " + secret)
	for name, tc := range map[string]struct {
		change func(*Endpoint)
		reply  func(req *http.Request, n int) (*http.Response, error)
	}{
		"signer error": {change: func(e *Endpoint) {
			e.Signer = signerFunc(func(http.Header, string, time.Time, []byte) error { return leaky })
		}},
		"signer panic": {change: func(e *Endpoint) {
			e.Signer = signerFunc(func(http.Header, string, time.Time, []byte) error { panic(leaky) })
		}},
		"signer's header": {change: func(e *Endpoint) {
			e.Signer = signerFunc(func(h http.Header, _ string, _ time.Time, _ []byte) error {
				h.Set("Transfer-Encoding", secret)
				return nil
			})
		}},
		"userinfo": {change: func(e *Endpoint) { e.URL = "https://a:" + secret + "@example.com/" }},
		"bad URL":  {change: func(e *Endpoint) { e.URL = "https://example.com:" + secret + "/" }},
		"header":   {change: func(e *Endpoint) { e.Header = http.Header{"X-Key": {secret + "\n"}} }},
		"transport error": {reply: func(req *http.Request, _ int) (*http.Response, error) {
			return nil, &url.Error{Op: "Post", URL: req.URL.String(), Err: leaky}
		}},
		"transport panic": {reply: func(*http.Request, int) (*http.Response, error) { panic(leaky) }},
		"answer": {reply: func(*http.Request, int) (*http.Response, error) {
			return answer(500, "X-Key", secret, "Retry-After", secret), nil
		}},
		"success": {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				rec := always(200)
				if tc.reply != nil {
					rec.reply = tc.reply
				}
				e := newEndpoint("e1")
				e.URL += "?token=" + secret
				e.Header = http.Header{"Authorization": {"Bearer " + secret}}
				if tc.change != nil {
					tc.change(e)
				}
				dir := &changingDirectory{}
				dir.set(e)
				b := setup(t, rec, benchOptions{directory: dir})
				ev := newEvent()
				ev.body = `{"password":"` + secret + `"}`
				_, err := b.Publish(t.Context(), ev, &PublishOptions{ID: "m1"})
				require.NoError(t, err)
				pass(time.Minute)
				require.NoError(t, b.err())
				require.NotEmpty(t, b.journal.outcomes())
				require.Contains(t, b.log.String(), "message_id=m1")
				require.NotContains(t, b.log.String(), secret)
				for _, o := range b.journal.outcomes() {
					require.NotContains(t, fmt.Sprintf("%v %+v %q", o.Err, o.Err, o.Err), secret)
				}
			})
		})
	}
}
