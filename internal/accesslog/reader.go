// SPDX-License-Identifier: Apache-2.0

package accesslog

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// MaxLine is how long a line of a log may be.
const MaxLine = 1 << 20

// Reader reads lines without ever holding more than the longest that is allowed.
type Reader struct {
	reader *bufio.Reader
}

// NewReader reads lines from r.
func NewReader(r io.Reader) *Reader {
	return &Reader{bufio.NewReaderSize(r, MaxLine)}
}

// Next returns the next line without its end, good until the next call. One that is
// too long is skipped. The error is io.EOF behind the last.
func (l *Reader) Next() (line []byte, tooLong bool, err error) {
	line, err = l.reader.ReadSlice('\n')
	for errors.Is(err, bufio.ErrBufferFull) {
		tooLong = true
		_, err = l.reader.ReadSlice('\n')
	}
	switch {
	case tooLong && (err == nil || errors.Is(err, io.EOF)):
		return nil, true, nil
	case len(line) > 0 && errors.Is(err, io.EOF):
		err = nil // the last line needs no end
	}
	return bytes.TrimRight(line, "\r\n"), false, err
}

// Idle tells whether the next line has to be waited for.
func (l *Reader) Idle() bool { return l.reader.Buffered() == 0 }
