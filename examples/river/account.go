package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/riverqueue/river/rivertype"

	"example.com/paperround/deliver"
	"example.com/paperround/event/inplayer"
)

// line is what became of the job of one endpoint.
type line struct {
	endpoint string
	attempts []string // what came of each, and what followed
	took     time.Duration
	state    rivertype.JobState
	counted  int      // by River: snoozes spend none
	received []string // by whom the receiver was told of a subscription
}

// account is where both sides write down what happens. It is safe for concurrent
// use.
type account struct {
	mu    sync.Mutex
	lines map[string]*line
}

func newAccount() *account { return &account{lines: map[string]*line{}} }

func (a *account) of(endpoint string) *line {
	l, ok := a.lines[endpoint]
	if !ok {
		l = &line{endpoint: endpoint}
		a.lines[endpoint] = l
	}
	return l
}

// attempted is told of each exchange and what the policy made of it.
func (a *account) attempted(job webhook, res *deliver.Result, d deliver.Decision) {
	a.mu.Lock()
	defer a.mu.Unlock()
	came := string(res.Reason)
	if res.Status != 0 {
		came = fmt.Sprint(res.Status)
	}
	then := "done"
	switch {
	case d.State == deliver.Scheduled && deliver.FaultOf(res.Err) == deliver.FaultOurs:
		then = "snooze"
	case d.State == deliver.Scheduled && deliver.Retryable(res.Err):
		then = "retry"
	case d.State == deliver.Scheduled:
		then = "retry, in case somebody mends it"
	case d.State != deliver.Succeeded:
		then = "cancel"
	}
	l := a.of(job.EndpointID)
	l.attempts = append(l.attempts, came+" "+then)
}

// ended is told of each job that River is done with.
func (a *account) ended(job *rivertype.JobRow) {
	a.mu.Lock()
	defer a.mu.Unlock()
	var args webhook
	if err := json.Unmarshal(job.EncodedArgs, &args); err != nil {
		return // check misses it
	}
	l := a.of(args.EndpointID)
	l.state, l.counted = job.State, job.Attempt
	if job.FinalizedAt != nil {
		l.took = job.FinalizedAt.Sub(job.CreatedAt)
	}
}

// received is told by the receiver what it verified.
func (a *account) received(endpoint string, ev *inplayer.SubscribeSuccess) {
	a.mu.Lock()
	defer a.mu.Unlock()
	l := a.of(endpoint)
	l.received = append(l.received, ev.Email)
}

// print writes the account as a table.
func (a *account) print(out io.Writer) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprint(w, "ENDPOINT\tATTEMPTS\tCOUNTED\tTOOK\tJOB\tVERIFIED\n")
	for _, e := range expected() {
		l := a.of(e.endpoint)
		fmt.Fprintf(w, "%s\t%s\t%d\t%.1f s\t%s\t%s\n", l.endpoint, strings.Join(l.attempts, "; "), l.counted,
			l.took.Seconds(), l.state, strings.Join(l.received, ", "))
	}
	return w.Flush()
}

// expected is what the story must come to; took is the least time that it may
// take.
func expected() []line {
	kofi := []string{"kofi@example.org"}
	return []line{
		{endpoint: billing, attempts: []string{"200 done"}, counted: 1, state: rivertype.JobStateCompleted, received: kofi},
		{
			endpoint: crm, attempts: []string{"503 retry", "200 done"}, counted: 2, took: 2 * time.Second,
			state: rivertype.JobStateCompleted, received: kofi,
		},
		{
			endpoint: search, attempts: []string{"signer snooze", "200 done"}, counted: 1, took: 900 * time.Millisecond,
			state: rivertype.JobStateCompleted, received: kofi,
		},
		{
			endpoint: legacy, attempts: []string{"404 retry, in case somebody mends it", "404 cancel"}, counted: 2,
			state: rivertype.JobStateCancelled,
		},
	}
}

// check says what went otherwise than expected.
func (a *account) check(want []line) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	var errs []error
	for _, w := range want {
		l := *a.of(w.endpoint)
		if l.took < w.took {
			errs = append(errs, fmt.Errorf("%s took %v, want at least %v", w.endpoint, l.took, w.took))
		}
		if !slices.Equal(l.attempts, w.attempts) || !slices.Equal(l.received, w.received) || l.state != w.state || l.counted != w.counted {
			errs = append(errs, fmt.Errorf("%s came to %+v, want %+v", w.endpoint, l, w))
		}
	}
	if len(a.lines) != len(want) {
		errs = append(errs, fmt.Errorf("%d endpoints in the account, want %d", len(a.lines), len(want)))
	}
	return errors.Join(errs...)
}
