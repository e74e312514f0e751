// SPDX-License-Identifier: Apache-2.0

package report

// Status is how a sink is, for the operator who asks.
type Status struct {
	// Server and Subject are the labels of the sink in metrics.
	Server  string `json:"server,omitempty"`
	Subject string `json:"subject,omitempty"`
	// Output is what the sink writes to, where it is not NATS.
	Output string `json:"output,omitempty"`
	// Ready tells whether the sink can take events now and keep its promise.
	Ready bool `json:"ready"`
	// Trouble may be there although the sink is ready.
	Trouble
	// Connected tells whether the sink is connected to NATS; nil where it never is.
	Connected *bool `json:"connected,omitempty"`
	// NATS is the server that the sink is connected to, and its version.
	NATS   string        `json:"nats,omitempty"`
	Stream *StreamStatus `json:"stream,omitempty"`
	Spool  *SpoolStatus  `json:"spool,omitempty"`
	Counts *Counts       `json:"counts,omitempty"`
}

// StreamStatus is what has been found about the streams of a sink.
type StreamStatus struct {
	Names []string `json:"names"` // of those that take its events
	// Batched tells whether events are published in batches.
	Batched  bool     `json:"batched"`
	Findings []string `json:"findings,omitempty"` // what is not as it should be
	Failure  string   `json:"failure,omitempty"`  // why the last look has failed
}

// SpoolStatus is how a spool is.
type SpoolStatus struct {
	Dir           string  `json:"dir"`
	Open          bool    `json:"open"`
	Events        uint64  `json:"events"`
	Bytes         int64   `json:"bytes"`
	Capacity      int64   `json:"capacity"`
	OldestSeconds float64 `json:"oldest_seconds"`
	Sync          string  `json:"sync"`
	Full          bool    `json:"full"`
	Failing       string  `json:"failing,omitempty"` // why the last write has failed, or the spool is not open
	Waiting       string  `json:"waiting,omitempty"` // why events wait
}

// Counts are since the process began, of all sinks with the same labels.
type Counts struct {
	Published uint64            `json:"published"`
	Acked     uint64            `json:"acked"`
	Retried   uint64            `json:"retried"`
	Duplicate uint64            `json:"duplicates,omitempty"` // acknowledged as known already, where the ack tells
	SetAside  uint64            `json:"set_aside"`
	Dropped   map[string]uint64 `json:"dropped"`
}

// NotRunning is the problem of a sink that has no status.
const NotRunning = "the sink does not run: its configuration has not started yet, or has ended"
