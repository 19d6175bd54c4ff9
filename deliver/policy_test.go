package deliver

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestPolicyDecide(t *testing.T) {
	t.Parallel()
	receiver := func(reason Reason, retryAfter time.Duration) *Result {
		return &Result{Reason: reason, Fault: FaultReceiver, RetryAfter: retryAfter}
	}
	var (
		ok          = &Result{Reason: ReasonSucceeded}
		status      = receiver(ReasonStatus, 0)
		rejected    = receiver(ReasonRejected, 0)
		ours        = &Result{Reason: ReasonLocal, Fault: FaultOurs}
		unreachable = &Result{Reason: ReasonUnreachable, Fault: FaultOurs}
		refusal     = &Result{Reason: ReasonRefused, Fault: FaultDestination}
		canceled    = &Result{Reason: ReasonCanceled, Fault: FaultOurs}
		gone        = &Result{Reason: ReasonNoEndpoint, Fault: FaultDestination}
	)
	for name, tc := range map[string]struct {
		policy *Policy
		h      History
		res    *Result
		rnd    float64
		want   Decision
	}{
		"success": {nil, History{Attempts: 3, OwnFaults: 2}, ok, 0.5, Decision{State: Succeeded, History: History{Attempts: 4}}},
		"success at any age": {
			nil,
			History{Age: 1000 * time.Hour},
			ok, 0.5,
			Decision{State: Succeeded, History: History{Attempts: 1, Age: 1000 * time.Hour}},
		},
		"first failure": {nil, History{}, status, 0.5, Decision{After: 5 * time.Second, History: History{Attempts: 1}}},
		"low jitter":    {nil, History{}, status, 0, Decision{After: 4500 * time.Millisecond, History: History{Attempts: 1}}},
		"high jitter": {
			&Policy{Jitter: 1},
			History{},
			status, 0.75,
			Decision{After: 7500 * time.Millisecond, History: History{Attempts: 1}},
		},
		"no jitter":      {&Policy{Jitter: -1}, History{}, status, 0, Decision{After: 5 * time.Second, History: History{Attempts: 1}}},
		"second failure": {nil, History{Attempts: 1}, status, 0.5, Decision{After: 5 * time.Minute, History: History{Attempts: 2}}},
		"ninth failure":  {nil, History{Attempts: 8}, status, 0.5, Decision{After: 24 * time.Hour, History: History{Attempts: 9}}},
		"tenth failure":  {nil, History{Attempts: 9}, status, 0.5, Decision{State: Exhausted, History: History{Attempts: 10}}},
		"beyond":         {nil, History{Attempts: 20}, status, 0.5, Decision{State: Exhausted, History: History{Attempts: 21}}},
		"empty schedule is one attempt": {
			&Policy{Schedule: []time.Duration{}},
			History{},
			status, 0.5,
			Decision{State: Exhausted, History: History{Attempts: 1}},
		},
		"own schedule": {
			&Policy{Schedule: []time.Duration{time.Hour}},
			History{},
			status, 0.5,
			Decision{After: time.Hour, History: History{Attempts: 1}},
		},
		"timeout":  {nil, History{}, receiver(ReasonTimeout, 0), 0.5, Decision{After: 5 * time.Second, History: History{Attempts: 1}}},
		"network":  {nil, History{Attempts: 3, Rejected: 3}, receiver(ReasonNetwork, 0), 0.5, Decision{After: 2 * time.Hour, History: History{Attempts: 4, Rejected: 3}}},
		"rejected": {nil, History{}, rejected, 0.5, Decision{After: 5 * time.Second, History: History{Attempts: 1, Rejected: 1}}},
		"rejected four times": {
			nil,
			History{Attempts: 3, Rejected: 3},
			rejected, 0.5,
			Decision{State: Exhausted, History: History{Attempts: 4, Rejected: 4}},
		},
		"rejected once in a long row of failures": {
			nil,
			History{Attempts: 6},
			rejected, 0.5,
			Decision{After: 14 * time.Hour, History: History{Attempts: 7, Rejected: 1}},
		},
		"redirects count as rejections": {
			nil,
			History{Attempts: 3, Rejected: 3},
			receiver(ReasonRedirect, 0), 0.5,
			Decision{State: Exhausted, History: History{Attempts: 4, Rejected: 4}},
		},
		"refused destinations too": {
			nil,
			History{Attempts: 3, Rejected: 3},
			refusal, 0.5,
			Decision{State: Exhausted, History: History{Attempts: 4, Rejected: 4}},
		},
		"rejections with a budget of two": {
			&Policy{RejectedAttempts: 2},
			History{Attempts: 5, Rejected: 1},
			rejected, 0.5,
			Decision{State: Exhausted, History: History{Attempts: 6, Rejected: 2}},
		},
		"rejections without a budget of their own": {
			&Policy{RejectedAttempts: -1},
			History{Attempts: 8, Rejected: 8},
			rejected, 0.5,
			Decision{After: 24 * time.Hour, History: History{Attempts: 9, Rejected: 9}},
		},
		"Retry-After is later": {
			nil,
			History{},
			receiver(ReasonStatus, time.Hour), 0.5,
			Decision{After: time.Hour, Pause: time.Hour, History: History{Attempts: 1}},
		},
		"Retry-After is earlier": {
			nil,
			History{Attempts: 1},
			receiver(ReasonStatus, time.Minute), 0.5,
			Decision{After: 5 * time.Minute, Pause: time.Minute, History: History{Attempts: 2}},
		},
		"Retry-After on the last attempt still pauses": {
			nil,
			History{Attempts: 9},
			receiver(ReasonStatus, time.Hour), 0.5,
			Decision{State: Exhausted, Pause: time.Hour, History: History{Attempts: 10}},
		},
		"just young enough": {
			&Policy{MaxAge: time.Hour},
			History{Age: time.Hour - 5*time.Second},
			status, 0.5,
			Decision{After: 5 * time.Second, History: History{Attempts: 1, Age: time.Hour - 5*time.Second}},
		},
		"too old": {
			&Policy{MaxAge: time.Hour},
			History{Age: time.Hour - 5*time.Second + 1},
			status, 0.5,
			Decision{State: Exhausted, History: History{Attempts: 1, Age: time.Hour - 5*time.Second + 1}},
		},
		"no age too old": {
			&Policy{MaxAge: -1},
			History{Age: 10000 * time.Hour},
			status, 0.5,
			Decision{After: 5 * time.Second, History: History{Attempts: 1, Age: 10000 * time.Hour}},
		},
		"default age": {
			nil,
			History{Age: 120 * time.Hour},
			status, 0.5,
			Decision{State: Exhausted, History: History{Attempts: 1, Age: 120 * time.Hour}},
		},
		"our fault":          {nil, History{Attempts: 2}, ours, 0.5, Decision{After: time.Second, History: History{Attempts: 2, OwnFaults: 1}}},
		"our fourth fault":   {nil, History{OwnFaults: 3}, ours, 0.5, Decision{After: 8 * time.Second, History: History{OwnFaults: 4}}},
		"our thousandth":     {nil, History{OwnFaults: 999}, ours, 0.5, Decision{After: time.Minute, History: History{OwnFaults: 1000}}},
		"our fault, too old": {nil, History{Attempts: 1, Age: 121 * time.Hour}, ours, 0.5, Decision{State: Exhausted, History: History{Attempts: 1, OwnFaults: 1, Age: 121 * time.Hour}}},
		"our fault, never attempted": {
			nil,
			History{OwnFaults: 5, Age: 121 * time.Hour},
			ours, 0.5,
			Decision{After: 32 * time.Second, History: History{OwnFaults: 6, Age: 121 * time.Hour}},
		},
		"our fault, never attempted for long": {
			nil,
			History{OwnFaults: 6, Age: 121 * time.Hour},
			ours, 0.5,
			Decision{State: Exhausted, History: History{OwnFaults: 7, Age: 121 * time.Hour}},
		},
		"unreachable": {nil, History{OwnFaults: 5}, unreachable, 0.5, Decision{After: 32 * time.Second, History: History{OwnFaults: 6}}},
		"unreachable for long": {
			nil, History{Attempts: 1, OwnFaults: 6}, unreachable, 0.5, Decision{After: 5 * time.Minute, History: History{Attempts: 2}},
		},
		"no result":           {nil, History{}, nil, 0.5, Decision{After: time.Second, History: History{OwnFaults: 1}}},
		"known outcome":       {nil, History{Attempts: 2, Unknown: 2}, status, 0.5, Decision{After: 30 * time.Minute, History: History{Attempts: 3}}},
		"our fault, last try": {nil, History{Attempts: 9}, ours, 0.5, Decision{After: time.Second, History: History{Attempts: 9, OwnFaults: 1}}},
		"own faults end":      {nil, History{OwnFaults: 5}, status, 0.5, Decision{After: 5 * time.Second, History: History{Attempts: 1}}},
		"canceled":            {nil, History{Attempts: 2, OwnFaults: 1}, canceled, 0.5, Decision{History: History{Attempts: 2, OwnFaults: 1}}},
		"gone":                {nil, History{Attempts: 2}, gone, 0.5, Decision{State: Abandoned, History: History{Attempts: 2}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tc.want, tc.policy.Decide(tc.h, tc.res, tc.rnd))
		})
	}
}

