// SPDX-License-Identifier: Apache-2.0

package pixel

import (
	"strings"
	"sync"
)

// workspace is the memory that one request needs. Workspaces are reused: a
// request that is decoded without repairs allocates next to nothing.
type workspace struct {
	event   Event
	params  fields
	scanner scanner
	repairs Repair

	decoded []byte // the object that data held
	merged  []byte // the object with the parameters on top
	body    []byte // the published envelope

	// Only what arrives mangled needs these.
	text   []byte // data, percent-decoded
	again  []byte // data, percent-decoded twice
	digits []byte // the base64 digits in it
}

// largestKept, in bytes, and mostKept, a number of fields, bound what a single huge
// request leaves in the pool.
const (
	largestKept = 64 << 10
	mostKept    = 1 << 10
)

var workspaces = sync.Pool{New: func() any { return new(workspace) }}

func (ws *workspace) reset(query string, maxEventSize int) {
	ws.params.reset(maxEventSize, strings.Count(query, "&")+strings.Count(query, "."))
	ws.repairs = 0
}

func (ws *workspace) release() {
	total := cap(ws.decoded) + cap(ws.merged) + cap(ws.body) + cap(ws.text) + cap(ws.again) + cap(ws.digits)
	if total > 4*largestKept || cap(ws.params.nodes) > mostKept || cap(ws.scanner.layout.members) > mostKept {
		return
	}
	// Nothing of a request may stay reachable through the pool.
	ws.event = Event{}
	clear(ws.params.nodes)
	workspaces.Put(ws)
}
