// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// cleanName is an empty file that is there while a spool is closed, if its checkpoint
// says all that was acknowledged. A file is removed even from a full disk, where a
// checkpoint could not be changed.
const cleanName = "clean"

// takeClean tells whether the run before has closed the spool, and sees to it that the
// next one is told so only if this run does too.
func takeClean(dir string) (clean bool, err error) {
	err = os.Remove(filepath.Join(dir, cleanName))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err == nil {
		err = syncDir(dir)
	}
	return err == nil, err
}

func markClean(dir string) error {
	return writeFile(filepath.Join(dir, cleanName), nil, false)
}
