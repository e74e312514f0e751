// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/segmentpixel/caddy-segment-pixel"
	"github.com/segmentpixel/caddy-segment-pixel/internal/pixeltest"
	"github.com/segmentpixel/caddy-segment-pixel/internal/seal"
)

// TestExamples has the examples seal a pixel with either algorithm, as far as their
// languages are on this machine, and sends it to a site that takes no other.
func TestExamples(t *testing.T) {
	s := pixeltest.NewSite(t)
	dir := t.TempDir()
	keys := make(map[string]string)
	for _, alg := range []string{seal.A256GCM, seal.HS256} {
		keys[alg] = writeKey(t, filepath.Join(dir, alg), alg)
	}
	s.Run("segment_pixel {\nwrite_key k web\nseal " + keys[seal.A256GCM] + " required\nsink writer file DIR/events\n}\n" +
		"segment_pixel {\nwrite_key k web\npath_prefix /signed/v1/pixel\nseal " + keys[seal.HS256] + " required\nsink writer file DIR/events\n}")
	sent := 0
	for _, alg := range []string{seal.A256GCM, seal.HS256} {
		prefix := map[string]string{seal.A256GCM: "", seal.HS256: "/signed"}[alg]
		urls := map[string]string{"go": goURL(t, keys[alg], prefix)}
		for command, script := range map[string]string{"node": "sealed.mjs", "python3": "sealed.py"} {
			if url, ok := run(t, command, script, keys[alg], prefix, alg); ok {
				urls[command] = url
			}
		}
		for language, url := range urls {
			s.Get(url)
			sent++
			if lines := s.Lines("events"); len(lines) != sent || lines[sent-1]["userId"] != "jane@example.com" || lines[sent-1]["source"] != "newsletter" {
				t.Fatalf("%s with %s: events %v, rejected %v", language, alg, lines, s.Rejected())
			}
		}
	}
}

func goURL(t *testing.T, keys, prefix string) string {
	t.Helper()
	url, err := sealedURL(keys, prefix)
	if err != nil {
		t.Fatal(err)
	}
	return url
}

// run tells whether the language is there, and what a script needs of it.
func run(t *testing.T, command, script, keys, prefix, alg string) (url string, ok bool) {
	t.Helper()
	if _, err := exec.LookPath(command); err != nil {
		t.Logf("there is no %s here: %s was not run", command, script)
		return "", false
	}
	if command == "python3" && alg == seal.A256GCM && exec.CommandContext(t.Context(), command, "-c", "import cryptography").Run() != nil {
		t.Logf("there is no package cryptography here: %s was not run with %s", script, alg)
		return "", false
	}
	out, err := exec.CommandContext(t.Context(), command, script, keys, prefix).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v: %s", script, err, out)
	}
	return strings.TrimSpace(string(out)), true
}

func writeKey(t *testing.T, file, alg string) string {
	t.Helper()
	key, err := seal.NewKey("k-"+alg, alg, "newsletter")
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(seal.Set{Keys: []seal.Key{*key}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
