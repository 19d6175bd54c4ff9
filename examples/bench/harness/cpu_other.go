//go:build !unix

package harness

// cpuSeconds is not known here.
func cpuSeconds() float64 { return 0 }
