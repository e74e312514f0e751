// SPDX-License-Identifier: Apache-2.0

//go:build unix

package faults

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
)

// lane is one Caddy with its spool, the load that it gets, and what its stream
// holds.
type lane struct {
	way    way
	broker *broker
	caddy  *caddyServer
	load   *load
	reader streamReader
}

// answers waits until so many more pixels have been answered.
func (l *lane) answers(more int) error {
	target := l.load.answered.Load() + int64(more)
	return await("more pixels are answered", func() (bool, error) {
		return l.load.answered.Load() >= target, nil
	})
}

// recovers waits until a pixel is stored that was sent after the call.
func (l *lane) recovers() error {
	sent := l.load.sent()
	return await("what is sent now is stored", func() (bool, error) {
		var last *jetstream.RawStreamMsg
		err := briefly(func(ctx context.Context) error {
			stream, err := l.broker.js.Stream(ctx, l.way.streamName())
			if err != nil {
				return err
			}
			last, err = stream.GetMsg(ctx, stream.CachedInfo().State.LastSeq)
			return err
		})
		if err != nil {
			return false, err
		}
		id, err := readEvent(last.Header, last.Data)
		return err == nil && id.number >= sent[id.connection], err
	})
}

// delivers ends the load and waits until the stream holds all that was answered.
func (l *lane) delivers() error {
	l.load.end()
	return l.storesAll()
}

// storesAll waits until the stream holds all that was answered, without anybody's help,
// while no pixel is under way. What the log says to be dropped will not come any more.
func (l *lane) storesAll() error {
	return l.reader.readUntil("the stream holds all that was answered", func() bool {
		dropped, err := l.dropped()
		return err == nil && len(l.reader.tally.missing(l.load)) <= dropped
	})
}

// settle ends the load and Caddy, and reads the rest.
func (l *lane) settle() error {
	l.load.end()
	if !l.caddy.child.hasEnded() {
		if err := l.caddy.terminate(); err != nil {
			return err
		}
	}
	if err := await("the stream can be read", func() (bool, error) {
		err := l.reader.catchUp()
		return err == nil, err
	}); err != nil {
		return err
	}
	return l.countTwice()
}

// countTwice compares what was read with the stream's own count.
func (l *lane) countTwice() error {
	info, err := l.broker.info(l.way)
	if err != nil {
		return err
	}
	if info.State.LastSeq != l.reader.last || info.State.Msgs != info.State.LastSeq {
		return fmt.Errorf("read up to message %d, the stream holds %d up to %d", l.reader.last, info.State.Msgs, info.State.LastSeq)
	}
	return nil
}

// dropped is how many events the log owns up to.
func (l *lane) dropped() (int, error) {
	sum := 0
	for _, text := range l.caddy.log.since(0) {
		var line struct {
			Message string `json:"msg"`
			Dropped int    `json:"dropped"`
		}
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			continue // a line that kill -9 has cut
		}
		switch line.Message {
		case "the sink takes events again", "stopped while the sink did not take events":
			if line.Dropped == 0 {
				return 0, fmt.Errorf("the log names no number of dropped events: %s", text)
			}
			sum += line.Dropped
		}
	}
	return sum, nil
}

// end is for the end of a test, whatever state it is in.
func (l *lane) end() {
	l.caddy.end()
	if l.load != nil {
		l.load.end()
	}
}
