// SPDX-License-Identifier: Apache-2.0

package rig

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Stage is what a measurement takes place on: a directory for all that is stored,
// the programs in it, and a CPU for what is measured and one for all else.
type Stage struct {
	Dir            string
	Measured, Rest int // CPUs
	Binaries       Binaries
	faults         int // what makes the run a failure although it goes on
}

// NewStage makes the directory in another one, which is the one for temporary
// files if it is empty, builds the programs, and has this process run on the CPU
// for all else.
func NewStage(ctx context.Context, parent, pattern string) (*Stage, error) {
	measured, rest, err := CPUs()
	if err != nil {
		return nil, err
	}
	s := &Stage{Measured: measured, Rest: rest}
	if s.Dir, err = os.MkdirTemp(parent, pattern); err != nil {
		return nil, err
	}
	if s.Dir, err = filepath.Abs(s.Dir); err != nil {
		return nil, err
	}
	Note("building Caddy and nats-server")
	// The build may use all CPUs.
	if s.Binaries, err = Build(ctx, s.Dir); err != nil {
		return nil, errors.Join(err, s.End())
	}
	if err := PinSelf(s.Rest); err != nil {
		return nil, errors.Join(err, s.End())
	}
	return s, nil
}

// Fault tells what makes the run a failure although it goes on.
func (s *Stage) Fault(format string, args ...any) {
	Note(format, args...)
	s.faults++
}

// Verdict is an error if there was a fault.
func (s *Stage) Verdict() error {
	if s.faults == 0 {
		return nil
	}
	return fmt.Errorf("%d times something went wrong; what did was printed when it did", s.faults)
}

// End removes all that is stored. The processes have to be ended before.
func (s *Stage) End() error {
	return os.RemoveAll(s.Dir)
}
