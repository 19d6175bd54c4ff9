package event_test

import (
	"encoding/json"
	"testing"

	"example.com/paperround/event"
	"example.com/paperround/event/eventtest"
)

// The scan beside its floor, a check of the syntax alone.
func BenchmarkScan(b *testing.B) {
	body := eventtest.Sample("conscent:transaction.complete")
	b.Run("Scan", func(b *testing.B) {
		b.SetBytes(int64(len(body)))
		b.ReportAllocs()
		for b.Loop() {
			members := [...]event.Member{{Name: "event"}, {Name: "payload"}}
			if err := event.Scan(body, members[:]); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("json.Valid", func(b *testing.B) {
		b.SetBytes(int64(len(body)))
		b.ReportAllocs()
		for b.Loop() {
			if !json.Valid(body) {
				b.Fatal("not valid")
			}
		}
	})
}
