// SPDX-License-Identifier: Apache-2.0

package rig

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// CPUs returns two CPUs that this process may use: one for what is measured, and
// one for all else. So the measured process never waits for the load, nor does it
// move between CPUs.
func CPUs() (measured, rest int, err error) {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return 0, 0, fmt.Errorf("which CPUs there are: %w", err)
	}
	var found []int
	for cpu := 0; cpu < len(set)*64 && len(found) < 2; cpu++ {
		if set.IsSet(cpu) {
			found = append(found, cpu)
		}
	}
	if len(found) < 2 {
		return 0, 0, errors.New("two CPUs are needed, one for what is measured and one for the load; run this where there are two")
	}
	return found[0], found[1], nil
}

// PinSelf has all threads of this process run on one CPU. Go makes its threads
// from one another, so later ones do so as well.
func PinSelf(cpu int) error {
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return err
	}
	for _, thread := range threads {
		id, err := strconv.Atoi(thread.Name())
		if err != nil {
			return err
		}
		if err := pin(id, cpu); err != nil && !errors.Is(err, unix.ESRCH) {
			return err
		}
	}
	return nil
}

// pin has a thread run on one CPU; 0 is the calling thread.
func pin(thread, cpu int) error {
	var set unix.CPUSet
	set.Set(cpu)
	if err := unix.SchedSetaffinity(thread, &set); err != nil {
		return fmt.Errorf("running on CPU %d: %w", cpu, err)
	}
	return nil
}
