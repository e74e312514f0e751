// SPDX-License-Identifier: Apache-2.0

package sinks

import (
	"github.com/segmentpixel/caddy-segment-pixel/sinks/forward"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool"
)

// troubleNotOpen is the trouble of a spool that is not there to know of it.
const troubleNotOpen spool.Trouble = "not_open"

// tellOfSpool passes on a change of the spool.
func (d *delivery) tellOfSpool(c spool.Change) {
	if c.Over {
		d.tellWell(c.Trouble, c.Refused)
		return
	}
	d.tellTrouble(c.Trouble, c.Err)
}

func (d *delivery) tellTrouble(trouble spool.Trouble, err error) {
	data := map[string]any{"dir": d.directory, "trouble": string(trouble)}
	if err != nil {
		data["error"] = err.Error()
	}
	tell(ChangeSpoolTrouble, data)
}

func (d *delivery) tellWell(trouble spool.Trouble, refused uint64) {
	tell(ChangeSpoolWell, map[string]any{"dir": d.directory, "trouble": string(trouble), "events_refused": refused})
}

// tellOfDelivery passes on a change of the forwarder.
func (d *delivery) tellOfDelivery(c forward.Change) {
	if c.Waits {
		tell(ChangeDeliveryWaits, map[string]any{"dir": d.directory, "events": d.waiting(), "error": c.Cause})
		return
	}
	tell(ChangeDeliveryResumed, map[string]any{"dir": d.directory, "after_seconds": c.After.Seconds()})
}
