package main

import (
	"errors"
	"fmt"
	"io"

	"example.com/paperround/examples/bench/ratio"
	"example.com/paperround/sign"
)

const small, large = 1 << 10, 64 << 10

// report prints the tables and keeps what misses its target.
type report struct {
	settings
	w      io.Writer
	err    error // Of the first write that failed.
	judged []target
}

// target is a figure of this library and the most it may be.
type target struct {
	what      string
	got, most float64
	unit      string
	time      bool // Judged under -check alone.
}

func (r *report) printf(format string, args ...any) {
	if r.err == nil {
		_, r.err = fmt.Fprintf(r.w, format, args...)
	}
}

func (r *report) measure(cases []ratio.Case) ([]ratio.Result, error) {
	return ratio.Measure(cases, r.rounds, r.each)
}

// atMost judges a time, as a ratio; allocations are judged by allocs.
func (r *report) atMost(what string, got, most float64) {
	r.judged = append(r.judged, target{what: what, got: got, most: most, unit: "times", time: true})
}

func (r *report) allocs(what string, got ratio.Result, most float64) {
	r.judged = append(r.judged, target{what: what, got: got.Allocs, most: most, unit: "allocations"})
}

// What ours may take of the floor on the bytes path, and how many allocations
// Middleware may make: the body's buffer and three more.
const (
	mostSmall, mostLarge = 1.10, 1.02
	mostMiddleware       = 1 + 3
)

// mostMany is what a header of 10,000 values may cost of one of 16. The target is
// 1: the cost must not grow with what the sender writes. A tenth is added, for
// this ratio of two short times is the noisiest of all; a verifier that judges
// every value misses it by a hundred times as much.
const mostMany = 1.1

// mostHandler is what the handler may take of the usual recipe.
const mostHandler = 0.9

func (r *report) signing() error {
	r.printf("\n## Sign\n")
	for _, s := range []sign.Scheme{sign.StandardWebhooks(), sign.Svix(), sign.Stripe()} {
		err := r.bySize("sign", s, func(fx *fixture) ([]ratio.Case, error) {
			all, err := signCases(fx)
			cases := make([]ratio.Case, len(all))
			for i, c := range all {
				cases[i] = c.Case
			}
			return cases, err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *report) verifying() error {
	r.printf("\n## Verify\n")
	for _, s := range []sign.Scheme{sign.StandardWebhooks(), sign.Svix(), sign.Stripe(), sign.GitHub(), sign.Slack()} {
		if err := r.bySize("verify", s, verifyCases); err != nil {
			return err
		}
	}
	return nil
}

// bySize measures and prints the cases of one scheme, for a small and a large body.
func (r *report) bySize(work string, s sign.Scheme, casesOf func(*fixture) ([]ratio.Case, error)) error {
	var sizes [2][]ratio.Result
	for i, size := range []int{small, large} {
		fx, err := newFixture(s, jsonBody(size))
		if err != nil {
			return err
		}
		cases, err := casesOf(fx)
		if err != nil {
			return err
		}
		if sizes[i], err = r.measure(append([]ratio.Case{floorCase(fx)}, cases...)); err != nil {
			return err
		}
	}
	r.printf("\n| %s | 1 KiB ns | ratio | allocs | 64 KiB ratio | allocs |\n|---|---:|---:|---:|---:|---:|\n", s.Name)
	at1, at64 := sizes[0], sizes[1]
	for i := range at1 {
		toSmall, toLarge := at1[i].To(at1[0]), at64[i].To(at64[0])
		r.printf("| %s | %.0f | %.2f | %.0f | %.2f | %.0f |\n",
			at1[i].Name, at1[i].NS(), toSmall, at1[i].Allocs, toLarge, at64[i].Allocs)
		what := fmt.Sprintf("%s %s, %s", work, s.Name, at1[i].Name)
		switch at1[i].Name {
		case oursAppend, oursMatch:
			r.atMost(what+", 1 KiB", toSmall, mostSmall)
			r.atMost(what+", 64 KiB", toLarge, mostLarge)
			r.allocs(what+", 1 KiB", at1[i], 0)
			r.allocs(what+", 64 KiB", at64[i], 0)
		case oursVerify:
			r.allocs(what+", 1 KiB", at1[i], 0)
			r.allocs(what+", 64 KiB", at64[i], 0)
		case oursMiddleware, oursReplayed:
			r.allocs(what+", 1 KiB", at1[i], mostMiddleware)
			r.allocs(what+", 64 KiB", at64[i], mostMiddleware)
		}
	}
	return r.err
}

// crowds compares a header of few values with one of many, each verifier with
// itself.
func (r *report) crowds() error {
	all, err := crowdedCases(jsonBody(small))
	if err != nil {
		return err
	}
	r.printf("\n## A header with %d values, and with %d\n\n", few, many)
	r.printf("The last is right. paperround refuses the many, the others take them.\n\n")
	r.printf("| 1 KiB | %d values, ns | %d values, ns | ratio | allocs |\n|---|---:|---:|---:|---:|\n", few, many)
	for _, c := range all {
		results, err := r.measure(c.cases)
		if err != nil {
			return err
		}
		to := results[1].To(results[0])
		r.printf("| %s | %.0f | %.0f | %.2f | %.0f |\n", c.name, results[0].NS(), results[1].NS(), to, results[1].Allocs)
		if c.ours {
			r.atMost(fmt.Sprintf("%s, %d values to %d", c.name, many, few), to, mostMany)
		}
	}
	return r.err
}

func (r *report) handlers() error {
	all, err := handledCases()
	if err != nil {
		return err
	}
	r.printf("\n## Verify, route and decode in an http.Handler\n")
	for _, h := range all {
		results, err := r.measure(h.cases)
		if err != nil {
			return err
		}
		r.printf("\n| %s, %d bytes | ns | ratio | allocs | bytes |\n|---|---:|---:|---:|---:|\n", h.name, len(h.fx.body))
		var ours, recipe ratio.Result
		for _, one := range results {
			r.printf("| %s | %.0f | %.2f | %.0f | %.0f |\n", one.Name, one.NS(), one.To(results[0]), one.Allocs, one.Bytes())
			switch one.Name {
			case oursHandler:
				ours = one
			case usualRecipe:
				recipe = one
			}
		}
		if ours.Name != "" && recipe.Name != "" {
			to := ours.To(recipe)
			r.printf("\nOurs takes %.2f of the usual recipe.\n", to)
			r.atMost(h.name+", our handler to the usual recipe", to, mostHandler)
		}
	}
	return r.err
}

// judge prints the targets that are missed, and returns an error when one of them
// is judged.
func (r *report) judge() error {
	r.printf("\n## Targets\n\n")
	met, failed := 0, 0
	for _, t := range r.judged {
		verdict := "MISSED"
		switch {
		case t.got <= t.most:
			met++
			continue
		case t.time && !r.check:
			verdict = "missed, not judged"
		default:
			failed++
		}
		r.printf("* %s: %s is %.2f %s, at most %.2f wanted\n", verdict, t.what, t.got, t.unit, t.most)
	}
	r.printf("* met: %d of %d\n", met, len(r.judged))
	if failed > 0 {
		return errors.Join(r.err, fmt.Errorf("%d of %d targets are missed", failed, len(r.judged)))
	}
	return r.err
}
