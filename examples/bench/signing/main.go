// Command signing sets signing, verifying and decoding against the libraries that
// people use for it today, and prints Markdown tables:
//
//	go run ./signing
//
// Ratios are to a reused HMAC over the same bytes, the floor: nothing can take
// less. All is measured in turns, see package ratio, because times alone mean
// nothing on a busy machine. The rounds are many and short, so that most of them
// are not interrupted. The garbage collector runs before each, and seldom within
// it: what allocation costs later is in the columns of allocations and bytes, and
// not in the times. That is to the advantage of who allocates most.
//
// With GOEXPERIMENT=jsonv2 it measures encoding/json on
// top of its second version.
//
// Allocations are exact, so those of this library are always judged. The flag
// -check judges the times too, which needs a quiet machine and enough rounds.
// The command ends with status 1 when one of them misses its target.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"time"
)

func main() {
	err := run(os.Stdout, os.Args[1:])
	switch {
	case errors.Is(err, flag.ErrHelp):
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "signing:", err)
		os.Exit(1)
	}
}

// settings say how long to measure and what to judge.
type settings struct {
	rounds int
	each   time.Duration
	check  bool
}

func run(w io.Writer, args []string) error {
	var s settings
	flags := flag.NewFlagSet("signing", flag.ContinueOnError)
	flags.IntVar(&s.rounds, "rounds", 51, "how often each case is measured, in turns")
	flags.DurationVar(&s.each, "time", 3*time.Millisecond, "how long each case is measured in a round")
	flags.BoolVar(&s.check, "check", false, "judge times too, and not only allocations")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("no argument is taken, and %q is one", flags.Arg(0))
	}
	r := &report{w: w, settings: s}
	r.heading()
	for _, part := range []func() error{r.signing, r.verifying, r.crowds, r.handlers} {
		if err := part(); err != nil {
			return err
		}
	}
	return r.judge()
}

// peers are the modules that are named in the heading.
func peers() []string {
	var all []string
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return nil
	}
	for _, d := range info.Deps {
		for _, of := range []string{"standard-webhooks/", "svix/", "stripe/", "google/go-github", "go-playground/", "slack-go/slack"} {
			if strings.HasPrefix(d.Path, "github.com/"+of) {
				all = append(all, strings.TrimPrefix(d.Path, "github.com/")+" "+d.Version)
			}
		}
	}
	return all
}

func (r *report) heading() {
	version, experiments, _ := strings.Cut(runtime.Version(), " X:")
	json := "encoding/json"
	if strings.Contains(experiments, "jsonv2") {
		json = "encoding/json on its second version (GOEXPERIMENT=jsonv2)"
	}
	r.printf("# Signing and verifying beside peers\n\n")
	r.printf("%s, %s/%s, %s, medians of %d rounds of %v.\n\n", version, runtime.GOOS, runtime.GOARCH, json, r.rounds, r.each)
	r.printf("Peers: %s.\n", strings.Join(peers(), ", "))
}
