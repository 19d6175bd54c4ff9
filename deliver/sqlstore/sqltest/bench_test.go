package sqltest

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/paperround/deliver"
	"example.com/paperround/event"
	"example.com/paperround/topic"
)

type unsigned struct{}

func (unsigned) Sign(http.Header, string, time.Time, []byte) error { return nil }

type answer func() int

// RoundTrip implements http.RoundTripper.
func (a answer) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: a(), Body: http.NoBody, Request: r}, nil
}

// BenchmarkDispatch takes messages of 1 KiB from 64 publishers to endpoints that
// answer at once, so that what it measures is the store and the dispatcher.
func BenchmarkDispatch(b *testing.B) {
	b.Run("memory", func(b *testing.B) { dispatch(b, deliver.NewMemory(&deliver.MemoryOptions{MaxOpen: -1})) })
	for _, d := range databases() {
		b.Run(d.name, func(b *testing.B) { dispatch(b, open(b, d.open(b), d.dialect)) })
	}
}

func dispatch(b *testing.B, store deliver.Store) {
	b.Helper()
	var arrived atomic.Int64
	done := make(chan struct{})
	client, err := deliver.NewClient(&deliver.ClientOptions{UnguardedTransport: answer(func() int {
		if arrived.Add(1) == int64(b.N) {
			close(done)
		}
		return http.StatusNoContent
	})})
	require.NoError(b, err)
	const endpoints = 16
	var list []*deliver.Endpoint
	for i := range endpoints {
		list = append(list, &deliver.Endpoint{
			ID: fmt.Sprintf("e%d", i), Tenant: fmt.Sprintf("t%d", i), URL: "https://example.com/", Topics: []topic.Pattern{"*"}, Signer: unsigned{},
		})
	}
	directory, err := deliver.Static(list...)
	require.NoError(b, err)
	disp, err := deliver.New(store, directory, &deliver.Options{Client: client, Concurrency: 256, EndpointConcurrency: 64})
	require.NoError(b, err)
	ctx, cancel := context.WithCancel(b.Context())
	var wg sync.WaitGroup
	wg.Go(func() { _ = disp.Run(ctx) })
	body := map[string]string{"text": string(bytes.Repeat([]byte("x"), 1<<10))}
	ev := event.JSON("acme:invoice.paid", body)
	b.ResetTimer()
	before := cpu()
	began := time.Now()
	var taken atomic.Int64
	for range 64 {
		wg.Go(func() {
			for i := taken.Add(1); i <= int64(b.N); i = taken.Add(1) {
				_, err := disp.Publish(ctx, ev, &deliver.PublishOptions{Tenant: fmt.Sprintf("t%d", i%endpoints)})
				if err != nil {
					b.Error(err)
				}
			}
		})
	}
	<-done
	b.StopTimer()
	b.ReportMetric(float64(b.N)/time.Since(began).Seconds(), "events/s")
	b.ReportMetric(float64((cpu()-before).Microseconds())/float64(b.N), "cpu-µs/event")
	cancel()
	wg.Wait()
}

func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkCycle takes messages in batches of 64 through the store: enqueue, fan-out,
// claim, settle.
func BenchmarkCycle(b *testing.B) {
	const batch = 64
	for _, d := range databases() {
		b.Run(d.name, func(b *testing.B) {
			ctx := b.Context()
			store := open(b, d.open(b), d.dialect)
			slots, err := store.Own(ctx, "a", time.Hour)
			require.NoError(b, err)
			body := bytes.Repeat([]byte("x"), 1<<10)
			before, n := cpu(), 0
			var spent [5]time.Duration
			for b.Loop() {
				at := time.Now()
				lap := func(i int) {
					spent[i] += time.Since(at)
					at = time.Now()
				}
				var messages []*deliver.Message
				for range batch {
					n++
					m := message(fmt.Sprintf("msg_%d", n))
					m.Body, m.Tenant = body, fmt.Sprintf("t%d", n%16)
					messages = append(messages, m)
				}
				require.NoError(b, store.Enqueue(ctx, messages...))
				lap(0)
				pending, _, err := store.Pending(ctx, batch, time.Hour)
				require.NoError(b, err)
				require.Len(b, pending, batch)
				lap(1)
				var plans []deliver.Plan
				wants := map[string]int{}
				for _, p := range pending {
					e := "e" + p.Message.Tenant
					wants[e]++
					plans = append(plans, deliver.Plan{Fence: p.Fence, Targets: []deliver.Target{{EndpointID: e}}})
				}
				lost, err := store.FanOut(ctx, plans)
				require.NoError(b, err)
				require.Empty(b, lost)
				lap(2)
				var list []deliver.Want
				for e, n := range wants {
					list = append(list, deliver.Want{EndpointID: e, First: n})
				}
				claims, err := store.Claim(ctx, slots, list, time.Hour)
				require.NoError(b, err)
				require.Len(b, claims, batch)
				lap(3)
				var settlements []deliver.Settlement
				for _, c := range claims {
					settlements = append(settlements, deliver.Settlement{
						Fence: c.Fence, State: deliver.Succeeded, History: deliver.History{Attempts: 1},
						Endpoint: deliver.Effect{Signal: deliver.SignalSuccess}, Record: deliver.Record{Attempt: 1, Reason: deliver.ReasonSucceeded, Status: 200},
					})
				}
				lost, err = store.Settle(ctx, settlements)
				require.NoError(b, err)
				require.Empty(b, lost)
				lap(4)
			}
			b.ReportMetric(float64((cpu()-before).Microseconds())/float64(n), "cpu-µs/event")
			for i, name := range []string{"enqueue", "pending", "fanout", "claim", "settle"} {
				b.ReportMetric(float64(spent[i].Microseconds())/float64(n), name+"-µs")
			}
		})
	}
}
