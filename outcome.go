// SPDX-License-Identifier: Apache-2.0

package segmentpixel

import (
	"net/http"
	"time"

	"github.com/segmentpixel/caddy-segment-pixel/pixel"
	"github.com/segmentpixel/caddy-segment-pixel/sinks"
)

// outcome is what became of one request. Placeholders are read from it, and
// observers are told of it.
type outcome struct {
	result    result
	typ       pixel.Type
	source    string // of the write key, empty while that is unknown
	messageID string
	request   *http.Request

	received time.Time
	decoding time.Duration // from the request to the event or its rejection
	took     time.Duration // from the request to its answer

	// untrustedProxy is set when a proxy stands between the client and us that
	// trusted_proxies does not name, so the address is the proxy's.
	untrustedProxy bool

	// One of these is there unless our own code has failed. The event is there only
	// until the observers have been told.
	event     *pixel.Event
	rejection *pixel.Rejection

	dropped []string // which sinks did not take the event, and the causes
}

// result says in one word what became of a request.
type result uint8

const (
	// accepted: every sink has done with the event what it promises.
	accepted result = iota
	// rejected: the request became no event, for one of pixel's reasons.
	rejected
	// dropped: the event was answered, and at least one sink did not take it.
	dropped
	// failed: our own code has panicked.
	failed

	resultCount
)

var resultNames = [resultCount]string{"accepted", "rejected", "dropped", "failed"}

func (v result) String() string { return resultNames[v] }

// reason is Accepted unless the request was rejected.
func (o *outcome) reason() pixel.Reason {
	if o.rejection == nil {
		return pixel.Accepted
	}
	return o.rejection.Reason
}

// rejectedFor notes why the request became no event.
func (o *outcome) rejectedFor(rejection *pixel.Rejection) {
	o.result, o.rejection, o.source = rejected, rejection, rejection.Source
}

// became notes the event.
func (o *outcome) became(event *pixel.Event) {
	o.event, o.source, o.messageID = event, event.Source, event.MessageID
}

// droppedBy notes that a sink did not take the event, if there is an error.
func (o *outcome) droppedBy(sink string, err error) {
	if err != nil {
		o.result = dropped
		o.dropped = append(o.dropped, sink+": "+string(sinks.CauseOf(err)))
	}
}
