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
		"another failure after all rejections": {
			&Policy{RejectedAttempts: 3}, // it was more before
			History{Attempts: 4, Rejected: 4},
			status, 0.5,
			Decision{After: 5 * time.Hour, History: History{Attempts: 5, Rejected: 4}},
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
			Decision{After: time.Hour, Endpoint: Effect{Pause: time.Hour, Cause: CauseRetryAfter}, History: History{Attempts: 1}},
		},
		"Retry-After is earlier": {
			nil,
			History{Attempts: 1},
			receiver(ReasonStatus, time.Minute), 0.5,
			Decision{After: 5 * time.Minute, Endpoint: Effect{Pause: time.Minute, Cause: CauseRetryAfter}, History: History{Attempts: 2}},
		},
		"Retry-After on the last attempt still pauses": {
			nil,
			History{Attempts: 9},
			receiver(ReasonStatus, time.Hour), 0.5,
			Decision{State: Exhausted, Endpoint: Effect{Pause: time.Hour, Cause: CauseRetryAfter}, History: History{Attempts: 10}},
		},
		"Retry-After of more than a day": {
			&Policy{MaxRetryAfter: 48 * time.Hour},
			History{},
			receiver(ReasonStatus, 48*time.Hour), 0.5,
			Decision{After: 24 * time.Hour, Endpoint: Effect{Pause: 24 * time.Hour, Cause: CauseRetryAfter}, History: History{Attempts: 1}},
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
		"less than no fault": {nil, History{OwnFaults: -3}, ours, 0.5, Decision{After: time.Second, History: History{OwnFaults: -2}}},
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
			History{OwnFaults: 360, Age: 121 * time.Hour},
			ours, 0.5,
			Decision{State: Exhausted, History: History{OwnFaults: 361, Age: 121 * time.Hour}},
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
			if tc.want.History.Attempts > tc.h.Attempts { // what is spent says something of the endpoint
				tc.want.Endpoint.Signal = SignalFailure
				if tc.want.State == Succeeded {
					tc.want.Endpoint.Signal = SignalSuccess
				}
			}
			require.Equal(t, tc.want, tc.policy.Decide(tc.h, tc.res, tc.rnd))
		})
	}
}