func TestPolicyDefaultsOfNilAndZeroAgree(t *testing.T) {
	t.Parallel()
	for attempts := range 12 {
		h := History{Attempts: attempts}
		res := &Result{Reason: ReasonStatus, Fault: FaultReceiver}
		require.Equal(t, (*Policy)(nil).Decide(h, res, 0.3), (&Policy{}).Decide(h, res, 0.3))
	}
	var sum time.Duration
	for _, d := range (&Policy{}).schedule() {
		sum += d
	}
	require.Equal(t, 75*time.Hour+35*time.Minute+5*time.Second, sum)
}

func TestPolicyValidate(t *testing.T) {
	t.Parallel()
	for name, p := range map[string]*Policy{
		"negative wait":  {Schedule: []time.Duration{-1}},
		"endless wait":   {Schedule: []time.Duration{math.MaxInt64}},
		"endless jitter": {Jitter: math.Inf(1)},
		"much jitter":    {Jitter: 1.1},
		"NaN":            {Jitter: math.NaN()},
		"long schedule":  {Schedule: make([]time.Duration, 1001)},
	} {
		require.ErrorContains(t, p.validate(), "deliver: Policy.", name)
	}
	require.NoError(t, (*Policy)(nil).validate())
	require.NoError(t, (&Policy{Jitter: -1, MaxAge: -1, RejectedAttempts: -1}).validate())
}

func TestParseRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"":                               0,
		"0":                              0,
		"7":                              7 * time.Second,
		" 120 ":                          2 * time.Minute,
		"007":                            7 * time.Second,
		"86399":                          86399 * time.Second,
		"86400":                          24 * time.Hour,
		"86401":                          24 * time.Hour,
		"99999999999999999999999999":     24 * time.Hour,
		"-1":                             0,
		"+1":                             0,
		"1.5":                            0,
		"1s":                             0,
		"soon":                           0,
		"١":                              0,
		"Sun, 01 Mar 2026 12:05:00 GMT":  5 * time.Minute,
		"Sun, 01 Mar 2026 11:05:00 GMT":  0,
		"Sun, 01 Mar 2076 11:05:00 GMT":  24 * time.Hour,
		"Sunday, 01-Mar-26 12:00:09 GMT": 9 * time.Second,
		"Sun Mar  1 12:00:09 2026":       9 * time.Second,
		"2026-03-01T12:05:00Z":           0,
	} {
		require.Equal(t, want, parseRetryAfter(value, now), value)
	}
}
