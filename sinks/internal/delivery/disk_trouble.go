// SPDX-License-Identifier: Apache-2.0

//go:build !windows

package delivery

import "syscall"

// diskTroubles are what a disk says that is full, read-only or ill, and a system that
// has run out of files or memory.
var diskTroubles = []syscall.Errno{
	syscall.ENOSPC, syscall.EDQUOT, syscall.EROFS, syscall.EIO,
	syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM,
}
