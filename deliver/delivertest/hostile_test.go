package delivertest_test

import (
	"bytes"
	"context"
	"log"
	"net/http"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/paperround/deliver"
	"example.com/paperround/deliver/delivertest"
	"example.com/paperround/topic"
)

// unsigned is a Signer for receivers that do not care.
type unsigned struct{}

func (unsigned) Sign(http.Header, string, time.Time, []byte) error { return nil }

func message(size int) *deliver.Message {
	return &deliver.Message{ID: "msg_1", Topic: "acme:invoice.paid", ContentType: "text/plain", Body: bytes.Repeat([]byte("x"), size)}
}

func endpoint(url string) *deliver.Endpoint {
	return &deliver.Endpoint{
		ID: "e1", URL: url, Topics: []topic.Pattern{topic.Everything}, Signer: unsigned{},
	}
}

// outcome is what an attempt comes to.
type outcome struct {
	reason deliver.Reason
	status int
	reused bool // the connection carries the next attempt too
	waits  bool // until the endpoint's Timeout
}

func outcomes() map[delivertest.Trick]outcome {
	const (
		network = deliver.ReasonNetwork
		timeout = deliver.ReasonTimeout
		tls     = deliver.ReasonTLS
		done    = deliver.ReasonSucceeded
	)
	return map[delivertest.Trick]outcome{
		delivertest.TrickRefuse:           {network, 0, false, false},
		delivertest.TrickResetOnAccept:    {network, 0, false, false},
		delivertest.TrickCloseOnAccept:    {network, 0, false, false},
		delivertest.TrickReset:            {network, 0, false, false},
		delivertest.TrickHalfClose:        {network, 0, false, false},
		delivertest.TrickSilence:          {timeout, 0, false, true},
		delivertest.TrickEarly:            {deliver.ReasonRejected, 413, false, false},
		delivertest.TrickDripHead:         {timeout, 0, false, true},
		delivertest.TrickHalfHead:         {network, 0, false, false},
		delivertest.TrickEndlessHeaders:   {network, 0, false, false},
		delivertest.TrickGiantHeader:      {network, 0, false, false},
		delivertest.TrickGiantStatus:      {network, 0, false, false},
		delivertest.TrickEndlessInterim:   {network, 0, false, false},
		delivertest.TrickDripInterim:      {timeout, 0, false, true},
		delivertest.TrickContinue:         {timeout, 0, false, true},
		delivertest.TrickSwitch:           {deliver.ReasonRejected, 101, false, false},
		delivertest.TrickGarbage:          {network, 0, false, false},
		delivertest.TrickBadStatus:        {network, 0, false, false},
		delivertest.TrickTwoLengths:       {network, 0, false, false},
		delivertest.TrickTwoAnswers:       {deliver.ReasonStatus, 503, false, false},
		delivertest.TrickDripBody:         {done, 200, false, true},
		delivertest.TrickStallBody:        {done, 200, false, true},
		delivertest.TrickShortBody:        {done, 200, false, false},
		delivertest.TrickResetBody:        {done, 200, false, false},
		delivertest.TrickEndlessBody:      {done, 200, false, false},
		delivertest.TrickGzipBomb:         {done, 200, false, false},
		delivertest.TrickBadGzip:          {done, 200, false, false},
		delivertest.TrickBadChunk:         {done, 200, false, false},
		delivertest.TrickGiantChunk:       {done, 200, false, false},
		delivertest.TrickEndlessChunk:     {done, 200, false, false},
		delivertest.TrickEndlessTrailer:   {done, 200, false, false},
		delivertest.TrickRedirectLoop:     {deliver.ReasonRedirect, 307, true, false},
		delivertest.TrickRedirectInside:   {deliver.ReasonRedirect, 302, true, false},
		delivertest.TrickRetryNever:       {deliver.ReasonStatus, 503, true, false},
		delivertest.TrickStallTLS:         {timeout, 0, false, true},
		delivertest.TrickResetTLS:         {network, 0, false, false},
		delivertest.TrickNoTLS:            {tls, 0, false, false},
		delivertest.TrickOldTLS:           {tls, 0, false, false},
		delivertest.TrickUnknownAuthority: {tls, 0, false, false},
		delivertest.TrickWrongName:        {tls, 0, false, false},
		delivertest.TrickExpired:          {tls, 0, false, false},
		delivertest.TrickSilenceH2:        {timeout, 0, true, true}, // until a ping is not answered
		delivertest.TrickGoAway:           {network, 0, false, false},
		delivertest.TrickRefuseStream:     {timeout, 0, true, true},
		delivertest.TrickResetStream:      {network, 0, true, false},
		delivertest.TrickContinuation:     {network, 0, false, false},
		delivertest.TrickPings:            {timeout, 0, true, true}, // until the writer gives up
		delivertest.TrickOverflow:         {done, 200, false, false},
	}
}

