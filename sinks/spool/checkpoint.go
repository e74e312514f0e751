// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool/wal"
)

const (
	checkpointName    = "checkpoint"
	checkpointAside   = "checkpoint.new"
	checkpointVersion = 1
	checkpointSize    = 1 + 8 + 4
)

// checkpointOf returns what stands in the file.
//
//	version   byte
//	sequence  uint64
//	checksum  uint32, CRC-32C of what is before
func checkpointOf(sequence uint64) []byte {
	content := binary.BigEndian.AppendUint64([]byte{checkpointVersion}, sequence)
	return binary.BigEndian.AppendUint32(content, crc32.Checksum(content, crc32.MakeTable(crc32.Castagnoli)))
}

// writeCheckpoint replaces the checkpoint, so that a crash leaves the old or the
// new one. That takes a sync of its content; only its name may be left to the system.
func writeCheckpoint(dir string, sequence uint64, syncName bool) error {
	aside := filepath.Join(dir, checkpointAside)
	if err := writeFile(aside, checkpointOf(sequence), true); err != nil {
		return err
	}
	if err := os.Rename(aside, filepath.Join(dir, checkpointName)); err != nil {
		return err
	}
	if !syncName {
		return nil
	}
	return wal.SyncDir(dir)
}

// readCheckpoint returns whether there is a checkpoint. One that cannot be read is
// an error.
func readCheckpoint(dir string) (sequence uint64, ok bool, err error) {
	name := filepath.Join(dir, checkpointName)
	content, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, err
	}
	if len(content) > 0 && content[0] > checkpointVersion {
		return 0, false, fmt.Errorf("%s is damaged, or %w", name, wal.ErrNewer)
	}
	if len(content) == checkpointSize {
		sequence = binary.BigEndian.Uint64(content[1:])
		if bytes.Equal(content, checkpointOf(sequence)) {
			return sequence, true, nil
		}
	}
	return 0, false, fmt.Errorf("%s is damaged", name)
}

// cleanName is a file that is there while a spool is closed, if its checkpoint says all
// that was acknowledged. A file is removed even from a full disk, where a checkpoint
// could not be changed.
const cleanName = "clean"

// farewell is what a spool says when it is closed.
type farewell struct {
	said bool
	sent uint64 // up to which sequence events may have been sent
	last uint64 // the sequence of the last event
}

// readClean returns what the run before has said when it closed the spool, if it did.
func readClean(dir string) (f farewell, err error) {
	content, err := os.ReadFile(filepath.Join(dir, cleanName))
	if errors.Is(err, fs.ErrNotExist) {
		return farewell{}, nil
	}
	if err != nil {
		return farewell{}, err
	}
	n, _ := fmt.Sscanf(string(content), "%d %d", &f.sent, &f.last)
	f.said = n == 2 // a power cut may have emptied it
	return f, nil
}

// forgetClean sees to it that the next run is told nothing unless this one closes the
// spool, too.
func forgetClean(dir string) error {
	return errors.Join(wal.RemoveIfThere(filepath.Join(dir, cleanName)), wal.SyncDir(dir))
}

func markClean(dir string, f farewell) error {
	return writeFile(filepath.Join(dir, cleanName), fmt.Appendf(nil, "%d %d", f.sent, f.last), false)
}
