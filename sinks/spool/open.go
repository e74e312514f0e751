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
	if err := makeDir(dir, o.Sync != SyncOff); err != nil {
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
// not depend on how much it has left.
func (s *Spool) restore() error {
	log, err := wal.Open(s.dir)
	if err != nil {
		return err
	}
	clean, err := readClean(s.dir)
	if err != nil {
		return err
	}
	segments := log.Segments()
	g := &glance{dir: s.dir, open: s.tuning.openSegment}
	end, err := g.findEnd(clean.last)
	if err != nil {
		return err
	}
	s.reportEnd(end)
	exact := s.restoreAcked(segments, end.last > 0)
	s.committed = max(end.last, s.acked, clean.last)
	if end.unread && !clean.said {
		s.committed += unknownSequences
	}
	err = s.beginLog(log, end)
	if err == nil {
		err = forgetClean(s.dir)
	}
	if err != nil {
		return errors.Join(err, log.Close())
	}
	s.end.segment, s.end.at = s.log.End()
	if len(segments) == 0 && !exact {
		// A spool that begins knows where. If this fails, the next run warns, and
		// sends again all that is left.
		exact = writeCheckpoint(s.dir, s.acked, s.limits.sync != SyncOff) == nil
	}
	s.saved = s.acked
	if !exact || !clean.said {
		clean.sent = end.last
	}
	s.inDoubt = min(clean.sent, end.last)
	s.startReader()
	if g.unread != nil {
		s.logger().Warn("a part of the spool cannot be read; check the disk: "+
			"it is tried again when its events are to be delivered", zap.String("dir", s.dir), zap.Error(g.unread))
	}
	return nil
}

// restoreAcked finds out which events are acknowledged, and tells whether the checkpoint
// says so. It may be missing, or too old to tell: to free a full disk, segments are
// removed even if the checkpoint that lets them go cannot be written.
func (s *Spool) restoreAcked(segments []wal.Segment, some bool) (exact bool) {
	checkpoint, exact, err := readCheckpoint(s.dir)
	s.acked = checkpoint
	s.reader.exact = true
	if len(segments) == 0 {
		return exact
	}
	first := segments[0]
	switch {
	case !exact:
		if some {
			s.logger().Warn("the spool has no checkpoint that can be read; "+
				"all events that are left in it are sent again", zap.String("dir", s.dir), zap.Error(err))
		}
		s.acked, s.reader.exact = first.After, first.Known
	case first.Known && first.After > checkpoint:
		s.logger().Warn("the checkpoint of the spool is older than its files; events between them are gone: "+
			"they were acknowledged, unless somebody has removed files", zap.String("dir", s.dir),
			zap.Uint64("events", between(checkpoint, first.After)), zap.Int("first_segment", first.Number))
		s.acked = first.After
		return false
	}
	return exact
}

// beginLog sees to it that something can be appended: in the last segment, if its end is
// as a crash or a close leaves it, and else in another.
func (s *Spool) beginLog(log *wal.Log, end logEnd) error {
	s.log = s.tuning.wrapLog(log)
	if end.goesOn && s.committed == end.last {
		err := log.Continue(end.from)
		if !errors.Is(err, wal.ErrDamaged) {
			return err
		}
	}
	return s.log.Turn(s.limits.segmentSize, s.committed, s.limits.sync != SyncOff)
}

func (s *Spool) startReader() {
	s.read.Store(s.acked)
	s.reader.spool, s.reader.segment = s, holding(s.log.Segments(), s.acked)
	s.queue.latest = time.Now().UnixNano()
	if info, err := os.Stat(wal.Name(s.dir, s.reader.segment)); err == nil {
		s.queue.latest = info.ModTime().UnixNano()
	}
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
