// SPDX-License-Identifier: Apache-2.0

//go:build !windows

package spool

import (
	"errors"
	"os"
)

// syncDir makes the names in a directory survive a power cut.
func syncDir(dir string) error {
	file, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(file.Sync(), file.Close())
}
