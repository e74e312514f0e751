// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// diskSize is that of the small file systems, which are in memory.
const diskSize = "512m"

// mountDisk puts a file system of its own under a folder until the test ends.
func mountDisk(t *testing.T, folder string) error {
	t.Helper()
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	if err := unix.Mount("tmpfs", folder, "tmpfs", 0, "size="+diskSize); err != nil {
		return err
	}
	t.Cleanup(func() {
		if err := unix.Unmount(folder, 0); err != nil {
			t.Errorf("unmounting: %v", err)
		}
	})
	return nil
}

// canMount tells whether this user may mount.
func canMount() bool {
	folder, err := os.MkdirTemp("", "faults")
	if err != nil {
		return false
	}
	defer func() { _ = os.Remove(folder) }()
	if unix.Mount("tmpfs", folder, "tmpfs", 0, "size=1m") != nil {
		return false
	}
	return unix.Unmount(folder, 0) == nil
}

// ballast is a file beside the spool. It stands for somebody else's data.
func (l *lane) ballast() string {
	return filepath.Join(spoolDisk(l.caddy), "ballast")
}

// fillDisks writes ballast until nothing more fits.
func (s *scene) fillDisks() error {
	return s.each(func(l *lane) error {
		file, err := os.Create(l.ballast())
		if err != nil {
			return err
		}
		defer file.Close()
		for size := 1 << 20; size > 0; {
			if _, err := file.Write(make([]byte, size)); errors.Is(err, unix.ENOSPC) {
				size /= 2
			} else if err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *scene) freeDisks() error {
	return s.each(func(l *lane) error { return os.Remove(l.ballast()) })
}
