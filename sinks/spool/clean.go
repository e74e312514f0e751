// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool/wal"
)

// cleanName is a file that is there while a spool is closed, if its checkpoint says all
// that was acknowledged. A file is removed even from a full disk, where a checkpoint
// could not be changed.
const cleanName = "clean"

// farewell is what a spool says when it is closed.
type farewell struct {
	said bool
	sent uint64 // up to which sequence events may have been sent
	last uint64 // the sequence of the last event
}

// takeClean returns what the run before has said when it closed the spool, if it did,
// and sees to it that the next one is told nothing unless this run does too.
func takeClean(dir string) (f farewell, err error) {
	name := filepath.Join(dir, cleanName)
	content, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return farewell{}, nil
	}
	if err == nil {
		err = errors.Join(os.Remove(name), wal.SyncDir(dir))
	}
	if err != nil {
		return farewell{}, err
	}
	n, _ := fmt.Sscanf(string(content), "%d %d", &f.sent, &f.last)
	f.said = n == 2 // a power cut may have emptied it
	return f, nil
}

func markClean(dir string, f farewell) error {
	return writeFile(filepath.Join(dir, cleanName), fmt.Appendf(nil, "%d %d", f.sent, f.last), false)
}
