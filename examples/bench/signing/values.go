package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"example.com/paperround/examples/bench/ratio"
	"example.com/paperround/sign"
	"example.com/paperround/verify"
)

// few is what a header may hold at most under our limit, many is what a sender
// with bad intentions puts there.
const few, many = 16, 10_000

// crowd rewrites the fixture's header so that it holds n values, of which the last
// is the one right tag. A time that stands in the list counts as one.
func (fx *fixture) crowd(n int) {
	tag := fx.scheme.Tag
	line := fx.header.Get(tag.Header)
	members := strings.Split(line, tag.Separator)
	right := members[len(members)-1]
	// Well formed, and wrong in the first digit alone.
	digit := len(tag.Prefix)
	other := byte('1')
	if right[digit] == other {
		other = '2'
	}
	wrong := right[:digit] + string(other) + right[digit+1:]
	members = slices.Concat(members[:len(members)-1], slices.Repeat([]string{wrong}, n-len(members)), []string{right})
	fx.header.Set(tag.Header, strings.Join(members, tag.Separator))
}

// wantTooMany turns the refusal of too many values into success.
func wantTooMany(err error) error {
	switch {
	case err == nil:
		return errors.New("the message was accepted")
	case errors.Is(err, verify.ErrTooMany):
		return nil
	}
	return err
}

// crowded is one verifier and a message whose header holds few values and many.
type crowded struct {
	name  string
	ours  bool
	cases []ratio.Case // Of few and of many.
}

// crowdedCases are verifiers of a message whose header holds few values and many.
// The peers take both and judge every value. Ours refuses the many by design,
// with verify.ErrTooMany, after it has read as far as its limits; anything else is
// an error here.
func crowdedCases(body []byte) ([]crowded, error) {
	var all []crowded
	for _, s := range []sign.Scheme{sign.StandardWebhooks(), sign.Stripe()} {
		var ours, theirs crowded
		for _, n := range []int{few, many} {
			fx, err := newFixture(s, body)
			if err != nil {
				return nil, err
			}
			fx.crowd(n)
			v, err := verify.New(s, fx.ring, nil)
			if err != nil {
				return nil, err
			}
			peer, err := peerVerifyCases(fx)
			if err != nil {
				return nil, err
			}
			ours.name, ours.ours = oursVerify+", "+s.Name, true
			ours.cases = append(ours.cases, ratio.Case{Name: fmt.Sprint(n), Op: func() error {
				_, err := v.Verify(fx.header, fx.body)
				if n == many {
					return wantTooMany(err)
				}
				return err
			}})
			theirs.name = peer[0].Name
			theirs.cases = append(theirs.cases, peer[0])
		}
		all = append(all, ours, theirs)
	}
	return all, nil
}
