package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/paperround/topic"
)

func topics() int { return len(slices.Collect(topic.All())) }

// What is committed is what the generator writes.
func TestUpToDate(t *testing.T) {
	t.Parallel()
	root, err := findRoot()
	require.NoError(t, err)
	require.NoError(t, run(root, true, io.Discard))
	files, err := generate()
	require.NoError(t, err)
	written := len(files)
	require.Equal(t, topics(), written)
}

func TestOutputIsStable(t *testing.T) {
	t.Parallel()
	first, err := generate()
	require.NoError(t, err)
	second, err := generate()
	require.NoError(t, err)
	require.Equal(t, first, second)
	for _, f := range first {
		text := string(f.content)
		require.True(t, strings.HasPrefix(text, "{\n  \"$schema\": "), f.path)
		require.True(t, strings.HasSuffix(text, "\n}\n"), f.path)
		require.NotContains(t, text, `\u00`, "%s: text is written as it is", f.path)
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	const passCreated = "event/schema/cleeng/passCreated.json"
	for name, tt := range map[string]struct {
		spoil           func(t *testing.T, root string)
		complaint, told string
	}{
		"missing": {
			func(t *testing.T, root string) {
				t.Helper()
				require.NoError(t, os.Remove(filepath.Join(root, passCreated)))
			},
			passCreated + " is missing", "wrote " + passCreated + "\n",
		},
		"stale": {
			func(t *testing.T, root string) {
				t.Helper()
				require.NoError(t, os.WriteFile(filepath.Join(root, passCreated), []byte("{}\n"), 0o600))
			},
			passCreated + " is out of date", "wrote " + passCreated + "\n",
		},
		"left over": {
			func(t *testing.T, root string) {
				t.Helper()
				require.NoError(t, os.WriteFile(filepath.Join(root, "event/schema/conscent/gone.json"), nil, 0o600))
			},
			"event/schema/conscent/gone.json is of no topic", "removed event/schema/conscent/gone.json\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root := t.TempDir()
			require.NoError(t, run(root, false, io.Discard))
			require.NoError(t, run(root, true, io.Discard))
			tt.spoil(t, root)

			// Checking complains of this alone, and changes nothing.
			for range 2 {
				require.EqualError(t, run(root, true, io.Discard), "run go generate ./event/schema: "+tt.complaint)
			}
			var out bytes.Buffer
			require.NoError(t, run(root, false, &out))
			require.Equal(t, tt.told, out.String())
			require.NoError(t, run(root, true, io.Discard))
		})
	}
}

// An empty tree lacks every schema.
func TestCheckOfNothing(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	err := run(root, true, io.Discard)
	require.ErrorContains(t, err, "event/schema/inplayer/subscribe.success.json is missing")
	require.Equal(t, topics(), strings.Count(err.Error(), " is missing"))
	entries, err := os.ReadDir(root)
	require.NoError(t, err)
	require.Empty(t, entries)
}

// Other folders beside those of the providers are left alone.
func TestOtherFolders(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	name := filepath.Join(root, "event/schema/schematest/own.json")
	require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o750))
	require.NoError(t, os.WriteFile(name, nil, 0o600))
	require.NoError(t, run(root, false, io.Discard))
	require.NoError(t, run(root, true, io.Discard))
	require.FileExists(t, name)
}

func TestFindRoot(t *testing.T) {
	root, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	below := filepath.Join(root, "a", "b")
	require.NoError(t, os.MkdirAll(below, 0o750))
	t.Chdir(below)
	_, err = findRoot()
	require.ErrorContains(t, err, "no go.mod")
	require.NoError(t, os.WriteFile(filepath.Join(root, "go.mod"), []byte("module example.org/fork\n"), 0o600))
	got, err := findRoot()
	require.NoError(t, err)
	require.Equal(t, root, got)
}
