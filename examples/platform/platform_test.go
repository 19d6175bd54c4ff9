package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/paperround/event/inplayer"
	"example.com/paperround/sign"
	"example.com/paperround/verify"
)

const secret = "a secret of the tenant t-7"

// receiver verifies what comes and keeps it by the message's id.
type receiver struct {
	*httptest.Server
	mu       sync.Mutex
	arrived  map[string]int    // how often
	customer map[string]string // whose, by id
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	ring, err := sign.NewRing(sign.Key{Secret: sign.NewSecret(secret)})
	require.NoError(t, err)
	v, err := verify.New(sign.InPlayer(), ring, nil)
	require.NoError(t, err)
	r := &receiver{arrived: make(map[string]int), customer: make(map[string]string)}
	router, err := verify.NewRouter(inplayer.Codec(), verify.On(func(_ context.Context, d *verify.Delivery[*inplayer.SubscribeSuccess]) error {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.arrived[d.Event.EventID]++
		r.customer[d.Event.EventID] = d.Event.CustomerID.Text()
		return nil
	}))
	require.NoError(t, err)
	handler, err := verify.Handler(v, router, nil)
	require.NoError(t, err)
	r.Server = httptest.NewServer(handler)
	t.Cleanup(r.Close)
	return r
}

// ids returns what has arrived, and how often in all.
func (r *receiver) ids() (distinct map[string]bool, total int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	distinct = make(map[string]bool)
	for id, n := range r.arrived {
		distinct[id] = true
		total += n
	}
	return distinct, total
}

// platform is the program as it is built, and the processes of it.
type platform struct {
	binary, dsn, secrets string

	cmd  *exec.Cmd
	url  string
	logs *logs
}

// logs keeps what a process writes and tells the address that it serves on.
type logs struct {
	mu      sync.Mutex
	text    strings.Builder
	address chan string
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.Write(p)
	if m := regexp.MustCompile(`msg=serving address=(\S+)`).FindStringSubmatch(l.text.String()); m != nil {
		select {
		case l.address <- m[1]:
		default:
		}
	}
	return len(p), nil
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func build(t *testing.T, dsn string) *platform {
	t.Helper()
	dir := t.TempDir()
	p := &platform{binary: filepath.Join(dir, "platform"), dsn: dsn, secrets: filepath.Join(dir, "secrets")}
	if dsn == "" {
		p.dsn = filepath.Join(dir, "platform?%.db") // no name is too odd for a file
	}
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", p.binary, ".").CombinedOutput()
	require.NoError(t, err, "%s", out)
	for _, tenant := range []string{"t-7", "t-8"} {
		require.NoError(t, os.MkdirAll(filepath.Join(p.secrets, tenant), 0o700))
	}
	for _, name := range []string{"t-7/billing", "nobodys"} {
		require.NoError(t, os.WriteFile(filepath.Join(p.secrets, filepath.FromSlash(name)), []byte(secret+"\n"), 0o600))
	}
	return p
}

func (p *platform) start(t *testing.T) {
	t.Helper()
	p.logs = &logs{address: make(chan string, 1)}
	p.cmd = exec.CommandContext(t.Context(), p.binary, "-listen", "127.0.0.1:0", "-dsn", p.dsn, "-secrets", p.secrets, "-loopback", "-lease", "2s")
	p.cmd.Stderr = p.logs
	require.NoError(t, p.cmd.Start())
	select {
	case address := <-p.logs.address:
		p.url = "http://" + address
	case <-time.After(20 * time.Second):
		require.Fail(t, "the platform does not serve", p.logs.String())
	}
}

// put returns the status, or 0 if there was no answer.
func (p *platform) put(ctx context.Context, path, body string) int {
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, p.url+path, strings.NewReader(body))
	if err != nil {
		return 0
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0
	}
	defer func() { _ = resp.Body.Close() }()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode
}

func subscriptionBody(n int) string {
	return fmt.Sprintf(`{"tenant": "t-7", "customer": %d, "email": "c%d@example.org", "item": 5, "amount": "7.99"}`, n, n)
}

// each runs a test on both databases.
func each(t *testing.T, test func(t *testing.T, p *platform)) {
	t.Helper()
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		test(t, build(t, ""))
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		test(t, build(t, postgres(t)))
	})
}

