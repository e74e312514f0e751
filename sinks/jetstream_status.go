// SPDX-License-Identifier: Apache-2.0

package sinks

import (
	"fmt"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool"
)

// meter implements metered.
func (s *JetStream) meter() *meter {
	return meterOfNATS(jetStreamName, &s.counted, &s.Connection, &s.Messages)
}

// Status implements Reporter. The sink is ready when the spool takes events, or else
// when NATS is there with a stream for them.
func (s *JetStream) Status() Status {
	m := s.meter()
	status := Status{Server: m.server, Subject: m.subject, Counts: m.counts()}
	link, keeper := s.active.Load(), s.keeper.Load()
	if link == nil || keeper == nil {
		status.problem(notRunning)
		return status
	}
	connected := link.conn.describe(&status)
	batched := link.delivery != nil && keeper.batched.Load() != nil
	direct := keeper.describe(&status, batched) && connected
	status.Ready = direct
	if link.delivery != nil {
		spooled := link.describeSpool(&status)
		status.Ready = spooled || direct
	}
	return status
}

// describeSpool adds the spool to a status, and tells whether it takes events.
func (l *deliveryLink) describeSpool(s *Status) (takes bool) {
	d := l.delivery
	running := d.running.Load()
	if running == nil {
		s.Spool = &SpoolStatus{Dir: d.directory, Capacity: l.route.maxSize, Sync: syncText(l.route.sync)}
		if trouble := d.trouble.Load(); trouble != nil {
			s.Spool.Failing = trouble.Error()
			s.problem(fmt.Sprintf("the spool %s is not open (%s): free or repair the disk; "+
				"events are published directly until then", d.directory, trouble.cause))
		}
		return false
	}
	stats := running.Stats()
	s.Spool = &SpoolStatus{
		Dir:           d.directory,
		Open:          true,
		Events:        stats.Events,
		Bytes:         stats.Bytes,
		Capacity:      stats.Capacity,
		OldestSeconds: ageOf(stats.Oldest).Seconds(),
		Sync:          syncText(stats.Sync),
		Full:          stats.Full,
		Waiting:       running.forwarder.Waiting(),
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
func describeTrouble(s *Status, stats *spool.Stats) {
	if stats.Failing != nil {
		remedy := "check the disk's free space, health and permissions; events are not safe until then"
		if stats.Mended {
			remedy = "the disk takes files again, and the next event will show whether that is enough"
		}
		s.problem(fmt.Sprintf("the spool %s cannot be written (%s): %s", s.Spool.Dir, stats.Failing, remedy))
	}
	if stats.Full {
		s.problem(fmt.Sprintf("the spool %s is full: see why events are not acknowledged, or raise max_size; "+
			"events are not safe until then", s.Spool.Dir))
	}
	if s.Spool.Waiting != "" {
		s.problem(fmt.Sprintf("%d events wait in the spool: %s", stats.Events, s.Spool.Waiting))
	}
}
