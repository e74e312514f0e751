// SPDX-License-Identifier: Apache-2.0

package natsconn

import (
	"errors"
	"sync"

	"github.com/nats-io/nats.go"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/forward"
)

const (
	// maxRejected is how many bytes of rejected requests wait for NATS.
	maxRejected = 1 << 20
	// rejectedOverhead is about what a message with headers takes besides its texts.
	rejectedOverhead = 1 << 10
)

// rejectedBox holds the messages of rejected requests until NATS has them, so that
// none of these requests waits for a network that is stuck. Other than events they
// go once at most.
type rejectedBox struct {
	mu      sync.Mutex
	waiting []*nats.Msg
	bytes   int // of what waits and what is being published
}

// ErrTooManyRejected tells that rejected requests come faster than NATS takes them.
var ErrTooManyRejected = errors.New("too many rejected requests wait for NATS already: it is slower than they come")

// add tells whether the message is the first that waits.
func (b *rejectedBox) add(msg *nats.Msg) (first bool, err error) {
	size := rejectedSize(msg)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.bytes+size > maxRejected {
		return false, ErrTooManyRejected
	}
	b.bytes += size
	b.waiting = append(b.waiting, msg)
	return len(b.waiting) == 1, nil
}

// flush publishes what waits. What the connection or the server does not take is gone.
func (b *rejectedBox) flush(nc *nats.Conn) {
	b.mu.Lock()
	burst := b.waiting
	b.waiting = nil
	b.mu.Unlock()
	bytes := 0
	down := false
	for _, msg := range burst {
		bytes += rejectedSize(msg)
		if !down {
			down = forward.IsDown(nc.PublishMsg(msg))
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.bytes -= bytes
}

func rejectedSize(msg *nats.Msg) int { return rejectedOverhead + msg.Size() }
