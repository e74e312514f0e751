// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"bytes"
	"runtime"
	"sync"
	"sync/atomic"
)

const (
	// maxGroupBytes and maxGroupEvents bound what one commit writes, and thereby
	// how long its callers wait for one another.
	maxGroupBytes  = 1 << 20
	maxGroupEvents = 4096

	// maxYields bounds how often a leader lets others run before it commits.
	maxYields = 8

	// maxKeptBuffer is the largest buffer that is kept for another group.
	maxKeptBuffer = 2 << 20
)

// group gathers the events that one commit writes as one record. The caller that
// brings the first event leads: it commits the group.
type group struct {
	buf   []byte // room for the header, then the encoded events
	count int
	err   error // how the commit went, for those who do not lead; ErrStalled before it is over

	sealed  bool           // takes no more events
	turn    chan bool      // tells the leader to commit, or that it never will be its turn
	done    sync.WaitGroup // holds the others until the commit is over
	members atomic.Int32   // callers that still look at the group
}

// groups recycles them. The records themselves are copied for the reader.
var groups = sync.Pool{New: func() any {
	return &group{buf: make([]byte, maxHeader, 4096), turn: make(chan bool, 1)}
}}

// takes tells whether the group takes another event, without more bytes than that.
func (g *group) takes(e *Event, most int64) bool {
	return !g.sealed && g.count < maxGroupEvents && int64(len(g.buf))+eventBound(e) <= most
}

// add returns whether the event is the first, whose caller leads.
func (g *group) add(e *Event) (leads bool) {
	g.buf = appendEvent(g.buf, e)
	g.count++
	g.members.Add(1)
	return g.count == 1
}

// gather lets callers that are ready to run join the group, for as long as that
// makes it grow: a write and a sync cost about the same for one event and for fifty.
// Nobody waits for a timer, and where nobody else is ready, it is over at once.
func (g *group) gather() {
	for range maxYields {
		before := g.members.Load()
		runtime.Gosched()
		if g.members.Load() == before {
			return
		}
	}
}

// record returns the record of the group. It is valid until the group is left.
func (g *group) record(r record) []byte {
	r.count = g.count
	return g.buf[r.putHeader(g.buf):]
}

// copy returns a copy of the group's record for the reader.
func (g *group) copy(r record) *record {
	r.events = bytes.Clone(g.buf[maxHeader:])
	return &r
}

// leave lets go of the group. The last to leave recycles it.
func (g *group) leave() {
	if g.members.Add(-1) > 0 || cap(g.buf) > maxKeptBuffer {
		return
	}
	g.buf = g.buf[:maxHeader]
	g.count, g.err, g.sealed = 0, nil, false
	groups.Put(g)
}
