// SPDX-License-Identifier: Apache-2.0

package sinks

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/nats-io/nats.go"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/forward"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/internal/delivery"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool"
)

// Undeliverable is an event that was set aside, as a line of a spool's
// undeliverable.ndjson has it.
type Undeliverable struct {
	Cause     string          `json:"cause"`
	Subject   string          `json:"subject"`
	MessageID string          `json:"messageId"` // the value of Nats-Msg-Id
	Event     json.RawMessage `json:"event"`
}

// ParseUndeliverable reads a line. The error says what is wrong with it, without
// anything of the event.
func ParseUndeliverable(line []byte) (*Undeliverable, error) {
	u := new(Undeliverable)
	if err := json.Unmarshal(line, u); err != nil {
		if !json.Valid(line) {
			return nil, errors.New("it is no JSON, or ends early")
		}
		return nil, errors.New("it has another form than those that Caddy writes")
	}
	switch {
	case u.Subject == "" || strings.ContainsAny(u.Subject, "*> \t\r\n"):
		return nil, fmt.Errorf("%q is no subject to publish to", u.Subject)
	case !bytes.HasPrefix(u.Event, []byte("{")):
		return nil, errors.New("its event is no JSON object: it was damaged when it was set aside")
	}
	return u, nil
}

func (u *Undeliverable) message() *nats.Msg {
	return forward.Message(&spool.Event{Subject: u.Subject, MessageID: u.MessageID, Body: u.Event})
}

// PublishesToStreams tells whether a sink is one to whose streams events can be
// published that were set aside.
func PublishesToStreams(sink Sink) bool {
	_, ok := sink.(*JetStream)
	return ok
}

// KeepsInSpool tells whether a file is in the directory of the sink's spool.
func KeepsInSpool(sink Sink, file string) bool {
	s, ok := sink.(*JetStream)
	if !ok || s.Spool.IsOff() {
		return false
	}
	options, err := s.spoolOptions()
	if err != nil {
		return false
	}
	dir, err := delivery.ResolveDirectory(filepath.Dir(file))
	return err == nil && dir == options.Dir
}
