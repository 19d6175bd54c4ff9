// Command gen turns topic/catalog/*.json into Go: the constants and the rows of
// package topic, and the plumbing of each provider's event package. It also
// writes the table of the catalogs in the README.
//
// It runs anywhere below the module's root. With -check it writes nothing and
// fails when a file is not what it would write.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	check := flag.Bool("check", false, "write nothing; fail when a generated file is out of date")
	flag.Parse()
	if err := run(*check); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func run(check bool) error {
	root, module, err := findModule()
	if err != nil {
		return err
	}
	files, err := generate(root, module)
	if err != nil {
		return err
	}
	var stale []string
	for _, f := range files {
		path := filepath.Join(root, filepath.FromSlash(f.path))
		old, err := os.ReadFile(path) //nolint:gosec // the path is one of the generator's own
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		if bytes.Equal(old, f.content) {
			continue
		}
		if check {
			stale = append(stale, f.path)
			continue
		}
		if err := os.WriteFile(path, f.content, 0o644); err != nil { //nolint:gosec // source files are readable by all
			return err
		}
		fmt.Println("wrote", f.path)
	}
	if stale != nil {
		return fmt.Errorf("out of date, run go generate ./topic: %s", strings.Join(stale, ", "))
	}
	return nil
}

// findModule walks up to the folder with go.mod and reads the module's path
// there, so that nothing here needs to change when the path does.
func findModule() (root, module string, err error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", "", err
	}
	for {
		content, err := os.ReadFile(filepath.Join(dir, "go.mod")) //nolint:gosec // looks for go.mod on the way up
		if err == nil {
			for line := range strings.Lines(string(content)) {
				if module, ok := strings.CutPrefix(line, "module "); ok {
					return dir, strings.TrimSpace(module), nil
				}
			}
			return "", "", fmt.Errorf("%s has no module line", filepath.Join(dir, "go.mod"))
		}
		if parent := filepath.Dir(dir); parent != dir {
			dir = parent
			continue
		}
		return "", "", errors.New("no go.mod in this folder or above it")
	}
}

type file struct {
	path    string // from the module's root, with slashes
	content []byte
}

func generate(root, module string) ([]file, error) {
	paths, err := filepath.Glob(filepath.Join(root, "topic", "catalog", "*.json"))
	if err != nil {
		return nil, err
	}
	if len(paths) == 0 {
		return nil, errors.New("no catalog in topic/catalog")
	}
	var providers []provider
	for _, path := range paths {
		p, err := readProvider(path)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", filepath.Base(path), err)
		}
		providers = append(providers, p)
	}
	// Cleeng, InPlayer, ConsCent: the order of the file names is not theirs.
	order := []string{"cleeng", "inplayer", "conscent"}
	slices.SortStableFunc(providers, func(a, b provider) int {
		return slices.Index(order, a.Provider) - slices.Index(order, b.Provider)
	})
	topics, err := topicsFile(providers)
	if err != nil {
		return nil, err
	}
	readme, err := readmeFile(root, providers)
	if err != nil {
		return nil, err
	}
	files := []file{topics, readme}
	for _, p := range providers {
		f, err := eventFile(root, module, p)
		if err != nil {
			return nil, fmt.Errorf("event/%s: %w", p.Provider, err)
		}
		files = append(files, f)
	}
	return files, nil
}
