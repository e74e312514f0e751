// SPDX-License-Identifier: Apache-2.0

package sinks

import (
	"context"
	"errors"
	"time"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/internal/delivery"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/report"
)

// HasSpool tells whether a sink keeps events on disk.
func HasSpool(sink Sink) bool {
	s, ok := sink.(*JetStream)
	return ok && !s.Spool.IsOff()
}

const (
	drainLook = 200 * time.Millisecond
	// closeLimit is more than it takes to close what is drained.
	closeLimit = 5 * time.Second
)

// Drain sends what is in the spool of a sink, which has been provisioned and is not started,
// until nothing is left or the context ends, and tells now and then how it is. The spool
// must not be in use by another process.
func Drain(ctx context.Context, sink Sink, tell func(report.SpoolStatus)) (left uint64, err error) {
	s, ok := sink.(*JetStream)
	if !ok || s.Spool.IsOff() {
		return 0, errors.New("the sink has no spool")
	}
	if err := s.Start(Site{Configuration: new(int)}); err != nil {
		return 0, err
	}
	defer awaitClosed(time.Duration(s.DrainTimeout) + closeLimit)
	defer s.Stop()
	ticker := time.NewTicker(drainLook)
	defer ticker.Stop()
	for {
		status := s.Status().Spool
		if status == nil || !status.Open {
			return 0, errors.New("the spool cannot be opened: " + failing(status))
		}
		tell(*status)
		if left = status.Events; left == 0 {
			return 0, nil
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return left, nil
		}
	}
}

func failing(status *report.SpoolStatus) string {
	if status == nil {
		return "it does not say why"
	}
	return status.Failing
}

// awaitClosed waits until every spool is closed, so that what was acknowledged is noted on
// disk: otherwise it would be sent once more. That takes no longer than its drain_timeout.
func awaitClosed(limit time.Duration) {
	for end := time.Now().Add(limit); len(delivery.Live()) > 0 && time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond)
	}
}
