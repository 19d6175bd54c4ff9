package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"example.com/paperround/sign"
	"example.com/paperround/verify"
)

// Where the sink takes requests.
const (
	pathCounted = "/counted" // drained and counted
	pathTimed   = "/timed"   // and its time on the way, from the stamp in the id
	pathChecked = "/checked" // verified, and told from those that came before
	pathHung    = "/hung"    // not answered
	pathTake    = "/take"    // tells what arrived, and starts anew
)

// hangFor is how long a request hangs, unless the client goes away.
const hangFor = 30 * time.Second

// arrived is what came since the last look.
type arrived struct {
	Count   int // the hung ones left out
	Refused int // of the checked ones: signature or body are wrong
	Twice   int // of the checked ones: an id that was there before
	Hung    int
	P50     time.Duration // of the timed ones
	P99     time.Duration
	Most    time.Duration
	Typical time.Duration // the 99th percentile of one stretch of them, the median over all stretches
}

// stretch is how many timed messages a typical 99th percentile is taken of. When
// something else stops the machine for a moment, it shows in one stretch of many.
const stretch = 500

// judge says what is wrong when so many were sent.
func (a arrived) judge(sent int) error {
	switch {
	case a.Refused > 0:
		return fmt.Errorf("%d of %d messages are not as they were sent", a.Refused, a.Count)
	case a.Twice > 0:
		return fmt.Errorf("%d of %d messages came twice", a.Twice, a.Count)
	case a.Count != sent:
		return fmt.Errorf("%d messages arrived, and not %d", a.Count, sent)
	}
	return nil
}

type sink struct {
	verifier *verify.Verifier
	body     string
	count    atomic.Int64
	hung     atomic.Int64

	mu      sync.Mutex
	refused int
	twice   int
	seen    map[string]bool
	took    []time.Duration
}

// serveSink writes its URL and answers until in ends.
func serveSink(in io.Reader, out io.Writer) error {
	ring, err := ring()
	if err != nil {
		return err
	}
	s := &sink{seen: make(map[string]bool), body: string(body())}
	if s.verifier, err = verify.New(sign.StandardWebhooks(), ring, nil); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it ends with the process
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+pathCounted, s.counted)
	mux.HandleFunc("POST "+pathTimed, s.timed)
	mux.HandleFunc("POST "+pathChecked, s.checked)
	mux.HandleFunc("POST "+pathHung, s.hang)
	mux.HandleFunc("POST "+pathTake, s.take)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	if _, err := fmt.Fprintf(out, "http://%s\n", listener.Addr()); err != nil {
		return err
	}
	go func() {
		_, _ = io.Copy(io.Discard, in)
		_ = server.Close()
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func (s *sink) counted(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	s.count.Add(1)
}

func (s *sink) timed(_ http.ResponseWriter, r *http.Request) {
	now := time.Now()
	_, _ = io.Copy(io.Discard, r.Body)
	s.count.Add(1)
	stamp, _, _ := strings.Cut(r.Header.Get("Webhook-Id"), "-")
	ns, err := strconv.ParseInt(stamp, 10, 64)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.refused++
		return
	}
	s.took = append(s.took, now.Sub(time.Unix(0, ns)))
}

func (s *sink) checked(_ http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err == nil {
		_, err = s.verifier.Verify(r.Header, body)
	}
	s.count.Add(1)
	s.mu.Lock()
	defer s.mu.Unlock()
	id := r.Header.Get("Webhook-Id")
	switch {
	case err != nil || string(body) != s.body:
		s.refused++
	case s.seen[id]:
		s.twice++
	}
	s.seen[id] = true
}

func (s *sink) hang(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body) // only then does the server see the client go
	s.hung.Add(1)
	timer := time.NewTimer(hangFor)
	defer timer.Stop()
	select {
	case <-r.Context().Done():
	case <-timer.C:
	}
}

func (s *sink) take(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := arrived{Count: int(s.count.Swap(0)), Refused: s.refused, Twice: s.twice, Hung: int(s.hung.Swap(0))}
	if n := len(s.took); n > 0 {
		var each []float64
		for part := range slices.Chunk(s.took, stretch) {
			part = slices.Sorted(slices.Values(part))
			each = append(each, float64(part[len(part)*99/100]))
		}
		a.Typical = time.Duration(median(each))
		slices.Sort(s.took)
		a.P50, a.P99, a.Most = s.took[n/2], s.took[n*99/100], s.took[n-1]
	}
	s.refused, s.twice, s.took = 0, 0, nil
	clear(s.seen)
	_ = json.NewEncoder(w).Encode(a) // the reader sees what is missing
}
