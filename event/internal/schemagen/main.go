// Command schemagen writes a JSON Schema for every topic of the catalog, from
// the structs of the events, into event/schema.
//
// It runs anywhere below the module's root, and removes what is of no topic from
// the providers' folders there. With -check it changes nothing and fails when a
// file is not what it would write, is missing, or is of no topic.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	"example.com/paperround/event/internal/shape"
	"example.com/paperround/topic"
)

func main() {
	check := flag.Bool("check", false, "change nothing; fail when a schema is out of date, missing or left over")
	flag.Parse()
	root, err := findRoot()
	if err == nil {
		err = run(root, *check, os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "schemagen:", err)
		os.Exit(1)
	}
}

// findRoot walks up to the folder with go.mod.
func findRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("no go.mod in this folder or above it")
		}
		dir = parent
	}
}

// file is a schema and where it belongs.
type file struct {
	path    string // from the module's root, with slashes
	content []byte
}

// run brings the schemas below root up to date and tells out what it did; with
// check, it does nothing and its error lists what there is to do.
func run(root string, check bool, out io.Writer) error {
	files, err := generate()
	if err != nil {
		return err
	}
	var todo []string
	known := map[string]bool{}
	for _, f := range files {
		known[f.path] = true
		name := filepath.Join(root, filepath.FromSlash(f.path))
		old, err := os.ReadFile(name) //nolint:gosec // the path is one of the generator's own
		missing := errors.Is(err, os.ErrNotExist)
		switch {
		case err != nil && !missing:
			return err
		case err == nil && bytes.Equal(old, f.content):
			continue
		case check && missing:
			todo = append(todo, f.path+" is missing")
			continue
		case check:
			todo = append(todo, f.path+" is out of date")
			continue
		}
		if err := write(name, f.content); err != nil {
			return err
		}
		fmt.Fprintln(out, "wrote", f.path) //nolint:errcheck // what is told is of no consequence
	}
	there, err := list(root)
	if err != nil {
		return err
	}
	for _, p := range there {
		switch {
		case known[p]:
			continue
		case check:
			todo = append(todo, p+" is of no topic")
			continue
		}
		if err := os.Remove(filepath.Join(root, filepath.FromSlash(p))); err != nil {
			return err
		}
		fmt.Fprintln(out, "removed", p) //nolint:errcheck // what is told is of no consequence
	}
	if todo != nil {
		return fmt.Errorf("run go generate ./event/schema: %s", strings.Join(todo, ", "))
	}
	return nil
}

func write(name string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil { //nolint:gosec // source folders are readable by all
		return err
	}
	return os.WriteFile(name, content, 0o644) //nolint:gosec // source files are readable by all
}

// folder is where the schemas live, a folder a provider.
const folder = "event/schema"

// generate makes the schema of every topic.
func generate() ([]file, error) {
	var files []file
	for t := range topic.All() {
		s, ok := shape.Of(t)
		if !ok {
			return nil, fmt.Errorf("%s has no struct", t)
		}
		info, _ := t.Info()
		content, err := document(info, s)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", t, err)
		}
		files = append(files, file{path.Join(folder, string(t.Provider()), t.Name()+".json"), content})
	}
	return files, nil
}

// list returns what is in the folders of the providers, whether a schema or not,
// since all of it is embedded.
func list(root string) ([]string, error) {
	var found []string
	seen := map[topic.Provider]bool{}
	for t := range topic.All() {
		p := t.Provider()
		if seen[p] {
			continue
		}
		seen[p] = true
		dir := path.Join(folder, string(p))
		entries, err := os.ReadDir(filepath.Join(root, filepath.FromSlash(dir)))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, err
		}
		for _, e := range entries {
			found = append(found, path.Join(dir, e.Name()))
		}
	}
	return found, nil
}
