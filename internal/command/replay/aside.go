// SPDX-License-Identifier: Apache-2.0

package replay

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
)

// maxAsideLine is more than the largest message that NATS can be made to take comes to.
const maxAsideLine = 80 << 20

// asideLines reads the lines of a file of undeliverable events.
type asideLines struct {
	reader *bufio.Reader
	number uint64 // of the last line
}

// asideLine is a line without its end, which a torn one does not have.
type asideLine struct {
	number uint64
	text   []byte
	torn   bool
}

func newAsideLines(r io.Reader) *asideLines {
	return &asideLines{reader: bufio.NewReaderSize(r, 64<<10)}
}

// Next returns the next line. The error is io.EOF behind the last.
func (l *asideLines) Next() (asideLine, error) {
	line := asideLine{number: l.number + 1}
	for {
		part, err := l.reader.ReadSlice('\n')
		line.text = append(line.text, part...)
		switch {
		case len(line.text) > maxAsideLine:
			return line, fmt.Errorf("line %d is longer than any that Caddy writes: check that this is a file of undeliverable events", line.number)
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF) && len(line.text) > 0:
			line.torn = true
		case err != nil:
			return line, err
		}
		l.number = line.number
		line.text = bytes.TrimRight(line.text, "\r\n")
		return line, nil
	}
}

// leftFile gets the lines whose events were not stored. Nil stands for none.
type leftFile struct {
	file  *os.File
	lines int
}

// createLeftFile does not touch a file that is there: it may be of an earlier run.
func createLeftFile(name string) (*leftFile, error) {
	file, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("--left must name a new file: %w", err)
	}
	return &leftFile{file: file}, nil
}

func (l *leftFile) Add(line []byte) error {
	if l == nil {
		return nil
	}
	l.lines++
	if _, err := l.file.Write(append(bytes.Clone(line), '\n')); err != nil {
		return fmt.Errorf("--left: %w", err)
	}
	return nil
}

// close removes the file if there is nothing in it.
func (l *leftFile) close() error {
	if l == nil {
		return nil
	}
	if l.lines == 0 {
		return errors.Join(l.file.Close(), os.Remove(l.file.Name()))
	}
	return errors.Join(l.file.Sync(), l.file.Close())
}
