// SPDX-License-Identifier: Apache-2.0

package suppress

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// diskCopy keeps the set in a file, for a start without NATS. The file begins with a
// magic and is a row of records, each of which adds or drops somebody. It is only ever
// there after the bucket has been read to its end once, so what can be read is whole.
type diskCopy struct {
	name    string
	file    *os.File // nil until there is one
	records int      // in the file
	pending []byte   // records that are not in the file yet
}

const (
	copyMagic  = "segment_pixel suppressed 1\n"
	recordSize = 1 + personSize + 4 // an operation, a person, a CRC-32C

	opAdd  = 1
	opDrop = 2

	// mostSpare is how many records more than people a file may have until it is
	// written anew.
	mostSpare = 10_000
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func appendRecord(dst []byte, op byte, p person) []byte {
	start := len(dst)
	dst = append(append(dst, op), p[:]...)
	return binary.LittleEndian.AppendUint32(dst, crc32.Checksum(dst[start:], castagnoli))
}

// load reads the file into the set and tells when it was last known to be right. There
// need not be one.
func (c *diskCopy) load(into *people) (asOf time.Time, found bool, err error) {
	file, err := os.OpenFile(c.name, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return time.Time{}, false, nil
	} else if err != nil {
		return time.Time{}, false, err
	}
	info, err := file.Stat()
	if err == nil {
		err = c.read(file, into, info.Size())
	}
	if err != nil {
		_ = file.Close()
		return time.Time{}, false, err
	}
	c.file = file
	return info.ModTime(), true, nil
}

// read takes the records in. The last one may be torn, since a power cut can do that; any
// other that is broken is damage, after which nobody knows who is missing.
func (c *diskCopy) read(file *os.File, into *people, size int64) error {
	r := bufio.NewReaderSize(file, 1<<16)
	magic := make([]byte, len(copyMagic))
	if _, err := io.ReadFull(r, magic); err != nil || string(magic) != copyMagic {
		return errors.New("it does not begin as a list of this version does")
	}
	c.records = 0
	whole := (size - int64(len(copyMagic))) / recordSize
	record := make([]byte, recordSize)
	for n := range whole {
		if _, err := io.ReadFull(r, record); err != nil {
			return err
		}
		body := record[:recordSize-4]
		if binary.LittleEndian.Uint32(record[len(body):]) != crc32.Checksum(body, castagnoli) {
			if n == whole-1 {
				break
			}
			return fmt.Errorf("record %d is damaged", n)
		}
		if p := person(body[1:]); body[0] == opAdd {
			into.put(p, 0)
		} else {
			into.drop(p)
		}
		c.records++
	}
	end := int64(len(copyMagic)) + int64(c.records)*recordSize
	if err := file.Truncate(end); err != nil {
		return err
	}
	_, err := file.Seek(end, io.SeekStart)
	return err
}

// note has a change written with the next flush, if there is a file already.
func (c *diskCopy) note(op byte, p person) {
	if c.file != nil {
		c.pending = appendRecord(c.pending, op, p)
	}
}

// flush writes what has been noted, or the whole set anew if the file has grown far
// beyond it, or has failed before.
func (c *diskCopy) flush(s *people) error {
	added := len(c.pending) / recordSize
	if c.file == nil || c.records+added > 2*s.count()+mostSpare {
		return c.rewrite(s)
	}
	if added == 0 {
		return nil
	}
	_, err := c.file.Write(c.pending)
	if err == nil {
		err = c.file.Sync()
	}
	if err != nil {
		c.close() // Nobody knows what is in it: the next flush writes another.
		return err
	}
	c.records += added
	c.pending = c.pending[:0]
	return nil
}

// rewrite writes the whole set aside and puts it into the place of the file.
func (c *diskCopy) rewrite(s *people) (err error) {
	c.close()
	if err := os.MkdirAll(filepath.Dir(c.name), 0o700); err != nil {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(c.name), filepath.Base(c.name)+".*.new")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = file.Close()
			_ = os.Remove(file.Name())
		}
	}()
	w := bufio.NewWriterSize(file, 1<<16)
	records := 0
	if _, err := w.WriteString(copyMagic); err != nil {
		return err
	}
	var record []byte
	if err := s.each(func(p person) error {
		records++
		record = appendRecord(record[:0], opAdd, p)
		_, err := w.Write(record)
		return err
	}); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if err := file.Sync(); err != nil {
		return err
	}
	if err := file.Close(); err != nil { // Windows renames no file that is open.
		return err
	}
	if err := os.Rename(file.Name(), c.name); err != nil {
		return err
	}
	syncDirectory(filepath.Dir(c.name))
	if c.file, err = os.OpenFile(c.name, os.O_WRONLY|os.O_APPEND, 0); err != nil {
		return err
	}
	c.records = records
	return nil
}

// syncDirectory makes a rename outlast a power cut, where the system can. Without it, the
// file of before would be there.
func syncDirectory(name string) {
	if dir, err := os.Open(name); err == nil {
		_ = dir.Sync()
		_ = dir.Close()
	}
}

// touch notes that the file is right as of now.
func (c *diskCopy) touch(now time.Time) {
	if c.file != nil {
		_ = os.Chtimes(c.name, now, now) // at worst the list looks older than it is
	}
}

func (c *diskCopy) close() {
	if c.file != nil {
		_ = c.file.Close()
		c.file = nil
	}
	c.pending = nil
}
