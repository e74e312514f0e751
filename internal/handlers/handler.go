// SPDX-License-Identifier: Apache-2.0

package handlers

import (
	"context"
	"net/http"

	"github.com/segmentpixel/caddy-segment-pixel/internal/keys"
	"github.com/segmentpixel/caddy-segment-pixel/internal/suppress"
	"github.com/segmentpixel/caddy-segment-pixel/pixel"
	"github.com/segmentpixel/caddy-segment-pixel/sinks"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/report"
)

// Handler is what the admin endpoint, the doctor and the commands know of a
// segment_pixel handler, whether it runs or was only provisioned.
type Handler interface {
	// Options are those of its configuration that others have to know.
	Options() Options
	// Keys are its write keys.
	Keys() *keys.Ring
	// Load reads the files that decoding needs, for a handler that does not run.
	Load() error
	// Seals is the file of the keys of sealed pixels, empty if it has none, and what is
	// wrong with it.
	Seals() (file string, err error)
	// Sinks are its sinks, in the order of the configuration.
	Sinks() []Sink
	// Problems say what is wrong with it, apart from its sinks.
	Problems() report.Trouble
	// Seal makes a token of an object, if the handler has keys, while it runs.
	Seal(object []byte) (token string, has bool, err error)
	// Suppress is its list of those who have withdrawn consent; nil if it has none.
	Suppress() *Suppress
	// Route finds the event type of a path, and whether the path is under a prefix.
	Route(path string) (typ pixel.Type, under bool)
	// Facts are those of a request.
	Facts(r *http.Request) pixel.Facts
	// Decode makes an event or a rejection of a request, and neither publishes nor
	// counts it.
	Decode(r *http.Request, typ pixel.Type, facts *pixel.Facts) (*pixel.Event, *pixel.Rejection)
	// Decoder is what Decode uses.
	Decoder() *pixel.Decoder
}

// Options are the options of a handler with their defaults filled in.
type Options struct {
	PathPrefixes []string
	MaxEventSize int
	ClientIP     string
	// Addresses are where pixels may be sent to, such as https://example.com/v1/pixel, as
	// far as the configuration names hosts.
	Addresses []string
}

// Suppress is a handler's list of those who have withdrawn consent.
type Suppress struct {
	Bucket string
	// State tells how it is; nil unless the handler runs.
	State *suppress.State
	// Examine looks at it from the outside, as sinks.Examiner does.
	Examine func(context.Context) []report.Check
	// Open connects to the bucket, to change it.
	Open func(context.Context) (*suppress.Bucket, error)
}

// Sink is one sink of a handler.
type Sink struct {
	sinks.Sink
	Name string // of the module
	// Problem says why events are being dropped; empty if none are.
	Problem func() string
}
