// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/segmentpixel/caddy-segment-pixel/examples/bench/internal/rig"
)

// usualInterval is the time between two samples, unless the phase is too short for
// enough of them.
const usualInterval = 10 * time.Second

// phase is what was found out in a part of the run.
type phase struct {
	name    string
	slices  []slice
	samples []sample
}

// slice is a part of a phase of one minute, or the rest of it.
type slice struct {
	from, to time.Duration // since the phase began
	load     *rig.Result   // nil where there was none
}

// withNATS loads Caddy as things should be.
func (s *soak) withNATS(ctx context.Context) error {
	p, err := s.loaded(ctx, "NATS is up", s.options.duration)
	fmt.Print(p.table())
	return err
}

// withoutNATS goes on with the load, and stops NATS a moment later.
func (s *soak) withoutNATS(ctx context.Context) error {
	stopped := make(chan error, 1)
	go func() {
		time.Sleep(time.Second) // for the load to begin
		err := s.broker.Terminate()
		s.broker = nil
		stopped <- err
	}()
	p, err := s.loaded(ctx, "NATS is down", s.options.outage)
	fmt.Print(p.table())
	return errors.Join(err, <-stopped)
}

// loaded is a phase with a load, in slices of a minute so that each has times of
// its own.
func (s *soak) loaded(ctx context.Context, name string, d time.Duration) (p phase, err error) {
	rig.Note("%s, for %v", name, d)
	p.name = name
	end := s.watch(ctx, min(usualInterval, d/20))
	defer func() {
		samples, failure := end()
		p.samples, err = samples, errors.Join(err, failure)
	}()
	begin := time.Now()
	for {
		from := time.Since(begin)
		length := min(d-from, time.Minute)
		// A shorter load would be over before its connections are there.
		if length < time.Second {
			return p, nil
		}
		result, err := rig.Load{
			URL: s.caddy.HTTP, Paths: s.paths, Connections: connections, Duration: length, Rate: s.options.rate, CPU: s.Rest,
		}.Run(ctx)
		if err != nil {
			return p, fmt.Errorf("%s: %w; the log of Caddy ends with\n%s", name, err, s.caddy.Log(5))
		}
		s.answered += result.Answered
		p.slices = append(p.slices, slice{from: from, to: time.Since(begin), load: &result})
	}
}

// drain starts NATS again, without a load, and waits until all is stored.
func (s *soak) drain(ctx context.Context) (err error) {
	rig.Note("NATS is up again, until all is stored")
	waiting, err := s.sample(time.Now())
	if err != nil {
		return err
	}
	if err := s.caddy.ResetPeak(); err != nil {
		return err
	}
	begin := time.Now()
	end := s.watch(ctx, usualInterval/20)
	stored, took, err := s.await(ctx)
	p := phase{name: "NATS is up again, without a load"}
	samples, failure := end()
	p.samples = samples
	// A sample falls to the slice in which it was taken.
	for from := time.Duration(0); from < time.Since(begin); from += time.Minute {
		p.slices = append(p.slices, slice{from: from, to: min(from+time.Minute, time.Since(begin))})
	}
	fmt.Print(p.table())
	if err := errors.Join(err, failure); err != nil {
		return fmt.Errorf("%d of %d events are stored: %w; the log of Caddy ends with\n%s", stored, s.answered, err, s.caddy.Log(5))
	}
	memory, err := s.caddy.Memory()
	fmt.Printf("\nThe %.0f MiB of the spool were delivered within %v; the peak of RSS was %.0f MiB.\n",
		waiting.spool, took.Round(100*time.Millisecond), rig.MiB(memory.Peak))
	return err
}

// await starts NATS and waits until all that was answered is stored. It returns
// how many events are, and how long that took since NATS was there.
func (s *soak) await(ctx context.Context) (int, time.Duration, error) {
	var err error
	if s.broker, err = rig.StartBroker(ctx, s.nats); err != nil {
		return 0, 0, err
	}
	begin := time.Now()
	stored, err := s.broker.AwaitStored(ctx, stream, s.answered)
	return stored, time.Since(begin), err
}

// verdict compares what was answered with what is stored.
func (s *soak) verdict(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(time.Second): // for what should not come
	}
	stored, err := s.broker.Stored(ctx, stream)
	if err != nil {
		return err
	}
	fmt.Printf("\n%d requests were answered, and %d events are stored.\n", s.answered, stored)
	if stored != s.answered {
		return fmt.Errorf("%d events are missing, or stored twice where the number is negative; the log of Caddy ends with\n%s",
			s.answered-stored, s.caddy.Log(5))
	}
	return nil
}