// postgres makes a database for the test and returns its DSN.
func postgres(t *testing.T) string {
	t.Helper()
	server := os.Getenv("SQLTEST_DSN")
	if server == "" {
		server = "postgres://postgres@127.0.0.1:5432/postgres?sslmode=disable"
	}
	admin, err := sql.Open("pgx", server)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, admin.Close()) })
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := admin.PingContext(ctx); err != nil && os.Getenv("CI") == "" {
		t.Skip("PostgreSQL does not answer:", err)
	}
	require.NoError(t, admin.PingContext(ctx))
	name := "platform_" + strconv.Itoa(os.Getpid()) + "_" + strconv.FormatInt(time.Now().UnixNano(), 36)
	_, err = admin.ExecContext(ctx, "CREATE DATABASE "+name)
	require.NoError(t, err)
	t.Cleanup(func() {
		_, err := admin.ExecContext(context.Background(), "DROP DATABASE "+name+" WITH (FORCE)")
		require.NoError(t, err)
	})
	base, options, _ := strings.Cut(server, "?")
	return base[:strings.LastIndex(base, "/")+1] + name + "?" + options
}

// Killed in the middle and started again, the platform goes on: whatever it said it
// had created arrives, under the id it was published with.
func TestKilledAndRestarted(t *testing.T) {
	t.Parallel()
	restarted(t, syscall.SIGKILL)
}

// Told to end, it finishes what is under way, so that nothing arrives twice.
func TestEndedAndRestarted(t *testing.T) {
	t.Parallel()
	restarted(t, syscall.SIGTERM)
}

func restarted(t *testing.T, signal os.Signal) {
	t.Helper()
	each(t, func(t *testing.T, p *platform) {
		t.Helper()
		const events, restarts = 300, 2
		r := newReceiver(t)
		p.start(t)
		endpoint := fmt.Sprintf(`{"tenant": "t-7", "url": %q, "secret": "billing"}`, r.URL)
		require.Equal(t, http.StatusCreated, p.put(t.Context(), "/endpoints/billing", endpoint), "%s", p.logs)
		require.Equal(t, http.StatusOK, p.put(t.Context(), "/endpoints/billing", endpoint), "%s", p.logs)

		// Customers subscribe, each until the answer says that it is done.
		var mu sync.RWMutex // held by who replaces the process
		var subscribing sync.WaitGroup
		var done sync.Map
		for c := range 4 {
			subscribing.Go(func() {
				for n := c + 1; n <= events && t.Context().Err() == nil; {
					mu.RLock()
					status := p.put(t.Context(), "/subscriptions/s-"+strconv.Itoa(n), subscriptionBody(n))
					mu.RUnlock()
					switch status {
					case http.StatusOK, http.StatusCreated:
						done.Store(n, status)
						n += 4
					case 0, http.StatusServiceUnavailable:
						time.Sleep(5 * time.Millisecond)
					default:
						t.Errorf("subscription %d: status %d", n, status)
						return
					}
				}
			})
		}
		for k := range restarts {
			require.Eventually(t, func() bool {
				_, total := r.ids()
				return total > events*(k+1)/(restarts+2)
			}, 20*time.Second, time.Millisecond, "%s", p.logs)
			require.NoError(t, p.cmd.Process.Signal(signal))
			mu.Lock()
			require.Equal(t, signal == syscall.SIGTERM, p.cmd.Wait() == nil, "%s", p.logs)
			p.start(t)
			mu.Unlock()
		}
		subscribing.Wait()
		require.Eventually(t, func() bool {
			distinct, _ := r.ids()
			return len(distinct) >= events
		}, 90*time.Second, 10*time.Millisecond, "%s", p.logs)

		require.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))
		require.NoError(t, p.cmd.Wait(), "%s", p.logs)
		distinct, total := r.ids()
		for n := 1; n <= events; n++ {
			id := "subscribed:s-" + strconv.Itoa(n)
			require.True(t, distinct[id], id)
			require.Equal(t, strconv.Itoa(n), r.customer[id])
			_, ok := done.Load(n)
			require.True(t, ok)
		}
		require.Len(t, distinct, events, "nothing else")
		if signal == syscall.SIGTERM {
			require.Equal(t, events, total)
		}
		require.Less(t, total, events+restarts*64, "only what was under way at a kill comes again")
		t.Logf("%d events, %d restarts, %d arrived again", events, restarts, total-events)
	})
}

