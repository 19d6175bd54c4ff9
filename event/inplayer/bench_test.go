package inplayer_test

import (
	"net/url"
	"testing"

	"example.com/paperround/event/eventtest"
	"example.com/paperround/event/inplayer"
	"example.com/paperround/topic"
)

// Decoding into a struct beside what only takes the pairs apart.
func BenchmarkDecode(b *testing.B) {
	body := eventtest.Sample(topic.InPlayerAssetAccessGranted)
	b.Run("Decode", func(b *testing.B) {
		b.SetBytes(int64(len(body)))
		b.ReportAllocs()
		for b.Loop() {
			if _, err := inplayer.Decode(body); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("url.ParseQuery", func(b *testing.B) {
		b.SetBytes(int64(len(body)))
		b.ReportAllocs()
		text := string(body)
		for b.Loop() {
			if _, err := url.ParseQuery(text); err != nil {
				b.Fatal(err)
			}
		}
	})
}
