// SPDX-License-Identifier: Apache-2.0

package rig

import (
	"context"
	"time"
)

// Spent is what a load has cost a process.
type Spent struct {
	Result
	CPU      time.Duration // of all requests together
	Resident int64         // bytes, at the end of the load
}

// Measure sends a load to a process and lets settle wait until all has arrived: what
// the process does for a request after its answer counts as well.
func (s *Stage) Measure(ctx context.Context, p *Process, load Load, settle func(Result) error) (spent Spent, err error) {
	// What others have left for the disk is not the burden of this one.
	if err := Flush(s.Dir); err != nil {
		return spent, err
	}
	before, err := p.CPUTime()
	if err != nil {
		return spent, err
	}
	if spent.Result, err = load.Run(ctx); err != nil {
		return spent, err
	}
	memory, err := p.Memory()
	if err != nil {
		return spent, err
	}
	if err := settle(spent.Result); err != nil {
		return spent, err
	}
	after, err := p.CPUTime()
	spent.CPU, spent.Resident = after-before, memory.Resident
	return spent, err
}
