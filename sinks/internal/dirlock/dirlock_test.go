// SPDX-License-Identifier: Apache-2.0

package dirlock

import (
	"errors"
	"io/fs"
	"path/filepath"
	"testing"
)

// A second owner would usually be a second process; the lock behaves alike
// between two openings in one.
func TestLock(t *testing.T) {
	dir := t.TempDir()
	first, err := Lock(dir, "lock")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Lock(dir, "lock"); !errors.Is(err, ErrHeld) {
		t.Fatalf("locking a locked directory: got error %v", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := Lock(dir, "lock")
	if err != nil {
		t.Fatalf("locking a released directory: %v", err)
	}
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestLockWithoutDirectory(t *testing.T) {
	_, err := Lock(filepath.Join(t.TempDir(), "missing"), "lock")
	if !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("locking a missing directory: got error %v", err)
	}
}
