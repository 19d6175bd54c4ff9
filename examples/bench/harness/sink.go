package harness

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
	PathCounted = "/counted" // drained and counted
	PathTimed   = "/timed"   // and its time on the way, from the stamp in the id: see [StampedID]
	PathChecked = "/checked" // verified, and told from those that came before
	PathNoted   = "/noted"   // and the time of each receipt is kept
	PathHung    = "/hung"    // not answered
	pathTake    = "/take"    // tells what arrived, and starts anew
)

// HangFor is how long a request hangs, unless the client goes away.
const HangFor = 30 * time.Second

// Arrived is what came to a sink since the last look.
type Arrived struct {
	Count   int // the hung ones left out
	Refused int // of the checked ones: signature or body are wrong
	Twice   int // of the checked ones: an id that was there before
	Hung    int
	P50     time.Duration // of the timed ones
	P99     time.Duration
	Most    time.Duration
	Typical time.Duration // the 99th percentile of one stretch of them, the median over all stretches

	At map[string]time.Time `json:",omitempty"` // of the noted ones, by message id; the last receipt of each
}

// Stretch is how many timed messages a typical 99th percentile is taken of. When
// something else stops the machine for a moment, it shows in one stretch of many.
const Stretch = 500

// Judge returns what is wrong when so many were sent.
func (a Arrived) Judge(sent int) error {
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

type server struct {
	verifier *verify.Verifier
	body     string
	count    atomic.Int64
	hung     atomic.Int64

	mu      sync.Mutex
	refused int
	twice   int
	seen    map[string]bool
	took    []time.Duration
	at      map[string]time.Time
}

// serveSink writes its URL and answers until in ends.
func serveSink(in io.Reader, out io.Writer) error {
	ring, err := Ring()
	if err != nil {
		return err
	}
	s := &server{seen: make(map[string]bool), at: make(map[string]time.Time), body: string(Body())}
	if s.verifier, err = verify.New(sign.StandardWebhooks(), ring, nil); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it ends with the process
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+PathCounted, s.counted)
	mux.HandleFunc("POST "+PathTimed, s.timed)
	mux.HandleFunc("POST "+PathChecked, s.checked)
	mux.HandleFunc("POST "+PathNoted, s.noted)
	mux.HandleFunc("POST "+PathHung, s.hang)
	mux.HandleFunc("POST "+pathTake, s.take)
	srv := &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	if _, err := fmt.Fprintf(out, "http://%s\n", listener.Addr()); err != nil {
		return err
	}
	go func() {
		_, _ = io.Copy(io.Discard, in)
		_ = srv.Close()
	}()
	if err := srv.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func (s *server) counted(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	s.count.Add(1)
}

func (s *server) timed(_ http.ResponseWriter, r *http.Request) {
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

func (s *server) noted(_ http.ResponseWriter, r *http.Request) {
	now := time.Now()
	_, _ = io.Copy(io.Discard, r.Body)
	s.count.Add(1)
	id := r.Header.Get("Webhook-Id")
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.at[id]; ok {
		s.twice++
	}
	s.at[id] = now
}

func (s *server) checked(_ http.ResponseWriter, r *http.Request) {
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

func (s *server) hang(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body) // only then does the server see the client go
	s.hung.Add(1)
	timer := time.NewTimer(HangFor)
	defer timer.Stop()
	select {
	case <-r.Context().Done():
	case <-timer.C:
	}
}

func (s *server) take(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := Arrived{Count: int(s.count.Swap(0)), Refused: s.refused, Twice: s.twice, Hung: int(s.hung.Swap(0)), At: s.at}
	if n := len(s.took); n > 0 {
		var each []float64
		for part := range slices.Chunk(s.took, Stretch) {
			part = slices.Sorted(slices.Values(part))
			each = append(each, float64(part[len(part)*99/100]))
		}
		a.Typical = time.Duration(Median(each))
		slices.Sort(s.took)
		a.P50, a.P99, a.Most = s.took[n/2], s.took[n*99/100], s.took[n-1]
	}
	_ = json.NewEncoder(w).Encode(a) // the reader sees what is missing
	s.refused, s.twice, s.took = 0, 0, nil
	clear(s.seen)
	clear(s.at)
}
