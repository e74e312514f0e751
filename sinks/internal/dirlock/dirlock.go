// SPDX-License-Identifier: Apache-2.0

// Package dirlock makes a process the only owner of a directory.
package dirlock

import (
	"errors"
	"os"
	"path/filepath"
)

// ErrHeld tells that somebody else holds the directory, in this process or in
// another.
var ErrHeld = errors.New("another process is using it")

// Lock makes the caller the only owner of a directory that exists, until it
// closes the file or its process ends. The file called name marks the owner. It
// stays when the lock is released: removing it would let two others in, one by
// the old file and one by a new one.
func Lock(dir, name string) (*os.File, error) {
	return openLocked(filepath.Join(dir, name))
}
