// SPDX-License-Identifier: Apache-2.0

package pixel

import "github.com/segmentpixel/caddy-segment-pixel/pixel/internal/layout"

// failure is a reason together with what helps to find the cause. Its detail
// holds offsets and names of the specification, never a part of the payload.
type failure struct {
	reason Reason
	detail string
}

func (f failure) failed() bool { return f.reason != Accepted }

// reasonOf is the reason of each fault of a JSON text.
var reasonOf = [...]Reason{
	layout.NoFault:      Accepted,
	layout.EndsEarly:    Truncated,
	layout.IsNotUTF8:    NotUTF8,
	layout.IsNotJSON:    BadJSON,
	layout.IsNotObject:  NotObject,
	layout.NestsTooDeep: TooDeep,
}

func failureOf(f layout.Fault) failure { return failure{reasonOf[f.Kind], f.Detail} }
