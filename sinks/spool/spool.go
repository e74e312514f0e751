// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool/wal"
)

// Spool keeps events on disk until they are acknowledged. Append, Acknowledge,
// Configure and Stats may be called by anybody at any time; Next by one goroutine.
type Spool struct {
	dir     string
	logger  func() *zap.Logger
	changed func(Change)
	lost    func(events uint64)
	tuning  tuning
	inDoubt uint64

	inherited int      // the last segment of an earlier run
	preserved sync.Map // the segments that are kept in damaged/

	// writing is held by whoever writes to the log. It is taken before mu.
	writing sync.Mutex
	log     segmentLog
	lock    io.Closer
	shut    bool        // nothing is to be written any more
	unnamed bool        // the names of segments may not be on the disk
	gone    int         // the last segment whose file is known to be gone
	suspect atomic.Bool // the current segment is not to be written any more

	// mu guards what follows. Nothing waits for the disk while it holds it.
	mu        sync.Mutex
	closed    bool
	limits    limits
	gathering []*group  // the first one is being committed, the last one may take more events
	began     time.Time // when it was the first one's turn
	trouble   trouble

	committed uint64 // the last event that was taken
	tried     uint64 // the last whose commit has failed
	queue     queue

	acked  uint64
	saved  uint64 // what the checkpoint says
	unread gap    // that the reader has met last

	// reading is held by Next. It is taken before writing.
	reading sync.Mutex
	reader  reader
	read    atomic.Uint64 // the last sequence handed out, given up or acknowledged before

	wake       chan struct{} // tells Next that there is something to read
	kick       chan struct{} // tells the keeper that a checkpoint is due
	syncTick   *time.Ticker  // of an interval, if one is configured
	closing    chan struct{}
	waited     chan struct{}  // closed when no call is in a group any more
	appends    sync.WaitGroup // calls that are in a group
	background sync.WaitGroup
	closeOnce  sync.Once
	closeErr   error
}

// limits are what Configure changes.
type limits struct {
	maxSize     int64
	segmentSize int64
	sync        time.Duration
}

// newLimits makes segments small enough that a spool that is nearly full gets room
// when one of them is dealt with.
func newLimits(maxSize int64, sync time.Duration) limits {
	size := min(wal.MaxSegment, max(maxSize/16, min(maxSize/4, leastSegmentSize)))
	size = max(size-size%wal.MinSegment, wal.MinSegment)
	return limits{maxSize: maxSize, segmentSize: size, sync: sync}
}

// Configure changes what a reload may change, while the spool is in use.
func (s *Spool) Configure(maxSize int64, sync time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.limits = newLimits(maxSize, sync)
	s.trouble.notify()
	s.syncEvery(sync)
}

// InDoubt is the sequence up to which events of an earlier run may have been sent
// although they are not acknowledged. To tell the ones that are stored already, whoever
// sends them has to send them so that each is checked for itself. When the run before
// was closed, they are those that were under way; after a crash they are all, as the
// checkpoint may lag by any number.
func (s *Spool) InDoubt() uint64 {
	return s.inDoubt
}

// Close ends all calls, writes the last checkpoint and lets go of the directory. An Append
// that is under way is completed first. Whoever calls Next has to have stopped.
func (s *Spool) Close() error {
	s.closeOnce.Do(func() {
		s.mu.Lock()
		s.closed = true
		s.mu.Unlock()
		close(s.closing)
		s.appends.Wait()
		close(s.waited)
		s.background.Wait()
		s.closeErr = s.letGo()
	})
	return s.closeErr
}

// letGo leaves the directory to the next.
func (s *Spool) letGo() error {
	s.writing.Lock()
	defer s.writing.Unlock()
	s.shut = true
	s.mu.Lock()
	if s.drained() {
		// What was refused may be on disk behind the last event. It was sent in another
		// way, and is not to come back.
		s.acked = max(s.acked, s.tried)
	}
	sync, last := s.limits.sync != SyncOff, s.committed
	s.mu.Unlock()
	err := s.checkpoint()
	if sync {
		err = errors.Join(err, s.log.Sync())
	}
	err = errors.Join(err, s.log.Close())
	if err == nil {
		err = checkpoint{Acked: s.saved, Closed: true, Sent: max(s.inDoubt, s.read.Load()), Last: last}.write(s.dir, sync)
	}
	return errors.Join(err, s.lock.Close())
}

// signal wakes the one who waits for the channel, now or when it next does.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
