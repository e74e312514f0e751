// SPDX-License-Identifier: Apache-2.0

package status

import "github.com/segmentpixel/caddy-segment-pixel/sinks/report"

// Check is one check, and what it is about.
type Check struct {
	About string `json:"about"`
	report.Check
}
