// SPDX-License-Identifier: Apache-2.0

package delivery

import "golang.org/x/sys/windows"

// diskTroubles are what a disk says that is full, read-only or ill, and a system that
// has run out of files or memory.
var diskTroubles = []windows.Errno{
	windows.ERROR_DISK_FULL, windows.ERROR_HANDLE_DISK_FULL, windows.ERROR_DISK_QUOTA_EXCEEDED,
	windows.ERROR_WRITE_PROTECT, windows.ERROR_IO_DEVICE, windows.ERROR_NOT_READY, windows.ERROR_CRC,
	windows.ERROR_TOO_MANY_OPEN_FILES, windows.ERROR_NO_SYSTEM_RESOURCES, windows.ERROR_NOT_ENOUGH_MEMORY,
}
