package deliver

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"example.com/paperround/topic"
)

// load is a dispatcher with many endpoints, as a benchmark runs it.
type load struct {
	*Dispatcher
	done chan struct{} // one for each success
	stop func()
}

func newLoad(b *testing.B, t http.RoundTripper, endpoints []*Endpoint, opts Options) *load {
	b.Helper()
	client, err := NewClient(&ClientOptions{UnguardedTransport: t})
	if err != nil {
		b.Fatal(err)
	}
	return newLoadWith(b, client, endpoints, opts)
}

func newLoadWith(b *testing.B, client *Client, endpoints []*Endpoint, opts Options) *load {
	b.Helper()
	dir, err := Static(endpoints...)
	if err != nil {
		b.Fatal(err)
	}
	l := &load{done: make(chan struct{}, 1<<20)}
	opts.Client = client
	opts.DrainTimeout = -1
	opts.Hooks.Settled = func(i SettledInfo) {
		if i.Err == nil {
			l.done <- struct{}{}
		}
	}
	l.Dispatcher, err = New(NewMemory(&MemoryOptions{MaxOpen: -1, KeepFinished: -1}), dir, &opts)
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan error)
	go func() { ended <- l.Run(ctx) }()
	l.stop = func() {
		cancel()
		if err := <-ended; err != nil {
			b.Fatal(err)
		}
	}
	return l
}

func (l *load) publish(b *testing.B, batch []Publication) {
	b.Helper()
	for part := range slices.Chunk(batch, 1000) {
		if _, err := l.PublishBatch(b.Context(), part, nil); err != nil {
			b.Fatal(err)
		}
	}
}

func (l *load) wait(n int) {
	for range n {
		<-l.done
	}
}

// perTenant makes endpoints of a tenant each, named e0, e1 …
func perTenant(n int) []*Endpoint {
	list := make([]*Endpoint, n)
	for i := range list {
		list[i] = newEndpoint("e" + strconv.Itoa(i))
		list[i].Tenant = list[i].ID
	}
	return list
}

// BenchmarkSpread delivers 10,000 messages: to 100 endpoints a hundred each, and to
// 10,000 endpoints one each.
func BenchmarkSpread(b *testing.B) {
	const total = 10_000
	for _, endpoints := range []int{100, total} {
		b.Run(strconv.Itoa(endpoints), func(b *testing.B) {
			l := newLoad(b, transport(func(*http.Request) (*http.Response, error) { return answer(200), nil }), perTenant(endpoints), Options{})
			defer l.stop()
			for b.Loop() {
				batch := make([]Publication, total)
				for i := range batch {
					batch[i] = Publication{Event: newEvent(), Tenant: "e" + strconv.Itoa(i%endpoints)}
				}
				l.publish(b, batch)
				l.wait(total)
			}
			b.ReportMetric(float64(b.N)*total/b.Elapsed().Seconds(), "deliveries/s")
		})
	}
}

