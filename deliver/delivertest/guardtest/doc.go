// Package guardtest has no code: its tests compare the egress guard of package
// deliver with another implementation of the same idea, code.dny.dev/ssrf, which
// is why it is a module of its own. What that one refuses, the guard refuses:
//
//	go test -v ./...
//
// prints where the guard is stricter.
package guardtest
