package main

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/paperround/deliver"
	"example.com/paperround/topic"
	"example.com/paperround/verify"
)

func TestRun(t *testing.T) {
	t.Parallel()
	start := time.Now()
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), &out), "%s", out.String())
	require.Less(t, time.Since(start), 10*time.Second)
	for _, line := range []string{
		`cleeng:passCreated +503, 200 +1\.\d\d s +shared +PassCreated +pass 730055118`,
		`cleeng:giftRedeemed +200 +1\.\d\d s +shared +Unknown +75 bytes, kept as they are`,
		`inplayer:subscribe\.success +401, 200 +\d\.\d\d s +2025 +SubscribeSuccess +\$7\.99 paid by kofi\+tv71@example\.org`,
		`inplayer:asset\.access\.granted +200 +\d\.\d\d s +2026 +AssetAccessGranted +may watch Jazz & Blues Night`,
		`conscent:transaction\.complete +200 +\d\.\d\d s +webhook \+ basic +TransactionComplete +amount 18`,
	} {
		require.Regexp(t, "(?m)^"+line+"$", out.String())
	}
	require.Regexp(t, `\n9 published, 11 attempts, 9 delivered, 2 at the second attempt, 1 refused, 0 lost\n$`, out.String())
}

func TestRunThatIsCutShort(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond) // less than the receiver is down
	defer cancel()
	var out bytes.Buffer
	require.ErrorIs(t, run(ctx, &out), context.DeadlineExceeded)
}

// Whatever went otherwise is told.
func TestCheck(t *testing.T) {
	t.Parallel()
	good := func() *account {
		a := newAccount()
		for _, l := range expected() {
			l.state = deliver.Succeeded
			a.lines = append(a.lines, &l)
		}
		a.refusal = []error{&verify.Error{Err: verify.ErrNoMatch}}
		return a
	}
	require.NoError(t, good().check(expected()))
	for name, spoil := range map[string]func(a *account){
		"exhausted":        func(a *account) { a.lines[0].state = deliver.Exhausted },
		"too quick":        func(a *account) { a.lines[1].took = time.Millisecond },
		"another answer":   func(a *account) { a.lines[4].answers = []int{200} },
		"another key":      func(a *account) { a.lines[6].key = "2025" },
		"handled twice":    func(a *account) { a.lines[3].handled = slices.Repeat(a.lines[3].handled, 2) },
		"handled untyped":  func(a *account) { a.lines[3].handled = []string{"Unknown"} },
		"an event too few": func(a *account) { a.lines = a.lines[1:] },
		"one too many":     func(a *account) { a.of(topic.CleengOfferCreated) },
		"nothing refused":  func(a *account) { a.refusal = nil },
		"refused twice":    func(a *account) { a.refusal = slices.Repeat(a.refusal, 2) },
		"another reason":   func(a *account) { a.refusal = []error{errors.New("else")} },
	} {
		a := good()
		spoil(a)
		require.Error(t, a.check(expected()), name)
	}
}
