package harness

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"strings"
	"time"
)

// Cost is what some events took.
type Cost struct {
	Seconds float64
	CPU     float64 // seconds, of all processors together
	Allocs  float64 // of each event
	Bytes   float64 // allocated for each event
	Peak    int64   // bytes of memory that this process has held at most, up to now
}

// Measure returns what it takes this process to do the work, which is so many
// events. If profile is not empty, a CPU profile goes there.
func Measure(events int, profile string, work func() error) (c Cost, err error) {
	if profile != "" {
		f, err := os.Create(profile) //nolint:gosec // the user names it
		if err != nil {
			return c, err
		}
		if err := pprof.StartCPUProfile(f); err != nil {
			return c, errors.Join(err, f.Close())
		}
		defer func() {
			pprof.StopCPUProfile()
			err = errors.Join(err, f.Close())
		}()
	}
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	cpu := cpuSeconds()
	began := time.Now()
	if err := work(); err != nil {
		return c, err
	}
	c = Cost{Seconds: time.Since(began).Seconds(), CPU: cpuSeconds() - cpu, Peak: peak()}
	runtime.ReadMemStats(&after)
	c.Allocs = float64(after.Mallocs-before.Mallocs) / float64(events)
	c.Bytes = float64(after.TotalAlloc-before.TotalAlloc) / float64(events)
	return c, nil
}

// peak is the most memory that this process has held, 0 where the system does not
// tell.
func peak() int64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		var kib int64
		if n, _ := fmt.Sscanf(line, "VmHWM: %d kB", &kib); n == 1 {
			return kib << 10
		}
	}
	return 0
}
