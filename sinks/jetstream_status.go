// SPDX-License-Identifier: Apache-2.0

package sinks

import (
	"github.com/segmentpixel/caddy-segment-pixel/sinks/internal/delivery"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/internal/meter"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/report"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool"
)

// meter implements metered.
func (s *JetStream) meter() *meter.Meter {
	return meterOfNATS(meter.JetStream, &s.counted, &s.Connection, &s.Messages)
}

// Status implements Reporter. The sink is ready when the spool takes events, or else
// when NATS is there with a stream for them.
func (s *JetStream) Status() report.Status {
	m := s.meter()
	status := report.Status{Server: m.Server, Subject: m.Subject, Counts: m.Counts()}
	link, keeper := s.active.Load(), s.keeper.Load()
	if link == nil || keeper == nil {
		status.AddProblem("sink", "", report.NotRunning)
		return status
	}
	connected := link.conn.Describe(&status)
	batched := link.delivery != nil && keeper.Batched.Load() != nil
	direct := keeper.Describe(&status, batched) && connected
	status.Ready = direct
	if link.delivery != nil {
		spooled := link.describeSpool(&status)
		status.Ready = spooled || direct
	}
	return status
}

// describeSpool adds the spool to a status, and tells whether it takes events.
func (l *deliveryLink) describeSpool(s *report.Status) (takes bool) {
	d := l.delivery
	running := d.Running.Load()
	if running == nil {
		s.Spool = &report.SpoolStatus{Dir: d.Directory, Capacity: l.route.MaxSize, Sync: delivery.SyncText(l.route.Sync)}
		if trouble := d.Trouble.Load(); trouble != nil {
			s.Spool.Failing = trouble.Error()
			s.AddProblem("spool", "free or repair the disk; events are published directly until then",
				"the spool %s is not open (%s)", d.Directory, trouble.Cause)
		}
		return false
	}
	stats := running.Stats()
	s.Spool = &report.SpoolStatus{
		Dir:           d.Directory,
		Open:          true,
		Events:        stats.Events,
		Bytes:         stats.Bytes,
		Capacity:      stats.Capacity,
		OldestSeconds: delivery.AgeOf(stats.Oldest).Seconds(),
		Sync:          delivery.SyncText(stats.Sync),
		Full:          stats.Full,
		Waiting:       running.Forwarder.Waiting(),
	}
	if stats.Failing != nil {
		s.Spool.Failing = stats.Failing.Error()
	}
	describeTrouble(s, &stats)
	return takesEvents(&stats)
}

// takesEvents tells whether a spool that is open takes events. One that was full does
// as soon as it has room, and one that has failed as soon as its disk is well: nothing
// but the next event would show more, and it may not come to a sink that is not ready.
func takesEvents(stats *spool.Stats) bool {
	return !stats.Full && (stats.Failing == nil || stats.Mended)
}

// describeTrouble adds what is wrong with a spool that is open.
func describeTrouble(s *report.Status, stats *spool.Stats) {
	if stats.Failing != nil {
		remedy := "check the disk's free space, health and permissions; events are not safe until then"
		if stats.Mended {
			remedy = "the disk takes files again, and the next event will show whether that is enough"
		}
		s.AddProblem("spool", remedy, "the spool %s cannot be written (%s)", s.Spool.Dir, stats.Failing)
	}
	if stats.Full {
		s.AddProblem("spool", "see why events are not acknowledged, or raise max_size; events are not safe until then",
			"the spool %s is full", s.Spool.Dir)
	}
	if s.Spool.Waiting != "" {
		s.AddProblem(report.EventsWaiting, "", "%d events wait in the spool: %s", stats.Events, s.Spool.Waiting)
	}
}
