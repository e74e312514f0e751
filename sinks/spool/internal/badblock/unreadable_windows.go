// SPDX-License-Identifier: Apache-2.0

package badblock

import (
	"errors"
	"syscall"

	"golang.org/x/sys/windows"
)

// IsUnreadable tells whether an error of reading says that the disk cannot read what is
// there. Any other says nothing about the disk, such as one of permissions.
func IsUnreadable(err error) bool {
	return errors.Is(err, windows.ERROR_CRC) || errors.Is(err, windows.ERROR_IO_DEVICE) || errors.Is(err, syscall.EIO)
}
