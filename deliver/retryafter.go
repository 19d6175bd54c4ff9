package deliver

import (
	"net/http"
	"strings"
	"time"
)

const maxRetryAfter = 24 * time.Hour

// parseRetryAfter reads a Retry-After header: whole seconds or an HTTP date. It
// is between 0 and 24 hours; what cannot be read, or lies in the past, is 0.
func parseRetryAfter(value string, now time.Time) time.Duration {
	value = strings.TrimSpace(value)
	if value == "" {
		return 0
	}
	if strings.Trim(value, "0123456789") == "" {
		var seconds time.Duration
		for i := range len(value) {
			seconds = seconds*10 + time.Duration(value[i]-'0')
			if seconds*time.Second >= maxRetryAfter {
				return maxRetryAfter
			}
		}
		return seconds * time.Second
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	return min(max(at.Sub(now), 0), maxRetryAfter)
}
