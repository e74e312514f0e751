// SPDX-License-Identifier: Apache-2.0

//go:build !windows

package spool

import (
	"errors"
	"syscall"
)

// isUnreadable tells whether an error of reading says that the disk cannot read what is
// there. Any other says nothing about the disk, such as one of permissions.
func isUnreadable(err error) bool {
	return errors.Is(err, syscall.EIO)
}
