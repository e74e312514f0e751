// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"go.uber.org/zap"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/internal/dirlock"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool/wal"
)

// ErrHeld tells that another spool, in this process or in another, holds the directory.
var ErrHeld = dirlock.ErrHeld

// Open opens the spool in a directory, which it creates if need be, and goes on
// where the one before stopped or crashed. The error is ErrHeld if somebody else
// has it open.
func Open(o Options) (*Spool, error) {
	return open(o, defaultTuning())
}

func open(o Options, t tuning) (*Spool, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	if o.Logger == nil {
		o.Logger = zap.NewNop
	}
	if o.Changed == nil {
		o.Changed = func(Change) {}
	}
	if o.Lost == nil {
		o.Lost = func(uint64) {}
	}
	dir := filepath.Clean(o.Dir)
	if err := makeDir(dir); err != nil {
		return nil, fmt.Errorf("creating the spool's directory: %w", err)
	}
	lock, err := dirlock.Lock(dir, lockName)
	if err != nil {
		return nil, fmt.Errorf("locking the spool in %s: %w", dir, err)
	}
	if IsOpenToOthers(dir) {
		o.Logger().Warn("other users may write to the spool's directory, in which they could read and forge events: "+
			"take their permission with chmod go-w", zap.String("dir", dir))
	}
	s := &Spool{
		dir: dir, logger: o.Logger, changed: o.Changed, lost: o.Lost, tuning: t, lock: lock,
		limits:  newLimits(o.MaxSize, o.Sync),
		queue:   queue{max: t.queueSize},
		wake:    make(chan struct{}, 1),
		kick:    make(chan struct{}, 1),
		closing: make(chan struct{}),
		waited:  make(chan struct{}),
	}
	if err := s.restore(); err != nil {
		return nil, errors.Join(fmt.Errorf("opening the spool in %s: %w", dir, err), lock.Close())
	}
	s.background.Add(3)
	go (&keeper{Spool: s}).run(t.checkpointInterval)
	s.syncTick = time.NewTicker(time.Hour)
	s.syncEvery(o.Sync)
	go s.every(s.syncTick, s.closing, s.syncNow)
	go s.every(time.NewTicker(t.stallAfter/4), s.waited, s.giveUpStalled)
	return s, nil
}

// restore finds out where the spool before has stopped. How long that takes does
// not depend on how many events it has left.
func (s *Spool) restore() error {
	log, err := wal.Open(s.dir)
	if err != nil {
		return err
	}
	saved, missing := readCheckpoint(s.dir)
	segments := log.Segments()
	end, err := findEnd(s.dir, s.tuning.openSegment, segments, saved.Last)
	if err != nil {
		return err
	}
	s.restoreAcked(segments, saved, missing)
	s.committed = max(end.last, s.acked, saved.Last)
	if end.unknown && saved.Last == 0 {
		s.committed += unknownSequences
	}
	s.saved, s.inherited, s.inDoubt = s.acked, end.segment.Number, s.committed
	if saved.Closed && s.acked == saved.Acked {
		s.inDoubt = saved.Sent
	}
	if err := s.beginLog(log, end); err != nil {
		return errors.Join(err, log.Close())
	}
	// What the run before has said of its end is not to be met again, not even after a
	// power cut.
	err = checkpoint{Acked: s.acked}.write(s.dir, true)
	if missing != nil && isFull(err) {
		err = nil
	} else if missing != nil && err == nil {
		err = wal.SyncDir(s.dir)
	}
	if err != nil {
		return errors.Join(err, log.Close())
	}
	s.reportEnd(end)
	s.read.Store(s.acked)
	s.reader.spool = s
	s.queue.latest = time.Now().UnixNano()
	if info, err := os.Stat(s.ahead().segment.Name(s.dir)); err == nil {
		s.queue.latest = info.ModTime().UnixNano()
	}
	return nil
}

// restoreAcked finds out which events are acknowledged. The checkpoint may be missing, or
// too old to tell: segments are removed even if the checkpoint that lets them go cannot be
// written. And what lies before the first segment may be lost with files.
func (s *Spool) restoreAcked(segments []wal.Segment, saved checkpoint, missing error) {
	first := wal.Segment{After: saved.Last}
	if len(segments) > 0 {
		first = segments[0]
	}
	s.acked = max(saved.Acked, first.After)
	dir, events := zap.String("dir", s.dir), between(saved.Acked, s.acked)
	switch {
	case missing != nil && len(segments) > 0:
		s.logger().Warn("the spool has no checkpoint that can be read; "+
			"all events that are left in it are sent again", dir, zap.Error(missing))
	case s.acked == saved.Acked:
	case len(segments) == 0:
		s.lost(events)
		s.logger().Error(lineLost, dir, zap.Error(errDamaged), zap.Uint64("events_lost", events))
	default:
		s.logger().Warn("the checkpoint of the spool is older than its files; events between them are gone: "+
			"they were acknowledged, unless somebody has removed files", dir,
			zap.Uint64("events", events), zap.Int("first_segment", first.Number))
	}
}

// beginLog sees to it that something can be appended: in the last segment, if its end is
// as a crash or a close leaves it, and else in another.
func (s *Spool) beginLog(log *wal.Log, end logEnd) error {
	s.log, s.unnamed, s.gone = s.tuning.wrapLog(log), true, -1
	if end.goesOn && s.committed == end.last && log.Continue(end.at) == nil {
		return nil
	}
	return s.log.Turn(s.limits.segmentSize, s.committed, s.limits.sync != SyncOff)
}

// unknownSequences is more than a segment has events. So many are left out behind an end
// that cannot be read, as it may hold some.
const unknownSequences = 1 << 32

// between is how many events there are after a sequence up to another.
func between(after, last uint64) uint64 {
	events := (last - after) % unknownSequences
	if events > unknownSequences/2 {
		return 0 // the end could be read later
	}
	return events
}
