// SPDX-License-Identifier: Apache-2.0

package forward

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// errGap is the end of a batch from which a message is missing.
var errGap = errors.New("a message of the batch did not reach the stream")

// batchReply is any answer to a message of a batch.
type batchReply struct {
	Type     string              `json:"type"`
	Sequence uint64              `json:"seq"`
	Error    *jetstream.APIError `json:"error"`
	Stream   string              `json:"stream"`
	Count    uint64              `json:"count"`
}

const (
	replyProgress = "ack"
	replyGap      = "gap"
	replyError    = "err"
	replyEnd      = "" // the ack for the batch as a whole, or a refusal outside of it
)

// progress is what the replies have told of a batch of n messages.
type progress struct {
	n      int
	stored int   // so many, from the first
	limit  int   // no more than these can be: the next one was refused
	cause  error // of the first refusal
}

func newProgress(n int) *progress {
	return &progress{n: n, limit: n}
}

// note takes in a reply and tells whether it is the last. The place is what its
// subject says of the message that it answers.
//
// After the refusal of a message the server finds a gap at the next one, stores no
// more, and acknowledges what is before. So that ack is waited for, unless it was
// the last message that was refused.
func (p *progress) note(place string, msg *nats.Msg) (last bool) {
	reply, err := parseReply(msg)
	if err != nil {
		sequence := p.refuse(place, err)
		return reply.Type != replyError && sequence == p.n
	}
	switch reply.Type {
	case replyGap:
		p.refuse(place, errGap)
		return false
	case replyProgress:
		p.store(reply.Sequence)
		return false
	}
	p.store(reply.Count)
	if p.stored < p.n && p.cause == nil {
		p.cause = errGap
	}
	return true
}

// refuse notes that a message was not stored, and returns which.
func (p *progress) refuse(place string, cause error) int {
	if p.cause == nil {
		p.cause = cause
	}
	sequence := sequenceOf(place)
	p.limit = min(p.limit, max(sequence-1, 0))
	return sequence
}

func (p *progress) store(count uint64) {
	p.stored = max(p.stored, int(min(count, uint64(p.limit))))
}

// sequenceOf returns 0 if the place is none.
func sequenceOf(place string) int {
	number, _, _ := strings.Cut(place, ".")
	sequence, err := strconv.Atoi(number)
	if err != nil {
		return 0
	}
	return sequence
}

// parseReply returns an error if the message that is answered was not stored.
func parseReply(msg *nats.Msg) (batchReply, error) {
	var reply batchReply
	if len(msg.Data) == 0 && msg.Header.Get("Status") == "503" {
		return reply, nats.ErrNoResponders
	}
	if err := json.Unmarshal(msg.Data, &reply); err != nil {
		return batchReply{}, fmt.Errorf("the server answered a batch with what is no JSON: %w", err)
	}
	if reply.Error != nil {
		return reply, reply.Error
	}
	switch reply.Type {
	case replyProgress, replyGap:
		return reply, nil
	case replyError:
		return reply, new(jetstream.APIError)
	case replyEnd:
		if reply.Stream != "" {
			return reply, nil
		}
	}
	return reply, jetstream.ErrInvalidJSAck
}
