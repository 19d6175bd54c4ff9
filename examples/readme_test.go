// Package examples_test keeps the README, the examples and the shape of the
// module in step.
package examples_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// root is the module's folder, seen from the folder in which this test runs.
const root = ".."

func read(t *testing.T, path ...string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(append([]string{root}, path...)...))
	require.NoError(t, err)
	return string(content)
}

// blocks returns the README's code blocks of a language.
func blocks(t *testing.T, language string) []string {
	t.Helper()
	var found []string
	for _, m := range regexp.MustCompile("(?ms)^```"+language+"\n(.*?)^```$").FindAllStringSubmatch(read(t, "README.md"), -1) {
		found = append(found, m[1])
	}
	return found
}

// Each piece of Go in the README is the inside of an Example function, which is
// compiled and run, and is about ten lines long. One that needs a driver is in a nested
// module.
func TestReadmeShowsTheExamples(t *testing.T) {
	t.Parallel()
	source := read(t, "examples", "example_test.go") + read(t, "examples", "platform", "example_test.go")
	used := map[string]bool{}
	for _, block := range blocks(t, "go") {
		indented := strings.ReplaceAll("\n"+strings.TrimSuffix(block, "\n"), "\n", "\n\t")
		indented = strings.ReplaceAll(indented, "\n\t\n", "\n\n")
		at := strings.Index(source, indented+"\n")
		require.GreaterOrEqual(t, at, 0, "not in an Example function:\n%s", block)
		function := source[strings.LastIndex(source[:at+1], "\nfunc "):]
		name := regexp.MustCompile(`^\nfunc (Example_\w+)\(\)`).FindStringSubmatch(function)
		require.NotNil(t, name, "not in an Example function:\n%s", block)
		used[name[1]] = true
		require.LessOrEqual(t, strings.Count(block, "\n"), 12, "longer than about ten lines:\n%s", block)
		require.Contains(t, function[:strings.Index(function, "\n}\n")], "// Output:", "%s is compiled and not run", name[1])
	}
	require.Equal(t, map[string]bool{"Example_emitting": true, "Example_durable": true, "Example_receiving": true, "Example_unitTesting": true}, used)
}

// The two commands for newcomers stand there as CI runs them.
func TestReadmeHasItsTwoCommands(t *testing.T) {
	t.Parallel()
	require.Contains(t, blocks(t, "sh"), "go run ./examples/quickstart\ngo test ./...\n")
}

// The README's command for another module path works on a copy of the module.
func TestModulePathCanBeChanged(t *testing.T) {
	t.Parallel()
	var command string
	for _, b := range blocks(t, "sh") {
		if strings.Contains(b, "github.com/you/paperround") {
			command = strings.TrimSpace(b)
		}
	}
	require.NotEmpty(t, command, "the README has no command that changes the module path")
	dir := t.TempDir()
	copyModule(t, dir)

	run := func(name string, args ...string) string {
		cmd := exec.CommandContext(t.Context(), name, args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "PWD="+dir, "GOFLAGS=-mod=mod", "GOWORK=off")
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s %v: %s", name, args, out)
		return string(out)
	}
	args := strings.Fields(command)
	run(args[0], args[1:]...)
	require.Equal(t, "github.com/you/paperround\n", run("go", "list", "-m"))
	run("go", "build", "./...")
	run("go", "vet", "./examples", "./event/...")
	run("go", "run", "./topic/internal/gen", "-check")
	require.Empty(t, run("gofmt", "-l", "."), "files that are no longer formatted")

	old := "example" + ".com/paperround" // apart, so that the command leaves it alone here
	require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		require.NotContains(t, string(content), old, path)
		return err
	}))
}

func copyModule(t *testing.T, dir string) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		require.NoError(t, err)
		switch {
		case d.IsDir() && (name == ".git" || d.Name() == "node_modules"):
			return fs.SkipDir
		case d.IsDir():
			return os.MkdirAll(filepath.Join(dir, name), 0o755)
		case !d.Type().IsRegular():
			return nil
		}
		content, err := os.ReadFile(path)
		require.NoError(t, err)
		return os.WriteFile(filepath.Join(dir, name), content, 0o600)
	}))
}
