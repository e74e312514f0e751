// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"errors"
	"fmt"
	"math"
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
	go s.every(s.syncTick, s.closing, s.syncDirty)
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
	clean, err := takeClean(s.dir)
	if err != nil {
		return err
	}
	segments := log.Segments()
	g := &glance{dir: s.dir, open: s.tuning.openSegment}
	end, err := g.findEnd(segments, clean.said)
	if err != nil {
		return err
	}
	s.reportEnd(end)
	checkpoint, ok, err := readCheckpoint(s.dir)
	if !ok && end.last.Sequence > 0 {
		s.logger().Warn("the spool has no checkpoint that can be read; "+
			"all events that are left in it are sent again", zap.String("dir", s.dir), zap.Error(err))
	}
	from, outdated, err := s.catchUp(g, checkpoint, ok, segments)
	if err != nil {
		return err
	}
	if err := s.beginLog(log, end); err != nil {
		return errors.Join(err, log.Close())
	}
	if !ok && len(segments) == 0 {
		// A spool that begins knows where. If this fails, the next run warns, and
		// sends again all that is left.
		checkpoint.Segment, _ = log.End()
		from = checkpoint
		ok = writeCheckpoint(s.dir, checkpoint, s.limits.sync != SyncOff) == nil
	}
	s.saved = checkpoint
	s.start(from, ok && !outdated, end, clean.last)
	if !ok || outdated || !clean.said {
		clean.sent = end.last.Sequence
	}
	s.inDoubt = inDoubt(from, clean.sent, end.last)
	if err := s.lowerCheckpoint(); err != nil {
		return errors.Join(err, log.Close())
	}
	if g.unread != nil {
		s.logger().Warn("a part of the spool cannot be read; check the disk: "+
			"it is tried again when its events are to be delivered", zap.String("dir", s.dir), zap.Error(g.unread))
	}
	return nil
}

// beginLog sees to it that something can be appended: in the last segment, if its end is
// as a crash or a close leaves it, and else in another.
func (s *Spool) beginLog(log *wal.Log, end logEnd) error {
	s.log = s.tuning.wrapLog(log)
	if end.goesOn {
		err := log.Continue(end.from)
		if !errors.Is(err, wal.ErrDamaged) {
			return err
		}
	}
	return s.log.Turn(s.limits.segmentSize, s.limits.sync != SyncOff)
}

// unknownSequences is more than a segment has events.
const unknownSequences = 1 << 24

// start sets the sequences and the reader. It is told whether the checkpoint is exact, and
// what the last event was if the run before has said so.
func (s *Spool) start(from Position, exact bool, end logEnd, last uint64) {
	first := s.log.Segments()[0]
	current, _ := s.log.End()
	s.committed, s.committedEnd = end.last, end.at
	if end.last.Sequence == 0 {
		// The segments are gone. Whoever reads on must not take that for a loss.
		s.committed, s.committedEnd = Position{Segment: current, Sequence: from.Sequence}, 0
	}
	if last > s.committed.Sequence {
		// The reader is to find out that they are gone.
		s.committed.Sequence = last
		if n := len(end.harmed); n > 0 {
			s.committed.Segment, s.committedEnd = end.harmed[n-1], math.MaxInt64
		}
	}
	s.next = max(s.committed.Sequence, from.Sequence) + 1
	if end.unread {
		s.next += unknownSequences
	}
	s.acked = from
	s.acked.Segment = max(from.Segment, first)
	if from.Segment > end.last.Segment {
		// The segment that it names is gone. What was acknowledged is passed over.
		s.acked.Segment = first
	}
	s.read.Store(from.Sequence)
	s.reader = reader{spool: s, segment: s.acked.Segment, known: exact || first == 0}
	s.queue.latest = time.Now().UnixNano()
	if info, err := os.Stat(wal.Name(s.dir, s.acked.Segment)); err == nil {
		s.queue.latest = info.ModTime().UnixNano()
	}
}

// lowerCheckpoint corrects a checkpoint that names a segment beyond those on disk.
// Their numbers are going to reach it, and it would say then that the segments before
// are read. So no event is taken before that.
func (s *Spool) lowerCheckpoint() error {
	if s.saved.Segment <= s.acked.Segment {
		return nil
	}
	if err := writeCheckpoint(s.dir, s.acked, s.limits.sync != SyncOff); err != nil {
		return fmt.Errorf("correcting the checkpoint: %w", err)
	}
	s.saved = s.acked
	return nil
}

// inDoubt is what InDoubt returns if events up to a sequence may have been sent.
func inDoubt(checkpoint Position, sent uint64, last Position) uint64 {
	if last.Sequence <= checkpoint.Sequence || sent <= checkpoint.Sequence {
		return 0
	}
	return min(sent, last.Sequence)
}
