package harness

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"time"
)

// A program is its own children, under these arguments.
const (
	sinkRole   = "sink"
	senderRole = "sender"
)

// IsChild reports whether a program with these arguments is a child.
func IsChild(args []string) bool {
	return len(args) == 1 && (args[0] == sinkRole || args[0] == senderRole)
}

// Child does what the child of that role is for. A sender reads its job from in
// and writes what it took to out, both as JSON.
func Child(role string, send func(in io.Reader, out io.Writer) error) error {
	if role == sinkRole {
		return serveSink(os.Stdin, os.Stdout)
	}
	return send(os.Stdin, os.Stdout)
}

// Exit ends the program: with status 1 and a word about it when err is not nil.
func Exit(program string, err error) {
	switch {
	case errors.Is(err, flag.ErrHelp):
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, program+":", err)
		os.Exit(1)
	}
	os.Exit(0)
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

// Sink is a receiver in a process of its own. Make one with [StartSink].
type Sink struct {
	URL  string
	Stop func() // ends the process; call it once
}

// StartSink starts the receiver, which ends with this process at the latest.
func StartSink(ctx context.Context) (*Sink, error) {
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
	s := &Sink{Stop: func() {
		_ = in.Close()
		_ = cmd.Wait()
	}}
	if _, err := fmt.Fscanln(out, &s.URL); err != nil {
		s.Stop()
		return nil, fmt.Errorf("the sink says no address: %w", err)
	}
	return s, nil
}

// Take returns what arrived since the last call.
func (s *Sink) Take(ctx context.Context) (Arrived, error) {
	var a Arrived
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL+pathTake, http.NoBody)
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

// Run has a process of its own do a job, decodes what it took, and returns what
// arrived. One runs at a time.
func (s *Sink) Run(ctx context.Context, job, took any) (Arrived, error) {
	if _, err := s.Take(ctx); err != nil {
		return Arrived{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	cmd, err := self(ctx, senderRole)
	if err != nil {
		return Arrived{}, err
	}
	text, err := json.Marshal(job)
	if err != nil {
		return Arrived{}, err
	}
	cmd.Stdin = bytes.NewReader(text)
	out, err := cmd.Output()
	if err != nil {
		return Arrived{}, err
	}
	if err := json.Unmarshal(out, took); err != nil {
		return Arrived{}, err
	}
	return s.Take(ctx)
}
