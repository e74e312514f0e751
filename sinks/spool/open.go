// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/prometheus/prometheus/tsdb/wlog"
	"go.uber.org/zap"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/internal/dirlock"
)

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
	dir := filepath.Clean(o.Dir)
	if err := makeDir(dir, o.Sync != SyncOff); err != nil {
		return nil, fmt.Errorf("creating the spool's directory: %w", err)
	}
	lock, err := dirlock.Lock(dir, lockName)
	if err != nil {
		return nil, fmt.Errorf("locking the spool in %s: %w", dir, err)
	}
	if o.Changed == nil {
		o.Changed = func(Change) {}
	}
	if o.Lost == nil {
		o.Lost = func(uint64) {}
	}
	s := &Spool{
		dir: dir, logger: o.Logger, changed: o.Changed, lost: o.Lost, tuning: t, lock: lock,
		limits:  newLimits(o.MaxSize, o.Sync),
		queue:   queue{max: t.queueSize},
		wake:    make(chan struct{}, 1),
		kick:    make(chan struct{}, 1),
		retime:  make(chan struct{}, 1),
		closing: make(chan struct{}),
		waited:  make(chan struct{}),
	}
	if err := s.restore(); err != nil {
		return nil, errors.Join(fmt.Errorf("opening the spool in %s: %w", dir, err), lock.Close())
	}
	s.background.Add(3)
	go (&keeper{Spool: s}).run(t.checkpointInterval)
	go s.syncAtIntervals()
	go s.watchDisk()
	return s, nil
}

// restore finds out where the spool before has stopped. How long that takes does
// not depend on how much it has left.
func (s *Spool) restore() error {
	sent, clean, err := takeClean(s.dir)
	if err != nil {
		return err
	}
	segments, err := s.prepareDir()
	if err != nil {
		return err
	}
	g := &glance{dir: s.dir, open: s.tuning.openSegment}
	end, err := g.findEnd(segments)
	if err != nil {
		return err
	}
	s.reportEnd(end)
	checkpoint, ok, err := readCheckpoint(s.dir)
	if !ok && end.last.Sequence > 0 {
		s.zap().Warn("the spool has no checkpoint that can be read; "+
			"all events that are left in it are sent again", zap.String("dir", s.dir), zap.Error(err))
	}
	from, outdated, err := s.catchUp(g, checkpoint, ok, segments)
	if err != nil {
		return err
	}
	log, current, err := openWAL(s.dir)
	if err != nil {
		return err
	}
	s.log = s.tuning.wrapLog(log)
	if s.limits.sync != SyncOff {
		if err := syncDir(s.dir); err != nil {
			return errors.Join(err, log.Close())
		}
	}
	if !ok && len(segments) == 0 {
		// A spool that begins knows where. If this fails, the next run warns, and
		// sends again all that is left.
		checkpoint = Position{Segment: current}
		from = checkpoint
		ok = writeCheckpoint(s.dir, checkpoint, s.limits.sync != SyncOff) == nil
	}
	s.usage = newUsage(s.dir, segments, current)
	s.saved = checkpoint
	s.start(from, ok && !outdated, end.last)
	if !ok || outdated || !clean {
		sent = end.last.Sequence
	}
	s.inDoubt = inDoubt(from, sent, end.last)
	if err := s.lowerCheckpoint(); err != nil {
		return errors.Join(err, log.Close())
	}
	s.reportUnread(g.unread)
	return nil
}

// start sets the sequences and the reader. It is told whether the checkpoint is exact.
func (s *Spool) start(from Position, exact bool, last Position) {
	s.committed = last
	if last.Sequence == 0 {
		// The segments are gone. Whoever reads on must not take that for a loss.
		s.committed = Position{Segment: s.usage.segment(), Sequence: from.Sequence}
	}
	s.next = max(last.Sequence, from.Sequence) + 1
	s.acked = from
	s.acked.Segment = max(from.Segment, s.usage.first)
	if from.Segment > last.Segment {
		// The segment that it names is gone. What was acknowledged is passed over.
		s.acked.Segment = s.usage.first
	}
	s.read = from.Sequence
	s.reader = reader{
		spool:   s,
		segment: s.acked.Segment,
		read:    from.Sequence,
		known:   exact || s.usage.first == 0,
		metrics: wlog.NewLiveReaderMetrics(nil),
	}
	s.ages.latest = time.Now().UnixNano()
	if info, err := os.Stat(wlog.SegmentName(s.dir, s.acked.Segment)); err == nil {
		s.ages.latest = info.ModTime().UnixNano()
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

// prepareDir makes the directory one that the write-ahead log takes, and returns
// its segments.
func (s *Spool) prepareDir() ([]int, error) {
	if err := removeLeftovers(s.dir); err != nil {
		return nil, err
	}
	segments, err := listSegments(s.dir)
	if err != nil {
		return nil, err
	}
	if err := checkSegments(s.dir, segments); err != nil {
		return nil, err
	}
	filled, err := fillHoles(s.dir, segments)
	if err != nil {
		return nil, err
	}
	if filled > 0 {
		s.zap().Warn("somebody has removed segments of the spool; put empty ones in their place",
			zap.String("dir", s.dir), zap.Int("segments", filled))
		if segments, err = listSegments(s.dir); err != nil {
			return nil, err
		}
	}
	return removeEmptyTail(s.dir, segments)
}

func newUsage(dir string, segments []int, current int) usage {
	u := usage{dir: dir, first: current, exact: true}
	if len(segments) > 0 {
		u.first = segments[0]
	}
	u.turned(sizesOf(dir, u.first, current))
	return u
}
