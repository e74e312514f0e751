// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
)

// cleanName is a file that is there while a spool is closed, if its checkpoint says all
// that was acknowledged. It says up to which sequence events may have been sent. A file
// is removed even from a full disk, where a checkpoint could not be changed.
const cleanName = "clean"

// takeClean returns what the run before has said when it closed the spool, if it did,
// and sees to it that the next one is told nothing unless this run does too.
func takeClean(dir string) (sent uint64, clean bool, err error) {
	name := filepath.Join(dir, cleanName)
	content, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, err
	}
	if err := errors.Join(os.Remove(name), syncDir(dir)); err != nil {
		return 0, false, err
	}
	sent, err = strconv.ParseUint(string(content), 10, 64)
	return sent, err == nil, nil // a power cut may have emptied it
}

func markClean(dir string, sent uint64) error {
	return writeFile(filepath.Join(dir, cleanName), strconv.AppendUint(nil, sent, 10), false)
}
