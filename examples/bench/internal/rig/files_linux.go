// SPDX-License-Identifier: Apache-2.0

package rig

import (
	"fmt"
	"syscall"
)

// RaiseFiles lets this process and those that it starts have as many files open
// as they may at most, and returns how many that is. Connections are files.
func RaiseFiles() (int, error) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0, fmt.Errorf("how many files may be open: %w", err)
	}
	limit.Cur = limit.Max
	// Go has raised its own limit already, but children get it only when it was set.
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0, fmt.Errorf("raising how many files may be open: %w", err)
	}
	return int(min(limit.Cur, 1<<30)), nil
}
