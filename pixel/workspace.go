// SPDX-License-Identifier: Apache-2.0

package pixel

import (
	"sync"

	"github.com/segmentpixel/caddy-segment-pixel/pixel/internal/layout"
	"github.com/segmentpixel/caddy-segment-pixel/pixel/internal/params"
)

// workspace is the memory that one request needs. Workspaces are reused: a request
// that is decoded allocates no more than what leaves, which is one string with the
// event's name and messageId, or the rejection with its detail. Only a write key
// that was not seen last, a time in a rare format, and what the validator leaves to
// the JSON decoder cost more: an object of more than 64 names, an escape in a name
// and broken JSON.
type workspace struct {
	event   Event
	params  params.Tree
	scanner layout.Scanner
	inner   layout.Scanner // of objects within the object
	call    call
	repairs Repair
	// suspect is set when something looks mangled, although it can be read.
	suspect bool
	sealed  string    // the source of the key that has sealed the object, if it has one
	later   []rawPair // parameters whose meaning depends on others

	decoded []byte // the object that data held
	merged  []byte // the object with the parameters on top
	words   []byte // the name and the messageId of the event
	body    []byte // the published envelope

	// Only what arrives mangled needs these.
	text   []byte // data, percent-decoded
	again  []byte // data, percent-decoded twice
	digits []byte // the base64 digits in it

	// unescaped is the part of text or of again that was read on. Only Explain looks
	// at it, in a workspace that is new.
	unescaped []byte
}

// largestKept, in bytes, bounds what a single huge request leaves in the pool.
const largestKept = 512 << 10

var workspaces = sync.Pool{New: func() any { return new(workspace) }}

func (ws *workspace) reset(maxEventSize int) {
	ws.params.Reset(maxEventSize)
	ws.repairs, ws.suspect = 0, false
	ws.sealed = ""
	ws.later = ws.later[:0]
}

// size is about the bytes that the workspace holds.
func (ws *workspace) size() int {
	return cap(ws.decoded) + cap(ws.merged) + cap(ws.words) + cap(ws.body) +
		cap(ws.text) + cap(ws.again) + cap(ws.digits) + cap(ws.call.unquoted) +
		ws.params.Memory() + ws.scanner.Size() + ws.inner.Size()
}

func (ws *workspace) release() {
	if ws.size() > largestKept {
		return
	}
	// The pool must not keep the strings of a request alive.
	ws.event = Event{}
	ws.sealed = ""
	clear(ws.later[:cap(ws.later)])
	workspaces.Put(ws)
}
