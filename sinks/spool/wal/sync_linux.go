// SPDX-License-Identifier: Apache-2.0

package wal

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// syncContent makes the content of a file survive a power cut. Its size does not change
// and its times do not matter, so that the file system need not write about the file.
func syncContent(file *os.File) error {
	for {
		err := unix.Fdatasync(int(file.Fd()))
		if !errors.Is(err, unix.EINTR) {
			return os.NewSyscallError("fdatasync", err)
		}
	}
}
