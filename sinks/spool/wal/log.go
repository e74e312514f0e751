// SPDX-License-Identifier: Apache-2.0

package wal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
)

// ErrNoRoom tells that a record does not fit into what is left of the segment.
var ErrNoRoom = errors.New("the segment has no room for the record")

// Log is what is written. Append, Turn and Discard are called by one at a time; the others
// may be called at any time.
type Log struct {
	dir string
	buf []byte // of Append

	// spare is held by whoever makes or takes the spare file.
	spare sync.Mutex
	// syncing is held during a sync, and while the current file is replaced.
	syncing  sync.Mutex
	file     *os.File
	unsynced error       // a sync that has failed
	gone     bool        // the file is, by Discard
	newest   int         // the highest number that a file has had
	dirty    atomic.Bool // something was written since the last sync

	mu       sync.Mutex
	segments []Segment // the last one is the current
	at       int64     // where the next record of the current segment begins
}

// Open returns the log in a directory, of which no record is read yet. Before anything is
// appended, Continue or Turn has to be called.
func Open(dir string) (*Log, error) {
	segments, err := list(dir)
	if err != nil {
		return nil, err
	}
	l := &Log{dir: dir, segments: segments, newest: -1}
	for _, s := range segments {
		h, whole, err := readHeader(s.Name(dir))
		if err == nil && whole && h.Version != version {
			err = fmt.Errorf("%s: %w", s.Name(dir), ErrVersion)
		}
		if err != nil {
			return nil, err
		}
		l.newest = s.Number
	}
	return l, nil
}

// Continue goes on in the last segment, at the end of what is in there.
func (l *Log) Continue(at int64) error {
	last := l.segments[len(l.segments)-1]
	file, err := os.OpenFile(last.Name(l.dir), os.O_RDWR, 0)
	if err != nil {
		return err
	}
	// What a crash has left of a record is not to be met again.
	end := at + recordHead + pageSize
	end = min(end-end%pageSize, last.Size)
	if _, err := file.WriteAt(make([]byte, max(end-at, 0)), at); err != nil {
		return errors.Join(err, file.Close())
	}
	l.file, l.at = file, at
	l.dirty.Store(true) // nobody knows whether it is on the disk
	return nil
}

// Append writes a record. After an error the segment must not be written any more,
// unless that is ErrNoRoom: a part of the record may be there.
func (l *Log) Append(sequence uint64, content []byte) error {
	l.mu.Lock()
	at, current := l.at, l.segments[len(l.segments)-1]
	l.mu.Unlock()
	length := int64(recordHead + len(content) + markSize)
	if length > current.Size-at {
		return ErrNoRoom
	}
	l.buf = appendRecord(l.buf[:0], current.life, sequence, content)
	// The whole page is written, so that the system need not read what is in there.
	end := at + length
	rest := (pageSize - end%pageSize) % pageSize
	l.buf = slices.Grow(l.buf, int(rest))
	l.buf = l.buf[:length+rest]
	clear(l.buf[length:])
	_, err := l.file.WriteAt(l.buf, at)
	l.dirty.Store(true)
	if err != nil {
		return err
	}
	if cap(l.buf) > maxKeptBuffer {
		l.buf = nil
	}
	l.mu.Lock()
	l.at = end
	l.mu.Unlock()
	return nil
}

// maxKeptBuffer is the largest buffer that is kept for another record.
const maxKeptBuffer = 2 << 20

// Sync makes what was appended survive a power cut. After an error it is not tried again:
// the system may have dropped what was written to the segment.
func (l *Log) Sync() error {
	l.syncing.Lock()
	defer l.syncing.Unlock()
	if l.unsynced == nil && l.dirty.Swap(false) {
		l.unsynced = syncContent(l.file)
	}
	return l.unsynced
}

