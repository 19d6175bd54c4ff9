package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime"
	"runtime/pprof"
	"time"

	"example.com/paperround/sign"
	"example.com/paperround/topic"
)

// concurrency is how many exchanges each way may have under way: what
// deliver.Options has by default.
const concurrency = 64

// job is what one sender does.
type job struct {
	Way     string
	Sink    string
	Path    string
	Warm    int // delivered before anything is measured
	Events  int
	Profile string // where a CPU profile goes; "" for none

	// For paperround alone.
	Endpoints int
	OneTenant bool          // all endpoints are of one tenant; otherwise each has its own
	FanOut    bool          // each message goes to all endpoints
	Hung      int           // endpoints more, of a tenant of their own, or of the one, that do not answer
	Backlog   int           // deliveries that wait for those
	Window    int           // messages open at a time, and none kept when it is finished; 0 for what the store does by itself
	Steady    time.Duration // over which the events are published; 0 for at once
}

// taken is what a sender needed for its events.
type taken struct {
	Seconds float64
	CPU     float64 // seconds, of all processors together
	Allocs  float64 // of each event
	Bytes   float64 // allocated for each event
	Peak    int64   // bytes of memory held, at most
}

// A way delivers n events, numbered from a first one, and returns when all of them
// have been answered with success.
type way func(ctx context.Context, first, n int) error

// send does the job that in holds and writes what it took.
func send(in io.Reader, out io.Writer) error {
	var j job
	if err := json.NewDecoder(in).Decode(&j); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	deliver, err := newWay(ctx, j)
	if err != nil {
		return err
	}
	if err := deliver(ctx, 0, j.Warm); err != nil {
		return err
	}
	if j.Profile != "" {
		f, err := os.Create(j.Profile)
		if err != nil {
			return err
		}
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	cpu := cpuSeconds()
	began := time.Now()
	if err := deliver(ctx, j.Warm, j.Events); err != nil {
		return err
	}
	t := taken{Seconds: time.Since(began).Seconds(), CPU: cpuSeconds() - cpu, Peak: peak()}
	runtime.ReadMemStats(&after)
	t.Allocs = float64(after.Mallocs-before.Mallocs) / float64(j.Events)
	t.Bytes = float64(after.TotalAlloc-before.TotalAlloc) / float64(j.Events)
	return json.NewEncoder(out).Encode(t)
}

func newWay(ctx context.Context, j job) (way, error) {
	signer, err := signer()
	if err != nil {
		return nil, err
	}
	switch j.Way {
	case wayPool:
		return newPool(j, signer), nil
	case wayRetryable:
		return newRetryable(j, signer), nil
	case wayWatermill:
		return newWatermill(j, signer)
	case wayOurs:
		return newOurs(ctx, j, signer)
	}
	return nil, fmt.Errorf("there is no way %q", j.Way)
}

func ring() (*sign.Ring, error) {
	return sign.NewRing(sign.Key{ID: "1", Secret: sign.NewSecret("whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=")})
}

func signer() (*sign.Signer, error) {
	ring, err := ring()
	if err != nil {
		return nil, err
	}
	return sign.New(sign.StandardWebhooks(), ring, nil)
}

// body returns an object of 1 KiB.
func body() []byte {
	const head, tail = `{"note":"`, `"}`
	b := append([]byte(head), bytes.Repeat([]byte("x"), 1<<10-len(head)-len(tail))...)
	return append(b, tail...)
}

const jsonType = "application/json"

// occurrence is an event that is easy to encode, the same in every way.
type occurrence struct {
	topic topic.Topic
	body  []byte
}

func (o occurrence) Topic() topic.Topic { return o.topic }

func (o occurrence) Encode() (body []byte, contentType string, err error) {
	return bytes.Clone(o.body), jsonType, nil
}

// transport is set as deliver.NewClient sets its own, but for the guard: with the
// standard library's default of two idle connections a host, all would be slower.
func transport() *http.Transport {
	return &http.Transport{
		DisableCompression:  true,
		ForceAttemptHTTP2:   true,
		MaxIdleConns:        1024,
		MaxIdleConnsPerHost: concurrency,
		IdleConnTimeout:     90 * time.Second,
	}
}
