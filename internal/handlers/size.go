// SPDX-License-Identifier: Apache-2.0

package handlers

import (
	"fmt"

	"github.com/segmentpixel/caddy-segment-pixel/pixel"
)

const (
	// DefaultMaxHeaderBytes is what Caddy takes of a request without its body.
	DefaultMaxHeaderBytes = 16 << 10

	// headerSlack is what Go's HTTP server takes beyond its limit, which is no promise.
	headerSlack = 4 << 10

	// otherHeaders is what a browser sends besides the URL, or a little more. Cookies of
	// the site come on top of it.
	otherHeaders = 1536
)

// DefaultMaxEventSize is what a server with this max_header_size lets through, in bytes of
// JSON, and Segment's limit at most: no query is shorter than the JSON in it.
func DefaultMaxEventSize(maxHeaderBytes int) int {
	return min(pixel.DefaultMaxEventSize, maxHeaderBytes+headerSlack)
}

// PromisesMore tells whether max_event_size was set to more than what arrives as base64.
func PromisesMore(maxEventSize, maxHeaderBytes int) bool {
	return maxEventSize > max(DefaultMaxEventSize(maxHeaderBytes), Base64Fits(maxHeaderBytes))
}

// Base64Fits is about the largest event that arrives as base64, in bytes of JSON.
func Base64Fits(maxHeaderBytes int) int { return max(maxHeaderBytes-otherHeaders, 0) / 4 * 3 }

// SizeRemedy says what to do where max_event_size is larger than what the server lets
// through.
func SizeRemedy(maxEventSize int) string {
	needed := (maxEventSize+2)/3*4 + otherHeaders
	return fmt.Sprintf("if events are that large, write servers { max_header_size %dKiB } into the global options; "+
		"otherwise leave max_event_size out", (needed+1023)/1024)
}
