// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/prometheus/prometheus/tsdb/wlog"
)

const probeName = "probe"

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
		if err := syncDir(filepath.Dir(one)); err != nil {
			return err
		}
	}
	return nil
}

// emptySegment creates a segment after the last.
func emptySegment(dir string) (int, error) {
	segments, err := listSegments(dir)
	if err != nil {
		return 0, err
	}
	if _, err := fillHoles(dir, segments); err != nil {
		return 0, err
	}
	next := 0
	if len(segments) > 0 {
		next = segments[len(segments)-1] + 1
	}
	return next, createEmpty(wlog.SegmentName(dir, next))
}

// Probe tells whether a file in the directory can be written.
func Probe(dir string) error {
	name := filepath.Join(dir, probeName)
	err := writeFile(name, make([]byte, 2*pageSize), true)
	_ = os.Remove(name)
	return err
}

// writeFile creates or replaces a file, and syncs it if told to.
func writeFile(name string, content []byte, sync bool) error {
	file, err := os.OpenFile(name, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	if err == nil && sync {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}

func createEmpty(name string) error {
	file, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	return file.Close()
}
