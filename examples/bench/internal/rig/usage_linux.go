// SPDX-License-Identifier: Apache-2.0

package rig

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// CPUTime is what the process and its descendants have used of all CPUs until now,
// in user and kernel mode, to the nanosecond: /proc counts hundredths of a second.
// Descendants that have ended do not count.
func (p *Process) CPUTime() (time.Duration, error) {
	pids, err := p.tree()
	if err != nil {
		return 0, err
	}
	var sum time.Duration
	for _, pid := range pids {
		const scheduler = 2 // CPUCLOCK_SCHED of the kernel: the sum of all threads, also of those that have ended
		var used unix.Timespec
		if err := unix.ClockGettime(int32(^pid<<3|scheduler), &used); err != nil {
			return 0, fmt.Errorf("CPU time of process %d of %s: %w", pid, p.name, err)
		}
		sum += time.Duration(used.Nano())
	}
	return sum, nil
}

// Memory is what a process and its descendants hold in RAM, in bytes. Pages that
// several of them share count for each.
type Memory struct {
	Resident int64 // now
	Peak     int64 // the most until now
}

// Memory returns what the process holds.
func (p *Process) Memory() (Memory, error) {
	var sum Memory
	pids, err := p.tree()
	if err != nil {
		return sum, err
	}
	for _, pid := range pids {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if err != nil {
			return sum, fmt.Errorf("memory of %s: %w", p.name, err)
		}
		resident, err := kilobytes(status, "VmRSS:")
		if err != nil {
			return sum, err
		}
		peak, err := kilobytes(status, "VmHWM:")
		if err != nil {
			return sum, err
		}
		sum.Resident += resident
		sum.Peak += peak
	}
	return sum, nil
}

// ResetPeak has the peak begin anew, from what the process holds now.
func (p *Process) ResetPeak() error {
	pids, err := p.tree()
	if err != nil {
		return err
	}
	const peak = "5" // of all that the kernel can forget of a process, see proc(5)
	for _, pid := range pids {
		if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte(peak), 0o200); err != nil {
			return fmt.Errorf("peak of the memory of %s: %w", p.name, err)
		}
	}
	return nil
}

// kilobytes reads a field of /proc/<pid>/status, in bytes.
func kilobytes(status []byte, name string) (int64, error) {
	_, rest, _ := bytes.Cut(status, []byte("\n"+name))
	value, _, found := bytes.Cut(rest, []byte(" kB"))
	if !found {
		return 0, fmt.Errorf("the kernel does not tell %s of a process", name)
	}
	n, err := strconv.ParseInt(string(bytes.TrimSpace(value)), 10, 64)
	return n << 10, err
}

// tree returns the process and all its descendants: nginx works in a child.
func (p *Process) tree() ([]int, error) {
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, err
	}
	children := make(map[int][]int)
	for _, file := range files {
		stat, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended since
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if err != nil {
			return nil, err
		}
		// The name, in parentheses, may hold anything. Behind it are the state and
		// the parent.
		fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
		parent, err := strconv.Atoi(string(fields[1]))
		if err != nil {
			return nil, fmt.Errorf("parent in %s: %w", file, err)
		}
		children[parent] = append(children[parent], pid)
	}
	pids := []int{p.pid}
	for n := 0; n < len(pids); n++ {
		pids = append(pids, children[pids[n]]...)
	}
	return pids, nil
}
