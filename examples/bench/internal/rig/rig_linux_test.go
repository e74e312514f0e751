// SPDX-License-Identifier: Apache-2.0

package rig

import (
	"os"
	"testing"
	"time"
)

func TestOwnProcess(t *testing.T) {
	p, err := Attach("this test", os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	before, err := p.CPUTime()
	if err != nil {
		t.Fatal(err)
	}
	spins := 0
	for start := time.Now(); time.Since(start) < 10*time.Millisecond; {
		spins++
	}
	t.Logf("%d spins", spins)
	after, err := p.CPUTime()
	if err != nil {
		t.Fatal(err)
	}
	if after <= before {
		t.Errorf("the CPU time went from %v to %v", before, after)
	}
	m, err := p.Memory()
	if err != nil {
		t.Fatal(err)
	}
	if m.Resident < 1<<20 || m.Peak < m.Resident/2 {
		t.Errorf("the memory is %+v", m)
	}
}
