// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool/wal"
)

// DamagedFolder is the folder in a spool that keeps copies of files with damage.
const DamagedFolder = "damaged"

const (
	lockName  = "lock"
	probeName = "probe"
	probeSize = 64 << 10
)

// makeDir creates a directory, so that it survives a power cut.
func makeDir(dir string) error {
	var created []string
	for parent := dir; ; parent = filepath.Dir(parent) {
		if _, err := os.Stat(parent); !errors.Is(err, fs.ErrNotExist) {
			break
		}
		created = append(created, parent)
	}
	// Events hold personal data.
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for _, one := range created {
		if err := wal.SyncDir(filepath.Dir(one)); err != nil {
			return err
		}
	}
	return nil
}

// Probe tells whether a file in the directory can be written.
func Probe(dir string) error {
	name := filepath.Join(dir, probeName)
	err := writeFile(name, make([]byte, probeSize), true)
	_ = os.Remove(name)
	return err
}

// diskWorks tells whether the disk is well but for what it cannot read.
func (s *Spool) diskWorks() bool {
	s.writing.Lock()
	defer s.writing.Unlock()
	if s.shut {
		return false
	}
	err := s.tuning.probe(s.dir)
	return err == nil || isFull(err) // it may get its room from what is waiting here
}

// isFull tells whether an error says that the disk is full.
func isFull(err error) bool { return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) }

// writeFile replaces a file, and syncs it if told to. A link is removed like a file, and
// not followed: it leads to somebody else's.
func writeFile(name string, content []byte, sync bool) error {
	if err := wal.RemoveIfThere(name); err != nil {
		return err
	}
	file, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	if err == nil && sync {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}

// IsOpenToOthers tells whether other users may write to a directory, or replace it.
func IsOpenToOthers(dir string) bool {
	const writable = 0o022
	info, err := os.Stat(dir)
	return err == nil && runtime.GOOS != "windows" && info.Mode().Perm()&writable != 0
}
