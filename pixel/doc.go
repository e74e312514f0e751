// SPDX-License-Identifier: Apache-2.0

// Package pixel turns the query of a tracking pixel into the event that is
// published, or into the reason why it is rejected.
//
// It follows Segment's Tracking Pixel API and knows nothing of HTTP servers,
// brokers or logs. A [Decoder] is made once from the configuration; its Decode
// method is given the event type of the route, the raw query and the [Facts]
// of the request, and answers with an [Event] or a [Rejection].
//
// A query comes this way:
//
//	decode.go          what is read in which order
//	internal/encoding  raw query into pairs; percent-encoding and base64 undone
//	internal/params    dotted parameters into nested objects, alone or on top of data's
//	internal/layout    strict JSON; where each known field stands
//	rules.go           who and what: the rules on the fields
//	event.go           the published envelope, written once
//	mended*.go         what the strict reading refuses, with internal/mend
//
// [Decoder.Explain] tells each of these steps for one query. Package link goes the way
// back, from an object to the address of a pixel.
package pixel
