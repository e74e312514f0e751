// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"os/exec"
	"runtime"
	"sync"
	"syscall"
)

// spawn starts a process that the kernel kills when the tests end, even one that
// is frozen and reads nothing. The kernel looks at the thread that started it, so
// that is one which never ends.
func spawn(cmd *exec.Cmd) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	result := make(chan error)
	spawner() <- spawning{cmd, result}
	return <-result
}

type spawning struct {
	cmd    *exec.Cmd
	result chan<- error
}

var spawner = sync.OnceValue(func() chan<- spawning {
	requests := make(chan spawning)
	go func() {
		runtime.LockOSThread()
		for request := range requests {
			request.result <- request.cmd.Start()
		}
	}()
	return requests
})
