package eventtest

import (
	"embed"
	"io/fs"
	"iter"
	"path"
	"strings"

	"example.com/paperround/topic"
)

//go:embed samples
var files embed.FS

// Example is an example body of a topic.
type Example struct {
	Topic   topic.Topic
	Variant string // which other shape of the topic's, "" for the usual one; "filled" has what no published example shows
	Partial bool   // whether the documentation shows a part of the body only, or nothing but the name
	Body    []byte // owned by the caller
}

// Sample returns the usual example body of t, which the caller owns; nil for a
// topic that the catalog does not list. Where nobody published the payload, the
// body has the envelope and made-up contents; see [topic.Info.Evidence].
func Sample(t topic.Topic) []byte {
	for e := range All() {
		if e.Topic == t && e.Variant == "" {
			return e.Body
		}
	}
	return nil
}

// All yields every example body, grouped by provider.
func All() iter.Seq[Example] {
	return func(yield func(Example) bool) {
		_ = fs.WalkDir(files, "samples", func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			if !yield(read(name)) {
				return fs.SkipAll
			}
			return nil
		})
	}
}

// read makes an example of a file samples/provider/name.ext, or of
// samples/provider/variants/name.variant.ext; ".partial" stands before ext.
func read(name string) Example {
	var e Example
	e.Body, _ = files.ReadFile(name) // the name is one that the walk has found
	parts := strings.Split(name, "/")
	base := strings.TrimSuffix(path.Base(name), path.Ext(name))
	base, e.Partial = strings.CutSuffix(base, ".partial")
	if len(parts) == 4 {
		dot := strings.LastIndexByte(base, '.')
		base, e.Variant = base[:dot], base[dot+1:]
	}
	e.Topic = topic.Provider(parts[1]).Topic(base)
	return e
}
