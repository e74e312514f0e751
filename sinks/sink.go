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
	_ "github.com/segmentpixel/caddy-segment-pixel/sinks/internal/natsoption" // says what is missing where it is
	"github.com/segmentpixel/caddy-segment-pixel/sinks/report"
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

// Reporter is a sink that can tell how it is.
type Reporter interface {
	// Status is called at any time, also before Start and after Stop, and must not wait
	// for a remote or for the disk.
	Status() report.Status
}

// Examiner is a sink that can tell, from the outside, whether it would work: the
// command "caddy segment-pixel doctor" asks it. A sink of your own may be one:
//
//	func (q *Queue) Examine(ctx context.Context, _ sinks.Site) []report.Check {
//		if err := q.ping(ctx); err != nil {
//			return []report.Check{{
//				Name: "queue", Mark: report.Problem, Found: err.Error(),
//				Remedy: "check that the queue runs at " + q.Address,
//			}}
//		}
//		return []report.Check{{Name: "queue", Mark: report.OK, Found: "it answers at " + q.Address}}
//	}
type Examiner interface {
	// Examine looks at what the sink needs and returns one check for each thing, in
	// the order in which they depend on each other. The sink has been provisioned
	// and is not started, and a Caddy with the same configuration may be running at
	// the same time: Examine opens what it needs for itself, changes nothing,
	// publishes nothing and lets go of everything before it returns, which is when
	// the context ends at the latest. No text holds a secret.
	Examine(ctx context.Context, site Site) []report.Check
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
