// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"

	"github.com/prometheus/prometheus/tsdb/wlog"
	"github.com/prometheus/prometheus/util/compression"
)

const (
	// hugeSegment keeps the log from turning segments by itself.
	hugeSegment = 1 << 30

	// maxAbandoned bounds the logs that could not be let go of. Each holds a
	// goroutine and a file.
	maxAbandoned = 8

	repairSuffix = ".repair" // of a file that wlog.WL.Repair works on
)

var errAbandoned = errors.New("too many segments could never be written again; " +
	"check the disk and restart the server")

// wal is Prometheus' write-ahead log.
type wal struct {
	dir       string
	abandoned int

	mu      sync.RWMutex // held for reading during a Sync, for writing during a turn
	log     *wlog.WL
	segment int
}

// openWAL begins a new segment after the last in the directory.
func openWAL(dir string) (*wal, int, error) {
	w := &wal{dir: dir}
	if err := w.open(); err != nil {
		return nil, 0, err
	}
	return w, w.segment, nil
}

func (w *wal) open() error {
	log, err := wlog.NewSize(slog.New(slog.DiscardHandler), nil, w.dir, hugeSegment, compression.Snappy)
	if err != nil {
		return err
	}
	_, segment, err := wlog.Segments(w.dir)
	if err != nil {
		return errors.Join(err, log.Close())
	}
	w.log = log
	w.began(segment)
	return nil
}

// began notes the current segment, and keeps it from other users: wlog does not.
func (w *wal) began(segment int) {
	w.segment = segment
	_ = os.Chmod(wlog.SegmentName(w.dir, segment), 0o600)
}

func (w *wal) Log(record []byte) error {
	return w.log.Log(record)
}

func (w *wal) Sync() error {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return w.log.Sync()
}

func (w *wal) NextSegment() (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	segment, err := w.log.NextSegment()
	if err == nil {
		w.began(segment)
		return segment, nil
	}
	// A full disk fails every file. The log goes on when there is room again.
	if probeErr := Probe(w.dir); probeErr != nil {
		return 0, err
	}
	if segment, err = w.log.NextSegment(); err == nil {
		w.began(segment)
		return segment, nil
	}
	err = w.forsake(err)
	return w.segment, err
}

// Close releases the file and the goroutine of the log, except when the disk is
// so full that the last page cannot be filled: wlog.WL.Close gives up then.
func (w *wal) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	err := w.log.Close()
	if err == nil || Probe(w.dir) != nil {
		return err
	}
	if err := w.letGo(err); err != nil {
		return err
	}
	return w.log.Close()
}

// forsake goes on after a segment that cannot be written any more although others
// can.
func (w *wal) forsake(cause error) error {
	if err := w.letGo(cause); err == nil {
		return nil
	}
	if w.abandoned == maxAbandoned {
		return fmt.Errorf("%w: %w", errAbandoned, cause)
	}
	w.abandoned++
	return w.open()
}

// letGo makes the log close its segment without writing the rest of its page to
// it, which wlog.WL does nowhere but in Repair. So it is given an empty segment
// after the last to repair: it closes the current one, puts the empty one and its
// successor in place and removes none.
func (w *wal) letGo(cause error) error {
	segment, err := emptySegment(w.dir)
	if err != nil {
		return err
	}
	err = w.log.Repair(&wlog.CorruptionErr{Dir: w.dir, Segment: segment, Err: cause})
	name := wlog.SegmentName(w.dir, segment)
	// What Repair has written is the rest of a page that belongs elsewhere.
	truncErr := os.Truncate(name, 0)
	_ = os.Remove(name + repairSuffix)
	if err = errors.Join(err, truncErr); err != nil {
		return err
	}
	w.began(segment + 1)
	return nil
}
