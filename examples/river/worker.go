package main

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/riverqueue/river"

	"example.com/paperround/deliver"
)

// webhook is the job: one message to one endpoint. The endpoint is looked up at
// each attempt, so a changed address takes effect and no secret is in the job.
type webhook struct {
	EndpointID string           `json:"endpoint_id"`
	Message    *deliver.Message `json:"message"`

	wait time.Duration // until the next attempt, from Work to NextRetry
}

// Kind implements [river.JobArgs].
func (webhook) Kind() string { return "webhook" }

// InsertOpts implements [river.JobArgsWithInsertOpts]: the policy gives up, long
// before River would.
func (webhook) InsertOpts() river.InsertOpts { return river.InsertOpts{MaxAttempts: 1000} }

// worker carries the jobs out.
type worker struct {
	river.WorkerDefaults[webhook]

	client    *deliver.Client
	endpoints deliver.Directory
	policy    *deliver.Policy
	told      func(webhook, *deliver.Result, deliver.Decision)
}

// metadataHistory is where in a job's metadata the policy's counts are.
const metadataHistory = "history"

// Work implements [river.Worker].
func (w *worker) Work(ctx context.Context, job *river.Job[webhook]) error {
	history, err := historyOf(job)
	if err != nil {
		return river.JobCancel(err)
	}
	ep, err := w.endpoints.Endpoint(ctx, job.Args.EndpointID)
	switch {
	case errors.Is(err, deliver.ErrNoEndpoint): // it was removed meanwhile
		return river.JobCancel(err)
	case err != nil:
		return err
	}
	res := deliver.Attempt(ctx, w.client, ep, job.Args.Message)
	decision := w.policy.Decide(history, res, rand.Float64()) //nolint:gosec // it spreads retries
	if err := river.MetadataSet(ctx, metadataHistory, decision.History); err != nil {
		return err
	}
	w.told(job.Args, res, decision)
	switch {
	case decision.State == deliver.Succeeded:
		return nil
	case decision.State != deliver.Scheduled:
		return river.JobCancel(res.Err)
	case decision.History.Attempts == history.Attempts:
		return river.JobSnooze(decision.After) // a fault of our own, or a shutdown: it spends no attempt
	}
	job.Args.wait = decision.After
	return res.Err
}

// NextRetry implements [river.Worker]. River asks it after Work has returned an
// error, with the same job; without a wait, its own schedule applies.
func (w *worker) NextRetry(job *river.Job[webhook]) time.Time {
	if job.Args.wait == 0 {
		return time.Time{}
	}
	return time.Now().Add(job.Args.wait)
}

// historyOf returns what the policy needs to know. The attempts are those that
// River has counted, which include those whose process died.
func historyOf(job *river.Job[webhook]) (deliver.History, error) {
	var metadata struct {
		History deliver.History `json:"history"`
	}
	if err := json.Unmarshal(job.Metadata, &metadata); err != nil {
		return deliver.History{}, err
	}
	metadata.History.Attempts = job.Attempt - 1
	metadata.History.Age = time.Since(job.CreatedAt)
	return metadata.History, nil
}
