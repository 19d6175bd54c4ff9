package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"
)

// errNoPostgreSQL: this machine has no PostgreSQL to start.
var errNoPostgreSQL = errors.New("no initdb found, neither in PATH nor in /usr/lib/postgresql")

// cluster is a PostgreSQL server of our own, so that restarts trouble nobody else.
type cluster struct {
	bin, dir string
	port     int
}

// startCluster makes a cluster in dir and starts it.
func startCluster(ctx context.Context, dir string) (*cluster, error) {
	bin, err := postgresBin()
	if err != nil {
		return nil, err
	}
	port, err := freePort(ctx)
	if err != nil {
		return nil, err
	}
	c := &cluster{bin: bin, dir: dir, port: port}
	if os.Getuid() == 0 {
		if err := exec.CommandContext(ctx, "chown", "postgres", dir).Run(); err != nil { //nolint:gosec // our own directory
			return nil, fmt.Errorf("giving %s to the user postgres: %w", dir, err)
		}
	}
	if err := c.command(ctx, "initdb", "-D", c.data(), "-U", "postgres", "-A", "trust", "--no-sync"); err != nil {
		return nil, err
	}
	return c, c.ctl(ctx, "start")
}

func postgresBin() (string, error) {
	if path, err := exec.LookPath("initdb"); err == nil {
		path, err = filepath.EvalSymlinks(path)
		return filepath.Dir(path), err
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(found) == 0 {
		return "", errNoPostgreSQL
	}
	return filepath.Dir(found[len(found)-1]), nil
}

func freePort(ctx context.Context) (int, error) {
	var listen net.ListenConfig
	l, err := listen.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer func() { _ = l.Close() }()
	addr, ok := l.Addr().(*net.TCPAddr)
	if !ok {
		return 0, fmt.Errorf("not a TCP address: %v", l.Addr())
	}
	return addr.Port, nil
}

func (c *cluster) data() string { return filepath.Join(c.dir, "data") }

func (c *cluster) dsn() string {
	return fmt.Sprintf("postgres://postgres@127.0.0.1:%d/postgres?sslmode=disable&connect_timeout=5", c.port)
}

// restart restarts the server: "fast" breaks off what is under way, and
// "immediate" stops without shutting down, so that the server recovers from its
// log as after a crash.
func (c *cluster) restart(ctx context.Context, mode string) error {
	return c.ctl(ctx, "restart", "-m", mode)
}

// close stops the server.
func (c *cluster) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	return c.ctl(ctx, "stop", "-m", "immediate")
}

func (c *cluster) ctl(ctx context.Context, verb string, args ...string) error {
	options := "-p " + strconv.Itoa(c.port) + " -c listen_addresses=127.0.0.1 -c unix_socket_directories="
	return c.command(ctx, "pg_ctl", append([]string{verb, "-w", "-s", "-D", c.data(), "-l", filepath.Join(c.dir, "log"), "-o", options}, args...)...)
}

// command runs a program of PostgreSQL's, which do not run as root.
func (c *cluster) command(ctx context.Context, name string, args ...string) error {
	args = append([]string{filepath.Join(c.bin, name)}, args...)
	if os.Getuid() == 0 {
		args = append([]string{"runuser", "-u", "postgres", "--"}, args...)
	}
	cmd := exec.CommandContext(ctx, args[0], args[1:]...) //nolint:gosec // of PostgreSQL and our own
	cmd.Dir = c.dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, stderr.String())
	}
	return nil
}
