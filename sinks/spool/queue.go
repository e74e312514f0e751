// SPDX-License-Identifier: Apache-2.0

package spool

// blockOverhead is about what a record costs in memory besides its events.
const blockOverhead = 128

// block is a record that is to be handed out, and the segment it lies in.
type block struct {
	record
	segment int
}

// size is about what the block takes in memory.
func (b *block) size() int { return len(b.events) + blockOverhead }

// queue keeps the records that were committed last, so that a reader that keeps
// up never touches the disk. It drops the oldest when it holds too much.
type queue struct {
	blocks []*block
	size   int
	max    int

	handedOut []age // records that are not acknowledged, also those from the disk
	latest    int64 // when the last of all was committed, or a guess before there is one
}

// age says when a record was committed.
type age struct {
	last uint64 // its last sequence
	at   int64
}

func (q *queue) push(b *block) {
	q.blocks = append(q.blocks, b)
	q.size += b.size()
	for q.size > q.max && len(q.blocks) > 0 {
		q.shift()
	}
}

func (q *queue) shift() *block {
	b := q.blocks[0]
	q.blocks[0] = nil
	q.blocks = q.blocks[1:]
	q.size -= b.size()
	return b
}

// take returns the record that follows the event with the given sequence, or nil
// if the queue does not hold it (any more).
func (q *queue) take(after uint64) *block {
	for len(q.blocks) > 0 && q.blocks[0].last() <= after {
		q.shift()
	}
	if len(q.blocks) == 0 || q.blocks[0].first > after+1 {
		return nil
	}
	return q.shift()
}

// before is the last sequence up to which the queue holds nothing, at most a given one.
func (q *queue) before(last uint64) uint64 {
	if len(q.blocks) == 0 {
		return last
	}
	return q.blocks[0].first - 1
}

// handOut notes that a record is handed out.
func (q *queue) handOut(b *block) {
	q.handedOut = append(q.handedOut, age{b.last(), b.at})
	q.latest = b.at
}

func (q *queue) acknowledge(sequence uint64) {
	for len(q.handedOut) > 0 && q.handedOut[0].last <= sequence {
		q.handedOut = q.handedOut[1:]
	}
}

// oldest is about when the oldest event came that is not acknowledged, if the last that
// was handed out has a sequence.
func (q *queue) oldest(handedOut uint64) int64 {
	if len(q.handedOut) > 0 {
		return q.handedOut[0].at
	}
	for _, b := range q.blocks {
		if b.first <= handedOut+1 && handedOut < b.last() {
			return b.at
		}
	}
	// The reader has not come to it: it is younger than what was read last.
	return q.latest
}
