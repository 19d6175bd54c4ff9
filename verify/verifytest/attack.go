package verifytest

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	defaultTolerance = 5 * time.Minute
	defaultMaxBody   = 1 << 20
	defaultDeadline  = 10 * time.Second

	// maxHung is how many requests may hang before the attack is broken off.
	maxHung = 2
)

// AttackOptions are the choices of Attack and AttackURL. Nil and the zero value
// mean the defaults.
type AttackOptions struct {
	// URL is what the requests of Attack ask for. Empty: a path of
	// https://receiver.test. AttackURL ignores it.
	URL string

	// ContentType is the header of that name, as in Options.
	ContentType string

	// WrongContentType is one that the handler must refuse. Empty: not tried.
	WrongContentType string

	// Header holds further headers for every request. It is only read.
	Header http.Header

	// Now is the handler's clock. Nil: time.Now.
	Now func() time.Time

	// Tolerance is how far the handler lets the signed time lie from its own.
	// Zero: 5 minutes. Negative: it does not judge the time, and old requests
	// are not tried.
	Tolerance time.Duration

	// MaxBody is the greatest length of a body, in bytes, that the handler
	// takes. Zero: 1 MiB. Negative: larger ones are not tried.
	MaxBody int64

	// AllowPlaintext says that the handler takes Basic credentials without TLS,
	// because a proxy in front of it ends TLS.
	AllowPlaintext bool

	// Runs returns how often the host's own code behind the check has run so
	// far. With it a request counts as let in when that code ran, whatever was
	// answered, and replays are tried. Nil: answers alone count.
	Runs func() int

	// Dedupes says that the handler drops a repetition although the scheme
	// signs neither an id nor a time, so that replays are tried there too.
	Dedupes bool

	// Deadline is how long one request may take. Zero: 10 seconds.
	Deadline time.Duration

	// Skip names attacks, as Finding.Attack does, that are left out: what the
	// host has decided to accept. A name that is no attack is an error.
	Skip []string
}

// Kind says what an attack achieved.
type Kind uint8

const (
	// Forged means: a request got in that the sender never signed.
	Forged Kind = iota + 1
	// Replayed means: a request got in that was sent at another time, or twice.
	Replayed
	// Loose means: a right signature got in, in a form or a request that no sender
	// writes. Nobody forges with that alone, but two programs that read the
	// request differently can be played off against each other.
	Loose
	// Leaked means: the answer holds the secret or the right signature.
	Leaked
	// Refused means: a good request was refused.
	Refused
	// Panicked means: the handler did not return, or the connection was closed
	// without an answer.
	Panicked
	// Hung means: there was no answer within the deadline.
	Hung
	// Unclear means: the request was not let in, and not refused either: it was
	// answered with something else than 4xx, or with 408, 410 or 429, which
	// tell the sender other things.
	Unclear
)

// String returns what happened, as the middle of a sentence.
func (k Kind) String() string {
	switch k {
	case Forged:
		return "a forgery got in"
	case Replayed:
		return "a replay got in"
	case Loose:
		return "a malformed request got in"
	case Leaked:
		return "the answer tells a secret"
	case Refused:
		return "a good request was refused"
	case Panicked:
		return "the handler broke down"
	case Hung:
		return "the handler did not answer in time"
	case Unclear:
		return "the request was not refused clearly"
	default:
		return "nothing happened"
	}
}

// Finding is an attack that did not end as it should. It holds no secret, no
// signature and no body.
type Finding struct {
	Attack string // The attack's name: "21 upper-case digits".
	Kind   Kind   // What it achieved.
	Sent   string // What was sent, in words.
	Status int    // What was answered; 0 when nothing was.
	Runs   int    // How often the host's code ran, by AttackOptions.Runs.
	More   int    // How many further requests of the attack ended so.
}

// String returns the finding in one line.
func (f Finding) String() string {
	text := f.Attack + ": " + f.Kind.String() + ": " + f.Sent
	if f.Status == 0 {
		text += "; no answer"
	} else {
		text += "; answered " + strconv.Itoa(f.Status)
	}
	if f.Runs > 0 {
		text += ", ran " + strconv.Itoa(f.Runs) + " times"
	}
	if f.More > 0 {
		text += "; and " + strconv.Itoa(f.More) + " more like it"
	}
	return text
}

// Attack sends to h what an attacker would, and returns what got in, in the order
// of the attacks; nothing means that h stood. It knows from the sender which
// attacks apply; their numbers leave room for those that only a host can try,
// such as a handler that fails. It is deterministic and usually takes a fraction of a second.
//
// The body is one that h accepts, and is only read. It goes to h as it is in a
// good request first, within the tolerance, and at the end again. The good
// requests are the same each time, so a handler that remembers what it has seen
// must be a new one for each Attack.
//
// The error wraps ErrConfig when the sender or the options are unusable,
// ErrRefused when h refuses the good request, and ErrUnfinished when requests
// hang; what was found until then comes with it. A request that hangs leaves its
// goroutine behind, with its context cancelled. A nil o means the defaults.
func Attack(h http.Handler, s Sender, body []byte, o *AttackOptions) ([]Finding, error) {
	if h == nil {
		return nil, configError("the handler is nil")
	}
	k, err := newKit(s, body, o)
	if err != nil {
		return nil, err
	}
	return k.run(func(d *draft) outcome { return serve(h, d, k.o.Deadline) })
}

