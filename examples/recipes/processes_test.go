// SPDX-License-Identifier: Apache-2.0

//go:build recipes

package recipes

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/segmentpixel/caddy-segment-pixel/internal/pixeltest"
)

// process is a program of a test, which is killed at its end at the latest.
type process struct {
	t    *testing.T
	name string
	dir  string
	env  []string
	args []string
	cmd  *exec.Cmd
}

// start starts it, and returns at once. Its output goes to a file beside its data.
func (p *process) start() {
	p.t.Helper()
	if err := os.MkdirAll(p.dir, 0o700); err != nil {
		p.t.Fatal(err)
	}
	log, err := os.OpenFile(filepath.Join(p.dir, p.name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		p.t.Fatal(err)
	}
	p.cmd = exec.Command(p.args[0], p.args[1:]...)
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = p.dir, log, log
	p.cmd.Env = append(os.Environ(), p.env...)
	err = p.cmd.Start()
	_ = log.Close()
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(p.kill)
}

// kill is kill -9.
func (p *process) kill() {
	if p.cmd == nil {
		return
	}
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
	p.cmd = nil
}

func buildProgram(t *testing.T, pkg string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), filepath.Base(pkg))
	if out, err := exec.Command("go", "build", "-o", program, pkg).CombinedOutput(); err != nil {
		t.Fatalf("building %s: %v\n%s", pkg, err, out)
	}
	return program
}

var loopbackPort = regexp.MustCompile(`127\.0\.0\.1:[0-9]+`)

// ports puts a free port into the place of each that an example names, the same for all
// of its files.
type ports map[string]string

func (p ports) of(t *testing.T, address string) string {
	if p[address] == "" {
		p[address] = "127.0.0.1:" + strconv.Itoa(pixeltest.FreePort(t))
	}
	return p[address]
}

// copyFile copies a file of an example with other ports, and returns its name.
func (p ports) copyFile(t *testing.T, from, to string) string {
	t.Helper()
	text, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	moved := loopbackPort.ReplaceAllStringFunc(string(text), func(address string) string { return p.of(t, address) })
	moved = strings.ReplaceAll(moved, "localhost:2019", p.of(t, from+" admin"))
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, []byte(moved), 0o600); err != nil {
		t.Fatal(err)
	}
	return to
}
