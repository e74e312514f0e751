// SPDX-License-Identifier: Apache-2.0

package keys

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"syscall"
)

// maxFile is how many bytes a file may have from which keys are read. That is room for
// ten thousand of them.
const maxFile = 1 << 20

// readKeyFile adds the keys of one file. Errors name lines and rules, no keys and no
// sources: where the two have been swapped, a source is a key.
func readKeyFile(file string, sources map[string]string) error {
	content, err := ReadRegular(file)
	if err != nil {
		return err
	}
	// Some editors begin a file with a byte order mark.
	lines := bufio.NewScanner(bytes.NewReader(bytes.TrimPrefix(content, []byte("\ufeff"))))
	for number := 1; lines.Scan(); number++ {
		fields := strings.Fields(lines.Text())
		if len(fields) == 0 || strings.HasPrefix(fields[0], "#") {
			continue
		}
		if len(fields) != 2 {
			return fmt.Errorf("line %d: write a key and a source", number)
		}
		if err := CheckSource(fields[1]); err != nil {
			return fmt.Errorf("line %d: %w", number, err)
		}
		if err := addKey(sources, fields[0], fields[1]); err != nil {
			return fmt.Errorf("line %d: %w", number, err)
		}
	}
	return lines.Err()
}

// ReadRegular reads a file that is one, of 1 MiB at most. Opening does not block, so that a named pipe
// keeps nobody waiting for ever.
func ReadRegular(name string) ([]byte, error) {
	file, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, errors.Unwrap(err)
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return nil, errors.Unwrap(err)
	}
	if err := checkFile(info); err != nil {
		return nil, err
	}
	content, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err != nil {
		return nil, errors.Unwrap(err)
	}
	if len(content) > maxFile {
		return nil, errTooLarge
	}
	return content, nil
}

var (
	errNotRegular = errors.New("it is not a regular file")
	errTooLarge   = fmt.Errorf("it is larger than %d bytes", maxFile)
)

func checkFile(info os.FileInfo) error {
	switch {
	case !info.Mode().IsRegular():
		return errNotRegular
	case info.Size() > maxFile:
		return errTooLarge
	}
	return nil
}

var filePlaceholder = regexp.MustCompile(`\{file\.([^{}]+)\}`)

// checkPlaceholderFiles looks at the files that placeholders name before Caddy reads them,
// which would wait for a named pipe.
func checkPlaceholderFiles(text string) error {
	for _, found := range filePlaceholder.FindAllStringSubmatch(text, -1) {
		info, err := os.Stat(found[1])
		if err != nil {
			continue // Caddy says what that means
		}
		if err := checkFile(info); err != nil {
			return fmt.Errorf("file %s: %w", found[1], err)
		}
	}
	return nil
}
