// SPDX-License-Identifier: Apache-2.0

//go:build unix

package faults

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// child is a process of Caddy or nats-server.
type child struct {
	cmd   *exec.Cmd
	ended chan struct{} // closed when it has ended and all it wrote has been read
	err   error         // of its end
}

// startChild runs this binary in a role. What it writes goes to the journal, and
// the folder is its home.
func startChild(role string, log *journal, dir string, args ...string) (*child, error) {
	executable, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c := &child{cmd: exec.Command(executable, args...), ended: make(chan struct{})}
	c.cmd.Dir = dir
	c.cmd.Env = append(os.Environ(), roleVariable+"="+role,
		"HOME="+dir, "XDG_DATA_HOME="+dir, "XDG_CONFIG_HOME="+dir)
	c.cmd.Stdout, c.cmd.Stderr = log, log
	if _, err := c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if err := spawn(c.cmd); err != nil {
		return nil, err
	}
	go func() {
		c.err = c.cmd.Wait()
		log.endProcess()
		close(c.ended)
	}()
	return c, nil
}

func (c *child) hasEnded() bool {
	select {
	case <-c.ended:
		return true
	default:
		return false
	}
}

func (c *child) signal(sig os.Signal) error {
	return c.cmd.Process.Signal(sig)
}

// kill is kill -9.
func (c *child) kill() error {
	if err := c.signal(syscall.SIGKILL); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	<-c.ended
	return nil
}

// terminate asks the process to end, and expects it to report success.
func (c *child) terminate() error {
	if err := c.signal(syscall.SIGTERM); err != nil {
		return err
	}
	timer := time.NewTimer(patience())
	defer timer.Stop()
	select {
	case <-c.ended:
		return c.err
	case <-timer.C:
		// Its stacks are worth more than its life.
		_ = c.signal(syscall.SIGQUIT)
		<-c.ended
		return fmt.Errorf("the process did not end within %v of SIGTERM", patience())
	}
}
