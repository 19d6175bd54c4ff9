package verify

import (
	"net/http"
	"slices"
	"strconv"
)

// Group accepts a message only when all of its checkers do, as ConsCent's Basic
// credentials and HMAC together. The zero value is not usable: Verify then
// returns ErrConfig. It is as safe for concurrent use as its checkers are.
type Group struct {
	checkers []Checker
}

// All returns a checker that requires every one of checkers. It returns an
// error wrapping ErrConfig when there is none or when one is nil.
func All(checkers ...Checker) (*Group, error) {
	if len(checkers) == 0 {
		return nil, configError("All has no checker: give it at least one")
	}
	for i, c := range checkers {
		if c == nil {
			return nil, configError("checker " + strconv.Itoa(i+1) + " of All is nil")
		}
	}
	return &Group{checkers: slices.Clone(checkers)}, nil
}

// Verify asks the checkers in order and returns the first error as it is. The
// receipt has of each field the first that is not zero.
func (g *Group) Verify(header http.Header, body []byte) (Receipt, error) {
	if g == nil || len(g.checkers) == 0 {
		return Receipt{}, configError("the zero Group is not usable: use All")
	}
	var all Receipt
	for _, c := range g.checkers {
		rc, err := c.Verify(header, body)
		if err != nil {
			return Receipt{}, err
		}
		all.merge(rc)
	}
	return all, nil
}

// Proves says what all the checkers prove together: what one of them does, with
// the least tolerance of those that judge a time, and the challenge of the first
// that has one.
func (g *Group) Proves() Proof {
	all := Proof{Tolerance: -1}
	if g == nil {
		return all
	}
	for _, c := range g.checkers {
		p := c.Proves()
		all.ID, all.Time = all.ID || p.ID, all.Time || p.Time
		if t := p.tolerance(); t >= 0 && (all.Tolerance < 0 || t < all.Tolerance) {
			all.Tolerance = t
		}
		all.Challenge = first(all.Challenge, p.Challenge)
	}
	return all
}