// Turn begins a segment of that size, which goes on after a sequence. If it is to be
// durable, so is its name. It waits for a sync that is under way.
func (l *Log) Turn(size int64, after uint64, durable bool) error {
	l.spare.Lock()
	defer l.spare.Unlock()
	name, err := makeSpare(l.dir, size)
	if err != nil {
		return err
	}
	l.syncing.Lock()
	defer l.syncing.Unlock()
	l.newest++ // whatever becomes of this one
	s := newSegment(l.newest, after, size)
	if err := os.Rename(name, s.Name(l.dir)); err != nil {
		return err
	}
	file, err := os.OpenFile(s.Name(l.dir), os.O_RDWR, 0)
	if err != nil {
		return errors.Join(err, RemoveIfThere(s.Name(l.dir)))
	}
	if l.file != nil {
		_ = l.file.Close()
	}
	l.file, l.unsynced = file, nil
	l.dirty.Store(false)
	l.mu.Lock()
	if l.gone {
		l.gone, l.segments = false, slices.Clone(l.segments[:len(l.segments)-1]) // somebody may look at them
	}
	l.segments = append(l.segments, s)
	l.at = pageSize
	l.mu.Unlock()
	if durable {
		return SyncDir(l.dir)
	}
	return nil
}

// Discard gives the disk back what the current segment takes, of which nothing is needed
// any more. Only Turn is of use after that.
func (l *Log) Discard() error {
	l.syncing.Lock()
	defer l.syncing.Unlock()
	_ = l.file.Close()
	l.file, l.gone = nil, true
	l.dirty.Store(false)
	current, _ := l.End()
	return RemoveIfThere(current.Name(l.dir))
}

// Prepare sees to it that the next Turn finds a file.
func (l *Log) Prepare(size int64) error {
	l.spare.Lock()
	defer l.spare.Unlock()
	_, err := makeSpare(l.dir, size)
	return err
}

// makeSpare creates the file that becomes the next segment, if it is not there.
func makeSpare(dir string, size int64) (name string, err error) {
	name = filepath.Join(dir, spareName)
	if info, err := os.Lstat(name); err == nil && info.Mode().IsRegular() && info.Size() == size {
		if h, whole, err := readHeader(name); err == nil && whole && h == newHeader(size) {
			return name, nil
		}
	}
	if err := RemoveIfThere(name); err != nil {
		return name, err
	}
	file, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return name, err
	}
	if err := errors.Join(fill(file, size), file.Close()); err != nil {
		return name, errors.Join(err, RemoveIfThere(name))
	}
	return name, nil
}

// fill writes zeros, and the header. The file system has blocks for all of the file then,
// and knows that they have been written.
func fill(file *os.File, size int64) error {
	zeros := make([]byte, min(size, 1<<20))
	for at := int64(0); at < size; at += int64(len(zeros)) {
		if _, err := file.WriteAt(zeros[:min(int64(len(zeros)), size-at)], at); err != nil {
			return err
		}
	}
	if _, err := file.WriteAt(newHeader(size).bytes(), 0); err != nil {
		return err
	}
	return file.Sync()
}

// Release lets go of the segments before one, oldest first, and tells whether there were
// any. The last file that may be used again is kept as a spare.
func (l *Log) Release(before int, mayBeUsedAgain func(number int) bool) (freed bool, err error) {
	l.spare.Lock()
	defer l.spare.Unlock()
	for all := l.Segments(); len(all) > 1 && all[0].Number < before; all = all[1:] {
		name := all[0].Name(l.dir)
		if all[0].Size == all[len(all)-1].Size && mayBeUsedAgain(all[0].Number) {
			err = os.Rename(name, filepath.Join(l.dir, spareName))
		} else {
			err = os.Remove(name)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return freed, fmt.Errorf("removing an old segment: %w", err)
		}
		l.mu.Lock()
		l.segments = l.segments[1:]
		l.mu.Unlock()
		freed = true
	}
	return freed, nil
}

// Close lets go of the file. It syncs nothing.
func (l *Log) Close() error {
	l.syncing.Lock()
	defer l.syncing.Unlock()
	if l.file == nil {
		return nil
	}
	return l.file.Close()
}

// Segments returns the segments, in order, which must not be changed. The last is the
// current.
func (l *Log) Segments() []Segment {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.segments
}

// End is the current segment and where its next record begins.
func (l *Log) End() (current Segment, at int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.segments[len(l.segments)-1], l.at
}

// Usage is how many bytes the segments take, and how many are left in the current one.
func (l *Log) Usage() (taken, left int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.segments {
		taken += s.Size
	}
	if n := len(l.segments); n > 0 {
		left = max(l.segments[n-1].Size-l.at, 0)
	}
	return taken, left
}
