// SPDX-License-Identifier: Apache-2.0

package replay

// rejectedSummary is what replay prints with --json.
type rejectedSummary struct {
	Stream        string            `json:"stream"`
	Read          uint64            `json:"read"`
	Waiting       uint64            `json:"waiting"` // in the stream, when it began
	Sent          uint64            `json:"sent"`    // or would be, with --dry-run
	DryRun        bool              `json:"dry_run"`
	Asked         bool              `json:"asked"` // the Caddy at --address accepts what was sent
	StillRejected map[string]uint64 `json:"still_rejected"`
	Skipped       map[string]uint64 `json:"skipped"`
	Cut           uint64            `json:"cut"`
	Altered       uint64            `json:"altered"`
	OtherSource   uint64            `json:"other_source"`
	FromSeq       uint64            `json:"from_seq,omitempty"` // where to go on
}

func (r *replay) asJSON() rejectedSummary {
	t := &r.tally
	return rejectedSummary{
		Stream: r.reader.Stream, Read: t.read, Waiting: r.reader.Waiting, Sent: t.sent, DryRun: r.sender == nil, Asked: r.running != nil,
		StillRejected: t.rejected, Skipped: t.skipped, Cut: t.cut, Altered: t.altered, OtherSource: t.otherSource, FromSeq: r.next,
	}
}

// undeliverableSummary is what replay --undeliverable prints with --json.
type undeliverableSummary struct {
	File     string           `json:"file"`
	Read     uint64           `json:"read"`
	Stored   uint64           `json:"stored"` // or would be, with --dry-run
	Before   uint64           `json:"stored_before"`
	DryRun   bool             `json:"dry_run"`
	Refused  []refusedSummary `json:"refused"`
	Damaged  uint64           `json:"damaged"`
	FromLine uint64           `json:"from_line,omitempty"` // where to go on
}

type refusedSummary struct {
	Reason  string `json:"reason"`
	Subject string `json:"subject"` // the first
	Line    uint64 `json:"line"`    // the first
	Events  uint64 `json:"events"`
}

func (r *undeliverableReplay) asJSON() undeliverableSummary {
	t := &r.tally
	s := undeliverableSummary{
		File: r.name, Read: t.read, Stored: t.stored, Before: t.before, DryRun: r.dry, Refused: []refusedSummary{}, Damaged: t.damaged, FromLine: r.next,
	}
	for _, refused := range t.refusals {
		s.Refused = append(s.Refused, refusedSummary{refused.reason, refused.subject, refused.line, refused.events})
	}
	return s
}
