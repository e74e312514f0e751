// SPDX-License-Identifier: Apache-2.0

//go:build !windows

package wal

import (
	"errors"
	"os"
)

// SyncDir makes the names in a directory survive a power cut.
func SyncDir(dir string) error {
	file, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(file.Sync(), file.Close())
}
