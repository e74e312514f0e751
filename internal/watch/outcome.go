// SPDX-License-Identifier: Apache-2.0

package watch

import (
	"net/http"
	"time"

	"github.com/segmentpixel/caddy-segment-pixel/pixel"
	"github.com/segmentpixel/caddy-segment-pixel/pixel/fetcher"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/report"
)

// Outcome is what became of one request. Placeholders are read from it, and
// observers are told of it.
type Outcome struct {
	Result    result
	Type      pixel.Type
	Source    string // of the write key, empty while that is unknown
	MessageID string
	Request   *http.Request

	// UserAgent and Referer are empty where they are not to be kept.
	UserAgent, Referer string

	// Fetch is who has sent the request, if that was asked.
	Fetch fetcher.Verdict

	Received time.Time
	Decoding time.Duration // from the request to the event or its rejection
	Took     time.Duration // from the request to its answer

	// untrustedProxy is set when a proxy stands between the client and us that
	// trusted_proxies does not name, so the address is the proxy's.
	UntrustedProxy bool

	// One of these is there unless our own code has failed. The event is there only
	// until the observers have been told.
	Event     *pixel.Event
	rejection *pixel.Rejection

	dropped drops
}

// result says in one word what became of a request.
type result uint8

const (
	// Accepted means that every sink has done with the event what it promises.
	Accepted result = iota
	// Rejected means that the request became no event, for one of pixel's reasons.
	Rejected
	// dropped means that the event was answered, and at least one sink did not take it.
	dropped
	// Failed means that our own code has panicked.
	Failed

	resultCount
)

var resultNames = [resultCount]string{"accepted", "rejected", "dropped", "failed"}

func (v result) String() string { return resultNames[v] }

// reason is Accepted unless the request was rejected.
func (o *Outcome) reason() pixel.Reason {
	if o.rejection == nil {
		return pixel.Accepted
	}
	return o.rejection.Reason
}

// RejectedFor notes why the request became no event.
func (o *Outcome) RejectedFor(rejection *pixel.Rejection) {
	o.Result, o.rejection, o.Source = Rejected, rejection, rejection.Source
}

// Became notes the event.
func (o *Outcome) Became(event *pixel.Event) {
	o.Event, o.Source, o.MessageID = event, event.Source, event.MessageID
}

// DroppedBy notes that a sink did not take the event, if there is an error.
func (o *Outcome) DroppedBy(sink string, err error) {
	if err != nil {
		o.Result = dropped
		o.dropped = append(o.dropped, drop{sink, report.CauseOf(err)})
	}
}
