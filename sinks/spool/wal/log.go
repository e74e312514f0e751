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
)

// ErrNoRoom tells that a record does not fit into what is left of the segment.
var ErrNoRoom = errors.New("the segment has no room for the record")

// Log is what is written. Append and Turn are called by one at a time; the others may
// be called at any time.
type Log struct {
	dir string
	buf []byte // of Append

	// spare is held by whoever makes or takes the spare file.
	spare sync.Mutex
	// files is held for reading during a sync, and for writing while the current file
	// is replaced.
	files sync.RWMutex
	file  *os.File
	life  uint64

	mu       sync.Mutex
	segments []segment // the last one is the current
	at       int64     // where the next record of the current segment begins
}

type segment struct {
	number int
	size   int64
}

// Open returns the log in a directory, of which nothing is read yet. Before anything is
// appended, Continue or Turn has to be called.
func Open(dir string) (*Log, error) {
	numbers, err := List(dir)
	if err != nil {
		return nil, err
	}
	l := &Log{dir: dir}
	for _, number := range numbers {
		size, leftover, err := inspect(dir, number)
		if err != nil {
			return nil, err
		}
		if leftover {
			if err := RemoveIfThere(Name(dir, number)); err != nil {
				return nil, err
			}
			continue
		}
		l.segments = append(l.segments, segment{number, size})
	}
	return l, nil
}

// inspect returns the size of a segment, and whether it was about to become another one
// when the power was cut: nobody needed it any more then.
func inspect(dir string, number int) (size int64, leftover bool, err error) {
	file, err := os.Open(Name(dir, number))
	if err != nil {
		return 0, false, err
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return 0, false, err
	}
	h, err := readHeader(file, info.Size())
	if errors.Is(err, ErrNewer) {
		return 0, false, fmt.Errorf("%s is %w", Name(dir, number), err)
	}
	return info.Size(), err == nil && h.Number != uint64(number), nil
}

// Continue goes on in the last segment, at the end of what is in there. The error is
// ErrDamaged if its header is not whole.
func (l *Log) Continue(at int64) error {
	last := l.segments[len(l.segments)-1]
	name := Name(l.dir, last.number)
	file, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	h, err := readHeader(file, last.size)
	if err == nil && h.Size != last.size {
		err = fmt.Errorf("%w: it has been cut", ErrDamaged)
	}
	if err != nil {
		return errors.Join(err, file.Close())
	}
	// What a crash has left of a record is not to be met again.
	end := at + recordHead + pageSize
	end = min(end-end%pageSize, last.size-pageSize)
	if _, err := file.WriteAt(make([]byte, max(end-at, 0)), at); err != nil {
		return errors.Join(err, file.Close())
	}
	l.file, l.life, l.at = file, h.Life, at
	return nil
}

