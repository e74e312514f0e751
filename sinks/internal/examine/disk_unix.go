// SPDX-License-Identifier: Apache-2.0

//go:build darwin || dragonfly || freebsd || linux

package examine

import "golang.org/x/sys/unix"

// diskFree is how many bytes this user can still write to the disk of a directory.
func diskFree(dir string) (free int64, known bool) {
	var stat unix.Statfs_t
	if err := unix.Statfs(dir, &stat); err != nil {
		return 0, false
	}
	return int64(stat.Bavail) * int64(stat.Bsize), true //nolint:unconvert // the types differ from system to system
}

// mayWrite tells whether this user may create files in a directory, without trying.
func mayWrite(dir string) error { return unix.Access(dir, unix.W_OK|unix.X_OK) }
