// SPDX-License-Identifier: Apache-2.0

//go:build unix

package faults

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/segmentpixel/caddy-segment-pixel/pixel"
)

// sender sends pixels over one connection at a time. It is no http.Client: that
// one repeats requests on its own, and then nobody knows what was sent.
type sender struct {
	connection int
	address    string
	conn       net.Conn
	reader     *bufio.Reader
	sent       atomic.Int64

	// To be read when the sender is at rest.
	answered bitset
	failure  error // the first answer that should not have been
}

// errNoPixel is for an answer that Caddy must never give.
var errNoPixel = errors.New("answered with something that is not the pixel")

// send sends the next pixel and tells whether it was answered. A connection that
// breaks is no failure: nothing was answered, so nothing was promised.
func (s *sender) send() bool {
	if s.conn == nil && !s.dial() {
		return false
	}
	id := pixelID{s.connection, int(s.sent.Add(1) - 1)}
	_ = s.conn.SetDeadline(time.Now().Add(patience()))
	last, err := true, s.write(id)
	if err == nil {
		last, err = s.readPixel()
	}
	if last || err != nil {
		s.hangUp()
	}
	if err == nil {
		s.answered.set(id.number)
	} else if s.failure == nil && (errors.Is(err, errNoPixel) || errors.Is(err, os.ErrDeadlineExceeded)) {
		s.failure = fmt.Errorf("%v: %w", id, err)
	}
	return err == nil
}

// dial tells whether there is a connection now.
func (s *sender) dial() bool {
	conn, err := net.DialTimeout("tcp", s.address, 5*time.Second)
	if err != nil {
		return false
	}
	s.conn, s.reader = conn, bufio.NewReader(conn)
	return true
}

func (s *sender) write(id pixelID) error {
	_, err := s.conn.Write(id.request(s.address))
	return err
}

// readPixel reads a response, which has to be the gif, and tells whether it is the
// last one on this connection.
func (s *sender) readPixel() (last bool, err error) {
	line, err := s.reader.ReadSlice('\n')
	if err != nil {
		return true, err
	}
	ok := bytes.HasPrefix(line, []byte("HTTP/1.1 200 "))
	length := -1
	for {
		if line, err = s.reader.ReadSlice('\n'); err != nil {
			return true, err
		}
		name, value, found := bytes.Cut(bytes.TrimSpace(line), []byte(": "))
		if !found {
			break
		}
		switch string(name) {
		case "Content-Length":
			length, _ = strconv.Atoi(string(value))
		case "Connection":
			last = last || string(value) == "close"
		}
	}
	if !ok || length != len(pixel.GIF) {
		return true, errNoPixel
	}
	var body [len(pixel.GIF)]byte
	if _, err = io.ReadFull(s.reader, body[:]); err != nil {
		return true, err
	}
	if string(body[:]) != pixel.GIF {
		return true, errNoPixel
	}
	return last, nil
}

func (s *sender) hangUp() {
	if s.conn != nil {
		_ = s.conn.Close()
		s.conn = nil
	}
}
