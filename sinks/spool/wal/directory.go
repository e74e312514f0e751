// SPDX-License-Identifier: Apache-2.0

package wal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

const (
	suffix = ".wal"
	// spareName is a file that becomes the next segment.
	spareName = "spare"
)

// oldName is that of a file from before this package.
var oldName = regexp.MustCompile(`^[0-9]{8}$`)

// Name is the file of a segment.
func Name(dir string, number int) string {
	return filepath.Join(dir, fmt.Sprintf("%08d%s", number, suffix))
}

// List returns the numbers of the segments in a directory, in order. What has the name
// of one and is none, such as a link, which leads to somebody else's file, is an error.
func List(dir string) ([]int, error) {
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var numbers []int
	for _, file := range files {
		if oldName.MatchString(file.Name()) {
			return nil, fmt.Errorf("%s: %w", filepath.Join(dir, file.Name()), ErrVersion)
		}
		digits, found := strings.CutSuffix(file.Name(), suffix)
		if !found {
			continue
		}
		name := filepath.Join(dir, file.Name())
		number, err := strconv.Atoi(digits)
		if err != nil || number < 0 || Name(dir, number) != name {
			return nil, fmt.Errorf("%s is not a file of the spool: move it elsewhere", name)
		}
		if !file.Type().IsRegular() {
			return nil, fmt.Errorf("%s is not a regular file: move it elsewhere", name)
		}
		numbers = append(numbers, number)
	}
	slices.Sort(numbers)
	return numbers, nil
}

// SyncDir makes the names in a directory survive a power cut. Windows has no sync for a
// directory, and its file system keeps a journal of names.
func SyncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	file, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(file.Sync(), file.Close())
}

// RemoveIfThere removes a file.
func RemoveIfThere(name string) error {
	if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