// BenchmarkHung measures how long a delivery to each of 99 endpoints takes from
// publishing on, at a steady rate, alone and while another endpoint hangs with
// 100,000 deliveries behind it: of its own tenant, or of everybody's.
func BenchmarkHung(b *testing.B) {
	const backlog, healthy, each = 100_000, 99, 40
	for _, c := range []struct {
		name   string
		hung   int
		tenant func(e string) string
	}{
		{"none", 0, func(e string) string { return e }},
		{"one", 1, func(e string) string { return e }},
		{"one of one tenant", 1, func(string) string { return "" }},
		{"ten of a tenant", 10, func(e string) string { return e }},
	} {
		b.Run(c.name, func(b *testing.B) {
			var mu sync.Mutex
			took := []time.Duration{}
			t := transport(func(req *http.Request) (*http.Response, error) {
				if hostOf(req)[0] == 'h' {
					select {
					case <-req.Context().Done():
					case <-time.After(30 * time.Second):
					}
					return nil, context.DeadlineExceeded
				}
				at, _ := strconv.ParseInt(req.Header.Get(headerID)[:19], 10, 64)
				mu.Lock()
				took = append(took, time.Since(time.Unix(0, at)))
				mu.Unlock()
				return answer(200), nil
			})
			endpoints := perTenant(healthy)
			for _, e := range endpoints {
				e.Tenant = c.tenant(e.ID)
				e.Topics = []topic.Pattern{topic.Pattern("acme:" + e.ID)}
			}
			for i := range c.hung {
				e := newEndpoint("h" + strconv.Itoa(i))
				e.Tenant, e.Timeout = c.tenant("h"), time.Minute
				e.Topics = []topic.Pattern{"acme:hung"}
				endpoints = append(endpoints, e)
			}
			l := newLoad(b, t, endpoints, Options{})
			defer l.stop()
			hung := occurrence{topic: "acme:hung", body: "{}", contentType: "application/json"}
			if c.hung > 0 {
				batch := make([]Publication, backlog/c.hung)
				for i := range batch {
					batch[i] = Publication{Event: hung, Tenant: c.tenant("h")}
				}
				l.publish(b, batch)
				for l.Stats().FannedOut < uint64(len(batch)) {
					time.Sleep(time.Millisecond)
				}
			}
			for b.Loop() {
				for range each {
					for _, e := range endpoints[:healthy] {
						ev := hung
						ev.topic = topic.Topic("acme:" + e.ID)
						id := fmt.Sprintf("%019d-%s", time.Now().UnixNano(), e.ID)
						if _, err := l.Publish(b.Context(), ev, &PublishOptions{ID: id, Tenant: e.Tenant}); err != nil {
							b.Fatal(err)
						}
					}
					time.Sleep(20 * time.Millisecond)
				}
				l.wait(healthy * each)
			}
			slices.Sort(took)
			b.ReportMetric(took[len(took)/2].Seconds()*1000, "p50-ms")
			b.ReportMetric(took[len(took)*99/100].Seconds()*1000, "p99-ms")
		})
	}
}

// BenchmarkPool compares a dispatcher over the memory store with a bare pool of
// goroutines that sign and post, with the same concurrency and transport.
func BenchmarkPool(b *testing.B) {
	const total, workers, hosts = 4000, 64, 8
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
	})}
	go func() { _ = server.Serve(listener) }()
	defer func() { _ = server.Close() }()
	client, err := NewClient(&ClientOptions{Guard: Guard{Allow: Loopback(), AnyPort: true, PlainHTTP: true}})
	if err != nil {
		b.Fatal(err)
	}
	defer client.CloseIdleConnections()
	url := "http://" + listener.Addr().String()
	ev := newEvent()
	ev.body = `"` + string(bytes.Repeat([]byte("x"), 1<<10)) + `"`
	b.Run("bare", func(b *testing.B) {
		signer := plainSigner()
		body, contentType, _ := ev.Encode()
		for b.Loop() {
			jobs := make(chan int)
			var wg sync.WaitGroup
			for range workers {
				wg.Go(func() {
					for i := range jobs {
						req, _ := http.NewRequestWithContext(b.Context(), http.MethodPost, url, bytes.NewReader(body))
						req.Header.Set("Content-Type", contentType)
						_ = signer.Sign(req.Header, strconv.Itoa(i), time.Now(), body)
						resp, err := client.transport.RoundTrip(req)
						if err != nil {
							b.Error(err)
							return
						}
						_, _ = io.Copy(io.Discard, resp.Body)
						_ = resp.Body.Close()
					}
				})
			}
			for i := range total {
				jobs <- i
			}
			close(jobs)
			wg.Wait()
		}
		b.ReportMetric(float64(b.N)*total/b.Elapsed().Seconds(), "deliveries/s")
	})
	b.Run("deliver", func(b *testing.B) {
		endpoints := perTenant(hosts)
		for _, e := range endpoints {
			e.Tenant, e.URL = "", url
			e.Topics = []topic.Pattern{topic.Pattern("acme:" + e.ID)}
		}
		l := newLoadWith(b, client, endpoints, Options{Concurrency: workers, TenantShare: -1})
		defer l.stop()
		for b.Loop() {
			batch := make([]Publication, total)
			for i := range batch {
				one := ev
				one.topic = topic.Topic("acme:e" + strconv.Itoa(i%hosts))
				batch[i] = Publication{Event: one}
			}
			l.publish(b, batch)
			l.wait(total)
		}
		b.ReportMetric(float64(b.N)*total/b.Elapsed().Seconds(), "deliveries/s")
	})
}
