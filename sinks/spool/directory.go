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

// makeDir creates a directory, so that it survives a power cut if told to.
func makeDir(dir string, sync bool) error {
	var created []string
	for parent := dir; ; parent = filepath.Dir(parent) {
		if _, err := os.Stat(parent); !errors.Is(err, fs.ErrNotExist) {
			break
		}
		created = append(created, parent)
	}
	// Events hold personal data.
	if err := os.MkdirAll(dir, 0o700); err != nil || !sync {
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
func Probe(dir string) error { return probe(dir, probeSize) }

func probe(dir string, size int) error {
	name := filepath.Join(dir, probeName)
	err := writeFile(name, make([]byte, size), true)
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
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		err = probe(s.dir, 0) // a full disk may get its room from what is waiting here
	}
	return err == nil
}

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
