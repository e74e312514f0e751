// SPDX-License-Identifier: Apache-2.0

//go:build unix

package faults

import (
	"encoding/json"
	"fmt"

	"github.com/nats-io/nats.go"
)

// tally is what has been found in a stream, or in one after the other when it was
// created anew.
type tally struct {
	stored  [connections]bitset
	count   int // of messages
	doubled []pixelID
	wrong   []string // messages that nobody sent like that
}

// add takes one message.
func (t *tally) add(header nats.Header, data []byte) {
	t.count++
	id, err := readEvent(header, data)
	if err != nil {
		t.wrong = append(t.wrong, err.Error())
		return
	}
	if !t.stored[id.connection].set(id.number) {
		t.doubled = append(t.doubled, id)
	}
}

// readEvent returns the pixel that a message comes from, if all that the client
// sent is in it.
func readEvent(header nats.Header, data []byte) (pixelID, error) {
	var event struct {
		UserID     string `json:"userId"`
		MessageID  string `json:"messageId"`
		Event      string `json:"event"`
		Properties struct {
			Fill string `json:"fill"`
		} `json:"properties"`
	}
	if err := json.Unmarshal(data, &event); err != nil {
		return pixelID{}, fmt.Errorf("%w in %s", err, data)
	}
	id, err := parseID(event.MessageID)
	switch {
	case err != nil:
		return id, err
	case id.connection < 0 || id.connection >= connections:
		return id, fmt.Errorf("no connection has sent %v", id)
	case event.UserID != event.MessageID, event.Event != marker, event.Properties.Fill != id.fill():
		return id, fmt.Errorf("%v is not as it was sent: %s", id, data)
	case header.Get(nats.MsgIdHdr) != id.natsMsgID():
		return id, fmt.Errorf("%v has the message id %q", id, header.Get(nats.MsgIdHdr))
	}
	return id, nil
}

// missing returns the pixels that were answered and are not stored.
func (t *tally) missing(l *load) []pixelID {
	var missing []pixelID
	for c, s := range l.senders {
		for i, word := range s.answered {
			if i < len(t.stored[c]) && word&^t.stored[c][i] == 0 {
				continue
			}
			for n := i * 64; n < (i+1)*64; n++ {
				if s.answered.has(n) && !t.stored[c].has(n) {
					missing = append(missing, pixelID{c, n})
				}
			}
		}
	}
	return missing
}

// invented returns the pixels that are stored and were never sent.
func (t *tally) invented(sent []int) []pixelID {
	var invented []pixelID
	for c, n := range sent {
		for number := n; number < 64*len(t.stored[c]); number++ {
			if t.stored[c].has(number) {
				invented = append(invented, pixelID{c, number})
			}
		}
	}
	return invented
}
