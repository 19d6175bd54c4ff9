package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"example.com/paperround/deliver"
	"example.com/paperround/event"
	"example.com/paperround/topic"
	"example.com/paperround/verify"
)

// line is what became of one event.
type line struct {
	topic   topic.Topic
	answers []int         // what the endpoint answered, attempt by attempt
	took    time.Duration // from publishing to the last answer
	key     string        // what the receiver verified it by
	handled []string      // the types its handlers took, one for each time it was handled
	says    string        // what the handler read in it

	since time.Time
	state deliver.State // final when the dispatcher is done with it
}

// account is where both sides write down what happens. It is safe for
// concurrent use.
type account struct {
	mu      sync.Mutex
	lines   []*line
	refusal []error // why receivers refused
	changed chan struct{}
}

func newAccount() *account { return &account{changed: make(chan struct{}, 1)} }

// of returns the line of a topic, a new one at the end if there is none.
func (a *account) of(t topic.Topic) *line {
	if i := slices.IndexFunc(a.lines, func(l *line) bool { return l.topic == t }); i >= 0 {
		return a.lines[i]
	}
	l := &line{topic: t, since: time.Now()}
	a.lines = append(a.lines, l)
	return l
}

// publishing is told of each event before it is published.
func (a *account) publishing(ev event.Event) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.of(ev.Topic())
}

// attempted is told of each exchange.
func (a *account) attempted(i deliver.AttemptInfo) {
	a.mu.Lock()
	defer a.mu.Unlock()
	l := a.of(i.Message.Topic)
	l.answers = append(l.answers, i.Result.Status)
	l.took = time.Since(l.since)
}

// settled is told what becomes of each delivery.
func (a *account) settled(i deliver.SettledInfo) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.of(i.Message.Topic).state = i.Settlement.State
	select {
	case a.changed <- struct{}{}:
	default:
	}
}

// handled is told by receivers what they verified and read.
func (a *account) handled(ev event.Event, receipt verify.Receipt, says string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	l := a.of(ev.Topic())
	_, name, _ := strings.Cut(fmt.Sprintf("%T", ev), ".")
	l.handled = append(l.handled, name)
	l.says = says
	l.key = receipt.KeyID
	if receipt.Credential != "" {
		l.key += " + " + receipt.Credential
	}
}

// refused is told by receivers what they refused.
func (a *account) refused(_ context.Context, r *verify.Refusal) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.refusal = append(a.refusal, r.Err)
}

// wait returns when every event is settled for good.
func (a *account) wait(ctx context.Context) error {
	for {
		a.mu.Lock()
		open := 0
		for _, l := range a.lines {
			if !l.state.Final() {
				open++
			}
		}
		a.mu.Unlock()
		if open == 0 {
			return nil
		}
		select {
		case <-a.changed:
		case <-ctx.Done():
			return fmt.Errorf("%d events were not settled in time: %w", open, ctx.Err())
		}
	}
}

// print writes the account as a table that ends in a line of totals.
func (a *account) print(out io.Writer) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprint(w, "Webhooks of three providers: signed, delivered over HTTPS, verified, handled.\n\n")
	fmt.Fprint(w, "TOPIC\tANSWERS\tTOOK\tKEY\tHANDLED AS\tWHICH SAYS\n")
	attempts, delivered, again := 0, 0, 0
	for _, l := range a.lines {
		answers := make([]string, len(l.answers))
		for i, status := range l.answers {
			answers[i] = strconv.Itoa(status)
		}
		fmt.Fprintf(w, "%s\t%s\t%.2f s\t%s\t%s\t%s\n", l.topic, strings.Join(answers, ", "), l.took.Seconds(),
			l.key, strings.Join(l.handled, ", "), l.says)
		attempts += len(l.answers)
		if l.state == deliver.Succeeded {
			delivered++
			if len(l.answers) > 1 {
				again++
			}
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, `
503   the receiver was down and asked for a second of peace, so all its events waited
401   somebody changed the price on the way; refused, and delivered again unchanged
2026  InPlayer's key was rotated half way; the receiver takes either

%d published, %d attempts, %d delivered, %d at the second attempt, %d refused, %d lost
`, len(a.lines), attempts, delivered, again, len(a.refusal), len(a.lines)-delivered)
	return err
}

// expected is what the story must come to, topic by topic; took is the least
// time that it may take.
func expected() []line {
	return []line{
		{topic: topic.CleengPassCreated, answers: []int{503, 200}, took: time.Second, key: "shared", handled: []string{"PassCreated"}},
		{topic: topic.CleengTransactionCreated, answers: []int{200}, took: time.Second, key: "shared", handled: []string{"TransactionCreated"}},
		{topic: "cleeng:giftRedeemed", answers: []int{200}, took: time.Second, key: "shared", handled: []string{"Unknown"}},
		{topic: topic.InPlayerCustomerRegistered, answers: []int{200}, key: "2025", handled: []string{"CustomerRegistered"}},
		{topic: topic.InPlayerSubscribeSuccess, answers: []int{401, 200}, key: "2025", handled: []string{"SubscribeSuccess"}},
		{topic: topic.ConsCentTransactionComplete, answers: []int{200}, key: "webhook + basic", handled: []string{"TransactionComplete"}},
		{topic: topic.InPlayerAssetAccessGranted, answers: []int{200}, key: "2026", handled: []string{"AssetAccessGranted"}},
		{topic: topic.InPlayerPaymentCardFailed, answers: []int{200}, key: "2026", handled: []string{"PaymentCardFailed"}},
		{topic: topic.ConsCentOldMicroPayment, answers: []int{200}, key: "webhook + basic", handled: []string{"OldMicroPayment"}},
	}
}

// check says what went otherwise than expected.
func (a *account) check(want []line) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	var errs []error
	fail := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	for _, w := range want {
		l := a.of(w.topic)
		if l.state != deliver.Succeeded {
			fail("%s is %s, want succeeded", w.topic, l.state)
		}
		if !slices.Equal(l.answers, w.answers) {
			fail("%s was answered %v, want %v", w.topic, l.answers, w.answers)
		}
		if l.took < w.took {
			fail("%s took %s, want at least %s", w.topic, l.took, w.took)
		}
		if l.key != w.key {
			fail("%s was verified by %q, want %q", w.topic, l.key, w.key)
		}
		if !slices.Equal(l.handled, w.handled) {
			fail("%s was handled as %v, want %v", w.topic, l.handled, w.handled)
		}
	}
	if len(a.lines) != len(want) {
		fail("%d events in the account, want %d", len(a.lines), len(want))
	}
	if len(a.refusal) != 1 || !errors.Is(a.refusal[0], verify.ErrNoMatch) {
		fail("receivers refused %v, want one body that matches no signature", a.refusal)
	}
	return errors.Join(errs...)
}
