// SPDX-License-Identifier: Apache-2.0

//go:build !windows

package badblock

import (
	"errors"
	"syscall"
)

// IsUnreadable tells whether an error of reading says that the disk cannot read what is
// there. Any other says nothing about the disk, such as one of permissions.
func IsUnreadable(err error) bool {
	return errors.Is(err, syscall.EIO)
}
