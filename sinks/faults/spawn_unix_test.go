// SPDX-License-Identifier: Apache-2.0

//go:build unix && !linux

package faults

import "os/exec"

func spawn(cmd *exec.Cmd) error {
	return cmd.Start()
}