// What an attempt means for its endpoint.
func TestPolicyEffects(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	var (
		gone    = &Result{Reason: ReasonRejected, Fault: FaultReceiver, Status: 410}
		missing = &Result{Reason: ReasonRejected, Fault: FaultReceiver, Status: 404}
		down    = &Result{Reason: ReasonStatus, Fault: FaultReceiver, Status: 503}
		patient = &Result{Reason: ReasonStatus, Fault: FaultReceiver, Status: 503, RetryAfter: 7 * time.Hour}
		refusal = &Result{Reason: ReasonRefused, Fault: FaultDestination}
		ours    = &Result{Reason: ReasonLocal, Fault: FaultOurs}
		asked   = &Result{Reason: ReasonStatus, Fault: FaultReceiver, Status: 500, Disable: true}
		thanks  = &Result{Reason: ReasonSucceeded, Status: 200, Disable: true}
		failing = Health{Failing: 5 * day, Spread: 12 * time.Hour}
	)
	for name, tc := range map[string]struct {
		policy *Policy
		h      Health
		res    *Result
		want   Effect
	}{
		"one 410":                {nil, Health{}, gone, Effect{Signal: SignalGone}},
		"two 410 at once":        {nil, Health{Gone: 2*time.Minute - 1}, gone, Effect{Signal: SignalGone}},
		"two 410, minutes apart": {nil, Health{Gone: 2 * time.Minute}, gone, Effect{SignalGone, 5 * day, false, CauseGone}},
		"404 after a 410":        {nil, Health{Gone: time.Hour}, missing, Effect{Signal: SignalFailure}},
		"410s nearer by choice":  {&Policy{GoneApart: time.Second}, Health{Gone: time.Second}, gone, Effect{SignalGone, 5 * day, false, CauseGone}},
		"410s that do not count": {&Policy{GoneApart: -1}, Health{Gone: time.Hour}, gone, Effect{Signal: SignalGone}},
		"a shorter pause":        {&Policy{GonePause: time.Hour}, Health{Gone: time.Hour}, gone, Effect{SignalGone, time.Hour, false, CauseGone}},
		"no pause":               {&Policy{GonePause: -1}, Health{Gone: time.Hour}, gone, Effect{Signal: SignalGone}},
		"asked":                  {nil, Health{}, asked, Effect{SignalFailure, 5 * day, false, CauseAsked}},
		"asked, with thanks":     {nil, Health{}, thanks, Effect{SignalSuccess, 5 * day, false, CauseAsked}},
		"asked in vain":          {&Policy{GonePause: -1}, Health{}, asked, Effect{Signal: SignalFailure}},
		"gone, and it asks": {
			nil,
			Health{Gone: time.Hour},
			&Result{Reason: ReasonRejected, Fault: FaultReceiver, Status: 410, Disable: true},
			Effect{SignalGone, 5 * day, false, CauseGone},
		},
		"Retry-After":               {nil, Health{}, patient, Effect{SignalFailure, 7 * time.Hour, false, CauseRetryAfter}},
		"Retry-After, capped":       {&Policy{MaxRetryAfter: time.Hour}, Health{}, patient, Effect{SignalFailure, time.Hour, false, CauseRetryAfter}},
		"Retry-After, ignored":      {&Policy{MaxRetryAfter: -1}, Health{}, patient, Effect{Signal: SignalFailure}},
		"failing for five days":     {nil, failing, down, Effect{SignalFailure, 0, true, CauseFailing}},
		"and it asks for more time": {nil, failing, patient, Effect{SignalFailure, 0, true, CauseFailing}},
		"rejecting for five days":   {nil, failing, missing, Effect{SignalFailure, 0, true, CauseFailing}},
		"refused for five days":     {nil, failing, refusal, Effect{SignalFailure, 0, true, CauseFailing}},
		"gone for five days":        {nil, Health{5 * day, day, day}, gone, Effect{SignalGone, 0, true, CauseFailing}},
		"our fault for five days":   {nil, failing, ours, Effect{}},
		"failing for less":          {nil, Health{5*day - 1, day, 0}, down, Effect{Signal: SignalFailure}},
		"two bad moments":           {nil, Health{9 * day, 12*time.Hour - 1, 0}, down, Effect{Signal: SignalFailure}},
		"two bad moments by choice": {&Policy{DisableSpread: -1}, Health{9 * day, 0, 0}, down, Effect{SignalFailure, 0, true, CauseFailing}},
		"disabled sooner by choice": {&Policy{DisableAfter: day}, Health{day, 12 * time.Hour, 0}, down, Effect{SignalFailure, 0, true, CauseFailing}},
		"never disabled":            {&Policy{DisableAfter: -1}, Health{99 * day, 99 * day, 0}, down, Effect{Signal: SignalFailure}},
		"success after all":         {nil, failing, &Result{Reason: ReasonSucceeded}, Effect{Signal: SignalSuccess}},
		"given up unsent":           {nil, failing, &Result{Reason: ReasonUnknown, Fault: FaultReceiver}, Effect{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tc.want, tc.policy.Decide(History{Health: tc.h}, tc.res, 0.5).Endpoint)
		})
	}
	d := (&Policy{MaxRetryAfter: time.Minute}).Decide(History{}, patient, 0.5)
	require.Equal(t, time.Minute, d.After, "the cap is on the delivery too")
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
		"long wait":      {Schedule: []time.Duration{365*24*time.Hour + 1}},
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
	most := make([]time.Duration, 1000)
	most[999] = 365 * 24 * time.Hour
	require.NoError(t, (&Policy{Jitter: 1, Schedule: most}).validate())
}

// One attempt of which nobody knows how it ended is made again, and so is the second
// while there are others left.
func TestPolicyLost(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		h    History
		want bool
	}{
		"known":                {History{Attempts: 10}, false},
		"one, none left":       {History{Attempts: 10, Unknown: 1}, false},
		"two, none left":       {History{Attempts: 10, Unknown: 2}, true},
		"two, one left":        {History{Attempts: 9, Unknown: 2}, false},
		"two, of a short life": {History{Attempts: 2, Unknown: 2}, false},
	} {
		require.Equal(t, tc.want, (*Policy)(nil).lost(tc.h), name)
	}
}

func TestReliefValidate(t *testing.T) {
	t.Parallel()
	for want, bad := range map[string][]Relief{
		"Relief.Shrink":       {{Shrink: math.NaN()}, {Shrink: 1.01}, {Shrink: math.Inf(1)}},
		"Relief.BreakerShare": {{BreakerShare: math.NaN()}, {BreakerShare: 1.01}},
		"negative":            {{BreakerLeast: -1}, {BreakerWindow: -1}, {BreakerPause: -1}},
	} {
		for _, f := range bad {
			require.ErrorContains(t, f.validate(), want)
		}
	}
	require.NoError(t, (*Relief)(nil).validate())
	require.NoError(t, (&Relief{Shrink: 1, BreakerShare: 1, BreakerLeast: 1, BreakerWindow: 1, BreakerPause: 1}).validate())
	require.NoError(t, (&Relief{Shrink: -1, BreakerShare: -1}).validate())
	require.Equal(t, Relief{0.5, 0.5, 10, time.Minute, 30 * time.Second}, (&Relief{}).relief())
	own := Relief{0.25, 0.75, 3, time.Second, time.Hour}
	require.Equal(t, own, own.relief())
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
