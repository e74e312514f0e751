// SPDX-License-Identifier: Apache-2.0

package rig

import (
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/segmentpixel/caddy-segment-pixel/internal/harness"
)

// spawn starts a process on one CPU, before its first instruction: Go's runtime
// looks at the start how many CPUs it has. The kernel asks the process to end when
// this one does. An interrupt at the terminal goes to this process only.
func spawn(cmd *exec.Cmd, cpu int) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM, Setpgid: true}
	return harness.OnLastingThread(func() error { return startOn(cmd, cpu) })
}

// startOn lends the CPU of the child to the calling thread, as a child inherits
// that.
func startOn(cmd *exec.Cmd, cpu int) error {
	var own unix.CPUSet
	if err := unix.SchedGetaffinity(0, &own); err != nil {
		return err
	}
	if err := pin(0, cpu); err != nil {
		return err
	}
	err := cmd.Start()
	if restore := unix.SchedSetaffinity(0, &own); err == nil {
		err = restore
	}
	return err
}
