package delivertest_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/paperround/deliver"
	"example.com/paperround/deliver/delivertest"
)

// labelled is a Signer that writes its header in a case of its own.
type labelled struct{}

func (labelled) Sign(header http.Header, id string, _ time.Time, _ []byte) error {
	header["x-LABEL"] = []string{id}
	return nil
}

func sender(t *testing.T, r *delivertest.Receiver) (*deliver.Client, *deliver.Endpoint) {
	t.Helper()
	client, err := deliver.NewClient(r.ClientOptions())
	require.NoError(t, err)
	t.Cleanup(client.CloseIdleConnections)
	ep := endpoint(r.URL() + "in?a=b%20c")
	ep.Signer = labelled{}
	return client, ep
}

func TestReceiverKeepsWhatCameAndAnswersByScript(t *testing.T) {
	t.Parallel()
	r := delivertest.NewReceiver(t, nil)
	client, ep := sender(t, r)
	r.Answer(
		delivertest.Answer{Status: 503, RetryAfter: 1500 * time.Millisecond, Body: []byte("busy"), Header: http.Header{"X-Why": {"load"}}},
		delivertest.Answer{HangUp: true},
		delivertest.Answer{Status: 204, Delay: 30 * time.Millisecond},
	)
	res := deliver.Attempt(t.Context(), client, ep, message(5))
	require.Equal(t, 503, res.Status)
	require.Equal(t, 2*time.Second, res.RetryAfter)
	require.Equal(t, "busy", string(res.Body))
	res = deliver.Attempt(t.Context(), client, ep, message(100_000))
	require.Equal(t, deliver.ReasonNetwork, res.Reason)
	res = deliver.Attempt(t.Context(), client, ep, message(0))
	require.Equal(t, 204, res.Status)
	require.GreaterOrEqual(t, res.Elapsed, 30*time.Millisecond)
	res = deliver.Attempt(t.Context(), client, ep, message(6))
	require.Equal(t, 200, res.Status, "the script has ended")

	got, err := r.Wait(t.Context(), 4)
	require.NoError(t, err)
	require.Equal(t, []int{5, 100_000, 0, 6}, []int{len(got[0].Body), len(got[1].Body), len(got[2].Body), len(got[3].Body)})
	for _, q := range got {
		require.Equal(t, "POST", q.Method)
		require.Equal(t, "/in?a=b%20c", q.Target)
		require.Equal(t, "msg_1", q.Header.Get("X-Label"))
		require.WithinDuration(t, time.Now(), q.At, time.Minute)
		raw := string(q.Raw)
		require.True(t, strings.HasPrefix(raw, "POST /in?a=b%20c HTTP/1.1\r\n"), raw)
		require.Contains(t, raw, "\r\nx-LABEL: msg_1\r\n", "in the case it was sent in")
		_, body, _ := strings.Cut(raw, "\r\n\r\n")
		require.Equal(t, string(q.Body), body)
		require.NoError(t, q.Refused)
	}
	got[0].Body[0], got[0].Raw[0] = '?', '?'
	got[0].Header.Set("X-Label", "?")
	again := r.Requests()[0]
	require.Equal(t, "xxxxx", string(again.Body))
	require.Equal(t, byte('P'), again.Raw[0])
	require.Equal(t, "msg_1", again.Header.Get("X-Label"))
}

func TestReceiverVerifies(t *testing.T) {
	t.Parallel()
	wrong := errors.New("wrong signature")
	r := delivertest.NewReceiver(t, &delivertest.ReceiverOptions{Verify: func(h http.Header, body []byte) error {
		h.Set("X-Label", "?")
		if len(body) > 5 {
			return wrong
		}
		return nil
	}})
	r.Answer(delivertest.Answer{Status: 202}, delivertest.Answer{Status: 202}, delivertest.Answer{Status: 203})
	client, ep := sender(t, r)
	require.Equal(t, 202, deliver.Attempt(t.Context(), client, ep, message(5)).Status)
	require.Equal(t, 401, deliver.Attempt(t.Context(), client, ep, message(6)).Status)
	require.Equal(t, 203, deliver.Attempt(t.Context(), client, ep, message(5)).Status, "a refused request takes its answer along")
	got := r.Requests()
	require.NoError(t, got[0].Refused)
	require.ErrorIs(t, got[1].Refused, wrong)
	require.Equal(t, "msg_1", got[0].Header.Get("X-Label"))

	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	list, err := r.Wait(ctx, 4)
	require.Len(t, list, 3)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.ErrorContains(t, err, "3 of 4 requests have come\n\t1. POST /in?a=b%20c with 5 bytes\n\t2. POST /in?a=b%20c with 6 bytes, refused\n")
}

func TestReceiverWakesWhoWaits(t *testing.T) {
	t.Parallel()
	r := delivertest.NewReceiver(t, nil)
	client, ep := sender(t, r)
	go func() {
		for range 3 {
			deliver.Attempt(t.Context(), client, ep, message(1))
		}
	}()
	got, err := r.Wait(t.Context(), 3)
	require.NoError(t, err)
	require.Len(t, got, 3)
}
