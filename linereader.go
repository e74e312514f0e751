// SPDX-License-Identifier: Apache-2.0

package segmentpixel

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// maxLine is how long a line of a log may be.
const maxLine = 1 << 20

// lineReader reads lines without ever holding more than the longest that is allowed.
type lineReader struct {
	reader *bufio.Reader
}

func newLineReader(r io.Reader) *lineReader {
	return &lineReader{bufio.NewReaderSize(r, maxLine)}
}

// next returns the next line without its end, good until the next call. One that is
// too long is skipped. The error is io.EOF behind the last.
func (l *lineReader) next() (line []byte, tooLong bool, err error) {
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

// idle tells whether the next line has to be waited for.
func (l *lineReader) idle() bool { return l.reader.Buffered() == 0 }