// Every trick ends in time, with the right verdict, little memory, and no
// connection left that the client is not sure of.
//
// It runs alone, since it measures what the whole process allocates and reads its
// log. Tricks that take until the endpoint's Timeout are played side by side.
func TestAttemptSurvivesEveryTrick(t *testing.T) {
	var logged bytes.Buffer
	log.SetOutput(&logged)
	defer log.SetOutput(os.Stderr)
	h := delivertest.NewHostile(t)
	want := outcomes()
	clients := make(map[delivertest.Trick]*deliver.Client)
	for trick := range h.All() {
		require.Contains(t, want, trick)
		opts := h.ClientOptions()
		// A dial outlives the attempt that began it; its outcome may serve the next.
		opts.ConnectTimeout = 400 * time.Millisecond
		client, err := deliver.NewClient(opts)
		require.NoError(t, err)
		clients[trick] = client
	}
	require.Len(t, want, len(clients))
	for trick, url := range h.All() {
		if !want[trick].waits {
			t.Run(string(trick), func(t *testing.T) {
				boundsMemory(t, 16<<20)
				survive(t, h, clients[trick], trick, url, want[trick])
			})
		}
	}
	t.Run("until the timeout", func(t *testing.T) {
		boundsMemory(t, 64<<20)
		for trick, url := range h.All() {
			if want[trick].waits {
				t.Run(string(trick), func(t *testing.T) {
					t.Parallel()
					survive(t, h, clients[trick], trick, url, want[trick])
				})
			}
		}
	})
	// The client gives up on a connection that is stuck when nothing was written for
	// 5 seconds, and an exchange that timed out leaves it a moment later.
	ctx, cancel := context.WithTimeout(t.Context(), 12*time.Second)
	defer cancel()
	for tick := time.NewTicker(10 * time.Millisecond); ; {
		for _, client := range clients {
			client.CloseIdleConnections()
		}
		stacks := make([]byte, 4<<20)
		stacks = stacks[:runtime.Stack(stacks, true)]
		if !bytes.Contains(stacks, []byte("net/http.(*")) {
			break
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			require.Fail(t, "goroutines are left", "%s", stacks)
		}
	}
	for trick := range h.All() {
		// One that reads nothing learns of the end late: its system has no room
		// left for what would tell it.
		if trick != delivertest.TrickOverflow && trick != delivertest.TrickPings {
			require.NoError(t, h.WaitHungUp(ctx, trick))
		}
	}
	log.SetOutput(os.Stderr) // nobody writes to the buffer any more
	for line := range strings.Lines(logged.String()) {
		require.Contains(t, line, "Unsolicited response received", "as net/http says of two answers")
	}
}

// boundsMemory fails the test if until its end the process, the servers included,
// allocates more than so many bytes.
func boundsMemory(t *testing.T, most uint64) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	t.Cleanup(func() {
		runtime.ReadMemStats(&after)
		t.Logf("%d bytes allocated", after.TotalAlloc-before.TotalAlloc)
		if underRace {
			most *= 8
		}
		require.Less(t, after.TotalAlloc-before.TotalAlloc, most)
	})
}

// survive makes two attempts at a trick, and only one if the connection is stuck.
func survive(t *testing.T, h *delivertest.Hostile, client *deliver.Client, trick delivertest.Trick, url string, want outcome) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	stuck := trick == delivertest.TrickOverflow
	msg := message(100)
	for n := range 2 {
		switch {
		case n == 0 || want.reused:
		case stuck:
			continue
		default:
			require.NoError(t, h.WaitHungUp(ctx, trick))
		}
		ep := endpoint(url)
		if want.waits {
			ep.Timeout = 400 * time.Millisecond
		}
		res := deliver.Attempt(t.Context(), client, ep, msg)
		t.Logf("%s %v %d %q %s: %v", res.Reason, res.Fault, res.Status, res.Body[:min(10, len(res.Body))], res.Elapsed, res.Err)
		require.Equal(t, want.reason, res.Reason, "%v", res.Err)
		require.Equal(t, want.status, res.Status)
		if want.reason == deliver.ReasonSucceeded {
			require.Equal(t, deliver.FaultNone, res.Fault)
		} else {
			require.Equal(t, deliver.FaultReceiver, res.Fault)
		}
		require.Less(t, res.Elapsed, 10*time.Second, "the default timeout is longer")
		require.LessOrEqual(t, len(res.Body), 4<<10)
		require.LessOrEqual(t, res.RetryAfter, 24*time.Hour)
	}
	t.Logf("%d connections, %d bytes sent", h.Connections(trick), h.Sent(trick))
	require.Less(t, h.Sent(trick), int64(64<<20))
	switch {
	case trick == delivertest.TrickGoAway:
		require.Equal(t, 8, h.Connections(trick), "four dials for each exchange")
	case trick == delivertest.TrickRefuse:
		require.Zero(t, h.Connections(trick))
	case want.reused || stuck:
		require.Equal(t, 1, h.Connections(trick))
	default:
		require.Equal(t, 2, h.Connections(trick))
	}
	if !want.reused && !stuck {
		require.NoError(t, h.WaitHungUp(ctx, trick))
	}
}

func TestHostileKnowsItsTricks(t *testing.T) {
	t.Parallel()
	h := delivertest.NewHostile(t)
	for trick, url := range h.All() {
		require.Equal(t, url, h.URL(trick))
		require.Zero(t, h.Connections(trick))
		require.Zero(t, h.Sent(trick))
	}
	require.Empty(t, h.URL("unheard of"))
	require.Zero(t, h.Connections("unheard of"))
	require.Zero(t, h.Sent("unheard of"))
	require.NoError(t, h.WaitHungUp(t.Context(), "unheard of"))
}

func TestHostileNoticesAClientThatStays(t *testing.T) {
	t.Parallel()
	h := delivertest.NewHostile(t)
	client, err := deliver.NewClient(h.ClientOptions())
	require.NoError(t, err)
	deliver.Attempt(t.Context(), client, endpoint(h.URL(delivertest.TrickRedirectLoop)), message(10))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorContains(t, h.WaitHungUp(ctx, delivertest.TrickRedirectLoop), "1 connections are still open")
	client.CloseIdleConnections()
	require.NoError(t, h.WaitHungUp(t.Context(), delivertest.TrickRedirectLoop))
	require.Positive(t, h.Sent(delivertest.TrickRedirectLoop))
}
