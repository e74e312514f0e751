// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/segmentpixel/caddy-segment-pixel/examples/bench/internal/rig"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool"
)

const (
	// backlogSize is how many bytes an event of a backlog has.
	backlogSize = 600

	// onDisk is how many bytes of room are asked for each event: the event, what
	// the spool adds, and some more.
	onDisk = 800

	// spoolLimit is how large the spool may grow. The disk is looked at instead.
	spoolLimit = 1 << 40
)

// fill puts so many events for a subject into the spool of a directory and closes
// it. They are put in one by one, as if they had come slowly: those that come at
// the same time are compressed together and take less room.
func fill(ctx context.Context, dir, subject string, number int) (err error) {
	bodies, err := rig.Payloads(1000, backlogSize, backlogSize)
	if err != nil {
		return err
	}
	s, err := spool.Open(spool.Options{Dir: dir, MaxSize: spoolLimit, Sync: spool.SyncOff})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	for n := range number {
		event := spool.Event{Subject: subject, MessageID: fmt.Sprintf("web:backlog-%d", n), Body: bodies[n%len(bodies)]}
		if err := errors.Join(ctx.Err(), s.Append(event)); err != nil {
			return fmt.Errorf("filling the spool: %w", err)
		}
	}
	return nil
}
