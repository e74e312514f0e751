// SPDX-License-Identifier: Apache-2.0

package wal

import (
	"cmp"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
)

// Segment is a file of the log. All of it but the size stands in the name.
type Segment struct {
	Number int
	After  uint64 // the sequence after which it goes on
	life   uint64
	Size   int64 // in bytes
}

const (
	suffix = ".wal"
	// spareName is a file that becomes the next segment.
	spareName = "spare"
)

// oldName is that of a file of an earlier version.
var oldName = regexp.MustCompile(`^[0-9]{8}(\.wal)?$`)

// newSegment begins a life. No life is zero, which is what a file is filled with.
func newSegment(number int, after uint64, size int64) Segment {
	var life [8]byte
	_, _ = rand.Read(life[:]) // it never fails
	return Segment{number, after, binary.BigEndian.Uint64(life[:]) | 1, size}
}

// Name is the segment's file in a directory.
func (s Segment) Name(dir string) string {
	return filepath.Join(dir, fmt.Sprintf("%08d-%016x-%016x"+suffix, s.Number, s.After, s.life))
}

// list returns the segments in a directory, in order. What has the name of one and is
// none, such as a link, which leads to somebody else's file, is an error.
func list(dir string) ([]Segment, error) {
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var segments []Segment
	for _, file := range files {
		name := filepath.Join(dir, file.Name())
		if oldName.MatchString(file.Name()) {
			return nil, fmt.Errorf("%s: %w", name, ErrVersion)
		}
		if !strings.HasSuffix(file.Name(), suffix) {
			continue
		}
		var s Segment
		if _, err := fmt.Sscanf(file.Name(), "%d-%x-%x", &s.Number, &s.After, &s.life); err != nil || s.Number < 0 || s.life == 0 || s.Name(dir) != name {
			return nil, fmt.Errorf("%s is not a file of the spool: move it elsewhere", name)
		}
		if !file.Type().IsRegular() {
			return nil, fmt.Errorf("%s is not a regular file: move it elsewhere", name)
		}
		info, err := file.Info()
		switch {
		case err == nil:
			s.Size = info.Size()
		case !errors.Is(err, syscall.EIO): // else it may be readable later
			return nil, err
		}
		segments = append(segments, s)
	}
	slices.SortFunc(segments, func(a, b Segment) int { return cmp.Compare(a.Number, b.Number) })
	for i := 1; i < len(segments); i++ {
		if segments[i-1].Number == segments[i].Number {
			return nil, fmt.Errorf("%s has the number of another file: move one of them elsewhere", segments[i].Name(dir))
		}
	}
	return segments, nil
}