// Append writes a record. After an error the segment must not be written any more,
// unless that is ErrNoRoom: a part of the record may be there.
func (l *Log) Append(sequence uint64, content []byte) error {
	l.mu.Lock()
	at, size := l.at, l.segments[len(l.segments)-1].size
	l.mu.Unlock()
	length := int64(recordHead + len(content) + markSize)
	if length > size-pageSize-at {
		return ErrNoRoom
	}
	l.buf = appendRecord(l.buf[:0], l.life, sequence, content)
	// The whole page is written, so that the system need not read what is in there.
	end := at + length
	rest := (pageSize - end%pageSize) % pageSize
	l.buf = slices.Grow(l.buf, int(rest))
	l.buf = l.buf[:length+rest]
	clear(l.buf[length:])
	if _, err := l.file.WriteAt(l.buf, at); err != nil {
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

// Sync makes what was appended survive a power cut.
func (l *Log) Sync() error {
	l.files.RLock()
	defer l.files.RUnlock()
	return syncContent(l.file)
}

// Turn begins a segment of that size. If it is to be durable, so is its name.
func (l *Log) Turn(size int64, durable bool) error {
	l.spare.Lock()
	defer l.spare.Unlock()
	file, name, err := takeSpare(l.dir, size)
	if err != nil {
		return err
	}
	return l.begin(file, name, size, durable)
}

// Restart begins a segment in the file of the current one, of which nothing is needed
// any more. That takes no room on the disk.
func (l *Log) Restart(durable bool) error {
	last := l.current()
	name := Name(l.dir, last.number)
	file, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return l.begin(file, name, last.size, durable)
}

// begin makes a file the current segment, in place of the one before or behind it.
func (l *Log) begin(file *os.File, name string, size int64, durable bool) error {
	h := newHeader(l.current().number+1, size)
	if err := h.write(file, durable); err != nil {
		return errors.Join(err, file.Close())
	}
	if err := os.Rename(name, Name(l.dir, int(h.Number))); err != nil {
		return errors.Join(err, file.Close())
	}
	l.files.Lock()
	before := l.file
	l.file, l.life = file, h.Life
	l.files.Unlock()
	l.mu.Lock()
	if n := len(l.segments); n > 0 && name == Name(l.dir, l.segments[n-1].number) {
		l.segments = l.segments[:n-1]
	}
	l.segments = append(l.segments, segment{int(h.Number), size})
	l.at = pageSize
	l.mu.Unlock()
	if before != nil {
		_ = before.Close()
	}
	if durable {
		return SyncDir(l.dir)
	}
	return nil
}

// Prepare sees to it that the next Turn finds a file.
func (l *Log) Prepare(size int64) error {
	l.spare.Lock()
	defer l.spare.Unlock()
	file, _, err := takeSpare(l.dir, size)
	if err != nil {
		return err
	}
	return file.Close()
}

// takeSpare opens the file that becomes the next segment, which it creates if need be.
func takeSpare(dir string, size int64) (file *os.File, name string, err error) {
	name = filepath.Join(dir, spareName)
	if info, err := os.Lstat(name); err == nil && info.Mode().IsRegular() && info.Size() == size {
		file, err := os.OpenFile(name, os.O_RDWR, 0)
		return file, name, err
	}
	if err := RemoveIfThere(name); err != nil {
		return nil, name, err
	}
	file, err = os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return nil, name, err
	}
	if err := fill(file, size); err != nil {
		return nil, name, errors.Join(err, file.Close(), RemoveIfThere(name))
	}
	return file, name, nil
}

// fill writes zeros. The file system has blocks for all of the file then, and knows that
// they have been written.
func fill(file *os.File, size int64) error {
	zeros := make([]byte, min(size, 1<<20))
	for at := int64(0); at < size; at += int64(len(zeros)) {
		if _, err := file.WriteAt(zeros[:min(int64(len(zeros)), size-at)], at); err != nil {
			return err
		}
	}
	return file.Sync()
}

// Release lets go of the segments before one, oldest first. The last file that may be
// used again is kept as a spare; if none may, not even the one that is there.
func (l *Log) Release(before int, mayBeUsedAgain func(number int) bool) error {
	spare := filepath.Join(l.dir, spareName)
	if mayBeUsedAgain == nil {
		mayBeUsedAgain = func(int) bool { return false }
		l.spare.Lock()
		_ = RemoveIfThere(spare)
		l.spare.Unlock()
	}
	for {
		l.mu.Lock()
		oldest, newest := l.segments[0], l.segments[len(l.segments)-1]
		l.mu.Unlock()
		if oldest.number >= min(before, newest.number) {
			return nil
		}
		name := Name(l.dir, oldest.number)
		var err error
		if oldest.size == newest.size && mayBeUsedAgain(oldest.number) {
			l.spare.Lock()
			err = os.Rename(name, spare)
			l.spare.Unlock()
		} else {
			err = os.Remove(name)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("removing an old segment: %w", err)
		}
		l.mu.Lock()
		l.segments = l.segments[1:]
		l.mu.Unlock()
	}
}

// Close lets go of the file. It syncs nothing.
func (l *Log) Close() error {
	l.files.Lock()
	defer l.files.Unlock()
	if l.file == nil {
		return nil
	}
	return l.file.Close()
}

// current is the last segment, or what comes before the first.
func (l *Log) current() segment {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.segments) == 0 {
		return segment{number: -1}
	}
	return l.segments[len(l.segments)-1]
}

// Segments returns the numbers of the segments, in order. The last is the current.
func (l *Log) Segments() []int {
	l.mu.Lock()
	defer l.mu.Unlock()
	numbers := make([]int, len(l.segments))
	for i, s := range l.segments {
		numbers[i] = s.number
	}
	return numbers
}

// End is the number of the current segment and where its next record begins.
func (l *Log) End() (number int, at int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.segments[len(l.segments)-1].number, l.at
}

// Usage is how many bytes the segments take, how many of these hold records or did, and
// how many are left in the current one.
func (l *Log) Usage() (taken, used, left int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.segments {
		taken += s.size
	}
	if n := len(l.segments); n > 0 {
		left = max(l.segments[n-1].size-pageSize-l.at, 0)
	}
	return taken, taken - left, left
}
