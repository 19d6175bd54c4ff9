package interop

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// patience bounds a whole test, with all its processes.
const patience = 2 * time.Minute

// unavailable ends a test that cannot run here: on CI it has to.
func unavailable(t *testing.T, format string, args ...any) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format+" (with CI set this fails)", args...)
}

// needs asks for programs.
func needs(t *testing.T, programs ...string) {
	t.Helper()
	for _, program := range programs {
		if _, err := exec.LookPath(program); err != nil {
			unavailable(t, "%s is missing: install it", program)
		}
	}
}

// npmInstall puts the packages of node/package-lock.json in place. A copy of the
// lock file, written last, says that they are all there.
func npmInstall(t *testing.T) {
	t.Helper()
	lock, err := os.ReadFile("node/package-lock.json")
	require.NoError(t, err)
	stamp := filepath.Join("node", "node_modules", ".installed")
	if have, err := os.ReadFile(stamp); err == nil && bytes.Equal(have, lock) {
		return
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
	cmd.Dir = "node"
	cmd.WaitDelay = 5 * time.Second
	if out, err := cmd.CombinedOutput(); err != nil {
		unavailable(t, "npm ci: %v\n%s", err, out)
	}
	require.NoError(t, os.WriteFile(stamp, lock, 0o600))
}

// program runs a program to its end and returns what it wrote.
func program(t *testing.T, name string, args ...string) ([]byte, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.WaitDelay = 5 * time.Second
	return cmd.CombinedOutput()
}

// run is program for one that has to succeed.
func run(t *testing.T, name string, args ...string) []byte {
	t.Helper()
	out, err := program(t, name, args...)
	require.NoError(t, err, "%s: %s", name, out)
	return out
}

// process is a program that speaks lines of JSON and ends when its standard
// input does.
type process struct {
	mu    sync.Mutex // One question at a time.
	stdin io.WriteCloser
	lines *bufio.Scanner
}

// start runs a script for the length of the test.
func start(t *testing.T, interpreter, script string) *process {
	t.Helper()
	require.FileExists(t, script) // also tells the test cache that it is read
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	cmd := exec.CommandContext(ctx, interpreter, script)
	stdin, err := cmd.StdinPipe()
	require.NoError(t, err)
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	cmd.Cancel = stdin.Close // so that it ends its own children; WaitDelay does the rest
	cmd.WaitDelay = 5 * time.Second
	require.NoError(t, cmd.Start())
	p := &process{stdin: stdin, lines: bufio.NewScanner(stdout)}
	p.lines.Buffer(nil, 1<<20)
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait() // an error for every process that was cancelled
		if cmd.ProcessState.ExitCode() != 0 || stderr.Len() != 0 {
			t.Errorf("%s: %v\n%s", script, cmd.ProcessState, stderr.Bytes())
		}
	})
	return p
}

// read takes the next line.
func (p *process) read(t *testing.T, answer any) {
	t.Helper()
	require.True(t, p.lines.Scan(), "the process has ended: %v", p.lines.Err())
	require.NoError(t, json.Unmarshal(p.lines.Bytes(), answer), "%.300q", p.lines.Bytes())
}

// ask writes a question as one line, and reads one with the answer.
func (p *process) ask(t *testing.T, question, answer any) {
	t.Helper()
	line, err := json.Marshal(question)
	require.NoError(t, err)
	p.mu.Lock()
	defer p.mu.Unlock()
	_, err = p.stdin.Write(append(line, '\n'))
	require.NoError(t, err)
	p.read(t, answer)
}

// startReceiver starts a server and returns where it listens.
func startReceiver(t *testing.T, interpreter, script string) string {
	t.Helper()
	var listening struct {
		Port int `json:"port"`
	}
	start(t, interpreter, script).read(t, &listening)
	require.NotZero(t, listening.Port)
	return fmt.Sprintf("http://127.0.0.1:%d", listening.Port)
}
