//go:build ignore

// Modulepath puts the module under another path: it rewrites go.mod, imports,
// documentation and generated files, and formats what it has touched.
//
//	go run .github/modulepath.go github.com/you/paperround
package main

import (
	"bytes"
	"errors"
	"fmt"
	"go/format"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: go run .github/modulepath.go <module path>, in the module's folder")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "modulepath:", err)
		os.Exit(1)
	}
}

func run(path string) error {
	if !regexp.MustCompile(`^[a-z0-9-]+(\.[a-z0-9-]+)+(/[A-Za-z0-9._~-]+)*$`).MatchString(path) {
		return fmt.Errorf("%q is not a module path such as github.com/you/paperround", path)
	}
	mod, err := os.ReadFile("go.mod")
	if err != nil {
		return fmt.Errorf("run this in the module's folder: %w", err)
	}
	line, _, _ := strings.Cut(string(mod), "\n")
	old, ok := strings.CutPrefix(line, "module ")
	if !ok {
		return errors.New("go.mod does not begin with its module line")
	}
	if strings.HasPrefix(path+"/", old+"/") {
		return fmt.Errorf("the module is %s already, or that is part of the new path; go by way of another one", old)
	}
	// Not inside of a longer path.
	pattern, err := regexp.Compile(`(^|[^A-Za-z0-9._~/-])` + regexp.QuoteMeta(old) + `($|[^A-Za-z0-9_~-])`)
	if err != nil {
		return err
	}
	changed := 0
	err = filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (name == ".git" || d.Name() == "node_modules"):
			return fs.SkipDir
		case !d.Type().IsRegular():
			return nil
		}
		content, err := os.ReadFile(name)
		if err != nil || bytes.IndexByte(content, 0) >= 0 || !pattern.Match(content) {
			return err
		}
		for pattern.Match(content) { // one character may part two places
			content = pattern.ReplaceAll(content, []byte("${1}"+path+"${2}"))
		}
		if filepath.Ext(name) == ".go" {
			if content, err = format.Source(content); err != nil { // imports are sorted by path
				return fmt.Errorf("%s: %w", name, err)
			}
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		changed++
		return os.WriteFile(name, content, info.Mode().Perm())
	})
	fmt.Printf("%s is now %s, in %d files\n", old, path, changed)
	return err
}
