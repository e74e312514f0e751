// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"time"

	"golang.org/x/sys/unix"
)

// diskRows take the disk away from under the spool.
func diskRows() []row {
	limited := disk{
		fill: func(s *scene) error { return s.limitFiles(0) },
		free: func(s *scene) error { return s.limitFiles(unix.RLIM_INFINITY) },
	}
	rows := []row{
		{name: "spool's disk full", fault: limited.full},
		{name: "spool's disk full and NATS down", loses: true, fault: limited.fullWithoutNATS},
		{
			name: "spool full and NATS down", setting: setting{spoolSize: choose("1MiB", "64MiB"), faster: choose(3, 1)},
			loses: true, fault: fillSpool,
		},
	}
	if *longFlag && canMount(inMemory) {
		small := setting{disk: inMemory}
		mounted := disk{fill: (*scene).fillDisks, free: (*scene).freeDisks}
		rows = append(rows,
			row{name: "spool's disk really full", setting: small, fault: mounted.full},
			row{name: "spool's disk really full and NATS down", setting: small, loses: true, fault: mounted.fullWithoutNATS})
	}
	if *longFlag && canMount(onDisk) {
		mounted := setting{disk: onDisk}
		rows = append(rows,
			row{name: "spool's disk does not answer", setting: mounted, fault: freezeDisk},
			row{name: "power cut of the spool's disk", setting: mounted, fault: cutPower})
	}
	return rows
}

// disk is one that can be filled under the spools, and freed.
type disk struct {
	fill, free func(*scene) error
}

// limitFiles lets Caddies write nothing to files any more, or as much as before:
// every write fails as one on a full disk does, only with another error number.
func (s *scene) limitFiles(limit uint64) error {
	return s.each(func(l *lane) error {
		return unix.Prlimit(l.caddy.child.cmd.Process.Pid, unix.RLIMIT_FSIZE,
			&unix.Rlimit{Cur: limit, Max: unix.RLIM_INFINITY}, nil)
	})
}

// full has NATS there: events go to it directly. Afterwards the spool has to work
// again, which is seen when NATS goes.
func (d disk) full(s *scene) error {
	return inOrder(
		func() error { return d.fill(s) },
		func() error { return s.answersFor(choose(time.Second, 20*time.Second)) },
		func() error { return d.free(s) },
		func() error { return s.answersFor(choose(time.Second, 20*time.Second)) },
		s.stopNATS,
		func() error { return s.answersFor(choose(500*time.Millisecond, 20*time.Second)) },
		s.startNATS)
}

// freezeDisk lasts longer than the spool waits for its disk. Afterwards the spool has to
// work again, which is seen when NATS goes.
func freezeDisk(s *scene) error {
	return inOrder(
		s.freezeDisks,
		func() error { return s.says("the spool gives up on its disk", "the disk does not answer") },
		func() error { return s.answersFor(20 * time.Second) },
		s.thawDisks,
		func() error { return s.answersFor(20 * time.Second) },
		s.stopNATS,
		func() error { return s.answersFor(20 * time.Second) },
		s.startNATS)
}

// cutPower takes the power from the disk while events are nowhere but in the spool, and
// from Caddy.
func cutPower(s *scene) error {
	return times(3,
		s.stopNATS,
		func() error { return s.answersFor(10 * time.Second) },
		func() error { return s.each((*lane).losePower) },
		s.restartCaddies,
		s.startNATS,
		s.recovers)
}

// losePower has Caddy stop first: what it answered after the disk has lost its power
// would not count.
func (l *lane) losePower() error {
	folder := spoolDisk(l.caddy)
	return inOrder(
		l.caddy.child.halt,
		func() error { return shutDown(folder) },
		l.caddy.kill,
		func() error { return remount(folder) })
}

// fullWithoutNATS frees the disk before NATS is back, so that every event is
// either refused by both or kept.
func (d disk) fullWithoutNATS(s *scene) error {
	return inOrder(
		s.stopNATS,
		func() error { return s.answersFor(choose(500*time.Millisecond, 20*time.Second)) },
		func() error { return d.fill(s) },
		s.drops,
		func() error { return s.answersFor(choose(500*time.Millisecond, 20*time.Second)) },
		func() error { return d.free(s) },
		func() error { return s.answersFor(choose(500*time.Millisecond, 20*time.Second)) },
		s.startNATS)
}

func fillSpool(s *scene) error {
	return inOrder(
		s.stopNATS,
		s.drops,
		func() error { return s.answersFor(choose(500*time.Millisecond, 20*time.Second)) },
		s.startNATS)
}

func (s *scene) drops() error {
	return s.says("events are dropped", "the sink does not take events: ")
}

// says waits until all logs hold a text, by which something is known to have happened.
func (s *scene) says(what, text string) error {
	return s.each(func(l *lane) error {
		return await(what, func() (bool, error) { return l.caddy.log.count(text) > 0, nil })
	})
}
