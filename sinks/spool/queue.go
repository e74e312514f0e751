// SPDX-License-Identifier: Apache-2.0

package spool

// recordOverhead is about what a record costs in memory besides its events.
const recordOverhead = 128

// size is about what the record takes in memory.
func (r *record) size() int { return len(r.events) + recordOverhead }

// queue keeps the records that were committed last, so that a reader that keeps
// up never touches the disk. It drops the oldest when it holds too much.
type queue struct {
	records []*record
	size    int
	max     int

	handedOut []age // records that are not acknowledged, also those from the disk
	latest    int64 // when the last of all was committed, or a guess before there is one
}

// age says when a record was committed.
type age struct {
	last uint64 // its last sequence
	at   int64
}

func (q *queue) push(r *record) {
	q.records = append(q.records, r)
	q.size += r.size()
	for q.size > q.max && len(q.records) > 0 {
		q.shift()
	}
}

func (q *queue) shift() *record {
	r := q.records[0]
	q.records[0] = nil
	q.records = q.records[1:]
	q.size -= r.size()
	return r
}

// take returns the record that follows the event with the given sequence, or nil
// if the queue does not hold it (any more).
func (q *queue) take(after uint64) *record {
	for len(q.records) > 0 && q.records[0].last() <= after {
		q.shift()
	}
	if len(q.records) == 0 || q.records[0].first > after+1 {
		return nil
	}
	return q.shift()
}

// before is the last sequence up to which the queue holds nothing, at most a given one.
func (q *queue) before(last uint64) uint64 {
	if len(q.records) == 0 {
		return last
	}
	return q.records[0].first - 1
}

// handOut notes that a record is handed out.
func (q *queue) handOut(r *record) {
	q.handedOut = append(q.handedOut, age{r.last(), r.at})
	q.latest = r.at
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
	for _, r := range q.records {
		if r.first <= handedOut+1 && handedOut < r.last() {
			return r.at
		}
	}
	// The reader has not come to it: it is younger than what was read last.
	return q.latest
}
