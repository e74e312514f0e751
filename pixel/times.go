// SPDX-License-Identifier: Apache-2.0

package pixel

import (
	"time"

	"github.com/segmentpixel/caddy-segment-pixel/pixel/internal/clock"
	"github.com/segmentpixel/caddy-segment-pixel/pixel/internal/layout"
)

// appendTime appends a time in UTC as it is published: RFC 3339, milliseconds.
// The package time writes that six times faster without the milliseconds.
func appendTime(dst []byte, t time.Time) []byte {
	dst = t.AppendFormat(dst, time.RFC3339)
	ms := t.Nanosecond() / int(time.Millisecond)
	return append(dst[:len(dst)-len("Z")], '.', byte('0'+ms/100), byte('0'+ms/10%10), byte('0'+ms%10), 'Z')
}

// times are the four times of an event, all in UTC and whole milliseconds.
type times struct{ original, sent, event, received time.Time }

// times works out when the event happened (Segment's rule): by the server's
// clock where the client sent its own time of sending besides that of the event, so
// that a wrong clock does no harm; by the client's otherwise. A time of sending alone
// says nothing about a clock: it may stand in a mail template.
func (c *call) times(received time.Time, repairs *Repair) times {
	original, hasOriginal := c.time(layout.OriginalTimestamp, repairs)
	client, hasClient := c.time(layout.Timestamp, repairs)
	sent, hasSent := c.time(layout.SentAt, repairs)

	t := times{original: received, sent: received, event: received, received: received}
	switch {
	case hasOriginal:
		t.original = original
	case hasClient:
		t.original = client
	}
	if hasClient {
		t.event = client
	}
	if hasSent {
		t.sent = sent
	}
	if hasSent && (hasOriginal || hasClient) {
		// A difference of times is too small a type for all that clients send.
		event := time.UnixMilli(received.UnixMilli() - (t.sent.UnixMilli() - t.original.UnixMilli())).UTC()
		if clock.CanPublish(event) {
			t.event = event
		}
	}
	return t
}

// time parses the client's time. One that cannot be parsed counts as absent.
func (c *call) time(f layout.Field, repairs *Repair) (time.Time, bool) {
	if !c.member(f).Present() {
		return time.Time{}, false
	}
	text := c.text(f)
	if m := c.member(f); m.Kind == '0' {
		text = m.Value.Of(c.object)
	}
	t, known := clock.Parse(text)
	if !known {
		*repairs |= RepairedTime
	}
	return t, known
}
