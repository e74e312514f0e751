// SPDX-License-Identifier: Apache-2.0

package rig

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// endsWithin is how long a process may take to end.
const endsWithin = 30 * time.Second

// Command says what process to start.
type Command struct {
	Name string // in errors
	Path string // of the program
	Args []string
	Dir  string // its working directory and home, also for what it stores; is made
	CPU  int    // the only one that it may use
}

// Process is a process that was started, or one that runs already.
type Process struct {
	name  string
	pid   int
	log   string
	cmd   *exec.Cmd     // nil where somebody else started it
	ended chan struct{} // closed when it has ended
	err   error         // of its end
}

// Start starts a process. What it writes goes to the file "log" in its directory.
func Start(c Command) (*Process, error) {
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(c.Dir, "log"))
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(c.Path, c.Args...) //nolint:gosec // the caller chooses the program
	cmd.Dir = c.Dir
	cmd.Env = append(os.Environ(), "HOME="+c.Dir, "XDG_DATA_HOME="+c.Dir, "XDG_CONFIG_HOME="+c.Dir)
	cmd.Stdout, cmd.Stderr = log, log
	// The child has the file open itself.
	if err := errors.Join(spawn(cmd, c.CPU), log.Close()); err != nil {
		return nil, fmt.Errorf("starting %s: %w", c.Name, err)
	}
	p := &Process{name: c.Name, pid: cmd.Process.Pid, log: log.Name(), cmd: cmd, ended: make(chan struct{})}
	go func() {
		p.err = cmd.Wait()
		close(p.ended)
	}()
	return p, nil
}

// Attach returns a process that somebody else has started. Terminate leaves it
// running.
func Attach(name string, pid int) (*Process, error) {
	if err := syscall.Kill(pid, 0); err != nil && !errors.Is(err, syscall.EPERM) {
		return nil, fmt.Errorf("%s: process %d: %w; name one that runs", name, pid, err)
	}
	return &Process{name: name, pid: pid, ended: make(chan struct{})}, nil
}

// Terminate asks the process to end, waits for that and returns what went wrong.
func (p *Process) Terminate() error {
	if p.cmd == nil {
		return nil
	}
	select {
	case <-p.ended:
		return p.failure("had ended before it was asked to")
	default:
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("ending %s: %w", p.name, err)
	}
	select {
	case <-p.ended:
	case <-time.After(endsWithin):
		_ = p.cmd.Process.Kill()
		<-p.ended
		return p.failure(fmt.Sprintf("did not end within %v", endsWithin))
	}
	// Some report no success but that the signal has ended them.
	status, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	if p.err == nil || (ok && status.Signaled() && status.Signal() == syscall.SIGTERM) {
		return nil
	}
	return p.failure("did not end well")
}

// Kill ends the process at once, as a crash would.
func (p *Process) Kill() error {
	if p.cmd == nil {
		return nil
	}
	err := p.cmd.Process.Kill()
	<-p.ended
	return err
}

// failure is an error with the end of the log.
func (p *Process) failure(what string) error {
	err := fmt.Errorf("%s %s; its log ends with\n%s", p.name, what, p.Log(10))
	select {
	case <-p.ended:
		return errors.Join(err, p.err)
	default:
		return err
	}
}

// Log returns the last lines of what the process wrote.
func (p *Process) Log(lines int) string {
	if p.log == "" {
		return ""
	}
	text, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	text = bytes.TrimRight(text, "\n")
	start := len(text)
	for ; lines > 0 && start >= 0; lines-- {
		start = bytes.LastIndexByte(text[:start], '\n')
	}
	return string(text[start+1:])
}
