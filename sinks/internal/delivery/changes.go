// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"github.com/segmentpixel/caddy-segment-pixel/sinks/forward"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/report"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool"
)

// troubleNotOpen is the trouble of a spool that is not there to know of it.
const troubleNotOpen spool.Trouble = "not_open"

// TellOfSpool passes on a change of the spool.
func (d *Delivery) TellOfSpool(c spool.Change) {
	if c.Over {
		d.tellWell(c.Trouble, c.Refused)
		return
	}
	d.tellTrouble(c.Trouble, c.Err)
}

func (d *Delivery) tellTrouble(trouble spool.Trouble, err error) {
	data := map[string]any{"dir": d.Directory, "trouble": string(trouble)}
	if err != nil {
		data["error"] = err.Error()
	}
	report.Tell(report.ChangeSpoolTrouble, data)
}

func (d *Delivery) tellWell(trouble spool.Trouble, refused uint64) {
	report.Tell(report.ChangeSpoolWell, map[string]any{"dir": d.Directory, "trouble": string(trouble), "events_refused": refused})
}

// TellOfDelivery passes on a change of the forwarder.
func (d *Delivery) TellOfDelivery(c forward.Change) {
	if c.Waits {
		report.Tell(report.ChangeDeliveryWaits, map[string]any{"dir": d.Directory, "events": d.Waiting(), "error": c.Cause})
		return
	}
	report.Tell(report.ChangeDeliveryResumed, map[string]any{"dir": d.Directory, "after_seconds": c.After.Seconds()})
}
