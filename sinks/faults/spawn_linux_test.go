// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"os/exec"
	"syscall"

	"github.com/segmentpixel/caddy-segment-pixel/internal/harness"
)

// spawn starts a process that the kernel kills when the tests end, even one that
// is frozen and reads nothing.
func spawn(cmd *exec.Cmd) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return harness.OnLastingThread(cmd.Start)
}
