// SPDX-License-Identifier: Apache-2.0

package replay

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/segmentpixel/caddy-segment-pixel/internal/handlers"
	"github.com/segmentpixel/caddy-segment-pixel/internal/offline"
	"github.com/segmentpixel/caddy-segment-pixel/pixel"
	"github.com/segmentpixel/caddy-segment-pixel/sinks"
)

// restorer makes a query of a rejected request that yields the event which it would
// have been.
type restorer struct {
	stream   string
	handlers []offline.Handler
}

// decoded is what matters here of an event.
type decoded struct {
	source    string
	messageID string
	times     eventTimes
}

type eventTimes struct {
	Timestamp string `json:"timestamp"`
	Original  string `json:"originalTimestamp"`
	Sent      string `json:"sentAt"`
}

// restored is either a query to send, or why there is none.
type restored struct {
	query    string
	source   string
	rejected string // the reason for which it is still rejected
	altered  bool   // it would be another event
}

// restore decodes the query as if it came when it did, and with another time, to see
// what depends on that: what does is fixed by parameters, which win over the fields
// of the payload. They come first, as the first of a repeated name wins.
func (r *restorer) restore(rejected *sinks.Rejected) restored {
	for _, h := range r.handlers {
		then, reason := try(h, rejected.Type, rejected.Query, rejected.Time)
		if reason != pixel.Accepted {
			continue
		}
		later, _ := try(h, rejected.Type, rejected.Query, rejected.Time.Add(time.Hour))
		wanted := then
		if then.messageID != later.messageID {
			wanted.messageID = r.messageID(rejected)
		}
		query := fixed(then, later, wanted.messageID) + escapeControls(rejected.Query)
		again, reason := try(h, rejected.Type, query, time.Now())
		if reason != pixel.Accepted {
			return restored{rejected: reason.String(), source: then.source}
		}
		altered := again.messageID != wanted.messageID ||
			again.times.Timestamp != wanted.times.Timestamp || again.times.Original != wanted.times.Original
		return restored{query: query, source: then.source, altered: altered}
	}
	// The first is the one whose word counts.
	_, reason := try(r.handlers[0], rejected.Type, rejected.Query, rejected.Time)
	return restored{rejected: reason.String(), source: rejected.Source}
}

// try decodes without an HTTP request, as the handler does with one.
func try(h handlers.Handler, typ pixel.Type, query string, received time.Time) (decoded, pixel.Reason) {
	if typ == pixel.NoType {
		return decoded{}, pixel.UnknownRoute
	}
	event, rejection := h.Decoder().Decode(typ, query, &pixel.Facts{Received: received})
	if rejection != nil {
		return decoded{source: rejection.Source}, rejection.Reason
	}
	defer event.Release()
	d := decoded{source: event.Source, messageID: event.MessageID}
	if err := json.Unmarshal(event.Body, &d.times); err != nil {
		return d, pixel.BadJSON // It has been written by us, so this does not happen.
	}
	return d, pixel.Accepted
}

// fixed are the parameters for what would be different at another time.
func fixed(then, later decoded, messageID string) string {
	var b strings.Builder
	add := func(name, value string) { fmt.Fprintf(&b, "%s=%s&", name, url.QueryEscape(value)) }
	if then.messageID != later.messageID {
		add("messageId", messageID)
	}
	if then.times.Timestamp == later.times.Timestamp && then.times.Original == later.times.Original {
		return b.String()
	}
	add("timestamp", then.times.Timestamp)
	if then.times.Original != then.times.Timestamp {
		add("originalTimestamp", then.times.Original)
	}
	if then.times.Sent == later.times.Sent {
		// With the time of sending, the server works the time out by its own clock. That
		// has been done; an empty time counts as absent.
		add("sentAt", "")
	}
	return b.String()
}

// messageID names the message of the stream. The time is for a stream that has been
// made anew, and begins to count again.
func (r *restorer) messageID(rejected *sinks.Rejected) string {
	const longest = 48 // leaves room for the numbers in a message id
	return fmt.Sprintf("replay-%s-%d-%d", r.stream[:min(len(r.stream), longest)], rejected.Sequence, rejected.Time.UnixMilli())
}

// escapeControls escapes what cannot stand in a request line. It was in none, but
// anybody who may publish to the subject can put it into the stream.
func escapeControls(query string) string {
	if !strings.ContainsFunc(query, isControl) {
		return query
	}
	var b strings.Builder
	for i := range len(query) {
		if c := query[i]; isControl(rune(c)) {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

func isControl(c rune) bool { return c <= ' ' || c == 0x7f || c == '#' }
