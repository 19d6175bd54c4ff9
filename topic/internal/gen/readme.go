package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// The README's part that is generated stands between these lines.
const (
	readmeBegin = "<!-- catalog: generated from topic/catalog by go generate ./topic -->\n"
	readmeEnd   = "<!-- end of catalog -->\n"
)

// readmeFile writes the table of the catalogs into the README.
func readmeFile(root string, providers []provider) (file, error) {
	old, err := os.ReadFile(filepath.Join(root, "README.md")) //nolint:gosec // the module's own README
	if err != nil {
		return file{}, err
	}
	before, rest, ok := strings.Cut(string(old), readmeBegin)
	_, after, ok2 := strings.Cut(rest, readmeEnd)
	if !ok || !ok2 {
		return file{}, errors.New("README.md: the lines around the catalog are missing")
	}
	b := bytes.NewBufferString(before + readmeBegin)
	for _, p := range providers {
		fmt.Fprintf(b, "\n<details><summary>%s, %d topics</summary>\n\n| topic | group | payload published | status |\n|---|---|---|---|\n",
			p.Go, len(p.Topics))
		for _, r := range p.Topics {
			fmt.Fprintf(b, "| `%s:%s` | %s | %s | %s |\n", p.Provider, r.Name, r.Group, r.Evidence, r.Status)
		}
		b.WriteString("\n</details>\n")
	}
	b.WriteString("\n" + readmeEnd + after)
	return file{"README.md", b.Bytes()}, nil
}
