// SPDX-License-Identifier: Apache-2.0

package natsserver

import (
	"path/filepath"
	"strings"
	"testing"
)

// A second server on the same directory would have to be a second process;
// the lock behaves alike between two openings in one.
func TestLockStoreDir(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	first, err := lockStoreDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lockStoreDir(dir); err == nil || !strings.Contains(err.Error(), "another server is using it") {
		t.Fatalf("locking a locked directory: got error %v", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := lockStoreDir(dir)
	if err != nil {
		t.Fatalf("locking a released directory: %v", err)
	}
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
}
