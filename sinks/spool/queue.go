// SPDX-License-Identifier: Apache-2.0

package spool

// blockOverhead is about what a record costs in memory besides its events.
const blockOverhead = 128

// block is a record that is to be handed out, and the segment it lies in.
type block struct {
	record
	segment int
	size    int // of the memory it holds
}

// queue keeps the records that were committed last, so that a reader that keeps
// up never touches the disk. It drops the oldest when it holds too much.
type queue struct {
	blocks []*block
	size   int
	max    int
}

func (q *queue) push(b *block) {
	q.blocks = append(q.blocks, b)
	q.size += b.size
	for q.size > q.max && len(q.blocks) > 0 {
		q.shift()
	}
}

func (q *queue) shift() *block {
	b := q.blocks[0]
	q.blocks[0] = nil
	q.blocks = q.blocks[1:]
	q.size -= b.size
	return b
}

// take returns the record that follows the event with the given sequence, or nil
// if the queue does not hold it (any more).
func (q *queue) take(after uint64) *block {
	for len(q.blocks) > 0 && q.blocks[0].last() <= after {
		q.shift()
	}
	if len(q.blocks) == 0 || q.blocks[0].previous > after {
		return nil
	}
	return q.shift()
}

// follows tells when the record that take would return was committed.
func (q *queue) follows(after uint64) (at int64, ok bool) {
	for _, b := range q.blocks {
		if b.last() > after {
			return b.at, b.previous <= after
		}
	}
	return 0, false
}
