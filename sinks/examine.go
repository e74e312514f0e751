// SPDX-License-Identifier: Apache-2.0

package sinks

import "context"

// Examine implements Examiner.
func (s *NATS) Examine(ctx context.Context, site Site) []Check {
	return examineNATS(ctx, &examination{
		Connection:   s.Connection,
		Subject:      s.template.wildcard(),
		Rejected:     s.rejectedPrefix(),
		MaxEventSize: site.MaxEventSize,
	})
}

// Examine implements Examiner.
func (s *JetStream) Examine(ctx context.Context, site Site) []Check {
	x := examination{
		Connection:   s.Connection,
		Domain:       s.Domain,
		Subject:      s.template.wildcard(),
		Rejected:     s.rejectedPrefix(),
		MaxEventSize: site.MaxEventSize,
		Stream:       s.Stream,
		Spool:        &examinedSpool{Off: s.Spool.isOff()},
	}
	if !x.Spool.Off {
		x.Spool.Options, x.Spool.Err = s.spoolOptions()
	}
	return examineJetStream(ctx, &x)
}

// ExamineForgotten looks for spools in the default place that hold events and that
// belong to none of the sinks.
func ExamineForgotten(inUse []Sink) []Check {
	var used []string
	for _, sink := range inUse {
		if s, ok := sink.(*JetStream); ok && !s.Spool.isOff() {
			if options, err := s.spoolOptions(); err == nil {
				used = append(used, options.Dir)
			}
		}
	}
	return examineForgotten(used)
}

// Interface guards
var (
	_ Examiner = (*NATS)(nil)
	_ Examiner = (*JetStream)(nil)
)
