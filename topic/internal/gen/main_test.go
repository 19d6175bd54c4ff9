package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What is committed is what the generator writes.
func TestUpToDate(t *testing.T) {
	t.Parallel()
	root, module, err := findModule()
	require.NoError(t, err)
	files, err := generate(root, module)
	require.NoError(t, err)
	require.Len(t, files, 5)
	for _, f := range files {
		got, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(f.path)))
		require.NoError(t, err)
		require.Equal(t, string(f.content), string(got), "%s: run go generate ./topic", f.path)
	}
}

func TestCheckFailsOnAStaleFile(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600))
	}
	write("go.mod", "module example.org/fork\n")
	write("topic/catalog/acme.json", `{"provider": "acme", "go": "Acme", "topics": [{
		"name": "invoice.paid", "go": "InvoicePaid", "group": "g", "status": "stable",
		"evidence": "whole", "summary": "Paid.", "source": "https://acme.example/docs"}]}`)
	write("README.md", "# Acme\n")
	write("event/acme/acme.go", "package acme\n\n// InvoicePaid says that it was paid.\n//\n// Topic acme:invoice.paid, evidence: whole.\n// Source: https://acme.example/docs\ntype InvoicePaid struct{}\n")
	t.Chdir(dir)
	require.ErrorContains(t, run(true), "README.md: the lines around the catalog are missing")
	write("README.md", "# Acme\n"+readmeBegin+"old\n"+readmeEnd+"More.\n")
	require.ErrorContains(t, run(true), "out of date")
	require.NoError(t, run(false))
	require.NoError(t, run(true))
	got, err := os.ReadFile(filepath.Join(dir, "event/acme/acme_gen.go"))
	require.NoError(t, err)
	require.Contains(t, string(got), `"example.org/fork/topic"`, "the import follows the module's path")

	readme, err := os.ReadFile(filepath.Join(dir, "README.md"))
	require.NoError(t, err)
	require.Contains(t, string(readme), "| `acme:invoice.paid` | g | whole | stable |\n")
	require.NotContains(t, string(readme), "old\n")
	require.True(t, strings.HasPrefix(string(readme), "# Acme\n") && strings.HasSuffix(string(readme), "More.\n"))

	write("event/acme/acme.go", "package acme\n\n// InvoicePaid is undocumented.\ntype InvoicePaid struct{}\n")
	require.ErrorContains(t, run(true), "must end in: Topic acme:invoice.paid, evidence: whole. Source: https://acme.example/docs")

	write("event/acme/acme.go", "package acme\n\n// InvoicePaid claims more than it may.\n//\n// Topic acme:invoice.paid, evidence: part.\n// Source: https://acme.example/docs\ntype InvoicePaid struct{}\n")
	require.ErrorContains(t, run(true), "evidence: whole")
}

func TestRefusedRows(t *testing.T) {
	t.Parallel()
	const good = `{"name":"n","go":"N","group":"g","status":"stable","evidence":"part","summary":"s","source":"u"}`
	file := func(rows string) string { return `{"provider":"acme","go":"Acme","topics":[` + rows + `]}` }
	for name, tt := range map[string]struct{ json, want string }{
		"twice":            {file(good + "," + good), "stands twice"},
		"the same Go name": {file(good + "," + strings.Replace(good, `"n"`, `"m"`, 1)), "Go name N stands twice"},
		"status":           {file(strings.Replace(good, "stable", "old", 1)), "unknown status"},
		"evidence":         {file(strings.Replace(good, "part", "some", 1)), "unknown evidence"},
		"no source":        {file(strings.Replace(good, `"u"`, `""`, 1)), "needs a group"},
		"wire repeated":    {file(strings.Replace(good, `"go"`, `"wire":"n","go"`, 1)), "wire is left out"},
		"a star":           {file(strings.Replace(good, `"n"`, `"*"`, 1)), "not a topic's"},
		"unexported":       {file(strings.Replace(good, `"N"`, `"n1"`, 1)), "not an exported Go name"},
		"unknown key":      {file(strings.Replace(good, `"go"`, `"og"`, 1)), "unknown field"},
		"no provider":      {`{"go":"Acme"}`, "needs a name"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "acme.json")
			require.NoError(t, os.WriteFile(path, []byte(tt.json), 0o600))
			_, err := readProvider(path)
			require.ErrorContains(t, err, tt.want)
		})
	}
}
