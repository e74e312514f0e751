// SPDX-License-Identifier: Apache-2.0

package sinks

import (
	"errors"
	"io"
	"time"

	"github.com/caddyserver/caddy/v2"
)

// writeTimeout is how long an event waits to be written. Writers know no time-out
// of their own: a network peer that stops reading would hold up every pixel.
const writeTimeout = 5 * time.Second

var errWriterStuck = errors.New("the writer has not taken the event in time")

// lineWriter writes whole lines, one at a time, on a goroutine of its own.
type lineWriter struct {
	out     io.WriteCloser
	lines   chan line
	stop    chan struct{}
	timeout time.Duration
}

// line is what is to be written, and where the result is awaited.
type line struct {
	text   []byte
	result chan error
}

func newLineWriter(out io.WriteCloser) *lineWriter {
	l := &lineWriter{out: out, lines: make(chan line), stop: make(chan struct{}), timeout: writeTimeout}
	go l.run()
	return l
}

func (l *lineWriter) run() {
	for {
		select {
		case next := <-l.lines:
			_, err := l.out.Write(next.text)
			next.result <- err
		case <-l.stop:
			return
		}
	}
}

// write copies the body, because a writer that is stuck may use it later.
func (l *lineWriter) write(body []byte) error {
	timer := time.NewTimer(l.timeout)
	defer timer.Stop()
	next := line{text: asLine(body), result: make(chan error, 1)}
	select {
	case l.lines <- next:
	case <-timer.C:
		return errWriterStuck
	}
	select {
	case err := <-next.result:
		return err
	case <-timer.C:
		return errWriterStuck
	}
}

// asLine turns the line breaks that a client left between its JSON tokens into
// spaces. Within a JSON string there are none.
func asLine(body []byte) []byte {
	text := make([]byte, 0, len(body)+1)
	for _, c := range body {
		if c == '\n' || c == '\r' {
			c = ' '
		}
		text = append(text, c)
	}
	return append(text, '\n')
}

// Destruct closes the writer when the last sink has let go of it, which also ends
// a write that is stuck.
func (l *lineWriter) Destruct() error {
	close(l.stop)
	return l.out.Close()
}

// Interface guard
var _ caddy.Destructor = (*lineWriter)(nil)