// A request that is under way when the platform is told to end is answered.
func TestEndDuringARequest(t *testing.T) {
	t.Parallel()
	p := build(t, "")
	p.start(t)
	body := subscriptionBody(1)
	reading, writing := io.Pipe()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, p.url+"/subscriptions/s-1", reading)
	require.NoError(t, err)
	status := make(chan int, 1)
	go func() {
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			status <- 0
			return
		}
		status <- resp.StatusCode
		_ = resp.Body.Close()
	}()
	_, err = io.WriteString(writing, body[:10])
	require.NoError(t, err)
	time.Sleep(200 * time.Millisecond) // it has reached the platform
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))
	time.Sleep(200 * time.Millisecond) // so has the signal
	_, err = io.WriteString(writing, body[10:])
	require.NoError(t, err)
	require.NoError(t, writing.Close())
	require.Equal(t, http.StatusCreated, <-status, "%s", p.logs)
	require.NoError(t, p.cmd.Wait(), "%s", p.logs)
}

// What is wrong with a request is said, and nothing comes of it.
func TestRefusals(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, p *platform) {
		t.Helper()
		r := newReceiver(t)
		p.start(t)
		for path, c := range map[string]struct {
			body string
			want int
		}{
			"/endpoints/a":             {`{"tenant": "t-7", "url": "` + r.URL + `", "secret": "billing"}`, http.StatusCreated},
			"/endpoints/no-secret":     {`{"tenant": "t-7", "url": "` + r.URL + `"}`, http.StatusUnprocessableEntity},
			"/endpoints/b":             {`{"tenant": "t-7", "url": "https://10.0.0.1/", "secret": "billing"}`, http.StatusUnprocessableEntity},
			"/endpoints/c":             {`{"tenant": "t-8", "url": "` + r.URL + `", "secret": "billing"}`, http.StatusUnprocessableEntity},
			"/endpoints/e":             {`{"tenant": "t-8/../t-7", "url": "` + r.URL + `", "secret": "billing"}`, http.StatusUnprocessableEntity},
			"/endpoints/f":             {`{"tenant": ".", "url": "` + r.URL + `", "secret": "nobodys"}`, http.StatusUnprocessableEntity},
			"/endpoints/g":             {`{"tenant": "t-8", "url": "` + r.URL + `", "secret": "../t-7/billing"}`, http.StatusUnprocessableEntity},
			"/endpoints/d":             {`{`, http.StatusBadRequest},
			"/subscriptions/nobody":    {`{"tenant": "t-7"}`, http.StatusUnprocessableEntity},
			"/subscriptions/ill%20id":  {subscriptionBody(1), http.StatusUnprocessableEntity},
			"/subscriptions/ill-body":  {`[]`, http.StatusBadRequest},
			"/subscriptions/ill-money": {`{"amount": "seven"}`, http.StatusBadRequest},
		} {
			require.Equal(t, c.want, p.put(t.Context(), path, c.body), "%s: %s", path, p.logs)
		}
		require.Equal(t, http.StatusUnprocessableEntity,
			p.put(t.Context(), "/endpoints/a", `{"tenant": "t-8", "url": "`+r.URL+`", "secret": "billing"}`), "of another tenant")

		// The subscription whose event could not be published is not there.
		require.Equal(t, http.StatusCreated, p.put(t.Context(), "/subscriptions/good", subscriptionBody(1)))
		require.Equal(t, http.StatusOK, p.put(t.Context(), "/subscriptions/good", subscriptionBody(1)))
		require.Eventually(t, func() bool {
			_, total := r.ids()
			return total == 1
		}, 10*time.Second, 5*time.Millisecond, "%s", p.logs)
		db, _, err := open(p.dsn)
		require.NoError(t, err)
		var subscriptions int
		require.NoError(t, db.QueryRowContext(t.Context(), "SELECT count(*) FROM subscriptions").Scan(&subscriptions))
		require.NoError(t, db.Close())
		require.Equal(t, 1, subscriptions)
		require.NoError(t, p.cmd.Process.Signal(os.Interrupt))
		require.NoError(t, p.cmd.Wait(), "%s", p.logs)
		require.NotContains(t, p.logs.String(), secret)
	})
}

func TestRunThatCannotBegin(t *testing.T) {
	t.Parallel()
	secrets := t.TempDir()
	file := filepath.Join(t.TempDir(), "platform.db")
	require.Error(t, run(t.Context(), []string{"-nonsense"}, io.Discard))
	require.Error(t, run(t.Context(), []string{"-dsn", filepath.Join(secrets, "none", "x.db"), "-secrets", secrets}, io.Discard))
	require.ErrorIs(t, run(t.Context(), []string{"-dsn", file, "-secrets", filepath.Join(secrets, "none")}, io.Discard), os.ErrNotExist)
	require.Error(t, run(t.Context(), []string{"-dsn", file, "-secrets", secrets, "-listen", "nowhere:x"}, io.Discard))
	canceled, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("before it began"))
	require.Error(t, run(canceled, []string{"-dsn", file, "-secrets", secrets}, io.Discard))
}
