// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"time"

	"github.com/segmentpixel/caddy-segment-pixel/examples/bench/internal/rig"
)

// sample is what Caddy held at one time.
type sample struct {
	at       time.Duration // since the phase began
	resident float64       // MiB
	spool    float64       // MiB of its files
}

// watch takes samples at the beginning of each interval until the function that it
// returns is called, which returns them.
func (s *soak) watch(ctx context.Context, interval time.Duration) (end func() ([]sample, error)) {
	ctx, cancel := context.WithCancel(ctx)
	var samples []sample
	var failure error
	done := make(chan struct{})
	begin := time.Now()
	go func() {
		defer close(done)
		ticker := time.NewTicker(interval)
		defer ticker.Stop()
		for {
			one, err := s.sample(begin)
			if err != nil {
				failure = err
				return
			}
			samples = append(samples, one)
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
		}
	}()
	return func() ([]sample, error) {
		cancel()
		<-done
		return samples, failure
	}
}

func (s *soak) sample(begin time.Time) (sample, error) {
	memory, err := s.caddy.Memory()
	if err != nil {
		return sample{}, err
	}
	size, err := rig.Size(s.spool)
	return sample{at: time.Since(begin), resident: rig.MiB(memory.Resident), spool: rig.MiB(size)}, err
}
