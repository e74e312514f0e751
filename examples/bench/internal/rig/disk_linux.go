// SPDX-License-Identifier: Apache-2.0

package rig

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Flush has the disk that a directory is on write all that it has yet to write,
// which is not to burden what is measured next.
func Flush(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	if err := unix.Syncfs(int(d.Fd())); err != nil {
		return errors.Join(fmt.Errorf("flushing the disk of %s: %w", dir, err), d.Close())
	}
	return d.Close()
}

// Room is an error if the disk that a directory is on has less room than so many
// bytes.
func Room(dir string, bytes int64) error {
	var stat unix.Statfs_t
	if err := unix.Statfs(dir, &stat); err != nil {
		return fmt.Errorf("room on the disk of %s: %w", dir, err)
	}
	if free := int64(stat.Bavail) * int64(stat.Bsize); free < bytes { //nolint:unconvert // the types differ between architectures
		const gibi = 1 << 30
		return fmt.Errorf("%.1f GiB are needed in %s and %.1f GiB are free; free %.1f GiB, or name a directory on another disk",
			float64(bytes)/gibi, dir, float64(free)/gibi, float64(bytes-free)/gibi)
	}
	return nil
}

// Size is how many bytes the files below a directory take. One that is removed
// meanwhile does not count.
func Size(dir string) (int64, error) {
	var sum int64
	err := filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		info, err := entry.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil {
			sum += info.Size()
		}
		return err
	})
	return sum, err
}
