// SPDX-License-Identifier: Apache-2.0

package rig

import (
	"errors"
	"fmt"
	"os"

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
