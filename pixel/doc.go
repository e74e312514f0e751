// SPDX-License-Identifier: Apache-2.0

// Package pixel turns the query of a tracking pixel into the event that is
// published, or into the reason why it is rejected.
//
// It follows Segment's Tracking Pixel API and knows nothing of HTTP servers,
// brokers or logs. A [Decoder] is made once from the configuration; its Decode
// method is given the event type of the route, the raw query and the [Facts]
// of the request, and answers with an [Event] or a [Rejection].
//
// The way of a query through the files of this package is:
//
//	query.go   raw query into pairs, percent-encoding undone
//	base64.go  the data parameter, with everything that mail clients do to it
//	fields.go  dotted parameters into nested objects
//	merge.go   dotted parameters on top of what data held
//	scan.go    strict JSON; where each known field stands
//	rules.go   who and what: the rules on the fields
//	event.go   the published envelope, written once
//
// [Decoder.Explain] tells each of these steps for one query, and [ComposeData] and
// [ComposeFields] go the way back, from an object to the query of a pixel.
package pixel
