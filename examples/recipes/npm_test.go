// SPDX-License-Identifier: Apache-2.0

//go:build recipes

package recipes

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// installNPM copies a folder, so that nothing of npm is left in the tree, and installs what
// its package-lock.json names.
func installNPM(t *testing.T, from string, files ...string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for _, name := range append(files, "package.json", "package-lock.json") {
		text, err := os.ReadFile(filepath.Join(from, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("npm", "ci", "--no-audit", "--no-fund")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("npm ci: %v\n%s", err, out)
	}
	return dir
}
