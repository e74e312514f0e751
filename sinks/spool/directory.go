// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/prometheus/tsdb/wlog"
)

// DamagedFolder is the folder in a spool that keeps copies of files with damage.
const DamagedFolder = "damaged"

const (
	lockName = "lock"

	// maxHole bounds the empty segments that are put in the place of missing
	// ones. A longer hole is a file with a wrong name rather.
	maxHole = 1 << 16
)

// listSegments returns the numbers of the segments, in order. The write-ahead log
// takes everything that reads as a number for a segment, and stops at a hole. So
// what is no segment by its name or kind is an error, and holes are for fillHoles.
func listSegments(dir string) ([]int, error) {
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var segments []int
	for _, file := range files {
		number, err := strconv.Atoi(file.Name())
		if err != nil {
			continue
		}
		name := filepath.Join(dir, file.Name())
		if number < 0 || wlog.SegmentName(dir, number) != name {
			return nil, fmt.Errorf("%s is not a file of the spool: move it elsewhere", name)
		}
		segments = append(segments, number)
	}
	slices.Sort(segments)
	return segments, nil
}

// checkSegments refuses what is no segment, such as a directory, or a link, which leads
// to somebody else's file.
func checkSegments(dir string, segments []int) error {
	for _, segment := range segments {
		name := wlog.SegmentName(dir, segment)
		info, err := os.Lstat(name)
		if err != nil {
			return err
		}
		if !info.Mode().IsRegular() {
			return fmt.Errorf("%s is not a regular file: move it elsewhere", name)
		}
	}
	return nil
}

// fillHoles puts empty segments in the place of missing ones, and returns how many.
func fillHoles(dir string, segments []int) (int, error) {
	filled := 0
	for i := 1; i < len(segments); i++ {
		missing := segments[i] - segments[i-1] - 1
		if missing > maxHole-filled {
			return filled, fmt.Errorf("there are too many segments missing before %s: move it elsewhere "+
				"if it is not a file of the spool", wlog.SegmentName(dir, segments[i]))
		}
		for number := segments[i-1] + 1; number < segments[i]; number++ {
			if err := createEmpty(wlog.SegmentName(dir, number)); err != nil {
				return filled, err
			}
			filled++
		}
	}
	return filled, nil
}

// removeEmptyTail removes the empty segments after the last that is not, which
// every start leaves when nothing is appended. It returns the others.
func removeEmptyTail(dir string, segments []int) ([]int, error) {
	for len(segments) > 0 {
		last := segments[len(segments)-1]
		name := wlog.SegmentName(dir, last)
		info, err := os.Stat(name)
		if err != nil {
			return nil, err
		}
		if info.Size() > 0 {
			break
		}
		if err := os.Remove(name); err != nil {
			return nil, err
		}
		segments = segments[:len(segments)-1]
	}
	return segments, nil
}

// removeLeftovers removes the files that a crash has left half written.
func removeLeftovers(dir string) error {
	files, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, file := range files {
		name := file.Name()
		if name != probeName && name != checkpointAside && !strings.HasSuffix(name, repairSuffix) {
			continue
		}
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	return nil
}
