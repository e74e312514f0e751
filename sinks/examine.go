// SPDX-License-Identifier: Apache-2.0

package sinks

import (
	"context"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/internal/examine"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/natsconn"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/report"
)

// Examine implements Examiner.
func (s *NATS) Examine(ctx context.Context, site Site) []report.Check {
	return examine.NATS(ctx, &examine.Subject{
		Connection:   s.Connection,
		Subject:      s.template.Wildcard(),
		Rejected:     s.rejectedPrefix(),
		MaxEventSize: site.MaxEventSize,
	})
}

// Examine implements Examiner.
func (s *JetStream) Examine(ctx context.Context, site Site) []report.Check {
	x := examine.Subject{
		Connection:   s.Connection,
		Domain:       s.Domain,
		Subject:      s.template.Wildcard(),
		Rejected:     s.rejectedPrefix(),
		MaxEventSize: site.MaxEventSize,
		Stream:       s.Stream,
		Spool:        &examine.Spool{Off: s.Spool.IsOff()},
	}
	if !x.Spool.Off {
		x.Spool.Options, x.Spool.Err = s.spoolOptions()
	}
	return examine.JetStream(ctx, &x)
}

// ExamineConnection checks the options of a connection and every server that they name. The
// probe, which is to be closed, is nil if no server lets us in.
func ExamineConnection(ctx context.Context, c natsconn.Connection, domain string) ([]report.Check, *natsconn.Probe) {
	return examine.Connection(ctx, c, domain)
}

// ExamineForgotten looks for spools in the default place that hold events and that
// belong to none of the sinks.
func ExamineForgotten(inUse []Sink) []report.Check {
	var used []string
	for _, sink := range inUse {
		if s, ok := sink.(*JetStream); ok && !s.Spool.IsOff() {
			if options, err := s.spoolOptions(); err == nil {
				used = append(used, options.Dir)
			}
		}
	}
	return examine.Forgotten(used)
}

// Interface guards
var (
	_ Examiner = (*NATS)(nil)
	_ Examiner = (*JetStream)(nil)
)
