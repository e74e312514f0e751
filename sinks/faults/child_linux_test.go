// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// halt stops the process, and returns when no thread of it runs any more. One that
// waits for the disk stops when it comes back from there.
func (c *child) halt() error {
	if err := c.signal(syscall.SIGSTOP); err != nil {
		return err
	}
	threads := fmt.Sprintf("/proc/%d/task/*/stat", c.cmd.Process.Pid)
	return await("the process has stopped", func() (bool, error) {
		files, err := filepath.Glob(threads)
		if err != nil {
			return false, err
		}
		for _, file := range files {
			content, err := os.ReadFile(file)
			if err != nil {
				return false, err
			}
			// The name of the thread, in parentheses, is before its state.
			state := content[bytes.LastIndexByte(content, ')')+2]
			if state != 'T' && state != 'D' {
				return false, nil
			}
		}
		return len(files) > 0, nil
	})
}
