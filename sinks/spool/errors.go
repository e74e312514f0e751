// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"errors"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/internal/dirlock"
)

var (
	// ErrHeld tells that another spool, in this process or in another, holds the
	// directory.
	ErrHeld = dirlock.ErrHeld

	// ErrFull tells that an event would make the files larger than they may be.
	ErrFull = errors.New("the spool is full")

	// ErrStalled tells that the disk has not answered for so long that an event is
	// not waited for any more.
	ErrStalled = errors.New("the disk does not answer")

	// ErrClosed tells that the spool has been closed.
	ErrClosed = errors.New("the spool is closed")
)
