package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// stopTime is how long a worker may take to drain.
const stopTime = 30 * time.Second

// process is a worker as its parent sees it.
type process struct {
	name   string
	cmd    *exec.Cmd
	leash  io.Closer // its standard input: a worker ends when that does
	stderr bytes.Buffer
	up     chan struct{} // closed when it has begun to work, or has ended
	ended  chan struct{} // closed when it has ended
	err    error         // how, then
}

// start starts one worker more.
func (c *chaos) start(ctx context.Context) error {
	c.started++
	// A worker publishes for a part of its life only, and all is to be published when
	// the killing is about done.
	pace := time.Duration(0.3 * float64(c.plan.pause) * float64(c.plan.kills*c.plan.processes*publishers) / float64(c.plan.events))
	w := worker{
		Name: fmt.Sprintf("w%d", c.started), Database: c.plan.database, DSN: c.dsn, Receiver: c.receiver.url,
		PerLane: c.perLane, Pace: pace,
	}
	config, err := json.Marshal(w)
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	p := &process{name: w.Name, cmd: exec.CommandContext(ctx, self), up: make(chan struct{}), ended: make(chan struct{})} //nolint:gosec // ourselves
	p.cmd.Env = append(os.Environ(), workerEnv+"="+string(config))
	p.cmd.Stderr = &p.stderr
	if p.leash, err = p.cmd.StdinPipe(); err != nil {
		return err
	}
	says, err := p.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := p.cmd.Start(); err != nil {
		return err
	}
	go func() {
		_, _ = says.Read(make([]byte, 1)) // anything, or the end
		close(p.up)
		p.err = p.cmd.Wait()
		close(p.ended)
	}()
	c.workers = append(c.workers, p)
	return nil
}

// awaitUp waits until all workers are up, or for a while: the database may be away.
func (c *chaos) awaitUp() {
	timeout := time.After(stopTime)
	for _, p := range c.workers {
		select {
		case <-p.up:
		case <-timeout:
			return
		}
	}
}

// kill kills a worker, which must be alive.
func (c *chaos) kill(i int) error {
	p := c.workers[i]
	select {
	case <-p.ended:
		return fmt.Errorf("worker %s ended by itself (%v): %s", p.name, p.err, p.stderr.String()) //nolint:errorlint // it may be nil
	default:
	}
	c.deaths[p.name] = time.Now()
	if err := p.cmd.Process.Kill(); err != nil {
		return err
	}
	<-p.ended
	c.workers = append(c.workers[:i], c.workers[i+1:]...)
	return nil
}

// stop tells the workers to end, which lets them finish what is under way.
func (c *chaos) stop() error {
	var errs []error
	for _, p := range c.workers {
		errs = append(errs, p.cmd.Process.Signal(syscall.SIGTERM))
	}
	timeout := time.After(stopTime)
	for _, p := range c.workers {
		select {
		case <-p.ended:
		case <-timeout:
			errs = append(errs, fmt.Errorf("worker %s did not end in time", p.name))
			continue
		}
		if p.err != nil {
			errs = append(errs, fmt.Errorf("worker %s: %w: %s", p.name, p.err, p.stderr.String()))
		}
	}
	return errors.Join(errs...)
}
