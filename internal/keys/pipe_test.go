// SPDX-License-Identifier: Apache-2.0

//go:build unix

package keys_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/zap"

	"github.com/segmentpixel/caddy-segment-pixel/internal/keys"
)

// TestNamedPipe puts a named pipe into the place of a file: nobody waits for it, neither
// at the start nor while the file is watched, nor where a placeholder names it.
func TestNamedPipe(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "keys")
	k, _ := ring(t, file, "first web\n")
	remove(t, file)
	if err := syscall.Mkfifo(file, 0o600); err != nil {
		t.Fatal(err)
	}
	eventually(t, "trouble", func() bool { return strings.Contains(k.Problem(), "not a regular file") })
	fresh := new(keys.Ring)
	if err := fresh.Provision(nil, []string{file}, zap.NewNop()); err != nil {
		t.Fatal(err)
	}
	if err := fresh.Load(); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("at the start: %v", err)
	}
	named := new(keys.Ring)
	if err := named.Provision([]keys.Key{{Key: "{file." + file + "}"}}, nil, zap.NewNop()); err != nil {
		t.Fatal(err)
	}
	if err := named.Load(); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("by a placeholder: %v", err)
	}
	remove(t, file)
	replace(t, file, "second web\n")
	eventually(t, "the second key", func() bool { return known(k, "second") })
}

// TestPermission takes the permission to read a file away and gives it back, which
// changes neither its time nor its size.
func TestPermission(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "keys")
	k, _ := ring(t, file, "first web\n")
	// Nobody can read a link that leads to itself, not even root.
	target := file + ".target"
	replace(t, target, "second web\n")
	remove(t, file)
	if err := os.Symlink(file, file); err != nil {
		t.Fatal(err)
	}
	eventually(t, "trouble", func() bool { return k.Problem() != "" })
	remove(t, file)
	if err := os.Symlink(target, file); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the second key", func() bool { return known(k, "second") && k.Problem() == "" })
}