// AttackURL is Attack against a server. It leaves out what an HTTP client cannot
// send, and Basic credentials without TLS. A nil client means
// http.DefaultClient. No redirect is followed. When ctx ends, the error wraps
// ErrUnfinished.
func AttackURL(ctx context.Context, c *http.Client, url string, s Sender, body []byte, o *AttackOptions) ([]Finding, error) {
	var opts AttackOptions
	if o != nil {
		opts = *o
	}
	opts.URL = url
	k, err := newKit(s, body, &opts)
	if err != nil {
		return nil, err
	}
	k.wire, k.done = true, ctx.Done()
	client := http.Client{}
	if c != nil {
		client = *c
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return k.run(func(d *draft) outcome { return send(ctx, &client, d, k.o.Deadline) })
}

// Attacks returns the names of the attacks that Attack would try, for a record of
// what was covered. The errors are those of Attack that wrap ErrConfig.
func Attacks(s Sender, body []byte, o *AttackOptions) ([]string, error) {
	k, err := newKit(s, body, o)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, a := range k.attacks() {
		if len(a.shots()) > 0 {
			names = append(names, a.name)
		}
	}
	return names, nil
}

// attack is one line of the list.
type attack struct {
	name   string
	kind   Kind // What it is when the request gets in.
	local  bool // It cannot be sent by an HTTP client.
	breaks bool // The server may close the connection, and may fail, without letting it in.
	shots  func() []shot
}

// shot is one request, or two where the first prepares the second.
type shot struct {
	sent  string
	first *draft // Nil: none.
	draft *draft
	want  want
}

type want uint8

const (
	refusal    want = iota // 4xx, and nothing runs
	noRun                  // any answer, and nothing runs
	noSuccess              // anything but 2xx, and nothing runs
	acceptance             // 2xx, and the code runs where that is counted
)

// run tries all attacks.
func (k *kit) run(try func(*draft) outcome) ([]Finding, error) {
	if out := k.try(try, k.good()); out.kind(acceptance, false, k.o.Runs != nil) != 0 {
		return nil, out.refusedGood()
	}
	var found []Finding
	hung := 0
	for _, a := range k.attacks() {
		if a.local && k.wire || slices.Contains(k.o.Skip, a.name) {
			continue
		}
		for _, s := range a.shots() {
			select {
			case <-k.done:
				return found, &Error{Reason: "the context ended", Err: ErrUnfinished}
			default:
			}
			if s.first != nil {
				k.try(try, s.first)
			}
			out := k.try(try, s.draft)
			kind := out.kind(s.want, a.breaks, k.o.Runs != nil)
			switch {
			case kind == letIn:
				kind = a.kind
			case kind == 0 && k.leaks(s.draft, out.answer):
				kind = Leaked
			}
			if kind == 0 {
				continue
			}
			found = add(found, Finding{Attack: a.name, Kind: kind, Sent: s.sent, Status: out.status, Runs: out.runs})
			if kind == Hung {
				if hung++; hung == maxHung {
					return found, &Error{Reason: "too many requests hang", Err: ErrUnfinished}
				}
			}
		}
	}
	if out := k.try(try, k.good()); !out.accepted() {
		found = append(found, Finding{Attack: "a good request after all", Kind: Refused, Sent: "a good request once more", Status: out.status, Runs: out.runs})
	}
	return found, nil
}

// add appends f, or counts it where it is like the last one.
func add(found []Finding, f Finding) []Finding {
	for i := range found {
		if found[i].Attack == f.Attack && found[i].Kind == f.Kind {
			found[i].More++
			return found
		}
	}
	return append(found, f)
}

// try sends one request and counts how often the host's code ran.
func (k *kit) try(send func(*draft) outcome, d *draft) outcome {
	before := k.runs()
	out := send(d)
	out.runs = k.runs() - before
	return out
}

func (k *kit) runs() int {
	if k.o.Runs == nil {
		return 0
	}
	return k.o.Runs()
}

// leaks reports whether an answer holds the secret or the right signature, and the
// request did not.
func (k *kit) leaks(d *draft, answer string) bool {
	secrets := []string{k.s.Secret, k.s.Password}
	if k.s.signs() {
		if tag := k.rightTag(d); len(answer) >= len(tag) {
			secrets = append(secrets, tag)
		}
	}
	for _, secret := range secrets {
		if len(secret) >= 6 && strings.Contains(answer, secret) && !d.holds(secret) {
			return true
		}
	}
	return false
}

func (d *draft) holds(text string) bool {
	for _, lines := range d.header {
		if strings.Contains(strings.Join(lines, "\n"), text) {
			return true
		}
	}
	return strings.Contains(string(d.body), text)
}
