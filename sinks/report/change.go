// SPDX-License-Identifier: Apache-2.0

package report

import (
	"slices"
	"sync"
)

// Change is a change of state that a sink has logged, for those who want to act on it.
type Change struct {
	// Name is one of the constants below.
	Name string
	// Data says more, in the words of the log line. It holds no secret and no part of
	// an event.
	Data map[string]any
}

// Names of changes. The data of each are in parentheses.
const (
	// NATS is not connected, or still is not for another reason (server, error, hint).
	ChangeDisconnected = "segment_pixel_nats_disconnected"
	// NATS is connected (server, server_name).
	ChangeConnected = "segment_pixel_nats_connected"
	// Events wait in a spool, or do so for another reason (dir, events, error).
	ChangeDeliveryWaits = "segment_pixel_delivery_waits"
	// Events of a spool are delivered again (dir, after_seconds).
	ChangeDeliveryResumed = "segment_pixel_delivery_resumed"
	// A spool is full, failing, not_open, or cannot write its checkpoint (dir, trouble,
	// and error unless it is full).
	ChangeSpoolTrouble = "segment_pixel_spool_trouble"
	// That is over (dir, trouble, events_refused). A spool that was both full and failing
	// is well when neither is left.
	ChangeSpoolWell = "segment_pixel_spool_well"
	// What was found about the streams of a sink is not what it was before (server,
	// subject, streams, findings). No findings: all is well.
	ChangeStreamFindings = "segment_pixel_stream_findings"
)

// listeners are called for every change.
var listeners = struct {
	sync.RWMutex
	all []*func(Change)
}{}

// OnChange has f called for every change from now on, until remove is called. It is
// called by whoever has caused the change, maybe by several at a time, and must not
// wait.
func OnChange(f func(Change)) (remove func()) {
	listener := &f
	listeners.Lock()
	defer listeners.Unlock()
	listeners.all = append(slices.Clip(listeners.all), listener)
	return func() {
		listeners.Lock()
		defer listeners.Unlock()
		// Somebody may be reading what there was.
		listeners.all = slices.DeleteFunc(slices.Clone(listeners.all), func(l *func(Change)) bool { return l == listener })
	}
}

// Tell calls the listeners. It is called without locks that they might need.
func Tell(name string, data map[string]any) {
	listeners.RLock()
	all := listeners.all
	listeners.RUnlock()
	for _, listener := range all {
		(*listener)(Change{Name: name, Data: data})
	}
}
