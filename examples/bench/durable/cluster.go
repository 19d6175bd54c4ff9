package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
)

// cluster is a PostgreSQL server. Each sender gets an empty database of it.
type cluster struct {
	dsn  string
	pid  int // of the postmaster; 0 if it is not known
	stop func() error
	made atomic.Int64 // databases
}

// startCluster starts a server that is for this program alone, with the settings
// that initdb makes, so that nothing else is in its figures.
func startCluster(ctx context.Context) (c *cluster, err error) {
	bin, err := postgresBin()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "durable-postgres-")
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}()
	var as []string
	if os.Getuid() == 0 { // the server refuses to be root
		as = []string{"runuser", "-u", "postgres", "--"}
		if err := giveToPostgres(dir); err != nil {
			return nil, err
		}
	}
	command := func(name string, args ...string) *exec.Cmd {
		args = slices.Concat(as, []string{filepath.Join(bin, name)}, args)
		return exec.CommandContext(context.WithoutCancel(ctx), args[0], args[1:]...) //nolint:gosec // PostgreSQL's own programs
	}
	data := filepath.Join(dir, "data")
	if out, err := command("initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w: %s", err, out)
	}
	port, err := freePort(ctx)
	if err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(dir, "log")) //nolint:gosec // in a folder of our own
	if err != nil {
		return nil, err
	}
	server := command("postgres", "-D", data, "-p", port, "-h", "127.0.0.1", "-k", "")
	server.Stdout, server.Stderr = log, log
	if err := errors.Join(server.Start(), log.Close()); err != nil {
		return nil, err
	}
	c = &cluster{dsn: "postgres://postgres@127.0.0.1:" + port + "/postgres?sslmode=disable"}
	c.stop = func() error {
		process := server.Process
		if postmaster, err := os.FindProcess(c.pid); err == nil && c.pid != 0 {
			process = postmaster
		}
		_ = process.Signal(os.Interrupt) // a fast shutdown
		_ = server.Wait()
		return os.RemoveAll(dir)
	}
	if err := c.wait(ctx); err != nil {
		said, _ := os.ReadFile(log.Name())
		return nil, errors.Join(fmt.Errorf("%w: %s", err, said), c.stop())
	}
	pid, err := os.ReadFile(filepath.Join(data, "postmaster.pid")) //nolint:gosec // in a folder of our own
	if err != nil {
		return nil, errors.Join(err, c.stop())
	}
	first, _, _ := strings.Cut(string(pid), "\n")
	if c.pid, err = strconv.Atoi(first); err != nil {
		return nil, errors.Join(err, c.stop())
	}
	return c, nil
}

// postgresBin returns where PostgreSQL's programs are: on the path, or where Debian
// puts them.
func postgresBin() (string, error) {
	if path, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(path), nil
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(found) == 0 {
		return "", errors.Join(err, errors.New("there is no initdb: install PostgreSQL, or name a server with -dsn"))
	}
	return filepath.Dir(slices.Max(found)), nil
}

func giveToPostgres(dir string) error {
	u, err := user.Lookup("postgres")
	if err != nil {
		return err
	}
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		return err
	}
	return os.Chown(dir, uid, -1)
}

func freePort(ctx context.Context) (string, error) {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, errors.Join(err, l.Close())
}

// wait returns when the server answers.
func (c *cluster) wait(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		conn, err := pgx.Connect(ctx, c.dsn)
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("PostgreSQL does not answer: %w", err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// database makes an empty database, to be dropped by the function.
func (c *cluster) database(ctx context.Context) (dsn string, drop func() error, err error) {
	name := fmt.Sprintf("durable_%d_%d", os.Getpid(), c.made.Add(1))
	u, err := url.Parse(c.dsn)
	if err != nil || u.Scheme == "" {
		return "", nil, errors.New("the server is not named by a URL: give postgres://user@host/database")
	}
	if err := c.exec(ctx, "CREATE DATABASE "+name); err != nil {
		return "", nil, err
	}
	u.Path = "/" + name
	return u.String(), func() error {
		return c.exec(context.WithoutCancel(ctx), "DROP DATABASE "+name+" WITH (FORCE)")
	}, nil
}

func (c *cluster) exec(ctx context.Context, statement string) error {
	conn, err := pgx.Connect(ctx, c.dsn)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, statement)
	return errors.Join(err, conn.Close(ctx))
}

// processCPU is the processor time, in seconds, that a process and its children
// have used, those that are gone included; 0 where the system does not tell.
func processCPU(pid int) float64 {
	if pid == 0 {
		return 0
	}
	const perSecond = 100 // what Linux counts in, whatever the kernel's own rate
	ticks, stats := 0, []string{filepath.Join("/proc", strconv.Itoa(pid), "stat")}
	children, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is well-formed
	for _, path := range append(stats, children...) {
		text, err := os.ReadFile(path) //nolint:gosec // of the system
		if err != nil {
			continue // it has ended, and its parent has its time
		}
		// After the name, which may contain anything, in parentheses: the state, the
		// parent, and from the twelfth on the times of itself and of its children.
		_, rest, _ := strings.Cut(string(text[strings.LastIndexByte(string(text), ')')+1:]), " ")
		f := strings.Fields(rest)
		if len(f) < 15 || path != stats[0] && f[1] != strconv.Itoa(pid) {
			continue
		}
		for _, n := range f[11:15] {
			v, _ := strconv.Atoi(n)
			ticks += v
		}
	}
	return float64(ticks) / perSecond
}
