package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// The program is its own children, under these arguments.
const (
	sinkRole   = "sink"
	senderRole = "sender"
)

func isChild(args []string) bool {
	return len(args) == 1 && (args[0] == sinkRole || args[0] == senderRole)
}

func child(role string) error {
	if role == sinkRole {
		return serveSink(os.Stdin, os.Stdout)
	}
	return send(os.Stdin, os.Stdout)
}

func self(ctx context.Context, role string) (*exec.Cmd, error) {
	path, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, path, role) //nolint:gosec // it is this program
	cmd.Stderr = os.Stderr
	return cmd, nil
}

// receiver is the sink as its parent sees it.
type receiver struct {
	url  string
	stop func()
}

// startSink starts the receiver, which ends with its standard input.
func startSink(ctx context.Context) (*receiver, error) {
	cmd, err := self(ctx, sinkRole)
	if err != nil {
		return nil, err
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	r := &receiver{stop: func() {
		_ = in.Close()
		_ = cmd.Wait()
	}}
	if _, err := fmt.Fscanln(out, &r.url); err != nil {
		r.stop()
		return nil, fmt.Errorf("the sink says no address: %w", err)
	}
	return r, nil
}

// take returns what arrived since the last call.
func (r *receiver) take(ctx context.Context) (arrived, error) {
	var a arrived
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.url+pathTake, http.NoBody)
	if err != nil {
		return a, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return a, err
	}
	defer resp.Body.Close() //nolint:errcheck // nothing depends on it
	return a, json.NewDecoder(resp.Body).Decode(&a)
}

// runSender has a process of its own do a job, and returns what it took and what
// arrived.
func (r *receiver) runSender(ctx context.Context, j job) (taken, arrived, error) {
	j.Sink = r.url
	fail := func(err error) (taken, arrived, error) {
		return taken{}, arrived{}, fmt.Errorf("%s: %w", j.Way, err)
	}
	if _, err := r.take(ctx); err != nil {
		return fail(err)
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	cmd, err := self(ctx, senderRole)
	if err != nil {
		return fail(err)
	}
	text, err := json.Marshal(j)
	if err != nil {
		return fail(err)
	}
	cmd.Stdin = bytes.NewReader(text)
	out, err := cmd.Output()
	if err != nil {
		return fail(err)
	}
	var t taken
	if err := json.Unmarshal(out, &t); err != nil {
		return fail(err)
	}
	a, err := r.take(ctx)
	if err != nil {
		return fail(err)
	}
	if err := a.judge(j.Warm + j.Events); err != nil {
		return fail(err)
	}
	return t, a, nil
}

// peak is the most memory that this process has held, 0 where the system does not
// tell.
func peak() int64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		var kib int64
		if n, _ := fmt.Sscanf(line, "VmHWM: %d kB", &kib); n == 1 {
			return kib << 10
		}
	}
	return 0
}

// median returns the middle of values, 0 if there are none.
func median(values []float64) float64 {
	n := len(values)
	if n == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}
