package deliver

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"testing"
	"time"
)

// BenchmarkMemoryCycle takes one message through the store: enqueue, fan-out,
// claim, settle, in batches of 100.
func BenchmarkMemoryCycle(b *testing.B) {
	const batch = 100
	b.ReportAllocs()
	ctx := b.Context()
	store := NewMemory(&MemoryOptions{KeepFinished: -1})
	slots, err := store.Own(ctx, "a", time.Hour)
	if err != nil {
		b.Fatal(err)
	}
	msg := newMessage()
	msg.Body = bytes.Repeat([]byte("x"), 1<<10)
	n := 0
	for b.Loop() {
		for range batch {
			n++
			msg.ID = strconv.Itoa(n)
			if err := store.Enqueue(ctx, msg); err != nil {
				b.Fatal(err)
			}
		}
		pending, _, _ := store.Pending(ctx, batch, time.Minute)
		plans := make([]Plan, len(pending))
		for i, p := range pending {
			plans[i] = Plan{Fence: p.Fence, Targets: []Target{{EndpointID: "e1"}}}
		}
		_, _ = store.FanOut(ctx, plans)
		claims, _ := store.Claim(ctx, slots, []Want{{"e1", batch, 0}}, time.Minute)
		settlements := make([]Settlement, len(claims))
		for i, c := range claims {
			settlements[i] = Settlement{Fence: c.Fence, State: Succeeded}
		}
		if lost, err := store.Settle(ctx, settlements); err != nil || len(lost) > 0 || len(claims) != batch {
			b.Fatal(len(claims), lost, err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/message")
}

// BenchmarkMemoryReady walks many endpoints while many more are paused.
func BenchmarkMemoryReady(b *testing.B) {
	b.ReportAllocs()
	ctx := b.Context()
	store := NewMemory(nil)
	slots, err := store.Own(ctx, "a", 24*time.Hour)
	if err != nil {
		b.Fatal(err)
	}
	if err := store.Enqueue(ctx, newMessage()); err != nil {
		b.Fatal(err)
	}
	pending, _, _ := store.Pending(ctx, 1, time.Minute)
	ids := names("e%05d", 10_000)
	_, _ = store.FanOut(ctx, []Plan{{Fence: pending[0].Fence, Targets: targets(ids...)}})
	for i, id := range ids {
		if i%10 > 0 {
			claims, _ := store.Claim(ctx, slots, []Want{{id, 1, 0}}, time.Hour)
			_, _ = store.Settle(ctx, []Settlement{{Fence: claims[0].Fence, Endpoint: Effect{Pause: time.Hour}}})
		}
	}
	for b.Loop() {
		page, _, _ := store.Ready(ctx, slots, "", 100)
		if len(page) != 100 {
			b.Fatal(len(page))
		}
	}
}

// BenchmarkAttempt compares one exchange, signed and guarded, with a bare post
// over the same kind of connection to the same server.
func BenchmarkAttempt(b *testing.B) {
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
	}))
	defer server.Close()
	msg := newMessage()
	msg.Body = bytes.Repeat([]byte("x"), 1<<10)
	b.Run("deliver", func(b *testing.B) {
		b.ReportAllocs()
		client, err := NewClient(&ClientOptions{Guard: Guard{Allow: Loopback(), AnyPort: true, PlainHTTP: true}})
		if err != nil {
			b.Fatal(err)
		}
		defer client.CloseIdleConnections()
		ep := newEndpoint("e1")
		ep.URL = server.URL
		ctx := b.Context()
		for b.Loop() {
			if res := Attempt(ctx, client, ep, msg); res.Err != nil {
				b.Fatal(res.Err)
			}
		}
	})
	b.Run("bare", func(b *testing.B) {
		b.ReportAllocs()
		transport := http.DefaultTransport.(*http.Transport).Clone()
		defer transport.CloseIdleConnections()
		client := &http.Client{Transport: transport}
		for b.Loop() {
			resp, err := client.Post(server.URL, "application/json", bytes.NewReader(msg.Body))
			if err != nil {
				b.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
		}
	})
}

// BenchmarkDispatch publishes and delivers 1000 messages to ten endpoints each,
// over a transport that answers at once, or with one endpoint that hangs.
func BenchmarkDispatch(b *testing.B) {
	const messages, endpoints = 1000, 10
	for _, hung := range []int{0, 1} {
		b.Run(fmt.Sprintf("hung=%d", hung), func(b *testing.B) {
			b.ReportAllocs()
			client, err := NewClient(&ClientOptions{UnguardedTransport: transport(func(req *http.Request) (*http.Response, error) {
				if hostOf(req) == "hung0" {
					<-req.Context().Done()
					return nil, req.Context().Err()
				}
				return answer(200), nil
			})})
			if err != nil {
				b.Fatal(err)
			}
			var list []*Endpoint
			for _, id := range append(names("e%d", endpoints), names("hung%d", hung)...) {
				list = append(list, newEndpoint(id))
			}
			dir, err := Static(list...)
			if err != nil {
				b.Fatal(err)
			}
			done := make(chan struct{}, messages*endpoints)
			d, err := New(NewMemory(&MemoryOptions{MaxOpen: -1}), dir, &Options{
				Client:       client,
				DrainTimeout: -1,
				Hooks: Hooks{Settled: func(i SettledInfo) {
					if i.Err == nil {
						done <- struct{}{}
					}
				}},
			})
			if err != nil {
				b.Fatal(err)
			}
			ctx, stop := context.WithCancel(b.Context())
			ended := make(chan error)
			go func() { ended <- d.Run(ctx) }()
			ev := newEvent()
			n := 0
			for b.Loop() {
				for range messages {
					if _, err := d.Publish(ctx, ev, nil); err != nil {
						b.Fatal(err)
					}
				}
				for range messages * endpoints {
					<-done
				}
				n += messages * endpoints
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "deliveries/s")
			stop()
			if err := <-ended; err != nil {
				b.Fatal(err)
			}
		})
	}
}

func BenchmarkGuard(b *testing.B) {
	b.ReportAllocs()
	g, err := newGuard(Guard{})
	if err != nil {
		b.Fatal(err)
	}
	addr := netip.MustParseAddr("2606:4700:4700::1111")
	for b.Loop() {
		if err := g.judge(addr); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPolicyDecide(b *testing.B) {
	b.ReportAllocs()
	var p *Policy
	res := &Result{Reason: ReasonStatus, Fault: FaultReceiver}
	for b.Loop() {
		p.Decide(History{Attempts: 4}, res, 0.3)
	}
}
