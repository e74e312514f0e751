// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/prometheus/prometheus/tsdb/wlog"
)

// reader is the state of Next: how far the one who calls it has come, and the
// segment that it reads when memory does not hold what follows.
type reader struct {
	spool *Spool
	block *block // what is left of the record that is being handed out
	read  uint64 // the last sequence handed out, given up or acknowledged
	known bool   // read is known: a higher previous sequence means a loss

	segment int
	file    *os.File
	live    *wlog.LiveReader // until damage is met
	scan    *scanner         // from then on
	whole   int64            // the end of the last whole record
	metrics *wlog.LiveReaderMetrics
	damage  damage
}

func (r *reader) close() {
	if r.file != nil {
		_ = r.file.Close()
	}
	r.file, r.live, r.scan, r.whole = nil, nil, nil, 0
}

func (r *reader) open() error {
	name := wlog.SegmentName(r.spool.dir, r.segment)
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	// A device could be read for ever.
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a regular file", name)
	}
	if err != nil {
		return errors.Join(err, file.Close())
	}
	r.file = file
	r.live = wlog.NewLiveReader(slog.New(slog.DiscardHandler), r.metrics, file)
	return nil
}

// fromLog returns the record that follows the last one read, or nil if it cannot
// be found up to the last one that is committed.
func (r *reader) fromLog(committed Position) *block {
	for {
		data, err := r.record(committed)
		if err == nil {
			b, beyond := r.accept(data, committed)
			if beyond {
				// It is to be read again when it is committed.
				r.close()
				return nil
			}
			if b != nil {
				return b
			}
			continue
		}
		if !errors.Is(err, io.EOF) {
			r.damage.add(r.segment, err)
			// What is written to a file that cannot be opened would be lost too.
			r.spool.retire(r.segment)
		}
		if r.segment >= committed.Segment {
			return nil
		}
		r.close()
		r.segment++
	}
}

// record returns the next whole record of the segment, and io.EOF after the last.
func (r *reader) record(committed Position) ([]byte, error) {
	if r.file == nil {
		if err := r.open(); err != nil {
			return nil, err
		}
	}
	if r.scan == nil {
		if r.live.Next() {
			r.whole = r.live.Offset()
			return r.live.Record(), nil
		}
		err := r.live.Err()
		if errors.Is(err, io.EOF) {
			if r.segment < committed.Segment && r.atEnd() {
				return nil, io.EOF
			}
		} else {
			r.damage.add(r.segment, err)
		}
		r.startScan()
	}
	data, err := r.scan.next()
	if r.scan.damaged {
		r.damage.add(r.segment, errDamaged)
	}
	return data, err
}

// atEnd tells whether the whole file has been read.
func (r *reader) atEnd() bool {
	info, err := r.file.Stat()
	return err == nil && r.live.Offset() >= info.Size()
}

// startScan goes on behind the last whole record with a reader that gets over
// damage. For that the segment must not be written any more; if no other can be
// begun, so be it.
func (r *reader) startScan() {
	r.spool.retire(r.segment)
	r.scan = newScanner(r.file, r.whole)
	r.live = nil
}

// accept returns the record if it is one to be handed out, and whether it is
// beyond what is committed.
func (r *reader) accept(data []byte, committed Position) (b *block, beyond bool) {
	rec, err := decodeRecord(data)
	if err != nil {
		r.damage.add(r.segment, err)
		return nil, false
	}
	s := r.spool
	s.mu.Lock()
	failed := s.failed.has(rec.first)
	s.mu.Unlock()
	if failed || rec.last() <= r.read {
		return nil, false
	}
	if rec.first > committed.Sequence {
		return nil, true
	}
	s.reportLost(span{after: r.read, last: max(r.read, rec.previous)}, r.segment, r.damage, r.known)
	r.damage = damage{}
	r.known = true
	rec.events = bytes.Clone(rec.events)
	return &block{record: rec, segment: r.segment}, false
}
