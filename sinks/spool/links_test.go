// SPDX-License-Identifier: Apache-2.0

//go:build unix

package spool

import (
	"os"
	"path/filepath"
	"testing"
)

// TestLinks puts links into the place of the spool's files. None is followed.
func TestLinks(t *testing.T) {
	const precious = "somebody else's file"
	for _, name := range []string{checkpointName, probeName, lockName, "spare", "spare.wal"} {
		t.Run(name, func(t *testing.T) {
			dir, other := t.TempDir(), filepath.Join(t.TempDir(), "other")
			write(t, other, []byte(precious))
			if err := os.Symlink(other, filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
			s, err := tryOpen(Options{Dir: dir, MaxSize: 1 << 20})
			if err == nil {
				appendTest(t, s, 0, 2000)
				entries := pending(t, s)
				s.Acknowledge(entries[len(entries)-1].Sequence)
				_ = s.checkpoint()
				_ = Probe(dir)
				s.Close()
			}
			if got := read(t, other); string(got) != precious {
				t.Errorf("the file that the link leads to has become %q", got)
			}
		})
	}
}

// TestOpenToOthers warns of a directory in which others can put such links.
func TestOpenToOthers(t *testing.T) {
	dir := t.TempDir()
	logged := newLogs()
	for _, mode := range []os.FileMode{0o700, 0o755, 0o777} {
		if err := os.Chmod(dir, mode); err != nil {
			t.Fatal(err)
		}
		openTest(t, Options{Dir: dir, Logger: logged.get}).Close()
		if got, want := len(logged.find("other users may write")), int(mode&0o022/0o022); got != want {
			t.Errorf("with %v it was logged %d times", mode, got)
		}
	}
}
