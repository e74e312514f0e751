// SPDX-License-Identifier: Apache-2.0

//go:build unix && !linux

package faults

import (
	"errors"
	"testing"
)

// diskRows are none where the limits of another process cannot be changed.
func diskRows() []row { return nil }

func mountDisk(*testing.T, string, string) error {
	return errors.ErrUnsupported
}
