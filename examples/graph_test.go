package examples_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The top level is fixed.
func TestTopLevel(t *testing.T) {
	t.Parallel()
	entries, err := os.ReadDir(root)
	require.NoError(t, err)
	allowed := []string{
		"event", "topic", "sign", "verify", "deliver", "examples", "go.mod", "go.sum", "LICENSE", "README.md",
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") {
			require.Contains(t, allowed, e.Name())
		}
	}
}

// pkg is what go list says of a package.
type pkg struct {
	ImportPath                string
	Standard                  bool
	Imports                   []string
	TestImports, XTestImports []string
	Module                    *struct{ Path string }
}

func list(t *testing.T, args ...string) []pkg {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"list", "-json=ImportPath,Standard,Imports,TestImports,XTestImports,Module"}, args...)...)
	cmd.Dir = root
	out, err := cmd.Output()
	require.NoError(t, err)
	var pkgs []pkg
	for d := json.NewDecoder(bytes.NewReader(out)); d.More(); {
		var p pkg
		require.NoError(t, d.Decode(&p))
		pkgs = append(pkgs, p)
	}
	return pkgs
}

// modulePath is read and not written here, so that it may change.
func modulePath(t *testing.T) string {
	t.Helper()
	path, _, ok := strings.Cut(strings.TrimPrefix(read(t, "go.mod"), "module "), "\n")
	require.True(t, ok)
	return path
}

// edges are the imports between the packages of the module. A new one is a
// decision about the design and is written down here.
var edges = map[string][]string{ //nolint:gochecknoglobals // a constant table
	"topic":                    {},
	"topic/internal/gen":       {},
	"event":                    {"event/internal/rawjson", "topic"},
	"event/internal/rawjson":   {},
	"event/internal/codec":     {"event", "event/internal/rawjson", "topic"},
	"event/internal/form":      {"event"},
	"event/cleeng":             {"event", "event/internal/codec", "topic"},
	"event/conscent":           {"event", "event/internal/codec", "event/internal/rawjson", "topic"},
	"event/internal/shape":     {"event", "event/cleeng", "event/conscent", "event/inplayer", "topic"},
	"event/drift":              {"event", "event/internal/form", "event/internal/shape", "topic"},
	"event/inplayer":           {"event", "event/internal/codec", "event/internal/form", "event/internal/rawjson", "topic"},
	"event/schema":             {"topic"},
	"event/internal/schemagen": {"event/internal/rawjson", "event/internal/shape", "topic"},
	"event/eventtest":          {"event", "event/cleeng", "event/conscent", "event/drift", "event/inplayer", "event/internal/form", "topic"},
	"sign":                     {},
	"verify":                   {"sign"},
	"verify/verifytest":        {"sign"},
	"verify/diagnose":          {"sign", "verify"},
	"deliver":                  {"event", "topic"},
	"deliver/delivertest":      {"deliver", "event", "event/eventtest", "topic"},
	"deliver/sqlstore":         {"deliver", "topic"},
}

func TestDependencyGraph(t *testing.T) {
	t.Parallel()
	module := modulePath(t)
	seen := map[string]bool{}
	for _, p := range list(t, "./...") {
		name := strings.TrimPrefix(p.ImportPath, module+"/")
		if name == "examples" || strings.HasPrefix(name, "examples/") {
			continue // examples may import everything
		}
		want, ok := edges[name]
		require.True(t, ok, "package %s is not in the graph", name)
		seen[name] = true
		var got []string
		for _, i := range p.Imports {
			if i, ok := strings.CutPrefix(i, module+"/"); ok {
				got = append(got, i)
			}
		}
		require.ElementsMatch(t, want, got, "imports of %s", name)
		for _, i := range slices.Concat(p.TestImports, p.XTestImports) {
			first, _, _ := strings.Cut(i, "/")
			require.True(t, !strings.Contains(first, ".") || strings.HasPrefix(i, module+"/") ||
				i == "github.com/stretchr/testify/require", "tests of %s import %s", name, i)
		}
	}
	require.Len(t, seen, len(edges), "the graph has packages that are gone")
}

// What a user's binary gets is the standard library and golang.org/x/sync.
func TestNoThirdParties(t *testing.T) {
	t.Parallel()
	module := modulePath(t)
	for _, p := range list(t, "-deps", "./...") {
		if p.Standard || strings.HasPrefix(p.ImportPath, module+"/") {
			continue
		}
		require.NotNil(t, p.Module, p.ImportPath)
		require.Equal(t, "golang.org/x/sync", p.Module.Path)
	}
	for _, core := range []string{"topic", "event", "event/cleeng", "event/inplayer", "event/conscent", "event/drift", "event/eventtest", "event/schema", "sign", "verify", "verify/verifytest", "verify/diagnose"} {
		for _, p := range list(t, "-deps", "./"+core) {
			require.True(t, p.Standard || strings.HasPrefix(p.ImportPath, module+"/"), "%s depends on %s", core, p.ImportPath)
		}
	}
}
