// SPDX-License-Identifier: Apache-2.0

// Package sinks holds the guest modules that take what the segment_pixel handler
// has decoded: nats, jetstream, writer and log.
//
// A sink of your own is a Caddy module whose ID begins with [Namespace] and a
// dot, and which implements [Sink]. It may implement [Starter] if it has
// something to open, [Rejecter] if it also carries rejected requests, and [Reporter]
// to tell how it is:
//
//	func (Queue) CaddyModule() caddy.ModuleInfo {
//		return caddy.ModuleInfo{
//			ID:  sinks.Namespace + ".queue",
//			New: func() caddy.Module { return new(Queue) },
//		}
//	}
//
// Provision has to parse and no more: "caddy validate" provisions a sink and
// throws it away, and so does a reload that fails later on. Start is the place
// to open things. To be usable from a Caddyfile, a sink implements
// caddyfile.Unmarshaler; its dispenser stands on the name of the sink.
package sinks

import (
	"context"

	"github.com/segmentpixel/caddy-segment-pixel/pixel"
)

// Namespace is the module namespace of the sinks; in JSON, the key "sink" names
// the module.
const Namespace = "http.handlers.segment_pixel.sinks"

// Sink takes events.
type Sink interface {
	// Publish returns when the event is as safe as this sink promises, or with
	// the error that kept it from being so. The error tells an operator what is
	// wrong and holds neither a secret nor a part of the event.
	//
	// The event's memory is reused after Publish has returned, so what is kept
	// longer has to be copied. The context carries the values of the request, but
	// is not cancelled when a client hangs up; read placeholders with
	// [Placeholder], since other sinks may do so at the same time.
	// Publish is called concurrently, and it has to work before Start (a server
	// may take requests first) and after Stop and Cleanup (a reload cleans up
	// the old configuration while its last requests are under way).
	Publish(ctx context.Context, event *pixel.Event) error
}

// Starter is a sink that has something to open and to let go.
type Starter interface {
	// Start opens what the sink needs. An error fails the load of the
	// configuration; a remote that cannot be reached is none.
	Start(Site) error
	// Stop lets go of what Start has opened. It must not hold up a reload.
	Stop()
}

// Rejecter is a sink that also carries the requests that were rejected.
type Rejecter interface {
	// Reject passes a rejected request on, at most once and without waiting.
	Reject(ctx context.Context, rejection *pixel.Rejection) error
}

// Site is what a sink may want to know of the handler that it serves.
type Site struct {
	// MaxEventSize is the largest object that the handler accepts, in bytes. The
	// published event is larger by what the envelope adds.
	MaxEventSize int
	// Configuration is the same for all sinks of one configuration, and differs
	// from that of any other.
	Configuration any
}
