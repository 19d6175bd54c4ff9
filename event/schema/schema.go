package schema

import (
	"embed"

	"example.com/paperround/topic"
)

//go:embed cleeng inplayer conscent
var files embed.FS

// For returns the schema of t's bodies as JSON text, which the caller owns. It
// is false for topics that the catalog does not know. It is safe for concurrent
// use.
func For(t topic.Topic) ([]byte, bool) {
	document, err := files.ReadFile(string(t.Provider()) + "/" + t.Name() + ".json")
	return document, err == nil
}
