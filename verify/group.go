package verify

import (
	"net/http"
	"slices"
	"strconv"
	"time"
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

// Signs reports what at least one of the checkers proves besides the body: a
// message id, a time.
func (g *Group) Signs() (id, at bool) {
	for _, c := range g.all() {
		if c, ok := c.(interface{ Signs() (id, at bool) }); ok {
			i, a := c.Signs()
			id, at = id || i, at || a
		}
	}
	return id, at
}

// Tolerance returns the least tolerance of the checkers that judge a signed
// time; negative when none does.
func (g *Group) Tolerance() time.Duration {
	least := time.Duration(-1)
	for _, c := range g.all() {
		if c, ok := c.(interface{ Tolerance() time.Duration }); ok {
			if t := c.Tolerance(); t >= 0 && (least < 0 || t < least) {
				least = t
			}
		}
	}
	return least
}

// Challenge returns the challenge of the first checker that has one, or "".
func (g *Group) Challenge() string {
	for _, c := range g.all() {
		if ch := challengeOf(c); ch != "" {
			return ch
		}
	}
	return ""
}

// all returns the checkers; a nil Group has none.
func (g *Group) all() []Checker {
	if g == nil {
		return nil
	}
	return g.checkers
}

func challengeOf(c Checker) string {
	if ch, ok := c.(interface{ Challenge() string }); ok {
		return ch.Challenge()
	}
	return ""
}
