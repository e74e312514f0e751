// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"testing"
)

// TestTextIsLetGo has a reader catch up: what it has read from disk is not needed any more.
func TestTextIsLetGo(t *testing.T) {
	dir := t.TempDir()
	s := openTest(t, Options{Dir: dir, Sync: SyncOff})
	appendTest(t, s, 0, 3)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openTest(t, Options{Dir: dir, Sync: SyncOff})
	expect(t, nextTest(t, s, 100), numbered(0, 3))
	if len(s.reader.memory) == 0 {
		t.Error("nothing was read from the disk: the test has lost its point")
	}
	appendTest(t, s, 3, 4)
	expect(t, nextTest(t, s, 100), numbered(3, 4))
	if held := cap(s.reader.memory); held != 0 {
		t.Errorf("the reader holds %d bytes", held)
	}
}
