package sqltest

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// pooled is the pooler of this process, once a test asked for it.
var pooled struct { //nolint:gochecknoglobals // it lives as long as the tests
	sync.Once
	address string
	stop    func()
	err     error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if pooled.stop != nil {
		pooled.stop()
	}
	os.Exit(code)
}

// pooler is where pgbouncer answers in transaction mode: each transaction may have
// another session than the one before.
func pooler(tb testing.TB) *url.URL {
	tb.Helper()
	path, err := exec.LookPath("pgbouncer")
	if err != nil {
		if path, err = exec.LookPath("/usr/sbin/pgbouncer"); err != nil && os.Getenv("CI") == "" {
			tb.Skip("pgbouncer is missing")
		}
	}
	require.NoError(tb, err)
	pooled.Do(func() { pooled.address, pooled.stop, pooled.err = startPooler(path) })
	require.NoError(tb, pooled.err)
	return &url.URL{
		Scheme: "postgres", Host: pooled.address,
		RawQuery: "sslmode=disable&default_query_exec_mode=exec", // statements prepared in one session are not known in another
	}
}

func startPooler(path string) (address string, stop func(), err error) {
	dsn, err := url.Parse(server())
	if err != nil {
		return "", nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	address = listener.Addr().String()
	if err := listener.Close(); err != nil { // the port is free again
		return "", nil, err
	}
	_, port, _ := net.SplitHostPort(address)
	dir, err := os.MkdirTemp("", "sqltest")
	if err != nil {
		return "", nil, err
	}
	var users bytes.Buffer
	for i := range int64(1000) {
		fmt.Fprintf(&users, "%q \"\"\n", roleName(i))
	}
	config := fmt.Sprintf(`[databases]
* = host=%s port=%s
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %s
unix_socket_dir =
auth_type = trust
auth_file = %s/users
pool_mode = transaction
default_pool_size = 3
max_client_conn = 1000
server_idle_timeout = 1
`, dsn.Hostname(), dsn.Port(), port, dir)
	for name, text := range map[string]string{"users": users.String(), "config": config} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return "", nil, err
		}
	}
	args := []string{filepath.Join(dir, "config")}
	if os.Geteuid() == 0 { // which it refuses to run as
		if err := os.Chmod(dir, 0o755); err != nil {
			return "", nil, err
		}
		args = append([]string{"-u", "postgres"}, args...)
	}
	var output bytes.Buffer
	cmd := exec.CommandContext(context.Background(), path, args...)
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Start(); err != nil {
		return "", nil, err
	}
	stop = func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		_ = os.RemoveAll(dir)
	}
	for range 100 {
		conn, err := net.DialTimeout("tcp", address, time.Second)
		if err == nil {
			return address, stop, conn.Close()
		}
		time.Sleep(50 * time.Millisecond)
	}
	stop()
	return "", nil, fmt.Errorf("pgbouncer does not answer: %s", output.String())
}
