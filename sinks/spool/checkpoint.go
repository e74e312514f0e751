// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
)

const checkpointName = "checkpoint"

// checkpoint is what a spool notes for the next run. In the file, its CRC-32C stands
// behind it.
type checkpoint struct {
	Acked  uint64 // the last event acknowledged
	Closed bool   // the run has not crashed, and says the rest
	Sent   uint64 // the last event that may have been sent
	Last   uint64 // the last event
}

func (c checkpoint) bytes() []byte {
	b, _ := binary.Append(nil, binary.BigEndian, c)
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)))
}

// write writes it over the one before. That takes no room on a full disk, and a crash
// leaves the one or the other, because it does not cross a sector. A link is removed, and
// not followed: it leads to somebody else's file.
func (c checkpoint) write(dir string, sync bool) error {
	name := filepath.Join(dir, checkpointName)
	if info, err := os.Lstat(name); err == nil && !info.Mode().IsRegular() {
		if err := os.Remove(name); err != nil {
			return err
		}
	}
	file, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = file.WriteAt(c.bytes(), 0)
	if err == nil && sync {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}

// readCheckpoint returns the checkpoint. If there is none, the error is fs.ErrNotExist.
func readCheckpoint(dir string) (c checkpoint, err error) {
	name := filepath.Join(dir, checkpointName)
	if info, err := os.Lstat(name); err == nil && !info.Mode().IsRegular() {
		return c, fmt.Errorf("%s is not a regular file", name)
	}
	content, err := os.ReadFile(name)
	if err != nil {
		return c, err
	}
	if want := c.bytes(); len(content) >= len(want) {
		_, _ = binary.Decode(content, binary.BigEndian, &c)
		if string(c.bytes()) == string(content[:len(want)]) {
			return c, nil
		}
	}
	return checkpoint{}, fmt.Errorf("%s is damaged", name)
}
